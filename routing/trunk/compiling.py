"""The planner's loops, compiled by planning two hubs; what is compiled is kept on disk, for other processes too."""

from __future__ import annotations

from datetime import date
from functools import cache

from routing.budget import Deadline
from routing.trunk.bound.dual_ascent import lift_bound
from routing.trunk.bound.forcing_prices import force_openings
from routing.trunk.bound.lagrangian import price_departures, zero_prices
from routing.trunk.search.draft import empty_draft
from routing.trunk.search.find_plan import find_bound, polish, search_plan
from routing.trunk.search.fixed_charge import plan_fixed_charge
from routing.trunk.search.shortfall_insertion import insert_shortfalls
from routing.trunk.task.build_network import build_network
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions
from routing.trunk.task.network import TrunkNetwork
from routing.trunk.vehicles.step_costs import build_step_costs


@cache
def compile_search() -> None:
    """Run the search once, so that no plan's time limit pays for compiling; a command that plans later may have it done meanwhile."""
    options = TrunkOptions(effort=1e-3, max_legs=4)
    network = _build_two_hubs(options)
    endless = Deadline(1e6)
    relaxed = find_bound(network, options, endless)
    draft = search_plan(network, relaxed, options, endless, 1.0)
    step_costs = build_step_costs(network, price_departures(network, zero_prices(network)))
    polish(network, draft.flows, step_costs, TrunkOptions(), endless)


@cache
def compile_bounds() -> None:
    """Run the further bounds, and the plan that stands on them, once, for the same reason."""
    options = TrunkOptions(effort=1e-3)
    network = _build_two_hubs(options)
    endless = Deadline(1e6)
    relaxed = find_bound(network, options, endless)
    lift_bound(network, relaxed, endless)
    force_openings(network, relaxed, options.effort, endless)
    plan_fixed_charge(network, relaxed, options, endless, empty_draft(network))


def compile_planner() -> None:
    """Have all done that a plan without parcels short calls."""
    compile_search()
    compile_bounds()


@cache
def compile_carrying() -> None:
    """Carry parcels through free room once, for the same reason."""
    network = _build_two_hubs(TrunkOptions())
    insert_shortfalls(network, empty_draft(network), Deadline(1e6))


def _build_two_hubs(options: TrunkOptions) -> TrunkNetwork:
    import polars as pl

    day = date(2025, 1, 1)
    ends = {"lane_id": ["a-b", "b-a"], "origin_hub_id": ["a", "b"], "destination_hub_id": ["b", "a"]}
    lane = {"mode": ["road"] * 2, "distance_km": [1.0] * 2, "transit_hours": [10.0] * 2}
    own = {"vehicle_type_id": ["own"], "name": ["own"], "mode": ["road"], "ownership": ["own"], "capacity": [10]}
    tables = {
        "hubs": pl.DataFrame({"hub_id": ["a", "b"], "name": ["a", "b"], "sort_capacity": [15, None]}),
        "lanes": pl.DataFrame(ends | lane),
        "vehicle_types": pl.DataFrame(own | {"fixed_cost": [1.0], "cost_per_km": [1.0], "fleet_size": [9]}),
        "route_demand": pl.DataFrame(
            {"date": [day] * 2, "origin_hub_id": ["a", "b"], "destination_hub_id": ["b", "a"], "parcels": [25, 15]}
        ),
    }
    return build_network(TrunkInputs.gather(tables), options)
