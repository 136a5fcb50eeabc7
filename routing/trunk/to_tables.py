"""A trunk plan written as result tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from data.contracts import contract
from data.hub_load import list_visits, sum_visits
from routing.trunk.bound.certificate import name_proof
from routing.trunk.bound.column_generation import prove_short, prove_what_is_carried
from routing.trunk.bound.forced_shortfall import count_forced
from routing.trunk.bound.lagrangian import Relaxation
from routing.trunk.search.draft import Draft
from routing.trunk.task.due_times import NO_PROMISE
from routing.trunk.task.flows import Flows, Loads
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.paths import PathPool, end_nodes
from routing.trunk.vehicles.vehicle_model import Vehicles

if TYPE_CHECKING:
    import polars as pl

GAP_CLOSED = 1e-6
# of what is short, and demands of which some is: where prices prove so much of so many, paths are not followed hub by hub as well, which takes long
_NEARLY, _MANY = 0.99, 300


def _finish(name: str, frame: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    table = contract(name)
    ordered = [column for column in table.polars_schema if column in frame.columns]
    return frame.select(ordered).cast({c: table.polars_schema[c] for c in ordered}).sort(*keys)


def _dates(network: TrunkNetwork, days: Ints) -> pl.Series:
    import polars as pl

    calendar = [network.day(day) for day in range(network.days + 1)]
    return pl.Series([calendar[day] for day in days.tolist()], dtype=pl.Date)


def _names(ids: list[str], numbers: Ints) -> pl.Series:
    import polars as pl

    return pl.Series([ids[number] for number in numbers.tolist()], dtype=pl.String)


def _sorts(network: TrunkNetwork, nodes: Ints) -> pl.Series:
    return _names(network.sort_ids, network.node_sort[nodes]).alias("sort_id")


def _moments(network: TrunkNetwork, name: str, hours: Floats) -> pl.Series:
    import polars as pl

    return pl.Series(name, [network.moment(hour) for hour in hours.tolist()], dtype=pl.Datetime("us", "UTC"))


def write_departures(network: TrunkNetwork, vehicles: Vehicles, load: Floats) -> pl.DataFrame:
    """Write `trunk_departures`: the parcels of an arc are put on its vehicles in order of price per parcel."""
    import polars as pl

    some = (vehicles.departures > 0) & network.vehicle_drives[vehicles.vehicle]
    arc, vehicle, departures = vehicles.arc[some], vehicles.vehicle[some], vehicles.departures[some]
    capacity, price = network.vehicle_capacity[vehicle], network.vehicle_cost[vehicle]
    room = departures * capacity
    order = np.lexsort((vehicle, price / capacity, arc))
    before = np.cumsum(room[order]) - room[order]
    start = np.searchsorted(arc[order], arc[order])
    aboard_before = before - before[start]
    aboard = np.clip(load[arc[order]] - aboard_before, 0, room[order])
    parcels = np.zeros(len(arc))
    parcels[order] = np.rint(aboard)
    cost = departures * price + parcels * network.arc_cost[arc]
    frame = pl.DataFrame(
        {
            "date": _dates(network, network.arc_day[arc]),
            "lane_id": _names(network.lane_ids, network.arc_lane[arc]),
            "vehicle_type_id": _names(network.type_ids, network.vehicle_type[vehicle]),
            "departures": departures,
            "parcels": parcels.astype(np.int64),
            "cost": cost,
        }
    )
    keys = ["date", "lane_id", "vehicle_type_id"]
    if not network.by_clock:
        return _finish("trunk_departures", frame, keys)
    frame = frame.with_columns(
        _sorts(network, network.arc_tail[arc]),
        _moments(network, "leaves_at", network.arc_leaves[arc]),
        _moments(network, "arrives_at", network.arc_arrives[arc]),
    )
    return _finish("trunk_departures", frame, [*keys, "leaves_at"])


def write_flows(network: TrunkNetwork, flows: Flows) -> pl.DataFrame:
    """Write `trunk_flows`: paths with their days of departure and the day they are done."""
    import polars as pl

    pool = flows.pool
    calendar = [network.day(day) for day in range(network.days + 1)]
    pointers, legs = pool.pointers.tolist(), pool.legs.tolist()
    arc_lane, arc_day = network.arc_lane.tolist(), network.arc_day.tolist()
    arc_leaves, drives = network.arc_leaves.tolist(), network.arc_drives.tolist()
    paths, days, hours = [], [], []
    for number in range(len(pool)):
        arcs = [leg for leg in legs[pointers[number] : pointers[number + 1]] if leg < network.arcs and drives[leg]]
        paths.append([network.lane_ids[arc_lane[arc]] for arc in arcs])
        days.append([calendar[arc_day[arc]] for arc in arcs])
        hours.append([network.moment(arc_leaves[arc]) for arc in arcs] if network.by_clock else [])
    end = end_nodes(network, pool)
    done_on = network.node_day[end].tolist()
    frame = pl.DataFrame(
        {
            "date": _dates(network, network.demand_day[pool.demand]),
            "origin_hub_id": _names(network.hub_ids, network.demand_origin[pool.demand]),
            "destination_hub_id": _names(network.hub_ids, network.demand_destination[pool.demand]),
            "path": pl.Series(paths, dtype=pl.List(pl.String)),
            "departure_dates": pl.Series(days, dtype=pl.List(pl.Date)),
            "completed_on": pl.Series([calendar[day] for day in done_on], dtype=pl.Date),
            "parcels": flows.parcels,
            "late_days": pl.Series(_count_late(network, pool, done_on), dtype=pl.Int64),
        }
    )
    keys = ["date", "origin_hub_id", "destination_hub_id", "path", "departure_dates", "completed_on"]
    late = ["late_days"]
    if network.by_clock:
        due = network.demand_due_hour[pool.demand]
        hours_late = np.maximum(0.0, network.delivery_hour[end] - due)
        frame = frame.with_columns(
            pl.Series("departs_at", hours, dtype=pl.List(pl.Datetime("us", "UTC"))),
            _moments(network, "completed_at", network.close_hour[end]),
            pl.Series(
                "late_hours", [None if np.isinf(d) else h for d, h in zip(due, hours_late, strict=True)], pl.Float64
            ),
        )
        keys, late = [*keys, "departs_at", "completed_at"], ["late_days", "late_hours"]
    merged = frame.group_by(keys).agg(pl.col("parcels").sum(), pl.col(*late).first())
    text = {
        "path_text": pl.col("path").list.join("|"),
        "days_text": pl.col("departure_dates").cast(pl.List(pl.String)).list.join("|"),
    }
    if network.by_clock:
        text["days_text"] = pl.col("departs_at").cast(pl.List(pl.String)).list.join("|")
    sorted_rows = merged.with_columns(**text).sort(*keys[:3], *keys[7:], "completed_on", "path_text", "days_text")
    table = contract("trunk_flows")
    ordered = [column for column in table.polars_schema if column in frame.columns]
    return sorted_rows.select(ordered).cast({c: table.polars_schema[c] for c in ordered})


def _count_late(network: TrunkNetwork, pool: PathPool, done_on: list[int]) -> list[int | None]:
    due = network.demand_due[pool.demand].tolist()
    return [None if last == NO_PROMISE else max(0, day - last) for day, last in zip(done_on, due, strict=True)]


def write_sort_plan(network: TrunkNetwork, flows: Flows, kind: str) -> pl.DataFrame:
    """Write `sort_plans`: over which lanes each sort sends the parcels for each destination, the one that takes most first.

    Parameters
    ----------
    kind
        ``daily`` (a row a date), ``fixed`` (one for all dates) or ``free`` (no rows: nothing is ordered).
    """
    import polars as pl

    pool = flows.pool
    path = np.repeat(np.arange(len(pool)), np.diff(pool.pointers))
    is_arc = pool.legs < network.arcs
    is_arc[is_arc] = network.arc_drives[pool.legs[is_arc]]
    arc, path = pool.legs[is_arc], path[is_arc]
    node = network.arc_tail[arc]
    passed = pl.DataFrame(
        {
            "date": _dates(network, network.node_day[node]),
            "hub_id": _names(network.hub_ids, network.node_hub[node]),
            "sort_id": _sorts(network, node),
            "destination_hub_id": _names(network.hub_ids, network.demand_destination[pool.demand[path]]),
            "lane_id": _names(network.lane_ids, network.arc_lane[arc]),
            "parcels": flows.parcels[path],
        }
    )
    keys = ["hub_id", "sort_id", "destination_hub_id"]
    last = pl.lit(network.day(int(network.node_day.max())), pl.Date)
    first = pl.lit(network.first_day, pl.Date)
    dates = {"date_from": first, "date_to": last} if kind == "fixed" else {"date_from": "date", "date_to": "date"}
    passed = passed.clear() if kind == "free" else passed
    lanes = (
        passed.with_columns(**dates)
        .group_by("date_from", "date_to", *keys, "lane_id")
        .agg(pl.col("parcels").sum())
        .sort("parcels", "lane_id", descending=[True, False])
    )
    rows = lanes.group_by("date_from", "date_to", *keys, maintain_order=True).agg(
        lane_id=pl.col("lane_id").first(),
        alternate_lane_id=pl.col("lane_id").get(1, null_on_oob=True),
        share=pl.col("parcels").first() / pl.col("parcels").sum(),
    )
    return _finish("sort_plans", rows, ["date_from", *keys])


def write_hub_loads(network: TrunkNetwork, loads: Loads, flows: pl.DataFrame) -> pl.DataFrame:
    """Write `hub_loads`: every hub on every day of demand, and later days with parcels.

    What is handled is counted from the flows as written; what waits over a night from the loads of the draft.
    """
    import polars as pl

    lanes = pl.DataFrame({"lane_id": network.lane_ids, "origin_hub_id": _names(network.hub_ids, network.lane_origin)})
    hub_number = {name: number for number, name in enumerate(network.hub_ids)}
    handled, held = np.zeros(network.nodes, dtype=np.int64), np.rint(loads.nights)
    if network.by_clock:
        handled = np.rint(loads.sorts).astype(np.int64)
    else:
        for row in sum_visits(list_visits(flows, lanes)).iter_rows(named=True):
            day = (row["date"] - network.first_day).days
            handled[day * network.hubs + hub_number[row["hub_id"]]] = row["load"]
    aside = ~network.arc_drives
    staged = np.zeros(network.nodes, dtype=np.int64)
    staged[network.arc_tail[aside]] = held[network.arc_head[aside]].astype(np.int64)
    shown = (network.node_day < network.demand_days) | (handled > 0) | (held > 0) | (staged > 0)
    node = np.flatnonzero(shown & ~network.node_staged)
    capacity = network.sort_capacity[node]
    bounded = np.isfinite(capacity)
    frame = pl.DataFrame(
        {
            "date": _dates(network, network.node_day[node]),
            "hub_id": _names(network.hub_ids, network.node_hub[node]),
            "sort_id": _sorts(network, node),
            "closes_at": _moments(network, "closes_at", network.close_hour[node]),
            "handled": handled[node],
            "held": held[node].astype(np.int64),
            "staged": pl.Series(staged[node] if aside.any() else [None] * len(node), dtype=pl.Int64),
            "capacity": pl.Series(
                [int(c) if b else None for c, b in zip(capacity, bounded, strict=True)], dtype=pl.Int64
            ),
        }
    )
    share = pl.when(pl.col("handled") == 0).then(0.0).otherwise(pl.col("handled") / pl.col("capacity"))
    frame = frame.with_columns(utilisation=pl.when(pl.col("capacity").is_not_null()).then(share))
    if not network.by_clock:
        return _finish("hub_loads", frame.drop("sort_id", "closes_at"), ["date", "hub_id"])
    return _finish("hub_loads", frame, ["hub_id", "closes_at"]).sort("date", maintain_order=True)


def write_demand(network: TrunkNetwork, given: pl.DataFrame | None = None) -> pl.DataFrame:
    """Write `route_demand`: what the plan was asked to carry, with the moments at which it is at hand where ``given`` has any."""
    import polars as pl

    keys = ["date", "origin_hub_id", "destination_hub_id"]
    if given is not None and "ready_at" in given.columns and given["ready_at"].is_not_null().any():
        keys.append("ready_at")
        frame = given.filter(pl.col("parcels") > 0)
    else:
        frame = pl.DataFrame(
            {
                "date": _dates(network, network.demand_day),
                "origin_hub_id": _names(network.hub_ids, network.demand_origin),
                "destination_hub_id": _names(network.hub_ids, network.demand_destination),
                "parcels": network.demand_parcels,
            }
        )
    return _finish("route_demand", frame.group_by(keys).agg(pl.col("parcels").sum()), keys)


def write_shortfalls(
    network: TrunkNetwork, short: Ints, reasons: dict[int, tuple[str, str | None, str | None]]
) -> pl.DataFrame:
    """Write `shortfalls`; ``reasons`` gives (reason, binding, cheapest fix) by demand."""
    import polars as pl

    number = np.flatnonzero(short > 0)
    why = [reasons.get(int(k), ("no room on any way", None, None)) for k in number]
    frame = pl.DataFrame(
        {
            "date": _dates(network, network.demand_day[number]),
            "origin_hub_id": _names(network.hub_ids, network.demand_origin[number]),
            "destination_hub_id": _names(network.hub_ids, network.demand_destination[number]),
            "parcels": short[number],
            "reason": pl.Series([t[0] for t in why], dtype=pl.String),
            "binding": pl.Series([t[1] for t in why], dtype=pl.String),
            "cheapest_fix": pl.Series([t[2] for t in why], dtype=pl.String),
        }
    )
    keys = ["date", "origin_hub_id", "destination_hub_id"]
    first_of_each = [pl.col(name).first() for name in ("reason", "binding", "cheapest_fix")]
    rows = frame.sort("parcels", descending=True, maintain_order=True).group_by(keys, maintain_order=True)
    return _finish("shortfalls", rows.agg(pl.col("parcels").sum(), *first_of_each), keys)


def write_certificate(
    network: TrunkNetwork, draft: Draft, relaxed: Relaxation, short: int, late: int, ended_by: str
) -> pl.DataFrame:
    """Write the row of `plan_certificates`; ``violations`` is 0 until the checker has spoken."""
    import polars as pl

    demanded, cost = int(network.demand_parcels.sum()), draft.cost
    floor = min(max(relaxed.bound, 0.0), cost)
    gap = (cost - floor) / cost if cost > 0 else 0.0
    status = "shortfalls" if short else "optimal" if gap <= GAP_CLOSED else "feasible"
    frame = pl.DataFrame(
        {
            "plan": ["trunk"],
            "status": [status],
            "cost": [cost],
            "lower_bound": [floor],
            "gap": [gap],
            "violations": pl.Series([0], dtype=pl.Int64),
            "parcels_demanded": [demanded],
            "parcels_planned": [demanded - short],
            "parcels_short": [short],
            "parcels_forced": [_count_unavoidable(network, draft, relaxed, short)],
            "parcels_late": [late],
            "co2_kg": [float(draft.vehicles.departures @ network.vehicle_carbon[draft.vehicles.vehicle])],
            "overflow_probability": pl.Series([None], dtype=pl.Float64),
            "proof": [name_proof(relaxed)],
            "priced_bound": [min(max(relaxed.certificate.bound, 0.0), floor)],
            "carrying_bound": pl.Series([prove_what_is_carried(network, relaxed, short)], dtype=pl.Float64),
            "last_day": [network.day(network.days - 1)],
            "ended_by": [ended_by],
        }
    )
    return _finish("plan_certificates", frame, ["plan"])


def _count_unavoidable(network: TrunkNetwork, draft: Draft, relaxed: Relaxation, short: int) -> int:
    """Count what every plan leaves short: by the prices of the bound, and where that does not tell nearly all of it hub by hub."""
    proven = prove_short(network, relaxed.certificate.prices) if short else 0
    some = np.flatnonzero(draft.flows.short(network))
    quick = len(some) <= _MANY or not network.path_rules.bounded
    if proven < short and (quick or proven < _NEARLY * short):
        proven = max(proven, count_forced(network, some))
    return min(proven, short)


def last_day(network: TrunkNetwork) -> str:
    """ISO date of the last day of the plan."""
    return (network.first_day + timedelta(days=network.days - 1)).isoformat()
