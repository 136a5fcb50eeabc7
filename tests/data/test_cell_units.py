"""Cells that say their own unit are read by it, whatever the header says; what is no unit of the column is refused."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from data.contracts import contract
from data.errors import RadarError
from data.ingest.cell_units import read_own_units
from data.ingest.files import load_files
from data.ingest.profiles import Profile
from data.workspace import Workspace

PARCELS = contract("route_volumes").column("parcels")
HOURS = contract("lanes").column("transit_hours")
KILOMETRES = contract("lanes").column("distance_km")


@pytest.mark.parametrize(
    ("cell", "parcels"),
    [
        ("12件", 12),
        ("1,200 票", 1200),
        ("3万件", 30_000),
        ("1.2345万票", 12_345),
        ("７件", 7),
        ("5吨", None),
        ("12 km", None),
        ("0.5件", None),
    ],
)
def test_parcels_are_counted_in_the_unit_of_the_cell(cell: str, parcels: int | None) -> None:
    values, rules, said = read_own_units(pl.Series([cell, "8件"]), PARCELS, decimal_comma=False)
    assert values.to_list() == [parcels, 8]
    assert rules.to_list() == ["is not a whole number" if cell == "0.5件" else None, None]
    assert said.to_list() == [parcels is not None or cell == "0.5件", True]


@pytest.mark.parametrize(
    ("cell", "hours"),
    [
        ("5:30", 5.5),
        ("26:15", 26.25),
        ("5:30:36", 5.51),
        ("5小时30分", 5.5),
        ("5 h 30 min", 5.5),
        ("1天2小时", 26.0),
        ("90分钟", 1.5),
        ("2 d", 48.0),
        ("1899-12-31 05:30:00", 5.5),
        ("1900-01-01 06:00:00", 30.0),
        ("5:75", None),
        ("5公里", None),
        ("2025-11-01 05:30:00", None),
    ],
)
def test_hours_may_be_a_clock_or_spoken(cell: str, hours: float | None) -> None:
    found = read_own_units(pl.Series([cell, "1小时"]), HOURS, decimal_comma=False)[0].to_list()
    assert found == [hours if hours is None else pytest.approx(hours), 1.0]


def test_a_clock_is_no_distance() -> None:
    found = read_own_units(pl.Series(["5:30", "100公里", "800米"]), KILOMETRES, decimal_comma=False)[0].to_list()
    assert found == [None, 100.0, 0.8]


@given(st.integers(0, 999), st.integers(0, 59))
def test_hours_and_minutes_come_back(hours: int, minutes: int) -> None:
    cells = pl.Series([f"{hours}:{minutes:02}", f"{hours}小时{minutes}分"])
    found = read_own_units(cells, HOURS, decimal_comma=False)[0]
    assert found.to_list() == pytest.approx([hours + minutes / 60] * 2)


def test_what_the_header_says_is_not_put_on_top(tmp_path: Path) -> None:
    """Under 货量（万件） a bare 2 is 20,000; 12件 are twelve and 3万件 thirty thousand."""
    workspace = Workspace.create(tmp_path / "plan")
    file = tmp_path / "v.csv"
    rows = ["2025-11-01,A,B,2", "2025-11-02,A,B,12件", "2025-11-03,A,B,3万件"]
    file.write_text("\n".join(["日期,始发,目的,货量（万件）", *rows]), encoding="utf-8")
    profile = Profile("route_volumes", (str(file),), constants={"courier_id": "x"}, add_missing=("hubs", "couriers"))
    load_files(workspace, profile)
    assert workspace.read("route_volumes").sort("date")["parcels"].to_list() == [20_000, 12, 30_000]


def test_lanes_of_a_workbook_may_take_hours_and_minutes(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "plan")
    file = tmp_path / "lanes.xlsx"
    book = xlsxwriter.Workbook(str(file))
    sheet = book.add_worksheet()
    clock, long_clock = book.add_format({"num_format": "h:mm"}), book.add_format({"num_format": "[h]:mm"})
    sheet.write_row(0, 0, ["线路", "始发", "目的", "运输方式", "里程", "时长"])
    for row, (value, form) in enumerate([(5.5 / 24, clock), (30.25 / 24, long_clock), (8.5, None)], start=1):
        sheet.write_row(row, 0, [f"L{row}", "A", "B", "公路", "100公里"])
        sheet.write_number(row, 5, value, form)
    book.close()
    load_files(workspace, Profile("lanes", (str(file),), add_missing=("hubs",)))
    assert workspace.read("lanes").sort("lane_id")["transit_hours"].to_list() == pytest.approx([5.5, 30.25, 8.5])


def test_a_unit_of_another_kind_is_refused_with_the_cell(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "plan")
    file = tmp_path / "v.csv"
    file.write_text("日期,始发,目的,货量\n2025-11-01,A,B,5吨\n2025-11-02,A,B,7吨\n", encoding="utf-8")
    profile = Profile("route_volumes", (str(file),), constants={"courier_id": "x"}, add_missing=("hubs", "couriers"))
    with pytest.raises(RadarError, match=r"2 x parcels is not a number .*'5吨'"):
        load_files(workspace, profile)
