"""Files as people of three countries and their systems make them: what is told of each is true, and right numbers come of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from data.contracts import contract
from data.errors import RadarError
from data.ingest.cell_units import read_own_units
from data.ingest.folders import match_files
from data.ingest.loading import LOADABLE
from data.ingest.numbers import parse_fractions, parse_wholes
from data.sources import Layout, open_file
from data.workspace import Workspace

HEADER = "日期,始发,目的,货量"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "计划 2026 [1]#%20")


def load(workspace: Workspace, file: Path | str, *words: str, table: str = "route_volumes") -> Result:
    links = ["--set", "courier_id=ours", "--add-missing", "hubs,couriers"] if table == "route_volumes" else []
    return CliRunner().invoke(app, ["--workspace", str(workspace.folder), "load", table, str(file), *links, *words])


def write(folder: Path, text: str, name: str = "货量.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def parcels(workspace: Workspace) -> list[int]:
    return workspace.read("route_volumes").sort("date", "origin_hub_id")["parcels"].to_list()


@pytest.mark.parametrize(
    ("written", "number"),
    [("(5)", -5), ("（1,234）", -1234), ("5-", -5), ("1,234-", -1234), ("1.2萬", 12_000), ("3億", 300_000_000)],
)
def test_numbers_of_book_keepers_and_of_the_old_script(written: str, number: int) -> None:
    text = pl.Series([written, "7"])
    assert parse_wholes(text, decimal_comma=False)[0].to_list() == [number, 7]
    assert parse_fractions(text, decimal_comma=False)[0].to_list() == [number, 7]


@pytest.mark.parametrize("written", ["(5", "5)", "5-6", "-", "(-)", "(5)-"])
def test_what_only_looks_like_them_is_no_number(written: str) -> None:
    values, rules = parse_fractions(pl.Series([written, "7"]), decimal_comma=False)
    assert values.to_list() == [None, 7.0]
    assert rules.to_list() == ["is not a number", None]


@pytest.mark.parametrize(
    ("written", "latitude", "longitude"),
    [
        ("39.9°S", -39.9, None),
        ("23.5 N", 23.5, None),
        ("南纬23.5度", -23.5, None),
        ("s23.5", -23.5, None),
        ("46.6W", None, -46.6),
        ("东经121.5", None, 121.5),
        ("31°30′36″N", 31.51, None),
        ("31º30'", 31.5, 31.5),
        ("-31°30'", None, None),
        ("31件", None, None),
    ],
)
def test_degrees_south_and_west_are_below_nothing(
    written: str, latitude: float | None, longitude: float | None
) -> None:
    for name, expected in (("latitude", latitude), ("longitude", longitude)):
        found = read_own_units(pl.Series([written]), contract("hubs").column(name), decimal_comma=False)[0]
        assert found.to_list() == [None if expected is None else pytest.approx(expected)]


@pytest.mark.parametrize(
    ("written", "cost"), [("¥1,234.50", 1234.5), ("￥12", 12.0), ("CNY 3", 3.0), ("$12", None), ("R$ 12", None)]
)
def test_the_sign_of_money_may_stand_before_it(written: str, cost: float | None) -> None:
    column = contract("vehicle_types").column("fixed_cost")
    assert read_own_units(pl.Series([written]), column, decimal_comma=False)[0].to_list() == [cost]


def test_files_put_together_repeat_their_header_with_its_mark(tmp_path: Path, workspace: Workspace) -> None:
    part = f"\ufeff{HEADER}\n2025-11-0{{}},SH,BJ,{{}}\n"
    told = load(workspace, write(tmp_path, part.format(1, 5) + part.format(2, 6) + part.format(3, 7)))
    assert (told.exit_code, parcels(workspace)) == (0, [5, 6, 7]), told.output
    assert "2 x the row repeats the header" in told.output


def test_a_sum_may_be_told_in_a_column_of_its_own(tmp_path: Path, workspace: Workspace) -> None:
    rows = ["合计,,,,11,", "1,2025-11-01,SH,BJ,5,全网", "2,2025-11-02,SH,BJ,6,全网", "小计,,,,11,"]
    told = load(workspace, write(tmp_path, "\n".join([f"序号,{HEADER},口径", *rows]) + "\n"))
    assert (told.exit_code, parcels(workspace)) == (0, [5, 6]), told.output
    assert "2 x the row is a sum row" in told.output


def test_a_separator_at_the_end_of_each_line_holds_nothing(tmp_path: Path, workspace: Workspace) -> None:
    rows = [f"2025-11-{day:02d},SH,BJ,{day},," for day in range(1, 31)]
    told = load(workspace, write(tmp_path, "\n".join([HEADER, *rows]) + "\n"))
    assert (told.exit_code, parcels(workspace)) == (0, list(range(1, 31))), told.output
    odd = ["2025-12-01,SH,BJ,1,2,", "2025-12-02,SH,BJ,3", "2025-12-03,SH,BJ,4,,"]
    source = open_file(write(tmp_path, "\n".join([HEADER, *rows * 2, *odd]) + "\n"), Layout())
    batches = list(source.read())
    assert sum(batch.frame.height for batch in batches) == 61
    assert [batch.frame.width for batch in batches] == [4] * len(batches)
    apart = pl.concat([batch.broken for batch in batches]).sort("row")
    assert apart["row"].to_list() == [62, 63]  # a value without a name is not passed over
    told_rows = [f"has {count} cells where the header has 4 and the rows 6" for count in (6, 4)]
    assert apart["rule"].to_list() == told_rows


def test_a_value_without_a_name_in_most_rows_is_the_headers_mistake(tmp_path: Path) -> None:
    rows = [f"2025-11-{day:02d},SH,BJ,{day},7" for day in range(1, 10)]
    batches = list(open_file(write(tmp_path, "\n".join([HEADER, *rows]) + "\n"), Layout()).read())
    assert sum(batch.frame.height for batch in batches) == 0
    assert {rule for batch in batches for rule in batch.broken["rule"]} == {"has 5 cells where the header has 4"}


def test_a_header_of_two_lines_whose_names_stand_over_each_other_is_told_as_one(
    tmp_path: Path, workspace: Workspace
) -> None:
    text = "日期,货量\n始发,目的\n2025-11-01,SH\n2025-11-02,SH\n"
    told = load(workspace, write(tmp_path, text))
    assert told.exit_code == 1
    assert "row 2" in told.output
    assert "write the names in one line: those of a header of two stand with date, parcels above" in told.output
    assert "--set" not in told.output


@pytest.mark.parametrize(
    "address",
    ["https://planner:se#cr@et@example.org/hubs.csv?key=tok3n", "postgresql://planner:se#cr@et@db/parcels", "s3://b/k"],
)
def test_an_address_in_place_of_a_file_is_told_without_who_opens_it(workspace: Workspace, address: str) -> None:
    for words in (["hubs", address], ["hubs", "x.csv", "--sql", address]):
        told = CliRunner().invoke(app, ["--workspace", str(workspace.folder), "load", *words])
        assert told.exit_code == 1
        assert "an address" in told.output or "***@" in told.output or "no such file" in told.output.casefold()
        assert not any(secret in told.output for secret in ("se#cr", "et@", "tok3n", "planner")), told.output


def test_a_sheet_is_none_of_a_text_file(tmp_path: Path, workspace: Workspace) -> None:
    file = write(tmp_path, f"{HEADER}\n2025-11-01,SH,BJ,5\n")
    told = load(workspace, file, "--sheet", "货量表")
    assert (told.exit_code, parcels(workspace)) == (0, [5])
    assert "--sheet 货量表 is passed over: only workbooks have sheets" in told.output
    assert "read with sheet" not in told.output
    assert "passed over" not in load(workspace, file, "--sheet", "*").output


def test_days_and_hours_of_a_dispatchers_list(tmp_path: Path, workspace: Workspace) -> None:
    header = "waybill_id,origin_hub_id,destination_hub_id,ordered_at,delivered_at,status"
    rows = [
        "W1,SH,BJ,2025年11月1日 上午9:30,2025年11月2日 下午3:05,已签收",
        "W2,SH,BJ,2025/11/1 9:30 PM,2025/11/3 12:05 AM,已签收",
    ]
    told = load(
        workspace, write(tmp_path, "\n".join([header, *rows]) + "\n"), "--add-missing", "hubs", table="waybills"
    )
    assert told.exit_code == 0, told.output
    local = (
        workspace.read("waybills")
        .sort("waybill_id")
        .select(pl.col("ordered_at", "delivered_at").dt.convert_time_zone("Asia/Shanghai"))
    )
    shown = [[moment.strftime("%d %H:%M") for moment in row] for row in local.rows()]
    assert shown == [["01 09:30", "02 15:05"], ["01 21:30", "03 00:05"]]


def test_days_without_their_year_are_asked_for_it(tmp_path: Path, workspace: Workspace) -> None:
    good = [f"2025-11-{day:02d},SH,BJ,{day}" for day in range(1, 31)] + [
        f"2025-10-{day:02d},SH,BJ,9" for day in range(1, 31)
    ]
    told = load(workspace, write(tmp_path, "\n".join([HEADER, *good, "11/8,SH,BJ,5", "8.12.25,SH,BJ,6"]) + "\n"))
    assert told.exit_code == 3, told.output
    assert "date is a date without a year: write it with four digits" in told.output
    assert "date has a year of two digits: write all four" in told.output
    assert workspace.read("route_volumes")["date"].max() == date(2025, 11, 30)
    assert workspace.runs()["outcome"].to_list()[-1] == "rejected"


def test_no_error_shows_a_password_whatever_it_is_about() -> None:
    address = "https:/planner:p@ss@example.org/a.csv?key=1"
    error = RadarError(f"no {address}", f"another than {address}", f"not {address}", file=address)
    for told in (str(error), error.found, error.expected, error.action, str(error.file)):
        assert "p@ss" not in told
        assert "key=1" not in told
        assert "https:/***@example.org/a.csv" in told


@pytest.mark.parametrize("header", [",".join(f"c{at}" for at in range(200_000)), "x" * 2_000_000 + ",y"])
def test_columns_that_were_not_counted_are_not_told_as_counted(tmp_path: Path, header: str) -> None:
    with pytest.raises(RadarError, match="a header of more than 1,048,576 bytes"):
        open_file(write(tmp_path, f"{header}\n1\n"), Layout())


def test_a_file_goes_to_the_longest_table_its_name_begins_with(tmp_path: Path) -> None:
    for name in ("stock-2025.csv", "stock_receipts-2025.csv", "Stock Receipts 11月.xlsx", "stocks.csv"):
        (tmp_path / name).write_text("x")
    found = match_files(tmp_path, LOADABLE)
    told = {table: sorted(path.name for path in paths) for table, paths in found.tables.items()}
    assert told == {
        "stock": ["stock-2025.csv"],
        "stock_receipts": ["Stock Receipts 11月.xlsx", "stock_receipts-2025.csv"],
    }
    assert list(found.others) == ["stocks.csv"]
