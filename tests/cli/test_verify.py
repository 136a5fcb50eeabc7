"""``radar verify`` on plans in a workspace: what it reads, prints, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from data.contracts import contract
from data.workspace import Workspace
from tests.routing.stock_cases import stock_tables
from tests.routing.tiny_plan import HOLD_COST, LATE_COST, SHORT_COST, Tables, tiny_plan

RUNNER = CliRunner()
INPUTS = ("hubs", "lanes", "vehicle_types", "lane_vehicles", "network_changes", "service_promises")
RESULTS = ("route_demand", "trunk_flows", "trunk_departures", "hub_loads", "shortfalls", "plan_certificates")


def load(workspace: Workspace, tables: Tables) -> None:
    filled: dict[str, dict[str, object]] = {
        "hubs": {"name": "hub"},
        "vehicle_types": {"name": "type"},
        "lane_weather": {"closure_probability": 0.0, "severity": "blue", "cause": "snow"},
    }
    with workspace.run("load") as run:
        for name in INPUTS:
            run.replace(name, contract(name).conform(tables[name].with_columns(**_literals(filled.get(name, {})))))
    with workspace.run("weather impact") as run:
        run.append("lane_weather", tables["lane_weather"].with_columns(**_literals(filled["lane_weather"])))


def _literals(values: dict[str, object]) -> dict[str, pl.Expr]:
    return {name: pl.lit(value) for name, value in values.items()}


def keep_plan(workspace: Workspace, tables: Tables, hold_cost: float = HOLD_COST) -> str:
    with workspace.run("plan trunk", {"hold_cost": hold_cost, "short_cost": SHORT_COST, "late_cost": LATE_COST}) as run:
        for name in (*INPUTS, "lane_weather"):
            run.read(name)
        for name in (*RESULTS, *({"bound_prices"} & set(tables))):
            frame = tables[name]
            if name == "shortfalls":
                frame = frame.with_columns(cheapest_fix=pl.lit("none"))
            run.append(name, frame)
        run.outcome = "shortfalls"
    return run.run_id


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace.create(tmp_path / "peak")
    load(made, tiny_plan())
    return made


def verify(workspace: Workspace, *arguments: str) -> Result:
    return RUNNER.invoke(app, ["--workspace", str(workspace.folder), "verify", *arguments])


def test_valid_plan_ends_well_and_tells_its_figures(workspace: Workspace) -> None:
    run_id = keep_plan(workspace, tiny_plan())
    for word in ("trunk", "latest", run_id):
        result = verify(workspace, word)
        assert result.exit_code == 0, result.output
        # Of the certificate's 13,859 CNY a thousand is the price put on 50 parcels short.
        assert "12,859.00" in result.stdout
        assert "1,000.00" in result.stdout
        assert "13,859" not in result.stdout
        assert "50 of 1,200 parcels cannot be carried" in result.stderr
    told = json.loads(verify(workspace, "--json").stdout)
    assert told["valid"] is True
    assert told["run_id"] == run_id
    assert told["summary"]["parcels_short"] == 50


def flat(table: str) -> str:
    """The cells of a printed table as one line."""
    return " ".join(word for word in table.split() if word not in "┃│")


def test_verdict_tells_what_proves_the_bound(workspace: Workspace) -> None:
    tables = tiny_plan()
    keep_plan(workspace, tables)
    old = "lower bound 13,000.00 not recomputed: plan made before prices were kept"
    assert old in flat(verify(workspace, "trunk").stdout)
    last = tables["trunk_flows"]["completed_on"].max()
    proof = {"proof": pl.lit("search"), "priced_bound": pl.lit(1.0), "last_day": pl.lit(last)}
    tables["plan_certificates"] = tables["plan_certificates"].with_columns(**proof)
    tables["bound_prices"] = pl.DataFrame(
        {"plan": ["trunk"], "kind": ["sort"], "date": [last], "hub_id": ["B"], "price": [1.0]}
    )
    keep_plan(workspace, tables)
    told = json.loads(verify(workspace, "trunk", "--json").stdout)
    recomputed = told["bound"]["recomputed"]
    assert told["valid"] is True
    assert told["bound"]["proof"] == "search"
    assert 1.0 <= recomputed < 13_000.0
    printed = flat(verify(workspace, "trunk").stdout)
    assert f"lower bound 13,000.00 proven by search; {recomputed:,.2f} of it recomputed from prices" in printed
    tables["plan_certificates"] = tables["plan_certificates"].with_columns(proof=pl.lit("prices"))
    run_id = keep_plan(workspace, tables)
    told = json.loads(verify(workspace, run_id, "--json").stdout)
    assert "certificate.bound" in {row["rule"] for row in told["violations"]}
    assert told["bound"]["told"].startswith("lower bound 13,000.00 does not hold: the prices kept with the plan prove")


def test_broken_plan_ends_with_one_sentence_and_a_table(workspace: Workspace) -> None:
    tables = tiny_plan()
    tables["trunk_departures"] = tables["trunk_departures"].with_columns(departures=pl.lit(1))
    run_id = keep_plan(workspace, tables)
    result = verify(workspace, run_id)
    assert result.exit_code == 1
    assert "lane.capacity" in result.stdout
    assert result.stderr.startswith(f"Error: Found plan {run_id} breaks")
    told = verify(workspace, run_id, "--json")
    assert told.exit_code == 1
    assert {row["rule"] for row in json.loads(told.stdout)["violations"]} >= {"lane.capacity", "vehicle.capacity"}


def test_costs_of_the_run_s_options_count(workspace: Workspace) -> None:
    keep_plan(workspace, tiny_plan(), hold_cost=99.0)
    result = verify(workspace, "trunk", "--json")
    assert [row["rule"] for row in json.loads(result.stdout)["violations"]] == ["cost.total", "certificate.violations"]


def test_plan_is_checked_on_the_tables_it_read(workspace: Workspace) -> None:
    run_id = keep_plan(workspace, tiny_plan())
    with workspace.run("load") as run:
        run.upsert(
            "hubs", contract("hubs").conform(pl.DataFrame({"hub_id": ["A"], "name": ["A"], "sort_capacity": [1]}))
        )
    with workspace.run("weather impact") as run:
        run.append("lane_weather", run.results("lane_weather").with_columns(capacity_factor=pl.lit(0.0)))
    assert verify(workspace, run_id).exit_code == 0


def test_closing_known_before_the_plan_counts_though_the_plan_did_not_read_it(workspace: Workspace) -> None:
    with workspace.run("load") as run:
        closing = {"change_id": "2", "date": tiny_plan()["route_demand"]["date"][0], "hub_id": "C", "change": "closes"}
        run.upsert("network_changes", contract("network_changes").conform(pl.DataFrame([closing])))
    with workspace.run("plan trunk", {"hold_cost": HOLD_COST, "short_cost": SHORT_COST, "late_cost": LATE_COST}) as run:
        for name in ("hubs", "lanes", "vehicle_types", "lane_vehicles", "lane_weather"):
            run.read(name)
        for name in RESULTS:
            frame = tiny_plan()[name]
            run.append(name, frame.with_columns(cheapest_fix=pl.lit("-")) if name == "shortfalls" else frame)
    told = json.loads(verify(workspace, "trunk", "--json").stdout)
    assert "hub.closed" in {row["rule"] for row in told["violations"]}


def test_unknown_or_absent_plan_is_told(workspace: Workspace) -> None:
    for word in ("latest", "trunk", "stock", "plan-trunk-9999"):
        result = verify(workspace, word)
        assert result.exit_code == 1
        assert "no finished" in result.stderr.lower()
        assert "Traceback" not in result.output


def test_stock_plan_is_made_and_verified(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "stock")
    with workspace.run("load") as run:
        for name, frame in stock_tables().items():
            if name != "merchant_forecasts":  # made by the command from the sales
                run.replace(name, contract(name).conform(frame))
    made = RUNNER.invoke(app, ["--workspace", str(workspace.folder), "plan", "stock", "--json"])
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout)["certificate"]["status"] == "optimal"
    result = verify(workspace, "stock")
    assert result.exit_code == 0, result.output


def test_stock_plan_without_room_ends_with_shortfalls(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "stock")
    tables = stock_tables()
    tables["warehouses"] = tables["warehouses"].with_columns(storage_capacity=pl.lit(30))
    with workspace.run("load") as run:
        for name, frame in tables.items():
            if name != "merchant_forecasts":
                run.replace(name, contract(name).conform(frame))
    made = RUNNER.invoke(app, ["--workspace", str(workspace.folder), "plan", "stock", "--all-ahead"])
    assert made.exit_code == 3
    assert "No room for" in made.stdout
    assert verify(workspace, "stock").exit_code == 0


def test_plan_is_played_by_the_clock_in_two_languages(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_plan(workspace, tiny_plan())
    assert "no sort, buffer or vehicle is over" in verify(workspace).stderr
    told = json.loads(verify(workspace, "--json").stdout)["playback"]
    assert (told["by_clock"], told["parcels"], told["boardings_missed"], told["violations"]) == (False, 1150, 0, [])
    # hubs now sort by 12:00, and A takes nothing after 6:00: a plan made before is played on what stood then
    sorts = [
        {"hub_id": hub, "sort_id": "noon", "opens": "00:00", "cut_off": "06:00", "closes": "12:00"} for hub in "ABC"
    ]
    with workspace.run("load") as run:
        run.replace("hub_sorts", contract("hub_sorts").conform(pl.DataFrame(sorts)))
    assert json.loads(verify(workspace, "--json").stdout)["playback"]["violations"] == []
    keep_plan(workspace, tiny_plan())
    result = verify(workspace, "--playback")
    assert result.exit_code == 0, result.output
    assert "after the cut-off" in result.stdout
    assert "The plan is by days" in result.stderr
    assert json.loads(verify(workspace, "--json").stdout)["playback"]["violations"]
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    result = verify(workspace, "--playback")
    assert "过截件时间" in result.stdout
    assert "按时钟推演" in result.stderr
