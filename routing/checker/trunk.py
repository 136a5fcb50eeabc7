"""The independent plan checker: recomputes every balance, capacity and cost of a trunk plan from its tables alone.

It shares no code with the planner. What it checks, rule by rule, stands in ``routing.checker.violations.RULES``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from routing.checker import flows as checker_flows
from routing.checker import hubs as checker_hubs
from routing.checker import promises as checker_promises
from routing.checker import vehicles as checker_vehicles
from routing.checker.bound import Costs
from routing.checker.certificate import Totals, check_certificate
from routing.checker.proof import BoundCheck, check_bound
from routing.checker.tables import read_tables, unknown_ids
from routing.checker.violations import Violation, order

BUSY_HUB = 0.85  # share of the sort capacity from which a hub-day counts as busy in the summary


@dataclass(frozen=True, slots=True)
class TrunkCheck:
    """What the checker found.

    Attributes
    ----------
    violations
        Broken rules, ordered by rule, date and place; empty for a valid plan.
    cost
        Recomputed cost [CNY].
    parts
        The cost by part: vehicles, parcels on lanes, handling, holding, short, late [CNY].
    summary
        Figures of the plan: parcels, departures by ownership, hub-days, days.
    bound
        What its prices prove of its lower bound.
    """

    violations: list[Violation]
    cost: float
    parts: dict[str, float]
    summary: dict[str, Any]
    bound: BoundCheck


def check_trunk(
    tables: Mapping[str, pl.DataFrame], *, hold_cost: float = 0.0, short_cost: float = 0.0, late_cost: float = 0.0
) -> TrunkCheck:
    """Check a trunk plan and recompute its cost.

    A day's parcels are sorted where they start, change lanes and end; a departure on day t arrives on day
    t + ceil(transit_hours / speed_factor / 24); parcels leave a hub on the day they are sorted there and wait over night
    otherwise. Cost = vehicles + parcels on lanes + handled x handling_cost + held x `hold_cost` + short x `short_cost`
    + parcels x days late x `late_cost`.

    Parameters
    ----------
    tables
        ``hubs``, ``lanes``, ``vehicle_types``, ``route_demand``, ``trunk_departures``, ``trunk_flows``, ``hub_loads``,
        ``plan_certificates``; when there are any also ``lane_vehicles``, ``network_changes``, ``lane_weather``,
        ``service_promises``, ``shortfalls``, ``bound_prices``. Rows of one plan only.
    hold_cost
        Price of a parcel held over a night [CNY/parcel/night].
    short_cost
        Price of a parcel not carried [CNY/parcel].
    late_cost
        Price of a parcel for each day after its promise [CNY/parcel/day].

    Returns
    -------
    TrunkCheck
        Violations, recomputed cost and figures. Nothing in the tables makes the check fail: what cannot be read is a
        violation itself.
    """
    frames, violations = read_tables(tables)
    violations += unknown_ids(frames) + checker_flows.balance_demand(frames)
    movements, broken = checker_flows.follow_flows(frames)
    violations += broken
    loads = checker_hubs.join_loads(frames, checker_flows.load_hubs(movements.visits))
    violations += checker_hubs.check_limits(loads) + checker_hubs.check_rows(loads)
    priced = checker_vehicles.price_departures(frames)
    violations += checker_vehicles.check_vehicles(priced)
    violations += checker_vehicles.check_lanes(priced, movements.legs)
    violations += checker_vehicles.check_fleets(priced)
    violations += checker_vehicles.check_calls(frames, priced)
    lateness = checker_promises.count_lateness(frames)
    violations += checker_promises.check_lateness(lateness)
    parts = _add_up_cost(frames, priced, loads, hold_cost=hold_cost, short_cost=short_cost)
    parts["late"] = late_cost * checker_promises.sum_late_days(lateness)
    cost = sum(parts.values())
    totals = Totals(
        cost=cost,
        demanded=_sum(frames["route_demand"], "parcels"),
        planned=_sum(frames["trunk_flows"], "parcels"),
        short=_sum(frames["shortfalls"], "parcels"),
        late=checker_promises.sum_late_parcels(lateness),
    )
    certificates = tables.get("plan_certificates")
    bound, unproven = check_bound(frames, certificates, Costs(hold_cost, short_cost, late_cost))
    violations += unproven
    violations += check_certificate(certificates, "trunk", totals, len(violations))
    return TrunkCheck(order(violations), cost, parts, _summarise(frames, priced, loads, totals), bound)


def _sum(frame: pl.DataFrame, column: str) -> float:
    return float(frame[column].sum())


def _add_up_cost(
    frames: Mapping[str, pl.DataFrame],
    priced: pl.DataFrame,
    loads: pl.DataFrame,
    *,
    hold_cost: float,
    short_cost: float,
) -> dict[str, float]:
    handling = loads.select((pl.col("handled") * pl.col("handling_cost").fill_null(0.0)).sum()).item()
    return {
        "vehicles": _sum(priced, "vehicles_cost"),
        "parcels": _sum(priced, "parcels_cost"),
        "handling": float(handling),
        "holding": hold_cost * _sum(loads, "held"),
        "short": short_cost * _sum(frames["shortfalls"], "parcels"),
    }


def _summarise(
    frames: Mapping[str, pl.DataFrame], priced: pl.DataFrame, loads: pl.DataFrame, totals: Totals
) -> dict[str, Any]:
    departures = priced.group_by("ownership").agg(pl.col("departures").sum()).sort("ownership")
    bounded = loads.filter(pl.col("limit") > 0).with_columns(use=pl.col("handled") / pl.col("limit"))
    days = frames["route_demand"]["date"]
    return {
        "first_day": days.min(),
        "last_day": days.max(),
        "parcels_demanded": round(totals.demanded),
        "parcels_planned": round(totals.planned),
        "parcels_short": round(totals.short),
        "parcels_late": round(totals.late or 0.0),
        "departures": {row["ownership"]: round(row["departures"]) for row in departures.iter_rows(named=True)},
        "parcels_handled": round(_sum(loads, "handled")),
        "parcel_nights_held": round(_sum(loads, "held")),
        "busiest_hub_utilisation": round(float(bounded.select(pl.col("use").max().fill_null(0.0)).item()), 6),
        "hub_days_busy": bounded.filter(pl.col("use") >= BUSY_HUB).height,
        "hub_days": loads.height,
    }
