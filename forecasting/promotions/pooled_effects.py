"""Effects pooled over a tree: unit below hub, hub below region, region below network, each with its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.arrays import Vector
from data.constants import constant

Index = NDArray[np.int64]


@dataclass(frozen=True)
class PoolingRules:
    """How far a node of the tree may differ from the one above it before any data."""

    spread: float = constant(0.1, "log", "standard deviation of a unit, hub or region around its parent", "judgement")
    pseudo_units: float = constant(8.0, "units", "that this standard deviation counts for", "judgement")
    least_spread: float = constant(0.01, "log", "standard deviation around the parent, at least", "judgement")


POOLING = PoolingRules()


@dataclass(frozen=True)
class Tree:
    """Who belongs to whom.

    Attributes
    ----------
    hub
        [units] hub of each unit.
    region
        [hubs] region of each hub.
    """

    hub: Index
    region: Index


@dataclass(frozen=True)
class PooledEffect:
    """An effect of every unit.

    Attributes
    ----------
    mean
        [units] log effect.
    variance
        [units] its variance.
    network
        Log effect of a unit nobody has seen.
    """

    mean: Vector
    variance: Vector
    network: float


def pool_effects(sums: Vector, precision: Vector, tree: Tree, root_spread: float) -> PooledEffect:
    """Estimate an effect of each unit from its own data and those of its relatives.

    Parameters
    ----------
    sums
        [units] data times their precision: ``precision`` times the unit's own estimate.
    precision
        [units] precision of the unit's own estimate; 0 for one without data.
    tree
        Hubs and regions.
    root_spread
        Standard deviation of the network's effect around none; 0 where it is known to be none.

    Returns
    -------
    PooledEffect

    Notes
    -----
    A Gaussian tree, solved exactly by one pass up and one down: ``unit ~ N(hub, t1^2)``, ``hub ~ N(region, t2^2)``,
    ``region ~ N(network, t3^2)``, ``network ~ N(0, root_spread^2)``; each t^2 by the method of moments (DerSimonian and Laird 1986),
    mixed with eight pseudo-units of .1.
    """
    steps: list[tuple[Vector, Vector, Index, float]] = []
    mean_sum, own = np.asarray(sums, dtype=np.float64), np.asarray(precision, dtype=np.float64)
    regions = int(tree.region.max(initial=-1)) + 1
    for parent, parents in (
        (tree.hub, tree.region.size),
        (tree.region, regions),
        (np.zeros(regions, dtype=np.int64), 1),
    ):
        variance = _spread_around(mean_sum, own, parent, parents)
        steps.append((mean_sum, own, parent, variance))
        # What a child tells its parent: its estimate, less sure by the spread between them.
        passed = own / (1.0 + own * variance)
        shrinkage = np.divide(passed, own, out=np.zeros_like(own), where=own > 0)
        mean_sum = np.asarray(np.bincount(parent, weights=mean_sum * shrinkage, minlength=parents), dtype=np.float64)
        own = np.asarray(np.bincount(parent, weights=passed, minlength=parents), dtype=np.float64)
    if root_spread > 0:
        total = float(own[0]) + 1.0 / root_spread**2
        above, above_variance = np.array([mean_sum[0] / total]), np.array([1.0 / total])
    else:
        above, above_variance = np.zeros(1), np.zeros(1)
    network = float(above[0])
    for mean_sum, own, parent, variance in reversed(steps):
        # Given its parent, a child knows of the others no more: its own data and the spread around the parent remain.
        total_precision = own + 1.0 / variance
        pull = 1.0 / (variance * total_precision)
        above = mean_sum / total_precision + pull * above[parent]
        above_variance = 1.0 / total_precision + pull**2 * above_variance[parent]
    return PooledEffect(above, above_variance, network)


def _spread_around(sums: Vector, precision: Vector, parent: Index, parents: int) -> float:
    """Variance of children around their parents, by moments, mixed with what is expected."""
    measured = precision > 0
    expected = POOLING.pseudo_units * POOLING.spread**2
    weight, own = precision[measured], sums[measured] / precision[measured]
    mass = np.bincount(parent[measured], weights=weight, minlength=parents)
    middle = np.divide(
        np.bincount(parent[measured], weights=sums[measured], minlength=parents),
        mass,
        out=np.zeros(parents),
        where=mass > 0,
    )
    squares = np.bincount(parent[measured], weights=weight**2, minlength=parents)
    heads = np.bincount(parent[measured], minlength=parents)
    distance = float((weight * (own - middle[parent[measured]]) ** 2).sum())
    freedom = float(np.maximum(heads - 1, 0).sum())
    scale = float((mass - np.divide(squares, mass, out=np.zeros(parents), where=mass > 0)).sum())
    moment = max((distance - freedom) / scale, 0.0) if freedom > 0 and scale > 0 else 0.0
    return max((expected + freedom * moment) / (POOLING.pseudo_units + freedom), POOLING.least_spread**2)
