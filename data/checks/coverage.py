"""What a workspace holds: rows, since when, days that are missing, days that were copied."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from zoneinfo import ZoneInfo

import polars as pl

from data.contracts import TABLES

# The column that says when, for the tables that have a when.
_WHEN: Mapping[str, str] = {
    "events": "date_from",
    "network_changes": "date",
    "courier_capacity": "month",
    "waybills": "ordered_at",
    "route_volumes": "date",
    "outlet_volumes": "date",
    "sales": "date",
    "stock": "as_of",
    "weather_observations": "valid_at",
    "weather_forecasts": "valid_at",
    "weather_warnings": "onset",
}
# Tables of which every day is expected.
_DAILY = ("route_volumes", "outlet_volumes", "sales", "waybills")
_FEWEST_ROWS_TO_COMPARE = 10
_PRESENCE = 0.8
FINDING_SCHEMA: dict[str, pl.DataType] = {
    "kind": pl.String(),
    "table": pl.String(),
    "subject": pl.String(),
    "date_from": pl.Date(),
    "date_to": pl.Date(),
    "parcels": pl.Int64(),
    "detail": pl.String(),
}


def no_findings() -> pl.DataFrame:
    """Return an empty frame of findings."""
    return pl.DataFrame(schema=FINDING_SCHEMA)


def make_findings(frame: pl.DataFrame, **columns: pl.Expr) -> pl.DataFrame:
    """Bring rows to the form of findings; what is not given is empty."""
    chosen = [columns.get(name, pl.lit(None)).cast(dtype).alias(name) for name, dtype in FINDING_SCHEMA.items()]
    return frame.select(chosen) if frame.height else no_findings()


def summarise_tables(tables: Mapping[str, pl.DataFrame], zone: ZoneInfo) -> pl.DataFrame:
    """Say of each reference and history table how much it holds and since when.

    Parameters
    ----------
    tables
        Tables by name.
    zone
        Zone of business dates.

    Returns
    -------
    pl.DataFrame
        Columns ``table``, ``rows``, ``first_day``, ``last_day``, ``days`` (days with rows) and ``missing_days`` (days
        between first and last without any; only for tables that should have every day), in the contracts' order.
    """
    rows = []
    for name, table in TABLES.items():
        if table.group not in ("reference", "history"):
            continue
        frame = tables.get(name, table.empty())
        days = days_of(frame, name, zone) if name in _WHEN else pl.Series("day", [], dtype=pl.Date)
        first, last = days.min(), days.max()
        missing = None
        if name in _DAILY and isinstance(first, date) and isinstance(last, date):
            missing = (last - first).days + 1 - days.len()
        rows.append((name, frame.height, first, last, days.len() if name in _WHEN else None, missing))
    schema = {
        "table": pl.String,
        "rows": pl.Int64,
        "first_day": pl.Date,
        "last_day": pl.Date,
        "days": pl.Int64,
        "missing_days": pl.Int64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def days_of(frame: pl.DataFrame, table: str, zone: ZoneInfo) -> pl.Series:
    """Return the days on which a table has rows, each once, sorted."""
    when = frame[_WHEN[table]]
    if isinstance(when.dtype, pl.Datetime):
        when = when.dt.convert_time_zone(zone.key).dt.date()
    return when.drop_nulls().unique().sort().alias("day")


def find_gaps(volumes: pl.DataFrame, table: str, by: str | None = None, fewest_days: int = 1) -> pl.DataFrame:
    """Find runs of days without a row.

    Parameters
    ----------
    volumes
        Columns ``date`` and ``by``.
    table
        Name of the table, for the findings.
    by
        Look at each value of this column alone; by default at the whole table.
    fewest_days
        Shorter runs are left out [days].

    Returns
    -------
    pl.DataFrame
        Findings of kind ``gap``, sorted. A value of ``by`` with rows on less than 80 % of its days is sparse by
        nature and left out.
    """
    if not volumes.height:
        return no_findings()
    subject = pl.col(by) if by else pl.lit("all")
    days = volumes.select(subject.alias("subject"), "date").unique().sort("subject", "date")
    spans = days.group_by("subject").agg(
        (pl.len() / ((pl.col("date").max() - pl.col("date").min()).dt.total_days() + 1)).alias("present")
    )
    steps = (
        days.join(spans, on="subject", maintain_order="left")
        .with_columns(pl.col("date").shift(1).over("subject").alias("before"))
        .with_columns(((pl.col("date") - pl.col("before")).dt.total_days() - 1).alias("missing"))
        .filter((pl.col("missing") >= fewest_days) & ((pl.col("present") >= _PRESENCE) | pl.lit(by is None)))
    )
    return make_findings(
        steps,
        kind=pl.lit("gap"),
        table=pl.lit(table),
        subject=pl.lit(table) if by is None else pl.format("{} {}", pl.lit(by.removesuffix("_id")), "subject"),
        date_from=pl.col("before").dt.offset_by("1d"),
        date_to=pl.col("date").dt.offset_by("-1d"),
        detail=pl.format("{} day(s) without a row", "missing"),
    ).sort("subject", "date_from")


def find_copied_days(volumes: pl.DataFrame, table: str) -> pl.DataFrame:
    """Find days that repeat the day before row by row: seldom life, mostly an export run twice.

    Parameters
    ----------
    volumes
        ``route_volumes`` or ``outlet_volumes``.
    table
        Its name.
    """
    if not volumes.height:
        return no_findings()
    rest = [name for name in volumes.columns if name != "date"]
    marked = volumes.select("date", "parcels", volumes.select(rest).hash_rows().alias("mark"))
    daily = (
        marked.group_by("date")
        .agg(pl.len().alias("rows"), pl.col("mark").sort().hash().sum().alias("mark"), pl.col("parcels").sum())
        .sort("date")
    )
    same = (pl.col("mark") == pl.col("mark").shift(1)) & (pl.col("rows") == pl.col("rows").shift(1))
    next_day = pl.col("date") - pl.col("date").shift(1) == pl.duration(days=1)
    copied = daily.filter(same & next_day & (pl.col("rows") >= _FEWEST_ROWS_TO_COMPARE))
    return make_findings(
        copied,
        kind=pl.lit("copied day"),
        table=pl.lit(table),
        subject=pl.lit(table),
        date_from=pl.col("date"),
        date_to=pl.col("date"),
        parcels=pl.col("parcels"),
        detail=pl.format("the {} rows of the day before, parcel for parcel", "rows"),
    )
