"""Local search on a feasible plan that stays feasible: vehicles are emptied, and their parcels find spare room elsewhere.

A move takes as many parcels off an arc as it takes to do with the next smaller mix of vehicles, and sends each of them along
the path that is cheapest at the margin: spare room costs nothing but carriage and handling, a further vehicle its whole
price, a full hub or lane is closed. The move stays when it saves.
"""

from __future__ import annotations

import numba
import numpy as np

from data.progress import SILENT, Progress
from routing.budget import Deadline
from routing.trunk.search.chance import draw
from routing.trunk.search.chunks import Chunks, cut_chunks, join_chunks
from routing.trunk.search.incumbent_log import IncumbentLog
from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.flows import Flows, load_network
from routing.trunk.task.network import Ints, TrunkNetwork
from routing.trunk.task.shortest_paths import out_pointers
from routing.trunk.vehicles.step_costs import StepCosts, price_load

_VAIN_ROUNDS = 3  # tries of every arc that carries something, without a gain, after which nothing more is expected


def search_locally(
    network: TrunkNetwork,
    flows: Flows,
    step_costs: StepCosts,
    *,
    moves: int,
    seed: int,
    deadline: Deadline,
    reserve: float,
    progress: Progress = SILENT,
) -> Flows:
    """Improve whole flows within all limits.

    Parameters
    ----------
    step_costs
        Price of vehicles by load; the price that the moves lower.
    moves
        Most moves; fewer when every arc has been tried a few times in vain.
    reserve
        Seconds that must be left on the deadline at the end.
    """
    loads = load_network(network, flows)
    chunks = cut_chunks(network, flows)
    first_out = out_pointers(network)
    handling = network.handling_cost
    can_hold = network.can_hold()
    state = np.array([(seed * 7919 + 88172645463325252) % 2**64], dtype=np.uint64)
    arc_load, sort_load, night_load = loads.arcs.copy(), loads.sorts.copy(), loads.nights.copy()
    demand_node = network.demand_node()
    commodities = list_commodities(network)
    done, gained_at, patience = 0, 0, _VAIN_ROUNDS * max(int((arc_load > 0).sum()), 1)
    chunk = max(50, min(20_000, 2_000_000 // max(network.arcs, 1)))
    while done < moves and done - gained_at < patience and not deadline.over(reserve):
        part = min(chunk, moves - done)
        pointers, members = _index_arcs(network, chunks)
        change = _search(
            part, state, network.after, network.node_hub, network.node_turn, first_out, network.arc_tail, network.arc_head,
            network.arc_cost,
            handling, network.waiting_cost, network.sort_capacity, network.buffer_capacity, can_hold,
            demand_node, network.demand_destination, commodities.of_demand, commodities.late_price, arc_load, sort_load, night_load,
            chunks.demand, chunks.length, chunks.parcels, chunks.legs, chunks.count, pointers, members,
            step_costs.pointers, step_costs.room, step_costs.price, step_costs.base_room, step_costs.base_price, step_costs.most,
        )  # fmt: skip
        done += part
        if change < 0.0:
            gained_at = done
        if chunks.count[0] > len(chunks.demand) - 2000:
            chunks = cut_chunks(network, join_chunks(network, chunks))
        if isinstance(progress, IncumbentLog):
            progress.lower(change)
        progress.step(done, moves, "polish")
    settled = done - gained_at >= patience
    deadline.work.count("tries of the local search", done, done if settled else moves)
    return join_chunks(network, chunks)


def _index_arcs(network: TrunkNetwork, chunks: Chunks) -> tuple[Ints, Ints]:
    """Chunks on each arc: pointers (R + 1,) into their numbers."""
    count = int(chunks.count[0])
    width = chunks.legs.shape[1]
    on = (np.arange(width)[None] < chunks.length[:count, None]) & (chunks.parcels[:count, None] > 0)
    row, column = np.nonzero(on)
    leg = chunks.legs[row, column]
    is_arc = leg < network.arcs
    order = np.argsort(leg[is_arc], kind="stable")
    members = row[is_arc][order].astype(np.int64)
    pointers = np.searchsorted(leg[is_arc][order], np.arange(network.arcs + 1)).astype(np.int64)
    return pointers, members


@numba.njit(cache=True)
def _shift_path(sign, q, legs, length, start, arcs, after, arc_head, arc_load, sort_load, night_load):  # type: ignore[no-untyped-def]
    """Add parcels to (or take them off) every resource of a path; return the node it ends at."""
    node = start
    for i in range(length):
        s = legs[i]
        if s >= arcs:
            night_load[node] += sign * q
            node = after[node]
        else:
            sort_load[node] += sign * q
            arc_load[s] += sign * q
            node = arc_head[s]
    sort_load[node] += sign * q
    return node


@numba.njit(cache=True)
def _find_path(  # type: ignore[no-untyped-def]  # noqa: C901
    start, goal, late_price, q, banned, budget, after, node_hub, node_turn, first_out, arc_head, arc_cost, handling, waiting_cost, sort_capacity,
    buffer_capacity, can_hold, arc_load, sort_load, night_load, pointers, room, price, base_room, base_price, most,
    distance, parent, seen, stamp, heap_key, heap_node,
):  # fmt: skip
    """Cheapest path at the margin within ``budget`` (Dijkstra); return the node it ends at, or -1."""
    arcs = len(arc_head)
    size = 1
    heap_key[0], heap_node[0] = 0.0, start
    distance[start], seen[start], parent[start] = 0.0, stamp, -1
    while size > 0:
        key, node = heap_key[0], heap_node[0]
        size -= 1
        last_key, last_node = heap_key[size], heap_node[size]
        i = 0
        while True:
            child = 2 * i + 1
            if child >= size:
                break
            if child + 1 < size and heap_key[child + 1] < heap_key[child]:
                child += 1
            if heap_key[child] >= last_key:
                break
            heap_key[i], heap_node[i] = heap_key[child], heap_node[child]
            i = child
        heap_key[i], heap_node[i] = last_key, last_node
        if node >= len(can_hold):
            return node - len(can_hold)
        if key > distance[node] + 1e-12:
            continue
        sortable = sort_load[node] + q <= sort_capacity[node]
        for r in range(first_out[node] - 2, first_out[node + 1]):
            if r == first_out[node] - 2:
                if node_hub[node] != goal or not sortable:
                    continue
                value, head, leg = key + (handling[node] + late_price[node_turn[node]]) * q, node + len(can_hold), -2
            elif r == first_out[node] - 1:
                if not can_hold[node] or night_load[node] + q > buffer_capacity[node]:
                    continue
                value, head, leg = key + waiting_cost[node] * q, after[node], arcs + node
            else:
                if not sortable or node_hub[node] == goal or r == banned or arc_load[r] + q > most[r]:
                    continue
                value = key + (handling[node] + arc_cost[r]) * q
                if value > budget:
                    continue
                value += price_load(arc_load[r] + q, r, pointers, room, price, base_room, base_price, most, 0.0)
                value -= price_load(arc_load[r], r, pointers, room, price, base_room, base_price, most, 0.0)
                head, leg = arc_head[r], r
            if value > budget:
                continue
            if head < len(can_hold):
                if seen[head] == stamp and distance[head] <= value:
                    continue
                seen[head], distance[head], parent[head] = stamp, value, leg
            if size >= len(heap_key):
                return -1
            j = size
            size += 1
            while j > 0 and heap_key[(j - 1) // 2] > value:
                heap_key[j], heap_node[j] = heap_key[(j - 1) // 2], heap_node[(j - 1) // 2]
                j = (j - 1) // 2
            heap_key[j], heap_node[j] = value, head
    return -1


@numba.njit(cache=True)
def _price_path(  # type: ignore[no-untyped-def]
    sign, q, legs, length, start, late_price, after, node_turn, arc_head, arc_cost, handling, waiting_cost, arc_load,
    pointers, room, price, base_room, base_price, most,
):  # fmt: skip
    """Price of adding (or taking off) parcels on a path at the present loads."""
    arcs = len(arc_head)
    node, total = start, 0.0
    for i in range(length):
        s = legs[i]
        if s >= arcs:
            total += sign * waiting_cost[node] * q
            node = after[node]
        else:
            total += sign * (handling[node] + arc_cost[s]) * q
            total += price_load(arc_load[s] + sign * q, s, pointers, room, price, base_room, base_price, most, 0.0)
            total -= price_load(arc_load[s], s, pointers, room, price, base_room, base_price, most, 0.0)
            node = arc_head[s]
    return total + sign * (handling[node] + late_price[node_turn[node]]) * q


@numba.njit(cache=True)
def _search(  # type: ignore[no-untyped-def]  # noqa: C901
    moves, state, after, node_hub, node_turn, first_out, arc_tail, arc_head, arc_cost, handling, waiting_cost, sort_capacity,
    buffer_capacity, can_hold, demand_node, demand_goal, demand_commodity, late_price, arc_load, sort_load, night_load,
    demand, length, parcels, legs, count, member_pointers, members, pointers, room, price, base_room, base_price, most,
) -> float:  # fmt: skip
    arcs, nodes, width = len(arc_head), len(can_hold), legs.shape[1]
    distance, parent = np.zeros(nodes), np.zeros(nodes, dtype=np.int64)
    seen, stamp = np.zeros(nodes, dtype=np.int64), 0
    heap_key, heap_node = np.zeros(16 * nodes + 256), np.zeros(16 * nodes + 256, dtype=np.int64)
    most_pieces = 400
    piece_chunk = np.zeros(most_pieces, dtype=np.int64)
    piece_amount = np.zeros(most_pieces)
    new_legs, new_length = np.zeros((most_pieces, width), dtype=np.int64), np.zeros(most_pieces, dtype=np.int64)
    gained = 0.0
    used = np.zeros(arcs, dtype=np.int64)
    active = 0
    for r in range(arcs):
        if member_pointers[r + 1] > member_pointers[r]:
            used[active] = r
            active += 1
    if active == 0:
        return 0.0
    for _ in range(moves):
        arc = used[int(draw(state) * active)]
        load = arc_load[arc]
        if load <= 0.0:
            continue
        # the next smaller mix of vehicles
        below = 0.0
        base_load = load
        top = room[pointers[arc + 1] - 1]
        shift = 0.0
        if load > top and base_room[arc] > 0.0:
            shift = np.ceil((load - top) / base_room[arc]) * base_room[arc]
            base_load = load - shift
        for i in range(pointers[arc], pointers[arc + 1]):
            if room[i] < base_load:
                below = room[i]
        below += shift
        take = load - below
        # pieces off the arc, from a random member on
        first, last = member_pointers[arc], member_pointers[arc + 1]
        offset = int(draw(state) * (last - first))
        pieces, left, change = 0, take, 0.0
        for j in range(last - first):
            c = members[first + (offset + j) % (last - first)]
            if parcels[c] <= 0.0 or left <= 0.0:
                continue
            on = False
            for i in range(length[c]):
                if legs[c, i] == arc:
                    on = True
            if not on:
                continue
            amount = min(parcels[c], left)
            k = demand[c]
            change += _price_path(
                -1.0, amount, legs[c], length[c], demand_node[k], late_price[demand_commodity[k]], after, node_turn, arc_head, arc_cost, handling, waiting_cost, arc_load,
                pointers, room, price, base_room, base_price, most,
            )  # fmt: skip
            _shift_path(
                -1.0,
                amount,
                legs[c],
                length[c],
                demand_node[k],
                arcs,
                after,
                arc_head,
                arc_load,
                sort_load,
                night_load,
            )
            parcels[c] -= amount
            piece_chunk[pieces], piece_amount[pieces] = c, amount
            pieces += 1
            left -= amount
            if pieces >= most_pieces:
                break
        allowance = -1e-6
        placed, failed = 0, left > 0.0 or pieces == 0 or count[0] + pieces >= len(demand)
        kept_most = most[arc]
        if not failed:
            most[arc] = min(kept_most, max(below, 0.0))
            for p in range(pieces):
                k = demand[piece_chunk[p]]
                q = piece_amount[p]
                stamp += 1
                end = _find_path(
                    demand_node[k], demand_goal[k], late_price[demand_commodity[k]], q, -1, allowance - change, after, node_hub, node_turn, first_out, arc_head, arc_cost,
                    handling, waiting_cost, sort_capacity, buffer_capacity, can_hold, arc_load, sort_load, night_load, pointers,
                    room, price, base_room, base_price, most, distance, parent, seen, stamp, heap_key, heap_node,
                )  # fmt: skip
                if end < 0:
                    failed = True
                    break
                legs_back, node = 0, end
                while node != demand_node[k]:
                    s = parent[node]
                    if legs_back >= width:
                        failed = True
                        break
                    new_legs[p, legs_back] = s
                    legs_back += 1
                    node = arc_tail[s] if s < arcs else s - arcs
                if failed:
                    break
                for i in range(legs_back // 2):
                    new_legs[p, i], new_legs[p, legs_back - 1 - i] = (
                        new_legs[p, legs_back - 1 - i],
                        new_legs[p, i],
                    )
                new_length[p] = legs_back
                change += _price_path(
                    1.0, q, new_legs[p], legs_back, demand_node[k], late_price[demand_commodity[k]], after, node_turn, arc_head, arc_cost, handling, waiting_cost, arc_load,
                    pointers, room, price, base_room, base_price, most,
                )  # fmt: skip
                _shift_path(
                    1.0,
                    q,
                    new_legs[p],
                    legs_back,
                    demand_node[k],
                    arcs,
                    after,
                    arc_head,
                    arc_load,
                    sort_load,
                    night_load,
                )
                placed += 1
        most[arc] = kept_most
        if not failed and change <= allowance:
            gained += change
            for p in range(pieces):
                c = piece_chunk[p]
                target = c
                if parcels[c] > 0.0:
                    target = count[0]
                    count[0] += 1
                    demand[target] = demand[c]
                parcels[target] = piece_amount[p]
                length[target] = new_length[p]
                for i in range(new_length[p]):
                    legs[target, i] = new_legs[p, i]
            continue
        for p in range(placed):
            k = demand[piece_chunk[p]]
            _shift_path(
                -1.0,
                piece_amount[p],
                new_legs[p],
                new_length[p],
                demand_node[k],
                arcs,
                after,
                arc_head,
                arc_load,
                sort_load,
                night_load,
            )
        for p in range(pieces):
            c = piece_chunk[p]
            k = demand[c]
            parcels[c] += piece_amount[p]
            _shift_path(
                1.0,
                piece_amount[p],
                legs[c],
                length[c],
                demand_node[k],
                arcs,
                after,
                arc_head,
                arc_load,
                sort_load,
                night_load,
            )
    return gained
