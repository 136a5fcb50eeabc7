"""What of a merchant's stock is still there on the first day of an event: counted, on its way, and sold meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from data.keys import STOCKED_ITEM
from routing.stock.demand import ITEM

_KEY = STOCKED_ITEM
_OLDEST_COUNT = timedelta(days=365)
_LEVEL_DAYS = 28


@dataclass(frozen=True, slots=True)
class OnHand:
    """Stock on the first day of an event.

    Attributes
    ----------
    stock
        merchant_id, category, warehouse_id, units [whole units], as_of: as the table ``stock``, on the day before.
    sold
        Units sold since the counts, or expected to be sold until then.
    received
        Units on their way that can be sold by then.
    stale
        Counts left out because they are older than a year.
    """

    stock: pl.DataFrame
    sold: int
    received: int
    stale: int


def run_down(stock: pl.DataFrame, receipts: pl.DataFrame, sales: pl.DataFrame, *, as_of: date, first: date) -> OnHand:
    """Run stock down to the first day of an event.

    For each merchant and category::

        on hand[w] = max(0, count[w] + receipts sellable by then[w] - sold x share[w])

    with ``sold`` the units sold after the count up to `as_of`, and from then to the event as many a day as in the last four weeks, and ``share``
    the warehouse's part of what stands there: goods are sold from stock before they leave from home, and from each warehouse alike.

    Parameters
    ----------
    stock, receipts, sales
        ``stock``, ``stock_receipts`` and ``sales``; what is later than `as_of` is not known.
    as_of
        Last day known.
    first
        First day of the event.
    """
    known = stock.filter(pl.col("as_of") <= as_of).sort("as_of").group_by(*_KEY).agg(pl.col("units", "as_of").last())
    fresh = known.filter(pl.col("as_of") >= as_of - _OLDEST_COUNT)
    before = receipts.filter(pl.col("sellable_on") <= first)
    coming = before.join(fresh.select(*_KEY, counted="as_of"), on=_KEY, how="left").filter(
        (pl.col("sellable_on") > pl.col("counted")).fill_null(pl.col("sellable_on") > as_of)
    )
    arrived = coming.group_by(*_KEY).agg(received=pl.col("units").sum())
    both = fresh.join(arrived, on=_KEY, how="full", coalesce=True).with_columns(
        pl.col("units", "received").fill_null(0), as_of=pl.col("as_of").fill_null(as_of)
    )
    counts = both.group_by(*ITEM).agg(counted=pl.col("as_of").min(), total=(pl.col("units") + pl.col("received")).sum())
    sold = _sell(sales, counts, as_of, first)
    left = (
        both.join(counts.select(*ITEM, "total"), on=ITEM)
        .join(sold, on=ITEM, how="left")
        .with_columns(there=pl.col("units") + pl.col("received"))
        .with_columns(gone=(pl.col("sold").fill_null(0.0) * pl.col("there") / pl.col("total")).fill_nan(0.0))
        .with_columns(left=(pl.col("there") - pl.col("gone")).clip(0.0).round(0).cast(pl.Int64))
        .sort(_KEY)
    )
    return OnHand(
        stock=left.select(*_KEY, units="left", as_of=pl.lit(as_of)),
        sold=left.select((pl.col("there") - pl.col("left")).sum()).item(),
        received=left.select(pl.col("received").sum()).item(),
        stale=known.height - fresh.height,
    )


def _sell(sales: pl.DataFrame, counts: pl.DataFrame, as_of: date, first: date) -> pl.DataFrame:
    """Units of each item sold after its count, and to be sold until the event."""
    until = (first - as_of).days - 1
    of_item = sales.filter(pl.col("date") <= as_of).join(counts.select(*ITEM, "counted"), on=ITEM)
    recent = pl.col("date") > as_of - timedelta(days=_LEVEL_DAYS)
    return of_item.group_by(*ITEM).agg(
        sold=pl.col("units").filter(pl.col("date") > pl.col("counted")).sum()
        + pl.col("units").filter(recent).sum() * max(until, 0) / _LEVEL_DAYS
    )
