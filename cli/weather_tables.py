"""What the weather commands read from the workspace and write into it, said once."""

from __future__ import annotations

import json
from datetime import date, datetime
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING

from cli.console import out_rows, warn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

    import polars as pl

    from data.runs import Run
    from data.workspace import Workspace
    from weather.applying import ForecastTables
    from weather.feeds.cap import Shapes
    from weather.feeds.loading import LoadedFile
    from weather.feeds.reading import Place
    from weather.impact_inputs import ImpactTables


KEPT_ANSWERS = ".weather"
"""Folder of the workspace in which answers of weather services are kept."""


def read_network(
    workspace: Workspace, run: Run | Workspace, *, waybills: bool = True, volumes: bool = True, departures: bool = True
) -> ImpactTables:
    """Read every table the weather of lanes and outlets is worked out from; a run keeps their versions.

    What is not wanted is left empty, and is no input of the run.
    """
    from data.contracts import contract
    from data.ingest.geometry import read_geometry
    from weather.impact_inputs import ImpactTables

    return ImpactTables(
        lanes=run.read("lanes"),
        hubs=run.read("hubs"),
        outlets=run.read("outlets"),
        waybills=run.read("waybills") if waybills else contract("waybills").empty(),
        observations=run.read("weather_observations"),
        forecasts=run.read("weather_forecasts"),
        warnings=run.read("weather_warnings"),
        departures=run.read("lane_departures") if departures else None,
        hub_sorts=run.read("hub_sorts") if departures else None,
        hub_closures=run.read("hub_closures") if departures else None,
        lane_geometry=read_geometry(workspace.folder, "lanes"),
        day_cut_off_hours=workspace.settings.plan.day_cut_off_hours,
        route_volumes=run.read("route_volumes") if volumes else None,
    )


def read_forecast(
    workspace: Workspace, run: Run, forecast_run: str, impact_run: str, *, learn: bool = True
) -> ForecastTables:
    """Read the forecast of one run, the weather impact of another, and what history there is to ``learn`` from."""
    from data.contracts import contract
    from weather.applying import LEVELS, ForecastTables

    forecasts = {
        level: run.results(f"{level}_forecasts", forecast_run).drop("run_id")
        for level in LEVELS
        if level == "route" or forecast_run in workspace.writers(f"{level}_forecasts")
    }
    return ForecastTables(
        forecasts=forecasts,
        lane_weather=run.results("lane_weather", impact_run).drop("run_id"),
        outlet_weather=run.results("outlet_weather", impact_run).drop("run_id"),
        lane_closures=_closures_of(workspace, run, impact_run),
        known_until=_known_until(workspace, impact_run),
        route_volumes=run.read("route_volumes") if learn else contract("route_volumes").empty(),
        regions=run.read("regions"),
        network=read_network(workspace, run, volumes=False, departures=False),
    )


def _closures_of(workspace: Workspace, run: Run, impact_run: str) -> pl.DataFrame:
    from data.contracts import contract

    if impact_run not in workspace.writers("lane_closures"):
        return contract("lane_closures").empty().drop("run_id")
    return run.results("lane_closures", impact_run).drop("run_id")


def latest_run(workspace: Workspace, table: str, command: str, how: str) -> str:
    """Return the latest finished run of a command that wrote a table.

    Raises
    ------
    RadarError
        When there is none.
    """
    import polars as pl

    from data.errors import RadarError

    of_command = set(workspace.read("runs").filter(pl.col("command") == command)["run_id"])
    found = [run for run in workspace.writers(table) if run in of_command]
    if not found:
        raise RadarError(f"no run of {command} in this workspace", action=f"run `{how}` first")
    return found[-1]


def _known_until(workspace: Workspace, impact_run: str) -> datetime | None:
    """End of the day an impact run was allowed to know, None where it knew everything."""
    import polars as pl

    from weather.impact_inputs import end_of_day

    runs = workspace.read("runs")
    as_of = json.loads(runs.filter(pl.col("run_id") == impact_run)["options"][0]).get("as_of")
    return None if as_of is None else end_of_day(date.fromisoformat(as_of), workspace.settings.workspace.zone)


def read_shapes(workspace: Workspace) -> Shapes:
    """Region id, name and Chinese name -> geometry, for warnings that tell their area by code or name."""
    from data.ingest.geometry import read_geometry

    geometry = read_geometry(workspace.folder, "regions")
    shapes = dict(geometry)
    for row in workspace.read("regions").iter_rows(named=True):
        if row["region_id"] in geometry:
            for name in (row["name"], row.get("name_zh")):
                if name:
                    shapes.setdefault(name, geometry[row["region_id"]])
    return shapes


def read_places(path: Path) -> dict[str, Place]:
    """Read a CSV of places: location_id, latitude, longitude.

    Raises
    ------
    RadarError
        When it cannot be read, or a column or number is missing.
    """
    import polars as pl

    from data.errors import RadarError
    from weather.feeds.reading import check_place

    try:
        frame = pl.read_csv(path.read_bytes(), infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise RadarError(
            f"no readable CSV ({str(error).splitlines()[0][:160]})", "location_id, latitude, longitude", file=path.name
        ) from error
    columns = ["location_id", "latitude", "longitude"]
    absent = [name for name in columns if name not in frame.columns]
    if absent:
        raise RadarError(f"no column {absent[0]}", ", ".join(columns), "add it", file=path.name)
    places: dict[str, Place] = {}
    for row, (name, north, east) in enumerate(frame.select(columns).iter_rows(), start=2):
        try:
            at = (float(north), float(east))
        except (TypeError, ValueError) as error:
            raise RadarError(f"place {north}, {east}", "degrees", "correct it", file=path.name, row=row) from error
        check_place(*at, file=path.name, row=row)
        places[name] = at
    return places


def write_weather(run: Run, tables: dict[str, pl.DataFrame], loaded: Sequence[LoadedFile]) -> None:
    """Stage rows of weather by key, and those set apart; warnings that break their contract are among them."""
    import polars as pl

    from data.contracts import contract

    counts = []
    for file in loaded:
        rejected = file.rejected()
        if rejected.height:
            run.append("rejected_rows", rejected.with_columns(pl.lit(file.table).alias("table_name")))
            run.outcome = "rejected"
    for name, frame in tables.items():
        table = contract(name)
        good, broken = table.split(table.arrange(frame))
        if broken.height:
            rows = broken.select(
                file=pl.lit("weather load"), row=pl.col("row_index") + 1, column="column", value="value", rule="rule"
            )
            run.append("rejected_rows", rows.with_columns(pl.lit(name).alias("table_name")))
            run.outcome = "rejected"
            warn(f"{broken['row_index'].n_unique():,} rows of {name} are set apart: {broken['rule'][0]}.")
        run.upsert(name, good)
        counts.append(f"{good.height:,} {name}")
    run.message = ", ".join(counts)


def tell_loaded(loaded: Sequence[LoadedFile], zone: ZoneInfo, *, json: bool) -> None:
    """Print what became of each file, and the warnings of theirs that cannot be read."""
    from dataclasses import asdict

    import polars as pl

    from data.ingest.rows import tell_rules

    rows = [asdict(file) | {"set_apart_rows": file.rows_set_apart} for file in loaded]
    for row, file in zip(rows, loaded, strict=True):
        row["ignored"] = ", ".join(row["ignored"])
        del row["bad_rows"]
        for rule in tell_rules(file.bad_rows, most=10):
            warn(f"set apart: {rule}")
        for name, reason in row.pop("set_apart").items():
            warn(f"{row['file']}, {name} is set apart: {reason}")
        for name in ("first", "last", "issued_at"):
            row[name] = None if row[name] is None else row[name].astimezone(zone).isoformat(timespec="minutes")
    out_rows(pl.DataFrame(rows, infer_schema_length=None), json=json)


def without_nan(row: Mapping[str, object]) -> dict[str, object]:
    """Return a row for JSON: null where there was nothing to reckon a number from.

    Examples
    --------
    >>> without_nan({"rate": 0.02, "gain": float("nan")})
    {'rate': 0.02, 'gain': None}
    """
    return {name: None if isinstance(value, float) and isnan(value) else value for name, value in row.items()}
