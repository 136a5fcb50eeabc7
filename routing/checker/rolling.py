"""The independent check of a rolling stock plan: every unit accounted for from week to week, from the tables alone."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl

from routing.checker.certificate import Totals, check_certificate
from routing.checker.stock_cost import expect_orders, follow_closings, measure_goods
from routing.checker.stock_on_hand import count_on_hand
from routing.checker.violations import Violation, order, write_number
from routing.checker.ways import Ways, measure_ways

INPUTS = (
    "merchants", "warehouses", "stock", "stock_receipts", "sales", "hubs", "lanes", "vehicle_types", "lane_vehicles",
    "courier_rates", "network_changes", "categories", "items",
)  # fmt: skip
_STAGES = {"factory": 0, "main": 1, "split": 2, "shop": 3}
_CENT = 0.01
_SHARE = 1e-6
Place = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class RollingTerms:
    """What a plan was told besides its tables: last day known, days until goods are put away, price of a unit short [CNY/unit]."""

    as_of: date
    putaway_days: int = 2
    short_cost: float = 20.0


@dataclass(slots=True)
class _Check:
    """Rows by week, and what is found wrong with them."""

    tables: Mapping[str, pl.DataFrame]
    terms: RollingTerms
    weeks: list[date] = field(default_factory=list)
    found: list[Violation] = field(default_factory=list)

    def add(self, rule: str, where: str, day: date | None, found: object, allowed: object, text: str) -> None:
        self.found.append(Violation(rule, where, day, write_number(found), write_number(allowed), text))


def check_rolling(tables: Mapping[str, pl.DataFrame], terms: RollingTerms) -> list[Violation]:
    """Check a rolling stock plan.

    Parameters
    ----------
    tables
        ``stock_levels``, ``stock_transfers``, ``plan_certificates``, those of ``INPUTS``, ``sourcing_today`` and, where the plan stood on a forecast,
        ``merchant_forecasts``.
    terms
        What the plan was told.

    Returns
    -------
    list of Violation
        Ordered by rule; empty for a valid plan.
    """
    check = _Check(tables, terms, sorted(set(tables["stock_levels"]["date"].to_list())))
    levels = tables["stock_levels"].filter(pl.col("warehouse_id").is_not_null())
    rows = {
        (row["date"], (row["merchant_id"], row["category"], row["warehouse_id"])): row
        for row in levels.iter_rows(named=True)
    }
    _check_balance(check, rows)
    _check_transfers(check, rows)
    _check_orders(check)
    _check_storage(check, rows)
    _check_ways(check)
    levels, transfers = tables["stock_levels"], tables["stock_transfers"]
    sold, short = float(levels["sold"].sum()), float(levels["short"].sum())
    used = set(levels.filter(pl.col("sold") > 0)["warehouse_id"].drop_nulls().to_list())
    opening = sum(
        float(row["opening_cost"] or 0.0)
        for row in tables["warehouses"].iter_rows(named=True)
        if row["warehouse_id"] in used
    )
    cost = float(levels["cost"].sum()) + float(transfers["cost"].sum()) + opening + terms.short_cost * short
    totals = Totals(cost, sold + short, sold, short)
    certificate = check_certificate(tables.get("plan_certificates"), "rolling", totals, len(check.found))
    return order(check.found + certificate)


def _name(place: Place) -> str:
    return " / ".join(place)


def _check_balance(check: _Check, rows: Mapping[tuple[date, Place], Mapping[str, int]]) -> None:
    """Each row adds up, and each week begins with what the one before it left and what has come since."""
    counted = _stand(check, check.weeks[0] if check.weeks else check.terms.as_of)
    coming = _receive(check)
    for (day, place), row in sorted(rows.items()):
        stands = row["opening"] + row["under_way"] + row["moved_in"] - row["moved_out"]
        if stands - row["sold"] != row["closing"] or row["closing"] < 0:
            text = f"{_name(place)}: {stands} units less {row['sold']} sold do not leave {row['closing']}."
            check.add("rolling.balance", _name(place), day, row["closing"], stands - row["sold"], text)
        if row["sold"] > stands or row["moved_out"] > row["opening"]:
            text = f"{_name(place)}: {row['sold']} units are sold and {row['moved_out']} sent on, {stands} stand there of {row['opening']}."
            check.add("rolling.oversold", _name(place), day, row["sold"], stands, text)
    for place in sorted({place for _, place in rows} | {*counted} | {place for _, place in coming}):
        left = counted.get(place, 0)
        for day in check.weeks:
            claimed, due = rows.get((day, place)), coming.get((day, place), 0)
            opening, under = (claimed["opening"], claimed["under_way"]) if claimed else (0, 0)
            if opening != left or under != due:
                text = f"{_name(place)} begins with {opening} units and {under} under way, {left} and {due} are there."
                check.add("rolling.balance", _name(place), day, opening + under, left + due, text)
            left = claimed["closing"] if claimed else left + due


def _stand(check: _Check, first: date) -> dict[Place, int]:
    there = count_on_hand(check.tables, check.terms.as_of, first)
    return {(m, c, w): units for m, c, w, units in there.iter_rows() if units}


def _receive(check: _Check) -> dict[tuple[date, Place], int]:
    """Units under way by the week from which they can be sold; those of the first are in the counts."""
    found: dict[tuple[date, Place], int] = defaultdict(int)
    columns = ("merchant_id", "category", "warehouse_id", "sellable_on", "units")
    for merchant, category, site, day, units in check.tables["stock_receipts"].select(columns).iter_rows():
        week = next((first for first in check.weeks if day <= first), None)
        if week is not None and week != check.weeks[0]:
            found[week, (merchant, category, site)] += units
    return found


def _check_transfers(check: _Check, rows: Mapping[tuple[date, Place], Mapping[str, int]]) -> None:
    """What is told to come and go is what the transfers bring and take."""
    moved: dict[tuple[date, Place], list[int]] = defaultdict(lambda: [0, 0])
    for row in check.tables["stock_transfers"].iter_rows(named=True):
        item, day = (row["merchant_id"], row["category"]), row["sellable_on"]
        moved[day, (*item, row["warehouse_id"])][0] += row["units"]
        if row["origin_warehouse_id"] is not None:
            moved[day, (*item, row["origin_warehouse_id"])][1] += row["units"]
    for day, place in sorted({*moved, *rows}):
        claimed = rows.get((day, place))
        was = [claimed["moved_in"], claimed["moved_out"]] if claimed else [0, 0]
        due = moved.get((day, place), [0, 0])
        if was != due:
            text = f"{_name(place)}: {was[0]} units come and {was[1]} go, by the transfers {due[0]} and {due[1]}."
            check.add("rolling.transfers", _name(place), day, was[0] - was[1], due[0] - due[1], text)


def _check_orders(check: _Check) -> None:
    """All orders expected are served or told short, each once."""
    cube = check.tables.get("merchant_forecasts")
    if cube is None or cube.is_empty():
        return
    levels = check.tables["stock_levels"]
    for day, last in levels.select("date", "date_to").unique().sort("date").iter_rows():
        due = expect_orders(cube, day, last).group_by("merchant_id", "category").agg(due=pl.col("expected").sum())
        week = levels.filter(pl.col("date") == day).group_by("merchant_id", "category")
        both = week.agg(served=pl.col("sold").sum() + pl.col("short").sum()).join(
            due, on=["merchant_id", "category"], how="full", coalesce=True
        )
        off = both.with_columns(pl.col("served", "due").fill_null(0)).filter(pl.col("served") != pl.col("due"))
        for merchant, category, served, asked in off.sort("merchant_id", "category").iter_rows():
            text = f"{merchant} / {category}: {served} units are served or short, {asked} are ordered."
            check.add("rolling.orders", f"{merchant} / {category}", day, served, asked, text)


def _check_storage(check: _Check, rows: Mapping[tuple[date, Place], Mapping[str, int]]) -> None:
    room = dict(check.tables["warehouses"].select("warehouse_id", "storage_capacity").iter_rows())
    stands: dict[tuple[date, str], int] = defaultdict(int)
    before: dict[tuple[date, str], int] = defaultdict(int)
    for (day, place), row in rows.items():
        was = row["opening"] + row["under_way"]
        stands[day, place[2]] += was + row["moved_in"] - row["moved_out"]
        before[day, place[2]] += was
    for (day, site), units in sorted(stands.items()):
        if site not in room:
            check.add("id.unknown", site, day, site, "a row of warehouses", f"{site} is no row of warehouses.")
        elif units > max(room[site], before[day, site]):
            text = f"Warehouse {site} is to hold {units} units, it has room for {room[site]}."
            check.add("rolling.storage", site, day, units, room[site], text)


def _check_ways(check: _Check) -> None:
    """Transfers leave in time, from where and to where their kind of warehouse allows, at the cost of their way; factories serve nobody."""
    tables = check.tables
    kinds = {
        row["warehouse_id"]: _STAGES[row.get("kind") or "split"] for row in tables["warehouses"].iter_rows(named=True)
    }
    hubs = dict(tables["warehouses"].select("warehouse_id", "hub_id").iter_rows())
    ways = measure_ways(tables)
    cube = tables.get("merchant_forecasts")
    goods = (
        None
        if cube is None or cube.is_empty()
        else measure_goods(tables, cube.select("merchant_id", "category").unique())
    )
    for row in tables["stock_levels"].filter(pl.col("sold") > 0).iter_rows(named=True):
        if kinds.get(row["warehouse_id"], 2) == 0:
            where = f"{row['merchant_id']} / {row['category']} / {row['warehouse_id']}"
            text = f"{where}: a factory sends {row['sold']} units to buyers."
            check.add("rolling.kinds", where, row["date"], row["sold"], 0, text)
    closed = {day: follow_closings(tables["network_changes"], day) for day in check.weeks}
    for row in (
        tables["stock_transfers"].sort("sellable_on", "merchant_id", "category", "warehouse_id").iter_rows(named=True)
    ):
        start, end, day = row["origin_warehouse_id"], row["warehouse_id"], row["sellable_on"]
        where = f"{row['merchant_id']} / {row['category']} / {end}"
        if day not in closed or end not in kinds or (start is not None and start not in kinds):
            check.add("id.unknown", where, day, f"{start} to {end}", "warehouses and a week of the plan", f"{where} is of no week or warehouse of the plan.")  # fmt: skip
            continue
        if kinds[end] == 0 or start == end or (start is not None and kinds[start] > kinds[end]):
            text = f"{where}: goods do not go from {start or 'home'} to a warehouse of that kind."
            check.add("rolling.kinds", where, day, str(start), str(end), text)
        to = closed[day].get(hubs[end]) or hubs[end]
        _check_days(check, row, (ways, row["origin_hub_id"], to), where)
        if goods is not None and row["origin_hub_id"] in ways.at:
            places = goods[row["merchant_id"], row["category"]][1]
            due = float(ways.bulk[ways.at[row["origin_hub_id"]], ways.at[to]]) * places * row["units"]
            if not math.isclose(row["cost"], due, rel_tol=_SHARE, abs_tol=_CENT):
                text = (
                    f"{where}: bringing {row['units']} units in is told to cost {row['cost']:.2f}, it costs {due:.2f}."
                )
                check.add("rolling.cost", where, day, round(row["cost"], 2), round(due, 2), text)


def _check_days(check: _Check, row: Mapping[str, date], way: tuple[Ways, str, str], where: str) -> None:
    terms, (ways, start, to) = check.terms, way
    ship, arrives, day = row["ship_on"], row["arrives_on"], row["sellable_on"]
    begins = terms.as_of + timedelta(days=1)
    if row["origin_warehouse_id"] is not None and check.weeks.index(day) > 0:
        begins = max(begins, check.weeks[check.weeks.index(day) - 1])  # what is spare then, and not before
    road = float(ways.road[ways.at[start], ways.at[to]]) if start in ways.at and to in ways.at else math.inf
    lead = math.ceil(road - 1e-9) if math.isfinite(road) else 10_000
    if ship < begins or (arrives - ship).days < lead or (day - arrives).days < terms.putaway_days:
        text = f"{where}: goods leave on {ship}, arrive on {arrives} and are sold from {day}; they leave from {begins}, take {lead} days and {terms.putaway_days} to put away."
        check.add("rolling.dates", where, day, str(ship), str(begins), text)
