"""``radar forecast capacity``, ``staffing`` and ``draws``: what follows from history and forecasts."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from cli.console import known_errors, out_rows, progress, say, workspace_of
from cli.options import FirstDay, Json, LastDay, Seed, parse_day


@known_errors
def capacity(
    context: typer.Context,
    as_of: Annotated[
        date | None,
        typer.Option(
            "--as-of", parser=parse_day, metavar="DATE", help="Last day known; by default the last month known."
        ),
    ] = None,
    months: Annotated[int, typer.Option("--months", min=1, max=24, help="Months ahead.")] = 3,
    json: Json = False,
) -> None:
    """Show couriers' capacity with its change on the month and on the year, and carry it forward.

    Example: `radar forecast capacity --months 2`
    """
    from data.errors import RadarError
    from forecasting.outlets.couriers import trend_capacity

    table = workspace_of(context).read("courier_capacity")
    if table.is_empty():
        raise RadarError("the workspace holds no courier capacity", action="load courier_capacity first")
    latest = table["month"].max()
    day = as_of or (latest if isinstance(latest, date) else date.max)
    out_rows(trend_capacity(table, day, months), json=json)


@known_errors
def staffing(
    context: typer.Context,
    first: FirstDay = None,
    last: LastDay = None,
    outlet: Annotated[str | None, typer.Option("--outlet", help="One outlet only.")] = None,
    json: Json = False,
) -> None:
    """Say for how many parcels to staff each outlet, from the latest forecast and the costs in radar.toml.

    Example: `radar forecast staffing --from 2025-11-11 --to 2025-11-14`
    """
    import polars as pl

    from data.errors import RadarError
    from data.spelling import ask_near
    from forecasting.outlets.staffing import staff_outlets

    workspace = workspace_of(context)
    table = workspace.results("outlet_forecasts")
    if table.is_empty():
        raise RadarError("no outlet forecast", action="load outlets and run `radar forecast` first")
    if outlet is not None:
        known = table["outlet_id"].unique().sort()
        table = table.filter(pl.col("outlet_id") == outlet)
        if table.is_empty():
            action = ask_near(outlet, known) or "see `radar export outlets`"
            raise RadarError(f"outlet {outlet}", f"one of the {known.len():,} that are forecast", action)
    earliest, latest = table["date"].min(), table["date"].max()
    if first is not None:
        table = table.filter(pl.col("date") >= first)
    if last is not None:
        table = table.filter(pl.col("date") <= last)
    if table.is_empty():
        raise RadarError(
            f"no outlet forecast from {first or '…'} to {last or '…'}",
            f"days from {earliest!s} to {latest!s}",
            "set --from and --to",
        )
    costs = workspace.settings.forecast
    staffed = staff_outlets(table.sort("date", "outlet_id", "direction"), costs.cost_too_few, costs.cost_too_many)
    out_rows(staffed, json=json)
    say(
        f"Staffed for the {staffed['level'][0]:.0%} quantile: {costs.cost_too_few:g} against {costs.cost_too_many:g} CNY."
    )


@known_errors
def draws(
    context: typer.Context,
    number: Annotated[int, typer.Option("--draws", min=1, max=10_000, help="How many futures.")] = 100,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Parquet file to write.")] = Path("draws.parquet"),
    seed: Seed = 0,
) -> None:
    """Draw whole futures of all routes from the latest forecast; they share the network's and the events' shocks.

    The file has the columns draw, date, courier_id, origin_hub_id, destination_hub_id and parcels.

    Example: `radar forecast draws --draws 200 --out draws.parquet`
    """
    import polars as pl
    from pyarrow import OSFile
    from pyarrow.parquet import ParquetWriter

    from data.errors import RadarError
    from data.exports import whole_file
    from forecasting.intervals.sample_paths import draw_paths, fit_paths, tabulate_path

    workspace = workspace_of(context)
    writers = workspace.writers("route_forecasts")
    if not writers:
        raise RadarError("no forecast to draw from", action="run `radar forecast` first")
    network, hub, route = (
        workspace.results(f"{level}_forecasts", writers[-1]) for level in ("network", "hub", "route")
    )
    model = fit_paths(network, hub, route)
    with (
        whole_file(out, action="choose another --out") as partial,
        progress("Draws") as bar,
        OSFile(str(partial), "wb") as file,
    ):
        writer: ParquetWriter | None = None
        for at, path in enumerate(draw_paths(model, number, seed)):
            rows = tabulate_path(model, path).select(pl.lit(at, dtype=pl.Int64).alias("draw"), pl.all()).to_arrow()
            writer = writer or ParquetWriter(file, rows.schema)
            writer.write_table(rows)
            bar.step(at + 1, number)
        if writer is not None:
            writer.close()
    say(f"{number} futures of {model.routes.height:,} routes over {model.dates.size} days are in {out}.")
