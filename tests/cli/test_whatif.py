"""``radar whatif``: a what-if plans over its edits, and the workspace below stays as it was."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from cli.app import app
from data.workspace import Workspace

RUNNER = CliRunner()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = Workspace.create(tmp_path_factory.mktemp("what if") / "peak 中文")
    truck = {"vehicle_type_id": "truck", "name": "Truck", "mode": "road", "ownership": "contract"}
    demand = {
        "date": ["2025-11-11", "2025-11-12"],
        "origin_hub_id": "A",
        "destination_hub_id": "B",
        "parcels": [90, 210],
    }
    with workspace.run("load") as load:
        hubs = {"hub_id": ["A", "B"], "name": ["a", "b"], "sort_capacity": [150, 500], "buffer_capacity": [200, 500]}
        load.upsert("hubs", pl.DataFrame(hubs))
        lanes = {"lane_id": ["A-B"], "origin_hub_id": ["A"], "destination_hub_id": ["B"], "mode": ["road"]}
        load.upsert("lanes", pl.DataFrame(lanes | {"distance_km": [100.0], "transit_hours": [10.0]}))
        load.upsert("vehicle_types", pl.DataFrame([truck | {"capacity": 100, "fixed_cost": 50.0, "cost_per_km": 1.0}]))
        load.append("route_demand", pl.DataFrame(demand).with_columns(pl.col("date").str.to_date()))
    assert radar(workspace.folder, "plan", "trunk", "--effort", "0.1").exit_code == 0
    return workspace.folder


def radar(folder: Path, *arguments: str) -> Any:
    return RUNNER.invoke(app, ["--workspace", str(folder), *arguments])


def answer(folder: Path, *arguments: str) -> Any:
    result = radar(folder, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def files_of(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted((folder / "tables").rglob("*"))
        if file.is_file()
    }


def test_two_what_ifs_are_planned_beside_the_plan_and_nothing_below_changes(folder: Path) -> None:
    before = files_of(folder)
    answer(folder, "whatif", "new", "dear trucks", "--edit", "vehicle_types[vehicle_type_id=truck] fixed_cost=150")
    answer(
        folder,
        "whatif",
        "new",
        "更多分拣",
        "--edit",
        "hubs[hub_id=A] sort_capacity=300",
        "--edit",
        "hubs[hub_id=B] name=乙",
    )
    rows = answer(folder, "whatif", "run")
    assert [row["whatif"] for row in rows] == ["", "dear trucks", "更多分拣"]
    plan, dear, more = rows
    # 90 and 210 parcels by trucks of 100: 3 or 4 departures, 100 CNY more each
    assert dear["cost_change"] == pytest.approx(100 * dear["departures"])
    assert dear["departures_changed"] == 0
    assert more["carrying_cost"] < plan["carrying_cost"], "what is sorted at once waits no night"
    assert plan["overflow_probability"] is None, "no forecast, no probability"
    assert files_of(folder) == before
    assert answer(folder, "whatif", "compare", "更多分拣") == [plan, more]
    assert [row["plan"] for row in answer(folder, "whatif", "list")] == [dear["run_id"], more["run_id"]]
    assert Workspace.open(folder).writers("trunk_flows") == [plan["run_id"]], "the plan below is still the latest"


def test_a_what_if_is_a_workspace_that_every_command_reads_through_its_edits(folder: Path) -> None:
    answer(folder, "whatif", "new", "small", "--edit", "hubs[hub_id=A] sort_capacity=160")
    answer(folder, "whatif", "run", "small")
    over = folder / "whatifs" / "small"
    assert answer(over, "verify", "trunk")["valid"]
    assert answer(over, "sql", "SELECT sort_capacity FROM hubs ORDER BY hub_id") == [
        {"sort_capacity": 160},
        {"sort_capacity": 500},
    ]
    loads = Workspace.open(folder)
    assert loads.read("hubs")["sort_capacity"].to_list() == [150, 500]
    commands = [row["command"] for row in answer(over, "runs")]
    assert commands == ["load", "plan trunk", "plan trunk"]
    refused = radar(over, "remove", "hubs", "--where", "hub_id = 'A'", "--yes")
    assert refused.exit_code != 0


def test_a_what_if_tells_when_the_tables_below_have_moved_on(folder: Path) -> None:
    answer(folder, "whatif", "new", "late", "--edit", "hubs[hub_id=A] sort_capacity=170")
    with Workspace.open(folder).run("load") as load:
        load.upsert(
            "hubs", pl.DataFrame({"hub_id": ["B"], "name": ["b"], "sort_capacity": [400], "buffer_capacity": [500]})
        )
    result = radar(folder, "whatif", "run", "late")
    assert result.exit_code == 0
    assert "Table hubs has changed" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("new", "x"), "without edits"),
        (("new", "../x", "--edit", "hubs sort_capacity=1"), "name"),
        (("new", "x", "--edit", "hubs[hub_id=Z] sort_capacity=1"), "meets no row"),
        (("new", "x", "--edit", "hubs[hub_id=A] sort_capacity=-5"), "leaves"),
        (("new", "x", "--edits", "none.toml"), "cannot be read"),
        (("run", "nobody"), "no what-if nobody"),
        (("run", "--max-changes", "3"), "--near"),
        (("compare", "--plan", "nobody"), "no finished plan"),
    ],
)
def test_bad_what_ifs_are_told_in_a_sentence(folder: Path, arguments: tuple[str, ...], told: str) -> None:
    result = radar(folder, "whatif", *arguments)
    assert result.exit_code == 1
    assert told in result.stderr
    assert "Traceback" not in result.output
    assert not (folder / "whatifs" / "x").exists()


def test_a_what_if_stays_near_the_plan_when_asked(folder: Path) -> None:
    answer(folder, "whatif", "new", "near", "--edit", "hubs[hub_id=A] sort_capacity=300")
    rows = answer(folder, "whatif", "run", "near", "--near", "--max-changes", "0")
    assert rows[1]["departures_changed"] == 0


def test_edits_of_a_file_come_first_and_what_ifs_lie_over_workspaces_only(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "edits 改.toml"
    file.write_text('edits = ["hubs[hub_id=A] sort_capacity=10"]\n', encoding="utf-8")
    made = answer(folder, "whatif", "new", "both", "--edits", str(file), "--edit", "hubs[hub_id=A] sort_capacity*=20")
    assert answer(Path(made["folder"]), "sql", "SELECT sort_capacity FROM hubs WHERE hub_id = 'A'") == [
        {"sort_capacity": 200}
    ]
    assert (
        "over a workspace" in radar(Path(made["folder"]), "whatif", "new", "y", "--edit", "hubs sort_capacity=1").stderr
    )
    broken = folder / "whatifs" / "broken"
    broken.mkdir()
    (broken / "whatif.toml").write_text("edits = 3", encoding="utf-8")
    assert "no what-if" in radar(folder, "whatif", "list").stderr
    (broken / "whatif.toml").unlink()


def test_what_a_shut_hub_leaves_behind_is_no_saving(folder: Path) -> None:
    answer(folder, "whatif", "new", "shut", "--edit", "hubs[hub_id=A] sort_capacity=0")
    result = radar(folder, "whatif", "run", "shut", "--json")
    plan, shut = json.loads(result.stdout)
    assert shut["parcels_short"] == 300
    assert shut["carrying_cost"] < plan["carrying_cost"]
    assert (plan["cost_change"], shut["cost_change"]) == (0, None)
    assert "shut leaves 300 parcels more short than the plan" in " ".join(result.stderr.split())


def test_an_edit_that_the_hours_of_hubs_overrule_is_told(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path)
    with workspace.run("load") as load:
        hubs = {"hub_id": ["A", "B", "C"], "name": ["a", "b", "c"], "sort_capacity": 150, "buffer_capacity": 200}
        load.upsert("hubs", pl.DataFrame(hubs))
        hours = {"opens": "16:00", "cut_off": "22:00", "closes": "24:00", "sort_capacity": 70}
        sorts = {"hub_id": ["A", "B"], "sort_id": "late", "date_from": [date(2000, 1, 1)] * 2}
        load.upsert("hub_sorts", pl.DataFrame(sorts | hours | {"buffer_capacity": [None, 90]}))
    edits = ("--edit", "hubs sort_capacity*=2, buffer_capacity+=1")
    made = answer(tmp_path, "whatif", "new", "hubs alone", *edits)
    assert made["overruled"] == {"sort_capacity": ["A", "B"], "buffer_capacity": ["B"]}
    told = " ".join(radar(tmp_path, "whatif", "new", "told", *edits).stderr.split())
    assert "sort_capacity of A, B changes nothing" in told
    both = (
        *edits,
        "--edit",
        "hub_sorts[hub_id=A] sort_capacity*=2",
        "--edit",
        "hub_sorts[hub_id=B] buffer_capacity=99",
    )
    assert answer(tmp_path, "whatif", "new", "both", *both)["overruled"] == {"sort_capacity": ["B"]}
    others = ("--edit", "hubs[hub_id=C] sort_capacity=1", "--edit", "hubs handling_cost=.1")
    assert answer(tmp_path, "whatif", "new", "others", *others)["overruled"] == {}
