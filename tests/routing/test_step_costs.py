"""What vehicles for a load cost: by hand, and the compiled step costs against the plain listing of all mixes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from routing.trunk.task.records import LaneVehicles
from routing.trunk.vehicles import step_costs
from routing.trunk.vehicles.step_costs import StepCosts, price_load
from tests.routing.plain.vehicle_cost import Offer, list_breakpoints, price_plainly, read_price

OFFERS = st.lists(
    st.builds(
        Offer,
        capacity=st.sampled_from([20.0, 50.0, 80.0, 100.0, 170.0]),
        price=st.floats(5, 400).map(lambda value: round(value, 2)),
        limit=st.sampled_from([0.0, 1.0, 2.0, 3.0, np.inf]),
    ),
    min_size=1,
    max_size=3,
)


def test_a_load_takes_the_cheapest_mix_that_holds_it() -> None:
    # a van of 50 for 30, twice at most, and a truck of 100 for 50, once
    costs = _build([Offer(50.0, 30.0, 2.0), Offer(100.0, 50.0, 1.0)], np.inf)
    assert [price_load(costs, 0, load, 7.0) for load in (0, 1, 50, 51, 100, 150, 200)] == [0, 30, 30, 50, 50, 80, 110]
    assert price_load(costs, 0, 203.0, 7.0) == 110 + 3 * 7


@settings(max_examples=150, deadline=None)
@given(OFFERS, st.sampled_from([1.0, 2.0, 4.0, np.inf]), st.floats(0, 900), st.sampled_from([0.0, 3.0]))
def test_compiled_and_plain_prices_of_a_load_are_equal(
    offers: list[Offer], lane_limit: float, load: float, penalty: float
) -> None:
    usable = [offer for offer in offers if min(offer.limit, lane_limit) >= 1]
    assume(usable)
    assume(len(list_breakpoints(usable, lane_limit)) <= 40)
    costs = _build(offers, lane_limit)
    expected = pytest.approx(price_plainly(offers, lane_limit, load, penalty))
    assert price_load(costs, 0, load, penalty) == expected
    assert read_price(costs, 0, load, penalty) == expected


@settings(max_examples=60, deadline=None)
@given(OFFERS, st.floats(1, 600))
def test_the_vehicles_counted_cost_what_the_load_is_priced_at(offers: list[Offer], load: float) -> None:
    assume(any(offer.limit >= 1 for offer in offers))
    costs = _build(offers, np.inf)
    counts = np.zeros((1, 8), dtype=np.int64)
    step_costs._count(costs, np.zeros(1, dtype=np.int64), np.array([load]), counts)
    chosen = counts[0, : len(offers)]
    assert (chosen <= [offer.limit for offer in offers]).all()
    assert sum(n * offer.price for n, offer in zip(chosen, offers, strict=True)) == pytest.approx(
        price_load(costs, 0, load, 0.0)
    )
    assert sum(n * offer.capacity for n, offer in zip(chosen, offers, strict=True)) >= min(load, costs.most[0])


def _build(offers: list[Offer], lane_limit: float) -> StepCosts:
    count, size = len(offers), 48
    on_lane = LaneVehicles(
        first=np.array([0, count]),
        kind=np.arange(count),
        capacity=np.array([offer.capacity for offer in offers]),
        cost=np.array([offer.price for offer in offers]),
        limit=np.array([[offer.limit] for offer in offers]),
        lane_limit=np.array([[lane_limit]]),
    )
    costs = StepCosts(
        pointers=np.zeros(2, dtype=np.int64),
        room=np.zeros(size),
        price=np.zeros(size),
        base_room=np.zeros(1),
        base_price=np.zeros(1),
        most=np.zeros(1),
        vehicles=np.zeros(size, dtype=np.int64),
        base=np.full(1, -1),
    )
    here = np.zeros(1, dtype=np.int64)
    step_costs._fill(on_lane, here, here, on_lane.cost[:, None].copy(), costs)
    return costs
