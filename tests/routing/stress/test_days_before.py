"""Days before the plan's first: what is handed in then takes sorting and room on the plan's days, and none of its vehicles or money."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from routing.stress.layout import Prices, lay_out
from routing.stress.play import Outcomes, play_draws
from routing.stress.policies import Policy, apply_policy
from routing.stress.records import COSTS
from tests.routing.stress.made import FIRST, frames, hub, lane
from tests.routing.stress.test_play import ROUTE, departs, flow, make


def play(*parcels: tuple[int, int], there: int = 150, here: int = 1000, policy: str = "rigid") -> Outcomes:
    """Play pairs of parcels handed in on the day before and on the plan's only day, over one lane of 20 hours."""
    plan = make(
        [flow(["A-B"], [0], 1, 100)],
        [departs("A-B", 0, "own")],
        [hub("A", here), hub("B", there)],
        [lane("A", "B")],
    )
    tables = frames(plan)
    route = tables["route_demand"].select(ROUTE)
    routes = pl.concat([route.with_columns(pl.col("date") - timedelta(days=1)), route])
    layout = lay_out(tables, routes, Prices())
    assert (layout.first_day, layout.dates[0]) == (FIRST, FIRST - timedelta(days=1))
    return play_draws(apply_policy(layout, Policy.parse(policy)), np.array(parcels, dtype=np.int64))


def test_parcels_of_the_day_before_fill_the_hub_they_reach() -> None:
    # 250 of the day before reach B on the plan's day: it sorts 150 and 100 may wait; one more is over by exactly one
    outcomes = play((0, 100), (250, 100), (251, 100))
    assert outcomes.over.sum(axis=(1, 2)).tolist()[:2] == [0, 0]
    assert outcomes.over[2, 1, 1] == 1
    assert (outcomes.done + outcomes.left).tolist() == [100, 350, 351]


@pytest.mark.parametrize("policy", ["rigid", "spot", "unlimited"])
def test_they_cost_the_plan_nothing_but_what_waits(policy: str) -> None:
    alone, beside = (play(one, there=1000, policy=policy) for one in ((0, 100), (250, 100)))
    same = [name for name in COSTS if name != "waiting"]
    for name in same:
        at = COSTS.index(name)
        assert beside.costs[0, at] == pytest.approx(alone.costs[0, at]), name
    assert beside.ran.tolist() == alone.ran.tolist()


def test_nothing_of_the_days_before_is_counted_as_over() -> None:
    # 500 are handed in where 300 are sorted: 200 wait where 100 may, on the day before; on the plan's day they are sorted
    outcomes = play((500, 0), here=300, there=1000)
    assert outcomes.over.sum() == 0
    assert outcomes.late.sum() == 0
