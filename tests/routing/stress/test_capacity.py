"""Capacity to ask for, on a plan a reader can reckon."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import numpy as np
import polars as pl
import pytest

from data.hub_lacks import tell_lacks
from routing.stress.capacity import ask_capacity
from routing.stress.incidents import Surroundings
from routing.stress.layout import Prices, lay_out
from routing.stress.policies import DEFAULT, RIGID, UNLIMITED
from routing.stress.records import Whole
from routing.stress.relief import AskPrices
from routing.stress.stress import StressOptions, stress_plan
from tests.routing.stress.made import FIRST, frames, hub, lane
from tests.routing.stress.test_play import ROUTE, departs, flow, make

PRICES = AskPrices(0.5, 0.4)


def plan(sort: int, trucks: int) -> Any:
    made = make(
        [flow(["A-B"], [0], 1, 100)],
        [departs("A-B", 0, "own", trucks)],
        [hub("A", sort, 50), hub("B")],
        [lane("A", "B")],
    )
    tables = frames(made)
    return lay_out(tables, tables["route_demand"].select(ROUTE), Prices())


def test_the_hub_that_is_short_is_asked_for_as_little_as_is_needed() -> None:
    demand = np.full((100, 1), 160)  # sorts 100, may hold 50: 10 are over
    found = ask_capacity(plan(100, 5), demand, demand, RIGID, 0.02, PRICES, 1)
    (ask,) = found.asks
    assert (ask.hub_id, ask.first, ask.last) == ("A", FIRST, FIRST)
    assert (ask.share, ask.parcels, ask.price) == (0.1, 10, 5.0)
    assert (found.before.value, found.after.value) == (1.0, 0.0)


def test_a_hub_that_lacks_vehicles_is_not_asked_for_sorters() -> None:
    demand = np.full((10, 1), 160)  # all are sorted, one truck takes 100, 60 wait where 50 may
    found = ask_capacity(plan(1000, 1), demand, demand, RIGID, 0.02, PRICES, 1)
    assert found.asks == ()
    assert (found.before.value, found.after.value) == (1.0, 1.0)


def test_a_hub_that_lacks_vehicles_is_asked_for_vehicles_on_call() -> None:
    demand = np.full(
        (10, 1), 430
    )  # all are sorted; two trucks take 200, one may be called and takes 60, 170 wait where 50 may
    found = ask_capacity(plan(1000, 2), demand, demand, DEFAULT, 0.02, PRICES, 1)
    (ask,) = found.asks
    assert (ask.hub_id, ask.lever, ask.first, ask.last) == ("A", "vehicles", FIRST, FIRST)
    # two hired ones of 60 more leave 50 waiting; 20 hours at 60 km/h and 1 CNY/km on 60 CNY, 1.35 times when called, 0.4 of it kept ready
    assert (ask.vehicles, ask.parcels) == (2, 120)
    assert ask.price == pytest.approx(2 * 0.4 * 1.35 * (60 + 1200))
    assert (found.before.value, found.after.value) == (1.0, 0.0)


def test_two_hubs_short_of_different_things_are_each_asked_for_their_own() -> None:
    ends = ("C", "B")
    made = make(
        [flow(["A-B"], [0], 1, 100), flow(["C-B"], [0], 1, 100, ends)],
        [departs("A-B", 0, "own", 5), departs("C-B", 0, "own", 2)],
        [hub("A", 100, 50), hub("B"), hub("C", 1000, 50)],
        [lane("A", "B"), lane("C", "B")],
    )
    tables = frames(made)
    layout = lay_out(tables, tables["route_demand"].select(ROUTE), Prices())
    starts = tables["route_demand"]["origin_hub_id"].to_list()
    demand = np.tile([{"A": 160, "C": 430}[hub_id] for hub_id in starts], (10, 1))
    found = ask_capacity(layout, demand, demand, DEFAULT, 0.02, PRICES, 1)
    assert {(ask.hub_id, ask.lever) for ask in found.asks} == {("A", "sorters"), ("C", "vehicles")}
    assert found.price == pytest.approx(sum(ask.price for ask in found.asks))
    assert found.after.value == 0.0


def test_nothing_is_asked_for_where_nothing_is_over() -> None:
    demand = np.full((10, 1), 150)
    found = ask_capacity(plan(100, 5), demand, demand, RIGID, 0.02, PRICES, 1)
    assert found.asks == ()
    assert found.before.value == 0


def test_sorters_and_vehicles_that_lack_are_told_apart() -> None:
    def draw(start: int, end: int) -> Whole:
        return np.full((end - start, 1), 160)

    lacks = {}
    for what, made in (("sorters", plan(100, 5)), ("vehicles", plan(1000, 1))):
        options = StressOptions(draws=50, policies=(RIGID, UNLIMITED), strata=1)
        found = stress_plan(made, draw, options, Surroundings(UTC))
        rows = tell_lacks(found.results, "rigid", "unlimited")
        lacks[what] = rows.filter(pl.col("date") == FIRST)["lacks"].to_list()
    assert lacks == {"sorters": ["sorters"], "vehicles": ["vehicles"]}
