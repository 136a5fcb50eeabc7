"""What stands in the warehouses on the first day of a stock plan, added up row by row from counts, receipts and sales."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl

_YEAR, _LEVEL = timedelta(days=365), 28


def count_on_hand(tables: Mapping[str, pl.DataFrame], as_of: date | None, first: date | None) -> pl.DataFrame:
    """Add up what is left of each item in each warehouse.

    Parameters
    ----------
    tables
        ``stock``; ``stock_receipts`` and ``sales`` where the plan knew them.
    as_of
        Last day the plan knew; None takes every count as it is.
    first
        First day the stock is for; None takes the counts as they are.

    Returns
    -------
    polars.DataFrame
        merchant_id, category, warehouse_id, units.
    """
    counts: dict[tuple[str, str, str], tuple[date, int]] = {}
    rows = tables["stock"].select("merchant_id", "category", "warehouse_id", "units", "as_of")
    for merchant, category, site, units, day in rows.sort("as_of").iter_rows():
        if as_of is None or as_of - _YEAR <= day <= as_of:
            counts[merchant, category, site] = (day, units)
    there: dict[tuple[str, str, str], float] = {key: float(units) for key, (_, units) in counts.items()}
    if as_of is not None and first is not None and "sales" in tables:
        _receive(tables, counts, there, as_of, first)
        _sell(tables["sales"], counts, there, as_of, first)
    names = {"merchant_id": pl.String, "category": pl.String, "warehouse_id": pl.String, "units": pl.Int64}
    return pl.DataFrame([(*key, round(units)) for key, units in sorted(there.items())], schema=names, orient="row")


def _receive(
    tables: Mapping[str, pl.DataFrame],
    counts: dict[tuple[str, str, str], tuple[date, int]],
    there: dict[tuple[str, str, str], float],
    as_of: date,
    first: date,
) -> None:
    if "stock_receipts" not in tables:
        return
    columns = ("merchant_id", "category", "warehouse_id", "sellable_on", "units")
    for merchant, category, site, day, units in tables["stock_receipts"].select(columns).iter_rows():
        key = (merchant, category, site)
        since = counts[key][0] if key in counts else as_of
        if since < day <= first:
            there[key] = there.get(key, 0.0) + units


def _sell(
    sales: pl.DataFrame,
    counts: dict[tuple[str, str, str], tuple[date, int]],
    there: dict[tuple[str, str, str], float],
    as_of: date,
    first: date,
) -> None:
    sites: dict[tuple[str, str], list[str]] = defaultdict(list)
    since: dict[tuple[str, str], date] = {}
    for merchant, category, site in there:
        sites[merchant, category].append(site)
        day = counts[merchant, category, site][0] if (merchant, category, site) in counts else as_of
        since[merchant, category] = min(since.get((merchant, category), day), day)
    sold: dict[tuple[str, str], float] = defaultdict(float)
    ahead = max((first - as_of).days - 1, 0) / _LEVEL
    start = min(since.values(), default=as_of)
    wanted = sales.filter((pl.col("date") <= as_of) & (pl.col("date") > min(start, as_of - timedelta(days=_LEVEL))))
    for day, merchant, category, units in wanted.select("date", "merchant_id", "category", "units").iter_rows():
        item = (merchant, category)
        if item not in since:
            continue
        if day > since[item]:
            sold[item] += units
        if day > as_of - timedelta(days=_LEVEL):
            sold[item] += units * ahead
    for item, places in sites.items():
        total = sum(there[(*item, site)] for site in places)
        for site in places:
            part = there[(*item, site)] / total if total else 0.0
            there[(*item, site)] = max(there[(*item, site)] - sold[item] * part, 0.0)
