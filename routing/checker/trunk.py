"""The independent plan checker: recomputes every balance, capacity and cost of a trunk plan from its tables alone.

It shares no code with the planner. What it checks, rule by rule, stands in ``routing.checker.violations.RULES``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl

from routing.checker import by_clock, positions, shut_lanes
from routing.checker import flows as checker_flows
from routing.checker import hubs as checker_hubs
from routing.checker import promises as checker_promises
from routing.checker import vehicles as checker_vehicles
from routing.checker.accepted_paths import check_paths
from routing.checker.bound import Costs
from routing.checker.certificate import Totals, check_certificate
from routing.checker.day_limits import lay_day_limits
from routing.checker.departure_locks import check_locks, read_last_day
from routing.checker.first_departures import Leaving, lay_leaving
from routing.checker.forced_shortfall import check_forced, count_forced_by_clock, count_forced_by_days
from routing.checker.limits import LIMITS
from routing.checker.playback.clock import ClockRules
from routing.checker.playback.orders import read_orders
from routing.checker.playback.playback import clock_hubs
from routing.checker.proof import BoundCheck, check_bound
from routing.checker.proven_short import count_short_by_prices
from routing.checker.sort_plan import check_sort_plan, list_legs_by_clock, list_legs_by_day
from routing.checker.tables import read_tables, unknown_ids
from routing.checker.violations import Violation, order

_HOURS_A_DAY = 24.0


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
    tables: Mapping[str, pl.DataFrame],
    *,
    hold_cost: float = 0.0,
    short_cost: float = 0.0,
    late_cost: float = 0.0,
    co2_price: float = 0.0,
    rules: ClockRules | None = None,
) -> TrunkCheck:
    """Check a trunk plan and recompute its cost.

    A day's parcels are sorted where they start, change lanes and end; a departure on day t arrives on day
    t + ceil(transit_hours / speed_factor / 24); parcels leave a hub on the day they are sorted there and wait over night
    otherwise. Cost = vehicles + parcels on lanes + handled x handling_cost + held x `hold_cost` + short x `short_cost`
    + parcels x days late x `late_cost`. A plan that names hours (``leaves_at``, ``departs_at``) is followed by the clock of its
    hubs' sorts instead: nights waited and days late are hours / 24.

    Parameters
    ----------
    tables
        ``hubs``, ``lanes``, ``vehicle_types``, ``route_demand``, ``trunk_departures``, ``trunk_flows``, ``hub_loads``,
        ``plan_certificates``; when there are any also ``lane_vehicles``, ``network_changes``, ``lane_weather``, ``lane_closures``,
        ``service_promises``, ``departure_locks``, ``shortfalls``, ``bound_prices``, and the hours of hubs and lanes. Rows of one plan only.
    hold_cost
        Price of a parcel held over a night [CNY/parcel/night].
    short_cost
        Price of a parcel not carried [CNY/parcel].
    late_cost
        Price of a parcel for each day after its promise [CNY/parcel/day].
    co2_price
        Price of a kilogram of carbon dioxide, which is in the cost of departures [CNY/kg].
    rules
        Time zone and hours where the tables are silent.

    Returns
    -------
    TrunkCheck
        Violations, recomputed cost and figures. Nothing in the tables makes the check fail: what cannot be read is a
        violation itself.
    """
    prices = tables.get("bound_prices", pl.DataFrame())
    carrying = prices.clear()
    if "plan" in prices.columns:  # a plan may keep the prices of several bounds
        carrying = prices.filter(pl.col("plan") == "carrying")
        tables = {**tables, "bound_prices": prices.filter(pl.col("plan") == "trunk")}
    frames, violations = _read(tables, rules, co2_price)
    violations += unknown_ids(frames) + checker_flows.balance_demand(frames)
    violations += [] if rules is None else check_paths(frames, rules)
    leaving = lay_leaving(frames, rules or ClockRules(), read_last_day(tables.get("plan_certificates")))
    work = (
        _follow_by_clock(frames, rules, leaving)
        if by_clock.names_hours(frames)
        else _follow_by_days(frames, "free" if rules is None else rules.sort_plan, leaving)
    )
    violations += work.violations
    parts = _add_up_cost(frames, work.priced, work.loads, hold_cost=hold_cost, short_cost=short_cost)
    parts["late"] = late_cost * work.late_days
    cost = sum(parts.values())
    totals = Totals(
        cost=cost,
        demanded=_sum(frames["route_demand"], "parcels"),
        planned=_sum(frames["trunk_flows"], "parcels"),
        short=_sum(frames["shortfalls"], "parcels"),
        late=work.late_parcels,
    )
    certificates = tables.get("plan_certificates")
    violations += _check_forced(frames, certificates, work.count_forced, short_cost, rules or ClockRules())
    violations += check_locks(frames, certificates, (rules or ClockRules()).time_zone)
    read, unread = read_tables({"bound_prices": carrying}, only="bound_prices")
    violations += unread
    costs = Costs(hold_cost, short_cost, late_cost)
    bound, unproven = check_bound(frames, certificates, costs, rules or ClockRules(), read["bound_prices"])
    violations += unproven
    violations += _check_carbon(frames, tables)
    violations += check_certificate(certificates, "trunk", totals, len(violations))
    return TrunkCheck(order(violations), cost, parts, _summarise(frames, work.priced, work.loads, totals), bound)


def _check_forced(
    frames: Mapping[str, pl.DataFrame],
    certificates: pl.DataFrame | None,
    count_forced: Callable[[], int],
    short_cost: float,
    rules: ClockRules,
) -> list[Violation]:
    """Check what a certificate claims to be short in every plan: by its prices, and where they prove less hub by hub, which takes long on large networks."""
    if not check_forced(certificates, 0):
        return []
    proven = count_short_by_prices(frames, certificates, short_cost, rules)
    return check_forced(certificates, proven) and check_forced(certificates, max(proven, count_forced()))


def prepare(tables: Mapping[str, pl.DataFrame], rules: ClockRules, co2_price: float) -> dict[str, pl.DataFrame]:
    """Read tables as the check of a trunk plan does: cast, harmless, with prices of carbon, promises and hours written in."""
    return _read(tables, rules, co2_price)[0]


def _read(
    tables: Mapping[str, pl.DataFrame], rules: ClockRules | None, co2_price: float
) -> tuple[dict[str, pl.DataFrame], list[Violation]]:
    frames, violations = read_tables(tables)
    frames = _price_carbon(frames, tables, co2_price)
    frames = checker_promises.add_default(frames, None if rules is None else rules.default_promise_days)
    if not by_clock.names_hours(frames):
        known = rules or ClockRules()
        frames = checker_flows.add_later_hours(frames, known.unload_hours + known.day_cut_off_hours)
        frames = shut_lanes.plan_by_days(lay_day_limits(frames, known), known.time_zone)
    return frames, violations


def _price_carbon(
    frames: dict[str, pl.DataFrame], tables: Mapping[str, pl.DataFrame], price: float
) -> dict[str, pl.DataFrame]:
    """Write what a kilometre emits beside each type (0 where it is not known), and its price into what departures cost."""
    raw = tables.get("vehicle_types", pl.DataFrame())
    known = pl.DataFrame(schema={"vehicle_type_id": pl.String, "kg_per_km": pl.Float64})
    if {"vehicle_type_id", "co2_kg_per_km"} <= set(raw.columns):
        number = pl.col("co2_kg_per_km").cast(pl.Float64, strict=False)
        known = raw.select(pl.col("vehicle_type_id").cast(pl.String, strict=False), kg_per_km=number)
        known = known.filter(pl.col("kg_per_km").is_finite()).unique("vehicle_type_id")
    kg = pl.col("kg_per_km").fill_null(0.0)
    types = frames["vehicle_types"].join(known, on="vehicle_type_id", how="left", maintain_order="left")
    types = types.with_columns(kg_per_km=kg, cost_per_km=pl.col("cost_per_km") + price * kg)
    distance = frames["lanes"].select("lane_id", "distance_km").unique("lane_id")
    special = frames["lane_vehicles"]
    own = special.join(known, on="vehicle_type_id", how="left", maintain_order="left").join(
        distance, on="lane_id", how="left", maintain_order="left"
    )
    own = own.with_columns(pl.col("departure_cost") + price * kg * pl.col("distance_km").fill_null(0.0))
    return {**frames, "vehicle_types": types, "lane_vehicles": own.select(special.columns)}


def _check_carbon(frames: Mapping[str, pl.DataFrame], tables: Mapping[str, pl.DataFrame]) -> list[Violation]:
    """Check the kilograms a certificate tells; plans of before they were told say nothing of them."""
    rows = tables.get("plan_certificates")
    if rows is None or not {"plan", "co2_kg"} <= set(rows.columns):
        return []
    kinds = frames["vehicle_types"].select("vehicle_type_id", "kg_per_km").unique("vehicle_type_id")
    lanes = frames["lanes"].select("lane_id", "distance_km").unique("lane_id")
    gone = frames["trunk_departures"].join(kinds, on="vehicle_type_id").join(lanes, on="lane_id")
    due = float(gone.select((pl.col("departures") * pl.col("kg_per_km") * pl.col("distance_km")).sum()).item() or 0.0)
    stated = rows.filter(pl.col("plan") == "trunk")["co2_kg"].cast(pl.Float64, strict=False).drop_nulls().to_list()
    text = "The trunk plan's certificate says co2_kg {}, the tables say {}."
    return [
        Violation(
            "certificate.totals",
            "trunk.co2_kg",
            None,
            f"{kg:.3f}",
            f"{due:.3f}",
            text.format(f"{kg:.3f}", f"{due:.3f}"),
        )
        for kg in stated
        if not abs(kg - due) <= LIMITS.kilograms + LIMITS.tolerance * abs(due)
    ]


@dataclass(frozen=True, slots=True)
class _Work:
    """What a plan does: priced departures, loads of hub-days or sorts, lateness, the rules broken, and how to count what hubs force short."""

    priced: pl.DataFrame
    loads: pl.DataFrame
    late_days: float
    late_parcels: float
    count_forced: Callable[[], int]
    violations: list[Violation]


def _follow_by_days(frames: Mapping[str, pl.DataFrame], kind: str, leaving: Leaving | None) -> _Work:
    movements, found = checker_flows.follow_flows(frames)
    loads = checker_hubs.join_loads(frames, checker_flows.load_hubs(movements.visits))
    found += checker_hubs.check_limits(loads) + checker_hubs.check_rows(loads)
    priced = checker_vehicles.price_departures(frames)
    found += checker_vehicles.check_vehicles(priced)
    found += checker_vehicles.check_lanes(priced, movements.legs)
    found += checker_vehicles.check_fleets(frames, priced, checker_vehicles.count_at_work(priced))
    found += positions.check_positions(frames, positions.list_moves_by_day(priced))
    found += checker_vehicles.check_calls(frames, priced)
    found += check_sort_plan(frames, list_legs_by_day(frames), kind)
    lateness = checker_promises.count_lateness(frames)
    found += checker_promises.check_lateness(lateness)
    late_days, late = checker_promises.sum_late_days(lateness), checker_promises.sum_late_parcels(lateness)
    return _Work(
        priced,
        loads.with_columns(nights=pl.lit(1.0)),
        late_days,
        late,
        partial(count_forced_by_days, frames, leaving),
        found,
    )


def _follow_by_clock(frames: Mapping[str, pl.DataFrame], rules: ClockRules | None, leaving: Leaving | None) -> _Work:
    movements, found = checker_flows.follow_flows(frames, by_days=False)
    clocks = clock_hubs(frames, rules or ClockRules())
    orders = read_orders(frames, clocks)
    visits, late = by_clock.follow_orders(orders, clocks)
    loads = by_clock.load_sorts(frames, visits, clocks)
    found += late + by_clock.check_sorts(loads) + by_clock.check_sort_rows(frames, loads)
    priced = checker_vehicles.price_departures(frames)
    found += checker_vehicles.check_vehicles(priced)
    found += checker_vehicles.check_lanes(priced, movements.legs)
    found += checker_vehicles.check_fleets(frames, priced, by_clock.count_at_work_by_clock(priced, orders))
    turn_round = 0.0 if rules is None else rules.turn_round_hours
    found += positions.check_positions(frames, positions.list_moves_by_clock(priced, orders, turn_round))
    found += by_clock.check_departure_hours(frames, orders)
    found += shut_lanes.check_departures(frames, orders)
    found += check_sort_plan(frames, list_legs_by_clock(orders, clocks), "free" if rules is None else rules.sort_plan)
    lateness = by_clock.count_hours_late(frames, orders, clocks)
    found += by_clock.check_hours_late(lateness)
    hours = lateness.select((pl.col("parcels") * pl.col("due").fill_null(0.0)).sum()).item()
    late_parcels = lateness.filter(pl.col("due") > 0)["parcels"].sum()
    forced = partial(count_forced_by_clock, frames, clocks, leaving)
    return _Work(priced, loads, float(hours) / _HOURS_A_DAY, float(late_parcels), forced, found)


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
        "holding": hold_cost * _sum_nights(loads),
        "short": short_cost * _sum(frames["shortfalls"], "parcels"),
    }


def _sum_nights(loads: pl.DataFrame) -> float:
    """Nights that parcels wait, unsorted or sorted [parcel-nights]."""
    waits = pl.sum_horizontal(pl.col(name) for name in ("held", "staged") if name in loads.columns)
    return float(loads.select((waits * pl.col("nights")).sum()).item())


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
        "hub_days_busy": bounded.filter(pl.col("use") >= LIMITS.busy).height,
        "hub_days": loads.height,
    }
