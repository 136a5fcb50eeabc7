"""Rows taken out and given back, tables described, queries stopped, files that are not replaced."""

from __future__ import annotations

import json
import os
import re
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from data.errors import RadarError
from data.exports import whole_file
from data.undoing import count_naming
from data.workspace import Workspace

RUNNER = CliRunner()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace.create(tmp_path / "peak")
    for names in (["A", "B"], ["C", "D"]):
        file = tmp_path / "hubs.csv"
        file.write_text("hub_id,name\n" + "".join(f"{name},{name}\n" for name in names))
        assert radar(workspace, "load", "hubs", str(file)).exit_code == 0
    return workspace


def radar(workspace: Workspace, *arguments: str, typed: str | None = None) -> Result:
    return RUNNER.invoke(app, ["-w", str(workspace.folder), *arguments], input=typed)


def hubs(workspace: Workspace) -> str:
    return "".join(workspace.read("hubs")["hub_id"])


def test_rows_are_shown_asked_for_taken_out_and_given_back(workspace: Workspace) -> None:
    remove = ("remove", "hubs", "--where", "hub_id IN ('A', 'D')")
    refused = radar(workspace, *remove, typed="n\n")
    assert (refused.exit_code, hubs(workspace)) == (1, "ABCD")
    assert "2 of 4 rows of hubs" in refused.stdout
    assert radar(workspace, *remove, typed="y\n").exit_code == 0
    assert hubs(workspace) == "BC"
    told = json.loads(radar(workspace, "remove", "hubs", "--where", "hub_id = 'B' -- or not", "--yes", "--json").stdout)
    assert (told["rows_removed"], told["rows_left"], hubs(workspace)) == (1, 1, "C")
    for left in ("BC", "ABCD", "AB", ""):
        undone = radar(workspace, "undo", "--yes")
        assert undone.exit_code == 0, undone.output
        assert hubs(workspace) == left
    spent = radar(workspace, "undo", "--yes")
    assert (spent.exit_code, "no load or removal to take back" in spent.stderr) == (1, True)


def test_rows_of_other_tables_that_name_what_goes_are_counted(workspace: Workspace) -> None:
    lanes = [("A-B", "A", "B"), ("B-A", "B", "A"), ("C-D", "C", "D")]
    names = ("lane_id", "origin_hub_id", "destination_hub_id")
    way = {"mode": "road", "distance_km": 5.0, "transit_hours": 1.0}
    volume = {"date": date(2025, 11, 1), "courier_id": "x", "origin_hub_id": "C", "destination_hub_id": "A"}
    with workspace.run("load") as run:
        run.upsert("lanes", pl.DataFrame([dict(zip(names, lane, strict=True)) | way for lane in lanes]))
        run.upsert("route_volumes", pl.DataFrame([volume | {"parcels": 1}]))
    rows = workspace.read("hubs").filter(pl.col("hub_id").is_in(["A", "B"]))
    assert count_naming(workspace, "hubs", rows) == {"lanes": 2, "route_volumes": 1}
    assert count_naming(workspace, "lanes", workspace.read("lanes")) == {}
    told = radar(workspace, "remove", "hubs", "--where", "hub_id IN ('A', 'B')", "--yes")
    assert "name what is to go: lanes 2, route_volumes 1" in told.stderr


def test_rows_whose_key_has_an_empty_part_are_taken_out_too(workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "weather.csv"
    file.write_text(
        "valid_at,latitude,longitude,temperature_c\n"
        + "".join(f"2025-11-0{d}T00:00Z,30,12{d},{d}\n" for d in (1, 2, 3))
    )
    assert radar(workspace, "load", "weather_observations", str(file)).exit_code == 0
    assert workspace.read("weather_observations")["issued_at"].null_count() == 3
    told = json.loads(
        radar(workspace, "remove", "weather_observations", "--where", "temperature_c > 1", "--yes", "--json").stdout
    )
    left = workspace.read("weather_observations")["temperature_c"].to_list()
    assert (told["rows_removed"], told["rows_left"], left) == (2, 1, [1.0])


def test_undo_refuses_what_was_written_to_since(workspace: Workspace) -> None:
    with workspace.run("weather impact") as run:
        run.upsert("hubs", pl.DataFrame({"hub_id": ["E"], "name": ["E"]}))
    refused = radar(workspace, "undo", "--yes")
    assert (refused.exit_code, "hubs was written to since" in refused.stderr) == (1, True)
    assert hubs(workspace) == "ABCDE"


@pytest.mark.parametrize(
    ("table", "where", "told"),
    [
        ("hubs", "", "empty condition"),
        ("hubs", "nothing = 1", "cannot be answered"),
        ("hubs", "hubs_id = 'A'", "did you mean hub_id?"),
        ("hubs", "1) UNION SELECT (2", "cannot be answered"),
        ("hub_loads", "true", "radar withdraw"),
        ("hbus", "true", "Did you mean hubs?"),
    ],
)
def test_wrong_conditions_take_nothing_out(workspace: Workspace, table: str, where: str, told: str) -> None:
    result = radar(workspace, "remove", table, "--where", where, "--yes")
    assert result.exit_code == 1
    assert told.casefold() in result.stderr.casefold()
    assert hubs(workspace) == "ABCD"


def test_tables_are_listed_and_described(workspace: Workspace) -> None:
    listed = json.loads(radar(workspace, "tables", "--json").stdout)
    assert {"hubs", "lanes", "runs"} <= {row["table"] for row in listed}
    lanes = json.loads(radar(workspace, "tables", "lanes", "--json").stdout)
    assert {"column": "distance_km", "unit": "km"}.items() <= lanes["columns"][4].items()
    assert "transit_hours" in radar(workspace, "tables", "lanes").stdout


def test_a_query_without_end_is_stopped(workspace: Workspace) -> None:
    endless = "SELECT count(*) FROM range(100000000) a, range(100000000) b"
    stopped = radar(workspace, "sql", endless, "--timeout", "0.3")
    assert (stopped.exit_code, "stopped after 0.3 seconds" in stopped.stderr) == (1, True)
    assert radar(workspace, "sql", "SELECT 1 AS x", "--timeout", "60").exit_code == 0


def test_every_table_goes_to_a_folder(workspace: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert radar(workspace, "export", "--all", "--out", str(out)).exit_code == 0
    assert sorted(path.name for path in out.iterdir()) == ["hubs.csv", "runs.csv"]
    for wrong in (["--all"], ["hubs", "--all", "--out", str(out)], ["--all", "--run", "x", "--out", str(out)], []):
        assert radar(workspace, "export", *wrong).exit_code == 1


def test_links_and_devices_are_not_replaced(workspace: Workspace, tmp_path: Path) -> None:
    precious = tmp_path / "precious.txt"
    precious.write_text("kept")
    link = tmp_path / "link.csv"
    link.symlink_to(precious)
    dangling = tmp_path / "dangling.csv"
    dangling.symlink_to(tmp_path / "nowhere")
    pipe = tmp_path / "pipe.csv"  # as a device is one, but nobody misses it
    os.mkfifo(pipe)
    for out in (link, dangling, pipe, tmp_path):
        refused = radar(workspace, "export", "hubs", "--out", str(out))
        assert (refused.exit_code, "is not replaced" in refused.stderr) == (1, True), out
    assert (precious.read_text(), link.is_symlink(), pipe.is_fifo()) == ("kept", True, True)


def test_a_file_is_there_whole_or_not_at_all_and_takes_no_place_of_a_link_or_pipe(tmp_path: Path) -> None:
    """What every command writes its files with; a pipe stands for a device, as no test may replace one."""
    precious, pipe, link = tmp_path / "precious.txt", tmp_path / "pipe", tmp_path / "link"
    precious.write_text("kept")
    link.symlink_to(precious)
    os.mkfifo(pipe)
    for path, kind in ((link, "a link"), (pipe, "a device or a pipe"), (tmp_path, "a folder")):
        with pytest.raises(RadarError, match=f"is {kind} and is not replaced"), whole_file(path) as partial:
            partial.write_text("new")
    with pytest.raises(ZeroDivisionError), whole_file(precious) as partial:
        partial.write_text("half")
        raise ZeroDivisionError
    assert (precious.read_text(), pipe.is_fifo(), link.is_symlink()) == ("kept", True, True)
    with whole_file(tmp_path / "a b" / "中文.txt", make_folder=True) as partial:
        partial.write_text("whole")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a b", "link", "pipe", "precious.txt", "中文.txt"]


def test_no_room_writes_a_file_by_itself() -> None:
    """Files go out through ``whole_file``, which refuses devices and links: nothing else puts a file in another's place."""
    root = Path(__file__).resolve().parents[2]
    replacing = re.compile(r"\b(?:half|partial|temporary|beside)\.(?:replace|rename)\(|os\.(?:replace|rename)\(")
    own = {
        "data/exports.py",
        "data/mirror.py",
        "data/delta.py",
        "data/ingest/geometry.py",
    }  # but for the first, inside a workspace
    found = {
        str(path.relative_to(root))
        for room in ("cli", "reports", "data", "operations", "parcelradar", "routing", "forecasting", "weather")
        for path in (root / room).rglob("*.py")
        if replacing.search(path.read_text(encoding="utf-8"))
    }
    assert found <= own
