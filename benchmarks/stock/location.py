"""`python -m benchmarks.stock.location [small] [large]`: location problems given as tables, beside the optimum of a mixed-integer programme.

Instances have the form of the capacitated ones of the OR-Library (Beasley 1988), whose own files are not part of this: 50 customers and 16, 25 or 50 sites of capacity 5,000,
15,000 or all of the demand (58,268 units there, about as much here), opening at 7,500, 12,500, 17,500 or 25,000 each (`small`, 36 of them, after cap41 to cap134); and 1,000 customers,
100 sites of 8,000, 10,000 or 12,000 capacity (`large`, after capa, capb and capc). The peer is HiGHS on the strong formulation ``x <= demand y``, through OR-Tools, of the same
demand, costs, rooms and opening costs; units are whole in the plan and may be parts in the peer.
"""

from __future__ import annotations

import os
import sys
import time
from itertools import product

import numpy as np
from scipy import sparse

from benchmarks.machine import describe_machine
from data.arrays import Floats
from routing.budget import Deadline
from routing.solvers import LinearModel, solve_linear
from routing.stock.plan import plan_stock
from tests.routing.test_stock_given import OPTIONS, make_tables

CUSTOMERS, TOTAL = 50, 58_268
_PEER_SECONDS = 240.0


def main() -> None:
    """Solve the instances and print a row each."""
    kinds = sys.argv[1:] or ["small", "large"]
    print(f"{describe_machine()}; load {os.getloadavg()[0]:.1f}\n")
    print(
        "| instance | cost | over the optimum | own bound | CPU s | HiGHS | its bound | CPU s |\n|---|---:|---:|---:|---:|---:|---:|---:|"
    )
    if "small" in kinds:
        rows = [
            measure(f"{sites} x {room:,} at {opening:,}", CUSTOMERS, sites, room, opening)
            for sites, room, opening in product((16, 25, 50), (5_000, 15_000, TOTAL), (7_500, 12_500, 17_500, 25_000))
        ]
        optimal = sum(over <= 1e-6 for over, _ in rows)
        print(f"\n{optimal} of {len(rows)} at the optimum, at most {max(spent for _, spent in rows):.1f} CPU s\n")
    if "large" in kinds:
        for room in (8_000, 10_000, 12_000):
            measure(f"1,000 customers, 100 x {room:,}", 1_000, 100, room, None)


def draw_instance(customers: int, sites: int, opening: int | None, total: int) -> tuple[list[int], Floats, list[float]]:
    """Draw demand, cost of a unit from each site and opening costs; the same customers and sites at every capacity."""
    draw = np.random.default_rng(sites)
    at, stand = draw.uniform(0, 100, (customers, 2)), draw.uniform(0, 100, (sites, 2))
    part = draw.lognormal(0.0, 1.0, customers)
    demand = np.maximum(np.round(part / part.sum() * total), 1).astype(int)
    cost = np.linalg.norm(stand[:, None] - at[None], axis=2) / 20
    opened = np.round(draw.uniform(0.5, 1.5, sites) * total / 4) if opening is None else np.full(sites, opening)
    return demand.tolist(), cost, opened.astype(float).tolist()


def measure(name: str, customers: int, sites: int, room: int, opening: int | None) -> tuple[float, float]:
    """Plan an instance by tables and by the peer; return how far above the peer's cost the plan lies, and its CPU seconds."""
    demand, cost, opened = draw_instance(customers, sites, opening, TOTAL)
    tables = make_tables(demand, cost.tolist(), [room] * sites, opened)
    began = time.process_time()
    row = plan_stock(tables, OPTIONS).certificate.row(0, named=True)
    spent = time.process_time() - began
    began = time.process_time()
    best, bound = solve_whole(np.array(demand, dtype=float), cost, float(room), np.array(opened))
    own = time.process_time() - began
    over = row["cost"] / best - 1
    print(
        f"| {name} | {row['cost']:,.0f} | {100 * over:.3f} % | {100 * (1 - row['lower_bound'] / row['cost']):.2f} % below | {spent:.1f} | "
        f"{best:,.0f} | {100 * (1 - bound / best):.2f} % below | {own:.1f} |",
        flush=True,
    )
    return over, spent


def solve_whole(demand: Floats, cost: Floats, room: float, opening: Floats) -> tuple[float, float]:
    """Cost and bound of HiGHS: ``min sum c d x + f y``, ``sum x = 1``, ``sum d x <= room y``, ``x <= y``."""
    sites, customers = cost.shape
    served = sparse.hstack(
        [sparse.kron(np.ones((1, sites)), sparse.eye(customers)), sparse.csr_matrix((customers, sites))]
    )
    filled = sparse.hstack([sparse.kron(sparse.eye(sites), demand[None, :]), -room * sparse.eye(sites)])
    linked = sparse.hstack([sparse.eye(sites * customers), -sparse.kron(sparse.eye(sites), np.ones((customers, 1)))])
    width = sites * customers + sites
    low = np.concatenate([np.ones(customers), np.full(sites + sites * customers, -np.inf)])
    high = np.concatenate([np.ones(customers), np.zeros(sites + sites * customers)])
    model = LinearModel(
        np.concatenate([(cost * demand[None, :]).ravel(), opening]),
        sparse.vstack([served, filled, linked], format="csr"),
        low,
        high,
        np.zeros(width),
        np.ones(width),
        np.arange(width) >= sites * customers,
    )
    found = solve_linear(model, deadline=Deadline(_PEER_SECONDS), gap=1e-7)
    return found.objective, found.bound


if __name__ == "__main__":
    main()
