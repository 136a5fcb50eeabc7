"""Trees of next legs, one for each destination and layer of its parcels, and what flows over them."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.records import NodeArcLoads
from routing.trunk.task.shortest_paths import FINISH, HOLD


class Trees(NamedTuple):
    """Trees and what flows over them; all but the destinations and entries is modified in place.

    Attributes
    ----------
    destination : (G,)
        Commodity of each tree, a column of labels and candidates.
    leg : (G, N)
        An arc, HOLD, FINISH or NO_PATH.
    flow : (G, N) [parcels]
    entry_demand, entry_tree, entry_node : (E,); entry_parcels : (E,) [parcels]
        Where parcels come in.
    loads
        Parcels on arcs and at nodes.
    """

    destination: Ints
    leg: Ints
    flow: Floats
    entry_demand: Ints
    entry_tree: Ints
    entry_node: Ints
    entry_parcels: Floats
    loads: NodeArcLoads


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
    count, number = len(commodities.destination), commodities.of_demand
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
        entry_node=network.demand_start[entry_demand],
        entry_parcels=np.concatenate(amount),
        loads=NodeArcLoads(np.zeros(network.arcs), np.zeros(network.nodes), np.zeros(network.nodes)),
    )
    load_trees(network, trees)
    return trees


def load_trees(network: TrunkNetwork, trees: Trees) -> None:
    """Fill the flows and loads of the trees from their entries."""
    for array in (trees.flow, *trees.loads):
        array[:] = 0.0
    _load(network.after, network.arc_head, trees)


@numba.njit(cache=True)
def _load(after: Ints, arc_head: Ints, trees: Trees) -> None:
    """Add the entries' parcels to all nodes and arcs on their paths; ``trees`` is modified in place.

    Parameters
    ----------
    after : (N,); arc_head : (R,)
    """
    for e in range(len(trees.entry_tree)):
        tree, node, parcels = trees.entry_tree[e], trees.entry_node[e], trees.entry_parcels[e]
        while True:
            trees.flow[tree, node] += parcels
            leg = trees.leg[tree, node]
            if leg == HOLD:
                trees.loads.nights[node] += parcels
                node = after[node]
                continue
            trees.loads.sorts[node] += parcels
            if leg == FINISH:
                break
            trees.loads.arcs[leg] += parcels
            node = arc_head[leg]
