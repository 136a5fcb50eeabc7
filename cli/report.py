"""``radar report``: forecasts and plans as pages that open without a network."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.console import known_errors, out_json, out_text, progress, workspace_of
from cli.options import Json, Language
from cli.report_weather import latest_before, name_warnings, read_basis, read_weather_in, read_weather_seen
from data.errors import RadarError
from data.language import default_languages

if TYPE_CHECKING:
    from datetime import date

    import polars as pl

    from data.closings import Closing
    from data.workspace import Workspace
    from reports.forecast_inputs import ForecastInputs
    from reports.formats import Language as LanguageName
    from reports.hub_sheets import SheetInputs
    from reports.plan_inputs import PlanInputs
    from reports.run_facts import RunFacts

RunId = Annotated[
    str | None,
    typer.Option("--run", metavar="RUN_ID", help="The run to show (see `radar runs`); by default the latest."),
]
OutFile = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="File to write; by default reports/RUN-LANGUAGE.html in the workspace."),
]

report_app = typer.Typer(
    name="report",
    help="Forecasts and plans as pages for people: one self-contained HTML file each.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add ``radar report``."""
    app.add_typer(report_app)


@report_app.command("forecast")
@known_errors
def report_forecast(
    context: typer.Context, run: RunId = None, lang: Language = None, out: OutFile = None, json: Json = False
) -> None:
    """Write the forecast report: the peak, hubs, routes and outlets against capacity, and how far to trust it.

    Example: `radar report forecast --lang en --out peak.html`
    """
    from reports.forecast_report import write_forecast_report
    from reports.page import languages

    chosen = languages(lang or default_languages())
    with progress("Forecast report") as bar:
        bar.step(0, len(chosen) + 1, "reading")
        inputs = read_forecast_inputs(workspace_of(context), run)
        pages = _write_pages(
            inputs.run.run_id, chosen, lambda name: write_forecast_report(inputs, name), out, context, bar.step
        )
    _tell(pages, json)


@report_app.command("plan")
@known_errors
def report_plan(
    context: typer.Context, run: RunId = None, lang: Language = None, out: OutFile = None, json: Json = False
) -> None:
    """Write the plan report: cost, bound and verdict, vehicles, hubs by day, lanes, shortfalls, weather.

    Example: `radar report plan --run plan-trunk-0007`
    """
    from reports.page import languages
    from reports.plan_report import write_plan_report

    chosen = languages(lang or default_languages())
    with progress("Plan report") as bar:
        bar.step(0, len(chosen) + 1, "reading")
        inputs = read_plan_inputs(workspace_of(context), run)
        pages = _write_pages(
            inputs.run.run_id, chosen, lambda name: write_plan_report(inputs, name), out, context, bar.step
        )
    _tell(pages, json)


@report_app.command("sheets")
@known_errors
def report_sheets(
    context: typer.Context,
    hub: Annotated[
        list[str] | None, typer.Option("--hub", metavar="HUB", help="A hub to write sheets for; by default every hub.")
    ] = None,
    run: RunId = None,
    lang: Language = None,
    out: OutFile = None,
    json: Json = False,
) -> None:
    """Write the sheets of hubs for printing: what each sort loads for each destination, departures and arrivals by the hour.

    Example: `radar report sheets --hub WUH --lang zh,en`
    """
    from reports.hub_sheets import write_sheets
    from reports.page import languages

    chosen = languages(lang or default_languages())
    with progress("Hub sheets") as bar:
        bar.step(0, len(chosen) + 1, "reading")
        inputs = _read_sheets(workspace_of(context), run, hub or [])
        name = f"{inputs.run.run_id}-sheets"
        pages = _write_pages(name, chosen, lambda language: write_sheets(inputs, language), out, context, bar.step)
    _tell([page | {"run_id": inputs.run.run_id} for page in pages], json)


def _read_sheets(workspace: Workspace, run_id: str | None, hubs: list[str]) -> SheetInputs:
    """Read what sheets are made from, the tables as the run saw them."""
    from reports.hub_sheets import SheetInputs

    run = _run(workspace, "trunk_departures", run_id, "radar plan trunk")
    seen = {name: _as_seen(workspace, name, run) for name in ("hubs", "lanes", "vehicle_types")}
    known = seen["hubs"]["hub_id"].sort().to_list()
    unknown = [name for name in hubs if name not in known]
    if unknown:
        raise RadarError(f"no hub {unknown[0]}", f"one of {', '.join(known[:12])}", "see `radar export hubs`")
    departures, sort_plans = (_rows_of(workspace, name, run.run_id) for name in ("trunk_departures", "sort_plans"))
    busy = set(
        seen["lanes"]
        .filter(seen["lanes"]["lane_id"].is_in(departures["lane_id"].unique().implode()))[
            ["origin_hub_id", "destination_hub_id"]
        ]
        .to_numpy()
        .ravel()
    )
    return SheetInputs(
        run=run,
        departures=departures,
        sort_plans=sort_plans,
        chosen=hubs or [name for name in known if name in busy],
        time_zone=workspace.settings.workspace.timezone,
        **seen,
    )


def read_forecast_inputs(workspace: Workspace, run_id: str | None = None) -> ForecastInputs:
    """Read what the forecast report is made from, the tables as the run saw them.

    Raises
    ------
    RadarError
        When there is no such run, or no forecast at all.
    """
    from reports.forecast_inputs import ForecastInputs, summarise_history

    run = _run(workspace, "network_forecasts", run_id, "radar forecast")
    network = workspace.results("network_forecasts", run.run_id)
    scored = workspace.writers("backtest_scores")
    seen = {
        name: _as_seen(workspace, name, run) for name in ("hubs", "outlets", "couriers", "events", "network_changes")
    }
    return ForecastInputs(
        run=run,
        network=network,
        hubs_ahead=_rows_of(workspace, "hub_forecasts", run.run_id),
        routes_ahead=_rows_of(workspace, "route_forecasts", run.run_id),
        outlets_ahead=_rows_of(workspace, "outlet_forecasts", run.run_id),
        scores=workspace.results("backtest_scores"),
        scores_run=scored[-1] if scored else None,
        history=summarise_history(
            _scan_as_seen(workspace, "route_volumes", run), network["as_of"][0], _closed(workspace, run.run_id)
        ),
        outlines=_outlines(workspace),
        closings=_closings_taken(workspace, run, network),
        weather=read_weather_in(workspace, run, network["date"]),
        time_zone=workspace.settings.workspace.timezone,
        limits=_limits(workspace, run, network["date"]),
        **seen,
    )


def _limits(workspace: Workspace, run: RunFacts, days: pl.Series) -> pl.DataFrame | None:
    """Give what hubs can sort on each day where sorts, days or closings of their own say it, none where ``hubs`` do."""
    from data.hub_limits import TABLES, list_day_limits

    tables = {name: _as_seen(workspace, name, run) for name in TABLES}
    if all(frame.is_empty() for name, frame in tables.items() if name != "hubs"):
        return None
    return list_day_limits(tables, days.to_list(), workspace.settings.workspace.timezone)


def _closings_taken(workspace: Workspace, run: RunFacts, network: pl.DataFrame) -> tuple[Closing, ...]:
    """Find the closings and openings nobody announced that the forecast took as such, on the tables it read."""
    from cli.forecast_inputs import settings_of
    from forecasting.forecast import find_closings_taken
    from forecasting.inputs import ForecastInputs as Given

    given = Given(
        route_volumes=_as_seen(workspace, "route_volumes", run),
        hubs=_as_seen(workspace, "hubs", run),
        events=_as_seen(workspace, "events", run),
        network_changes=_as_seen(workspace, "network_changes", run),
    )
    settings = settings_of(workspace.settings, _closed(workspace, run.run_id))
    days: list[date] = network["date"].to_list()
    return find_closings_taken(given, network["as_of"][0], max(days), settings)


def _closed(workspace: Workspace, run_id: str) -> tuple[tuple[date, date], ...]:
    """Give the times in which the network rested, as the forecast's run was told."""
    from cli.options import parse_spans

    runs = workspace.runs()
    options: dict[str, Any] = json.loads(runs["options"][runs["run_id"].index_of(run_id) or 0])
    return parse_spans(options.get("closed"))


def read_plan_inputs(workspace: Workspace, run_id: str | None = None) -> PlanInputs:
    """Read what the plan report is made from, the tables as the run saw them.

    Raises
    ------
    RadarError
        When there is no such run, or no trunk plan at all.
    """
    from cli.calibration import read_calibration
    from cli.plan_reference import read_changes
    from cli.plan_weather import read_weather_cost
    from reports.plan_inputs import PlanInputs

    run = _run(workspace, "hub_loads", run_id, "radar plan trunk")
    seen = {name: _as_seen(workspace, name, run) for name in ("hubs", "lanes", "vehicle_types", "lane_vehicles")}
    results = ("trunk_departures", "trunk_flows", "hub_loads", "shortfalls", "plan_certificates", "route_demand")
    departures, flows, loads, shortfalls, certificates, demand = (
        _rows_of(workspace, name, run.run_id) for name in results
    )
    under = read_weather_seen(workspace, run)
    return PlanInputs(
        run=run,
        certificates=certificates,
        departures=departures,
        flows=flows,
        hub_loads=loads,
        shortfalls=shortfalls,
        demand=demand,
        forecast=find_forecast(workspace, run),
        lane_weather=under,
        warnings=name_warnings(workspace, under, loads["date"]),
        weather_cost=read_weather_cost(workspace, run.run_id),
        weather_basis=read_basis(workspace, run, demand["date"]),
        reference=read_changes(workspace, run.run_id, run.options.get("reference")),
        hub_prices=_rows_of(workspace, "hub_prices", run.run_id),
        capacity_needs=_weeks_of(workspace.results("capacity_needs"), loads),
        stress=_stress_of(workspace, run.run_id),
        rivals=_rivals_of(workspace, demand),
        calibration=read_calibration(workspace, next(iter(certificates["draws_run"].drop_nulls()), None)),
        outlines=_outlines(workspace),
        time_zone=workspace.settings.workspace.timezone,
        limits=_limits_of_sorts(workspace, run, loads),
        **seen,
    )


def _limits_of_sorts(workspace: Workspace, run: RunFacts, loads: pl.DataFrame) -> pl.DataFrame:
    """Give what the hubs of a plan can hold, and what sorting costs, by its sorts; of a plan by days by its days."""
    from data.hub_limits import TABLES, list_sort_limits

    by_days = loads["closes_at"].is_null().all()
    chosen = [name for name in TABLES if not (by_days and name == "hub_sorts")]
    tables = {name: _as_seen(workspace, name, run) for name in chosen}
    return list_sort_limits(tables, loads["date"].to_list(), workspace.settings.workspace.timezone)


def _stress_of(workspace: Workspace, run_id: str) -> pl.DataFrame:
    """Return what the plan did on draws: in its newest stress test, else in the play of its own certificate."""
    from data.table_reader import run_number

    asked = {row["run_id"]: json.loads(row["options"]).get("plan") for row in workspace.runs().iter_rows(named=True)}
    of_plan = [one for one in workspace.writers("stress_results") if one == run_id or asked.get(one) == run_id]
    newest = max(of_plan, key=run_number, default=run_id)
    return _rows_of(workspace, "stress_results", newest)


def _rivals_of(workspace: Workspace, demand: pl.DataFrame) -> pl.DataFrame:
    """Return certificates of trunk plans of the same days whose risk is known."""
    import polars as pl

    days = workspace.read("route_demand").group_by("run_id").agg(first=pl.col("date").min(), last=pl.col("date").max())
    first, last = demand["date"].min(), demand["date"].max()  # none where a plan carries nothing
    same = days.filter(
        pl.col("first").eq_missing(pl.lit(first, pl.Date)) & pl.col("last").eq_missing(pl.lit(last, pl.Date))
    )
    known = workspace.read("plan_certificates").filter(
        (pl.col("plan") == "trunk") & pl.col("overflow_probability").is_not_null()
    )
    finished = workspace.writers("plan_certificates")
    return known.filter(pl.col("run_id").is_in(same["run_id"].implode()) & pl.col("run_id").is_in(finished))


def find_forecast(workspace: Workspace, run: RunFacts) -> tuple[str, date] | None:
    """Find the forecast a plan stands on and the last day it knew.

    Returns
    -------
    (str, datetime.date) or None
        The run kept with the plan; of older plans the latest before it. None for a plan that read no forecast.
    """
    named = run.forecast_run
    if named is None:
        if "route_forecasts" not in run.tables_read:
            return None
        named = latest_before(workspace, "route_forecasts", run.run_id)
    if named is None or named not in workspace.writers("network_forecasts", withdrawn=True):
        return None
    return named, workspace.results("network_forecasts", named)["as_of"][0]


def _weeks_of(needs: pl.DataFrame, loads: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the weeks in which a plan has days."""
    return needs.filter(needs["week"].is_in(loads["date"].dt.truncate("1w").unique().to_list()))


def _run(workspace: Workspace, table: str, run_id: str | None, command: str) -> RunFacts:
    writers = workspace.writers(table)
    if not writers:
        raise RadarError(f"{workspace.folder} holds no finished run of `{command}`", action=f"run `{command}` first")
    if run_id is None:
        run_id = writers[-1]
    elif run_id not in workspace.writers(table, withdrawn=True):
        raise RadarError(
            f"no finished run {run_id} of `{command}`", f"one of {', '.join(writers[-5:])}", "see `radar runs`"
        )
    from cli.past_plans import run_facts

    return run_facts(workspace, run_id)


def _rows_of(workspace: Workspace, table: str, run_id: str) -> pl.DataFrame:
    """Return a run's rows, none where it wrote none."""
    from data.contracts import contract

    return (
        workspace.results(table, run_id)
        if run_id in workspace.writers(table, withdrawn=True)
        else contract(table).empty()
    )


def _as_seen(workspace: Workspace, table: str, run: RunFacts) -> pl.DataFrame:
    """Return a table in the version the run read, in the newest one where it read none."""
    return workspace.read(table, run.tables_read.get(table))


def _scan_as_seen(workspace: Workspace, table: str, run: RunFacts) -> pl.LazyFrame:
    """Return a table as ``_as_seen`` does, unread: years of a national network do not fit a small machine's memory."""
    return workspace.scan(table, run.tables_read.get(table))


def _outlines(workspace: Workspace) -> str | None:
    file = workspace.folder / "regions.geojson"
    return file.read_text(encoding="utf-8") if file.is_file() else None


def _write_pages(
    run_id: str,
    languages: tuple[LanguageName, ...],
    write: Callable[[LanguageName], str],
    out: Path | None,
    context: typer.Context,
    step: Callable[[float, float, str], None],
) -> list[dict[str, Any]]:
    from data.exports import refuse_device_or_link, whole_file

    if out is not None:
        refuse_device_or_link(out)
    folder = workspace_of(context).folder / "reports"
    pages = []
    for number, language in enumerate(languages, start=1):
        step(number, len(languages) + 1, language)
        file = _file(out, folder, run_id, language, several=len(languages) > 1)
        page = write(language)
        with whole_file(file, make_folder=True, action="choose another --out") as partial:
            partial.write_text(page, encoding="utf-8")
        pages.append({"run_id": run_id, "language": language, "file": str(file)})
    return pages


def _file(out: Path | None, folder: Path, run_id: str, language: str, *, several: bool) -> Path:
    if out is None:
        return folder / f"{run_id}-{language}.html"
    return out.with_name(f"{out.stem}-{language}{out.suffix or '.html'}") if several else out


def _tell(pages: list[dict[str, Any]], json: bool) -> None:
    if json:
        out_json(pages)
        return
    for page in pages:
        out_text(page["file"])
