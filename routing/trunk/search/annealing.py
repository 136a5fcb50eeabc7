"""Annealing of trees: every destination has a tree of next steps, and moves hang a whole sub-tree onto another step.

A group is a destination and a layer of its parcels (whole truckloads, and the rest). Its tree tells at each node the run to
take, to wait, or to finish. A move gives (group, node) another next step: the parcels of the whole sub-tree leave the old
way and take the new one down to where both meet. Vehicles count by their staircases, what exceeds a limit by a price that is
linear in the excess, so that an overload shrinks move by move (Kirkpatrick et al. 1983).
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from data.progress import SILENT, Progress
from routing.budget import Deadline
from routing.trunk.search.chance import draw
from routing.trunk.task.commodities import Groups, group_demands
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.shortest_paths import FINISH, HOLD, NO_WAY
from routing.trunk.vehicles.step_costs import Staircase, climb

_CHUNK = 250_000


@dataclass(slots=True)
class Trees:
    """Trees of all groups and what flows over them.

    Attributes
    ----------
    destination : (G,)
        Number among the groups of demands, a column of labels and candidates.
    step : (G, N)
        A run, HOLD, FINISH or NO_WAY.
    flow : (G, N) [parcels]
    entry_demand, entry_group, entry_node, entry_parcels : (E,)
        Where parcels come in.
    run_load : (R,); sort_load, night_load : (N,) [parcels]
    """

    destination: Ints
    step: Ints
    flow: Floats
    entry_demand: Ints
    entry_group: Ints
    entry_node: Ints
    entry_parcels: Floats
    run_load: Floats
    sort_load: Floats
    night_load: Floats


def plant_trees(
    network: TrunkNetwork, samples: list[Ints], *, truck: float, served: Ints, generator: np.random.Generator
) -> Trees:
    """Start trees: each group takes the cheapest ways of one random step of the relaxation.

    Parameters
    ----------
    samples
        Choices (N, groups) of the relaxation.
    truck
        Parcels of a large vehicle: whole multiples of it make the first layer of a demand.
    served : (n,)
        Demands that are planned; the others are short.
    """
    groups = group_demands(network)
    count, number = len(groups), groups.of_demand
    parcels = network.demand_parcels.astype(np.float64)
    whole = np.floor(parcels / truck) * truck
    layers = [whole, parcels - whole]
    demand, group, amount = [], [], []
    for layer, part in enumerate(layers):
        some = served[part[served] > 0]
        demand.append(some)
        group.append(number[some] + layer * count)
        amount.append(part[some])
    entry_demand = np.concatenate(demand)
    used, entry_group = np.unique(np.concatenate(group), return_inverse=True)
    step = np.empty((len(used), network.nodes), dtype=np.int64)
    for row, name in enumerate(used):
        step[row] = samples[int(generator.integers(len(samples)))][:, name % count]
    trees = Trees(
        destination=(used % count).astype(np.int64),
        step=step,
        flow=np.zeros(step.shape),
        entry_demand=entry_demand,
        entry_group=entry_group.astype(np.int64),
        entry_node=network.demand_node()[entry_demand],
        entry_parcels=np.concatenate(amount),
        run_load=np.zeros(network.runs),
        sort_load=np.zeros(network.nodes),
        night_load=np.zeros(network.nodes),
    )
    load_trees(network, trees)
    return trees


def load_trees(network: TrunkNetwork, trees: Trees) -> None:
    """Fill the flows and loads of the trees from their entries."""
    for array in (trees.flow, trees.run_load, trees.sort_load, trees.night_load):
        array[:] = 0.0
    _load(
        network.after, network.run_head, trees.step, trees.entry_group, trees.entry_node, trees.entry_parcels,
        trees.flow, trees.run_load, trees.sort_load, trees.night_load,
    )  # fmt: skip


@numba.njit(cache=True)
def _load(after, run_head, step, group, node, parcels, flow, run_load, sort_load, night_load) -> None:  # type: ignore[no-untyped-def]
    for e in range(len(group)):
        g, n, load = group[e], node[e], parcels[e]
        while True:
            flow[g, n] += load
            s = step[g, n]
            if s == HOLD:
                night_load[n] += load
                n = after[n]
                continue
            sort_load[n] += load
            if s == FINISH:
                break
            run_load[s] += load
            n = run_head[s]


def list_candidates(
    network: TrunkNetwork,
    label: Floats,
    run_price: Floats,
    sort_price: Floats,
    hold_price: Floats,
    first_run: Ints,
    groups: Groups,
    most: int,
) -> Ints:
    """List for each node and group the next steps of least reduced price, (N, groups, most); NO_WAY fills up."""
    candidates: Ints = np.full((network.nodes, len(groups), most), NO_WAY, dtype=np.int64)
    _pick(
        network.after,
        network.node_hub,
        network.node_turn,
        first_run,
        network.run_head,
        run_price,
        sort_price,
        hold_price,
        groups.destination,
        groups.late_price,
        label,
        candidates,
    )
    return candidates


@numba.njit(cache=True)
def _pick(  # type: ignore[no-untyped-def]  # noqa: C901
    after,
    node_hub,
    node_turn,
    first_run,
    run_head,
    run_price,
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
            for r in range(first_run[node] - 2, first_run[node + 1]):
                if r == first_run[node] - 2:
                    if node_hub[node] != destinations[g] or sort_price[node] == np.inf:
                        continue
                    step, value = FINISH, sort_price[node] + late_price[g, node_turn[node]]
                elif r == first_run[node] - 1:
                    if after[node] < 0 or hold_price[node] == np.inf:
                        continue
                    step, value = HOLD, hold_price[node] + label[after[node], g]
                else:
                    if node_hub[node] == destinations[g] or sort_price[node] == np.inf:
                        continue
                    step, value = r, sort_price[node] + run_price[r] + label[run_head[r], g]
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
                candidates[node, g, i] = step


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
    stairs: Staircase,
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
    candidates : (N, groups, most)
    reserve
        Seconds that must be left on the deadline when the annealing ends.
    """
    state = np.array([(seed * 2654435761 + 88172645463325252) % 2**64], dtype=np.uint64)
    handling = network.handling_cost
    late_price = group_demands(network).late_price
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
            part, hot, cold, penalty, state, network.after, network.node_turn, network.run_head, network.run_cost, handling,
            network.waiting_cost,
            network.sort_capacity, network.buffer_capacity, trees.destination, late_price, trees.step, trees.flow,
            trees.entry_group, trees.entry_node, trees.run_load, trees.sort_load, trees.night_load, candidates,
            stairs.pointers, stairs.room, stairs.price, stairs.base_room, stairs.base_price, stairs.most, stamp, counter,
        )  # fmt: skip
        done += part
        progress.step(done, cooling.moves, "improvement")
    return done


@numba.njit(cache=True, inline="always")
def _over(load, capacity):  # type: ignore[no-untyped-def]
    return load - capacity if load > capacity else 0.0


@numba.njit(cache=True)
def _anneal(  # type: ignore[no-untyped-def]  # noqa: C901
    moves, hot, cold, penalty, state, after, node_turn, run_head, run_cost, handling, waiting_cost, sort_capacity,
    buffer_capacity,
    destination, late_price, step, flow, entry_group, entry_node, run_load, sort_load, night_load, candidates,
    pointers, room, price, base_room, base_price, most, stamp, counter,
) -> int:  # fmt: skip
    accepted = 0
    entries = len(entry_group)
    width = candidates.shape[2]
    cooling = (cold / hot) ** (1000.0 / moves) if moves > 0 else 1.0
    heat = hot
    run_price = np.empty(len(run_load))
    for s in range(len(run_load)):
        run_price[s] = climb(run_load[s], s, pointers, room, price, base_room, base_price, most, penalty)
    for move in range(moves):
        if move % 1000 == 0 and move > 0:
            heat *= cooling
        e = int(draw(state) * entries)
        g, n = entry_group[e], entry_node[e]
        # a random node of the entry's way
        chosen, seen, walk = n, 0, n
        while True:
            seen += 1
            if draw(state) * seen < 1.0:
                chosen = walk
            s = step[g, walk]
            if s == FINISH:
                break
            walk = after[walk] if s == HOLD else run_head[s]
        n = chosen
        q = flow[g, n]
        old = step[g, n]
        # steps of least reduced price first: the cube draws the first of six more often than all others together
        pick = draw(state)
        new = candidates[n, destination[g], int(pick * pick * pick * width)]
        if new in (NO_WAY, old) or q <= 0.0:
            continue
        # mark the new way
        counter[0] += 1
        mark = counter[0]
        walk, circle = n, False
        if new != FINISH:
            walk = after[n] if new == HOLD else run_head[new]
            while True:
                if walk == n:
                    circle = True
                    break
                stamp[walk] = mark
                s = step[g, walk]
                if s == FINISH:
                    break
                if s == NO_WAY:
                    circle = True
                    break
                walk = after[walk] if s == HOLD else run_head[s]
        if circle:
            continue
        allowed = -heat * np.log(max(draw(state), 1e-300))
        change = 0.0
        # leave the old way down to the meeting point
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
                change -= run_cost[s] * q
                change += climb(run_load[s] - q, s, pointers, room, price, base_room, base_price, most, penalty)
                change -= run_price[s]
                walk = run_head[s]
            if stamp[walk] == mark:
                meet = walk
                break
            s = step[g, walk]
        # take the new way
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
                change += run_cost[s] * q
                change += climb(run_load[s] + q, s, pointers, room, price, base_room, base_price, most, penalty)
                change -= run_price[s]
                walk = run_head[s]
            # what follows only adds
            if walk == meet or change > allowed:
                break
            s = step[g, walk]
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
                run_load[s] -= q
                run_price[s] = climb(run_load[s], s, pointers, room, price, base_room, base_price, most, penalty)
                walk = run_head[s]
            if walk == meet:
                break
            flow[g, walk] -= q
            s = step[g, walk]
        step[g, n] = new
        walk, s = n, new
        while True:
            if s == HOLD:
                night_load[walk] += q
                walk = after[walk]
            else:
                sort_load[walk] += q
                if s == FINISH:
                    break
                run_load[s] += q
                run_price[s] = climb(run_load[s], s, pointers, room, price, base_room, base_price, most, penalty)
                walk = run_head[s]
            if walk == meet:
                break
            flow[g, walk] += q
            s = step[g, walk]
    return accepted
