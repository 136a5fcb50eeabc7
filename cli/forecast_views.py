"""``radar forecast capacity`` and ``radar forecast staffing``: what follows from history and forecasts for couriers."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from cli.console import known_errors, out_rows, say, workspace_of
from cli.options import FirstDay, Json, LastDay, parse_day


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
    from forecasting.couriers import trend_capacity

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
    from forecasting.outlets import staff_outlets

    workspace = workspace_of(context)
    table = workspace.results("outlet_forecasts")
    if table.is_empty():
        raise RadarError("no outlet forecast", action="load outlets and run `radar forecast` first")
    if first is not None:
        table = table.filter(pl.col("date") >= first)
    if last is not None:
        table = table.filter(pl.col("date") <= last)
    if outlet is not None:
        table = table.filter(pl.col("outlet_id") == outlet)
    if table.is_empty():
        raise RadarError("no outlet forecast for that choice", action="choose other days or another outlet")
    costs = workspace.settings.forecast
    staffed = staff_outlets(table.sort("date", "outlet_id", "direction"), costs.cost_too_few, costs.cost_too_many)
    out_rows(staffed, json=json)
    say(
        f"Staffed for the {staffed['level'][0]:.0%} quantile: {costs.cost_too_few:g} against {costs.cost_too_many:g} CNY."
    )
