"""``radar playbook`` and ``radar drill``: what to do about incidents, ranked, and whether it holds on today's plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.calibration import read_calibration
from cli.console import known_errors, out_json, out_rows, progress, say, warn, workspace_of
from cli.options import EngineName, Json, Language, Seed, engine_of
from cli.words import word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.answer_plans import NearPlanner
    from data.runs import Run
    from data.workspace import Workspace
    from routing.stress.incidents import Scenario
    from routing.stress.playbook import Risked, Room

PlanArgument = Annotated[
    str, typer.Argument(metavar="PLAN", help="A trunk plan's run (see `radar runs`), or trunk for the latest.")
]
Draws = Annotated[int, typer.Option("--draws", metavar="N", help="Futures each answer is played on.")]
Scenarios = Annotated[
    Path | None,
    typer.Option("--scenarios", metavar="FILE", help="Incidents as TOML; else each row of the table incidents."),
]
MaxChanges = Annotated[
    int,
    typer.Option(
        "--max-changes", min=0, metavar="N", help="Departures that planning anew may change; 0 leaves it out."
    ),
]


def register(app: typer.Typer) -> None:
    """Add both commands."""
    app.command("playbook")(playbook)
    app.command("drill")(drill)


@known_errors
def playbook(
    context: typer.Context,
    plan: PlanArgument = "trunk",
    scenarios: Scenarios = None,
    names: Annotated[
        list[str] | None,
        typer.Option("--scenario", metavar="NAME", help="One of them; A+B for both at once. Repeat it for more."),
    ] = None,
    draws: Draws = 250,
    max_changes: MaxChanges = 30,
    lang: Language = None,
    engine: EngineName = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Rank what can be done about each scenario: every answer is played on draws of the forecast and priced.

    Answers: extra sorting, more hired vehicles, another way, holding back, rail, goods placed ahead, planning anew near the plan.
    A card to print is written for each language.

    Example: `radar playbook --scenarios scenarios.toml --lang zh,en`
    """
    from cli.scenarios import choose_scenarios
    from data.errors import RadarError
    from routing.stress.playbook import tabulate_playbook, write_playbooks

    workspace = workspace_of(context)
    cases = choose_scenarios(workspace, scenarios, names)
    if not cases:
        raise RadarError(
            "no scenario to answer", "--scenarios FILE, or rows of the table incidents", "see docs/how-to/incidents.md"
        )
    working = engine_of(workspace, engine)
    table = _Table.open(workspace, plan, cases, draws, max_changes, seed)
    cases = table.cases
    if not cases:
        days = table.room.layout.dates
        raise RadarError(
            "no scenario on the days played", f"incidents from {days[0]} to {days[-1]}", "correct their days"
        )
    run_options = {
        "plan": table.plan,
        "draws": draws,
        "scenarios": [case.name for case in cases],
        "max_changes": max_changes,
    }
    with progress("Playbook") as bar, workspace.run("playbook", run_options, seed) as run:
        run.results("route_forecasts", table.forecast)  # what the draws are of stands in the run
        ranked = write_playbooks(table.room, cases, table.planner, working, bar)
        frames = [tabulate_playbook(case, ranked[case.name]) for case in cases]
        for frame in frames:
            run.append("playbooks", frame)
        run.message = word("playbook.told", n=len(cases), plan=table.plan)
    cards = _write_cards(workspace, run, cases, frames, lang)
    rows = [row for frame in frames for row in frame.to_dicts()]
    if json:
        answer = {"run_id": run.run_id, "plan": table.plan, "draws": draws, "answers": rows, "cards": cards}
        out_json(answer | {"calibration": read_calibration(workspace, table.forecast)})
        return
    _print_answers(run.run_id, table.plan, rows, cards)
    _tell_calibration(workspace, table.forecast)


@known_errors
def drill(
    context: typer.Context,
    plan: PlanArgument = "trunk",
    scenarios: Scenarios = None,
    most: Annotated[
        int, typer.Option("--most", min=1, metavar="N", help="Scenarios rehearsed for likelihood x harm.")
    ] = 5,
    coverage: Annotated[
        float,
        typer.Option(
            "--coverage",
            min=0.0,
            max=1.0,
            help="Share of the parcels whose hubs and lanes must be rehearsed; more scenarios are added until it is met.",
        ),
    ] = 0.9,
    draws: Draws = 100,
    max_changes: MaxChanges = 0,
    engine: EngineName = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Rehearse the likeliest and most harmful incidents on today's plan and say what held.

    Beside the workspace's own scenarios stand closures the weather makes possible, each hub shut, each road closed, each train late,
    vehicles that do not come, and more volume. An answer held when it brings the probability of an overflow back to what it is
    without the incident, within the draws' error. Exit code 3: something did not hold, or less is covered than asked.

    Example: `radar drill --most 8`
    """
    from cli.console import EXIT_INCOMPLETE
    from cli.scenarios import choose_scenarios
    from routing.stress.catalogue import list_likely
    from routing.stress.playbook import choose, rehearse, tabulate_playbook, weigh, write_playbooks

    workspace = workspace_of(context)
    own = choose_scenarios(workspace, scenarios, None)
    working = engine_of(workspace, engine)
    table = _Table.open(workspace, plan, own, draws, max_changes, seed)
    likely = list_likely(
        table.room.tables, table.cases, workspace.results("lane_closures"), workspace.settings.workspace.zone
    )
    run_options = {"plan": table.plan, "draws": draws, "most": most, "coverage": coverage, "max_changes": max_changes}
    with progress("Drill") as bar, workspace.run("drill", run_options, seed) as run:
        run.results("route_forecasts", table.forecast)
        chosen: Sequence[Risked] = choose(weigh(table.room, likely, working, bar), table.room.tables, most, coverage)
        cases = [one.scenario for one in chosen]
        ranked = write_playbooks(table.room, cases, table.planner, working, bar)
        drilled = rehearse(table.room, table.plan, chosen, ranked)
        run.append("drills", drilled)
        for one in chosen:
            run.append("playbooks", tabulate_playbook(one.scenario, ranked[one.scenario.name]))
        held, covered = int(drilled["held"].sum()), float(drilled["covered"][-1])
        run.message = word("drill.told", n=drilled.height, held=held, covered=f"{covered:.0%}", plan=table.plan)
        short = held < drilled.height or covered < coverage
        run.outcome = "shortfalls" if short else "done"
    if json:
        out_json(
            {
                "run_id": run.run_id,
                "plan": table.plan,
                "weighed": len(likely),
                "rehearsed": drilled.height,
                "held": held,
                "covered": covered,
                "drills": drilled.to_dicts(),
                "calibration": read_calibration(workspace, table.forecast),
            }
        )
    else:
        say(f"{run.run_id}: {run.message}")
        columns = ["scenario", "likelihood", "harm", "overflow_before", "overflow_probability"]
        out_rows(drilled, json=False, columns=[*columns, "answer", "overflow_answered", "held", "covered"])
        _tell_calibration(workspace, table.forecast)
        if covered < coverage:
            warn(word("drill.uncovered", covered=f"{covered:.0%}", wanted=f"{coverage:.0%}"))
    if short:
        raise typer.Exit(EXIT_INCOMPLETE)


@dataclass(frozen=True)
class _Table:
    """A plan with all that answers to scenarios need; ``cases`` are those that touch the days played."""

    plan: str
    forecast: str
    room: Room
    planner: NearPlanner | None
    cases: tuple[Scenario, ...]

    @classmethod
    def open(
        cls,
        workspace: Workspace,
        plan: str,
        cases: Sequence[Scenario],
        draws: int,
        max_changes: int,
        seed: int,
    ) -> _Table:
        from cli.answer_plans import EFFORT, NearPlanner
        from cli.closure_scenarios import lay_weather
        from cli.past_plans import find_plan, read_trunk_plan
        from cli.plan_risk import lay_out_plan
        from cli.scenarios import describe_surroundings, warn_of_beyond
        from cli.stress import find_forecast
        from cli.trunk_task import read_options
        from data.errors import RadarError
        from routing.stress.layout import Prices
        from routing.stress.playbook import Room
        from routing.stress.stress import DRAWS, StressOptions, check_scenarios

        if not 1 <= draws <= DRAWS.most:
            raise RadarError(f"{draws:,} draws", f"1 to {DRAWS.most:,}", "100 to 500 are enough to rank answers")
        run_id, kind = find_plan(workspace, plan)
        if kind not in ("trunk", "joint"):
            raise RadarError(f"{run_id}, a {kind} plan", "a trunk plan", "see `radar runs`")
        tables, made_at = read_trunk_plan(workspace, run_id)
        tables = lay_weather(workspace, tables)
        settings = workspace.settings.plan
        costs = read_options(made_at)
        source = find_forecast(workspace, run_id, None)
        ready = lay_out_plan(
            tables, lambda level: workspace.results(f"{level}_forecasts", source), settings, costs, draws, seed
        )
        around = describe_surroundings(workspace, ready.source, tuple(cases))
        options = StressOptions(draws=draws, seed=seed)
        check_scenarios(cases, ready.layout, around)
        cases = warn_of_beyond(ready.layout, cases)
        demand = ready.source.draw(0, draws)
        demand = demand * ~ready.layout.stranded
        room = Room(
            tables,
            ready.layout,
            demand,
            Prices(costs.hold_cost, costs.late_cost, settings.idle_cost_share, costs),
            around,
            options,
            settings.extra_sort_cost,
        )
        if not max_changes:
            return cls(run_id, source, room, None, cases)
        limits = replace(costs, effort=EFFORT, seed=seed)
        return cls(run_id, source, room, NearPlanner(tables, ready.layout, around, limits, max_changes), cases)


def _tell_calibration(workspace: Workspace, forecast: str) -> None:
    from cli.calibration import find_calibration, tell_calibration

    sentence = tell_calibration(find_calibration(workspace, forecast))
    if sentence is not None:
        say(sentence)


def _write_cards(
    workspace: Workspace, run: Run, cases: Sequence[Scenario], frames: Sequence[Any], lang: str | None
) -> list[str]:
    from cli.past_plans import run_facts
    from data.exports import whole_file
    from data.language import default_languages
    from reports.page import languages
    from reports.playbook_card import Card, write_cards

    hubs, zone = workspace.read("hubs"), workspace.settings.workspace.zone
    facts = run_facts(workspace, run.run_id)
    cards = [
        Card(case.name, [vars(one) for one in case.incidents], frame.to_dicts())
        for case, frame in zip(cases, frames, strict=True)
    ]
    files = []
    for language in languages(lang or default_languages()):
        file = workspace.folder / "reports" / f"{run.run_id}-{language}.html"
        with whole_file(file, make_folder=True, action="see to the folder") as partial:
            partial.write_text(write_cards(cards, hubs, facts, language, zone), encoding="utf-8")
        files.append(str(file))
    return files


def _print_answers(run_id: str, plan: str, rows: list[dict[str, Any]], cards: list[str]) -> None:
    import polars as pl

    from routing.stress.probability import Probability

    say(f"{run_id}: {word('playbook.told', n=len({row['scenario'] for row in rows}), plan=plan)}")
    shown = pl.DataFrame(
        [
            row
            | {"overflow": Probability(row["overflow_probability"], row["overflow_low"], row["overflow_high"]).tell()}
            for row in rows
        ],
        infer_schema_length=None,
    )
    columns = ["scenario", "rank", "answer", "place", "notice_hours", "overflow", "expected_overflow", "late"]
    out_rows(shown, json=False, columns=[*columns, "price", "cost_change"])
    for file in cards:
        say(file)
