"""Contracts over futures from tables: small networks solved by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from data.errors import RadarError
from routing.capacity.contract_task import Kinds, Prices, lay_booking
from routing.capacity.two_stage import Booking, book
from routing.trunk.task.inputs import TrunkOptions
from tests.routing.networks import DAY, as_tables, make_inputs

TRUCK = {"vehicle_type_id": "truck", "ownership": "contract", "capacity": 100, "fixed_cost": 10.0}
PRICES = Prices(idle_share=0.4, spot_factor=1.0, late_cost=100.0)


def lay(
    lanes: list[dict[str, Any]],
    demand: list[tuple[int, str, str, int]],
    hubs: list[dict[str, Any]] | None = None,
    types: list[dict[str, Any]] | None = None,
) -> tuple[Booking, Kinds, pl.DataFrame]:
    inputs = make_inputs(hubs or [{"hub_id": "A"}, {"hub_id": "B"}], lanes, types or [TRUCK], demand)
    tables = as_tables(inputs)
    routes = inputs.route_demand.select("date", "origin_hub_id", "destination_hub_id")
    return *lay_booking(tables, routes, TrunkOptions(), PRICES), routes


A_B = {"origin_hub_id": "A", "destination_hub_id": "B"}


def test_one_lane_by_hand() -> None:
    # 100 or 300 parcels: booked 4 idle and 6 to run, hired 13.5: 4 + (6 + 6 + 27) / 2 = 23.5 with one booked
    booking, kinds, _ = lay([A_B], [(0, "A", "B", 1)])
    assert (kinds.lane, kinds.vehicle_type, kinds.day) == (["A-B"], ["truck"], [DAY])
    found = book(booking, np.array([[100.0], [300.0]]))
    assert found.x == pytest.approx([1.0])
    assert found.cost == pytest.approx(23.5)


def test_a_fleet_bounds_what_is_away_on_a_day() -> None:
    # two days on the way: what leaves on the first day is still away on the second
    types = [TRUCK | {"fleet_size": 1}, {"vehicle_type_id": "dear", "capacity": 100, "fixed_cost": 1000.0}]
    booking, kinds, _ = lay([A_B | {"transit_hours": 40.0}], [(0, "A", "B", 1), (1, "A", "B", 1)], types=types)
    found = book(booking, np.array([[100.0, 100.0]]))
    by_day = dict(zip(kinds.day, found.x.tolist(), strict=True))
    assert by_day[DAY] + by_day[DAY + timedelta(days=1)] == pytest.approx(1.0)
    # one rides at 10; the other is hired at 1,000, or rides later at 1,000 / 100 and 100 a parcel
    assert found.cost == pytest.approx(10.0 + 1000.0)


def test_a_full_hub_is_gone_round() -> None:
    hubs: list[dict[str, Any]] = [{"hub_id": "A"}, {"hub_id": "B"}, {"hub_id": "M", "sort_capacity": 100}]
    lanes = [A_B | {"distance_km": 100.0}]
    lanes += [{"origin_hub_id": "A", "destination_hub_id": "M"}, {"origin_hub_id": "M", "destination_hub_id": "B"}]
    types = [TRUCK | {"fixed_cost": 0.0, "cost_per_km": 0.1}]
    lanes = [lane | {"distance_km": 300.0 if lane == A_B | {"distance_km": 100.0} else 50.0} for lane in lanes]
    booking, kinds, _ = lay(lanes, [(0, "A", "B", 1)], hubs, types)
    found = book(booking, np.array([[300.0]]))
    booked = dict(zip(kinds.lane, found.x.tolist(), strict=True))
    # by M 10 a vehicle, direct 30: M sorts 100 of 300 parcels, one more there would cost 5
    assert booked == pytest.approx({"A-B": 2.0, "A-M": 1.0, "M-B": 1.0})
    assert found.cost == pytest.approx(2 * 30 + 2 * 5)


def test_without_a_way_parcels_ride_later_and_are_priced() -> None:
    booking, _, _ = lay([A_B], [(0, "B", "A", 1)])
    assert book(booking, np.array([[7.0]])).cost == pytest.approx(7 * PRICES.late_cost)


def test_a_departure_limit_counts_booked_and_hired_ones() -> None:
    booking, _, _ = lay([A_B | {"departure_limit": 1}], [(0, "A", "B", 1)])
    found = book(booking, np.array([[150.0]]))
    # 50 ride later, each at what its way costs at full vehicles and 100
    assert found.cost == pytest.approx(10.0 + 50 * (10.0 / 100 + PRICES.late_cost))


def test_no_vehicle_is_told() -> None:
    with pytest.raises(RadarError, match="no vehicle that runs"):
        lay([A_B | {"mode": "rail"}], [(0, "A", "B", 1)])


def test_demand_of_an_unknown_hub_is_told() -> None:
    inputs = make_inputs([{"hub_id": "A"}, {"hub_id": "B"}], [A_B], [TRUCK], [(0, "A", "B", 1)])
    routes = pl.DataFrame({"date": [DAY], "origin_hub_id": ["A"], "destination_hub_id": ["Z"]})
    with pytest.raises(RadarError, match="demand of hub Z"):
        lay_booking(as_tables(inputs), routes, TrunkOptions(), PRICES)
