"""Own vehicles by place and time: small plans a hand can repair, random ones the checker agrees with, mutations it finds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.optimize import LinearConstraint, milp

from data.contracts import contract
from data.errors import RadarError
from routing.budget import Deadline
from routing.checker.trunk import check_trunk
from routing.trunk.plan import TrunkPlan, plan_trunk
from routing.trunk.search.draft import empty_draft
from routing.trunk.search.exact import solve_exactly
from routing.trunk.search.placed_vehicles import forbid_unplaced, place_own
from routing.trunk.task.build_network import build_network
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions
from routing.trunk.task.network import TrunkNetwork
from routing.trunk.vehicles.positions import _count_lacking, place_vehicles
from routing.trunk.vehicles.stand_rows import write_stands
from routing.trunk.vehicles.vehicle_model import Vehicles, tally
from tests.routing.networks import DAY, as_tables, make_inputs
from tests.routing.random_networks import random_network

OPTIONS = TrunkOptions(hold_cost=0.1, short_cost=50.0, effort=0.05)
HUBS: list[dict[str, Any]] = [{"hub_id": name} for name in "AB"]
LANES = [
    {"origin_hub_id": a, "destination_hub_id": b, "transit_hours": 20.0, "distance_km": 0.0} for a, b in ("AB", "BA")
]
OWN = {"vehicle_type_id": "own", "ownership": "own", "capacity": 100, "fixed_cost": 10.0, "fleet_size": 1}
SPOT = {"vehicle_type_id": "spot", "ownership": "spot", "capacity": 50, "fixed_cost": 12.0}


def _stands(*rows: tuple[str, int, int | None]) -> pl.DataFrame:
    keys = ("hub_id", "vehicles_at_start", "vehicles_at_end")
    given = [{"vehicle_type_id": "own", **dict(zip(keys, row, strict=True))} for row in rows]
    return contract("vehicle_stands").conform(pl.DataFrame(given, infer_schema_length=None))


def _tables(inputs: TrunkInputs, plan: TrunkPlan) -> dict[str, pl.DataFrame]:
    return {**as_tables(inputs), "vehicle_stands": inputs.vehicle_stands, **plan.tables()}


def _rules(tables: dict[str, pl.DataFrame]) -> set[str]:
    return {
        violation.rule for violation in check_trunk(tables, hold_cost=0.1, short_cost=50.0, late_cost=1.0).violations
    }


def _own(network: TrunkNetwork, *moves: tuple[str, int]) -> Vehicles:
    """One own vehicle on a lane and day each."""
    lanes = {name: lane for lane, name in enumerate(network.lane_ids)}
    run = np.array(sorted(network.arc_of[lanes[lane], day] for lane, day in moves), dtype=np.int64)
    own = [
        int(np.flatnonzero((network.vehicle_lane == network.arc_lane[r]) & network.type_own[network.vehicle_type])[0])
        for r in run
    ]
    return tally(network, run, np.array(own), np.ones(len(run), dtype=np.int64), np.zeros(network.arcs))


def _needed(network: TrunkNetwork, vehicles: Vehicles) -> int:
    """Vehicles of the first type that must stand somewhere at the start: the sum over hubs of the most that ever lacks."""
    return int(_count_lacking(network, vehicles, 0).sum())


def _task(*demand: tuple[int, str, str, int], kinds: tuple[dict[str, Any], ...] = (OWN, SPOT)) -> TrunkNetwork:
    return build_network(make_inputs(HUBS, LANES, kinds, demand), OPTIONS)


def test_a_vehicle_that_returns_stands_where_it_began_and_one_that_comes_too_late_is_a_second_one() -> None:
    network = _task((0, "A", "B", 90), (3, "A", "B", 1))
    assert _needed(network, _own(network, ("A-B", 0), ("B-A", 1))) == 1
    # back in A on day 2, wanted there on day 2 and on day 1
    assert _needed(network, _own(network, ("A-B", 0), ("B-A", 1), ("A-B", 2), ("B-A", 3))) == 1
    assert _needed(network, _own(network, ("A-B", 0), ("B-A", 1), ("A-B", 1), ("B-A", 2))) == 2
    # it begins in B, or there must be one at each end
    assert _needed(network, _own(network, ("A-B", 2), ("B-A", 1))) == 1
    assert _needed(network, _own(network, ("A-B", 1), ("B-A", 1))) == 2


@pytest.mark.parametrize(
    ("kinds", "cost", "spots"),
    [
        ((OWN, SPOT), 10.0 + 10.0 + 24.0, 2),  # two hired ones hold what one own does
        ((OWN,), 10.0 + 10.0, 0),  # what nobody can carry stays behind
    ],
)
def test_a_vehicle_that_is_elsewhere_gives_way_to_hired_ones(
    kinds: tuple[dict[str, Any], ...], cost: float, spots: int
) -> None:
    network = _task((0, "A", "B", 90), (1, "A", "B", 90), kinds=kinds)
    vehicles = _own(network, ("A-B", 0), ("B-A", 1), ("A-B", 1), ("B-A", 2))
    load = np.zeros(network.arcs)
    lane = network.lane_ids.index("A-B")
    load[network.arc_of[lane, 0]] = load[network.arc_of[lane, 1]] = 90.0
    placed = place_vehicles(network, replace(vehicles, short=np.zeros(network.arcs)), load, Deadline(60.0))
    assert placed.cost == pytest.approx(cost)
    assert _needed(network, placed) <= 1
    hired = network.vehicle_type[placed.vehicle] != 0 if len(kinds) == 2 else np.zeros(len(placed.vehicle), dtype=bool)
    assert int(placed.departures[hired].sum()) == spots
    assert float(placed.short.sum()) == (0.0 if spots else 90.0)


def test_the_plan_sends_own_vehicles_only_where_they_stand() -> None:
    # both ways on the same days: one own vehicle cannot be at both ends
    demand = [(day, a, b, 90) for day in (0, 1, 2) for a, b in ("AB", "BA")]
    inputs = make_inputs(HUBS, LANES, [OWN | {"fleet_size": 2}, SPOT], demand)
    plan = plan_trunk(inputs, OPTIONS)
    assert _rules(_tables(inputs, plan)) == set()
    lone = replace(
        inputs,
        vehicle_types=inputs.vehicle_types.with_columns(fleet_size=pl.when(pl.col("ownership") == "own").then(1)),
    )
    fewer = plan_trunk(lone, OPTIONS)
    assert _rules(_tables(lone, fewer)) == set()
    assert fewer.cost > plan.cost
    # what two can do is told of one
    assert _rules({**_tables(lone, fewer), **plan.tables()}) >= {"fleet.position"}


def test_vehicles_leave_from_where_they_are_told_to_stand_and_end_where_they_are_to() -> None:
    inputs = make_inputs(HUBS, LANES, [OWN, SPOT], [(0, "A", "B", 90), (2, "A", "B", 5)])
    there = replace(inputs, vehicle_stands=_stands(("A", 1, 0), ("B", 0, 1)))
    plan = plan_trunk(there, OPTIONS)
    assert _rules(_tables(there, plan)) == set()
    # over and not back: 10 for the own vehicle; the five wait for nothing and go by a hired one
    own = plan.trunk_departures.filter(pl.col("vehicle_type_id") == "own")
    assert (
        own["lane_id"].value_counts().sort("lane_id").rows()[0][1] - own.filter(pl.col("lane_id") == "B-A").height == 1
    )
    elsewhere = replace(inputs, vehicle_stands=_stands(("B", 1, None)))
    other = plan_trunk(elsewhere, OPTIONS)
    assert _rules(_tables(elsewhere, other)) == set()
    assert other.cost > plan.cost
    assert _rules({**_tables(elsewhere, other), **plan.tables()}) >= {"fleet.position"}
    assert plan.lower_bound <= plan.cost + 1e-6


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([("X", 1, None)], "ub X in vehicle_stands"),
        ([("A", 3, None)], "3 vehicles own in vehicle_stands"),
        ([("A", 1, 0)], "1 vehicles own at the start and 0 at the end"),
    ],
)
def test_stands_that_cannot_be_are_told(rows: list[tuple[str, int, int | None]], told: str) -> None:
    inputs = replace(make_inputs(HUBS, LANES, [OWN], [(0, "A", "B", 1)]), vehicle_stands=_stands(*rows))
    with pytest.raises(RadarError, match=told):
        build_network(inputs, OPTIONS)


def test_a_departure_moved_a_day_ahead_of_its_vehicle_is_found() -> None:
    demand = [(0, "A", "B", 90), (1, "B", "A", 90)]
    inputs = make_inputs(HUBS, LANES, [OWN], demand)
    plan = plan_trunk(inputs, OPTIONS)
    tables = _tables(inputs, plan)
    assert _rules(tables) == set()
    early = tables["trunk_departures"].with_columns(
        date=pl.when(pl.col("lane_id") == "B-A").then(pl.lit(DAY)).otherwise(pl.col("date"))
    )
    assert "fleet.position" in _rules({**tables, "trunk_departures": early})


@pytest.mark.parametrize("seed", [7, 10])
def test_the_exact_model_lets_own_vehicles_leave_from_where_they_stand(seed: int) -> None:
    network = build_network(random_network(seed, hubs=4, days=2, scale=1.5), TrunkOptions(short_cost=500.0))
    draft = solve_exactly(network, effort=0.02, deadline=Deadline(60.0)).draft
    assert draft is not None
    assert network.type_own[network.vehicle_type[draft.vehicles.vehicle]].any()
    assert place_own(network, draft, Deadline(60.0)) is draft


def test_a_departure_that_could_not_be_placed_is_not_wanted_again() -> None:
    network = _task((0, "A", "B", 90), (1, "A", "B", 90), (2, "A", "B", 90))
    wanted = replace(empty_draft(network), vehicles=_own(network, ("A-B", 0), ("A-B", 1), ("A-B", 2)))
    placed = replace(empty_draft(network), vehicles=_own(network, ("A-B", 0), ("A-B", 2), ("B-A", 1)))
    around = forbid_unplaced(network, wanted, placed)
    own = network.type_own[network.vehicle_type]
    there = own & (network.vehicle_lane == network.lane_ids.index("A-B"))
    changed = np.argwhere(around.vehicle_limit != network.vehicle_limit).tolist()
    assert changed == [[int(np.flatnonzero(there)[0]), 1]]
    assert around.vehicle_limit[there, 1] == 0


@pytest.mark.parametrize(
    ("moves", "stands"),
    [
        ([("A-B", 0), ("B-A", 1)], True),
        ([("A-B", 0), ("B-A", 1), ("A-B", 2), ("B-A", 3)], True),
        ([("A-B", 0), ("B-A", 1), ("A-B", 1), ("B-A", 2)], False),  # two vehicles, and there is one
        ([("A-B", 0)], False),  # it does not end where it began
    ],
)
def test_the_rows_of_stands_have_a_solution_where_a_vehicle_stands_for_every_departure(
    moves: list[tuple[str, int]], stands: bool
) -> None:
    network = _task((0, "A", "B", 90), (3, "A", "B", 1))
    arc = np.sort(_own(network, *moves).arc)
    rows = write_stands(network, 0, arc)
    fixed = rows.departures @ np.ones(len(arc))
    found = milp(
        np.zeros(len(rows.lower)),
        constraints=LinearConstraint(rows.others, rows.low - fixed, rows.high - fixed),
        bounds=(rows.lower, rows.upper),
    )
    assert found.success == stands
