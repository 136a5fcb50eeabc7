"""``radar plan trunk --risk``: the target is met on fresh futures, or the capacity to ask for is named, priced and played."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import cli.plan_to_risk
from cli.past_plans import read_trunk_plan
from cli.plan_to_risk import Reached, Round, TargetTask, tell_reached
from cli.trunk_task import read_options
from data.workspace import Workspace
from routing.stress.capacity import Ask, Capacity
from routing.stress.play import play_draws
from routing.stress.probability import Probability
from tests.cli.test_stress import folder, radar

__all__ = ["folder"]


def tighten(folder: Path, capacity: int) -> Path:
    """Let a hub sort too little for many futures."""
    with Workspace.open(folder).run("load") as load:
        hub = {"hub_id": ["A"], "name": ["A"], "sort_capacity": [capacity], "buffer_capacity": [20]}
        load.upsert("hubs", pl.DataFrame(hub))
    return folder


def plan(folder: Path, *arguments: str) -> Any:
    return radar(folder, "plan", "trunk", "--effort", "0.05", *arguments)


@pytest.mark.slow
def test_planning_again_for_more_meets_the_target_on_fresh_futures(folder: Path) -> None:
    result = plan(tighten(folder, 800), "--risk", "0.02", "--json")
    assert result.exit_code in (0, 3), result.output
    found = json.loads(result.stdout)
    target = found["risk_target"]
    assert target["met"]
    assert target["overflow_high"] <= 0.02
    assert target["rounds"][0]["probability"] > 0.02
    assert target["rounds"][-1]["parcels"] > target["rounds"][0]["parcels"]
    assert target["capacity"] is None
    assert found["violations"] == 0
    assert found["parcels_demanded"] == target["rounds"][-1]["parcels"]


def test_what_is_not_met_names_the_capacity_to_ask_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli.plan_to_risk, "ROUNDS", 1)
    result = plan(tighten(folder, 650), "--risk", "0.02", "--json")
    assert result.exit_code in (0, 3), result.output
    target = json.loads(result.stdout)["risk_target"]
    assert not target["met"]
    asks = target["capacity"]["asks"]
    assert {(ask["hub_id"], ask["lever"]) for ask in asks} >= {("A", "sorters")}
    assert all(ask["price"] > 0 for ask in asks)
    assert target["capacity"]["price"] == pytest.approx(sum(ask["price"] for ask in asks))
    assert target["met_with_capacity"] == (target["capacity"]["after"]["high"] <= 0.02)
    assert target["capacity"]["after"]["value"] < target["capacity"]["before"]["value"]
    assert target["capacity"]["before"]["value"] == pytest.approx(target["overflow_value"])
    told = tell_reached(_reached(target))
    assert "parcels a day more at A" in told[1]
    assert ("is met" in told[2]) == target["met_with_capacity"]


@dataclass(frozen=True)
class Kept:
    """A plan read back from its tables."""

    found: dict[str, pl.DataFrame]

    def tables(self) -> dict[str, pl.DataFrame]:
        return self.found


def test_plans_whose_flows_take_longer_or_shorter_are_held_together_on_the_same_futures(folder: Path) -> None:
    """Plans of more parcels take longer; with as many days before as each takes their draws were of different days."""
    days = ("--from", "2025-11-12", "--to", "2025-11-12")
    assert plan(folder, *days).exit_code in (0, 3)
    workspace = Workspace.open(folder)
    tables, options = read_trunk_plan(workspace, workspace.writers("trunk_flows")[-1])
    forecast = workspace.writers("route_forecasts")[-1]

    def read(level: str) -> pl.DataFrame:
        return workspace.results(f"{level}_forecasts", forecast)

    nothing: Any = None
    task = TargetTask(tables, nothing, read, workspace.settings.plan, read_options(options), 0.02, 0)
    flows = tables["trunk_flows"]
    later = flows.with_columns(pl.col("completed_on") + timedelta(days=1))
    drawn = []
    for kept in (flows, later):
        made: Any = Kept({"trunk_flows": kept})
        ready = task.lay_out(made, tables["route_demand"])
        drawn.append((ready.source.routes, ready.source.draw_fresh(5)))
        assert play_draws(ready.layout.network, drawn[0][1]).demanded.sum() == drawn[0][1].sum()
    assert_frame_equal(drawn[0][0], drawn[1][0])
    assert drawn[0][1].tolist() == drawn[1][1].tolist()


def _reached(facts: dict[str, Any]) -> Reached:
    """Put what was told back together, to read the sentences without planning again."""
    asks = tuple(
        Ask(**{**one, "first": date.fromisoformat(one["first"]), "last": date.fromisoformat(one["last"])})
        for one in facts["capacity"]["asks"]
    )
    before, after = (Probability(**facts["capacity"][name]) for name in ("before", "after"))
    fresh = Probability(*(facts[f"overflow_{name}"] for name in ("value", "low", "high")))
    rounds = tuple(Round(**one) for one in facts["rounds"])
    cost, cost_before = facts["expected_cost"], facts["expected_cost_before"]
    nothing: Any = None
    costs = (facts["capacity"]["cost_before"], facts["capacity"]["cost_after"])
    capacity = Capacity(asks, before, after, *costs)
    return Reached(facts["target"], nothing, nothing, rounds, fresh, cost, cost_before, capacity)


@pytest.mark.parametrize(("share", "told"), [("0", "a risk of 0"), ("1.5", "a risk of 1.5"), ("-1", "a risk of -1")])
def test_a_share_that_is_none_is_told_in_a_sentence(folder: Path, share: str, told: str) -> None:
    result = plan(folder, "--risk", share)
    assert result.exit_code == 1
    assert told in result.output


def test_without_a_forecast_of_the_days_there_is_no_target(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "no forecast")
    with workspace.run("load") as load:
        load.upsert("hubs", pl.DataFrame({"hub_id": ["A", "B"], "name": ["a", "b"]}))
        lane = {"lane_id": ["A-B"], "origin_hub_id": ["A"], "destination_hub_id": ["B"], "mode": ["road"]}
        load.upsert("lanes", pl.DataFrame(lane | {"distance_km": [100.0], "transit_hours": [10.0]}))
        truck = {"vehicle_type_id": "t", "name": "T", "mode": "road", "ownership": "contract"}
        load.upsert("vehicle_types", pl.DataFrame([truck | {"capacity": 100, "fixed_cost": 50.0, "cost_per_km": 1.0}]))
        demand = {"date": ["2025-11-11"], "origin_hub_id": ["A"], "destination_hub_id": ["B"], "parcels": [90]}
        load.append("route_demand", pl.DataFrame(demand).with_columns(pl.col("date").str.to_date()))
    result = plan(workspace.folder, "--risk", "0.02")
    assert result.exit_code == 1
    assert "No forecast to draw demand from" in result.output
    assert workspace.writers("trunk_flows") == []
