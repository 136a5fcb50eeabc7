"""``radar weather impact``, ``apply``, ``effects``, ``calibrate``: what the weather does, and forecasts adjusted for it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import known_errors, out_json, out_rows, progress, say, warn, workspace_of
from cli.options import FirstDay, Json, LastDay, parse_day
from cli.weather_tables import latest_run, read_forecast, read_network, without_nan

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    import polars as pl

    from weather.applying import Adjusted
    from weather.impact_inputs import NetworkImpact

AsOf = Annotated[
    date | None,
    typer.Option("--as-of", parser=parse_day, metavar="DATE", help="Use only what was known at the end of this day."),
]
_MOST_CLOSURES = 12  # rows shown
Top = Annotated[int, typer.Option("--top", min=1, help="Rows to print; --json prints all.")]


Learn = Annotated[
    bool, typer.Option("--learn/--no-learn", help="Whether this network's history may replace published figures.")
]


def register(group: typer.Typer) -> None:
    """Add the commands to the group ``radar weather``."""
    group.command("impact")(impact)
    group.command("apply")(apply)
    group.command("effects")(effects)
    group.command("calibrate")(calibrate)


@known_errors
def impact(
    context: typer.Context,
    first: FirstDay = None,
    last: LastDay = None,
    as_of: AsOf = None,
    learn: Learn = True,
    top: Top = 20,
    json: Json = False,
) -> None:
    """Work out what the weather does to every lane and outlet: tables lane_weather and outlet_weather.

    Without --from and --to the days of the latest weather forecast are taken.

    Example: `radar weather impact --from 2025-11-07 --to 2025-11-16`
    """
    from weather.impact_inputs import assess_network, choose_days, end_of_day, learn_effects, list_touched

    workspace = workspace_of(context)
    settings, zone = workspace.settings.weather, workspace.settings.workspace.zone
    moment = None if as_of is None else end_of_day(as_of, zone)
    options = {"from": first, "to": last, "as_of": as_of, "learn": learn}
    with progress("weather impact") as bar, workspace.run("weather impact", options=options) as run:
        tables = read_network(workspace, run, waybills=learn, volumes=learn)
        days = choose_days(tables, settings, zone, first, last, as_of=moment)
        learnt = learn_effects(tables, settings, zone, moment) if learn else None
        rows = None if learnt is None else learnt.rows
        found = assess_network(tables, days, settings, zone, as_of=moment, effects=rows, progress=bar)
        run.append("lane_weather", found.lanes)
        run.append("outlet_weather", found.outlets)
        run.append("lane_closures", found.closures)
        known = moment or datetime.combine(days[0], time(), tzinfo=zone)
        age = {"weather_issued_at": found.issued_at, "known_until": known.astimezone(UTC)}
        run.options = {**options, **{name: None if at is None else at.isoformat() for name, at in age.items()}}
        lanes, outlets = list_touched(found.lanes), list_touched(found.outlets)
        run.message = f"{lanes.height:,} lane-days and {outlets.height:,} outlet-days touched"
    _tell_unknown(found)
    _tell_warnings(found)
    _tell_age(found, days[0], moment, zone)
    taken = [] if learnt is None else learnt.replaced
    speeds = [] if learnt is None else [row.id for row in learnt.speeds if row.id in taken]
    if json:
        summary = {
            "run_id": run.run_id,
            "from": days[0],
            "to": days[-1],
            "speeds_from_history": sorted(speeds),
            "from_history": taken,
            "issued_at": found.issued_at,
            "age_hours": None if found.issued_at is None else (known - found.issued_at).total_seconds() / 3600.0,
        }
        out_json(summary | {"lane_weather": lanes.to_dicts(), "outlet_weather": outlets.to_dicts()})
        return
    say(f"{days[0]} to {days[-1]}: {run.message} (run {run.run_id}).")
    if taken:
        say(f"From this network's history: {', '.join(taken)}.")
    _print_top("Lanes", lanes, top)
    _print_top("Outlets", outlets, top)


@known_errors
def apply(
    context: typer.Context,
    forecast: Annotated[
        str | None, typer.Option("--forecast", metavar="RUN", help="Forecast run to adjust; by default the latest.")
    ] = None,
    close: Annotated[
        list[str] | None,
        typer.Option(
            "--close",
            metavar="LANES",
            help="Play closures through: `likely` (probability of at least 0.5), a least probability such as 0.3, LANE or LANE@DATE; may be repeated.",
        ),
    ] = None,
    learn: Learn = True,
    json: Json = False,
) -> None:
    """Adjust the latest forecast for the latest weather impact; parcels held back on bad days leave on the days after.

    Every level still adds up; the factor stands in the column weather. A closure is never averaged in: play it through
    with --close, which shuts lanes for their hours (lane_closures) or whole days (lane_weather), and plan again.

    Example: `radar weather apply --close likely`
    """
    import polars as pl

    from weather.applying import apply_weather

    workspace = workspace_of(context)
    chosen = [part.strip() for words in close or [] for part in words.split(",") if part.strip()]
    options = {"forecast": forecast, "close": chosen, "learn": learn}
    with progress("weather apply") as bar, workspace.run("weather apply", options=options) as run:
        source = forecast or latest_run(workspace, "route_forecasts", "forecast", "radar forecast")
        impact_run = latest_run(workspace, "outlet_weather", "weather impact", "radar weather impact")
        run.options = {**options, "impact_run": impact_run}
        tables = read_forecast(workspace, run, source, impact_run, learn=learn)
        settings, zone = workspace.settings.weather, workspace.settings.workspace.zone
        made = apply_weather(tables, settings, zone, close=chosen, learn=learn, progress=bar)
        for level, frame in made.forecasts.items():
            run.append(f"{level}_forecasts", frame)
        if made.lane_weather is not None:
            run.append("lane_weather", made.lane_weather)
        if made.closures.height:
            run.append("lane_closures", made.closures)
        held = made.by_day.select((pl.col("before") - pl.col("after")).clip(lower_bound=0).sum()).item()
        run.message = f"{held:,} parcels moved to later days, {made.waiting:,} of them past the last day"
    if made.unknown_days:
        days = f"{made.unknown_days[0]} to {made.unknown_days[-1]}"
        warn(f"No weather is known for {len(made.unknown_days)} days of the forecast ({days}); they stay as they were.")
    if json:
        runs = {"run_id": run.run_id, "forecast_run": source, "impact_run": impact_run}
        out_json(runs | _list_facts(made, held))
        return
    _print_adjusted(made, f"{run.message[:1].upper()}{run.message[1:]} (run {run.run_id}).")
    if made.closed.height:
        _print_closures(made.closures, zone)
        say(f"Closed in this scenario: {made.closed.height:,} (lane, day); run `radar plan trunk` again.")
    elif chosen:
        say("No lane-day is closed: none of those named has weather, or none is as likely as that.")


def _list_facts(made: Adjusted, held: int) -> dict[str, object]:
    """List what ``--json`` tells of an adjusted forecast, and of the parcels held back."""
    from dataclasses import asdict

    return {
        "basis": made.basis,
        "moved": held,
        "waiting": made.waiting,
        "undelivered": made.undelivered,
        "rates": [without_nan(asdict(rate)) for rate in made.response.rates],
        "warnings": [without_nan(asdict(row)) for row in made.warnings],
        "days": made.by_day.to_dicts(),
        "closed": made.closed.to_dicts(),
        "closures": made.closures.to_dicts(),
    }


def _print_adjusted(made: Adjusted, summary: str) -> None:
    """Print the days, what moved, and where each effect is from."""
    import polars as pl

    factor = pl.when(pl.col("before") > 0).then(pl.col("after") / pl.col("before")).otherwise(1.0)
    out_rows(made.by_day.with_columns(weather=factor), json=False, title="Parcels of the network")
    say(summary)
    if made.undelivered:
        say(f"{made.undelivered:,} parcels wait at outlets after the last day.")
    sent = "this network's history" if made.basis["out"] == "history" else "published courier productivity"
    received = "this network's history" if made.basis["in"] == "history" else "the parcels sent alone"
    say(f"The effect on parcels sent is from {sent}, that on parcels received from {received}.")
    for row in made.warnings:
        low, high = (row.kept * 2.718281828459045 ** (side * 1.96 * row.deviation) for side in (-1, 1))
        known = (
            f"history of {row.days} days counts {row.history:.0%}"
            if row.history > 0
            else "the preset: too little history"
        )
        say(
            f"Under {row.id} couriers handle {row.kept:.2f} of a day's parcels ({low:.2f} to {min(high, 1.0):.2f}; {known})."
        )


@known_errors
def effects(context: typer.Context, as_of: AsOf = None, learn: Learn = True, json: Json = False) -> None:
    """List the effect tables: what each kind of weather does to lanes and couriers, what history shows of it, and what holds.

    A row is replaced in radar.toml under [weather.effects."ID"], and by history once there is enough: preset, learnt, interval of
    95 %, weight of history, and by how much the error on days left out falls against the preset.

    Example: `radar weather effects --no-learn`
    """
    from weather.calibration import tabulate_effects
    from weather.effects.effect_tables import list_effects, tabulate
    from weather.impact_inputs import end_of_day

    workspace = workspace_of(context)
    settings, zone = workspace.settings.weather, workspace.settings.workspace.zone
    moment = None if as_of is None else end_of_day(as_of, zone)
    columns = ["id", "trigger", "low", "high", "unit", "speed", "capacity", "productivity", "closure", "source"]
    if not learn:
        table = tabulate(list_effects(settings.preset, settings.effects))
        out_rows(table, json=json, columns=None if json else columns)
        return
    table = tabulate_effects(read_network(workspace, workspace), settings, zone, moment)
    out_rows(table, json=json, columns=None if json else columns, title="" if json else "What holds")
    if not json:
        shown = ["id", "effect", "preset", "learnt", "from", "to", "history", "used", "gain"]
        out_rows(table.drop_nulls("preset"), json=False, columns=shown, title="What history shows")


@known_errors
def calibrate(context: typer.Context, as_of: AsOf = None, json: Json = False) -> None:
    """Say what this network's history shows of every effect: preset, learnt with its interval, how much of it is used, and its gain on days left out.

    Example: `radar weather calibrate --as-of 2025-11-07`
    """
    from weather import calibration
    from weather.impact_inputs import end_of_day

    workspace = workspace_of(context)
    settings, zone = workspace.settings.weather, workspace.settings.workspace.zone
    moment = None if as_of is None else end_of_day(as_of, zone)
    out_rows(calibration.calibrate(read_network(workspace, workspace), settings, zone, moment), json=json)


def _print_closures(closures: pl.DataFrame, zone: ZoneInfo) -> None:
    """Print which lanes are shut from when to when by the workspace's clock, the first shut first; of lanes shut by name alone no hours are told."""
    import polars as pl

    hours = [
        pl.col(name).dt.convert_time_zone(zone.key).dt.strftime("%m-%d %H:%M") for name in ("starts_at", "ends_at")
    ]
    rows = closures.sort("starts_at", "lane_id").select("lane_id", *hours, "cause")
    if rows.height:
        out_rows(rows.head(_MOST_CLOSURES), json=False, title="Lanes shut")
    if rows.height > _MOST_CLOSURES:
        say(f"Lanes shut: {rows.height - _MOST_CLOSURES:,} more rows; `--json` prints all.")


def _print_top(title: str, touched: pl.DataFrame, top: int) -> None:
    if touched.is_empty():
        say(f"{title}: none touched.")
        return
    out_rows(touched.head(top), json=False, title=f"{title}, the worst first")
    if touched.height > top:
        say(f"{title}: {touched.height - top:,} more rows; `--json` prints all.")


def _tell_unknown(found: NetworkImpact) -> None:
    for what, ids in (("lane", found.unplaced_lanes), ("outlet", found.unplaced_outlets)):
        if ids:
            named = ", ".join(ids[:3]) + (" …" if len(ids) > 3 else "")
            warn(f"Without coordinates and left out: {len(ids):,} {what}{'s' if len(ids) > 1 else ''} ({named}).")
    for what, count in (("lane", found.unknown_lane_days), ("outlet", found.unknown_outlet_days)):
        if count:
            warn(
                f"Of {count:,} {what}-days no weather is known, too far from any point (see [weather] radius_km) or outside its hours: they get no row."
            )


def _tell_warnings(found: NetworkImpact) -> None:
    for warning, reason in sorted(found.set_apart.items()):
        warn(f"Weather warning {warning} is set apart: {reason}. The others count.")
    for warning, note in sorted(found.notes.items()):
        warn(f"The area of weather warning {warning} {note}.")
    if found.untouched:
        named = ", ".join(found.untouched[:5]) + (" …" if len(found.untouched) > 5 else "")
        warn(f"Warnings over no lane and no outlet: {len(found.untouched):,} ({named}).")


def _tell_age(found: NetworkImpact, first: date, as_of: datetime | None, zone: ZoneInfo) -> None:
    from reports.weather_age import STALE_HOURS

    if found.issued_at is None:
        say("No weather forecast is known: only observations and warnings count, other hours are taken as fair.")
        return
    moment = as_of or datetime(first.year, first.month, first.day, tzinfo=zone)
    hours = (moment - found.issued_at).total_seconds() / 3600.0
    seen = (
        f"{hours:,.0f} hours before {moment.astimezone(zone):%Y-%m-%d %H:%M}"
        if hours > 0
        else "later than its first day"
    )
    say(f"The newest weather forecast was issued {found.issued_at.astimezone(zone):%Y-%m-%d %H:%M}, {seen}.")
    if hours > STALE_HOURS:
        warn("That is old: fetch or load a newer one (`radar weather fetch`, `radar weather load`).")
