"""Local search on a feasible plan that stays feasible: vehicles are emptied, and their parcels find spare room elsewhere.

A move takes as many parcels off an arc as it takes to do with the next smaller mix of vehicles, or one chunk of parcels that
travel together off its path, and sends each of them along the path that is cheapest at the margin: spare room costs nothing but
carriage and handling, a further vehicle its whole price, a full hub or lane is closed. The move stays when it saves; while the
search is hot, also when it costs a little, with chance exp(-cost / heat), as several vehicles often save only together
(Kirkpatrick et al. 1983). The heat falls to 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np

from data.progress import SILENT, Progress
from routing.budget import Deadline
from routing.trunk.search.chance import Seeds, draw
from routing.trunk.search.chunks import Chunks, cut_chunks, join_chunks
from routing.trunk.search.incumbent_log import IncumbentLog
from routing.trunk.search.marginal_paths import (
    MarginalTask,
    PathSpace,
    find_marginal_path,
    lay_marginal,
    make_space,
    price_path,
    shift_path,
)
from routing.trunk.task.flows import Flows, load_network
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.path_rules import is_accepted
from routing.trunk.task.records import NodeArcLoads
from routing.trunk.vehicles.step_costs import StepCosts

# numba looks at this file alone: changes with those
COMPILED_OF = ("chance", "marginal_paths", "path_rules", "step_costs", "9355ea5abe69d320")
_MOST_PIECES = 400  # chunks that one move may cut
_LEAST_GAIN = 1e-6  # CNY a move must save
_VAIN_ROUNDS = 3  # tries of every arc that carries something, without a gain, after which nothing more is expected
_LEAST_CHANCE = 1e-300
_HOT = 0.85  # of the moves until the heat is 0
_RESENT = 0.5  # of the moves: a chunk, whatever vehicles run


@dataclass(frozen=True, slots=True)
class Tries:
    """How much is tried.

    Attributes
    ----------
    moves
        Most moves; fewer when every arc has been tried a few times in vain.
    heat
        Of the first move [CNY]; it falls with the square of what is left of the moves, to 0 for the last of them.
    """

    moves: int
    heat: float = 0.0


def search_locally(
    network: TrunkNetwork,
    flows: Flows,
    step_costs: StepCosts,
    tries: Tries,
    *,
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
    reserve
        Seconds that must be left on the deadline at the end.
    """
    moves, heat = tries.moves, tries.heat
    loads = load_network(network, flows)
    chunks = cut_chunks(network, flows)
    task = lay_marginal(network, step_costs)
    random = np.array([(seed * 7919 + 88172645463325252) % 2**64], dtype=np.uint64)
    running = NodeArcLoads(loads.arcs.copy(), loads.sorts.copy(), loads.nights.copy())
    pieces, space = make_pieces(chunks.legs.shape[1]), make_space(network.nodes)
    total, least = 0.0, 0.0
    done, gained_at, patience = 0, 0, _VAIN_ROUNDS * max(int((running.arcs > 0).sum()), 1)
    chunk = max(50, min(20_000, 2_000_000 // max(network.arcs, 1)))
    while done < moves and done - gained_at < patience and not deadline.over(reserve):
        part = min(chunk, moves - done)
        on_arc = _list_members(network, chunks)
        ceiling = step_costs.most.copy()
        state = SearchState(random, running, ceiling, chunks, on_arc, pieces, space)
        now = heat * max(0.0, 1.0 - done / (_HOT * moves)) ** 2
        change = _try_moves(task, state, part, now)
        done, total = done + part, total + change
        if change < 0.0 or now > 0.0:
            gained_at = done
        if chunks.used[0] > len(chunks.demand) - 2000:
            chunks = cut_chunks(network, join_chunks(network, chunks))
            pieces = make_pieces(chunks.legs.shape[1])
        if isinstance(progress, IncumbentLog):
            progress.lower(min(total - least, 0.0))
        least = min(least, total)
        progress.step(done, moves, "local search")
    settled = done - gained_at >= patience
    deadline.work.count("tries of the local search", done, done if settled else moves)
    return join_chunks(network, chunks) if total < 0.0 else flows  # stopped while hot it may have cost more


class Members(NamedTuple):
    """Chunks on each arc: ``first`` (R + 1,) into their numbers ``chunk``."""

    first: Ints
    chunk: Ints


def _list_members(network: TrunkNetwork, chunks: Chunks) -> Members:
    """List the chunks on each departure; what leads to staging is no use to empty."""
    count = int(chunks.used[0])
    width = chunks.legs.shape[1]
    on = (np.arange(width)[None] < chunks.length[:count, None]) & (chunks.parcels[:count, None] > 0)
    row, column = np.nonzero(on)
    leg = chunks.legs[row, column]
    is_arc = leg < network.arcs
    is_arc[is_arc] = network.arc_drives[leg[is_arc]]
    order = np.argsort(leg[is_arc], kind="stable")
    first = np.searchsorted(leg[is_arc][order], np.arange(network.arcs + 1)).astype(np.int64)
    return Members(first, row[is_arc][order].astype(np.int64))


class Pieces(NamedTuple):
    """Parcels taken off an arc, and the paths found for them; modified in place.

    Attributes
    ----------
    chunk : (P,); amount : (P,) [parcels]
        Which chunk a piece was cut from, and how much.
    legs : (P, W); length : (P,)
        Its new path.
    """

    chunk: Ints
    amount: Floats
    legs: Ints
    length: Ints


def make_pieces(width: int) -> Pieces:
    """Make room for the pieces of one move, with paths of at most so many legs."""
    return Pieces(
        np.zeros(_MOST_PIECES, dtype=np.int64),
        np.zeros(_MOST_PIECES),
        np.zeros((_MOST_PIECES, width), dtype=np.int64),
        np.zeros(_MOST_PIECES, dtype=np.int64),
    )


class SearchState(NamedTuple):
    """What the moves read and change; all but ``on_arc`` is modified in place.

    Attributes
    ----------
    random : (1,) uint64
        State of the generator.
    loads
        Parcels on arcs and at nodes.
    ceiling : (R,) [parcels]
        Most an arc may carry; lowered for the arc that is being emptied.
    chunks
        Parcels that travel together.
    on_arc
        Chunks that were on each arc when the pass began.
    pieces, space
        Room to work in.
    """

    random: Seeds
    loads: NodeArcLoads
    ceiling: Floats
    chunks: Chunks
    on_arc: Members
    pieces: Pieces
    space: PathSpace


@numba.njit(cache=True)
def _try_moves(task: MarginalTask, state: SearchState, moves: int, heat: float) -> float:
    """Make moves, each on a random arc that carries something or on a random chunk; return the change of cost [CNY]."""
    used = np.flatnonzero(state.on_arc.first[1:] > state.on_arc.first[:-1])
    gained = 0.0
    if len(used) == 0:
        return gained
    for _ in range(moves):
        allowed = -_LEAST_GAIN
        if heat > 0.0:
            allowed -= heat * np.log(max(draw(state.random), _LEAST_CHANCE))
        if draw(state.random) < _RESENT:
            chunk = int(draw(state.random) * state.chunks.used[0])
            gained += _resend_chunk(task, state, chunk, allowed)
            continue
        arc = used[int(draw(state.random) * len(used))]
        load = state.loads.arcs[arc]
        if load > 0.0:
            gained += _empty_arc(task, state, arc, _find_smaller_room(task, arc, load), allowed)
    return gained


@numba.njit(cache=True)
def _find_smaller_room(task: MarginalTask, arc: int, load: float) -> float:
    """Room of the largest mix of vehicles below the one a load needs [parcels]."""
    costs = task.costs
    first, last = costs.pointers[arc], costs.pointers[arc + 1]
    below, shift = 0.0, 0.0
    if load > costs.room[last - 1] and costs.base_room[arc] > 0.0:
        shift = np.ceil((load - costs.room[last - 1]) / costs.base_room[arc]) * costs.base_room[arc]
    for i in range(first, last):
        if costs.room[i] < load - shift:
            below = costs.room[i]
    return below + shift


@numba.njit(cache=True)
def _empty_arc(task: MarginalTask, state: SearchState, arc: int, room: float, allowed: float) -> float:
    """Bring an arc down to a room and send what it carried beyond other paths, if that is allowed; return the change of cost.

    Parameters
    ----------
    allowed
        Most the cost may change [CNY].
    """
    ceiling = state.ceiling
    taken, left, change = _take_pieces(task, state, arc, state.loads.arcs[arc] - room)
    kept = ceiling[arc]
    if left > 0.0:
        return _return_pieces(task, state, taken, 0)
    ceiling[arc] = min(kept, max(room, 0.0))
    change = _send_pieces(task, state, taken, change, allowed)
    ceiling[arc] = kept
    return change


@numba.njit(cache=True)
def _resend_chunk(task: MarginalTask, state: SearchState, chunk: int, allowed: float) -> float:
    """Send a chunk along the path that is cheapest at the margin, if that is allowed; return the change of cost."""
    chunks, pieces = state.chunks, state.pieces
    parcels, demand = chunks.parcels[chunk], chunks.demand[chunk]
    if parcels <= 0.0:
        return 0.0
    change = price_path(task, state.loads, -parcels, chunks.legs[chunk], chunks.length[chunk], demand)
    shift_path(task, state.loads, -parcels, chunks.legs[chunk], chunks.length[chunk], task.demands.start[demand])
    chunks.parcels[chunk] = 0.0
    pieces.chunk[0], pieces.amount[0] = chunk, parcels
    return _send_pieces(task, state, 1, change, allowed)


@numba.njit(cache=True)
def _send_pieces(task: MarginalTask, state: SearchState, taken: int, change: float, allowed: float) -> float:
    """Send pieces taken off along their cheapest paths, or back where that is not allowed; return the change of cost."""
    placed = 0
    if taken > 0 and state.chunks.used[0] + taken < len(state.chunks.demand):
        placed, change = _place_pieces(task, state, taken, change, allowed)
        if placed == taken and change <= allowed:
            _keep_paths(state.chunks, state.pieces, taken)
            return change
    return _return_pieces(task, state, taken, placed)


@numba.njit(cache=True)
def _return_pieces(task: MarginalTask, state: SearchState, taken: int, placed: int) -> float:
    """Put pieces back where they came from; return 0, the change of cost."""
    chunks, pieces = state.chunks, state.pieces
    for p in range(placed):
        start = task.demands.start[chunks.demand[pieces.chunk[p]]]
        shift_path(task, state.loads, -pieces.amount[p], pieces.legs[p], pieces.length[p], start)
    for p in range(taken):
        c = pieces.chunk[p]
        chunks.parcels[c] += pieces.amount[p]
        start = task.demands.start[chunks.demand[c]]
        shift_path(task, state.loads, pieces.amount[p], chunks.legs[c], chunks.length[c], start)
    return 0.0


@numba.njit(cache=True)
def _take_pieces(task: MarginalTask, state: SearchState, arc: int, parcels: float) -> tuple[int, float, float]:
    """Take parcels off an arc, from a random one of its chunks on.

    Returns
    -------
    tuple
        Pieces taken, parcels that are still to be taken, and the change of cost [CNY].
    """
    chunks, pieces = state.chunks, state.pieces
    first, members = state.on_arc.first[arc], state.on_arc.first[arc + 1] - state.on_arc.first[arc]
    offset = int(draw(state.random) * members)
    taken, left, change = 0, parcels, 0.0
    for j in range(members):
        c = state.on_arc.chunk[first + (offset + j) % members]
        if chunks.parcels[c] <= 0.0 or left <= 0.0 or not _is_on(chunks.legs[c], chunks.length[c], arc):
            continue
        amount = min(chunks.parcels[c], left)
        demand = chunks.demand[c]
        change += price_path(task, state.loads, -amount, chunks.legs[c], chunks.length[c], demand)
        start = task.demands.start[demand]
        shift_path(task, state.loads, -amount, chunks.legs[c], chunks.length[c], start)
        chunks.parcels[c] -= amount
        pieces.chunk[taken], pieces.amount[taken] = c, amount
        taken += 1
        left -= amount
        if taken >= len(pieces.chunk):
            break
    return taken, left, change


@numba.njit(cache=True)
def _is_on(legs: Ints, length: int, arc: int) -> bool:
    """Tell whether a path uses an arc."""
    found = False
    for i in range(length):
        found = found or legs[i] == arc
    return found


@numba.njit(cache=True)
def _place_pieces(
    task: MarginalTask, state: SearchState, taken: int, change: float, allowed: float
) -> tuple[int, float]:
    """Send the pieces along the cheapest paths at the margin while the cost changes by no more than allowed.

    Returns
    -------
    tuple
        Pieces placed, and the change of cost with them [CNY].
    """
    chunks, pieces = state.chunks, state.pieces
    for p in range(taken):
        demand, amount = chunks.demand[pieces.chunk[p]], pieces.amount[p]
        budget = allowed - change
        end = find_marginal_path(task, state.loads, state.ceiling, state.space, demand, amount, budget)
        if end < 0 or not _trace_path(task, state.space, pieces, p, task.demands.start[demand], end):
            return p, change
        if task.rules.bounded and not _accept(task, state, p, demand):
            return p, change
        change += price_path(task, state.loads, amount, pieces.legs[p], pieces.length[p], demand)
        start = task.demands.start[demand]
        shift_path(task, state.loads, amount, pieces.legs[p], pieces.length[p], start)
    return taken, change


@numba.njit(cache=True)
def _accept(task: MarginalTask, state: SearchState, piece: int, demand: int) -> bool:
    """Tell whether planners accept the path of a piece."""
    legs, length = state.pieces.legs[piece], state.pieces.length[piece]
    origin = task.nodes.hub[task.demands.start[demand]]
    return bool(is_accepted(legs, length, origin, task.demands.goal[demand], task.rules))


@numba.njit(cache=True)
def _trace_path(task: MarginalTask, space: PathSpace, pieces: Pieces, piece: int, start: int, end: int) -> bool:
    """Write the legs of the path that was found; tell whether it has room."""
    arcs, node, length = len(task.arcs.head), end, 0
    legs = pieces.legs[piece]
    while node != start:
        if length >= len(legs):
            return False
        leg = space.parent[node]
        legs[length] = leg
        length += 1
        node = task.arcs.tail[leg] if leg < arcs else leg - arcs
    legs[:length] = legs[:length][::-1].copy()
    pieces.length[piece] = length
    return True


@numba.njit(cache=True)
def _keep_paths(chunks: Chunks, pieces: Pieces, taken: int) -> None:
    """Let the pieces travel along their new paths: a chunk that was cut stays, its piece becomes one of its own."""
    for p in range(taken):
        target = pieces.chunk[p]
        if chunks.parcels[target] > 0.0:
            target = chunks.used[0]
            chunks.used[0] += 1
            chunks.demand[target] = chunks.demand[pieces.chunk[p]]
        chunks.parcels[target] = pieces.amount[p]
        chunks.length[target] = pieces.length[p]
        for i in range(pieces.length[p]):
            chunks.legs[target, i] = pieces.legs[p, i]
