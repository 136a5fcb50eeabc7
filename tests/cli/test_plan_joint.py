"""``radar plan joint`` and ``radar verify joint`` through the command, on two hubs a hand can solve."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from cli.app import app
from data.workspace import Workspace
from routing.checker.relief import check_relief
from tests.routing.stock_cases import AS_OF
from tests.routing.test_joint_plan import make_inputs

RUNNER = CliRunner()
_TABLES = ("hubs", "lanes", "vehicle_types", "regions", "merchants", "warehouses", "sales", "events", "courier_rates")


def radar(folder: Path, *arguments: str) -> Any:
    return RUNNER.invoke(app, ["--workspace", str(folder), *arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = Workspace.create(tmp_path_factory.mktemp("joint") / "计划 一")
    inputs = make_inputs(sort_capacity=450)
    twice = pl.when(pl.col("units") == 30).then(60).otherwise("units")  # an event of six times: 60 a day and side
    stock = {**inputs.stock, "sales": inputs.stock["sales"].with_columns(units=twice.cast(pl.Int64))}
    with workspace.run("load") as load:
        for name in _TABLES:
            load.upsert(name, stock[name])
        load.append("route_demand", inputs.trunk["route_demand"])
    return workspace.folder


@pytest.fixture(scope="module")
def found(folder: Path) -> dict[str, Any]:
    result = radar(folder, "plan", "joint", "--effort", "0.05", "--as-of", str(AS_OF), "--json")
    assert result.exit_code == 0, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def test_plan_tells_what_it_saves_and_which_hub_days_it_relieves(found: dict[str, Any]) -> None:
    assert {row["plan"]: round(row["parcels_short"]) for row in found["rivals"]} == {
        "joint": 0, "one pass": 100, "nothing ahead": 100,
    }  # fmt: skip
    assert found["parcels_moved"] == 120
    assert [row["hub_id"] for row in found["relieved"]] == ["N", "N"]
    assert all(row["violations"] == 0 for row in found["certificates"])


def test_tables_of_the_plan_are_kept_and_the_demand_is_split(folder: Path, found: dict[str, Any]) -> None:
    workspace = Workspace.open(folder)
    demand = workspace.results("route_demand", found["run_id"])
    assert demand.select(pl.col("moved_out").sum(), pl.col("moved_in").sum()).row(0) == (120, 120)
    assert workspace.results("sourcing", found["run_id"]).height > 0
    assert workspace.results("stock_allocations", found["run_id"])["warehouse_id"].to_list() == ["WS"]


@pytest.mark.parametrize("word", ["joint", "latest", "trunk", "stock"])
def test_every_part_of_the_plan_is_verified(folder: Path, found: dict[str, Any], word: str) -> None:
    result = radar(folder, "verify", word, "--json")
    told = json.loads(result.stdout)
    assert (told["run_id"], told["valid"]) == (found["run_id"], True), told["violations"]
    assert told["plan"] == ("joint" if word == "latest" else word)


def test_console_says_it_in_words(folder: Path) -> None:
    result = radar(folder, "plan", "joint", "--effort", "0.05", "--as-of", str(AS_OF))
    assert result.exit_code == 0, result.output
    assert "N on 01 November 111 % -> 98 %" in result.output
    assert "keeps 100 parcels from staying short" in " ".join(result.output.split())


@pytest.fixture(scope="module")
def held(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, dict[str, Any]]:
    """A workspace with a trunk plan of the same parcels before its joint plan; that plan's run, and what the joint plan tells."""
    there = tmp_path_factory.mktemp("held") / "计划 二"
    shutil.copytree(folder, there)
    trunk = radar(there, "plan", "trunk", "--effort", "0.05", "--demand", "given", "--json")
    assert trunk.exit_code == 3, trunk.output
    result = radar(there, "plan", "joint", "--effort", "0.05", "--as-of", str(AS_OF), "--json")
    assert result.exit_code == 0, result.output
    return there, json.loads(trunk.stdout)["run_id"], json.loads(result.stdout)


def test_a_trunk_plan_of_the_same_parcels_is_what_it_is_held_against(held: tuple[Path, str, dict[str, Any]]) -> None:
    there, trunk, told = held
    assert told["against"]["run_id"] == trunk
    assert told["against"]["parcels_short"] == 100
    assert [row["hub_id"] for row in told["relieved"]] == ["N", "N"]
    workspace = Workspace.open(there)
    loads = workspace.results("hub_loads", told["run_id"])
    for row in told["relieved"]:
        own = loads.filter((pl.col("hub_id") == "N") & (pl.col("date").cast(pl.String) == row["date"]))
        assert row["after"] == pytest.approx(own.select(pl.col("handled").sum() / pl.col("capacity").sum()).item())
        assert row["before"] > 1.0  # 50 parcels short wait at it
    checked = radar(there, "verify", "joint")
    assert checked.exit_code == 0, checked.output
    words = " ".join(checked.output.split())
    assert "Trunk and stock together" in words
    assert f"The same parcels with nothing ahead cost {told['against']['cost']:,.0f} CNY in {trunk}" in words


def test_other_options_or_tables_are_nothing_to_hold_it_against(
    held: tuple[Path, str, dict[str, Any]], tmp_path: Path
) -> None:
    there = tmp_path / "other"
    shutil.copytree(held[0], there)
    asked = ("plan", "joint", "--effort", "0.1", "--as-of", str(AS_OF), "--json")
    assert json.loads(radar(there, *asked).stdout)["against"] is None
    workspace = Workspace.open(there)
    with workspace.run("load") as load:
        load.upsert("hubs", workspace.read("hubs").with_columns(sort_capacity=pl.col("sort_capacity") + 1))
    asked = ("plan", "joint", "--effort", "0.05", "--as-of", str(AS_OF), "--json")
    assert json.loads(radar(there, *asked).stdout)["against"] is None


def test_the_bound_is_added_up_anew_from_its_prices(held: tuple[Path, str, dict[str, Any]]) -> None:
    there, _, told = held
    checked = json.loads(radar(there, "verify", "joint", "--json").stdout)
    row = next(row for row in told["certificates"] if row["plan"] == "joint")
    assert checked["joint"]["lower_bound"] == row["lower_bound"]
    assert checked["joint"]["bound_recomputed"] == pytest.approx(row["priced_bound"], rel=1e-6)
    assert row["priced_bound"] <= row["lower_bound"]
    kinds = Workspace.open(there).results("bound_prices", told["run_id"]).filter(pl.col("plan") == "joint")["kind"]
    assert "stock" in set(kinds)
    words = " ".join(radar(there, "verify", "joint").output.split())
    assert f"Of that {checked['joint']['bound_recomputed']:,.0f} is added up anew" in words


def test_a_bound_told_too_high_and_prices_of_nothing_are_found(
    held: tuple[Path, str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    joint, as_kept = pl.col("plan") == "joint", Workspace.results
    odd = joint & (pl.col("kind") == "stock")
    wrong = {
        "plan_certificates": pl.when(joint).then(pl.col("priced_bound") + 5.0).otherwise("priced_bound").alias("priced_bound"),
        "bound_prices": pl.when(odd).then(pl.lit("W-NO")).otherwise("warehouse_id").alias("warehouse_id"),
    }  # fmt: skip

    def results(workspace: Workspace, name: str, run: str | None = None) -> pl.DataFrame:
        found = as_kept(workspace, name, run)
        return found.with_columns(wrong[name]) if name in wrong else found

    monkeypatch.setattr(Workspace, "results", results)
    result = radar(held[0], "verify", held[2]["run_id"], "--json")
    assert result.exit_code == 1, result.output
    rules = {row["rule"] for row in json.loads(result.stdout)["violations"]}
    assert {"certificate.bound", "bound_prices.row"} <= rules


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"relieved": []}, "joint.relief"),
        ({"relieved": "more"}, "joint.relief"),
        ({"burdened": "more"}, "joint.relief"),
        ({"against": "dearer"}, "joint.against"),
    ],
)
def test_the_check_finds_what_is_told_wrongly_of_hubs_and_savings(
    held: tuple[Path, str, dict[str, Any]], change: dict[str, Any], rule: str
) -> None:
    there, trunk, told = held
    workspace = Workspace.open(there)
    names = ("hub_loads", "shortfalls", "plan_certificates", "route_demand")
    own, other = ({name: workspace.results(name, run) for name in names} for run in (told["run_id"], trunk))
    kept = {name: told[name] for name in ("relieved", "burdened", "against")}
    assert check_relief(own, other, kept, 10_000.0) == []
    more = {"date": told["relieved"][0]["date"], "hub_id": "S", "before": 0.9, "after": 0.5}
    wrong = {
        name: [*kept[name], more] if word == "more" else {**kept[name], "cost": kept[name]["cost"] + 9} if word == "dearer" else word
        for name, word in change.items()
    }  # fmt: skip
    assert {found.rule for found in check_relief(own, other, {**kept, **wrong}, 10_000.0)} == {rule}
    short = {**other, "route_demand": other["route_demand"].with_columns(parcels=pl.col("parcels") + 1)}
    assert {found.rule for found in check_relief(own, short, kept, 10_000.0)} == {"joint.against"}


def test_stock_for_days_without_demand_is_told_in_a_sentence(folder: Path) -> None:
    days = ("--stock-from", "2025-12-01", "--stock-to", "2025-12-03")
    result = radar(folder, "plan", "joint", "--as-of", str(AS_OF), *days)
    assert result.exit_code == 1
    assert "the trunk's demand for other days" in " ".join(result.output.split())


def test_what_carrying_costs_is_told_beside_what_is_short(folder: Path, tmp_path: Path) -> None:
    crowded = tmp_path / "crowded"
    shutil.copytree(folder, crowded)
    workspace = Workspace.open(crowded)
    with workspace.run("load") as load:
        load.upsert("warehouses", workspace.read("warehouses").with_columns(storage_capacity=pl.lit(1)))
    result = radar(crowded, "plan", "joint", "--effort", "0.05", "--as-of", str(AS_OF), "--by", "days", "--json")
    assert result.exit_code == 3, result.output
    told = json.loads(result.stdout)
    row = next(row for row in told["certificates"] if row["plan"] == "joint")
    assert row["parcels_short"] > 0
    assert told["parcels_short_at_least"] <= row["parcels_short"]
    message = str(Workspace.open(crowded).runs().filter(pl.col("run_id") == told["run_id"])["message"][0])
    priced = 10_000.0 * row["parcels_short"]  # plan.short_cost of a new radar.toml
    assert f"{row['cost'] - priced:,.0f} CNY for trunk and stock beside what is short" in message
    assert f"with that at 10,000 CNY a parcel {row['cost']:,.0f}" in message


def test_warehouses_full_on_the_first_day_are_named(folder: Path, tmp_path: Path) -> None:
    full = tmp_path / "full"
    shutil.copytree(folder, full)
    workspace = Workspace.open(full)
    with workspace.run("load") as load:
        load.upsert("warehouses", workspace.read("warehouses").with_columns(storage_capacity=pl.lit(0)))
    result = radar(full, "plan", "joint", "--effort", "0.05", "--as-of", str(AS_OF), "--json")
    assert result.exit_code == 3, result.output
    assert json.loads(result.stdout)["warehouses_full"] == ["WN", "WS"]
    words = " ".join(radar(full, "plan", "stock", "--as-of", str(AS_OF)).output.split())
    assert "Warehouses that are full on 2025-11-01, into which nothing can be brought: WN, WS." in words


def test_an_event_without_an_earlier_edition_is_named(folder: Path, tmp_path: Path) -> None:
    first = tmp_path / "first"
    shutil.copytree(folder, first)
    workspace = Workspace.open(first)
    events = workspace.read("events").filter(pl.col("edition") == 2025)
    other = events.with_columns(event_id=pl.lit("fair-2025"), name=pl.lit("Fair"))
    with workspace.run("load") as load:
        load.replace("events", pl.concat([events, other]))
    words = " ".join(radar(first, "plan", "stock", "--as-of", str(AS_OF)).output.split())
    assert "Events without an earlier edition among the sales: Fair, Sale." in words
    known = " ".join(radar(folder, "plan", "stock", "--as-of", str(AS_OF)).output.split())
    assert "without an earlier edition" not in known


def test_buyers_no_lane_leads_to_are_told_apart_from_full_warehouses(folder: Path, tmp_path: Path) -> None:
    far = tmp_path / "far"
    shutil.copytree(folder, far)
    workspace = Workspace.open(far)
    sold = workspace.read("sales").filter(pl.col("destination_region_id") == "south")
    west = (
        pl.DataFrame({"region_id": ["west"], "name": ["West"]}),
        pl.DataFrame({"hub_id": ["W"], "name": ["W"], "region_id": ["west"]}),
    )
    with workspace.run("load") as load:
        for name, rows in zip(("regions", "hubs"), west, strict=True):
            load.upsert(name, rows)
        load.upsert("sales", sold.with_columns(destination_region_id=pl.lit("west")))
    result = radar(far, "plan", "stock", "--as-of", str(AS_OF))
    assert result.exit_code == 3, result.output
    assert re.search(
        r"No warehouse is full: [1-9]\d* units are for buyers to whom no lane", " ".join(result.output.split())
    )
    refused = radar(far, "plan", "joint", "--as-of", str(AS_OF))
    assert refused.exit_code == 1, refused.output
    assert re.search(r"most from N to W: [1-9]\d* of 0", " ".join(refused.output.split()))
