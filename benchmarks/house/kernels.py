"""CPU seconds of the compiled functions on one made network: ``python -m benchmarks.house.kernels``, in two trees in turn to compare.

The second call of each is timed, so that compiling is not; the last column of numbers tells whether both trees did the same work.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from benchmarks.trunk.linehaul import make_linehaul
from routing.budget import Deadline
from routing.trunk.bound.dual_ascent import lift_bound
from routing.trunk.bound.lagrangian import price_departures
from routing.trunk.bound.subgradient import relax_network
from routing.trunk.search.annealing import Cooling, anneal_trees
from routing.trunk.search.draft import empty_draft
from routing.trunk.search.find_plan import _prepare
from routing.trunk.search.local_search import Tries, search_locally
from routing.trunk.search.overload_repair import collect_flows, dissolve_overloads
from routing.trunk.search.shortfall_insertion import insert_shortfalls
from routing.trunk.search.trees import start_trees
from routing.trunk.task.build_network import build_network
from routing.trunk.task.inputs import TrunkOptions
from routing.trunk.task.network import share_limits
from routing.trunk.vehicles.step_costs import build_step_costs

T = TypeVar("T")
_COOLING = {"hot": 60.0, "cold": 2.0, "soft": 1.0, "hard": 20.0}


def main() -> None:
    """Time every part once compiled, and print the table."""
    measure(hubs=8, trucks=2.0, moves=2_000, tries=50, steps=10)
    seconds, done = measure(hubs=30, trucks=5.0, moves=3_000_000, tries=3_000, steps=150)
    print("| part | CPU s | work done |\n|---|---:|---:|")
    for name, value in seconds.items():
        print(f"| {name} | {value:.3f} | {done[name]:,.4f} |")


def measure(
    *, hubs: int, trucks: float, moves: int, tries: int, steps: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Return CPU seconds of each part, and a number that tells what it came to."""
    seconds: dict[str, float] = {}
    done: dict[str, float] = {}
    options, endless = TrunkOptions(short_cost=100.0), Deadline(1e6)
    network = share_limits(build_network(make_linehaul(hubs, trucks, 1), options))

    def clock(name: str, run: Callable[[], T]) -> T:
        began = time.process_time()
        result = run()
        seconds[name] = time.process_time() - began
        return result

    relaxed = clock("relaxation", lambda: relax_network(network, steps=steps, seed=1, deadline=endless))
    done["relaxation"] = relaxed.bound
    _, candidates = clock("candidates", lambda: _prepare(network, relaxed))
    done["candidates"] = float(candidates.sum())
    costs = clock("step costs", lambda: build_step_costs(network, price_departures(network, relaxed.prices)))
    done["step costs"] = float(costs.price.sum())
    served = np.arange(len(network.demand_parcels))
    truck = float(network.vehicle_capacity.max())
    random = np.random.default_rng(1)
    trees = start_trees(network, relaxed.samples, truck=truck, served=served, generator=random)
    cooling = Cooling(moves, **_COOLING)
    clock(
        "annealing",
        lambda: anneal_trees(network, trees, costs, candidates, cooling, seed=3, deadline=endless, reserve=0.0),
    )
    done["annealing"] = float(trees.loads.arcs @ np.arange(network.arcs))
    flows = dissolve_overloads(network, collect_flows(network, trees), costs, relaxed.samples, relaxed.prices, endless)
    flows = clock(
        "local search",
        lambda: search_locally(network, flows, costs, Tries(tries), seed=4, deadline=endless, reserve=0.0),
    )
    done["local search"] = float(flows.parcels @ flows.pool.demand)
    draft = clock("insertion", lambda: insert_shortfalls(network, empty_draft(network), endless))
    done["insertion"] = draft.cost
    done["dual ascent"] = clock("dual ascent", lambda: lift_bound(network, relaxed, endless).bound)
    return seconds, done


if __name__ == "__main__":
    main()
