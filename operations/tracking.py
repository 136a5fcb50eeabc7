"""Tracking rates (揽收率, 在途率, 签收率, 异常率): where the parcels of a cohort stand at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

import polars as pl

from data.errors import RadarError
from data.ingest.derived import business_date

DIMENSIONS = {
    "courier": "courier_id",
    "merchant": "merchant_id",
    "origin_hub": "origin_hub_id",
    "destination_hub": "destination_hub_id",
}
"""What a cohort can be cut by, and the column of ``waybills`` that holds it."""

_STEPS = ("picked_up_at", "arrived_at", "out_for_delivery_at", "delivered_at")


def latest_moment(waybills: pl.DataFrame) -> datetime:
    """Return the last moment anything is known to have happened: the time the waybills themselves stand at.

    Raises
    ------
    RadarError
        When there is no waybill.
    """
    latest = waybills.select(pl.max_horizontal(pl.col("ordered_at", *_STEPS).max())).item() if waybills.height else None
    if not isinstance(latest, datetime):
        raise RadarError("the table waybills is empty", action="run `radar load waybills FILE` first")
    return latest


def place_waybills(waybills: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
    """Say where each waybill stands at a time.

    Parameters
    ----------
    waybills
        Table ``waybills``.
    as_of
        The time, with offset; steps after it have not happened yet.

    Returns
    -------
    polars.DataFrame
        The waybills ordered by then, with ``place``: not_picked, in_transit, signed or returned, one for each, and
        ``open_exception``.

    Notes
    -----
    A step without a time counts from the last step known before it: a parcel of status delivered without a time of delivery
    is signed from its last known time on. Returns and exceptions carry no time in the table; they count from the parcel's last
    known step on, so rates of an earlier time are exact but for them.
    """
    last_step = pl.coalesce(pl.max_horizontal(*_STEPS), "ordered_at")
    status = pl.col("status")
    picked = pl.coalesce(pl.min_horizontal(*_STEPS), pl.when(status != "created").then(pl.col("ordered_at"))) <= as_of
    signed = pl.coalesce("delivered_at", pl.when(status == "delivered").then(last_step)) <= as_of
    returned = (status == "returned") & (last_step <= as_of)
    place = (
        pl.when(returned).then(pl.lit("returned"))
        .when(signed.fill_null(False)).then(pl.lit("signed"))
        .when(picked.fill_null(False)).then(pl.lit("in_transit"))
        .otherwise(pl.lit("not_picked"))
    )  # fmt: skip
    known = waybills.filter(pl.col("ordered_at") <= as_of).with_columns(place=place)
    closed = pl.col("place").is_in(["signed", "returned"])
    return known.with_columns(open_exception=pl.col("exception").is_not_null() & (last_step <= as_of) & ~closed)


def measure_rates(
    waybills: pl.DataFrame,
    as_of: datetime,
    first: date | None,
    last: date | None,
    by: Sequence[str],
    zone: ZoneInfo,
    cutoff_hour: int = 0,
) -> pl.DataFrame:
    """Measure the rates of the waybills ordered in a window.

    Parameters
    ----------
    waybills
        Table ``waybills``.
    as_of
        The time at which they are looked at, with offset.
    first, last
        Business dates of order, both included; None for the first and the last there is.
    by
        Keys of ``DIMENSIONS``; all waybills together are measured besides.
    zone, cutoff_hour
        Where and when the business date turns.

    Returns
    -------
    polars.DataFrame
        Columns of ``tracking_rates`` without run_id, sorted by dimension (``all`` first) and member. Waybills that name no member
        of a dimension count in ``all`` only.

    Raises
    ------
    RadarError
        When a dimension is unknown or no waybill was ordered in the window by then.

    Notes
    -----
    With ``|C|`` the waybills of the cohort: pickup rate = picked up / |C|; in-transit rate = picked up and neither signed nor
    returned / |C|; signed rate = signed / |C|; exception rate = with an open exception / |C|, on top of the others. Not picked +
    in transit + signed + returned = 1, so the returned rate is pickup - in transit - signed.
    """
    unknown = [name for name in by if name not in DIMENSIONS]
    if unknown:
        raise RadarError(
            f"--by {unknown[0]}", f"one of {', '.join(DIMENSIONS)}", "name one or several, joined by commas"
        )
    placed = place_waybills(waybills, as_of)
    placed = placed.with_columns(day=business_date(pl.col("ordered_at"), zone, cutoff_hour))
    begin, end = (value if isinstance(value, date) else None for value in (placed["day"].min(), placed["day"].max()))
    first, last = first or begin, last or end
    cohort = placed.filter(pl.col("day").is_between(first, last)) if first and last else placed.clear()
    if cohort.is_empty():
        window = f" from {first} to {last}" if first and last else ""
        raise RadarError(
            f"no waybill ordered{window} and known at {as_of.astimezone(zone).isoformat(timespec='minutes')}",
            action="choose another window with --from and --to, or another time with --as-of",
        )
    parts = [_rates(cohort, "all", pl.lit("all"))]
    parts += [
        _rates(cohort.filter(pl.col(DIMENSIONS[name]).is_not_null()), name, pl.col(DIMENSIONS[name]))
        for name in dict.fromkeys(by)
    ]
    fixed = [
        pl.lit(as_of, dtype=pl.Datetime("us", "UTC")).alias("as_of"),
        pl.lit(first, dtype=pl.Date).alias("window_from"),
        pl.lit(last, dtype=pl.Date).alias("window_to"),
    ]
    return pl.concat(parts).select(*fixed, pl.all())


def _rates(cohort: pl.DataFrame, dimension: str, member: pl.Expr) -> pl.DataFrame:
    place = pl.col("place")
    return (
        cohort.group_by(member=member)
        .agg(
            pickup_rate=(place != "not_picked").mean(),
            in_transit_rate=(place == "in_transit").mean(),
            signed_rate=(place == "signed").mean(),
            exception_rate=pl.col("open_exception").mean(),
            parcels=pl.len().cast(pl.Int64),
        )
        .select(pl.lit(dimension).alias("dimension"), pl.all())
        .sort("member")
    )


def with_partition(rates: pl.DataFrame) -> pl.DataFrame:
    """Add the two rates that complete the partition: ``not_picked_rate`` and ``returned_rate``."""
    returned = pl.col("pickup_rate") - pl.col("in_transit_rate") - pl.col("signed_rate")
    # differences of shares of one count: what is left of rounding is no parcel
    return rates.with_columns(
        not_picked_rate=1.0 - pl.col("pickup_rate"),
        returned_rate=pl.when(returned.abs() < 1e-12).then(0.0).otherwise(returned),
    )
