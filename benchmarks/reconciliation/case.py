"""The case every contender solves: routes between hubs in regions, 28 days, sums that disagree with the routes.

This file imports numpy only, so that it runs in the peers' environment too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DAYS = 28
REGIONS = 30


@dataclass(frozen=True)
class Case:
    """Routes and targets.

    Attributes
    ----------
    origin, destination
        [routes] hub of each end.
    region
        [hubs] region of each hub.
    base
        [routes x 28] parcels.
    hub_out, hub_in
        [hubs x 28] targets.
    total
        [28] target.
    """

    origin: NDArray[np.int64]
    destination: NDArray[np.int64]
    region: NDArray[np.int64]
    base: NDArray[np.float64]
    hub_out: NDArray[np.float64]
    hub_in: NDArray[np.float64]
    total: NDArray[np.float64]


def make_case(routes: int, seed: int = 0) -> Case:
    """Draw a network of ``routes`` routes: hubs as many as give about ten routes a pair of hubs or fewer."""
    random = np.random.default_rng(seed)
    hubs = int(min(1000, max(20, np.sqrt(routes))))
    pairs = random.choice(hubs * hubs, size=min(routes, hubs * hubs), replace=False)
    if routes > pairs.size:
        pairs = np.concatenate([pairs, random.integers(0, hubs * hubs, routes - pairs.size)])
    # Sorted by origin and destination, as a panel keeps its routes.
    pairs.sort()
    origin, destination = pairs // hubs, pairs % hubs
    base = np.exp(random.normal(1.0, 2.0, routes))[:, None] * random.gamma(5.0, 0.2, (routes, DAYS))

    def sums(group: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.stack([np.bincount(group, weights=base[:, day], minlength=hubs) for day in range(DAYS)], axis=1)

    hub_out = sums(origin) * random.normal(1.0, 0.15, (hubs, DAYS)).clip(0.3)
    hub_in = sums(destination) * random.normal(1.0, 0.15, (hubs, DAYS)).clip(0.3)
    total = base.sum(axis=0) * random.normal(1.05, 0.05, DAYS)
    return Case(origin, destination, random.integers(0, REGIONS, hubs), base, hub_out, hub_in, total)
