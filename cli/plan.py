"""``radar plan``: which vehicles run, and where stock stands."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli import plan_all, plan_capacity, plan_explain, plan_joint, plan_locks, plan_source, plan_stock, plan_timetable
from cli.calibration import read_calibration
from cli.console import EXIT_INCOMPLETE, known_errors, out_json, out_rows, progress, say, warn, workspace_of
from cli.forecast_basis import ForecastRun, basis_of, tell_basis
from cli.held_timetable import (
    HeldTimetable,
    LoadHours,
    TimetableOption,
    hold_timetable,
    list_held,
    load_hours,
    tell_held,
)
from cli.options import CertificateDraws, Effort, FirstDay, Json, LastDay, Seed, TimeLimit
from cli.plan_beside import Beside, find_beside, read_beside
from cli.plan_demand import TrunkRequest, choose_order, keep_request, read_demand
from cli.plan_fix import WriteFix, refuse_full_folder, write_fixes
from cli.plan_outcome import list_facts, read_plan_outcome, tell_ended, tell_outcome, warn_of_shortfalls
from cli.plan_reference import find_reference, read_reference
from cli.plan_to_risk import TargetTask, plan_to_target, tell_reached
from cli.plan_weather import list_weather, read_weather_cost, tell_weather
from cli.trunk_task import (
    TABLES,
    keep_options,
    list_hours,
    read_lane_weather,
    read_prices,
    read_rules,
    set_options,
)
from cli.words import word

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from zoneinfo import ZoneInfo

    import polars as pl

    from cli.plan_to_risk import Reached
    from data.plan_outcome import PlanOutcome
    from data.progress import Progress
    from data.runs import Run
    from data.workspace import Workspace
    from routing.stress.stress import Stressed
    from routing.trunk.plan import TrunkPlan

_MOST_CHANGES = 20  # rows shown

plans = typer.Typer(no_args_is_help=True, help="Plan trunk vehicles and stock.")


def register(app: typer.Typer) -> None:
    """Add ``radar plan``."""
    plans.command("trunk")(trunk)
    for module in (
        plan_capacity,
        plan_explain,
        plan_timetable,
        plan_locks,
        plan_stock,
        plan_joint,
        plan_source,
        plan_all,
    ):
        module.register(plans)
    app.add_typer(plans, name="plan")


@known_errors
def trunk(
    context: typer.Context,
    first: FirstDay = None,
    last: LastDay = None,
    service_level: Annotated[
        float | None,
        typer.Option("--service-level", help="Quantile of the forecast to carry; else plan.service_level."),
    ] = None,
    demand: Annotated[
        Literal["auto", "forecast", "given"],
        typer.Option(
            "--demand", help="forecast (route_forecasts), given (route_demand as loaded), auto takes what is there."
        ),
    ] = "auto",
    effort: Effort = None,
    time_limit: TimeLimit = None,
    reference: Annotated[
        str | None,
        typer.Option(
            "--reference", metavar="RUN", help="Start from this plan and stay near it: a run, or trunk (the latest)."
        ),
    ] = None,
    max_changes: Annotated[
        int | None,
        typer.Option("--max-changes", min=0, metavar="N", help="Departures that may differ from the reference."),
    ] = None,
    forecast: ForecastRun = None,
    weather: Annotated[
        bool,
        typer.Option(
            "--weather/--no-weather",
            help="--no-weather plans as if every lane were fair: the plan to hold the other against.",
        ),
    ] = True,
    risk: Annotated[
        float | None,
        typer.Option(
            "--risk",
            metavar="SHARE",
            help="Plan again, for more where hub-days overflow, until a hub overflows in at most this share of futures.",
        ),
    ] = None,
    by: Annotated[
        Literal["sorts", "days"],
        typer.Option("--by", help="sorts: by the hours of hubs that have some; days: whole days."),
    ] = "sorts",
    draws: CertificateDraws = 1000,
    sort_plan: Annotated[
        Literal["fixed", "daily", "free"] | None,
        typer.Option(
            "--sort-plan",
            help="Lanes a sort loads for a destination: one and at most one alternate, for all days (fixed) or by day (daily; else where hubs have sorts), or any (free).",
        ),
    ] = None,
    beside: Beside = None,
    write_fix: WriteFix = None,
    timetable: TimetableOption = None,
    hours: LoadHours = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Plan paths and whole vehicles for each day, with a proven lower bound of their cost.

    The search ends by its effort; a plan that --time-limit cut short says so, and does not repeat. Ctrl-C takes the best plan so far; twice leaves the workspace as it was. Exit code 3: parcels are short.

    Example: `radar plan trunk --from 2025-11-09 --to 2025-11-15 --effort 2`
    """
    workspace = workspace_of(context)
    _refuse_contradictions(reference, max_changes, risk, sort_plan, timetable)
    refuse_full_folder(write_fix)
    request = TrunkRequest(
        first, last, service_level, demand, time_limit, effort, seed, reference, max_changes, forecast, weather, risk, by, draws,
        sort_plan, timetable, beside,
    )  # fmt: skip
    if timetable is not None and hours:
        load_hours(workspace, timetable)
    reached: list[Reached] = []
    held: list[HeldTimetable] = []
    with progress("trunk plan") as bar:
        run_id, plan = make_trunk_plan(workspace, request, bar, reached.append, held.append)
    if json:
        out_json(_list_trunk_plan(workspace, run_id, plan, reached, held))
    else:
        _print_trunk_plan(workspace, run_id, plan, reached, held)
    if write_fix is not None:
        write_fixes(plan, write_fix, workspace.settings.workspace.zone)
    if plan.short:
        raise typer.Exit(EXIT_INCOMPLETE)


def _list_trunk_plan(
    workspace: Workspace, run_id: str, plan: TrunkPlan, reached: Sequence[Reached], held: Sequence[HeldTimetable]
) -> dict[str, object]:
    """List what ``--json`` tells of a plan, with a target of risk and a timetable where they were asked for."""
    outcome, under = read_plan_outcome(workspace, run_id), read_weather_cost(workspace, run_id)
    found = _list_found(run_id, plan, outcome, basis_of(workspace, run_id)) | list_weather(workspace, run_id, under)
    found |= {"timetable": list_held(held[0], plan)} if held else {}
    found |= {"calibration": read_calibration(workspace, plan.plan_certificates["draws_run"][0])}
    return found | ({"risk_target": reached[0].facts()} if reached else {})


def _print_trunk_plan(
    workspace: Workspace, run_id: str, plan: TrunkPlan, reached: Sequence[Reached], held: Sequence[HeldTimetable]
) -> None:
    """Print the same."""
    zone = workspace.settings.workspace.zone
    _print_plan(run_id, plan, read_plan_outcome(workspace, run_id), _calibration_of(workspace, plan), zone)
    if held:
        tell_held(list_held(held[0], plan), zone.key)
    for line in (line for one in reached for line in tell_reached(one)):
        say(line)
    tell_basis(workspace, run_id)
    for line in tell_weather(workspace, run_id, read_weather_cost(workspace, run_id)):
        say(line)


def _refuse_contradictions(
    reference: str | None, max_changes: int | None, risk: float | None, sort_plan: str | None, timetable: str | None
) -> None:
    """Refuse options that do not go together, and a risk that is none."""
    from data.errors import RadarError

    if timetable is not None and (reference is not None or risk is not None):
        other = "--reference" if reference is not None else "--risk"
        raise RadarError(f"--timetable with {other}", "one of the two", "leave the other out")
    if max_changes is not None and reference is None and timetable is None:
        raise RadarError("--max-changes without a plan to count from", "--reference RUN as well", "see `radar runs`")
    if max_changes is not None and sort_plan not in (None, "free"):
        raise RadarError(
            f"--sort-plan {sort_plan} with --max-changes",
            "changes counted, or lanes ordered",
            "leave one of the two out",
        )
    if risk is not None and not 0 < risk < 1:
        raise RadarError(f"a risk of {risk:g}", "a share between 0 and 1, such as 0.02")


def _list_found(run_id: str, plan: TrunkPlan, outcome: PlanOutcome, basis: dict[str, object]) -> dict[str, object]:
    """What ``--json`` says of a plan and of what it stands on."""
    from routing.trunk.replan.reference_plan import count_changes

    found = {"run_id": run_id, **plan.plan_certificates.to_dicts()[0], **basis, **list_facts(outcome)}
    found |= {"waiting": outcome.waiting.to_dicts(), "shortfalls": plan.shortfalls.to_dicts()}
    if plan.order_cost is not None:
        found |= {"sort_plan_rows": plan.sort_plans.height, "sort_plan_cost": plan.order_cost}
    if plan.changes is not None:
        found |= {"departures_changed": count_changes(plan.changes), "changes": plan.changes.to_dicts()}
    return found


def make_trunk_plan(
    workspace: Workspace,
    request: TrunkRequest,
    bar: Progress,
    keep: Callable[[Reached], None] | None = None,
    keep_held: Callable[[HeldTimetable], None] | None = None,
) -> tuple[str, TrunkPlan]:
    """Plan the trunk and write the plan as one run.

    Parameters
    ----------
    workspace
        Where the tables are.
    request
        Days, service level, demand, effort, time limit, seed.
    bar
        Told how far it is.
    keep
        Given what was reached of a target of risk.
    keep_held
        Given a timetable as it was held against the demand.

    Returns
    -------
    run_id, plan
        The run, and the plan as tables, its ``violations`` counted by the independent checker.
    """
    from cli.closure_scenarios import lay_weather
    from cli.plan_risk import add_risk, forecasts_of, judge_risk
    from data.plan_outcome import read_outcome
    from routing.checker.trunk import check_trunk
    from routing.checker.violations import count_broken
    from routing.trunk.plan import plan_trunk
    from routing.trunk.task.inputs import TrunkInputs

    settings = workspace.settings.plan
    level = settings.service_level if request.service_level is None else request.service_level
    options = set_options(
        workspace.settings,
        effort=request.effort,
        time_limit=request.time_limit,
        seed=request.seed,
        sort_plan=choose_order(workspace, request),
    )
    near = None if request.reference is None else find_reference(workspace, request.reference)
    beside = find_beside(workspace, request.beside)
    chosen = {"service_level": level, "reference": near, "beside": beside}
    run_options = keep_request(request) | keep_options(options) | chosen
    with workspace.run("plan trunk", run_options, request.seed) as run:
        tables = {name: run.read(name) for name in (*TABLES, *list_hours(request.by))}
        under, seen = read_lane_weather(run, weather=request.weather)
        tables |= under
        run.options = run_options = {**run_options, **seen}
        tables["route_demand"] = read_demand(run, request, level)
        tables |= read_beside(run, tables, options, beside)
        kept_near = read_reference(run, near, request.max_changes)
        if request.timetable is not None:
            held = hold_timetable(workspace, request.timetable, TrunkInputs.gather(tables), options, bar)
            kept_near = held.reference(request.max_changes)
            if keep_held is not None:
                keep_held(held)

        def make(demand: pl.DataFrame) -> TrunkPlan:
            return plan_trunk(TrunkInputs.gather({**tables, "route_demand": demand}), options, bar, kept_near)

        plan = make(tables["route_demand"])
        prices = read_prices(run_options)
        rules = read_rules(run_options, options.time_zone)
        if request.risk is not None:
            task = TargetTask(tables, make, forecasts_of(run), settings, options, request.risk, request.seed)
            reached = plan_to_target(task, plan, bar)
            plan, tables["route_demand"] = reached.plan, reached.demand
            if keep is not None:
                keep(reached)
        checked = check_trunk({**tables, **plan.tables()}, **prices, rules=rules)
        plan = plan.with_violations(count_broken(checked.violations))
        risk, played = judge_risk(
            lay_weather(workspace, {**tables, **plan.tables()}),
            forecasts_of(run),
            settings,
            options,
            request.seed,
            bar,
            request.draws,
        )
        plan = replace(plan, plan_certificates=add_risk(plan.plan_certificates, risk))
        _append(run, plan, played)
        run.outcome = "shortfalls" if plan.short else "done"
        outcome = read_outcome({**tables, **plan.tables()}, options.short_cost)
        run.message = tell_plan(outcome, plan)
    return run.run_id, plan


def _append(run: Run, plan: TrunkPlan, played: Stressed | None) -> None:
    """Append the tables of a plan, and what its play on draws of the forecast showed."""
    for name, frame in plan.tables().items():
        run.append(name, frame)
    run.append("hub_prices", plan.hub_prices)
    if played is not None:
        run.append("stress_results", played.results)
        run.append("stress_summaries", played.summaries)


def tell_plan(outcome: PlanOutcome, plan: TrunkPlan) -> str:
    """Tell a plan in a sentence: its outcome, the day by which all is sorted, what changed against a reference, what ended the search."""
    text = tell_outcome(outcome)
    done = plan.trunk_flows["completed_on"].max()
    parts = [text if done is None else word("outcome.sorted_by", told=text, day=done)]
    parts += [_tell_order(outcome, plan)] if plan.order_cost is not None else []
    parts += [plan.change_summary] if plan.change_summary else []
    return word("outcome.stop").join([*parts, tell_ended(plan.ended_by)])


def _tell_order(outcome: PlanOutcome, plan: TrunkPlan) -> str:
    """Tell what the sort plan costs and leaves short more than the plan found before lanes were ordered, and costs by the bound at most."""
    more = plan.order_cost or 0.0
    kind = "outcome.order" if round(more) >= 0 else "outcome.order_cheaper"
    parts = [word(kind, rows=f"{plan.sort_plans.height:,}", more=f"{abs(more):,.0f}")]
    if plan.order_short > 0:
        parts.append(word("outcome.order_short", short=f"{plan.order_short:,}"))
    # where parcels are short the bound holds the price put on them: what carrying costs may have no bound of its own
    if outcome.bound > 0:
        parts.append(word("outcome.order_most", most=f"{outcome.cost - outcome.bound:,.0f}"))
    return word("outcome.comma").join(parts)


def _calibration_of(workspace: Workspace, plan: TrunkPlan) -> str | None:
    """Say how far the plan's probability can be read as one, None where it has none or the draws pass."""
    from cli.calibration import find_calibration, tell_calibration

    certificate = plan.plan_certificates.row(0, named=True)
    if certificate["overflow_probability"] is None:
        return None
    return tell_calibration(find_calibration(workspace, certificate["draws_run"]))


def _tell_hours(changes: pl.DataFrame, zone: ZoneInfo) -> pl.DataFrame:
    """Hours of departures by the clock of the workspace."""
    import polars as pl

    if "leaves_at" not in changes.columns:
        return changes
    return changes.with_columns(pl.col("leaves_at").dt.convert_time_zone(zone.key).dt.strftime("%m-%d %H:%M"))


def _print_plan(run_id: str, plan: TrunkPlan, outcome: PlanOutcome, calibration: str | None, zone: ZoneInfo) -> None:
    import polars as pl

    from cli.plan_risk import tell_risk
    from data.hub_load import sum_sorts

    warn_of_shortfalls(outcome)
    say(f"{run_id}: {tell_plan(outcome, plan)}.")
    broken = plan.plan_certificates["violations"][0]
    if broken:
        warn(f"The checker finds {broken} violations: see `radar verify {run_id}`.")
    out_rows(pl.DataFrame([{"status": plan.plan_certificates["status"][0]} | list_facts(outcome)]), json=False)
    say(tell_risk(plan.plan_certificates.row(0, named=True)))
    if calibration is not None:
        say(calibration)
    days = plan.trunk_departures.group_by("date").agg(
        departures=pl.col("departures").sum(), lanes=pl.col("lane_id").n_unique(), cost=pl.col("cost").sum()
    )
    loads = (
        sum_sorts(plan.hub_loads)
        .group_by("date")
        .agg(handled=pl.col("handled").sum(), held=pl.col("held").sum(), fullest=pl.col("utilisation").max())
    )
    by_day = loads.join(days, on="date", how="left").with_columns(pl.col("departures", "lanes", "cost").fill_null(0))
    out_rows(by_day.sort("date"), json=False, title="By day")
    if plan.changes is not None and plan.changes.height:
        out_rows(_tell_hours(plan.changes.head(_MOST_CHANGES), zone), json=False, title="Changed against the reference")
        if plan.changes.height > _MOST_CHANGES:
            say(f"{plan.changes.height - _MOST_CHANGES:,} more rows; --json prints all.")
    if plan.short:
        warn(word("outcome.largest"))
        columns = ["date", "origin_hub_id", "destination_hub_id", "parcels", "reason", "binding", "cheapest_fix"]
        out_rows(plan.shortfalls.sort("parcels", descending=True).head(10), json=False, columns=columns)
