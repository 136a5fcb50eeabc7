"""Vehicles by week on a network that a hand can solve."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from data.contracts import contract
from data.errors import RadarError
from routing.capacity import vehicle_curve
from routing.capacity.needs import CapacityOptions, CapacityPlan, list_substitutes, plan_capacity, quantiles
from routing.capacity.vehicle_curve import trace_curve
from routing.trunk.search.exact import Proof, solve_exactly
from routing.trunk.task.inputs import TrunkOptions
from tests.routing.networks import as_tables, make_inputs

MONDAY = date(2025, 11, 10)
TRUNK = TrunkOptions(hold_cost=0.1, short_cost=1000.0, effort=0.02)
TYPES = [
    {"vehicle_type_id": "own", "ownership": "own", "capacity": 100, "fixed_cost": 80.0, "fleet_size": 2},
    {"vehicle_type_id": "contract", "ownership": "contract", "capacity": 100, "fixed_cost": 100.0, "fleet_size": 3},
    {"vehicle_type_id": "spot", "ownership": "spot", "capacity": 100, "fixed_cost": 160.0, "fleet_size": 50},
]


def options(**values: Any) -> CapacityOptions:
    base: dict[str, Any] = {
        "service_level": 0.95,
        "idle_cost_share": 0.4,
        "spot_peak_factor": 1.0,
        "late_cost": 1.0,
        "trunk": TRUNK,
    }
    return CapacityOptions(**(base | values))


def forecast(days: Sequence[tuple[float, float]]) -> dict[str, pl.DataFrame]:
    """Forecast parcels A to B for days from Monday on, each with its median and 95 % quantile (symmetric, linear)."""
    rows = []
    for number, (median, high) in enumerate(days):
        step = (high - median) / 0.45
        levels = {f"q{p:02d}": round(median + step * (p / 100 - 0.5)) for p in (5, 10, 25, 50, 75, 90, 95)}
        rows.append({"date": MONDAY + timedelta(days=number), "mean": round(median), **levels})
    network = pl.DataFrame(rows)
    routes = network.select(
        "date", "mean", courier_id=pl.lit("c"), origin_hub_id=pl.lit("A"), destination_hub_id=pl.lit("B")
    )
    return {"network_forecasts": network, "route_forecasts": routes}


def tables(types: list[dict[str, Any]], hours: float = 10.0) -> dict[str, pl.DataFrame]:
    ends = [("A", "B"), ("B", "A")]
    lanes = [{"origin_hub_id": a, "destination_hub_id": b, "transit_hours": hours} for a, b in ends]
    made = make_inputs([{"hub_id": "A"}, {"hub_id": "B"}], lanes, types, [(0, "A", "B", 1)])
    return as_tables(made)


def row(found: CapacityPlan, name: str) -> dict[str, Any]:
    return found.needs.row(by_predicate=pl.col("vehicle_type_id") == name, named=True)


def test_a_certain_need_is_committed_whole() -> None:
    # 600 parcels every day: six contract trucks (an own one would have to return empty: 160 for 100 parcels)
    found = plan_capacity(tables(TYPES) | forecast([(600, 600)] * 7), options(volumes=2))
    contracts = row(found, "contract")
    assert [contracts[name] for name in ("q50", "q95", "needed", "recommended")] == [6, 6, 6, 6]
    assert (contracts["week"], contracts["days"]) == (MONDAY, 7)
    # hired instead: 160 against 100; idle: 40 % of 100
    assert contracts["unit_cost_too_few"] == pytest.approx(60.0)
    assert contracts["unit_cost_too_many"] == pytest.approx(40.0)
    assert contracts["critical_ratio"] == pytest.approx(0.6)
    assert contracts["cost_too_few"] + contracts["cost_too_many"] == 0.0
    assert "spot" not in found.needs["vehicle_type_id"]


def test_an_uncertain_need_is_committed_to_its_critical_quantile() -> None:
    # 500 to 1500 parcels over the levels 5 % to 95 %: at 60 % that is 1111 parcels, so some 11 trucks; the 95 % need 15
    found = plan_capacity(tables(TYPES) | forecast([(1000, 1500)]), options(volumes=6))
    contracts, hired = row(found, "contract"), row(found, "spot")
    # whole trucks at six volumes, linear between them: at most one more than 10
    assert contracts["q50"] in (10, 11)
    assert contracts["needed"] == 15
    assert contracts["recommended"] in (11, 12)
    assert hired["recommended"] == contracts["needed"] - contracts["recommended"]
    curve = found.costs.filter(pl.col("vehicle_type_id") == "contract")
    total = curve["cost_too_few"] + curve["cost_too_many"]
    assert curve["vehicles"][int(total.arg_min() or 0)] == contracts["recommended"]
    assert curve["cost_too_few"].is_sorted(descending=True)
    assert curve["cost_too_many"].is_sorted()


def test_dear_hire_and_low_idle_pay_ask_for_more() -> None:
    given = tables(TYPES) | forecast([(1000, 1500)])
    usual = row(plan_capacity(given, options()), "contract")["recommended"]
    assert row(plan_capacity(given, options(spot_peak_factor=2.0)), "contract")["recommended"] > usual
    assert row(plan_capacity(given, options(idle_cost_share=0.05)), "contract")["recommended"] > usual
    assert row(plan_capacity(given, options(idle_cost_share=1.0)), "contract")["recommended"] < usual


def test_a_higher_level_needs_no_fewer() -> None:
    given = tables(TYPES) | forecast([(1000, 1500), (800, 900)])
    needed = [
        row(plan_capacity(given, options(service_level=level)), "contract")["needed"] for level in (0.5, 0.8, 0.95)
    ]
    assert needed == sorted(needed)
    assert needed[0] < needed[-1]


def test_long_lanes_keep_vehicles_away_for_days() -> None:
    short, long = (
        row(plan_capacity(tables(TYPES, hours) | forecast([(600, 600)]), options(volumes=2)), "contract")
        for hours in (10.0, 30.0)
    )
    assert long["needed"] == 2 * short["needed"] == 12


def test_weeks_are_apart() -> None:
    found = plan_capacity(tables(TYPES) | forecast([(600, 600)] * 6 + [(600, 600), (1200, 1200)]), options(volumes=2))
    contracts = found.needs.filter(pl.col("vehicle_type_id") == "contract")
    assert contracts.select("week", "days", "needed").rows() == [(MONDAY, 7, 6), (MONDAY + timedelta(days=7), 1, 12)]


def test_rows_follow_their_contracts() -> None:
    found = plan_capacity(tables(TYPES) | forecast([(1000, 1500)] * 2), options())
    for name, frame in (("capacity_needs", found.needs), ("capacity_costs", found.costs)):
        contract(name).conform(frame.with_columns(run_id=pl.lit("r")))


def test_the_type_that_takes_a_place() -> None:
    kinds = [
        ("own-17", "road", "own", 150), ("own-9", "road", "own", 60), ("contract-17", "road", "contract", 150),
        ("spot-17", "road", "spot", 140), ("spot-9", "road", "spot", 60), ("train", "rail", "contract", 400),
    ]  # fmt: skip
    frame = pl.DataFrame(kinds, schema=["vehicle_type_id", "mode", "ownership", "capacity"], orient="row")
    assert list_substitutes(frame) == {
        "own-17": "contract-17",
        "own-9": "contract-17",
        "contract-17": "spot-17",
        "train": "spot-17",
    }


def test_published_quantiles_are_joined_linearly() -> None:
    level = np.array([[5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0]])
    assert quantiles(level, np.array([0.0, 0.05, 0.3, 0.95, 1.0]))[0] == pytest.approx([5.0, 5.0, 30.0, 95.0, 95.0])


def test_the_curve_counts_own_vehicles_up_to_their_fleet() -> None:
    # both ways 300: three own trucks would go each way, but a pair is all there is; the others are contracted
    pattern = pl.DataFrame(
        {"date": [MONDAY] * 2, "origin_hub_id": ["A", "B"], "destination_hub_id": ["B", "A"], "parcels": [300, 300]}
    )
    curve = trace_curve(tables(TYPES), pattern, [600.0], {"own": "contract"}, TRUNK)
    vehicles = dict(zip(curve.types, curve.at(np.array([600.0]))[0], strict=True))
    assert vehicles == {"own": 2.0, "contract": 4.0, "spot": 0.0}
    assert curve.short == 0


class _Told:
    """Keeps what progress is told."""

    def __init__(self) -> None:
        self.steps: list[tuple[float, float, str]] = []

    def step(self, done: float, total: float, note: str = "") -> None:
        self.steps.append((done, total, note))


@pytest.mark.parametrize("most", [0, 400])
def test_a_volume_is_proven_only_where_that_is_small(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Counted: models of the whole task that are solved, none where the task is larger than the rule allows."""
    solved: list[str] = []

    def prove(*given: Any, **named: Any) -> Proof:
        solved.append("exact")
        return solve_exactly(*given, **named)

    monkeypatch.setattr("routing.trunk.steps.solve_exactly", prove)
    monkeypatch.setattr("routing.trunk.steps.plan_fixed_charge", lambda *_, **__: solved.append("formulation"))
    monkeypatch.setattr(vehicle_curve, "CURVE", vehicle_curve.CurveRules(proof_columns=most))
    pattern = pl.DataFrame(
        {"date": [MONDAY] * 2, "origin_hub_id": ["A", "B"], "destination_hub_id": ["B", "A"], "parcels": [300, 300]}
    )
    told = _Told()
    curve = trace_curve(tables(TYPES), pattern, [300.0, 600.0], {"own": "contract"}, TRUNK, told)
    assert solved == ([] if most == 0 else ["exact"] * 2)
    assert curve.vehicles.sum(axis=1).tolist() == [0.0, 4.0, 6.0]
    assert (curve.short, curve.ended_by) == (0, "effort")
    done = [step for step, _, _ in told.steps]
    assert done == sorted(done)
    assert any(0.0 < step < 1.0 for step in done) or most  # within the first volume, not only behind it
    assert {total for _, total, _ in told.steps} == {2}
    assert done[-1] == 2


def test_no_forecast_and_levels_beyond_it_are_told() -> None:
    with pytest.raises(RadarError, match="service level"):
        options(service_level=0.99)
    empty = {name: frame.clear() for name, frame in forecast([(1, 1)]).items()}
    with pytest.raises(RadarError, match="no forecast"):
        plan_capacity(tables(TYPES) | empty, options())
    with pytest.raises(RadarError, match="a forecast of no parcels"):
        plan_capacity(tables(TYPES) | forecast([(0, 0), (0, 0)]), options())
