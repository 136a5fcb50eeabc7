"""Why parcels are short: what binds on the cheapest way they could take, and what would have to be added to it.

The way is the cheapest one with every limit lifted. What it lacks for the parcels that are short, hub by hub and run by run,
is what binds; adding just that carries them, since everything else on the way has room. That makes the fix sufficient by
construction; it is the cheapest for this way.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from routing.trunk.fleet import Vehicles
from routing.trunk.flows import Loads
from routing.trunk.network import Floats, Ints, TrunkNetwork
from routing.trunk.relaxation import price_options, price_runs, zero_prices
from routing.trunk.ways import label_ways, trace_ways

Reason = tuple[str, str | None, str | None]


def explain_shortfalls(network: TrunkNetwork, short: Ints, loads: Loads, vehicles: Vehicles) -> dict[int, Reason]:
    """Say for each demand that is short why, what binds, and what would carry it.

    Parameters
    ----------
    short : (K,) [parcels]
    loads, vehicles
        Of the plan.

    Returns
    -------
    dict
        (reason, binding, cheapest fix) by demand.
    """
    missing = np.flatnonzero(short > 0)
    if not len(missing):
        return {}
    lifted, label, choice = _lift_limits(network)
    _, group = np.unique(network.demand_destination, return_inverse=True)
    start = network.demand_node()
    told: dict[int, Reason] = {}
    free_fleet = _free_fleet(network, vehicles)
    spare = vehicles.room - loads.runs
    for k in missing.tolist():
        price = label[start[k], group[k]]
        blocked = _tell_blocked(network, k, price)
        if blocked is not None:
            told[k] = blocked
            continue
        _, steps = trace_ways(lifted, choice, start[[k]], group[[k]])
        told[k] = _tell_way(network, k, int(short[k]), steps, loads, spare, free_fleet)
    return told


def _lift_limits(network: TrunkNetwork) -> tuple[TrunkNetwork, Floats, Ints]:
    """Labels and choices with hubs that sort and hold without bound on the days they are open."""
    unbounded = np.where(network.hub_open, np.inf, 0.0)
    lifted = replace(network, sort_capacity=unbounded, buffer_capacity=unbounded)
    room, _ = price_runs(lifted, price_options(lifted, zero_prices(lifted)))
    sort_price = np.where(network.hub_open.ravel(), np.tile(network.handling_cost, network.days), np.inf)
    hold_price = np.where(lifted.can_hold(), network.hold_cost, np.inf)
    destinations = np.unique(network.demand_destination)
    label, choice = label_ways(lifted, network.run_cost + room, sort_price, hold_price, destinations)
    return lifted, label, choice


def _tell_blocked(network: TrunkNetwork, k: int, price: float) -> Reason | None:
    origin, destination = int(network.demand_origin[k]), int(network.demand_destination[k])
    first = int(network.demand_day[k])
    a, b = network.hub_ids[origin], network.hub_ids[destination]
    if not network.hub_open[first, origin]:
        return (
            f"hub {a} is closed on {network.day(first)}",
            f"hub:{a}",
            f"hand the parcels in at another hub than {a}",
        )
    if not network.hub_open[first:, destination].any():
        return (
            f"hub {b} is closed until {network.day(network.days - 1)}",
            f"hub:{b}",
            f"direct the parcels to another hub than {b}",
        )
    if not np.isfinite(price):
        if not (network.run_tail % network.hubs == origin).any():
            return (f"no lane with a vehicle leaves hub {a}", f"hub:{a}", f"a lane from {a}")
        if not (network.run_head % network.hubs == destination).any():
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


def _tell_way(
    network: TrunkNetwork, k: int, parcels: int, steps: Ints, loads: Loads, spare: Floats, free_fleet: Floats
) -> Reason:
    bindings: list[str] = []
    fixes: list[str] = []
    node = int(network.demand_node()[k])
    sort_limit, night_limit = network.sort_capacity.ravel(), network.buffer_capacity.ravel()

    def check_sort(at: int) -> None:
        lack = loads.sorts[at] + parcels - sort_limit[at]
        if lack > 0:
            hub, when = network.hub_ids[at % network.hubs], network.day(at // network.hubs)
            bindings.append(f"hub:{hub}")
            fixes.append(f"{lack:,.0f} parcels more sort capacity at {hub} on {when}")

    for step in steps.tolist():
        if step >= network.runs:
            lack = loads.nights[node] + parcels - night_limit[node]
            if lack > 0:
                hub, when = network.hub_ids[node % network.hubs], network.day(node // network.hubs)
                bindings.append(f"hub:{hub}")
                fixes.append(f"room for {lack:,.0f} parcels more at {hub} in the night after {when}")
            node += network.hubs
            continue
        check_sort(node)
        lack = parcels - spare[step]
        if lack > 0:
            binding, fix = _tell_run(network, step, float(lack), free_fleet)
            bindings += [binding] if binding else []
            fixes.append(fix)
        node = int(network.run_head[step])
    check_sort(node)
    if not bindings:
        return ("the search ended before it found the room there is", None, "a longer --time-limit")
    names = list(dict.fromkeys(bindings))
    return (f"no room on the cheapest way: {', '.join(names)}", " | ".join(names), "; ".join(fixes))


def _tell_run(network: TrunkNetwork, run: int, lack: float, free_fleet: Floats) -> tuple[str | None, str]:
    lane, day = int(network.run_lane[run]), int(network.run_day[run])
    options = np.flatnonzero(network.option_lane == lane)
    options = options[network.option_limit[options, day] >= 1]
    count = np.ceil(lack / network.option_capacity[options])
    price = count * network.option_cost[options]
    best = int(np.argmin(price))
    kind = int(network.option_type[options[best]])
    name = network.lane_ids[lane]
    fix = f"{count[best]:.0f} more {network.type_ids[kind]} on {name} on {network.day(day)} ({price[best]:,.0f} CNY)"
    if np.isfinite(network.lane_limit[lane, day]) or np.isfinite(network.option_limit[options[best], day]):
        return f"lane:{name}", fix
    if free_fleet[kind, day] < count[best]:
        return f"fleet:{network.type_ids[kind]}", fix
    return None, fix


def _free_fleet(network: TrunkNetwork, vehicles: Vehicles) -> Floats:
    """Vehicles of each type that are free on each day, (V, D)."""
    away = np.zeros((len(network.type_ids), network.days + 1))
    kind, day = network.option_type[vehicles.option], network.run_day[vehicles.run]
    busy = network.busy_days()[vehicles.run]
    np.add.at(away, (kind, day), vehicles.departures)
    np.subtract.at(away, (kind, np.minimum(day + busy, network.days)), vehicles.departures)
    return network.type_fleet[:, None] - np.cumsum(away, axis=1)[:, : network.days]
