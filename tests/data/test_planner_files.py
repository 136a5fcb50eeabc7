"""Files as planners keep them: titles, sums, sheets, units, days across; each with the right numbers by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
import xlsxwriter

from data.contracts import TABLES, contract
from data.errors import RadarError
from data.ingest import layout
from data.ingest.asides import HEADER, NOTE, SUM, is_sum
from data.ingest.dates import parse_days
from data.ingest.files import load_files, preview_files
from data.ingest.future import tomorrow
from data.ingest.ids import DIGITS_LOST, EXPONENT, NO_VALUE, find_damaged, fold_id
from data.ingest.loading import Loaded
from data.ingest.profiles import Profile, read_profile
from data.ingest.rows import DIFFERS_BESIDE
from data.ingest.units import find_conversion, unit_in
from data.workspace import Workspace

Load = Callable[..., Loaded]
DAYS = [date(2025, 11, day) for day in range(1, 4)]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "plan")


@pytest.fixture
def load(workspace: Workspace) -> Load:
    def run(file: Path | Sequence[Path], table: str = "route_volumes", **options: Any) -> Loaded:
        files = [file] if isinstance(file, Path) else file
        usual: dict[str, Any] = (
            {"constants": {"courier_id": "x"}, "add_missing": ("hubs", "couriers")} if table == "route_volumes" else {}
        )
        keep_as = options.pop("keep_as", None)
        profile = Profile(table, tuple(str(path) for path in files), **(usual | options))
        return load_files(workspace, profile, keep_as=keep_as)

    return run


def _csv(folder: Path, text: str, name: str = "v.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


Sheet = tuple[str, Sequence[Sequence[object]]]


def _book(path: Path, *sheets: Sheet, hidden: str = "", merged: Sequence[str] = (), date_1904: bool = False) -> Path:
    book = xlsxwriter.Workbook(str(path), {"date_1904": date_1904})
    form = book.add_format({"num_format": "yyyy-mm-dd"})
    for title, rows in sheets:
        sheet = book.add_worksheet(title)
        if title == hidden:
            sheet.hide()
        elif hidden:
            sheet.activate()
            sheet.set_first_sheet()
        for at, row in enumerate(rows):
            for column, cell in enumerate(row):
                if isinstance(cell, date):
                    sheet.write_datetime(at, column, datetime(cell.year, cell.month, cell.day), form)  # noqa: DTZ001
                elif cell is not None:
                    sheet.write(at, column, cell)
        for area in merged:
            first = area.partition(":")[0]
            sheet.merge_range(area, rows[int(first[1:]) - 1][ord(first[0]) - 65])
    book.close()
    return path


def _volumes(workspace: Workspace) -> pl.DataFrame:
    return workspace.read("route_volumes")


def _hubs(workspace: Workspace) -> list[str]:
    return workspace.read("hubs")["hub_id"].sort().to_list()


# --- rows set apart ---


def _with_bad_rows(good: int, bad: int) -> str:
    lines = [f"2025-{1 + at // 28:02d}-{1 + at % 28:02d},A,B,1" for at in range(good)]
    return "date,origin,destination,parcels\n" + "\n".join([*lines, *["soon,A,B,n.a.n"] * bad]) + "\n"


@pytest.mark.parametrize(("bad", "loads"), [(1, True), (2, True), (4, True), (5, True), (6, False)])
def test_up_to_five_in_a_hundred_rows_may_be_bad(
    tmp_path: Path, workspace: Workspace, load: Load, bad: int, loads: bool
) -> None:
    file = _csv(tmp_path, _with_bad_rows(100 - bad, bad))
    if not loads:
        with pytest.raises(RadarError, match="6 of 100 rows"):
            load(file)
        return
    loaded = load(file)
    assert (loaded.ingestion.read, loaded.ingestion.rows.height, loaded.ingestion.set_apart) == (100, 100 - bad, bad)
    # two cells of each row are bad
    assert workspace.read("rejected_rows").height == 2 * bad


def test_bad_rows_of_two_files_and_two_loads_are_all_kept(tmp_path: Path, workspace: Workspace, load: Load) -> None:
    text = _with_bad_rows(50, 1)
    files = [_csv(tmp_path, text, "a.csv"), _csv(tmp_path, text.replace(",1\n", ",2\n").replace("A,B", "B,A"), "b.csv")]
    for _ in range(2):
        assert load(files).ingestion.set_apart == 2
    kept = workspace.read("rejected_rows")
    assert kept["file"].unique().sort().to_list() == [str(path) for path in files]
    assert kept["run_id"].n_unique() == 2
    assert kept.height == 8


def test_sums_headers_and_notes_are_no_bad_rows(tmp_path: Path, workspace: Workspace, load: Load) -> None:
    text = (
        "日期,始发,目的,货量\n2025-11-01,A,B,1\n2025-11-01,B,A,2\n小计,,,3\n日期,始发,目的,货量\n2025-11-02,A,B,4\n"
        "2025-11-02,合 计,合 计,4\n合计,7\n,,,,\n注：不含退件\n数据来源：计划部,,,\n审核：李四\n制表：王五,,审核：赵六,\n(84 行受影响)\n"
    )
    loaded = load(_csv(tmp_path, text))
    assert loaded.ingestion.count_asides() == {SUM: 3, HEADER: 1, NOTE: 5}
    assert (loaded.ingestion.set_apart, loaded.ingestion.read) == (0, 12)
    assert _volumes(workspace)["parcels"].sum() == 7
    assert _hubs(workspace) == ["A", "B"]
    assert workspace.read("runs").row(-1, named=True)["outcome"] == "done"


@pytest.mark.parametrize(
    "word",
    [
        "合计",
        "总计",
        "小计",
        "共计",
        "汇总",
        "全网",
        "Total",
        "Grand Total",
        "Subtotal",
        "SUM",
        "ＴＯＴＡＬ",
        " 合 计：",
        "华东小计",
        "合計",
        "總計",
        "（合计）",
        "[Total]",
        "*Total*",
        "TOTAL (A)",
        "Total geral",
        "平均",
        "Average",
        "总数",
        "Zwischensumme",
        "Total général",
        "Sous-total",
        "Общий итог",
        "총계",
        "Tổng cộng",
    ],
)
def test_words_for_sums_are_known_in_any_writing(word: str) -> None:
    assert is_sum(word)


@pytest.mark.parametrize(
    "word",
    [
        "北京",
        "SUM1",
        "Totalis",
        "T1",
        "全州",
        "Summit",
        "合肥",
        "总部",
        "均衡",
        "Mean Street",
        "Somalia",
        "*",
        "平均站",
        "总仓",
        "Sommerda",
        "计家墩",
    ],
)
def test_ids_are_no_words_for_sums(word: str) -> None:
    assert not is_sum(word)


def test_a_sum_row_is_no_reference_row_either(tmp_path: Path, workspace: Workspace, load: Load) -> None:
    load(_csv(tmp_path, "hub_id,name,sort_capacity\nA,a,5\nB,b,6\n合计,,11\nTotal,Total,11\n"), "hubs")
    assert _hubs(workspace) == ["A", "B"]


def test_cells_written_as_formulas_of_text_are_that_text(tmp_path: Path, workspace: Workspace, load: Load) -> None:
    rows = [
        '="日期",始发,="目的",货量',
        '="2025-11-01","=""007""",B,"=""1,200"""',
        '="2025年11月2号",="008",B,0.3w',
        "=A1,9,B,=B2",
    ]
    lines = [f"2025-11-03,A{n},B,1" for n in range(30)]
    loaded = load(_csv(tmp_path, "\n".join([*rows, *lines]) + "\n"))
    assert loaded.ingestion.set_apart == 1
    assert loaded.ingestion.rows["parcels"].sum() == 1200 + 3000 + 30
    assert {"007", "008"} < set(_hubs(workspace))


def test_a_cut_last_line_is_no_foot_note(tmp_path: Path, load: Load) -> None:
    with pytest.raises(RadarError, match="has 1 cell where the header has 4"):
        load(_csv(tmp_path, "date,origin,destination,parcels\n2025-11-01,A,B,1\n2025-1"))


# --- units ---


@pytest.mark.parametrize(
    ("table", "column", "unit", "factor"),
    [
        ("route_volumes", "parcels", "件", 1.0),
        ("route_volumes", "parcels", "万件", 1e4),
        ("route_volumes", "parcels", "千件/天", 1e3),
        ("route_volumes", "parcels", "thousand parcels", 1e3),
        ("lanes", "distance_km", "米", 1e-3),
        ("lanes", "distance_km", "mi", 1.609344),
        ("lanes", "transit_hours", "分钟", 1.0 / 60.0),
        ("lanes", "transit_hours", "天", 24.0),
        ("vehicle_types", "fixed_cost", "万元", 1e4),
        ("vehicle_types", "fixed_cost", "元/班次", 1.0),
        ("vehicle_types", "cost_per_km", "元/公里", 1.0),
        ("vehicle_types", "cost_per_km", "元/米", 1e3),
        ("vehicle_types", "capacity", "吨", None),
        ("vehicle_types", "capacity", "方", None),
        ("vehicle_types", "fixed_cost", "美元", None),
        ("hubs", "sort_capacity", "万件/日", 1e4),
        ("hubs", "sort_capacity", "件/小时", None),
        ("hubs", "handling_cost", "元/件", 1.0),
        ("courier_preferences", "share", "%", 0.01),
        ("weather_observations", "visibility_m", "km", 1e3),
        ("weather_observations", "wind_speed_ms", "km/h", 1.0 / 3.6),
        ("weather_observations", "precipitation_mm", "毫米", 1.0),
        ("weather_observations", "snowfall_cm", "mm/h", 0.1),
    ],
)
def test_a_unit_is_the_contracts_a_known_multiple_or_none(
    table: str, column: str, unit: str, factor: float | None
) -> None:
    found = find_conversion(unit, contract(table).column(column))
    assert (found is None) == (factor is None)
    if found is not None and factor is not None:
        assert found.factor == pytest.approx(factor, rel=1e-12)


MEASURES = [
    (table.name, column.name)
    for table in TABLES.values()
    if table.group in ("reference", "history")
    for column in table.columns
    if column.dtype.is_numeric() and column.unit != "degrees"
]


@pytest.mark.parametrize(("table", "column"), MEASURES)
def test_every_measure_of_every_table_takes_its_own_unit_and_refuses_a_foreign_one(table: str, column: str) -> None:
    measure = contract(table).column(column)
    own = find_conversion(measure.unit or "", measure)
    assert own is not None
    assert (own.factor, own.offset) == (1.0, 0.0)
    # a header writes it in brackets, with a word before it or not
    for header in ("{}（{}）", "{} ({})", "{}（单位：{}）", "{} [unit: {}]", "{}【单位{}】"):
        told = unit_in(header.format(column, measure.unit))
        assert told is not None
        assert find_conversion(told, measure) == replace(own, found=told)
    assert find_conversion("美元", measure) is None
    assert find_conversion("不含退件", measure) is None


@pytest.mark.parametrize(
    ("unit", "passes"),
    [("WGS84", True), ("北纬", True), ("°", True), ("度", True), ("N", True), ("美元", False), ("斤", False), ("km", False), ("rad", False),
     ("弧度", False), ("S", False), ("西经", False)],
)  # fmt: skip
def test_brackets_behind_coordinates_hold_degrees_or_no_unit(unit: str, passes: bool) -> None:
    for column in ("latitude", "longitude"):
        assert (find_conversion(unit, contract("hubs").column(column)) is not None) == passes


def test_converted_values_are_right_and_told(tmp_path: Path, workspace: Workspace, load: Load) -> None:
    text = "日期,始发,目的,货量（万件）\n2025-09-01,A,B,12.3456\n2025-09-02,A,B,0.00001\n2025-09-03,A,B,1.5万\n"
    with pytest.raises(RadarError, match="is not a whole number"):
        load(_csv(tmp_path, text))
    loaded = load(_csv(tmp_path, text.replace("0.00001", "7")))
    assert _volumes(workspace).sort("date")["parcels"].to_list() == [123_456, 70_000, 15_000]
    assert any("万件" in note and "10,000" in note for note in loaded.notes)


def test_a_unit_line_above_the_header_counts_for_the_only_measure(
    tmp_path: Path, workspace: Workspace, load: Load
) -> None:
    load(_csv(tmp_path, "干线货量\n单位：万件\n日期,始发,目的,货量\n2025-09-01,A,B,2\n"))
    assert _volumes(workspace)["parcels"].to_list() == [20_000]
    load(_csv(tmp_path, "干线货量（吨）\n单位：吨\n日期,始发,目的,货量\n2025-09-01,A,B,2\n"), units={"parcels": "件"})
    assert _volumes(workspace)["parcels"].to_list() == [2]


# --- sheets ---

HEADER_ROW = ("日期", "始发", "目的", "货量")


def _rows(month: int, count: int = 2) -> list[tuple[object, ...]]:
    return [HEADER_ROW, *((date(2025, month, day), "A", "B", month * 10 + day) for day in range(1, count + 1))]


def test_a_hidden_sheet_is_read_only_when_named(tmp_path: Path, workspace: Workspace, load: Load) -> None:
    file = _book(tmp_path / "b.xlsx", ("old", _rows(1)), ("data", _rows(2)), hidden="old")
    assert any("hidden and not read: old" in note for note in load(file).notes)
    assert _volumes(workspace)["parcels"].sum() == 21 + 22
    load(file, sheet="old")
    assert _volumes(workspace)["parcels"].sum() == 21 + 22 + 11 + 12


def test_sheets_of_one_header_are_one_table_and_others_are_told(
    tmp_path: Path, workspace: Workspace, load: Load
) -> None:
    other = ("other", [("a", "b"), (1, 2), (3, 4)])
    file = _book(tmp_path / "b.xlsx", ("说明", [("本表由计划部维护",)]), ("9月", _rows(9)), ("10月", _rows(10)), other)
    loaded = load(file)
    assert _volumes(workspace)["parcels"].sum() == 91 + 92 + 101 + 102
    assert any("9月, 10月 are read together" in note for note in loaded.notes)
    assert any("other (2 rows)" in note for note in loaded.notes)
    load(file, sheet="10月")
    with pytest.raises(RadarError, match="no sheet"):
        load(file, sheet="12月")


def test_every_sheet_is_read_where_asked_for(tmp_path: Path, workspace: Workspace, load: Load) -> None:
    second = [("date", "origin", "destination", "parcels"), (date(2025, 5, 1), "A", "B", 7)]
    file = _book(tmp_path / "b.xlsx", ("a", _rows(3)), ("b", second))
    load(file)
    assert _volumes(workspace).height == 2
    load(file, sheet="*")
    assert _volumes(workspace).height == 3


def test_excel_dates_of_both_systems_are_the_same_days(tmp_path: Path, workspace: Workspace, load: Load) -> None:
    for system in (False, True):
        load(_book(tmp_path / f"{system}.xlsx", ("x", _rows(11, 3)), date_1904=system))
        assert _volumes(workspace)["date"].unique().sort().to_list() == DAYS


# --- planners' sheets ---


def test_titles_days_across_merged_ids_and_sums(tmp_path: Path, workspace: Workspace, load: Load) -> None:
    rows = [
        ("2025年11月干线货量汇总表",),
        ("单位：件", None, None, "制表：计划部"),
        ("始发", "目的", *DAYS, "合计"),
        ("北京", "上海", 1, 2, 3, 6),
        (None, "广州", 10, None, 30, 40),
        ("上海", "北京", 100, 200, 300, 600),
        ("合计", None, 111, 202, 333, 646),
    ]
    loaded = load(_book(tmp_path / "b.xlsx", ("11月", rows), merged=("A4:A5",)))
    volumes = _volumes(workspace)
    assert (volumes.height, volumes["parcels"].sum()) == (8, 646)
    assert volumes.filter(pl.col("destination_hub_id") == "广州")["origin_hub_id"].unique().to_list() == ["北京"]
    assert _hubs(workspace) == sorted(["北京", "上海", "广州"])
    assert loaded.profile is not None
    assert (loaded.profile.header_row, loaded.profile.wide) == (3, "date")


def test_any_column_may_stand_across_where_asked_for(tmp_path: Path, workspace: Workspace, load: Load) -> None:
    file = _csv(tmp_path, "日期,始发,A,B,合计\n2025-11-01,A,,5,5\n2025-11-01,B,7,-,7\n")
    with pytest.raises(RadarError, match="destination_hub_id"):
        load(file)
    load(file, wide="destination_hub_id")
    assert _volumes(workspace).sort("parcels").select("origin_hub_id", "destination_hub_id", "parcels").rows() == [
        ("A", "B", 5),
        ("B", "A", 7),
    ]


def test_a_preamble_is_passed_over_and_the_header_may_be_named(
    tmp_path: Path, workspace: Workspace, load: Load
) -> None:
    text = '数据库：干线\n"多行\n标题"\n\n日期,始发,目的,货量\n2025-11-01,A,B,1\nbad,A,B,1\n' + "".join(
        f"2025-10-{day:02d},A,B,1\n" for day in range(1, 31)
    )
    load(_csv(tmp_path, text))
    assert _volumes(workspace).height == 31
    assert workspace.read("rejected_rows")["row"].to_list() == [7]
    load(_csv(tmp_path, "x,y,z,w\n日期,始发,目的,货量\n2025-12-01,A,B,1\n"), header_row=2, allow_future=True)
    assert _volumes(workspace).height == 32
    with pytest.raises(RadarError, match="no header in row 9"):
        load(_csv(tmp_path, "日期,始发,目的,货量\n2025-12-01,A,B,1\n"), header_row=9)


def test_the_error_names_the_row_that_looks_like_the_header(tmp_path: Path, load: Load) -> None:
    with pytest.raises(RadarError, match="row 3 looks like the header"):
        load(_csv(tmp_path, "标题\n\n始发,货量,x\nA,5,1\n"))


def test_dates_are_looked_for_once_and_only_where_a_header_may_hold_one(
    tmp_path: Path, workspace: Workspace, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def count(text: pl.Series, *others: Any) -> tuple[pl.Series, pl.Series]:
        calls.append(text.len() - text.null_count())
        return parse_days(text, *others)

    monkeypatch.setattr(layout, "parse_days", count)
    rows = "\n".join(f"2025-09-{day:02d},A,B,{day}" for day in range(1, 31))
    load(_csv(tmp_path, f"date,origin,destination,parcels\n{rows}\n"))
    assert calls == []  # the first row names all there is to name, and no name holds a digit
    load(_csv(tmp_path, f"干线货量\n\ndate,origin,destination,parcels\n{rows}\n"))
    assert len(calls) == 1  # forty rows of a page in one reading
    assert _volumes(workspace).height == 30


def test_a_line_that_names_the_separator_is_understood(tmp_path: Path, workspace: Workspace, load: Load) -> None:
    load(_csv(tmp_path, "sep=;\r\n日期;始发;目的;货量\r\n2025-10-01;A;B;1.234\r\n2025-10-02;A;B;1,0\r\n"))
    assert _volumes(workspace).sort("date")["parcels"].to_list() == [1234, 1]


def test_empty_ids_below_each_other_are_filled_where_asked_for(
    tmp_path: Path, workspace: Workspace, load: Load
) -> None:
    text = "日期,始发,目的,货量\n2025-11-01,A,B,1\n,,C,2\n2025-11-02,D,B,3\n,,C,4\n"
    with pytest.raises(RadarError, match="must not be empty"):
        load(_csv(tmp_path, text))
    load(_csv(tmp_path, text), fill_down=("date", "origin_hub_id"))
    assert _volumes(workspace).sort("parcels").select("date", "origin_hub_id").rows() == [
        (DAYS[0], "A"),
        (DAYS[0], "A"),
        (DAYS[1], "D"),
        (DAYS[1], "D"),
    ]


def test_months_are_months_only_where_a_month_is_asked_for(tmp_path: Path, workspace: Workspace, load: Load) -> None:
    months = ("2025年9月", "2025-10", "202511", "2025/12", "Jan-26", "2026年02月", "2026-03-01")
    text = "快递公司,月份,日均能力\n" + "".join(f"x,{month},5\n" for month in months)
    load(_csv(tmp_path, text), "courier_capacity", add_missing=("couriers",))
    assert workspace.read("courier_capacity")["month"].sort().to_list() == [
        *(date(2025, month, 1) for month in range(9, 13)),
        *(date(2026, month, 1) for month in range(1, 4)),
    ]
    with pytest.raises(RadarError, match="is not a date"):
        load(_csv(tmp_path, "日期,始发,目的,货量\n2025-10,A,B,1\n"))


def test_ids_that_excel_has_damaged_are_refused_by_name(tmp_path: Path, load: Load) -> None:
    for damaged, rule in (("6.21E+11", EXPONENT), ("6210000123456780000", DIGITS_LOST)):
        with pytest.raises(RadarError) as raised:
            load(_csv(tmp_path, f"hub_id,name\n{damaged},a\n{damaged[:-2]}99,b\n".replace("99,b", "00,b")), "hubs")
        assert rule in str(raised.value)


@pytest.mark.parametrize("shown", ["#N/A", "#REF!", "########", "#DIV/0!"])
def test_what_excel_shows_for_no_value_is_no_id(tmp_path: Path, workspace: Workspace, load: Load, shown: str) -> None:
    good = "".join(f"H{number},n\n" for number in range(60))
    loaded = load(_csv(tmp_path, f"hub_id,name\n{shown},a\n{good}{shown},b\n#1,c\n"), "hubs")
    assert loaded.ingestion.set_apart == 2
    assert set(loaded.ingestion.rejected["rule"]) == {NO_VALUE}
    assert workspace.read("hubs").height == 61


def test_dashes_are_one_letter_to_a_reader(tmp_path: Path, workspace: Workspace, load: Load) -> None:
    text = "日期,始发,目的,货量\n" + "".join(
        f"2025-11-0{day},SH{dash}1,B,{day}\n" for day, dash in enumerate("-\u2013\u2014\u2212\uff0d-", start=1)
    )
    loaded = load(_csv(tmp_path, text))
    assert workspace.read("hubs")["hub_id"].sort().to_list() == ["B", "SH-1"]
    assert any("taken as 'SH-1'" in note for note in loaded.notes)


def test_one_long_id_that_ends_in_zeros_may_be_chance(tmp_path: Path, workspace: Workspace, load: Load) -> None:
    load(_csv(tmp_path, "hub_id,name\n6210000123456780000,a\n6210000123456789012,b\n6210000123456783457,c\n"), "hubs")
    assert workspace.read("hubs").height == 3


# --- repeats ---

SHIFTS = (
    "日期,始发,目的,班次,货量\n2025-11-01,A,B,早,5\n2025-11-01,A,B,晚,5\n2025-11-02,A,B,早,1\n2025-11-02,A,B,晚,2\n"
)


def test_rows_that_differ_in_a_column_the_table_lacks_are_no_repeats(
    tmp_path: Path, workspace: Workspace, load: Load
) -> None:
    with pytest.raises(RadarError) as raised:
        load(_csv(tmp_path, SHIFTS))
    assert DIFFERS_BESIDE in str(raised.value)
    loaded = load(_csv(tmp_path, SHIFTS), add_up=True)
    assert _volumes(workspace).sort("date")["parcels"].to_list() == [10, 3]
    assert (loaded.ingestion.read, loaded.ingestion.added_up, loaded.ingestion.collapsed) == (4, 2, 0)


def test_a_row_equal_in_every_column_is_one_row_also_when_adding_up(
    tmp_path: Path, workspace: Workspace, load: Load
) -> None:
    doubled = SHIFTS + "2025-11-01,A,B,晚,5\n2025-11-01,A,B, 晚,5\n"
    loaded = load(_csv(tmp_path, doubled), add_up=True)
    assert _volumes(workspace).sort("date")["parcels"].to_list() == [10, 3]
    assert (loaded.ingestion.collapsed, loaded.ingestion.set_apart) == (2, 0)
    with pytest.raises(RadarError, match="--sum for table lanes"):
        load(_csv(tmp_path, "lane_id\nA\n"), "lanes", add_up=True)


def test_the_same_file_twice_counts_once(tmp_path: Path, workspace: Workspace, load: Load) -> None:
    text = "日期,始发,目的,备注,货量\n2025-11-01,A,B,x,5\n2025-11-02,A,B,,6\n"
    loaded = load([_csv(tmp_path, text, "a.csv"), _csv(tmp_path, text, "b.csv")])
    assert (_volumes(workspace)["parcels"].sum(), loaded.ingestion.collapsed) == (11, 2)


# --- ids ---


def test_spellings_of_one_id_are_one_id_and_told(tmp_path: Path, workspace: Workspace, load: Load) -> None:
    spellings = ["SH1", "sh1", "ＳＨ１", " SH1 ", "SH1\u00a0", "SH\u200b1", "S\u041d1", "é", "e\u0301"]
    lines = [f"2025-09-{day:02d},{text},B,10" for day, text in enumerate(spellings, start=1)]
    loaded = load(_csv(tmp_path, "date,origin,destination,parcels\n" + "\n".join(lines)))
    assert _hubs(workspace) == ["B", "SH1", "é"]
    assert any("taken as 'SH1'" in note for note in loaded.notes)


def test_a_spelling_that_is_known_stays_and_others_become_it(tmp_path: Path, workspace: Workspace, load: Load) -> None:
    load(_csv(tmp_path, "hub_id,name\nsh1,a\nB,b\n"), "hubs")
    load(_csv(tmp_path, "date,origin,destination,parcels\n2025-09-01,SH1,B,1\n2025-09-02,SH1,b,1\n"))
    assert _hubs(workspace) == ["B", "sh1"]
    assert _volumes(workspace)["origin_hub_id"].unique().to_list() == ["sh1"]


def test_spellings_are_ids_of_their_own_where_asked_for(tmp_path: Path, workspace: Workspace, load: Load) -> None:
    text = "date,origin,destination,parcels\n2025-09-01,SH1,B,1\n2025-09-02,sh1,B,1\n"
    load(_csv(tmp_path, text), ids_as_written=True)
    assert _hubs(workspace) == ["B", "SH1", "sh1"]


def test_a_spelling_that_fits_two_known_ids_is_made_neither(tmp_path: Path, load: Load) -> None:
    load(_csv(tmp_path, "hub_id,name\nsh1,a\nSH1,b\nB,c\n", "hubs.csv"), "hubs", ids_as_written=True)
    with pytest.raises(RadarError, match="1 x origin_hub_id is no id of table hubs"):
        load(_csv(tmp_path, "date,origin,destination,parcels\n2025-11-01,Sh1,B,1\n"), add_missing=("couriers",))


def test_long_ids_most_of_which_end_in_zeros_are_damaged() -> None:
    ids = ["1234567890123450000", "9234567890123450000", "1234567890123456789"]
    assert find_damaged(pl.Series(ids)).to_list() == [DIGITS_LOST, DIGITS_LOST, None]
    assert find_damaged(pl.Series([*ids, "2234567890123456789"])).to_list() == [None] * 4  # half may be chance


def test_an_unknown_id_close_to_a_known_one_is_told(tmp_path: Path, load: Load) -> None:
    load(_csv(tmp_path, "hub_id,name\nBeijing,a\nShanghai,b\n"), "hubs")
    rows = "".join(f"2025-10-{day:02d},Beijing,Shanghai,1\n" for day in range(1, 31))
    text = f"date,origin,destination,parcels\n{rows}2025-11-01,Beijng,Shanghai,1\n"
    loaded = load(_csv(tmp_path, text), add_missing=("couriers",))
    assert any("did you mean 'Beijing'?" in note for note in loaded.notes)


def test_set_is_not_advised_for_what_differs_by_row(tmp_path: Path, load: Load) -> None:
    with pytest.raises(RadarError) as raised:
        load(_csv(tmp_path, "hub_id,sort_capacity\nA,1\n"), "hubs")
    assert "--set" not in str(raised.value)
    assert fold_id("Ｓ h-1") == "sh-1"


# --- the future ---


@pytest.mark.parametrize(
    ("table", "header", "row"),
    [
        ("route_volumes", "date,origin,destination,parcels", "{},A,B,1"),
        ("outlet_volumes", "date,outlet_id,direction,parcels", "{},o,pickup,1"),
        ("sales", "date,merchant_id,category,destination_region_id,units", "{},m,c,r,1"),
        ("stock", "as_of,merchant_id,category,warehouse_id,units", "{},m,c,w,1"),
        ("weather_observations", "valid_at,latitude,longitude,temperature_c", "{}T00:00Z,30,120,5"),
        ("waybills", "waybill_id,origin,destination,ordered_at,status", "w{0},A,B,{0} 08:00,created"),
    ],
)
def test_history_later_than_tomorrow_is_set_apart(
    tmp_path: Path, load: Load, table: str, header: str, row: str
) -> None:
    file = _csv(tmp_path, f"{header}\n{row.format('2099-11-01')}\n{row.format('2098-11-01')}\n")
    with pytest.raises(RadarError) as raised:
        load(file, table)
    assert "2 of 2 rows" in str(raised.value)
    assert "lies in the future" in str(raised.value)


def test_tomorrow_itself_is_taken_and_what_lies_behind_it_is_not(
    tmp_path: Path, workspace: Workspace, load: Load
) -> None:
    last = tomorrow(ZoneInfo("Asia/Shanghai"))
    days = [last - timedelta(days=back) for back in range(40)] + [last + timedelta(days=2)]
    rows = "\n".join(f"{day},A,B,1" for day in days)
    assert load(_csv(tmp_path, f"date,origin,destination,parcels\n{rows}\n")).ingestion.set_apart == 1
    assert _volumes(workspace)["date"].max() == last


def test_made_data_may_lie_in_the_future(tmp_path: Path, workspace: Workspace, load: Load) -> None:
    file = _csv(tmp_path, "date,origin,destination,parcels\n2099-11-01,A,B,1\n")
    load(file, allow_future=True)
    assert _volumes(workspace).height == 1


def test_tomorrow_is_the_workspaces() -> None:
    late = datetime(2025, 11, 1, 20, 0, tzinfo=UTC)
    assert tomorrow(ZoneInfo("Asia/Shanghai"), late) == date(2025, 11, 3)
    assert tomorrow(ZoneInfo("America/Sao_Paulo"), late) == date(2025, 11, 2)


# --- profiles and previews ---


def test_what_was_found_is_kept_and_loads_tomorrows_file(tmp_path: Path, workspace: Workspace, load: Load) -> None:
    file = _book(tmp_path / "日报.xlsx", ("说明", [("x",)]), ("数据", [("干线货量",), *_rows(9)]))
    load(file, keep_as="daily")
    profile = read_profile(workspace.folder, "daily")
    assert profile is not None
    assert (profile.sheet, profile.header_row, profile.constants) == ("数据", 2, {"courier_id": "x"})
    assert profile.columns["parcels"] == "货量"
    _book(tmp_path / "日报.xlsx", ("说明", [("x",)]), ("数据", [("干线货量",), *_rows(10, 5)]))
    assert load_files(workspace, profile).ingestion.rows.height == 5
    assert _volumes(workspace).height == 7


def test_a_preview_writes_nothing(tmp_path: Path, workspace: Workspace) -> None:
    file = _csv(tmp_path, "date,origin,destination,parcels\n2025-09-01,A,B,1\nsoon,A,B,1\n")
    asked = Profile("route_volumes", (str(file),), constants={"courier_id": "x"}, add_missing=("hubs", "couriers"))
    seen = preview_files(workspace, asked)
    assert (seen.ingestion.read, seen.ingestion.rows.height, seen.ingestion.set_apart) == (2, 1, 1)
    assert dict(seen.also_written) == {"couriers": 1, "hubs": 2}
    assert not workspace.present()


def test_formulas_without_a_saved_value_and_errors_are_told_as_what_they_are(workspace: Workspace, load: Load) -> None:
    path = workspace.folder / "formulas.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("量")
        sheet.write_row(0, 0, ["日期", "始发", "目的", "货量"])
        for row in range(1, 41):
            sheet.write_row(row, 0, [f"2025-10-{row % 28 + 1:02}", f"A{row}", "B"])
            sheet.write_number(row, 3, row)
        sheet.write_formula(1, 3, "=2+3", None, "")
        sheet.write_formula(2, 1, "=VLOOKUP(1,A:B,2,0)", None, "#N/A")
    taken = load(path)
    assert taken.ingestion.set_apart == 2
    rules = taken.ingestion.rejected.sort("row").select("row", "column", "value", "rule").rows()
    assert rules == [
        (2, "parcels", "=2+3", "is a formula whose value was not saved"),
        (3, "origin_hub_id", "#N/A", NO_VALUE),
    ]
    assert any("holds 1 formula whose value was not saved (first: row 2, column 4)" in note for note in taken.notes)


def test_zeros_a_spreadsheet_took_from_an_id_make_no_second_hub(workspace: Workspace, load: Load) -> None:
    hubs = _csv(workspace.folder, "hub_id,name\n0007,a\n0012,b\nA07,c\n", "h.csv")
    load(hubs, "hubs")
    taken = load(_csv(workspace.folder, "date,origin,destination,parcels\n2025-11-01,7,12,5\n2025-11-02,A7,0007,6\n"))
    assert workspace.read("hubs")["hub_id"].sort().to_list() == ["0007", "0012", "A07", "A7"]
    assert any("'12' taken as '0012'; '7' taken as '0007'" in note for note in taken.notes)
    assert workspace.read("route_volumes").sort("date")["origin_hub_id"].to_list() == ["0007", "A7"]


@pytest.mark.parametrize("days", [("8", "9"), ("8日", "9日"), ("8号（周六）", "9号（周日）")])
def test_days_of_a_month_across_are_asked_to_be_dates(workspace: Workspace, load: Load, days: tuple[str, str]) -> None:
    path = _book(workspace.folder / "w.xlsx", ("s", [["始发", "目的", *days], ["A", "B", 1, 2]]))
    with pytest.raises(RadarError, match=f"write whole dates, e.g. 2025-11-01, in place of {days[0]}, {days[1]}"):
        load(path)


@pytest.mark.parametrize(
    "days",
    [("11月1日", "11月2日"), ("11/1", "11/2"), ("11-08", "11-09"), ("8-Nov", "9-Nov"), ("11.8周六", "11.9周日")],
)
def test_days_across_without_a_year_are_asked_for_it(workspace: Workspace, load: Load, days: tuple[str, str]) -> None:
    path = _book(workspace.folder / "w.xlsx", ("s", [["始发", "目的", *days], ["A", "B", 1, 2]]))
    with pytest.raises(RadarError, match=f"write the year too in {days[0]}, {days[1]}"):
        load(path)
