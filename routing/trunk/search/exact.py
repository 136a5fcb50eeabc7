"""The whole task as one mixed-integer model, for tasks small enough: flows by destination (and due day) over hub-days, whole vehicles.

    min  sum vehicles + carriage + handling + holding + late + short
    s.t. what leaves a node for g = what comes in for g + what is handed in - what is short
         flow on a run <= room of its vehicles;  sorted <= sort capacity;  held <= buffer
         departures within limits and fleets, own vehicles balanced

Its bound is proven by the solver's branch and bound; its optimum is the optimum of the task.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from routing.budget import Deadline
from routing.solvers import Flags, solve_linear
from routing.trunk.search.draft import Draft
from routing.trunk.task.commodities import group_demands
from routing.trunk.task.flows import load_network, round_parcels
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.paths import PathPool, merge_paths
from routing.trunk.vehicles.vehicle_model import limit_rows, list_pairs, tally

MOST_FLOW_COLUMNS = 16_000
TINY_FLOW_COLUMNS = 2_500  # flow columns up to which parcels are whole in the model itself


_NODE_COLUMNS = 12_000_000  # nodes x columns searched at effort 1
_FEWEST_NODES = 200


def count_nodes(columns: int, effort: float) -> int:
    """Nodes of branch and bound that a model of so many columns is given."""
    return max(int(effort * _NODE_COLUMNS / max(columns, 1)), _FEWEST_NODES)


@dataclass(frozen=True, slots=True)
class Proof:
    """Answer of the exact model: a plan, if one was found, and the proven bound [CNY]."""

    draft: Draft | None
    bound: float


@dataclass(frozen=True, slots=True)
class _Arcs:
    """Arcs over hub-days: runs, nights, finishes; ``head`` is -1 for a finish."""

    tail: Ints
    head: Ints
    step: Ints
    group: Ints


def flow_columns(network: TrunkNetwork) -> int:
    """Number of flow columns the exact model would have."""
    return len(group_demands(network)) * (network.runs + int(network.can_hold().sum()) + network.turns)


@dataclass(frozen=True, slots=True)
class ExactModel:
    """The task as one sparse model: flows by destination, short by entry, departures.

    Attributes
    ----------
    cost, lower, upper, integer : (columns,)
    matrix, low, high
    pair_run, pair_option : (Y,)
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
    pair_run: Ints
    pair_option: Ints
    arcs: _Arcs
    group: Ints

    def read(self, values: Floats) -> Draft:
        """Make a plan of a solution."""
        network = self.network
        departures = np.rint(values[len(values) - len(self.pair_run) :]).astype(np.int64)
        flow = np.maximum(values[: len(self.arcs.tail)], 0.0)
        pool, parcels = _follow(network, self.arcs, flow, self.group)
        vehicles = tally(network, self.pair_run, self.pair_option, departures, np.zeros(network.runs))
        limits = (vehicles.room, network.sort_capacity, network.buffer_capacity)
        found = round_parcels(network, pool, parcels, network.demand_parcels, limits)
        return Draft(found, load_network(network, found), vehicles)


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
        m.cost, m.matrix, m.low, m.high, m.lower, m.upper, integer=m.integer, gap=0.0,
        nodes=count_nodes(len(m.cost), effort), deadline=deadline,
    )  # fmt: skip
    # the solver's own tolerance stays on the safe side
    bound = answer.bound - 1e-9 * abs(answer.bound) if np.isfinite(answer.bound) else -np.inf
    return Proof(None if answer.values is None else m.read(answer.values), bound)


def write_exactly(network: TrunkNetwork) -> ExactModel:
    """Write the whole task as one model."""
    grouped = group_demands(network)
    group = grouped.of_demand
    arcs = _list_arcs(network, grouped.destination)
    flows, nodes, groups = len(arcs.tail), network.nodes, len(grouped)
    entry, asked = _hand_in(network, group, groups)
    pair_run, pair_option = list_pairs(network)
    width = flows + len(entry) + len(pair_run)
    column = np.arange(flows)
    goes = arcs.head >= 0
    balance = sparse.csr_matrix(
        (
            np.concatenate([np.ones(flows), -np.ones(goes.sum()), np.ones(len(entry))]),
            (
                np.concatenate([arcs.group * nodes + arcs.tail, arcs.group[goes] * nodes + arcs.head[goes], entry]),
                np.concatenate([column, column[goes], flows + np.arange(len(entry))]),
            ),
        ),
        shape=(groups * nodes, width),
    )
    supply = np.zeros(groups * nodes)
    supply[entry] = asked
    is_run = (arcs.step >= 0) & (arcs.step < network.runs)
    is_night = arcs.step >= network.runs
    pairs = flows + len(entry) + np.arange(len(pair_run))
    capacity = network.option_capacity[pair_option]
    room = sparse.csr_matrix(
        (
            np.concatenate([np.ones(is_run.sum()), -capacity]),
            (np.concatenate([arcs.step[is_run], pair_run]), np.concatenate([column[is_run], pairs])),
        ),
        shape=(network.runs, width),
    )
    sorts = sparse.csr_matrix(
        (np.ones((~is_night).sum()), (arcs.tail[~is_night], column[~is_night])), shape=(nodes, width)
    )
    nights = sparse.csr_matrix((np.ones(is_night.sum()), (arcs.tail[is_night], column[is_night])), shape=(nodes, width))
    sort_limit, night_limit = network.sort_capacity, network.buffer_capacity
    tight_sort, tight_night = np.isfinite(sort_limit), np.isfinite(night_limit)
    rules = limit_rows(network, pair_run, pair_option)
    rest = sparse.csr_matrix((rules.matrix.shape[0], flows + len(entry)))
    matrix = sparse.vstack(
        [balance, room, sorts[tight_sort], nights[tight_night], sparse.hstack([rest, rules.matrix])], format="csr"
    )
    handling = network.handling_cost
    price = np.where(is_night, network.waiting_cost[arcs.tail], handling[arcs.tail])
    price[is_run] += network.run_cost[arcs.step[is_run]]
    ends = arcs.head < 0
    price[ends] += grouped.late_price[arcs.group[ends], network.node_turn[arcs.tail[ends]]]
    limit = np.minimum(
        network.option_limit[pair_option, network.run_day[pair_run]],
        network.type_fleet[network.option_type[pair_option]],
    )
    need = np.ceil(asked.sum() / capacity) if len(entry) else capacity
    limit = np.minimum(limit, np.maximum(need, 1.0)) if not network.type_own.any() else limit
    whole = flows <= TINY_FLOW_COLUMNS
    return ExactModel(
        network=network,
        cost=np.concatenate([price, np.full(len(entry), network.short_cost), network.option_cost[pair_option]]),
        matrix=matrix,
        low=np.concatenate([supply, np.full(network.runs + tight_sort.sum() + tight_night.sum(), -np.inf), rules.low]),
        high=np.concatenate(
            [supply, np.zeros(network.runs), sort_limit[tight_sort], night_limit[tight_night], rules.high]
        ),
        lower=np.zeros(width),
        upper=np.concatenate([np.full(flows, np.inf), asked, limit]),
        integer=np.concatenate([np.full(flows + len(entry), whole), np.ones(len(pair_run), dtype=np.bool_)]),
        pair_run=pair_run,
        pair_option=pair_option,
        arcs=arcs,
        group=group,
    )


def _list_arcs(network: TrunkNetwork, destinations: Ints) -> _Arcs:
    nights = np.flatnonzero(network.can_hold())
    runs = np.arange(network.runs)
    tails, heads, steps, groups = [], [], [], []
    for number, hub in enumerate(destinations):
        ends = np.flatnonzero(network.node_hub == hub)
        away = runs[network.node_hub[network.run_tail] != hub]
        tails.append(np.concatenate([network.run_tail[away], nights, ends]))
        heads.append(np.concatenate([network.run_head[away], network.after[nights], np.full(len(ends), -1)]))
        steps.append(np.concatenate([away, network.runs + nights, np.full(len(ends), -1)]))
        groups.append(np.full(len(tails[-1]), number))
    return _Arcs(*(np.concatenate(part).astype(np.int64) for part in (tails, heads, steps, groups)))


def _hand_in(network: TrunkNetwork, group: Ints, groups: int) -> tuple[Ints, Floats]:
    """Rows at which parcels come in, and how many."""
    row = group * network.nodes + network.demand_node()
    total = np.bincount(row, network.demand_parcels, groups * network.nodes)
    entry = np.flatnonzero(total)
    return entry.astype(np.int64), total[entry].astype(np.float64)


def _follow(network: TrunkNetwork, arcs: _Arcs, flow: Floats, group: Ints) -> tuple[PathPool, Floats]:
    """Take flows by destination apart into paths of demands."""
    flow = flow.copy()
    order = np.lexsort((arcs.tail, arcs.group))
    key = (arcs.group * network.nodes + arcs.tail)[order]
    demands: list[int] = []
    paths: list[list[int]] = []
    amounts: list[float] = []
    for k, node in enumerate(network.demand_node().tolist()):
        left = float(network.demand_parcels[k])
        while left > 1e-6:
            chosen: list[int] = []
            at, width = node, left
            while at >= 0 and len(chosen) <= network.nodes:
                first, last = np.searchsorted(key, [group[k] * network.nodes + at, group[k] * network.nodes + at + 1])
                arc = order[first + int(np.argmax(flow[order[first:last]]))] if last > first else -1
                if arc < 0 or flow[arc] <= 1e-7:
                    chosen = []
                    break
                chosen.append(int(arc))
                width = min(width, float(flow[arc]))
                at = int(arcs.head[arc])
            if not chosen or at >= 0:
                break
            flow[chosen] -= width
            left -= width
            demands.append(k)
            paths.append([int(s) for s in arcs.step[chosen] if s >= 0])
            amounts.append(width)
    pointers = np.concatenate([[0], np.cumsum([len(path) for path in paths])]).astype(np.int64)
    steps = np.array([s for path in paths for s in path], dtype=np.int64)
    pool, place = merge_paths(network, [PathPool(np.array(demands, dtype=np.int64), pointers, steps)])
    return pool, np.bincount(place, np.array(amounts), len(pool)).astype(np.float64)
