"""A workspace with hub_sorts through the commands: planned, verified, explained, timed, reported, planned again near itself."""

from __future__ import annotations

import json
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from cli.app import app
from data.workspace import Workspace

RUNNER = CliRunner()
DAYS = [date(2025, 11, 10) + timedelta(days=n) for n in range(2)]
HUBS = ["A", "B", "C"]
SORTS = (("evening", "16:00", "22:00", "24:00"), ("night", "24:00", "30:00", "32:00"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = Workspace.create(tmp_path_factory.mktemp("sorts") / "计划 peak")
    settings = workspace.folder / "radar.toml"
    text = settings.read_text(encoding="utf-8").replace("# unload_hours = 0.0", "unload_hours = 1.0")
    settings.write_text(text.replace("# default_promise_days = 1", "default_promise_days = 1"), encoding="utf-8")
    lanes = [(o, d) for o in HUBS for d in HUBS if o != d]
    ends = {"origin_hub_id": [o for o, _ in lanes], "destination_hub_id": [d for _, d in lanes]}
    truck = {
        "vehicle_type_id": "truck",
        "name": "Truck",
        "mode": "road",
        "ownership": "own",
        "capacity": 100,
        "fleet_size": 9,
    }
    spot = truck | {"vehicle_type_id": "spot", "ownership": "spot", "fleet_size": None}
    sorts = [(hub, *sort, 400) for hub in HUBS for sort in SORTS]
    keys = ["hub_id", "sort_id", "opens", "cut_off", "closes", "sort_capacity"]
    with Workspace.open(workspace.folder).run("load") as load:
        load.upsert("hubs", pl.DataFrame({"hub_id": HUBS, "name": HUBS, "sort_capacity": 800}))
        load.upsert(
            "lanes",
            pl.DataFrame({"lane_id": [f"{o}-{d}" for o, d in lanes], **ends}).with_columns(
                mode=pl.lit("road"), distance_km=pl.lit(100.0), transit_hours=pl.lit(5.0)
            ),
        )
        load.upsert(
            "vehicle_types", pl.DataFrame([truck, spot]).with_columns(fixed_cost=pl.lit(50.0), cost_per_km=pl.lit(1.0))
        )
        load.upsert("hub_sorts", pl.DataFrame(sorts, schema=keys, orient="row"))
        load.upsert("hand_in_profile", pl.DataFrame({"until_hour": ["22:00", "30:00"], "share": [0.7, 0.3]}))
        demand = [(day, o, d, 40) for day in DAYS for o, d in lanes]
        route = ["date", "origin_hub_id", "destination_hub_id", "parcels"]
        load.append("route_demand", pl.DataFrame(demand, schema=route, orient="row"))
    return workspace.folder


@pytest.fixture(scope="module")
def planned(folder: Path) -> dict[str, Any]:
    return ask(folder, "plan", "trunk", "--effort", "0.01")


def radar(folder: Path, *arguments: str) -> Any:
    return RUNNER.invoke(app, ["--workspace", str(folder), *arguments])


def ask(folder: Path, *arguments: str) -> dict[str, Any]:
    result = radar(folder, *arguments, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_the_plan_names_hours_holds_and_plays_without_a_miss(folder: Path, planned: dict[str, Any]) -> None:
    departures = Workspace.open(folder).results("trunk_departures", planned["run_id"])
    assert set(departures["sort_id"]) <= {"evening", "night"}
    assert departures["leaves_at"].is_not_null().all()
    assert planned["violations"] == 0
    assert "forecast" in planned["overflow_reason"]
    checked = ask(folder, "verify", planned["run_id"])
    assert (checked["violations"], checked["playback"]["boardings_missed"], checked["playback"]["by_clock"]) == (
        [],
        0,
        True,
    )
    # promised the road and a day by the settings alone
    assert checked["playback"]["promised"] == 480
    assert checked["playback"]["parcels_late"] == checked["summary"]["parcels_late"] == planned["parcels_late"]


def test_a_run_keeps_the_hours_it_was_made_with(folder: Path, planned: dict[str, Any]) -> None:
    run = Workspace.open(folder).read("runs").row(by_predicate=pl.col("run_id") == planned["run_id"], named=True)
    options = json.loads(run["options"])
    assert (options["unload_hours"], options["default_promise_days"], options["time_zone"]) == (1.0, 1, "Asia/Shanghai")
    assert {"hub_sorts", "hand_in_profile"} <= json.loads(run["tables_read"]).keys()


def test_a_hub_and_a_lane_are_explained_by_sorts(folder: Path, planned: dict[str, Any]) -> None:
    told = ask(folder, "plan", "explain", "--hub", "B", "--plan", planned["run_id"])
    assert "in sort" in told["told"]
    assert {"sort_id", "handled", "waited", "held"} <= told["days"][0].keys()
    lane = Workspace.open(folder).results("trunk_departures", planned["run_id"])["lane_id"][0]
    told = ask(folder, "plan", "explain", "--lane", lane, "--plan", planned["run_id"])
    assert told["told"].startswith(lane)
    assert {"shortfalls", "hubs", "lanes"} <= ask(folder, "plan", "explain", "--plan", planned["run_id"]).keys()


def test_the_timetable_and_the_page_tell_hours_and_sorts(folder: Path, planned: dict[str, Any], tmp_path: Path) -> None:
    ask(folder, "plan", "timetable", "--plan", planned["run_id"], "--out", str(tmp_path / "表"))
    times = pl.read_csv(tmp_path / "表" / "stop_times.txt", infer_schema=False, glob=False)
    assert set(times["timepoint"]) == {"1"}
    assert {"24:00:00", "32:00:00"} >= set(times.filter(pl.col("stop_sequence") == "1")["departure_time"])
    result = radar(
        folder, "report", "plan", "--run", planned["run_id"], "--lang", "zh,en", "--out", str(tmp_path / "page")
    )
    assert result.exit_code == 0, result.output
    pages = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.glob("page*.html")}
    assert any("By sort" in page for page in pages.values())
    assert any("分班次" in page for page in pages.values())
    assert not any("Not explained by the tables" in page for page in pages.values())


def test_a_replan_near_it_changes_nothing(folder: Path, planned: dict[str, Any]) -> None:
    again = ask(
        folder,
        "plan",
        "trunk",
        "--effort",
        "0.01",
        "--seed",
        "4",
        "--reference",
        planned["run_id"],
        "--max-changes",
        "0",
    )
    assert (again["departures_changed"], again["violations"]) == (0, 0)


def test_what_was_planned_before_the_sorts_came_is_read_by_days(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "old"
    shutil.copytree(folder, copy)
    emptied = radar(copy, "remove", "hub_sorts", "--where", "1 = 1", "--yes")
    assert emptied.exit_code == 0, emptied.output
    old = ask(copy, "plan", "trunk", "--effort", "0.01")
    with Workspace.open(copy).run("load") as load:
        load.upsert("hub_sorts", Workspace.open(folder).read("hub_sorts"))
    assert Workspace.open(copy).results("trunk_departures", old["run_id"])["leaves_at"].is_null().all()
    lane = Workspace.open(copy).results("trunk_departures", old["run_id"])["lane_id"][0]
    assert ask(copy, "plan", "explain", "--lane", lane, "--plan", old["run_id"])["told"].startswith(lane)
    assert ask(copy, "verify", old["run_id"])["violations"] == []
    told = radar(copy, "plan", "trunk", "--effort", "0.01", "--reference", old["run_id"])
    assert told.exit_code == 1
    assert "planned by days" in told.output


def test_departures_edited_in_a_spreadsheet_are_judged(folder: Path, planned: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "改过 1.xlsx"
    result = radar(
        folder, "export", "trunk_departures", "--format", "xlsx", "--out", str(file), "--run", planned["run_id"]
    )
    assert result.exit_code == 0, result.output
    told = ask(folder, "verify", planned["run_id"], "--edited", str(file))
    assert (told["valid"], told["edited"]["added"], told["edited"]["taken_out"]) == (True, 0, 0)
    assert told["edited"]["cost"] == pytest.approx(planned["cost"])
    rows = Workspace.open(folder).results("trunk_departures", planned["run_id"]).slice(1)
    rows.write_csv(tmp_path / "less.csv")
    result = radar(folder, "verify", planned["run_id"], "--edited", str(tmp_path / "less.csv"), "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert "lane.capacity" in {violation["rule"] for violation in told["violations"]}
    assert told["edited"]["taken_out"] > 0


def test_lanes_are_ordered_by_day_unless_asked_otherwise(folder: Path, planned: dict[str, Any], tmp_path: Path) -> None:
    workspace = Workspace.open(folder)
    rows = workspace.results("sort_plans", planned["run_id"])
    assert planned["sort_plan_rows"] == rows.height > 0
    assert (rows["date_from"] == rows["date_to"]).all()
    free = ask(folder, "plan", "trunk", "--effort", "0.01", "--sort-plan", "free")
    assert "sort_plan_rows" not in free
    result = radar(
        folder, "plan", "trunk", "--reference", planned["run_id"], "--max-changes", "1", "--sort-plan", "fixed"
    )
    assert result.exit_code == 1
    result = radar(
        folder,
        "report",
        "sheets",
        "--run",
        planned["run_id"],
        "--hub",
        "B",
        "--lang",
        "zh,en",
        "--out",
        str(tmp_path / "单.html"),
    )
    assert result.exit_code == 0, result.output
    assert sorted(file.name for file in tmp_path.glob("*.html")) == ["单-en.html", "单-zh.html"]


def test_a_timetable_is_held_against_the_forecast(folder: Path, planned: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "时刻 表"
    ask(folder, "plan", "timetable", "--plan", planned["run_id"], "--out", str(out))
    asked = ("plan", "trunk", "--effort", "0.02", "--draws", "25", "--timetable")
    found = ask(folder, *asked, planned["run_id"])
    assert found["timetable"]["short"] == planned["parcels_short"]
    assert found["violations"] == 0
    # a timetable of half the trips: what it lacks is told, and added
    trips = (out / "trips.txt").read_text(encoding="utf-8").splitlines()
    (out / "trips.txt").write_text("\n".join(trips[:1] + trips[1::2]) + "\n", encoding="utf-8")
    found = ask(folder, *asked, str(out))
    assert found["timetable"]["left_out"] == {}
    assert found["timetable"]["short"] > 0
    assert found["timetable"]["overfull"]
    assert found["parcels_short"] == planned["parcels_short"]
    assert all(row["over"] == row["wanted"] - row["room"] > 0 for row in found["timetable"]["overfull"])
