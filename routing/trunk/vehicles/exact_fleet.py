"""Vehicles for given loads made exact, block by block.

Arcs that share no fleet, no limit and no balance of own vehicles do not touch each other: the choice of vehicles falls
apart into blocks, such as the arcs of a hub with its own fleet. A block is a small mixed-integer model. HiGHS stops at a gap or
after a number of nodes, so that a seed repeats the plan; the clock cuts in only on a machine too slow for all blocks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from data.constants import constant
from routing.budget import Deadline
from routing.solvers import LinearModel, solve_linear
from routing.trunk.task.effort import WORK
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.vehicles.vehicle_model import VehicleModel, Vehicles, model_vehicles, tally


@dataclass(frozen=True)
class BlockRules:
    """Which blocks of vehicles are searched."""

    most_pairs: int = constant(
        4000, "pairs", "of arc and lane vehicle of a block up to which it is searched", "judgement"
    )
    proven: float = constant(1e-4, "1", "gap at which a block counts as solved", "judgement")


BLOCKS = BlockRules()


def refine_vehicles(
    network: TrunkNetwork, vehicles: Vehicles, load: Floats, deadline: Deadline, effort: float = 1.0
) -> Vehicles:
    """Replace the vehicles of each block by cheaper ones, where a search finds them; blocks of the dearest vehicles first.

    Parameters
    ----------
    vehicles
        Within every limit, for ``load``.
    load : (R,) [parcels]
    deadline
        Blocks that it leaves no time for keep their vehicles.
    effort
        Scale of the nodes of branch and bound that a block is given.
    """
    nodes = int(np.clip(2.0 * effort * WORK.fleet_nodes, WORK.fewest_nodes, WORK.fleet_nodes))
    model = model_vehicles(network, load)
    pairs = len(model.arc)
    departures = vehicles.departures.copy()
    blocks = split_blocks(model)
    paid = [float(model.cost[c[c < pairs]] @ departures[c[c < pairs]]) for c, _ in blocks]
    for number in np.argsort(-np.array(paid), kind="stable"):
        columns, rows = blocks[number]
        inside = columns[columns < pairs]
        if not 0 < len(inside) <= BLOCKS.most_pairs:
            continue
        if deadline.over():
            break
        behind = vehicles.short[model.carried[columns[columns >= pairs] - pairs]]
        present = paid[number] + network.short_cost * float(behind.sum())
        left = len(columns) - len(inside)
        most = np.concatenate([model.limit[inside], np.full(left, np.inf)])
        answer = solve_linear(
            LinearModel(
                model.cost[columns],
                model.matrix[rows][:, columns],
                model.low[rows],
                model.high[rows],
                np.concatenate([model.least[inside], np.zeros(left)]),
                most,
                integer=np.arange(len(columns)) < len(inside),
            ),
            deadline=deadline,
            nodes=nodes,
            gap=BLOCKS.proven,
        )
        if answer.values is not None and answer.objective < present - 1e-6:
            departures[inside] = np.rint(answer.values[: len(inside)]).astype(np.int64)
    return tally(network, model.arc, model.vehicle, departures, load)


def split_blocks(model: VehicleModel) -> list[tuple[Ints, Ints]]:
    """Columns and rows of each block of more than one arc, pairs before load left behind.

    A rule that no departures within their limits can break links nothing.
    """
    limit = np.concatenate([model.limit, np.full(len(model.carried), np.inf)])
    holds = len(model.carried)
    rule = np.arange(len(model.low)) >= holds
    loose = rule & np.isneginf(model.low) & (model.matrix @ np.where(np.isfinite(limit), limit, 1e12) <= model.high)
    binding = np.flatnonzero(~loose)
    links = model.matrix[binding]
    _, label = connected_components(sparse.bmat([[None, links], [links.T, None]], format="csr"), directed=False)
    row_label, column_label = label[: len(binding)], label[len(binding) :]
    several = np.flatnonzero(np.bincount(row_label[binding < holds], minlength=label.max(initial=-1) + 1) > 1)
    by_column, by_row = np.argsort(column_label, kind="stable"), np.argsort(row_label, kind="stable")
    blocks = []
    for name in several:
        c = np.searchsorted(column_label[by_column], [name, name + 1])
        r = np.searchsorted(row_label[by_row], [name, name + 1])
        blocks.append((by_column[c[0] : c[1]].astype(np.int64), binding[by_row[r[0] : r[1]]].astype(np.int64)))
    return blocks
