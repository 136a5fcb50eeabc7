"""Everyday files that once went wrong, where the folder with them stands beside the repo: each gives the right answer.

Small twins of each, made by the tests themselves, stand in ``tests/data/test_planner_files.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from data.workspace import Workspace

RUNNER = CliRunner()
VOLUMES = ("load", "route_volumes", "--set", "courier_id=x", "--add-missing", "hubs,couriers")
Radar = Callable[..., Result]


@pytest.fixture
def cases(shared: Path) -> Path:
    folder = shared / "cases"
    if not folder.is_dir():
        pytest.skip(f"no cases: {folder} is absent (set PARCELRADAR_SHARED)")
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "plan")


@pytest.fixture
def radar(workspace: Workspace) -> Radar:
    return lambda *arguments: RUNNER.invoke(app, ["-w", str(workspace.folder), *(str(part) for part in arguments)])


def _hubs(workspace: Workspace) -> list[str]:
    return workspace.read("hubs")["hub_id"].sort().to_list()


def test_two_bad_rows_are_set_apart_and_the_others_taken(cases: Path, workspace: Workspace, radar: Radar) -> None:
    result = radar(*VOLUMES, cases / "01-two-bad-rows" / "volumes.csv")
    assert result.exit_code == 3
    assert "60 rows read, 58 taken, 2 set apart" in result.stdout
    assert workspace.read("route_volumes")["parcels"].sum() == 9608
    assert workspace.read("rejected_rows").sort("row").select("row", "column", "value").rows() == [
        (12, "date", "2025-10-32"),
        (42, "parcels", "n.a.n"),
    ]


def test_units_in_headers_are_converted_or_refused(cases: Path, workspace: Workspace, radar: Radar) -> None:
    folder = cases / "03-unit-in-header"
    assert radar(*VOLUMES, folder / "volumes.csv").exit_code == 0
    assert workspace.read("route_volumes")["parcels"].sum() == 250_000
    assert radar("load", "lanes", folder / "lanes.csv").exit_code == 0
    assert workspace.read("lanes").select("distance_km", "transit_hours").rows() == [(1200.0, 15.0)]
    result = radar("load", "vehicle_types", folder / "vehicle_types.csv")
    assert result.exit_code == 1
    assert "吨" in result.stderr
    assert "parcels/departure" in result.stderr
    assert not workspace.read("vehicle_types").height
    said = radar("load", "vehicle_types", folder / "vehicle_types.csv", "--unit", "capacity=件")
    assert said.exit_code == 0, said.stderr
    assert "'固定成本(万元)' is read in 万元: times 10,000 gives CNY/departure" in said.stderr
    assert workspace.read("vehicle_types").select("capacity", "fixed_cost", "cost_per_km").rows() == [(30, 1200, 4.5)]


def test_sheets_of_one_header_are_read_together(cases: Path, workspace: Workspace, radar: Radar) -> None:
    assert radar(*VOLUMES, cases / "04-month-sheets" / "volumes.xlsx").exit_code == 0
    rows = workspace.read("route_volumes")
    assert (rows.height, rows["parcels"].sum()) == (84, 85_134)


def test_sum_rows_make_no_hub(cases: Path, workspace: Workspace, radar: Radar) -> None:
    result = radar(*VOLUMES, cases / "05-total-rows" / "volumes.xlsx")
    assert result.exit_code == 0
    assert "30 sum row(s) left out" in result.stdout
    assert workspace.read("route_volumes")["parcels"].sum() == 18_000
    assert _hubs(workspace) == sorted(["上海", "北京", "广州"])


def test_a_planners_sheet_is_read_or_says_where_its_header_is(cases: Path, workspace: Workspace, radar: Radar) -> None:
    folder = cases / "08-planner-sheet"
    assert radar(*VOLUMES, folder / "volumes.xlsx").exit_code == 0
    rows = workspace.read("route_volumes")
    assert (rows.height, rows["parcels"].sum()) == (21, 4_263)
    assert _hubs(workspace) == sorted(["上海", "北京", "广州"])
    assert radar(*VOLUMES, folder / "cover.xlsx", "--replace").exit_code == 0
    assert workspace.read("route_volumes").height == 28
    assert radar(*VOLUMES, folder / "sep.csv", "--replace").exit_code == 0
    assert workspace.read("route_volumes")["parcels"].sort().to_list() == [1234, 1500]
    result = radar(*VOLUMES, folder / "preamble.csv")
    assert result.exit_code == 1
    assert "row 4 looks like the header" in result.stderr


def test_months_are_written_as_months(cases: Path, workspace: Workspace, radar: Radar) -> None:
    file = cases / "09-months" / "capacity.csv"
    assert radar("load", "courier_capacity", file, "--add-missing", "couriers").exit_code == 0
    assert workspace.read("courier_capacity")["month"].sort().to_list() == [
        *(date(2025, month, 1) for month in range(9, 13)),
        date(2026, 1, 1),
    ]


def test_one_hub_in_five_spellings_is_one_hub(cases: Path, workspace: Workspace, radar: Radar) -> None:
    result = radar(*VOLUMES, cases / "12-near-ids" / "volumes.csv")
    assert result.exit_code == 0
    assert "'sh1'" in result.stderr
    assert "taken as 'SH1'" in result.stderr
    assert _hubs(workspace) == ["B", "SH1"]


@pytest.mark.parametrize(
    ("name", "code", "taken", "says"),
    [
        ("rejected-two-rows.csv", 3, 50, "2 x parcels is not a number"),
        ("rejected-one-row-two-cells.csv", 3, 50, "1 x date is not a date"),
        ("hidden-first-sheet.xlsx", 0, 27, "hidden and not read: old"),
        ("year-2052.csv", 1, 0, "lies in the future"),
        ("lone-surrogate-list.json", 1, 0, "half of a character"),
        ("broken-feature-collection.json", 1, 0, "broken JSON"),
        ("duration-parcels.parquet", 1, 0, "parcels is not a number"),
    ],
)
def test_hostile_files_end_in_a_sentence(
    cases: Path, workspace: Workspace, radar: Radar, name: str, code: int, taken: int, says: str
) -> None:
    result = radar("load", "route_volumes", "--add-missing", "hubs,couriers", cases / "hostile" / name)
    assert result.exit_code == code, result.output
    assert says in result.stderr
    assert workspace.read("route_volumes").height == taken
    assert not workspace.read("route_volumes").filter(pl.col("parcels") > 5).height
