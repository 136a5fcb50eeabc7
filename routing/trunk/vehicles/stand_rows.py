"""The rows that keep own vehicles where they stand: who leaves a hub was there, or came there before.

For a type, hubs h and steps t of the fleets' time, with w the vehicles that wait and b those that stand there at first:

    w[h, t] = w[h, t - 1] + arrived[h, t] - left[h, t] >= 0,   w[h, -1] = b[h]

The last step gathers what comes back later. Where ``vehicle_stands`` gives no rows, the plan chooses b within the fleet and ends as it
began. The matrix is that of a flow over time (Ahuja, Magnanti and Orlin, Network Flows, 1993, chapter 19).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from routing.trunk.task.network import Floats, Ints, TrunkNetwork


@dataclass(frozen=True, slots=True)
class StandRows:
    """Rows over departures of a type, and over columns of their own: vehicles that wait, then those that stand there at first.

    Attributes
    ----------
    departures : (rows, pairs)
    others : (rows, columns)
    low, high : (rows,)
    lower, upper : (columns,)
        Bounds of the columns of their own.
    """

    departures: sparse.csr_matrix
    others: sparse.csr_matrix
    low: Floats
    high: Floats
    lower: Floats
    upper: Floats


def write_stands(network: TrunkNetwork, kind: int, arc: Ints) -> StandRows:
    """Write the rows for departures of an own type.

    Parameters
    ----------
    kind
        The type.
    arc : (pairs,)
        What each column of departures runs.
    """
    hubs, width, pairs = network.hubs, network.fleet_steps + 1, len(arc)
    nodes = hubs * width
    leaves = network.node_hub[network.arc_tail[arc]] * width + network.arc_step[arc]
    comes = network.node_hub[network.arc_head[arc]] * width + np.minimum(network.own_back[arc], network.fleet_steps)
    every = np.arange(pairs)
    departures = sparse.csr_matrix(
        (np.repeat([1.0, -1.0], pairs), (np.concatenate([leaves, comes]), np.concatenate([every, every]))),
        shape=(nodes, pairs),
    )
    node = np.arange(nodes)
    later, first = node[node % width > 0], node[node % width == 0]
    others = sparse.csr_matrix(
        (
            np.concatenate([np.ones(nodes), -np.ones(nodes)]),
            (np.concatenate([node, later, first]), np.concatenate([node, later - 1, nodes + np.arange(hubs)])),
        ),
        shape=(nodes, nodes + hubs),
    )
    low, high = np.zeros(nodes), np.zeros(nodes)
    lower, upper = np.zeros(nodes + hubs), np.full(nodes + hubs, np.inf)
    last = first + width - 1
    if network.stands_given[kind]:
        lower[nodes:] = upper[nodes:] = network.stand_start[kind]
        lower[last] = upper[last] = network.stand_end[kind]
        return StandRows(departures, others, low, high, lower, upper)
    every_hub = np.arange(hubs)
    ends = sparse.csr_matrix(
        (
            np.concatenate([np.ones(hubs), -np.ones(hubs), np.ones(hubs)]),
            (
                np.concatenate([every_hub, every_hub, np.full(hubs, hubs)]),
                np.concatenate([last, nodes + every_hub, nodes + every_hub]),
            ),
        ),
        shape=(hubs + 1, nodes + hubs),
    )
    return StandRows(
        departures=sparse.vstack([departures, sparse.csr_matrix((hubs + 1, pairs))], format="csr"),
        others=sparse.vstack([others, ends], format="csr"),
        low=np.concatenate([low, np.zeros(hubs), [-np.inf]]),
        high=np.concatenate([high, np.zeros(hubs), [network.type_fleet[kind]]]),
        lower=lower,
        upper=upper,
    )
