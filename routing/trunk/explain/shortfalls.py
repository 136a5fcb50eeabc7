"""Why parcels are short: what binds on the cheapest path they could take, and what added to the plan carries them.

The path is the cheapest one with every limit lifted. What it lacks for the parcels that are short, hub by hub and arc by arc,
is what binds. Shortfalls that share what binds get one fix, verified by planning them again (:mod:`routing.trunk.explain.fixes`);
where the time did not suffice for that, what the path lacks is told, and that it was not verified.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components, csgraph_from_dense, dijkstra

from routing.budget import Deadline
from routing.trunk.bound.lagrangian import price_arcs, price_departures, price_parcels, zero_prices
from routing.trunk.explain.fixes import Fixer, GroupFix, describe_fix
from routing.trunk.search.insertion import ElasticPrices, measure_free_room
from routing.trunk.search.overload_repair import find_plain_paths
from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.effort import WORK
from routing.trunk.task.flows import Loads
from routing.trunk.task.network import Flags, Floats, Ints, TrunkNetwork, keep_locks
from routing.trunk.task.paths import PathPool, gather_pool, mark_accepted, merge_paths
from routing.trunk.task.shortest_paths import Labels, label_paths, trace_paths
from routing.trunk.vehicles.vehicle_model import Vehicles, free_fleet

Reason = tuple[str, str | None, str | None]
_Resource = tuple[str, int]  # a hub, lane or fleet, and a day


@dataclass(frozen=True, slots=True)
class _Lack:
    """What the path of a demand lacks: in words, and as resources on their days."""

    reason: Reason
    resources: tuple[_Resource, ...]


@dataclass(frozen=True, slots=True)
class Explanations:
    """Why parcels are short: (reason, binding, cheapest fix) by demand, and the fixes that were verified by planning again."""

    reasons: dict[int, Reason]
    fixes: list[GroupFix]


def explain_shortfalls(
    network: TrunkNetwork,
    short: Ints,
    loads: Loads,
    vehicles: Vehicles,
    deadline: Deadline,
    prices: ElasticPrices | None = None,
    *,
    effort: float = 1.0,
) -> Explanations:
    """Say for each demand that is short why, what binds, and what would carry it.

    Parameters
    ----------
    short : (K,) [parcels]
    loads, vehicles
        Of the plan.
    deadline
        Fixes are verified, largest groups first, until it is over.
    prices
        Of capacity beyond the limits.
    effort
        Scale of the number of demands that may be carried to verify fixes.

    Returns
    -------
    Explanations
    """
    missing = np.flatnonzero(short > 0)
    if not len(missing):
        return Explanations({}, [])
    stranded = find_stranded(network)
    returning = replace(network, vehicle_limit=np.where(stranded[:, None], 0.0, network.vehicle_limit))
    lifted, labels = _lift_limits(returning)
    one_way = _lift_limits(network) if stranded.any() else (lifted, labels)
    plain = find_plain_paths(lifted, zero_prices(lifted)) if network.path_rules.bounded else []
    commodity = list_commodities(network).of_demand
    start = network.demand_node()
    reasons: dict[int, Reason] = {}
    free = free_fleet(network, vehicles)
    spare = vehicles.room - loads.arcs
    lacks: dict[int, _Lack] = {}
    for k in missing.tolist():
        price = labels.price[start[k], commodity[k]]
        blocked = _describe_blocked(network, k, price)
        if np.isinf(price) and np.isfinite(one_way[1].price[start[k], commodity[k]]):
            _, legs = trace_paths(one_way[0], one_way[1].choice, start[[k]], commodity[[k]])
            blocked = _describe_stranded(network, legs, stranded) or blocked
        if blocked is not None:
            reasons[k] = blocked
            continue
        _, legs = trace_paths(lifted, labels.choice, start[[k]], commodity[[k]])
        refused = _describe_refused(lifted, k, legs, plain)
        if refused is not None:
            reasons[k] = refused
            continue
        lacks[k] = _describe_path(returning, k, int(short[k]), legs, loads, spare, free)
    fixer = Fixer(network, measure_free_room(keep_locks(network), loads, vehicles), prices or ElasticPrices())
    most = max(int(effort * WORK.carried * min(1.0, WORK.cached_arcs / max(network.arcs, 1))), 1)
    fixes: list[GroupFix] = []
    for members in _group(lacks, short):
        fix = fixer.fix(members, short, deadline) if fixer.carried < most and not deadline.over() else None
        fixes += [] if fix is None else [fix]
        for k in members:
            why, binding, lacking = lacks[k].reason
            if fix is not None:
                reasons[k] = (why, binding, describe_fix(network, fix, demands=len(members)))
            else:
                reasons[k] = (why, binding, f"{lacking} (not verified by planning again)")
    return Explanations(reasons, fixes)


def _describe_refused(network: TrunkNetwork, demand: int, legs: Ints, plain: list[Ints]) -> Reason | None:
    """Say so where only a path no planner accepts leads to the destination, neither the cheapest nor one of few legs or kilometres."""
    if not network.path_rules.bounded:
        return None
    number = np.array([demand])
    pool = PathPool(number, np.array([0, len(legs)]), legs)
    paths = merge_paths(network, [pool, gather_pool(network, plain, number)])[0]
    if mark_accepted(network, paths).any():
        return None
    lanes = [network.lane_ids[network.arc_lane[arc]] for arc in legs[legs < network.arcs].tolist()]
    fix = "a larger plan.max_legs, plan.max_detour_ratio or plan.max_detour_km, or a lane of its own"
    return f"only a path no planner accepts: {', '.join(lanes)}", None, fix


def _group(lacks: dict[int, _Lack], short: Ints) -> list[list[int]]:
    """Demands by what binds: of the resources of a path the one that binds most parcels; the largest group first."""
    parcels: Counter[_Resource] = Counter()
    for k, lack in lacks.items():
        parcels.update(dict.fromkeys(lack.resources, int(short[k])))
    groups: dict[_Resource, list[int]] = {}
    for k, lack in lacks.items():
        most = max(lack.resources, key=lambda resource: (parcels[resource], resource), default=("none", k))
        groups.setdefault(most, []).append(k)
    sizes = {resource: int(short[members].sum()) for resource, members in groups.items()}
    return [groups[resource] for resource in sorted(groups, key=lambda resource: (-sizes[resource], resource))]


def find_stranded(network: TrunkNetwork) -> Flags:
    """Own vehicles of lanes that no lanes lead back to where they left, (O,): balanced plans cannot run them.

    A departure is part of a round trip exactly when both its hubs lie in one strongly connected part of the type's lanes.
    """
    lane, kind = network.vehicle_lane, network.vehicle_type
    arcs = ((network.vehicle_limit >= 1) & (network.arc_of[lane] >= 0)).any(axis=1) & (network.type_fleet[kind] >= 1)
    stranded = np.zeros(len(lane), dtype=np.bool_)
    for own in np.flatnonzero(network.type_own):
        mine = np.flatnonzero((kind == own) & arcs)
        tail, head = network.lane_origin[lane[mine]], network.lane_destination[lane[mine]]
        links = sparse.csr_matrix((np.ones(len(mine)), (tail, head)), shape=(network.hubs, network.hubs))
        _, part = connected_components(links, directed=True, connection="strong")
        stranded[mine] = part[tail] != part[head]
    return stranded


def _describe_stranded(network: TrunkNetwork, legs: Ints, stranded: Flags) -> Reason | None:
    """Name the lanes of a path on which only own vehicles run that cannot return; None where there are none."""
    lanes, kinds, back = [], [], []
    for arc in legs[legs < network.arcs].tolist():
        lane, day = int(network.arc_lane[arc]), int(network.arc_day[arc])
        lane_vehicles = np.flatnonzero((network.vehicle_lane == lane) & (network.vehicle_limit[:, day] >= 1))
        lane_vehicles = lane_vehicles[network.type_fleet[network.vehicle_type[lane_vehicles]] >= 1]
        if stranded[lane_vehicles].all():
            lanes.append(network.lane_ids[lane])
            kinds += [network.type_ids[kind] for kind in network.vehicle_type[lane_vehicles].tolist()]
            ends = network.lane_destination[lane], network.lane_origin[lane]
            back.append(" to ".join(network.hub_ids[hub] for hub in ends))
    if not lanes:
        return None
    names, types = ", ".join(dict.fromkeys(lanes)), ", ".join(dict.fromkeys(kinds))
    return (
        f"own vehicles ({types}) cannot return over any lanes from {names}",
        "|".join(f"lane:{name}" for name in dict.fromkeys(lanes)),
        f"hired vehicles on {names}, or lanes that lead {types} from {', '.join(dict.fromkeys(back))}",
    )


def _lift_limits(network: TrunkNetwork) -> tuple[TrunkNetwork, Labels]:
    """Cheapest paths with hubs that sort and hold without bound on the days they are open."""
    unbounded = np.where(network.hub_open, np.inf, 0.0)
    lifted = replace(network, sort_capacity=unbounded, buffer_capacity=unbounded)
    none = zero_prices(lifted)
    room, _ = price_arcs(lifted, price_departures(lifted, none))
    return lifted, label_paths(lifted, price_parcels(lifted, none, room), list_commodities(network))


def _describe_blocked(network: TrunkNetwork, k: int, price: float) -> Reason | None:
    origin, destination = int(network.demand_origin[k]), int(network.demand_destination[k])
    first = int(network.demand_day[k])
    a, b = network.hub_ids[origin], network.hub_ids[destination]
    if not network.hub_open[network.demand_node()[k]]:
        return (
            f"hub {a} is closed on {network.day(first)}",
            f"hub:{a}",
            f"hand the parcels in at another hub than {a}",
        )
    if not network.hub_open[(network.node_hub == destination) & (network.node_day >= first)].any():
        return (
            f"hub {b} is closed until {network.day(network.days - 1)}",
            f"hub:{b}",
            f"direct the parcels to another hub than {b}",
        )
    if not np.isfinite(price):
        leaves = network.arc_drives
        if not (network.node_hub[network.arc_tail[leaves]] == origin).any():
            return (f"no lane with a vehicle leaves hub {a}", f"hub:{a}", f"a lane from {a}")
        if not (network.node_hub[network.arc_head[leaves]] == destination).any():
            return (f"no lane with a vehicle reaches hub {b}", f"hub:{b}", f"a lane to {b}")
        return (
            f"no lanes lead from {a} to {b} by {network.day(network.days - 1)}",
            None,
            f"a lane towards {b}, or a later last day",
        )
    if price >= network.short_cost:
        return (
            f"carrying costs {price:,.2f} CNY a parcel, a shortfall {network.short_cost:,.2f}",
            None,
            f"a short_cost above {price:,.2f}",
        )
    return None


def _describe_path(
    network: TrunkNetwork, k: int, parcels: int, legs: Ints, loads: Loads, spare: Floats, free: Floats
) -> _Lack:
    bindings: list[str] = []
    fixes: list[str] = []
    resources: list[_Resource] = []
    node = int(network.demand_node()[k])
    sort_limit, night_limit = network.sort_capacity, network.buffer_capacity

    def check_sort(at: int) -> None:
        lack = loads.sorts[at] + parcels - sort_limit[at]
        if lack > 0:
            hub, when = network.hub_ids[network.node_hub[at]], network.name_time(at)
            bindings.append(f"hub:{hub}")
            resources.append((f"hub:{hub}", int(network.node_day[at])))
            fixes.append(f"{lack:,.0f} parcels more sort capacity at {hub} on {when}")

    for leg in legs.tolist():
        if leg >= network.arcs:
            lack = loads.nights[node] + parcels - night_limit[node]
            if lack > 0:
                hub, when = network.hub_ids[network.node_hub[node]], network.name_time(node)
                bindings.append(f"hub:{hub}")
                resources.append((f"night:{hub}", int(network.node_day[node])))
                if network.node_staged[node]:
                    fixes.append(f"room for {lack:,.0f} sorted parcels more at {hub} after {when}")
                else:
                    fixes.append(f"room for {lack:,.0f} parcels more at {hub} in the night after {when}")
            node = int(network.after[node])
            continue
        check_sort(node)
        lack = parcels - spare[leg]
        if lack > 0:
            binding, fix = _describe_arc(network, leg, float(lack), free)
            if binding:
                bindings.append(binding)
                resources.append((binding, int(network.arc_day[leg])))
            fixes.append(fix)
        node = int(network.arc_head[leg])
    check_sort(node)
    if not bindings:
        each = price_vehicles(network, legs[legs < network.arcs], parcels, spare) / parcels
        if each >= network.short_cost:
            why = f"vehicles for them cost {each:,.2f} CNY a parcel, a shortfall {network.short_cost:,.2f}"
            return _Lack((why, None, f"a short_cost above {each:,.2f}"), ())
        return _Lack(("the search ended before it found the room there is", None, "a longer --time-limit"), ())
    names = list(dict.fromkeys(bindings))
    reason = (f"no room on the cheapest way: {', '.join(names)}", "|".join(names), "; ".join(fixes))
    return _Lack(reason, tuple(dict.fromkeys(resources)))


def price_vehicles(network: TrunkNetwork, arcs: Ints, parcels: int, spare: Floats) -> float:
    """Least price of the vehicles that parcels need on a path beyond the room there is, own ones with their cheapest way back [CNY].

    Parameters
    ----------
    arcs
        Of the path, without nights.
    spare : (R,) [parcels]
    """
    total = 0.0
    for arc in arcs.tolist():
        lack = parcels - spare[arc]
        if lack <= 0:
            continue
        lane = int(network.arc_lane[arc])
        can = (network.vehicle_lane == lane) & (network.vehicle_limit[:, network.arc_day[arc]] >= 1)
        total += min(
            np.ceil(lack / network.vehicle_capacity[vehicle])
            * (network.vehicle_cost[vehicle] + _price_return(network, vehicle))
            for vehicle in np.flatnonzero(can).tolist()
        )
    return total


def _price_return(network: TrunkNetwork, vehicle: int) -> float:
    """Price of the cheapest way back of an own vehicle over its type's lanes; hired ones need none [CNY]."""
    kind = network.vehicle_type[vehicle]
    if not network.type_own[kind]:
        return 0.0
    mine = np.flatnonzero(network.vehicle_type == kind)
    lane = network.vehicle_lane[mine]
    price = np.full((network.hubs, network.hubs), np.inf)
    # a lane that costs nothing is a way too
    np.minimum.at(
        price, (network.lane_origin[lane], network.lane_destination[lane]), np.maximum(network.vehicle_cost[mine], 1e-9)
    )
    home, away = (ends[network.vehicle_lane[vehicle]] for ends in (network.lane_origin, network.lane_destination))
    return float(dijkstra(csgraph_from_dense(price, null_value=np.inf), indices=away)[home])


def _describe_arc(network: TrunkNetwork, arc: int, lack: float, free: Floats) -> tuple[str | None, str]:
    lane, day = int(network.arc_lane[arc]), int(network.arc_day[arc])
    lane_vehicles = np.flatnonzero(network.vehicle_lane == lane)
    lane_vehicles = lane_vehicles[network.vehicle_limit[lane_vehicles, day] >= 1]
    count = np.ceil(lack / network.vehicle_capacity[lane_vehicles])
    price = count * network.vehicle_cost[lane_vehicles]
    best = int(np.argmin(price))
    kind = int(network.vehicle_type[lane_vehicles[best]])
    name = network.lane_ids[lane]
    fix = f"{count[best]:.0f} more {network.type_ids[kind]} on {name} on {network.day(day)} ({price[best]:,.0f} CNY)"
    if np.isfinite(network.vehicle_most[lane_vehicles[best], day]):
        return f"lane:{name}", f"{fix}, beyond departure_locks"
    if np.isfinite(network.lane_limit[lane, day]) or np.isfinite(network.vehicle_limit[lane_vehicles[best], day]):
        return f"lane:{name}", fix
    if free[kind, day] < count[best]:
        return f"fleet:{network.type_ids[kind]}", fix
    return None, fix
