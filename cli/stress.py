"""``radar stress``: a plan on draws of the forecast and on named incidents."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.console import known_errors, out_json, out_rows, progress, say, warn, workspace_of
from cli.options import EngineName, Json, Seed, engine_of

if TYPE_CHECKING:
    from cli.plan_risk import PlanOnDraws
    from data.runs import Run
    from data.workspace import Workspace
    from routing.stress.capacity import Capacity
    from routing.stress.policies import Policy
    from routing.stress.stress import Stressed

_SHOWN = 12  # hub-days printed
# Futures on which capacity is sought: on 250 what is found reaches 1.5 % there and 4.8 % on others
# (fitted: `radar stress --draws 250 --policy spot --risk 0.02` on the sample).
_ASK_DRAWS = 1000


PlayedWeather = Annotated[
    str | None,
    typer.Option(
        "--weather",
        metavar="RUN",
        help="Play under the lane weather of this `weather impact` or `weather apply`, whatever the plan was made for.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add ``radar stress``."""
    app.command("stress")(stress)


@known_errors
def stress(
    context: typer.Context,
    plan: Annotated[
        str, typer.Argument(metavar="PLAN", help="A trunk plan's run (see `radar runs`), or trunk for the latest.")
    ] = "trunk",
    draws: Annotated[
        int, typer.Option("--draws", metavar="N", help="Most futures; fewer when the interval is within a point.")
    ] = 2000,
    policy: Annotated[
        list[str] | None,
        typer.Option(
            "--policy",
            help="What dispatchers may do: rigid, alternates, spot, gate, unlimited; spot:0.3 sets the share of a hub's "
            "departures. Repeat it for more; the first decides when drawing stops. Else spot, rigid, unlimited.",
        ),
    ] = None,
    scenarios: Annotated[
        Path | None,
        typer.Option("--scenarios", metavar="FILE", help="Incidents as TOML; else each row of the table incidents."),
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Option("--scenario", metavar="NAME", help="One of them; A+B for both at once. Repeat it for more."),
    ] = None,
    closures: Annotated[
        float | None,
        typer.Option(
            "--closures",
            metavar="SHARE",
            help="Also play the weather that closes lanes at least this likely, each cause as if it came and all as likely as they are (lane_closures of the latest impact).",
        ),
    ] = None,
    forecast: Annotated[
        str | None, typer.Option("--forecast", metavar="RUN", help="Draw from this forecast, not the plan's own.")
    ] = None,
    weather: PlayedWeather = None,
    target: Annotated[
        float | None,
        typer.Option(
            "--risk",
            metavar="SHARE",
            help="Also say what sorting capacity and vehicles on call to ask for so that only this share of futures overflows.",
        ),
    ] = None,
    engine: EngineName = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Say how likely each hub overflows, where sorters and where trucks lack, and what incidents would do.

    A draw is a whole future of all routes. The plan is played on it by rules: sort, planned vehicles, other lanes, vehicles called.

    Example: `radar stress trunk --draws 1000 --policy spot --scenarios scenarios.toml`
    """
    from cli.calibration import find_calibration, tell_calibration
    from cli.closure_scenarios import planned_span, read_closures
    from cli.scenarios import choose_scenarios, describe_surroundings, warn_of_beyond
    from routing.stress.policies import DEFAULT, RIGID, UNLIMITED, Policy
    from routing.stress.stress import StressOptions, stress_plan
    from routing.stress.to_tables import tabulate_draws

    workspace = workspace_of(context)
    _refuse_senseless(draws, target)
    run_id = _find_trunk_plan(workspace, plan)
    policies = tuple(Policy.parse(one) for one in policy) if policy else (DEFAULT, RIGID, UNLIMITED)
    cases = choose_scenarios(workspace, scenarios, names)
    cases += () if closures is None else read_closures(workspace, closures, planned_span(workspace, run_id))
    source = find_forecast(workspace, run_id, forecast)
    asked_for = {"draws": draws, "forecast": source, "weather": weather, "risk": target}
    named = {"policies": [one.name for one in policies], "scenarios": [case.name for case in cases]}
    run_options = {"plan": run_id, **asked_for, **named}
    options = StressOptions(draws=draws, policies=policies, scenarios=cases, seed=seed)
    with progress("Stress test") as bar, workspace.run("stress", run_options, seed) as run:
        ready = _lay_out(workspace, run, run_id, source, options, weather)
        around = describe_surroundings(workspace, ready.source, cases)
        warn_of_beyond(ready.layout, cases)
        found = stress_plan(ready.layout, ready.source.draw, options, around, bar, engine_of(workspace, engine))
        run.append("stress_results", found.results)
        run.append("stress_summaries", found.summaries)
        run.append("demand_draws", tabulate_draws(ready.layout, found.demand))
        run.message = f"plan {run_id}: {_sum_up(found)}"
        asked = None if target is None else _ask(workspace, ready, found, policies[0], target)
    seen = find_calibration(workspace, source)
    if json:
        runs = {"run_id": run.run_id, "plan": run_id, "draws": found.draws, "draws_run": source}
        out_json(
            runs
            | {
                "summaries": found.summaries.to_dicts(),
                "results": found.results.to_dicts(),
                "capacity": None if asked is None else asked.facts(),
                "calibration": None if seen is None else seen.facts(),
            }
        )
        return
    _print_stress(run.run_id, found, tell_calibration(seen))
    if asked is not None and target is not None:
        _print_asks(asked, target)


def _refuse_senseless(draws: int, target: float | None) -> None:
    from data.errors import RadarError
    from routing.stress.stress import DRAWS

    if not 1 <= draws <= DRAWS.most:
        raise RadarError(f"{draws:,} draws", f"1 to {DRAWS.most:,}", "1,000 to 2,000 are enough for a point")
    if target is not None and not 0 < target < 1:
        raise RadarError(f"a risk of {target:g}", "a share between 0 and 1, such as 0.02")


def _find_trunk_plan(workspace: Workspace, named: str) -> str:
    from cli.past_plans import find_plan
    from data.errors import RadarError

    run_id, kind = find_plan(workspace, named)
    if kind not in ("trunk", "joint"):
        raise RadarError(f"{run_id}, a {kind} plan", "a trunk plan", "see `radar runs`")
    return run_id


def _lay_out(
    workspace: Workspace, run: Run, run_id: str, source: str, options: Any, weather: str | None
) -> PlanOnDraws:
    from cli.closure_scenarios import lay_weather
    from cli.past_plans import read_trunk_plan
    from cli.plan_risk import lay_out_plan
    from cli.trunk_task import read_options

    tables, made_at = read_trunk_plan(workspace, run_id)
    tables = lay_weather(workspace, tables, weather)
    return lay_out_plan(
        tables,
        lambda level: run.results(f"{level}_forecasts", source),
        workspace.settings.plan,
        read_options(made_at),
        options.draws,
        options.seed,
    )


def _ask(workspace: Workspace, ready: PlanOnDraws, found: Stressed, policy: Policy, target: float) -> Capacity:
    """Find the capacity on draws of its own, enough not to fit a few of them, and judge it on as many others."""
    from routing.stress.capacity import ask_capacity
    from routing.stress.relief import AskPrices
    from routing.stress.stress import StressOptions

    settings = workspace.settings.plan
    prices = AskPrices(settings.extra_sort_cost, settings.idle_cost_share)
    count = max(found.draws, _ASK_DRAWS)
    # both without what no lanes lead for, as the plays before
    fit, judge = (ready.source.draw_fresh(count, turn) * ~ready.layout.stranded for turn in (2, 1))
    return ask_capacity(ready.layout, fit, judge, policy, target, prices, StressOptions().strata)


def _print_asks(asked: Capacity, target: float) -> None:
    import polars as pl

    from cli.plan_to_risk import tell_capacity

    if asked.asks:
        out_rows(pl.DataFrame([asdict(ask) for ask in asked.asks]), json=False, title="What to ask for")
    for line in tell_capacity(asked, target):
        say(line)


def find_forecast(workspace: Workspace, plan: str, named: str | None) -> str:
    """Return the forecast a plan stands on, without one the latest finished before it, or another that was asked for."""
    import polars as pl

    from data.errors import RadarError

    runs = workspace.read("runs")
    made = runs.row(by_predicate=pl.col("run_id") == plan, named=True)
    before = set(runs.filter(pl.col("ended_at") <= made["started_at"])["run_id"])
    writers = workspace.writers("route_forecasts")
    own = [made["forecast_run"]] if made["forecast_run"] in writers else [run for run in writers if run in before]
    if named is not None:
        if named not in writers:
            known = ", ".join(writers[-5:]) or "none yet"
            raise RadarError(f"no forecast {named}", f"one of {known}", "see `radar runs`")
        if not own or named != own[-1]:
            warn(
                f"The draws are of {named}; plan {plan} was made when {own[-1] if own else 'no forecast'} was the latest."
            )
        return named
    if not own:
        raise RadarError(
            f"no forecast older than plan {plan} to draw from",
            action="run `radar forecast`, plan again, or set --forecast RUN",
        )
    return own[-1]


def _sum_up(found: Stressed) -> str:
    from routing.stress.incidents import BASE

    (_, policy), probability = next((key, value) for key, value in found.probabilities.items() if key[0] == BASE.name)
    return f"a hub overflows in {probability.tell()} of {found.draws:,} futures ({policy})"


def _print_lacks(found: Stressed) -> None:
    import polars as pl

    from data.hub_lacks import tell_lacks
    from routing.stress.incidents import BASE
    from routing.stress.policies import RIGID, UNLIMITED

    base = found.results.filter(pl.col("scenario") == BASE.name)
    if {RIGID.name, UNLIMITED.name} <= set(base["policy"]):
        lacks = tell_lacks(base, RIGID.name, UNLIMITED.name)
        if lacks.height:
            out_rows(lacks.head(_SHOWN), json=False, title="Hub-days that lack sorters or vehicles")


def _print_stress(run_id: str, found: Stressed, calibration: str | None) -> None:
    import polars as pl

    from routing.stress.probability import Probability

    def tell(row: dict[str, Any]) -> str:
        return Probability(row["overflow_probability"], row["overflow_low"], row["overflow_high"]).tell()

    say(f"{run_id}: {_sum_up(found)}.")
    if calibration is not None:
        say(calibration)
    if found.stranded:
        warn(f"{found.stranded:,.1f} parcels a future lead where no lanes go; they are set apart.")
    columns = ["scenario", "policy", "overflow", "expected_overflow", "cost_mean", "cost_q90", "late", "spot", "fill"]
    rows = found.summaries.with_columns(
        overflow=pl.Series([tell(row) for row in found.summaries.to_dicts()], dtype=pl.String)
    )
    out_rows(rows, json=False, columns=columns, title="By scenario and policy")
    _print_lacks(found)
    worst = found.results.filter(pl.col("overflow_probability") > 0)
    if worst.is_empty():
        return
    worst = worst.sort("overflow_probability", descending=True).head(_SHOWN)
    worst = worst.with_columns(overflow=pl.Series([tell(row) for row in worst.to_dicts()], dtype=pl.String))
    columns = ["scenario", "policy", "date", "hub_id", "sort_id", "overflow", "overflow_if_over", "drain_hours"]
    out_rows(worst, json=False, columns=columns, title="Hub-days most likely to overflow")
