"""What the stock of a joint plan costs, added up anew from its tables: bringing in, storage, opening, and the days buyers wait.

    cost = sum over allocations of bring-in[home, warehouse] x units sent + rent[warehouse] x units
         + opening of the warehouses used
         + worth of a day x sum over sourced orders of units x (days from where they leave - days from where they leave today)

Orders of an item and region are the forecast's, over the days as the parcels of its home hub are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from data.reasons import read_reason
from routing.checker.buyers import find_zones, place_buyers, weigh_buyers
from routing.checker.ways import measure_ways

NEEDED = (
    "merchant_forecasts", "courier_rates", "lanes", "vehicle_types", "lane_vehicles", "hubs", "regions", "categories", "items",
    "network_changes",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class StockTerms:
    """What a plan was told besides its tables: worth of a day of waiting [CNY/unit], days until goods are put away."""

    day_cost: float = 0.5
    putaway_days: int = 2


@dataclass(frozen=True, slots=True)
class StockCost:
    """Cost of the stock of a joint plan by what it is for [CNY]."""

    bring_in: float
    storage: float
    opening: float
    waiting: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.bring_in + self.storage + self.opening + self.waiting


def recompute_cost(tables: Mapping[str, pl.DataFrame], terms: StockTerms) -> StockCost | None:
    """Add up what the stock of a joint plan costs.

    Parameters
    ----------
    tables
        Tables of the checker of joint plans, and those of ``NEEDED``.
    terms
        What the plan was told.

    Returns
    -------
    StockCost or None
        None where the tables do not hold what the plan stood on.
    """
    if any(name not in tables for name in NEEDED) or tables["merchant_forecasts"].is_empty():
        return None
    rows = tables["stock_allocations"]
    reasons = [read_reason(text) for text in rows["reason"].head(1).to_list()]
    if rows.is_empty() or reasons[0] is None:
        return StockCost(0.0, 0.0, 0.0, 0.0) if tables["sourcing"].is_empty() else None
    first, last = date.fromisoformat(reasons[0].first), date.fromisoformat(reasons[0].last)
    closed = follow_closings(tables["network_changes"], first)
    orders = expect_orders(tables["merchant_forecasts"], first, last)
    if orders.is_empty():
        return None
    ways = measure_ways(tables)
    homes = {(m, c): closed.get(hub) or hub for m, c, hub in find_homes(tables, first, last)}
    sites = {row["warehouse_id"]: row for row in tables["warehouses"].iter_rows(named=True)}
    there = {
        row[:3]: row[3]
        for row in tables["stands"].select("merchant_id", "category", "warehouse_id", "units").iter_rows()
    }
    goods = measure_goods(tables, orders)
    days = (last - first).days + 1
    bring_in = storage = 0.0
    used = set()
    for merchant, category, site, units in rows.select("merchant_id", "category", "warehouse_id", "units").iter_rows():
        sent = max(units - there.get((merchant, category, site), 0), 0)
        hub = closed.get(sites[site]["hub_id"]) or sites[site]["hub_id"]
        if sent:
            bring_in += (
                sent * goods[merchant, category][1] * ways.bulk[ways.at[homes[merchant, category]], ways.at[hub]]
            )
        storage += units * (sites[site]["storage_cost"] or 0.0) * (terms.putaway_days + days / 2)
        used.add(site)
    opening = sum(float(sites[site]["opening_cost"] or 0.0) for site in used)
    zones = find_zones(
        tables["regions"], tables["hubs"], dict(orders.group_by("region_id").agg(pl.col("expected").sum()).iter_rows())
    )
    reach = place_buyers(weigh_buyers(zones, orders, closed), ways)
    waiting = terms.day_cost * _wait(tables, orders, homes, zones, reach, (first, last))
    return StockCost(float(bring_in), float(storage), opening, waiting)


def expect_orders(cube: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """Units each region is expected to order of each item over the days, whole by carrying roundings on from region to region."""
    inside = cube.filter(pl.col("date").is_between(first, last))
    sums = inside.group_by("merchant_id", "category", "region_id").agg(mean=pl.col("mean").sum())
    sums = sums.sort("merchant_id", "category", "region_id")
    rows: list[tuple[str, str, str, int]] = []
    carried: dict[tuple[str, str], tuple[float, float]] = {}
    for merchant, category, region, mean in sums.iter_rows():
        upto, whole = carried.get((merchant, category), (0.0, 0.0))
        now = upto + mean
        rounded = float(np.floor(now + 0.5))
        carried[merchant, category] = (now, rounded)
        if rounded > whole or mean >= 0.05:
            rows.append((merchant, category, region, int(rounded - whole)))
    names = {"merchant_id": pl.String, "category": pl.String, "region_id": pl.String, "expected": pl.Int64}
    return pl.DataFrame(rows, schema=names, orient="row")


def find_homes(tables: Mapping[str, pl.DataFrame], first: date, last: date) -> list[tuple[str, str, str]]:
    """Hub each item leaves from today: the latest the forecast names."""
    inside = tables["merchant_forecasts"].filter(pl.col("date").is_between(first, last)).sort("date")
    named = inside.group_by("merchant_id", "category").agg(pl.col("hub_id").last())
    return [(m, c, hub) for m, c, hub in named.iter_rows()]


def measure_goods(
    tables: Mapping[str, pl.DataFrame], orders: pl.DataFrame
) -> dict[tuple[str, str], tuple[float, float]]:
    """Units in a parcel of each item, and room of a unit in a full vehicle: as its item says, else its category, else a parcel's part."""
    kinds = {row["category"]: row for row in tables["categories"].iter_rows(named=True)}
    own = {(row["merchant_id"], row["category"]): row for row in tables["items"].iter_rows(named=True)}
    sold = dict.fromkeys(orders.select("merchant_id", "category").iter_rows(), 1.0)
    for merchant, category, units in (
        tables["merchant_forecasts"].select("merchant_id", "category", "units_per_parcel").iter_rows()
    ):
        if (merchant, category) in sold:
            sold[merchant, category] = units
    found = {}
    for item, units in sold.items():
        sources = [source for source in (own.get(item), kinds.get(item[1])) if source is not None]
        in_parcel = next((row["units_per_parcel"] for row in sources if row["units_per_parcel"] is not None), units)
        place = next((row["places_per_unit"] for row in sources if row["places_per_unit"] is not None), 1.0 / in_parcel)
        found[item] = (float(in_parcel), float(place))
    return found


def follow_closings(changes: pl.DataFrame, day: date) -> dict[str, str | None]:
    """Hubs that are closed, or have moved whole, on a day and the hub that takes most of what they did."""
    latest: dict[str, list[dict[str, object]]] = defaultdict(list)
    for row in changes.sort("date").iter_rows(named=True):
        until, scope, direction = row.get("until"), row.get("scope") or "hub", row.get("direction")
        if row["date"] > day or (until is not None and until < day) or scope != "hub" or direction is not None:
            continue
        seen = latest[row["hub_id"]]
        if seen and seen[0]["date"] != row["date"]:
            seen.clear()
        seen.append(row)
    gone: dict[str, str | None] = {}
    for hub, rows in latest.items():
        kinds = {row["change"] for row in rows}
        shares = [
            (1.0 if row["share"] is None else float(str(row["share"])), str(row["successor_hub_id"]))
            for row in rows
            if row["successor_hub_id"] is not None
        ]
        moved = sum(
            1.0 if row["share"] is None else float(str(row["share"]))
            for row in rows
            if row["change"] == "moves" and row["successor_hub_id"] is not None
        )
        if "opens" not in kinds and ("closes" in kinds or moved >= 1.0 - 1e-9):
            gone[hub] = max(shares)[1] if shares else None
    for hub in list(gone):
        seen_hubs, at = {hub}, gone[hub]
        while at in gone and at not in seen_hubs:
            seen_hubs.add(at)
            at = gone[at]
        gone[hub] = None if at in seen_hubs else at
    return gone


def _wait(
    tables: Mapping[str, pl.DataFrame],
    orders: pl.DataFrame,
    homes: Mapping[tuple[str, str], str],
    zones: Mapping[str, tuple[str, list[str]]],
    reach: Mapping[tuple[str, str], float],
    window: tuple[date, date],
) -> float:
    """Units x days that buyers wait more than they would as orders are sourced today."""
    sent: dict[tuple[date, str], float] = defaultdict(float)
    for day, hub, base in tables["route_demand"].select("date", "origin_hub_id", "base").iter_rows():
        if window[0] <= day <= window[1]:
            sent[day, hub] += base
    total: dict[str, float] = defaultdict(float)
    for (_, hub), parcels in sent.items():
        total[hub] += parcels
    units = {row[:3]: row[3] for row in orders.iter_rows()}
    today = source_today(tables["sourcing_today"], zones, window[0])
    more = 0.0
    columns = ("merchant_id", "category", "region_id", "origin_hub_id", "date_from", "date_to", "share")
    for merchant, category, region, hub, begins, ends, share in tables["sourcing"].select(columns).iter_rows():
        home, zone = homes[merchant, category], zones[region][0]
        span = (begins + timedelta(days=n) for n in range((ends - begins).days + 1))
        part = sum(sent.get((day, home), 0.0) for day in span) / total[home] if total[home] else 0.0
        more += (
            units.get((merchant, category, region), 0)
            * part
            * share
            * (reach.get((hub, zone), 0.0) - days_today(today, (merchant, category), zone, home, reach))
        )
    return more


def source_today(
    sourcing: pl.DataFrame, zones: Mapping[str, tuple[str, list[str]]], day: date
) -> dict[tuple[str, str, str], dict[str, float]]:
    """Share of each item's orders of a zone that leaves from each hub today; a zone's regions count alike."""
    regions: dict[str, int] = defaultdict(int)
    for zone, _ in zones.values():
        regions[zone] += 1
    found: dict[tuple[str, str, str], dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in sourcing.iter_rows(named=True):
        begins, ends = row["date_from"], row["date_to"]
        if (begins is not None and begins > day) or (ends is not None and ends < day) or row["region_id"] not in zones:
            continue
        zone = zones[row["region_id"]][0]
        found[row["merchant_id"], row["category"], zone][row["origin_hub_id"]] += row["share"] / regions[zone]
    return found


def days_today(
    today: Mapping[tuple[str, str, str], Mapping[str, float]],
    item: tuple[str, str],
    zone: str,
    home: str,
    reach: Mapping[tuple[str, str], float],
) -> float:
    """Days buyers of a zone wait as orders are sourced today; what no row takes leaves from home."""
    shares: dict[str, float] = defaultdict(float)
    for category in (item[1], "*"):
        for hub, share in today.get((item[0], category, zone), {}).items():
            shares[hub] += share
    over = max(sum(shares.values()), 1.0)
    rest = max(1.0 - sum(shares.values()), 0.0)
    named = sum(share / over * reach.get((hub, zone), 0.0) for hub, share in shares.items())
    return named + rest * reach.get((home, zone), 0.0)
