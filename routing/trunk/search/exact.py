"""The whole task as one mixed-integer model, for tasks small enough: flows by destination (and due day) over hub-days, whole vehicles.

    min  sum vehicles + carriage + handling + holding + late + short
    s.t. what leaves a node for g = what comes in for g + what is handed in - what is short
         flow on an arc <= room of its vehicles;  sorted <= sort capacity;  held <= buffer
         departures within limits and fleets, own vehicles balanced, and leaving from where they stand

Its bound is proven by the solver's branch and bound; its optimum is the optimum of the task.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from data.arrays import Flags
from data.constants import constant
from routing.budget import Deadline
from routing.solvers import LinearModel, solve_linear
from routing.trunk.search.draft import Draft
from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.effort import WORK
from routing.trunk.task.flows import load_network, round_parcels
from routing.trunk.task.inputs import TrunkOptions
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.paths import PathPool, merge_paths
from routing.trunk.vehicles.stand_rows import StandRows, write_stands
from routing.trunk.vehicles.vehicle_model import limit_rows, list_pairs, tally


@dataclass(frozen=True)
class ExactRules:
    """Up to which size the exact model is solved."""

    most_columns: int = constant(16_000, "columns", "of flows up to which it is solved at all", "judgement")
    tiny_columns: int = constant(
        2_500, "columns", "of flows up to which parcels are whole in the model itself", "judgement"
    )


EXACT = ExactRules()


def count_nodes(columns: int, effort: float) -> int:
    """Nodes of branch and bound that a model of so many columns is given."""
    return max(int(effort * WORK.node_columns / max(columns, 1)), WORK.fewest_nodes)


@dataclass(frozen=True, slots=True)
class Proof:
    """Answer of the exact model: a plan, if one was found, and the proven bound [CNY]."""

    draft: Draft | None
    bound: float


@dataclass(frozen=True, slots=True)
class _Moves:
    """Arcs over hub-days: arcs, nights, finishes; ``head`` is -1 for a finish."""

    tail: Ints
    head: Ints
    leg: Ints
    commodity: Ints


def flow_columns(network: TrunkNetwork) -> int:
    """Number of flow columns the exact model would have."""
    return len(list_commodities(network).destination) * (network.arcs + int(network.can_hold().sum()) + network.turns)


@dataclass(frozen=True, slots=True)
class ExactModel:
    """The task as one sparse model: flows by destination, short by entry, departures.

    Attributes
    ----------
    cost, lower, upper, integer : (columns,)
    matrix, low, high
    pair_arc, pair_vehicle : (Y,)
        What the last Y columns, departures, run.
    """

    network: TrunkNetwork
    cost: Floats
    matrix: sparse.csr_matrix
    low: Floats
    high: Floats
    lower: Floats
    upper: Floats
    integer: Flags
    pair_arc: Ints
    pair_vehicle: Ints
    moves: _Moves
    commodity: Ints

    def read(self, values: Floats) -> Draft:
        """Make a plan of a solution."""
        network = self.network
        departures = np.rint(values[len(values) - len(self.pair_arc) :]).astype(np.int64)
        flow = np.maximum(values[: len(self.moves.tail)], 0.0)
        pool, parcels = _follow(network, self.moves, flow, self.commodity)
        vehicles = tally(network, self.pair_arc, self.pair_vehicle, departures, np.zeros(network.arcs))
        limits = (vehicles.room, network.sort_capacity, network.buffer_capacity)
        found = round_parcels(network, pool, parcels, network.demand_parcels, limits)
        return Draft(found, load_network(network, found), vehicles)


def fits_exact_model(network: TrunkNetwork, options: TrunkOptions) -> bool:
    """Tell whether a task is small enough for the exact model, and any effort is left to it."""
    return flow_columns(network) <= most_columns(options) and options.proof_share > 0


def most_columns(options: TrunkOptions) -> int:
    """Flow columns up to which the exact model is solved."""
    return EXACT.most_columns if options.proof_columns is None else min(EXACT.most_columns, options.proof_columns)


def is_proven_first(columns: int, options: TrunkOptions) -> bool:
    """Tell whether a task of so many flow columns is so small that the exact model, if any effort is left to it, comes before any search."""
    return columns <= min(EXACT.tiny_columns, most_columns(options)) and options.proof_share > 0


def solve_exactly(network: TrunkNetwork, *, effort: float, deadline: Deadline) -> Proof:
    """Solve the whole task within a number of nodes of branch and bound.

    Parameters
    ----------
    effort
        Scale of that number, see :func:`count_nodes`.
    deadline
        Emergency brake of the solver.
    """
    m = write_exactly(network)
    answer = solve_linear(
        LinearModel(m.cost, m.matrix, m.low, m.high, m.lower, m.upper, m.integer),
        gap=0.0,
        nodes=count_nodes(len(m.cost), effort),
        deadline=deadline,
    )
    # the solver's own tolerance stays on the safe side
    bound = answer.bound - 1e-9 * abs(answer.bound) if np.isfinite(answer.bound) else -np.inf
    return Proof(None if answer.values is None else m.read(answer.values), bound)


def write_exactly(network: TrunkNetwork, *, stands: bool = True) -> ExactModel:
    """Write the whole task as one model; without ``stands`` own vehicles are balanced over the plan only, as in its bound."""
    commodities = list_commodities(network)
    commodity = commodities.of_demand
    moves = _list_moves(network, commodities.destination)
    flows, nodes, count = len(moves.tail), network.nodes, len(commodities.destination)
    entry, asked = _hand_in(network, commodity, count)
    pair_arc, pair_vehicle = list_pairs(network)
    places = _stand(network, pair_arc, pair_vehicle, network.type_own & stands)
    others = flows + len(entry) + places.others.shape[1]
    width = others + len(pair_arc)
    column = np.arange(flows)
    goes = moves.head >= 0
    balance = sparse.csr_matrix(
        (
            np.concatenate([np.ones(flows), -np.ones(goes.sum()), np.ones(len(entry))]),
            (
                np.concatenate(
                    [moves.commodity * nodes + moves.tail, moves.commodity[goes] * nodes + moves.head[goes], entry]
                ),
                np.concatenate([column, column[goes], flows + np.arange(len(entry))]),
            ),
        ),
        shape=(count * nodes, width),
    )
    supply = np.zeros(count * nodes)
    supply[entry] = asked
    is_arc = (moves.leg >= 0) & (moves.leg < network.arcs)
    is_night = moves.leg >= network.arcs
    pairs = others + np.arange(len(pair_arc))
    capacity = network.vehicle_capacity[pair_vehicle]
    room = sparse.csr_matrix(
        (
            np.concatenate([np.ones(is_arc.sum()), -capacity]),
            (np.concatenate([moves.leg[is_arc], pair_arc]), np.concatenate([column[is_arc], pairs])),
        ),
        shape=(network.arcs, width),
    )
    sorts = sparse.csr_matrix(
        (np.ones((~is_night).sum()), (moves.tail[~is_night], column[~is_night])), shape=(nodes, width)
    )
    nights = sparse.csr_matrix(
        (np.ones(is_night.sum()), (moves.tail[is_night], column[is_night])), shape=(nodes, width)
    )
    sort_limit, night_limit = network.sort_capacity, network.buffer_capacity
    tight_sort, tight_night = np.isfinite(sort_limit), np.isfinite(night_limit)
    rules = limit_rows(network, pair_arc, pair_vehicle)
    rest = sparse.csr_matrix((rules.matrix.shape[0], others))
    before = sparse.csr_matrix((len(places.low), flows + len(entry)))
    matrix = sparse.vstack(
        [
            balance,
            room,
            sorts[tight_sort],
            nights[tight_night],
            sparse.hstack([rest, rules.matrix]),
            sparse.hstack([before, places.others, places.departures]),
        ],
        format="csr",
    )
    price = _price_moves(network, moves)
    least, most = _bound_departures(network, pair_arc, pair_vehicle, float(asked.sum()))
    whole = flows <= EXACT.tiny_columns
    return ExactModel(
        network=network,
        cost=np.concatenate(
            [
                price,
                np.full(len(entry), network.short_cost),
                np.zeros(len(places.lower)),
                network.vehicle_cost[pair_vehicle],
            ]
        ),
        matrix=matrix,
        low=np.concatenate(
            [
                supply,
                np.full(network.arcs + tight_sort.sum() + tight_night.sum(), -np.inf),
                rules.low,
                places.low,
            ]
        ),
        high=np.concatenate(
            [supply, np.zeros(network.arcs), sort_limit[tight_sort], night_limit[tight_night], rules.high, places.high]
        ),
        lower=np.concatenate([np.zeros(flows + len(entry)), places.lower, least]),
        upper=np.concatenate([np.full(flows, np.inf), asked, places.upper, most]),
        integer=np.concatenate(
            [
                np.full(flows + len(entry), whole),
                np.zeros(len(places.lower), dtype=np.bool_),
                np.ones(len(pair_arc), dtype=np.bool_),
            ]
        ),
        pair_arc=pair_arc,
        pair_vehicle=pair_vehicle,
        moves=moves,
        commodity=commodity,
    )


def _stand(network: TrunkNetwork, pair_arc: Ints, pair_vehicle: Ints, placed: Flags) -> StandRows:
    """Rows of all types whose place counts, over all pairs."""
    pairs = len(pair_arc)
    parts = [StandRows(sparse.csr_matrix((0, pairs)), sparse.csr_matrix((0, 0)), *(np.zeros(0) for _ in range(4)))]
    for kind in np.flatnonzero(placed).tolist():
        mine = np.flatnonzero(network.vehicle_type[pair_vehicle] == kind)
        rows = write_stands(network, kind, pair_arc[mine])
        spread = sparse.csr_matrix((np.ones(len(mine)), (np.arange(len(mine)), mine)), shape=(len(mine), pairs))
        parts.append(replace(rows, departures=rows.departures @ spread))
    return StandRows(
        sparse.vstack([part.departures for part in parts], format="csr"),
        sparse.block_diag([part.others for part in parts], format="csr"),
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ("low", "high", "lower", "upper")),
    )


def _price_moves(network: TrunkNetwork, moves: _Moves) -> Floats:
    """Price of a parcel on each move: carriage, handling, holding and what is late [CNY/parcel]."""
    is_arc = (moves.leg >= 0) & (moves.leg < network.arcs)
    is_night, ends = moves.leg >= network.arcs, moves.head < 0
    price = np.where(is_night, network.waiting_cost[moves.tail], network.handling_cost[moves.tail])
    price[is_arc] += network.arc_cost[moves.leg[is_arc]]
    late = list_commodities(network).late_price
    price[ends] += late[moves.commodity[ends], network.node_turn[moves.tail[ends]]]
    return price


def _bound_departures(
    network: TrunkNetwork, pair_arc: Ints, pair_vehicle: Ints, parcels: float
) -> tuple[Floats, Floats]:
    """Least and most departures of each pair; without own vehicles none runs that nothing needs."""
    day = network.arc_day[pair_arc]
    limit = np.minimum(network.vehicle_limit[pair_vehicle, day], network.type_fleet[network.vehicle_type[pair_vehicle]])
    if parcels > 0 and not network.type_own.any():
        limit = np.minimum(limit, np.maximum(np.ceil(parcels / network.vehicle_capacity[pair_vehicle]), 1.0))
    least = network.vehicle_least[pair_vehicle, day].astype(np.float64)
    return least, np.maximum(limit, least)


def _list_moves(network: TrunkNetwork, destinations: Ints) -> _Moves:
    nights = np.flatnonzero(network.can_hold())
    arcs = np.arange(network.arcs)
    tails, heads, legs, commodities = [], [], [], []
    for number, hub in enumerate(destinations):
        ends = np.flatnonzero((network.node_hub == hub) & ~network.node_staged)
        away = arcs[network.node_hub[network.arc_tail] != hub]
        tails.append(np.concatenate([network.arc_tail[away], nights, ends]))
        heads.append(np.concatenate([network.arc_head[away], network.after[nights], np.full(len(ends), -1)]))
        legs.append(np.concatenate([away, network.arcs + nights, np.full(len(ends), -1)]))
        commodities.append(np.full(len(tails[-1]), number))
    return _Moves(*(np.concatenate(part).astype(np.int64) for part in (tails, heads, legs, commodities)))


def _hand_in(network: TrunkNetwork, commodity: Ints, count: int) -> tuple[Ints, Floats]:
    """Rows at which parcels come in, and how many."""
    row = commodity * network.nodes + network.demand_node()
    total = np.bincount(row, network.demand_parcels, count * network.nodes)
    entry = np.flatnonzero(total)
    return entry.astype(np.int64), total[entry].astype(np.float64)


def _follow(network: TrunkNetwork, moves: _Moves, flow: Floats, commodity: Ints) -> tuple[PathPool, Floats]:
    """Take flows by destination apart into paths of demands."""
    flow = flow.copy()
    order = np.lexsort((moves.tail, moves.commodity))
    key = (moves.commodity * network.nodes + moves.tail)[order]
    demands: list[int] = []
    paths: list[list[int]] = []
    amounts: list[float] = []
    for k, node in enumerate(network.demand_node().tolist()):
        left = float(network.demand_parcels[k])
        while left > 1e-6:
            chosen: list[int] = []
            at, width = node, left
            while at >= 0 and len(chosen) <= network.nodes:
                first, last = np.searchsorted(
                    key, [commodity[k] * network.nodes + at, commodity[k] * network.nodes + at + 1]
                )
                move = order[first + int(np.argmax(flow[order[first:last]]))] if last > first else -1
                if move < 0 or flow[move] <= 1e-7:
                    chosen = []
                    break
                chosen.append(int(move))
                width = min(width, float(flow[move]))
                at = int(moves.head[move])
            if not chosen or at >= 0:
                break
            flow[chosen] -= width
            left -= width
            demands.append(k)
            paths.append([int(s) for s in moves.leg[chosen] if s >= 0])
            amounts.append(width)
    pointers = np.concatenate([[0], np.cumsum([len(path) for path in paths])]).astype(np.int64)
    legs = np.array([s for path in paths for s in path], dtype=np.int64)
    pool, place = merge_paths(network, [PathPool(np.array(demands, dtype=np.int64), pointers, legs)])
    return pool, np.bincount(place, np.array(amounts), len(pool)).astype(np.float64)
