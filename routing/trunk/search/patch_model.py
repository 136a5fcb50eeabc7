"""The best plan of a patch while the rest stays: a mixed-integer model of its departures and of the parcels on them.

For the departures y of a patch, the parcels x on the paths p of the demands k that use one of them, and short parcels s:

    min  sum c_p x_p + sum price y + short_cost sum s
    sum over p of k of x_p + s_k = what of k passes or is short          sum over p on arc r of x_p <= sum capacity y on r
    sums of x over other arcs, sorts and waits <= the room that is left      fleets, lanes and balances as in the whole plan

Paths are those in use and the cheapest by prices of room drawn around what vehicles cost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from data.constants import constant
from routing.budget import Deadline
from routing.solvers import LinearModel, solve_linear
from routing.trunk.bound.lagrangian import price_arcs, price_departures, zero_prices
from routing.trunk.task.commodities import Commodities, list_commodities
from routing.trunk.task.flows import Flows, round_parcels
from routing.trunk.task.network import Flags, Floats, Ints, TrunkNetwork
from routing.trunk.task.paths import PathPool, mark_accepted, merge_paths, take_paths, use_paths
from routing.trunk.task.records import NodeArcLoads, ParcelPrices
from routing.trunk.task.shortest_paths import NO_PATH, choose_paths, trace_paths
from routing.trunk.vehicles.vehicle_model import FleetRows, limit_rows, list_pairs


@dataclass(frozen=True)
class PatchModelRules:
    """What paths are offered, and how far a model is solved."""

    prices: tuple[float, ...] = constant(
        (1.0, 0.5, 0.0),
        "1",
        "of the price of room, at each of which demands are offered their cheapest path",
        "judgement",
    )
    disturbed: float = constant(
        0.4,
        "1",
        "by which the price of room on each arc, and of each sort where hubs have staging, is drawn higher or lower",
        "judgement",
    )
    nodes: int = constant(
        20,
        "nodes",
        "of branch and bound for a patch",
        "fitted: cost at equal seconds with 20 and 50; as the paths of a patch",
    )
    gap: float = constant(1e-4, "1", "of a patch's cost at which its model may stop", "judgement")


RULES = PatchModelRules()


@dataclass(frozen=True, slots=True)
class Choices:
    """The departures a plan may change, and what holds for them together.

    Attributes
    ----------
    arc, vehicle : (Y,)
        Pairs that can be used, sorted by arc and lane vehicle.
    capacity : (Y,) [parcels]; price : (Y,) [CNY]
    least, most : (Y,)
        Departures.
    rules
        Limits of lanes and fleets, balances of own vehicles.
    room_price : (R,) [CNY/parcel]
        What room of the cheapest vehicle costs.
    commodities
        What demands are carried together.
    """

    arc: Ints
    vehicle: Ints
    capacity: Floats
    price: Floats
    least: Floats
    most: Floats
    rules: FleetRows
    room_price: Floats
    commodities: Commodities


def list_choices(network: TrunkNetwork, departures: Ints) -> Choices:
    """List what departures may be chosen.

    Parameters
    ----------
    departures : (Y,)
        Those of the plan, by the pairs of ``list_pairs``. Those of own vehicles stay: what runs otherwise may not stand where it
        leaves from.
    """
    arc, vehicle = list_pairs(network)
    kind, day = network.vehicle_type[vehicle], network.arc_day[arc]
    most = np.minimum(network.vehicle_limit[vehicle, day], network.type_fleet[kind])
    least = network.vehicle_least[vehicle, day].astype(np.float64)
    stays = network.type_own[kind]
    dear = price_arcs(network, price_departures(network, zero_prices(network)))[0]
    return Choices(
        arc,
        vehicle,
        network.vehicle_capacity[vehicle],
        network.vehicle_cost[vehicle],
        np.where(stays, departures, least),
        np.where(stays, departures, most),
        limit_rows(network, arc, vehicle),
        np.where(np.isfinite(dear), dear, 0.0),
        list_commodities(network),
    )


@dataclass(frozen=True, slots=True)
class Patch:
    """What is taken out of a plan to be planned anew.

    Attributes
    ----------
    free : (R,)
        Arcs whose departures are free.
    pairs : (n,)
        Their places among the choices.
    flows
        What passes them.
    asked : (K,) [parcels]
        Of each demand that passes, and of some that are short: what passes and what is short.
    room
        What the rest of the plan leaves free [parcels]; 0 on the free arcs.
    """

    free: Flags
    pairs: Ints
    flows: Flows
    asked: Ints
    room: NodeArcLoads


@dataclass(frozen=True, slots=True)
class Replanned:
    """A patch planned anew: whole parcels, and departures (n,) of its pairs."""

    flows: Flows
    departures: Ints


def replan(
    network: TrunkNetwork,
    choices: Choices,
    patch: Patch,
    departures: Ints,
    generator: np.random.Generator,
    deadline: Deadline,
) -> tuple[Replanned | None, bool]:
    """Plan a patch anew.

    Parameters
    ----------
    departures : (Y,)
        Of the plan.

    Returns
    -------
    Replanned or None
        None where none was found.
    settled : bool
        Whether it is proven the best over the paths offered.
    """
    pool, _ = merge_paths(network, [patch.flows.pool, _offer_paths(network, choices, patch, generator)])
    model, paths = _write(network, choices, patch, departures, pool)
    answer = solve_linear(model, deadline=deadline, nodes=RULES.nodes, gap=RULES.gap)
    if answer.values is None:
        return None, answer.optimal
    chosen = np.rint(answer.values[len(answer.values) - len(patch.pairs) :]).astype(np.int64)
    filled = np.bincount(choices.arc[patch.pairs], chosen * choices.capacity[patch.pairs], network.arcs)
    limits = (patch.room.arcs + filled, patch.room.sorts, patch.room.nights)
    flows = round_parcels(network, pool, answer.values[:paths], patch.asked, limits)
    return Replanned(flows, chosen), answer.optimal


def _offer_paths(network: TrunkNetwork, choices: Choices, patch: Patch, generator: np.random.Generator) -> PathPool:
    """The cheapest accepted paths of a patch's demands at several prices of its room, over what room the rest leaves."""
    demands, every = np.flatnonzero(patch.asked), choices.commodities
    goals, commodity = np.unique(every.of_demand[demands], return_inverse=True)
    wanted = every._replace(destination=every.destination[goals], late_price=every.late_price[goals])
    room, start = patch.room, network.demand_start[demands]
    sort = np.where(room.sorts >= 1, network.handling_cost, np.inf)
    hold = np.where((room.nights >= 1) & network.can_hold(), network.waiting_cost, np.inf)
    elsewhere = np.where(room.arcs >= 1, network.arc_cost, np.inf)
    # with staging many sorts cost a parcel the same: which of them it goes through is drawn too
    drawn_sorts, staged = sort, bool(network.node_staged.any())
    parts = []
    for share in RULES.prices:
        drawn = share * generator.uniform(1.0 - RULES.disturbed, 1.0 + RULES.disturbed, network.arcs)
        arc = np.where(patch.free, network.arc_cost + drawn * choices.room_price, elsewhere)
        if staged:
            more = RULES.disturbed * (network.handling_cost + network.waiting_cost)
            drawn_sorts = sort + more * generator.uniform(-1.0, 1.0, network.nodes)
        choice = choose_paths(network, ParcelPrices(arc, drawn_sorts, hold), wanted)
        reached = choice[start, commodity] != NO_PATH
        pointers, legs = trace_paths(network, choice, start[reached], commodity[reached])
        parts.append(PathPool(demands[reached], pointers, legs))
    found, _ = merge_paths(network, parts)
    return take_paths(found, mark_accepted(network, found))


def _write(
    network: TrunkNetwork, choices: Choices, patch: Patch, departures: Ints, pool: PathPool
) -> tuple[LinearModel, int]:
    """Write the model: columns are parcels on paths, parcels short, departures; return it and the number of paths."""
    use, pairs, paths = use_paths(network, pool), patch.pairs, len(pool)
    demands, free, room = np.flatnonzero(patch.asked), patch.free, patch.room
    asked = patch.asked[demands].astype(np.float64)
    passing = np.bincount(patch.flows.pool.demand, patch.flows.parcels, len(patch.asked))[demands]
    # what is carried can be; only what is short now may stay so
    short = np.flatnonzero(asked > passing)
    miss = sparse.csr_matrix((np.ones(len(short)), (short, np.arange(len(short)))), shape=(len(demands), len(short)))
    touched = np.flatnonzero(np.diff(use.arcs.indptr))
    inside, outside = touched[free[touched]], touched[~free[touched]]
    sorts = np.flatnonzero(np.isfinite(room.sorts) & (np.diff(use.sorts.indptr) > 0))
    nights = np.flatnonzero(np.isfinite(room.nights) & (np.diff(use.nights.indptr) > 0))
    serve = sparse.csr_matrix(
        (np.ones(paths), (np.searchsorted(demands, pool.demand), np.arange(paths))), shape=(len(demands), paths)
    )
    runs = np.flatnonzero(np.isin(choices.arc[pairs], inside))
    hold = sparse.csr_matrix(
        (choices.capacity[pairs[runs]], (np.searchsorted(inside, choices.arc[pairs[runs]]), runs)),
        shape=(len(inside), len(pairs)),
    )
    rest = departures.astype(np.float64)
    rest[pairs] = 0.0
    rules, mine = choices.rules, choices.rules.matrix[:, pairs]
    bound = np.flatnonzero(np.diff(mine.indptr))
    taken = (rules.matrix @ rest)[bound]
    limits = sparse.vstack([use.arcs[outside], use.sorts[sorts], use.nights[nights]], format="csr")
    matrix = sparse.bmat(
        [
            [serve, miss, None],
            [use.arcs[inside], None, -hold],
            [limits, None, sparse.csr_matrix((limits.shape[0], len(pairs)))],
            [sparse.csr_matrix((len(bound), paths)), sparse.csr_matrix((len(bound), len(short))), mine[bound]],
        ],
        format="csr",
    )
    high = np.concatenate([room.arcs[outside], room.sorts[sorts], room.nights[nights]])
    # more than carry everything never run
    enough = np.maximum(np.ceil(asked.sum() / choices.capacity[pairs]), departures[pairs])
    model = LinearModel(
        np.concatenate([use.cost, np.full(len(short), network.short_cost), choices.price[pairs]]),
        matrix,
        np.concatenate([asked, np.full(len(inside) + len(high), -np.inf), rules.low[bound] - taken]),
        np.concatenate([asked, np.zeros(len(inside)), np.maximum(high, 0.0), rules.high[bound] - taken]),
        np.concatenate([np.zeros(paths + len(short)), choices.least[pairs]]),
        np.concatenate([np.full(paths, np.inf), (asked - passing)[short], np.minimum(choices.most[pairs], enough)]),
        integer=np.concatenate([np.zeros(paths + len(short), dtype=np.bool_), np.ones(len(pairs), dtype=np.bool_)]),
    )
    return model, paths
