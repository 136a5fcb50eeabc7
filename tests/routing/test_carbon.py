"""A price of carbon: by hand it turns a plan from the dirty truck to the clean one; certificate, bound and checker reckon with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from routing.checker.trunk import check_trunk
from routing.trunk.plan import TrunkPlan, plan_trunk
from routing.trunk.task.build_network import build_network
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions
from tests.routing.networks import make_inputs

HUBS = [{"hub_id": "A"}, {"hub_id": "B"}]
LANES = [{"origin_hub_id": "A", "destination_hub_id": "B", "distance_km": 200.0, "transit_hours": 0.0}]
TYPES = [
    {"vehicle_type_id": "diesel", "capacity": 100, "fixed_cost": 100.0, "co2_kg_per_km": 1.0},
    {"vehicle_type_id": "electric", "capacity": 100, "fixed_cost": 140.0, "co2_kg_per_km": 0.1},
]
DEMAND = [(0, "A", "B", 250)]
OPTIONS = TrunkOptions(effort=0.01, hold_cost=0.0, short_cost=100.0)


def _plan(co2_price: float, **tables: Any) -> tuple[TrunkInputs, TrunkPlan]:
    inputs = make_inputs(HUBS, LANES, TYPES, DEMAND, **tables)
    return inputs, plan_trunk(inputs, replace(OPTIONS, co2_price=co2_price))


def _check(inputs: TrunkInputs, plan: TrunkPlan, co2_price: float, **instead: pl.DataFrame) -> list[str]:
    tables = {name: getattr(inputs, name) for name in ("hubs", "lanes", "vehicle_types", "lane_vehicles")}
    tables |= {**plan.tables(), **instead}
    prices: dict[str, Any] = {"hold_cost": 0.0, "short_cost": 100.0, "late_cost": 1.0, "co2_price": co2_price}
    return [violation.rule for violation in check_trunk(tables, **prices).violations]


@pytest.mark.parametrize(
    ("price", "kind", "cost", "kilograms"),
    # a departure costs 100 + 200 km x 1 kg x price by diesel, 140 + 20 kg x price by electric: they meet at 0.222
    [(0.0, "diesel", 300.0, 600.0), (0.2, "diesel", 420.0, 600.0), (0.3, "electric", 438.0, 60.0)],
)
def test_a_price_of_carbon_chooses_the_vehicle(price: float, kind: str, cost: float, kilograms: float) -> None:
    inputs, plan = _plan(price)
    row = plan.plan_certificates.row(0, named=True)
    assert plan.trunk_departures["vehicle_type_id"].unique().to_list() == [kind]
    assert (row["cost"], row["co2_kg"]) == pytest.approx((cost, kilograms))
    assert row["lower_bound"] == pytest.approx(cost, rel=1e-3)
    assert _check(inputs, plan, price) == []


def test_a_departure_cost_of_the_lane_is_priced_on_top() -> None:
    own = [{"lane_id": "A-B", "vehicle_type_id": "diesel", "departure_cost": 70.0}]
    inputs, plan = _plan(0.5, lane_vehicles=own)
    assert plan.trunk_departures["cost"].sum() == pytest.approx(3 * (70.0 + 200.0 * 1.0 * 0.5))
    assert _check(inputs, plan, 0.5) == []


def test_kilograms_and_prices_of_another_plan_are_caught() -> None:
    inputs, plan = _plan(0.3)
    fewer = plan.plan_certificates.with_columns(co2_kg=pl.col("co2_kg") - 5.0)
    assert "certificate.totals" in _check(inputs, plan, 0.3, plan_certificates=fewer)
    assert "cost.row" in _check(inputs, plan, 0.0)
    none = plan.plan_certificates.with_columns(co2_kg=pl.lit(None, pl.Float64))
    assert _check(inputs, plan, 0.3, plan_certificates=none) == []


def test_types_that_tell_no_carbon_pay_none() -> None:
    inputs = make_inputs(HUBS, LANES, [{"vehicle_type_id": "truck", "capacity": 100, "fixed_cost": 100.0}], DEMAND)
    network = build_network(inputs, replace(OPTIONS, co2_price=9.0))
    assert network.vehicle_cost.tolist() == [100.0]
    assert network.vehicle_carbon.tolist() == [0.0]
