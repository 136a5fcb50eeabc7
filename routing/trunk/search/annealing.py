"""Annealing of trees: every destination has trees of next legs, and moves hang a whole sub-tree onto another leg.

A tree belongs to a destination and a layer of its parcels (whole truckloads, and the rest). It tells at each node the arc to
take, to wait, or to finish. A move gives (tree, node) another next leg: the parcels of the whole sub-tree leave the old
path and take the new one down to where both meet. Vehicles count by their step costs, what exceeds a limit by a price that is
linear in the excess, so that an overload shrinks move by move (Kirkpatrick et al. 1983).
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from data.progress import SILENT, Progress
from routing.budget import Deadline
from routing.trunk.search.chance import draw
from routing.trunk.task.commodities import Commodities, list_commodities
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.shortest_paths import FINISH, HOLD, NO_PATH
from routing.trunk.vehicles.step_costs import StepCosts, price_load

_CHUNK = 250_000


@dataclass(slots=True)
class Trees:
    """Trees and what flows over them.

    Attributes
    ----------
    destination : (G,)
        Commodity of each tree, a column of labels and candidates.
    leg : (G, N)
        An arc, HOLD, FINISH or NO_PATH.
    flow : (G, N) [parcels]
    entry_demand, entry_tree, entry_node, entry_parcels : (E,)
        Where parcels come in.
    arc_load : (R,); sort_load, night_load : (N,) [parcels]
    """

    destination: Ints
    leg: Ints
    flow: Floats
    entry_demand: Ints
    entry_tree: Ints
    entry_node: Ints
    entry_parcels: Floats
    arc_load: Floats
    sort_load: Floats
    night_load: Floats


def start_trees(
    network: TrunkNetwork, samples: list[Ints], *, truck: float, served: Ints, generator: np.random.Generator
) -> Trees:
    """Start trees: each takes the cheapest paths of one random step of the relaxation.

    Parameters
    ----------
    samples
        Choices (N, commodities) of the relaxation.
    truck
        Parcels of a large vehicle: whole multiples of it make the first layer of a demand.
    served : (n,)
        Demands that are planned; the others are short.
    """
    commodities = list_commodities(network)
    count, number = len(commodities), commodities.of_demand
    parcels = network.demand_parcels.astype(np.float64)
    whole = np.floor(parcels / truck) * truck
    layers = [whole, parcels - whole]
    demand, tree, amount = [], [], []
    for layer, part in enumerate(layers):
        some = served[part[served] > 0]
        demand.append(some)
        tree.append(number[some] + layer * count)
        amount.append(part[some])
    entry_demand = np.concatenate(demand)
    used, entry_tree = np.unique(np.concatenate(tree), return_inverse=True)
    leg = np.empty((len(used), network.nodes), dtype=np.int64)
    for row, name in enumerate(used):
        leg[row] = samples[int(generator.integers(len(samples)))][:, name % count]
    trees = Trees(
        destination=(used % count).astype(np.int64),
        leg=leg,
        flow=np.zeros(leg.shape),
        entry_demand=entry_demand,
        entry_tree=entry_tree.astype(np.int64),
        entry_node=network.demand_node()[entry_demand],
        entry_parcels=np.concatenate(amount),
        arc_load=np.zeros(network.arcs),
        sort_load=np.zeros(network.nodes),
        night_load=np.zeros(network.nodes),
    )
    load_trees(network, trees)
    return trees


def load_trees(network: TrunkNetwork, trees: Trees) -> None:
    """Fill the flows and loads of the trees from their entries."""
    for array in (trees.flow, trees.arc_load, trees.sort_load, trees.night_load):
        array[:] = 0.0
    _load(
        network.after, network.arc_head, trees.leg, trees.entry_tree, trees.entry_node, trees.entry_parcels,
        trees.flow, trees.arc_load, trees.sort_load, trees.night_load,
    )  # fmt: skip


@numba.njit(cache=True)
def _load(after, arc_head, leg, tree, node, parcels, flow, arc_load, sort_load, night_load) -> None:  # type: ignore[no-untyped-def]
    for e in range(len(tree)):
        g, n, load = tree[e], node[e], parcels[e]
        while True:
            flow[g, n] += load
            s = leg[g, n]
            if s == HOLD:
                night_load[n] += load
                n = after[n]
                continue
            sort_load[n] += load
            if s == FINISH:
                break
            arc_load[s] += load
            n = arc_head[s]


def list_candidates(
    network: TrunkNetwork,
    label: Floats,
    arc_price: Floats,
    sort_price: Floats,
    hold_price: Floats,
    first_out: Ints,
    commodities: Commodities,
    most: int,
) -> Ints:
    """List for each node and commodity the next legs of least reduced price, (N, commodities, most); NO_PATH fills up."""
    candidates: Ints = np.full((network.nodes, len(commodities), most), NO_PATH, dtype=np.int64)
    _pick(
        network.after,
        network.node_hub,
        network.node_turn,
        first_out,
        network.arc_head,
        arc_price,
        sort_price,
        hold_price,
        commodities.destination,
        commodities.late_price,
        label,
        candidates,
    )
    return candidates


@numba.njit(cache=True)
def _pick(  # type: ignore[no-untyped-def]  # noqa: C901
    after,
    node_hub,
    node_turn,
    first_out,
    arc_head,
    arc_price,
    sort_price,
    hold_price,
    destinations,
    late_price,
    label,
    candidates,
) -> None:
    most = candidates.shape[2]
    price = np.empty(most)
    for node in range(len(after)):
        for g in range(len(destinations)):
            count = 0
            for r in range(first_out[node] - 2, first_out[node + 1]):
                if r == first_out[node] - 2:
                    if node_hub[node] != destinations[g] or sort_price[node] == np.inf:
                        continue
                    leg, value = FINISH, sort_price[node] + late_price[g, node_turn[node]]
                elif r == first_out[node] - 1:
                    if after[node] < 0 or hold_price[node] == np.inf:
                        continue
                    leg, value = HOLD, hold_price[node] + label[after[node], g]
                else:
                    if node_hub[node] == destinations[g] or sort_price[node] == np.inf:
                        continue
                    leg, value = r, sort_price[node] + arc_price[r] + label[arc_head[r], g]
                if value == np.inf:
                    continue
                i = min(count, most - 1)
                if count == most and value >= price[i]:
                    continue
                if count < most:
                    count += 1
                    i = count - 1
                while i > 0 and price[i - 1] > value:
                    price[i] = price[i - 1]
                    candidates[node, g, i] = candidates[node, g, i - 1]
                    i -= 1
                price[i] = value
                candidates[node, g, i] = leg


@dataclass(frozen=True, slots=True)
class Cooling:
    """How the annealing cools.

    Attributes
    ----------
    moves
        Number of moves.
    hot, cold
        First and last temperature [CNY].
    soft, hard
        First and last price of a parcel over a limit [CNY/parcel].
    """

    moves: int
    hot: float
    cold: float
    soft: float
    hard: float


def anneal_trees(
    network: TrunkNetwork,
    trees: Trees,
    step_costs: StepCosts,
    candidates: Ints,
    cooling: Cooling,
    *,
    seed: int,
    deadline: Deadline,
    reserve: float,
    progress: Progress = SILENT,
) -> int:
    """Improve the trees in place; return the moves done.

    Parameters
    ----------
    candidates : (N, commodities, most)
    reserve
        Seconds that must be left on the deadline when the annealing ends.
    """
    state = np.array([(seed * 2654435761 + 88172645463325252) % 2**64], dtype=np.uint64)
    handling = network.handling_cost
    late_price = list_commodities(network).late_price
    stamp = np.zeros(network.nodes, dtype=np.int64)
    counter = np.zeros(1, dtype=np.int64)
    done = 0
    while done < cooling.moves and not deadline.over(reserve):
        part = min(_CHUNK, cooling.moves - done)
        share, later = done / cooling.moves, (done + part) / cooling.moves
        hot = cooling.hot * (cooling.cold / cooling.hot) ** share
        cold = cooling.hot * (cooling.cold / cooling.hot) ** later
        penalty = cooling.soft * (cooling.hard / cooling.soft) ** share
        _anneal(
            part, hot, cold, penalty, state, network.after, network.node_turn, network.arc_head, network.arc_cost, handling,
            network.waiting_cost,
            network.sort_capacity, network.buffer_capacity, trees.destination, late_price, trees.leg, trees.flow,
            trees.entry_tree, trees.entry_node, trees.arc_load, trees.sort_load, trees.night_load, candidates,
            step_costs.pointers, step_costs.room, step_costs.price, step_costs.base_room, step_costs.base_price, step_costs.most, stamp, counter,
        )  # fmt: skip
        done += part
        progress.step(done, cooling.moves, "improvement")
    return done


@numba.njit(cache=True, inline="always")
def _over(load, capacity):  # type: ignore[no-untyped-def]
    return load - capacity if load > capacity else 0.0


@numba.njit(cache=True)
def _anneal(  # type: ignore[no-untyped-def]  # noqa: C901
    moves, hot, cold, penalty, state, after, node_turn, arc_head, arc_cost, handling, waiting_cost, sort_capacity,
    buffer_capacity,
    destination, late_price, leg, flow, entry_tree, entry_node, arc_load, sort_load, night_load, candidates,
    pointers, room, price, base_room, base_price, most, stamp, counter,
) -> int:  # fmt: skip
    accepted = 0
    entries = len(entry_tree)
    width = candidates.shape[2]
    cooling = (cold / hot) ** (1000.0 / moves) if moves > 0 else 1.0
    heat = hot
    arc_price = np.empty(len(arc_load))
    for s in range(len(arc_load)):
        arc_price[s] = price_load(arc_load[s], s, pointers, room, price, base_room, base_price, most, penalty)
    for move in range(moves):
        if move % 1000 == 0 and move > 0:
            heat *= cooling
        e = int(draw(state) * entries)
        g, n = entry_tree[e], entry_node[e]
        # a random node of the entry's path
        chosen, seen, walk = n, 0, n
        while True:
            seen += 1
            if draw(state) * seen < 1.0:
                chosen = walk
            s = leg[g, walk]
            if s == FINISH:
                break
            walk = after[walk] if s == HOLD else arc_head[s]
        n = chosen
        q = flow[g, n]
        old = leg[g, n]
        # steps of least reduced price first: the cube draws the first of six more often than all others together
        pick = draw(state)
        new = candidates[n, destination[g], int(pick * pick * pick * width)]
        if new in (NO_PATH, old) or q <= 0.0:
            continue
        # mark the new path
        counter[0] += 1
        mark = counter[0]
        walk, circle = n, False
        if new != FINISH:
            walk = after[n] if new == HOLD else arc_head[new]
            while True:
                if walk == n:
                    circle = True
                    break
                stamp[walk] = mark
                s = leg[g, walk]
                if s == FINISH:
                    break
                if s == NO_PATH:
                    circle = True
                    break
                walk = after[walk] if s == HOLD else arc_head[s]
        if circle:
            continue
        allowed = -heat * np.log(max(draw(state), 1e-300))
        change = 0.0
        # leave the old path down to the meeting point
        walk, s, meet = n, old, -1
        while True:
            if s == HOLD:
                change -= waiting_cost[walk] * q
                change += penalty * (
                    _over(night_load[walk] - q, buffer_capacity[walk]) - _over(night_load[walk], buffer_capacity[walk])
                )
                walk = after[walk]
            else:
                if walk != n or new == HOLD:
                    change -= handling[walk] * q
                    change += penalty * (
                        _over(sort_load[walk] - q, sort_capacity[walk]) - _over(sort_load[walk], sort_capacity[walk])
                    )
                if s == FINISH:
                    change -= late_price[destination[g], node_turn[walk]] * q
                    break
                change -= arc_cost[s] * q
                change += price_load(arc_load[s] - q, s, pointers, room, price, base_room, base_price, most, penalty)
                change -= arc_price[s]
                walk = arc_head[s]
            if stamp[walk] == mark:
                meet = walk
                break
            s = leg[g, walk]
        # take the new path
        walk, s = n, new
        while True:
            if s == HOLD:
                change += waiting_cost[walk] * q
                change += penalty * (
                    _over(night_load[walk] + q, buffer_capacity[walk]) - _over(night_load[walk], buffer_capacity[walk])
                )
                walk = after[walk]
            else:
                if walk != n or old == HOLD:
                    change += handling[walk] * q
                    change += penalty * (
                        _over(sort_load[walk] + q, sort_capacity[walk]) - _over(sort_load[walk], sort_capacity[walk])
                    )
                if s == FINISH:
                    change += late_price[destination[g], node_turn[walk]] * q
                    break
                change += arc_cost[s] * q
                change += price_load(arc_load[s] + q, s, pointers, room, price, base_room, base_price, most, penalty)
                change -= arc_price[s]
                walk = arc_head[s]
            # what follows only adds
            if walk == meet or change > allowed:
                break
            s = leg[g, walk]
        if change > allowed:
            continue
        accepted += 1
        walk, s = n, old
        while True:
            if s == HOLD:
                night_load[walk] -= q
                walk = after[walk]
            else:
                sort_load[walk] -= q
                if s == FINISH:
                    break
                arc_load[s] -= q
                arc_price[s] = price_load(arc_load[s], s, pointers, room, price, base_room, base_price, most, penalty)
                walk = arc_head[s]
            if walk == meet:
                break
            flow[g, walk] -= q
            s = leg[g, walk]
        leg[g, n] = new
        walk, s = n, new
        while True:
            if s == HOLD:
                night_load[walk] += q
                walk = after[walk]
            else:
                sort_load[walk] += q
                if s == FINISH:
                    break
                arc_load[s] += q
                arc_price[s] = price_load(arc_load[s], s, pointers, room, price, base_room, base_price, most, penalty)
                walk = arc_head[s]
            if walk == meet:
                break
            flow[g, walk] += q
            s = leg[g, walk]
    return accepted
