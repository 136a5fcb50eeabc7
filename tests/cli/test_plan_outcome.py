"""What a plan with parcels short says first, on a network where two hubs are short on two days."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import polars as pl
import pytest
from typer.testing import CliRunner

from cli.app import app
from cli.plan import _tell_order
from cli.plan_outcome import tell_outcome
from data.language import choose_language
from data.plan_outcome import PlanOutcome
from data.workspace import Workspace

if TYPE_CHECKING:
    from routing.trunk.plan import TrunkPlan

RUNNER = CliRunner()
DAYS = [date(2025, 11, 10) + timedelta(days=n) for n in range(2)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hubs A and B sort 60 and 50 a day and hold nothing; each is handed in 100."""
    workspace = Workspace.create(tmp_path_factory.mktemp("short") / "peak")
    with workspace.run("load") as load:
        hubs = {"hub_id": ["A", "B", "C"], "name": ["A", "B", "C"]}
        load.upsert("hubs", pl.DataFrame(hubs | {"sort_capacity": [60, 50, None], "buffer_capacity": [0, 0, None]}))
        lanes = [("A", "C"), ("C", "A"), ("B", "C"), ("C", "B")]
        load.upsert(
            "lanes",
            pl.DataFrame(
                {
                    "lane_id": [f"{o}-{d}" for o, d in lanes],
                    "origin_hub_id": [o for o, _ in lanes],
                    "destination_hub_id": [d for _, d in lanes],
                    "mode": "road",
                    "distance_km": 100.0,
                    "transit_hours": 10.0,
                }
            ),
        )
        truck = {"vehicle_type_id": "truck", "name": "Truck", "mode": "road", "ownership": "contract"}
        load.upsert("vehicle_types", pl.DataFrame([truck | {"capacity": 100, "fixed_cost": 50.0, "cost_per_km": 1.0}]))
        demand = [(day, o, "C", 100) for day in DAYS for o in ("A", "B")]
        load.append(
            "route_demand",
            pl.DataFrame(demand, schema=["date", "origin_hub_id", "destination_hub_id", "parcels"], orient="row"),
        )
    return workspace.folder


def radar(folder: Path, *arguments: str) -> Any:
    return RUNNER.invoke(app, ["--workspace", str(folder), *arguments])


def test_the_console_names_each_hub_and_day_first_and_tells_prices_apart(folder: Path) -> None:
    result = radar(folder, "plan", "trunk", "--time-limit", "10")
    assert result.exit_code == 3
    lines = result.stderr.splitlines()
    assert lines[0] == "SHORT: 180 of 400 parcels cannot be carried; they wait in front of these hubs:"
    assert lines[1:5] == [
        "  A, 2025-11-10: 40 parcels wait in front of it, 40 of them of that day",
        "  B, 2025-11-10: 50 parcels wait in front of it, 50 of them of that day",
        "  A, 2025-11-11: 80 parcels wait in front of it, 40 of them of that day",
        "  B, 2025-11-11: 100 parcels wait in front of it, 50 of them of that day",
    ]
    # Four trucks of 150 CNY carry all that is carried.
    assert "600 CNY, 180 parcels short (all proven unavoidable), what is carried within 0.00% of the best" in lines[5]
    message = Workspace.open(folder).read("runs").sort("started_at")["message"][-1]
    assert message.startswith("600 CNY, 180 parcels short")


def test_verify_says_the_same_and_keeps_the_price_of_shortage_out_of_the_cost(folder: Path) -> None:
    radar(folder, "plan", "trunk", "--time-limit", "10")
    result = radar(folder, "verify", "trunk")
    assert result.exit_code == 0, result.output
    assert result.stderr.startswith("SHORT: 180 of 400 parcels")
    found = json.loads(radar(folder, "verify", "trunk", "--json").stdout)
    outcome = found["outcome"]
    assert (outcome["carrying_cost"], outcome["parcels_short"], outcome["parcels_short_unavoidable"]) == (
        600.0,
        180,
        180,
    )
    assert outcome["shortage_price"] == found["parts"]["short"]
    assert found["cost"] == pytest.approx(outcome["carrying_cost"] + outcome["shortage_price"])
    assert len(outcome["waiting"]) == 4


def test_plan_all_says_it_too(folder: Path) -> None:
    result = radar(folder, "plan", "all", "--time-limit", "10")
    assert result.exit_code == 3
    assert result.stderr.index("SHORT: 180 of 400") < result.stderr.index("600 CNY")


def test_in_chinese(folder: Path) -> None:
    choose_language("zh")
    try:
        result = radar(folder, "verify", "trunk")
    finally:
        choose_language(None)
    assert result.stderr.startswith("有缺口：180件运不走（需求400件）")


def _outcome(short: int, bound: float) -> PlanOutcome:
    return PlanOutcome(100, 100 - short, short, 0, 0, 1600.0, 1000.0 * short, bound, pl.DataFrame())


def test_what_the_bound_does_not_prove_is_not_told() -> None:
    assert tell_outcome(_outcome(0, 800.0)).endswith("within 50.00% of the best")
    assert tell_outcome(_outcome(2, 800.0)).endswith("what is carried within 50.00% of the best")
    told = tell_outcome(_outcome(2, 0.0))
    assert "100.00%" not in told
    assert told.endswith("nothing proven of what carrying must cost")


@pytest.mark.parametrize(("short", "bound", "told"), [(0, 800.0, "800"), (2, 800.0, "800"), (2, 0.0, None)])
def test_a_sort_plans_cost_is_told_without_the_price_of_shortage(short: int, bound: float, told: str | None) -> None:
    plan = SimpleNamespace(sort_plans=pl.DataFrame({"hub_id": ["A", "B"]}), order_cost=25.0, order_short=short)
    sentence = _tell_order(_outcome(short, bound), cast("TrunkPlan", plan))
    assert sentence.startswith("its sort plan of 2 rows costs 25 CNY against the plan found before lanes were ordered")
    assert ("leaves 2 parcels more short than it" in sentence) == (short > 0)
    assert (f"costs by the bound at most {told} CNY against any" in sentence) == (told is not None)
    assert ("by the bound" in sentence) == (told is not None)


def test_a_sort_plan_that_came_out_cheaper_costs_nothing() -> None:
    plan = SimpleNamespace(sort_plans=pl.DataFrame({"hub_id": ["A", "B"]}), order_cost=-25.0, order_short=0)
    sentence = _tell_order(_outcome(0, 800.0), cast("TrunkPlan", plan))
    assert sentence.startswith("its sort plan of 2 rows costs nothing: 25 CNY less than the plan found before")


def test_locks_are_kept_by_the_plan_and_judged_by_verify(folder: Path) -> None:
    lock = {"lane_id": "A-C", "leaves": "any", "vehicle_type_id": "truck"}
    rows = [
        lock | {"date": DAYS[0], "at_least": 0, "at_most": 0},
        lock | {"date": DAYS[1], "at_least": 2, "at_most": 2},
    ]
    with Workspace.open(folder).run("load") as load:
        load.upsert("departure_locks", pl.DataFrame(rows))
    planned = radar(folder, "plan", "trunk", "--effort", "0.01")
    assert planned.exit_code in (0, 3), planned.output
    workspace = Workspace.open(folder)
    run_id = workspace.writers("trunk_departures")[-1]
    mine = workspace.results("trunk_departures", run_id).filter(pl.col("lane_id") == "A-C")
    assert {row["date"]: row["departures"] for row in mine.iter_rows(named=True)} == {DAYS[1]: 2}
    assert radar(folder, "verify", "trunk").exit_code == 0
    edited = folder / "改.csv"
    workspace.results("trunk_departures", run_id).filter(pl.col("lane_id") != "A-C").drop("run_id").write_csv(edited)
    judged = radar(folder, "verify", "trunk", "--edited", str(edited))
    assert "lock.at_least" in judged.output
    # what was taken out by hand is locked at none, whatever was fixed before
    written = radar(folder, "plan", "locks", str(edited))
    assert written.exit_code == 0, written.output
    assert "1 row of departure_locks written" in written.output
    kept = Workspace.open(folder).read("departure_locks").sort("date")
    assert kept["at_most"].to_list() == [0, 0]
    again = radar(folder, "--lang", "zh", "plan", "locks", str(edited), "--dry-run")
    assert "未写入" in again.output
