"""From improved trees to a feasible plan: overloads are dissolved by splitting, holding and shortfall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.constants import constant
from routing.budget import Deadline
from routing.trunk.bound.lagrangian import Prices, price_arcs, price_departures, price_parcels
from routing.trunk.search.making_way import make_way
from routing.trunk.search.trees import Trees
from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.flows import Flows, Loads, load_network, round_parcels
from routing.trunk.task.network import Flags, Floats, Ints, TrunkNetwork
from routing.trunk.task.paths import (
    PathPool,
    PathUse,
    Room,
    assign_paths,
    gather_pool,
    mark_accepted,
    merge_paths,
    take_paths,
    use_paths,
)
from routing.trunk.task.records import ParcelPrices
from routing.trunk.task.shortest_paths import choose_paths, trace_paths
from routing.trunk.vehicles.step_costs import StepCosts, price_load


@dataclass(frozen=True)
class RepairRules:
    """How overloads are dissolved."""

    tighten: tuple[float, ...] = constant(
        (1.0, 4.0, 20.0), "1", "factors on prices with which paths are sought, one after the other", "judgement"
    )
    most_rounds: int = constant(3, "rounds", "of making way", "judgement")


REPAIR = RepairRules()


def collect_flows(network: TrunkNetwork, trees: Trees) -> Flows:
    """Read the paths of the entries off their trees."""
    pointers, legs = trace_paths(network, np.ascontiguousarray(trees.leg.T), trees.entry_node, trees.entry_tree)
    pool, place = merge_paths(network, [PathPool(trees.entry_demand, pointers, legs)])
    parcels = np.bincount(place, trees.entry_parcels, len(pool))
    return Flows(pool, np.rint(parcels).astype(np.int64))


def room_at(network: TrunkNetwork, step_costs: StepCosts, load: Floats) -> Floats:
    """Room of the cheapest vehicles for each load, (R,) [parcels]."""
    room = np.zeros(network.arcs)
    # a departure that was left no share of its lane's limit has no room at any price
    for arc in np.flatnonzero((load > 0) & (np.diff(step_costs.pointers) > 0)):
        breakpoints = step_costs.room[step_costs.pointers[arc] : step_costs.pointers[arc + 1]]
        rest, added = min(load[arc], step_costs.most[arc]), 0.0
        if rest > breakpoints[-1] and step_costs.base_room[arc] > 0:
            added = float(np.ceil((rest - breakpoints[-1]) / step_costs.base_room[arc])) * step_costs.base_room[arc]
        room[arc] = min(
            breakpoints[min(np.searchsorted(breakpoints, rest - added - 1e-9), len(breakpoints) - 1)] + added,
            step_costs.most[arc],
        )
    return room


def price_vehicles(step_costs: StepCosts, load: Floats) -> float:
    """Price of the cheapest vehicles for all loads at the prices of the step costs [CNY]."""
    total = 0.0
    # a departure that was left no share of its lane's limit has no room at any price
    for arc in np.flatnonzero((load > 0) & (np.diff(step_costs.pointers) > 0)):
        total += price_load(step_costs, int(arc), load[arc], 0.0)
    return float(total)


@dataclass(frozen=True, slots=True)
class Relief:
    """Arcs (R,), sorts (N,) and waits (N,) that are to be relieved."""

    arcs: Flags
    sorts: Flags
    nights: Flags

    def touch(self, use: PathUse) -> Flags:
        """Mark the paths that use any of them, (P,)."""
        touched = use.arcs.T @ self.arcs + use.sorts.T @ self.sorts + use.nights.T @ self.nights
        return np.asarray(touched > 0)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to relieve."""
        return not (self.arcs.any() or self.sorts.any() or self.nights.any())


@dataclass(frozen=True, slots=True)
class Spreading:
    """What demands are spread anew with: prices of vehicles by load, paths of the relaxation, its prices, and the time there is."""

    step_costs: StepCosts
    samples: list[Ints]
    prices: Prices
    deadline: Deadline


def dissolve_overloads(
    network: TrunkNetwork,
    flows: Flows,
    step_costs: StepCosts,
    samples: list[Ints],
    prices: Prices,
    deadline: Deadline,
) -> Flows:
    """Re-route what goes over the limits of hubs, buffers and lanes, or on paths no planner accepts, by a linear programme.

    Demands with a path over an overloaded resource are free to split over their present paths, those of the
    relaxation, and paths around the overloads; all others stay. Where paths are bound and some then find no room, those that
    hold it on the paths they could take are spread anew with them, a few times. For what still finds no room others make way, over
    whatever paths there are; what then finds none is short.
    """
    loads = load_network(network, flows)
    over = _mark_beyond(network, step_costs, loads, 0.0)
    refused = ~mark_accepted(network, flows.pool)
    if over.empty and not refused.any():
        return flows
    asked = _sum_by_demand(network, flows)
    free = np.unique(flows.pool.demand[over.touch(use_paths(network, flows.pool)) | refused])
    spreading = Spreading(step_costs, samples, prices, deadline)
    flows = _spread_anew(network, flows, free, asked, over, spreading)
    flows = _spread_holders(network, flows, asked, spreading) if network.path_rules.bounded else flows
    return make_way(network, flows, asked, _list_room(network, flows, spreading), deadline)


def _list_room(network: TrunkNetwork, flows: Flows, spreading: Spreading) -> Room:
    """Room of all flows together: that of the cheapest vehicles for their loads, and more at a price."""
    arc_price, _ = price_arcs(network, price_departures(network, spreading.prices))
    step_costs = spreading.step_costs
    paid = np.minimum(room_at(network, step_costs, load_network(network, flows).arcs), step_costs.most)
    return Room(paid, network.sort_capacity, network.buffer_capacity, 1.5 * arc_price, step_costs.most - paid)


def _spread_holders(network: TrunkNetwork, flows: Flows, asked: Ints, spreading: Spreading) -> Flows:
    """Spread anew, with demands that found no room, those that hold it on the paths they could take.

    Parameters
    ----------
    asked : (K,) [parcels]
        What of each demand is to be carried.
    """
    for _ in range(REPAIR.most_rounds):
        carried = _sum_by_demand(network, flows)
        missing = np.flatnonzero(asked > carried)
        if not len(missing) or spreading.deadline.over():
            break
        could = use_paths(network, _list_paths(network, missing, None, spreading))
        full = _mark_beyond(network, spreading.step_costs, load_network(network, flows), 1.0)
        wanted = Relief(
            full.arcs & (np.diff(could.arcs.indptr) > 0),
            full.sorts & (np.diff(could.sorts.indptr) > 0),
            full.nights & (np.diff(could.nights.indptr) > 0),
        )
        holders = flows.pool.demand[wanted.touch(use_paths(network, flows.pool))]
        free = np.union1d(missing, holders)
        spread = _spread_anew(network, flows, free, asked, wanted, spreading)
        if _sum_by_demand(network, spread).sum() <= carried.sum():
            break
        flows = spread
    return flows


def _sum_by_demand(network: TrunkNetwork, flows: Flows) -> Ints:
    carried = np.bincount(flows.pool.demand, flows.parcels, len(network.demand_parcels))
    return np.rint(carried).astype(np.int64)


def _mark_beyond(network: TrunkNetwork, step_costs: StepCosts, loads: Loads, parcels: float) -> Relief:
    """Mark what so many parcels more would take over its limit."""
    return Relief(
        loads.arcs + parcels > step_costs.most,
        loads.sorts + parcels > network.sort_capacity,
        loads.nights + parcels > network.buffer_capacity,
    )


def _list_paths(network: TrunkNetwork, demands: Ints, over: Relief | None, spreading: Spreading) -> PathPool:
    """List the accepted paths that demands could take: those of the relaxation, and paths around what is to be relieved."""
    choices = list(spreading.samples)
    if over is not None:
        choices += around(network, spreading.prices, over)
    if network.path_rules.bounded:
        choices += find_plain_paths(network, spreading.prices)
    pool = gather_pool(network, choices, demands)
    return take_paths(pool, mark_accepted(network, pool))


def _spread_anew(
    network: TrunkNetwork, flows: Flows, free_demand: Ints, asked: Ints, over: Relief, spreading: Spreading
) -> Flows:
    """Spread some demands over all their paths by a linear programme while the others keep theirs."""
    prices, step_costs, deadline = spreading.prices, spreading.step_costs, spreading.deadline
    loads = load_network(network, flows)
    free = np.isin(flows.pool.demand, free_demand)
    fixed = Flows(take_paths(flows.pool, ~free), flows.parcels[~free])
    held = load_network(network, fixed)
    present = take_paths(flows.pool, free)
    present = take_paths(present, mark_accepted(network, present))
    pool, _ = merge_paths(network, [present, _list_paths(network, free_demand, over, spreading)])
    arc_price, _ = price_arcs(network, price_departures(network, prices))
    paid = np.minimum(room_at(network, step_costs, loads.arcs), step_costs.most)
    room = Room(
        arcs=np.maximum(0.0, paid - held.arcs),
        sorts=network.sort_capacity - held.sorts,
        nights=network.buffer_capacity - held.nights,
        extra_price=1.5 * arc_price,
        extra_most=np.maximum(0.0, step_costs.most - np.maximum(paid, held.arcs)),
    )
    parcels = np.zeros(len(asked))
    parcels[free_demand] = asked[free_demand]
    assigned = assign_paths(network, pool, parcels, room, deadline.share("paths", max(2.0, deadline.left())))
    spread = assigned.parcels if assigned is not None else np.zeros(len(pool))
    more = use_paths(network, pool).arcs @ spread
    arc_room = np.minimum(np.maximum(room.arcs, more), step_costs.most - held.arcs)
    rounded = round_parcels(
        network, pool, spread, np.rint(parcels).astype(np.int64), (arc_room, room.sorts, room.nights)
    )
    joined, place = merge_paths(network, [fixed.pool, rounded.pool])
    total = np.bincount(place, np.concatenate([fixed.parcels, rounded.parcels]), len(joined))
    return Flows(joined, np.rint(total).astype(np.int64))


def find_plain_paths(network: TrunkNetwork, prices: Prices) -> list[Ints]:
    """Paths of few legs and of few kilometres, whatever vehicles cost."""
    commodities = list_commodities(network)
    km = network.path_rules.arc_km
    plain = price_parcels(network, prices, km)
    far = 10.0 * float(km.max(initial=0.0)) + 1.0
    # waiting costs what it costs, so that of paths as short the cheaper is taken
    return [choose_paths(network, plain._replace(arc=price), commodities) for price in (km, km + far)]


def around(network: TrunkNetwork, prices: Prices, over: Relief) -> list[Ints]:
    """Paths under prices that make overloaded resources dearer, step by step."""
    arc_price, _ = price_arcs(network, price_departures(network, prices))
    commodities = list_commodities(network)
    plain = price_parcels(network, prices, arc_price)
    unit = float(np.median(arc_price[np.isfinite(arc_price)])) if np.isfinite(arc_price).any() else 1.0
    found = []
    for factor in REPAIR.tighten:
        dearer = ParcelPrices(
            arc=plain.arc + over.arcs * factor * unit,
            sort=plain.sort + over.sorts * factor * unit,
            hold=plain.hold + over.nights * factor * unit,
        )
        found.append(choose_paths(network, dearer, commodities))
    return found
