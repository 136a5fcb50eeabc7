"""What a plan made anew for a scenario is told: lanes shut by the hour, and hubs' days with what the workspace says of them kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from cli.answer_plans import NearPlanner
from data.contracts import contract
from routing.stress.incidents import Incident, Scenario, Surroundings
from routing.stress.layout import Prices, lay_out
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions
from tests.routing.stress.made import FIRST
from tests.routing.stress.sort_plans import ZONE, moment, sort_frames
from tests.routing.stress.test_closures_by_sorts import two_hubs
from tests.routing.stress.test_play import ROUTE


class _ToldError(Exception):
    pass


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a function that says what a planner of two hubs by sorts is told of a scenario."""
    kept: list[dict[str, pl.DataFrame]] = []

    def catch(tables: dict[str, pl.DataFrame]) -> None:
        kept.append(tables)
        raise _ToldError

    def ask(scenario: Scenario, **more: pl.DataFrame) -> dict[str, pl.DataFrame]:
        tables = {**sort_frames(two_hubs()), **more}
        layout = lay_out(tables, tables["route_demand"].select(ROUTE), Prices())
        planner = NearPlanner(tables, layout, Surroundings(ZONE), TrunkOptions(), 5)
        with monkeypatch.context() as here, pytest.raises(_ToldError):
            here.setattr(TrunkInputs, "gather", staticmethod(catch))
            planner(scenario)
        return kept[-1]

    return ask


def test_lanes_shut_for_hours_are_shut_for_these_hours_and_no_longer(told: Any) -> None:
    local = datetime.combine(FIRST, datetime.min.time())
    spans = [(local + timedelta(hours=13), local + timedelta(hours=15)), (moment(30), moment(32))]
    scenario = Scenario("two hours twice", tuple(Incident("lane_shut", *span, lane_id="A-B") for span in spans))
    own = pl.DataFrame(
        {"lane_id": ["A-B"], "starts_at": [moment(50)], "ends_at": [moment(51)], "probability": [1.0], "cause": ["ice"]}
    )
    inputs = told(scenario, lane_closures=own)
    found = inputs["lane_closures"].sort("starts_at")
    assert found["starts_at"].to_list() == [moment(hour).astimezone(UTC) for hour in (13, 30, 50)]
    assert found["ends_at"].to_list() == [moment(hour).astimezone(UTC) for hour in (15, 32, 51)]
    assert found["probability"].to_list() == [1.0] * 3
    assert inputs["lane_weather"].is_empty(), "the rest of the day the lane is open"


def test_days_a_scenario_does_not_touch_keep_what_the_workspace_says_of_them(told: Any) -> None:
    rows = [
        {
            "date": FIRST + timedelta(days=day),
            "hub_id": hub,
            "sort_id": "night",
            "sort_capacity": 900,
            "buffer_capacity": 70,
        }
        for day, hub in ((0, "A"), (1, "A"), (0, "B"))
    ]
    shut = Incident("hub_shut", moment(12), moment(24), hub_id="A")
    given = contract("hub_days").arrange(pl.DataFrame(rows))
    days = told(Scenario("A shut in its night sort", (shut,)), hub_days=given)["hub_days"]
    night = days.filter(pl.col("sort_id") == "night").sort("hub_id", "date")
    assert night.select("hub_id", "sort_capacity", "buffer_capacity").rows() == [
        ("A", 0, 70),
        ("A", 900, 70),
        ("B", 900, 70),
    ]
