"""What of a merchant's stock is still there on the first day of an event: counted, on its way, and sold meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from data.constants import constant
from data.contracts.fields import ALL
from data.keys import STOCKED_ITEM
from routing.stock.demand import ITEM

_KEY = STOCKED_ITEM
_SPAN = ("date_from", "date_to", "share")


@dataclass(frozen=True)
class CountRules:
    """Which counts of stock are believed, and how it runs down until the event."""

    oldest: int = constant(365, "days", "that a count may be old", "judgement")
    level: int = constant(28, "days", "of sales that give what is still sold until the event", "judgement")


COUNTS = CountRules()


@dataclass(frozen=True, slots=True)
class Serving:
    """Where orders leave from.

    Attributes
    ----------
    sourcing
        Table of that name, as it is today.
    merchants, warehouses
        Tables of that name: the hubs they are at.
    """

    sourcing: pl.DataFrame
    merchants: pl.DataFrame
    warehouses: pl.DataFrame


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


def run_down(
    stock: pl.DataFrame,
    receipts: pl.DataFrame,
    sales: pl.DataFrame,
    *,
    as_of: date,
    first: date,
    serving: Serving | None = None,
) -> OnHand:
    """Run stock down to the first day of an event.

    For each merchant and category::

        on hand[w] = max(0, count[w] + receipts sellable by then[w] - sold from w)

    Sold are the units after the warehouse's count up to `as_of`, and from then to the event as many a day as in the last four weeks. Where
    ``sourcing`` has rows of an item, each region's sales leave from the hubs it names, what it does not name from the merchant's own, and from
    the warehouses at a hub in proportion to what stands there; of an item it says nothing of, goods are sold from all stock alike before
    they leave from home.

    Parameters
    ----------
    stock, receipts, sales
        ``stock``, ``stock_receipts`` and ``sales``; what is later than `as_of` is not known.
    as_of
        Last day known.
    first
        First day of the event.
    serving
        Where orders leave from; None knows of no item.
    """
    known = stock.filter(pl.col("as_of") <= as_of).sort("as_of").group_by(*_KEY).agg(pl.col("units", "as_of").last())
    fresh = known.filter(pl.col("as_of") >= as_of - timedelta(days=COUNTS.oldest))
    before = receipts.filter(pl.col("sellable_on") <= first)
    coming = before.join(fresh.select(*_KEY, counted="as_of"), on=_KEY, how="left").filter(
        (pl.col("sellable_on") > pl.col("counted")).fill_null(pl.col("sellable_on") > as_of)
    )
    arrived = coming.group_by(*_KEY).agg(received=pl.col("units").sum())
    both = (
        fresh.join(arrived, on=_KEY, how="full", coalesce=True)
        .with_columns(pl.col("units", "received").fill_null(0), counted=pl.col("as_of").fill_null(as_of))
        .with_columns(there=pl.col("units") + pl.col("received"))
        .sort(_KEY)
    )
    sold = _list_sold(sales, both, as_of, first)
    left = (
        both.join(_take_from_sites(sold, both, serving), on=_KEY, how="left")
        .with_columns(left=(pl.col("there") - pl.col("gone").fill_null(0.0)).clip(0.0).round(0).cast(pl.Int64))
        .sort(_KEY)
    )
    return OnHand(
        stock=left.select(*_KEY, units="left", as_of=pl.lit(as_of)),
        sold=left.select((pl.col("there") - pl.col("left")).sum()).item(),
        received=left.select(pl.col("received").sum()).item(),
        stale=known.height - fresh.height,
    )


def _list_sold(sales: pl.DataFrame, stands: pl.DataFrame, as_of: date, first: date) -> pl.DataFrame:
    """List what is sold of the items that stand somewhere, by region and day: what was, and, on the day after `as_of`, what is to be until the event."""
    until = max((first - as_of).days - 1, 0)
    items = stands.group_by(*ITEM).agg(pl.col("counted").min())
    of_item = sales.filter(pl.col("date") <= as_of).join(items, on=ITEM)
    was = of_item.filter(pl.col("date") > pl.col("counted"))
    recent = of_item.filter(pl.col("date") > as_of - timedelta(days=COUNTS.level))
    ahead = recent.with_columns(date=pl.lit(as_of + timedelta(days=1)), units=pl.col("units") * (until / COUNTS.level))
    names = (*ITEM, "destination_region_id", "date")
    rows = pl.concat([part.select(*names, pl.col("units").cast(pl.Float64)) for part in (was, ahead)])
    return rows.group_by(*names).agg(pl.col("units").sum()).filter(pl.col("units") > 0).sort(names)


def _take_from_sites(sold: pl.DataFrame, stands: pl.DataFrame, serving: Serving | None) -> pl.DataFrame:
    """Say how much of what is sold leaves each warehouse: merchant_id, category, warehouse_id, gone."""
    sites = stands.select(*_KEY, "counted", "there")
    alike = sold.group_by(*ITEM, "date").agg(pl.col("units").sum())
    parts = []
    if serving is not None:
        named, rest = _source_sales(sold, serving)
        alike = rest.group_by(*ITEM, "date").agg(pl.col("units").sum())
        hubs = serving.warehouses.select("warehouse_id", "hub_id")
        at_hub = sites.join(hubs, on="warehouse_id", maintain_order="left").with_columns(
            beside=pl.col("there").sum().over(*ITEM, "hub_id")
        )
        parts.append(named.join(at_hub, on=[*ITEM, "hub_id"]))
    parts.append(alike.join(sites.with_columns(beside=pl.col("there").sum().over(*ITEM)), on=ITEM))
    part = (pl.col("there") / pl.col("beside")).fill_nan(0.0)
    gone = [
        rows.filter(pl.col("date") > pl.col("counted")).select(*_KEY, gone=pl.col("units") * part) for rows in parts
    ]
    return pl.concat(gone).sort(*_KEY, "gone").group_by(*_KEY).agg(pl.col("gone").sum())


def _source_sales(sold: pl.DataFrame, serving: Serving) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split sales into those of items that ``sourcing`` names, by the hub they leave from, and the others."""
    rows = serving.sourcing
    every = rows.filter(pl.col("category") == ALL).drop("category")
    own = rows.filter(pl.col("category") != ALL)
    spread = every.join(sold.select(*ITEM).unique(), on="merchant_id").select(own.columns)
    all_rows = pl.concat([own, spread])
    listed = all_rows.select(*ITEM).unique()
    known, rest = sold.join(listed, on=ITEM, how="semi"), sold.join(listed, on=ITEM, how="anti")
    where = all_rows.select(*ITEM, *_SPAN, destination_region_id="region_id", hub_id="origin_hub_id")
    keys = (*ITEM, "destination_region_id", "date")
    sent = (
        known.join(where, on=keys[:3])
        .filter(
            (pl.col("date_from") <= pl.col("date")).fill_null(True)
            & (pl.col("date") <= pl.col("date_to")).fill_null(True)
        )
        .with_columns(over=pl.max_horizontal(pl.col("share").sum().over(keys), 1.0))
        .with_columns(share=pl.col("share") / pl.col("over"))
    )
    named = sent.group_by(keys).agg(pl.col("share").sum())
    homes = serving.merchants.select("merchant_id", "hub_id")
    at_home = (
        known.join(named, on=keys, how="left")
        .with_columns(share=(1.0 - pl.col("share").fill_null(0.0)).clip(0.0))
        .join(homes, on="merchant_id")
    )
    columns = (*ITEM, "hub_id", "date", "units")
    moved = pl.concat(
        [frame.with_columns(units=pl.col("units") * pl.col("share")).select(columns) for frame in (sent, at_home)]
    )
    return moved.group_by(*ITEM, "hub_id", "date").agg(pl.col("units").sum()).sort(columns[:4]), rest
