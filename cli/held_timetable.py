"""``radar plan trunk --timetable``: a timetable held against the forecast, and the smallest change that carries it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.console import out_rows, say, warn
from cli.words import word

if TYPE_CHECKING:
    import polars as pl

    from data.progress import Progress
    from data.workspace import Workspace
    from routing.timetable_in import Timetable
    from routing.trunk.plan import TrunkPlan
    from routing.trunk.replan.reference_plan import Reference
    from routing.trunk.task.inputs import TrunkInputs, TrunkOptions

TimetableOption = Annotated[
    str | None,
    typer.Option(
        "--timetable",
        metavar="FOLDER|FILE|RUN",
        help="Can it carry the forecast? A folder of GTFS files, a file as lane_departures with types and limits, or a past plan: what finds no room on it, and the smallest change that carries it.",
    ),
]
LoadHours = Annotated[
    bool,
    typer.Option("--load-hours", help="Add the hours of --timetable to lane_departures, where lanes leave at others."),
]
_AFTER = 14  # days after the last of demand on which parcels may still be under way
_MOST_LINES = 20


@dataclass(frozen=True, slots=True)
class HeldTimetable:
    """A timetable as it is, and what it carries.

    Attributes
    ----------
    name
        As it was asked for.
    timetable
        Its departures.
    plan
        The plan that only runs them.
    room
        lane_id, vehicle_type_id, capacity [parcels/departure].
    days
        First and last day of demand.
    """

    name: str
    timetable: Timetable
    plan: TrunkPlan
    room: pl.DataFrame
    days: tuple[date, date]

    def reference(self, most_changes: int | None) -> Reference:
        """The timetable as a plan to stay near to: only what is needed changes, unless more may."""
        from routing.trunk.replan.reference_plan import Reference

        return Reference(self.plan.trunk_departures, self.plan.trunk_flows, *self.days, most_changes or 0)


def read_timetable(workspace: Workspace, name: str, lanes: pl.DataFrame, days: tuple[date, date]) -> Timetable:
    """Read a timetable by the name of a past plan, a folder or a file.

    Raises
    ------
    RadarError
        For a name that is none of these, a feed or file that cannot be read, and one without departures on the days.
    """
    from data.errors import RadarError
    from routing.timetable_in import read_gtfs, read_listed

    whole = days[0], days[1] + timedelta(days=_AFTER)
    if name in workspace.writers("trunk_departures"):
        found = _read_run(workspace, name)
    elif Path(name).is_dir():
        found = read_gtfs(_read_files(Path(name)), lanes, whole)
    else:
        found = read_listed(_read_listed(workspace, Path(name)), whole)
    inside = found.departures.filter(found.departures["date"].is_between(*days))
    if inside.is_empty():
        raise RadarError(
            f"a timetable {name} without departures from {days[0]} to {days[1]}",
            "departures on the days of the plan",
            "name another timetable, or set --from and --to",
        )
    return found


def _read_run(workspace: Workspace, run_id: str) -> Timetable:
    import polars as pl

    from cli.plan_locks import list_zones
    from routing.timetable_in import COLUMNS, Timetable
    from routing.trunk.replan.edited_locks import write_hour

    frame, zones = workspace.results("trunk_departures", run_id), list_zones(workspace)
    hours = [
        write_hour(zones[lane], when, leaves)
        for lane, when, leaves in frame.select("lane_id", "date", "leaves_at").iter_rows()
    ]
    rows = frame.with_columns(leaves=pl.Series(hours, dtype=pl.String)).group_by(COLUMNS[:4])
    return Timetable(rows.agg(pl.col("departures").sum()).select(COLUMNS).sort(COLUMNS[:4]), {})


def _read_files(folder: Path) -> dict[str, pl.DataFrame]:
    import polars as pl

    from data.errors import RadarError
    from routing.timetable_in import CALENDARS, NEEDED

    files = {}
    for name in (*NEEDED, *CALENDARS):
        file = folder / f"{name}.txt"
        if not file.is_file():
            continue
        try:
            files[name] = pl.read_csv(file.read_bytes(), infer_schema=False)
        except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
            raise RadarError(
                "a file that is no table of text", "a CSV file in UTF-8 with a header", "correct it", file=file
            ) from error
    return files


def _read_listed(workspace: Workspace, file: Path) -> pl.DataFrame:
    from data.contracts import contract
    from data.errors import RadarError
    from data.ingest.ingestion import Instructions, ingest
    from data.sources.opening import Layout, open_files

    table = contract("lane_departures")
    zone = workspace.settings.workspace.zone
    found = ingest(
        table, open_files([file], Layout(usual_sheet=table.name)), Instructions(), read_table=workspace.read, zone=zone
    )
    if found.rejected.height:
        bad = found.rejected.row(0, named=True)
        raise RadarError(str(bad["rule"]), "rows as of the table lane_departures", file=file, row=bad["row"])
    return found.rows


def load_hours(workspace: Workspace, name: str) -> None:
    """Add the hours of a timetable to ``lane_departures``; lanes listed there leave at no others."""
    import polars as pl

    from routing.timetable_in import read_gtfs, span_services
    from routing.trunk.task.locks import ANY

    if name in workspace.writers("trunk_departures"):
        rows = _read_run(workspace, name).departures
    elif Path(name).is_dir():
        files = _read_files(Path(name))
        rows = read_gtfs(files, workspace.read("lanes"), span_services(files)).departures
    else:
        rows = _read_listed(workspace, Path(name))
    hours = rows.filter(pl.col("leaves") != ANY).select("lane_id", "leaves").unique().sort("lane_id", "leaves")
    if hours.is_empty():
        return
    sentence = word("timetable.hours", rows=f"{hours.height:,}")
    with workspace.run("load lane_departures", {"hours_of": name}) as run:
        run.upsert("lane_departures", hours)
        run.message = sentence
    say(sentence)


def hold_timetable(
    workspace: Workspace, name: str, inputs: TrunkInputs, options: TrunkOptions, bar: Progress
) -> HeldTimetable:
    """Plan paths on the departures of a timetable alone."""
    from routing.trunk.plan import plan_trunk

    demand = inputs.route_demand["date"].to_list()
    days = min(demand), max(demand)
    timetable = read_timetable(workspace, name, inputs.lanes, days)
    held = plan_trunk(replace(inputs, timetable=timetable.departures), replace(options, sort_plan="free"), bar)
    return HeldTimetable(name, timetable, held, _measure_room(inputs), days)


def _measure_room(inputs: TrunkInputs) -> pl.DataFrame:
    """lane_id, vehicle_type_id, capacity [parcels/departure]."""
    import polars as pl

    special = inputs.lane_vehicles.select("lane_id", "vehicle_type_id", own="capacity")
    every = inputs.lanes.select("lane_id").join(inputs.vehicle_types.select("vehicle_type_id", "capacity"), how="cross")
    every = every.join(special, on=["lane_id", "vehicle_type_id"], how="left")
    return every.select("lane_id", "vehicle_type_id", capacity=pl.coalesce("own", "capacity"))


def list_held(held: HeldTimetable, plan: TrunkPlan) -> dict[str, Any]:
    """Figures of a timetable held against the forecast, as JSON takes them."""
    from routing.timetable_in import list_overfull

    demanded = int(held.plan.route_demand["parcels"].sum())
    return {
        "timetable": held.name,
        "departures": int(held.plan.trunk_departures["departures"].sum()),
        "parcels": demanded,
        "short": held.plan.short,
        "left_out": dict(held.timetable.strange),
        "overfull": list_overfull(held.plan.trunk_departures, plan.trunk_departures, held.room).to_dicts(),
    }


def tell_held(found: Mapping[str, Any], zone: str) -> None:
    """Print what a timetable carries, which departures have too little room, and what was left out of it."""
    import polars as pl

    counts = {name: f"{found[name]:,}" for name in ("departures", "parcels", "short")}
    carried = f"{found['parcels'] - found['short']:,}"
    key = "timetable.short" if found["short"] else "timetable.carries"
    say(word(key, name=found["timetable"], carried=carried, **counts))
    if found["left_out"]:
        first = next(iter(found["left_out"]))
        warn(word("timetable.left_out", n=f"{sum(found['left_out'].values()):,}", first=first))
    rows = found["overfull"]
    if not rows:
        return
    frame = pl.DataFrame(rows[:_MOST_LINES], infer_schema_length=None)
    if "leaves_at" in frame.columns:
        frame = frame.with_columns(pl.col("leaves_at").dt.convert_time_zone(zone).dt.strftime("%m-%d %H:%M"))
    out_rows(frame, json=False, title="Departures with too little room")
    if len(rows) > _MOST_LINES:
        say(word("timetable.more", n=f"{len(rows) - _MOST_LINES:,}"))
