"""What the plan checker finds: the rules by name, and one broken rule."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date as day_type
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

RULES: Mapping[str, str] = MappingProxyType(
    {
        "table.missing": "a table the check needs is absent",
        "table.column": "a table lacks a column",
        "table.value": "a value is empty, not a number, negative or not whole where it must be",
        "table.duplicate": "two rows carry the same key",
        "id.unknown": "a plan row names a hub, lane or vehicle type that does not exist",
        "demand.balance": "demanded parcels differ from planned plus short parcels",
        "path.lengths": "a flow has not one departure date for each lane of its path",
        "path.ends": "a path does not lead from the origin to the destination of its parcels",
        "path.chain": "a lane of a path does not begin where the lane before it ends",
        "path.legs": "a path has more lanes than planners accept",
        "path.hub_twice": "a path passes a hub twice",
        "path.detour": "a path is longer than planners accept for its route",
        "sort_plan.lane": "parcels leave a sort over a lane that its sort plan does not name for their destination",
        "sort_plan.rows": "the sort plan has two rows for one hub, sort, destination and date",
        "sort_plan.share": "the sort plan tells another share for its first lane than the flows",
        "time.demand": "parcels leave before the day they are handed in",
        "time.transit": "parcels leave a hub before they have reached it",
        "time.completed": "parcels are sorted at their destination before they have reached it",
        "time.hours": "a departure of a plan by the clock does not say its hours, or not those of its lane",
        "lane.closed": "parcels or vehicles run over a lane that is closed that day",
        "lane.capacity": "the vehicles on a lane cannot hold the parcels that flow over it",
        "lane.parcels": "the parcels of a lane's vehicles differ from the parcels that flow over it",
        "lane.departure_limit": "more vehicles leave over a lane than it allows",
        "vehicle.capacity": "a row of departures carries more parcels than its vehicles hold",
        "vehicle.departure_limit": "more vehicles of a type leave over a lane than the lane allows of that type",
        "vehicle.not_allowed": "a lane with its own list of vehicle types is run by another type",
        "vehicle.mode": "a vehicle runs over a lane of another mode",
        "lock.at_least": "fewer vehicles of a type leave than a planner fixed",
        "lock.at_most": "more vehicles of a type leave than a planner allowed",
        "fleet.size": "more vehicles of a type are at work at one time than there are",
        "fleet.balance": "own vehicles that leave a hub over the plan differ from those that reach it",
        "fleet.position": "own vehicles leave from where they do not stand",
        "promise.late": "a flow tells other days late than its promise and its days give",
        "hub.sort_capacity": "a hub sorts more parcels in a day than it can",
        "hub.buffer": "a hub holds more parcels over a night than it has room for",
        "hub.staging": "more sorted parcels wait at a hub for a later departure than it has room for",
        "hub.closed": "parcels are at a hub that is closed that day, or vehicles call at it",
        "hub_loads.missing": "a hub-day with parcels has no row in hub_loads",
        "hub_loads.handled": "handled parcels in hub_loads differ from the flows",
        "hub_loads.held": "held parcels in hub_loads differ from the flows",
        "hub_loads.staged": "sorted parcels that wait in hub_loads differ from the flows and what its sorts handle",
        "hub_loads.capacity": "the capacity in hub_loads differs from the hub's",
        "hub_loads.utilisation": "the utilisation in hub_loads is not handled over capacity",
        "cost.row": "the cost of a row of departures differs from its vehicles and parcels at their prices",
        "cost.total": "the certificate's cost differs from the cost recomputed from the tables",
        "certificate.missing": "the plan has no row, or several, in plan_certificates",
        "certificate.bound": "the lower bound is above the cost, above what its prices prove, or not a number",
        "certificate.proof": "the certificate does not tell how its bound is proven, or the plan ends after the bound does",
        "bound_prices.row": "a price of the bound is below 0, or the price of nothing there is",
        "certificate.gap": "the gap is not (cost - lower_bound) / cost",
        "certificate.totals": "the certificate's parcels differ from the sums of the tables",
        "certificate.forced": "the certificate claims more parcels unavoidably short than the tables prove",
        "certificate.status": "the certificate's status contradicts its figures",
        "certificate.violations": "the certificate claims another number of violations than the checker finds",
        "joint.split": "parcels of a route and day are not base - moved_out + moved_in, or more moves out than there was",
        "joint.moved": "over all origins, other parcels move in than move out for a destination and day",
        "joint.dispatch": "more parcels move into a hub on a day than its warehouses send",
        "joint.dates": "stock is to be sold before it has left, arrived and been put away",
        "orders.once": "an order is not sent as it was asked, or not once",
        "orders.oversold": "more units of an item leave a warehouse than stand there",
        "joint.sourcing": "orders leave from a hub whose warehouses hold no stock of them yet",
        "joint.cost": "the joint plan's cost is not that of its trunk and its stock",
        "playback.missed": "played by the clock, parcels come to hand after the cut-off of their sort",
        "playback.sort": "played by the clock, a sort cannot sort all that must leave or be done with it",
        "playback.vehicle": "played by the clock, vehicles have no room for what is planned on them",
        "playback.buffer": "played by the clock, more waits after a sort than the hub has room for",
        "playback.staging": "played by the clock, more sorted parcels wait for a later departure than there is room for",
        "playback.not_done": "played by the clock, parcels are still under way a week after the plan",
        "stock.storage": "a warehouse is given more units than it can store",
        "stock.reason": "the parts of a reason do not add up to the units of its row, or to the stock at hand",
        "stock.ship_by": "stock is to be sent after the first day it is for",
        "rolling.balance": "units that stand in a warehouse do not follow from those before, what comes, what goes and what is sold",
        "rolling.transfers": "goods told to come or go are not those of the transfers",
        "rolling.oversold": "more units leave a warehouse than stand there",
        "rolling.orders": "the orders of an item and week are not served or told short once each",
        "rolling.storage": "goods are brought into a warehouse beyond its room",
        "rolling.dates": "goods leave before the plan can send them, or are sold before they are there",
        "rolling.kinds": "goods go where a warehouse of that kind does not send them, or a factory serves buyers",
        "rolling.cost": "the cost of a row or of the plan is not that of its goods",
    }
)


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule.

    Attributes
    ----------
    rule
        Name of the rule, a key of ``RULES``.
    where
        Table row, hub, lane, vehicle type or demand concerned.
    date
        Day concerned, None for rules of the whole plan.
    found, allowed
        The two values that disagree, as text.
    text
        One sentence for the planner.
    """

    rule: str
    where: str
    date: day_type | None
    found: str
    allowed: str
    text: str

    def as_row(self) -> dict[str, Any]:
        """Return the violation as a row of a table."""
        return asdict(self)


def write_number(value: object) -> str:
    """Write a number as a planner reads it: whole ones without decimals, others with at most six.

    Parameters
    ----------
    value
        Number, text or None.

    Returns
    -------
    str
        ``"12000"``, ``"0.85"``, the text itself, or ``"nothing"`` for None.
    """
    if value is None:
        return "nothing"
    if isinstance(value, float):
        if not math.isfinite(value):
            return str(value)
        if abs(value) < 1e15 and value == round(value):
            return str(round(value))
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return str(value)


def collect(rule: str, rows: pl.DataFrame, text: str, *, day: bool = True) -> list[Violation]:
    """Turn a frame of offending rows into violations.

    Parameters
    ----------
    rule
        Name of the rule.
    rows
        Columns ``where`` (text), ``found``, ``allowed`` and, when `day`, ``date``.
    text
        Sentence with the fields ``{where}``, ``{date}``, ``{found}`` and ``{allowed}``.
    day
        Whether the rows carry a date.

    Returns
    -------
    list of Violation
        One a row, ordered by date and place.
    """
    found: list[Violation] = []
    for row in rows.sort("date", "where", nulls_last=True).iter_rows(named=True) if day else rows.iter_rows(named=True):
        parts = {
            "where": str(row["where"]),
            "found": write_number(row["found"]),
            "allowed": write_number(row["allowed"]),
        }
        when = row["date"] if day else None
        found.append(Violation(rule=rule, date=when, text=text.format(date=when, **parts), **parts))
    return found


def count_broken(violations: Iterable[Violation]) -> int:
    """Count the violations as a certificate does: all but its own miscount of them."""
    return sum(violation.rule != "certificate.violations" for violation in violations)


def order(violations: Iterable[Violation]) -> list[Violation]:
    """Order violations by rule (as in ``RULES``), date and place."""
    position = {rule: i for i, rule in enumerate(RULES)}
    return sorted(violations, key=lambda v: (position[v.rule], v.date or day_type.min, v.where, v.text))
