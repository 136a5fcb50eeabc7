"""`python -m benchmarks.stock.sizes [MERCHANTS ...]`: stock of every merchant's five items for 30 regions in 30 warehouses, every item with units at hand in two of them.

Merchants, buyers and warehouses are points in a square; what an item sells is log-normal over items and Poisson over regions; a tenth to a half of it stands in
each of two warehouses; the rooms together hold 1.2 times what is to stand there, in parts of .5 to 1.5 each; dispatch is an eighth of the room. By default 200 and 2,000 merchants.
"""

from __future__ import annotations

import os
import resource
import sys
import time

import numpy as np

from benchmarks.machine import describe_machine
from routing.budget import Deadline
from routing.stock.model import LocationProblem
from routing.stock.solver import solve_location

ITEMS, REGIONS, SITES = 5, 30, 30
SECONDS = 300.0


def make_problem(merchants: int, seed: int = 3) -> LocationProblem:
    """Make an instance of so many merchants."""
    draw = np.random.default_rng(seed)
    families = merchants * ITEMS
    buyers, sites, homes = (draw.uniform(0, 100, (count, 2)) for count in (REGIONS, SITES, merchants))
    size = draw.lognormal(3, 1.2, families)
    spread = draw.dirichlet(np.full(REGIONS, 2.0), families)
    demand = draw.poisson(np.maximum(size[:, None] * spread * REGIONS / 10, 0.2)).astype(float)
    sold = demand.sum(axis=1)
    there = np.zeros((families, SITES))
    for _ in range(2):
        there[np.arange(families), draw.integers(0, SITES, families)] += np.round(
            sold * draw.uniform(0.1, 0.5, families)
        )
    storage = np.round(there.sum(axis=0) + draw.uniform(0.5, 1.5, SITES) * demand.sum() * 1.2 / SITES)
    return LocationProblem(
        demand=demand.ravel(),
        cost=np.tile(_far(buyers, sites) / 15 + 1, (families, 1)),
        load=np.full(families * REGIONS, 0.1),
        short_cost=np.full(families * REGIONS, 20.0),
        family=np.repeat(np.arange(families), REGIONS),
        inbound=np.repeat(_far(homes, sites) / 40, ITEMS, axis=0),
        there=there,
        storage=storage,
        dispatch=np.round(storage * 0.12),
        opening=np.round(draw.uniform(200, 2000, SITES)),
    )


def _far(here: np.ndarray, there: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.norm(here[:, None] - there[None], axis=2))


def main() -> None:
    """Solve each size and print a row."""
    print(f"{describe_machine()}; load {os.getloadavg()[0]:.1f}\n")
    print("| merchants x items x warehouses | groups | units | gap | short | room left | CPU s | wall s | GB |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for merchants in [int(word) for word in sys.argv[1:]] or [200, 2_000]:
        problem = make_problem(merchants)
        began, wall = time.process_time(), time.perf_counter()
        found = solve_location(problem, deadline=Deadline(SECONDS))
        spent, waited = time.process_time() - began, time.perf_counter() - wall
        if found.lower_bound > found.cost:
            sys.exit(f"the bound {found.lower_bound:,.2f} lies above the cost {found.cost:,.2f}")
        short = problem.demand.sum() - found.units.sum()
        left = (problem.room - problem.bring_in(found.units).sum(axis=0)).sum()
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(
            f"| {merchants:,} x {ITEMS} x {SITES} | {np.count_nonzero(problem.demand):,} | {problem.demand.sum():,.0f} | "
            f"{100 * (1 - found.lower_bound / found.cost):.2f} % | {short:,.0f} | {left:,.0f} | {spent:.0f} | {waited:.0f} | {memory:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
