"""Demand raised where hub-days overflow: by hand."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from routing.stress.raising import RAISING, raise_demand, raise_factors

DAY = date(2025, 11, 12)


def day(number: int) -> date:
    return DAY + timedelta(days=number)


def hub_days(*rows: tuple[str, int, float]) -> pl.DataFrame:
    return pl.DataFrame([{"hub_id": hub, "date": day(at), "overflow_probability": likely} for hub, at, likely in rows])


def test_a_likely_hub_day_raises_itself_and_two_days_before() -> None:
    raised = raise_factors({}, hub_days(("A", 0, 0.05), ("B", 0, 0.01), ("C", 0, 0.004)))
    assert raised == {
        **{("A", day(-before)): RAISING.much for before in range(3)},
        **{("B", day(-before)): RAISING.little for before in range(3)},
    }


def test_days_before_several_are_raised_once_and_never_beyond_the_most() -> None:
    raised = raise_factors({("A", day(0)): 1.45}, hub_days(("A", 0, 0.05), ("A", 1, 0.01)))
    assert raised["A", day(0)] == RAISING.most
    assert raised["A", day(-1)] == RAISING.much
    assert raised["A", day(1)] == RAISING.little


def test_a_route_is_raised_by_the_larger_of_its_ends() -> None:
    demand = pl.DataFrame(
        {
            "date": [day(0), day(0), day(0)],
            "origin_hub_id": ["A", "B", "C"],
            "destination_hub_id": ["B", "C", "B"],
            "parcels": [100, 100, 5],
        }
    )
    raised = raise_demand(demand, {("A", day(0)): 1.1, ("B", day(1)): 1.25, ("B", day(0)): 1.06})
    assert raised["parcels"].to_list() == [125, 106, 7]
    assert raised.columns == demand.columns
    assert raise_demand(demand, {}).equals(demand)


@given(st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 3), st.floats(0, 1)), max_size=6))
def test_nothing_is_ever_lowered(rows: list[tuple[str, int, float]]) -> None:
    rows = list({(hub, at): (hub, at, likely) for hub, at, likely in rows}.values())
    demand = pl.DataFrame({"date": [day(1)], "origin_hub_id": ["A"], "destination_hub_id": ["B"], "parcels": [100]})
    frame = hub_days(*rows) if rows else hub_days(("A", 0, 0.0))
    once = raise_factors({}, frame)
    assert all(1.0 <= factor <= RAISING.most for factor in once.values())
    assert raise_demand(demand, once)["parcels"][0] >= 100
    twice = raise_factors(once, frame)
    assert all(twice[key] >= factor for key, factor in once.items())
