"""Small tasks, one kind of limit at a time: the plan costs what an independent model proves to be the least."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pytest

from routing.checker.trunk import check_trunk
from routing.trunk.plan import plan_trunk
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions
from tests.routing.exact_trunk import least_cost
from tests.routing.networks import DAY, as_tables, make_inputs

OPTIONS = TrunkOptions(short_cost=300.0, effort=0.5)
NAMES = "ABC"
PAIRS = [(a, b) for a in NAMES for b in NAMES if a != b]
SPOT = {"vehicle_type_id": "spot", "capacity": 80, "fixed_cost": 90.0, "cost_per_km": 0.5}

Rows = list[dict[str, Any]]


def _hubs(**values: Any) -> Rows:
    return [{"hub_id": name, "handling_cost": 0.1} | values for name in NAMES]


def _lanes(random: np.random.Generator, **values: Any) -> Rows:
    return [
        {"origin_hub_id": a, "destination_hub_id": b, "distance_km": round(float(random.uniform(50, 500)), 1)} | values
        for a, b in PAIRS
    ]


def _demand(random: np.random.Generator, days: int, most: int) -> list[tuple[int, str, str, int]]:
    return [
        (day, a, b, int(random.integers(1, most))) for day in range(days) for a, b in PAIRS if random.random() < 0.6
    ]


def _buffers(random: np.random.Generator) -> TrunkInputs:
    """Hubs too small for the day: parcels wait over nights."""
    hubs = _hubs(sort_capacity=int(random.integers(90, 160)), buffer_capacity=int(random.integers(20, 120)))
    return make_inputs(hubs, _lanes(random, transit_hours=12.0), [SPOT], _demand(random, 2, 60))


def _own(random: np.random.Generator) -> TrunkInputs:
    """Own vehicles that must come back, hired ones that need not."""
    own = {"vehicle_type_id": "own", "ownership": "own", "capacity": 100, "fixed_cost": 20.0, "cost_per_km": 0.4}
    fleet = {"fleet_size": int(random.integers(1, 5))}
    return make_inputs(_hubs(), _lanes(random, transit_hours=10.0), [own | fleet, SPOT], _demand(random, 2, 150))


def _rail(random: np.random.Generator) -> TrunkInputs:
    """A train a day beside the road, cheap when full."""
    train = {"vehicle_type_id": "train", "mode": "rail", "capacity": 300, "fixed_cost": 150.0, "cost_per_km": 0.2}
    lanes = _lanes(random, transit_hours=10.0)
    rail = [
        lane | {"mode": "rail", "departure_limit": 1, "parcel_cost": 0.05, "transit_hours": 30.0}
        for lane in lanes
        if random.random() < 0.7
    ]
    rows = [lane | {"lane_id": f"{lane['origin_hub_id']}-{lane['destination_hub_id']}-rail"} for lane in rail]
    return make_inputs(_hubs(), lanes + rows, [train | {"ownership": "contract"}, SPOT], _demand(random, 2, 200))


def _overrides(random: np.random.Generator) -> TrunkInputs:
    """Lanes with vehicles, rooms, prices and limits of their own."""
    lanes = _lanes(random)
    van = {"vehicle_type_id": "van", "capacity": 30, "fixed_cost": 40.0, "cost_per_km": 0.3}
    special = [
        {
            "lane_id": f"{lane['origin_hub_id']}-{lane['destination_hub_id']}",
            "vehicle_type_id": kind,
            "capacity": None if random.random() < 0.4 else int(random.integers(20, 90)),
            "departure_cost": None if random.random() < 0.4 else round(float(random.uniform(20, 200)), 2),
            "departure_limit": None if random.random() < 0.4 else int(random.integers(0, 3)),
        }
        for lane in lanes
        if random.random() < 0.7
        for kind in ("spot", "van")
    ]
    return make_inputs(_hubs(), lanes, [SPOT, van], _demand(random, 1, 120), lane_vehicles=special)


def _closed(random: np.random.Generator) -> TrunkInputs:
    """Lanes closed, slow or short of vehicles on some days."""
    lanes = _lanes(random, transit_hours=20.0, departure_limit=3)
    weather = [
        {
            "lane_id": f"{a}-{b}",
            "date": DAY + dt.timedelta(days=day),
            "speed_factor": float(random.choice([0.5, 1.0])),
            "capacity_factor": float(random.choice([0.0, 0.4, 1.0])),
        }
        for a, b in PAIRS
        for day in range(3)
        if random.random() < 0.5
    ]
    hubs = _hubs(sort_capacity=400, buffer_capacity=300)
    return make_inputs(hubs, lanes, [SPOT], _demand(random, 2, 80), weather=weather)


FAMILIES: dict[str, Callable[[np.random.Generator], TrunkInputs]] = {
    "buffers over nights": _buffers,
    "own fleet balanced": _own,
    "rail with fixed departures": _rail,
    "lanes with their own vehicles": _overrides,
    "closed and slow lanes": _closed,
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("family", FAMILIES)
def test_plan_is_the_optimum(family: str, seed: int) -> None:
    inputs = FAMILIES[family](np.random.default_rng([seed, len(family)]))
    plan = plan_trunk(inputs, OPTIONS)
    check = check_trunk(
        {**as_tables(inputs), **plan.tables()}, hold_cost=OPTIONS.hold_cost, short_cost=OPTIONS.short_cost
    )
    assert [violation.text for violation in check.violations] == []
    last = date.fromisoformat(plan.last_day)
    best = least_cost(inputs, last, hold_cost=OPTIONS.hold_cost, short_cost=OPTIONS.short_cost, seconds=60.0)
    if best is None:
        pytest.skip("the optimum was not proven in time on this machine")
    assert plan.cost == pytest.approx(best, rel=1e-6, abs=0.01)
    assert plan.lower_bound == pytest.approx(best, rel=1e-6, abs=0.01)
