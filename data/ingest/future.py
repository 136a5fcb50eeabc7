"""History that has not happened yet: rows dated later than tomorrow are mistyped, or made up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from data.contracts import TableContract
from data.ingest.rows import PLACES

# Columns of history that tell what has happened; a promise may lie ahead.
HAPPENED: Mapping[str, tuple[str, ...]] = {
    "waybills": ("ordered_at", "picked_up_at", "arrived_at", "out_for_delivery_at", "delivered_at"),
    "route_volumes": ("date",),
    "outlet_volumes": ("date",),
    "sales": ("date",),
    "stock": ("as_of",),
    "weather_observations": ("valid_at",),
}


def tomorrow(zone: ZoneInfo, now: datetime | None = None) -> date:
    """Return the day after today in a zone: the last day that history may name, for clocks and zones that differ."""
    return (now or datetime.now(zone)).astimezone(zone).date() + timedelta(days=1)


def find_future(rows: pl.DataFrame, table: TableContract, latest: date, zone: ZoneInfo) -> list[pl.DataFrame]:
    """Find rows of history dated later than ``latest``.

    Parameters
    ----------
    rows
        Rows with the table's columns and ``PLACES``.
    table
        Contract of the table; only history that has happened is looked at.
    latest
        Last day allowed, in ``zone``.
    zone
        Zone of the workspace.

    Returns
    -------
    list of polars.DataFrame
        ``PLACES``, ``column``, ``value``, ``rule``: one frame a column that holds such rows.
    """
    found = []
    rule = f"lies in the future (after {latest}); --allow-future takes it"
    for name in HAPPENED.get(table.name, ()):
        moment = table.polars_schema[name] != pl.Date
        day = pl.col(name).dt.convert_time_zone(zone.key).dt.date() if moment else pl.col(name)
        late = rows.filter(day > latest)
        if late.height:
            found.append(
                late.select(
                    *PLACES,
                    pl.lit(name).alias("column"),
                    pl.col(name).cast(pl.String).alias("value"),
                    pl.lit(rule).alias("rule"),
                )
            )
    return found
