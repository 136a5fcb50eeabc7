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
        ``stock``; ``stock_receipts``, ``sales`` and ``sourcing_today`` where the plan knew them, with the hubs of ``merchants``
        and ``warehouses``.
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
        _sell(tables, counts, there, as_of, first)
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
    tables: Mapping[str, pl.DataFrame],
    counts: dict[tuple[str, str, str], tuple[date, int]],
    there: dict[tuple[str, str, str], float],
    as_of: date,
    first: date,
) -> None:
    """Take off each warehouse what left it after its count, and what is expected to until the first day."""
    sites: dict[tuple[str, str], list[str]] = defaultdict(list)
    for merchant, category, site in there:
        sites[merchant, category].append(site)
    sourcing, hubs = tables.get("sourcing_today", pl.DataFrame()), _read_hubs(tables)
    served = _Sourcing(sourcing, hubs)
    gone: dict[tuple[str, str, str], float] = defaultdict(float)
    ahead = max((first - as_of).days - 1, 0) / _LEVEL
    since = [day for day, _ in counts.values()]
    start = min([*since, as_of - timedelta(days=_LEVEL)])
    wanted = tables["sales"].filter((pl.col("date") <= as_of) & (pl.col("date") > start))
    columns = ("date", "merchant_id", "category", "destination_region_id", "units")
    for day, merchant, category, region, units in wanted.select(columns).iter_rows():
        item = (merchant, category)
        if item not in sites:
            continue
        recent = day > as_of - timedelta(days=_LEVEL)
        for when, amount in ((day, float(units)), (as_of + timedelta(days=1), units * ahead if recent else 0.0)):
            for places, part in served.split(item, region, when, sites[item]):
                total = sum(there[(*item, site)] for site in places)
                for site in places:
                    counted = counts[(*item, site)][0] if (*item, site) in counts else as_of
                    if when > counted and total > 0:
                        gone[(*item, site)] += amount * part * there[(*item, site)] / total
    for key, units in gone.items():
        there[key] = max(there[key] - units, 0.0)


def _read_hubs(tables: Mapping[str, pl.DataFrame]) -> dict[str, str]:
    """Hub of each merchant and each warehouse."""
    found: dict[str, str] = {}
    for name, key in (("merchants", "merchant_id"), ("warehouses", "warehouse_id")):
        if name in tables:
            found |= {f"{name} {ident}": hub for ident, hub in tables[name].select(key, "hub_id").iter_rows()}
    return found


class _Sourcing:
    """Which warehouses the sales of an item leave from, row by row of ``sourcing``."""

    def __init__(self, rows: pl.DataFrame, hubs: dict[str, str]) -> None:
        self.hubs = hubs
        self.rows: dict[tuple[str, str, str], list[tuple[str, date | None, date | None, float]]] = defaultdict(list)
        self.known: set[tuple[str, str]] = set()
        names = ("merchant_id", "category", "region_id", "origin_hub_id", "date_from", "date_to", "share")
        for merchant, category, region, hub, begins, ends, share in (
            rows.select(names).iter_rows() if rows.width else ()
        ):
            self.rows[merchant, category, region].append((hub, begins, ends, share))
            self.known.add((merchant, category))

    def split(self, item: tuple[str, str], region: str, day: date, sites: list[str]) -> list[tuple[list[str], float]]:
        """Share of a day's sales to a region that leaves from each group of the item's warehouses; what leaves from none is left out."""
        if item not in self.known and (item[0], "*") not in self.known:
            return [(sites, 1.0)]
        shares: dict[str, float] = defaultdict(float)
        for category in (item[1], "*"):
            for hub, begins, ends, share in self.rows.get((item[0], category, region), []):
                if (begins is None or begins <= day) and (ends is None or day <= ends):
                    shares[hub] += share
        total = sum(shares.values())
        found = {hub: share / max(total, 1.0) for hub, share in shares.items()}
        home = self.hubs.get(f"merchants {item[0]}", "")
        found[home] = found.get(home, 0.0) + max(1.0 - total, 0.0)
        return [
            (places, share)
            for hub, share in found.items()
            if (places := [site for site in sites if self.hubs.get(f"warehouses {site}") == hub]) and share > 0
        ]
