"""Headers of two lines, and tables beside each other: read where it is sure, told where not; as CSV and as a workbook."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from data.errors import RadarError
from data.ingest.beside import read_span, tell_span
from data.ingest.files import load_files, preview_files
from data.ingest.loading import Loaded
from data.ingest.profiles import Profile, read_profile
from data.workspace import Workspace

Cells = Sequence[Sequence[object]]
Preview = Callable[..., Loaded]
DAYS: Cells = [[f"2025-11-{day:02d}", "SH", "BJ", day] for day in range(1, 30)]
OTHERS: Cells = [[f"2025-11-{day:02d}", "CD", "GZ", 100 + day] for day in range(1, 30)]
ROUTES: dict[str, Any] = {"constants": {"courier_id": "x"}, "add_missing": ("hubs", "couriers")}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "plan")


@pytest.fixture(params=["csv", "xlsx"])
def preview(request: pytest.FixtureRequest, tmp_path: Path, workspace: Workspace) -> Preview:
    def run(rows: Cells, table: str = "route_volumes", *, merged: Sequence[str] = (), **options: Any) -> Loaded:
        path = _write(tmp_path / f"v.{request.param}", rows, merged)
        usual = ROUTES if table == "route_volumes" else {}
        return preview_files(workspace, Profile(table, (str(path),), **(usual | options)))

    return run


def _write(path: Path, rows: Cells, merged: Sequence[str] = ()) -> Path:
    if path.suffix == ".csv":
        path.write_text("\n".join(",".join("" if c is None else str(c) for c in row) for row in rows), encoding="utf-8")
        return path
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet()
    for at, row in enumerate(rows):
        for column, cell in enumerate(row):
            if cell is not None:
                sheet.write(at, column, cell)
    for area in merged:
        first = area.partition(":")[0]
        sheet.merge_range(area, rows[int(first[1:]) - 1][ord(first[0]) - 65])
    book.close()
    return path


def _parcels(loaded: Loaded) -> int:
    assert loaded.ingestion.set_apart == 0
    return int(loaded.ingestion.rows["parcels"].sum())


# --- units in a row of their own ---


@pytest.mark.parametrize(
    ("rows", "factor"),
    [
        ([["日期", "始发", "目的", "货量"], [None, None, None, "万件"]], 10_000),
        ([["日期", "始发", "目的", "货量"], ["YYYY-MM-DD", "三字码", "三字码", "（千件）"]], 1_000),
        ([["十一月货量"], ["日期", "始发", "目的", "货量"], [None, None, None, "单位：百件"]], 100),
        ([["路线货量（万件）"], ["日期", "始发", "目的", "货量"]], 10_000),
        ([["路线货量（试行）"], ["日期", "始发", "目的", "货量"]], 1),
        ([["日期", "始发", "目的", "货量"], [None, None, None, "件/天"]], 1),
    ],
)
def test_a_row_of_units_is_no_row_and_counts(preview: Preview, rows: Cells, factor: int) -> None:
    assert _parcels(preview([*rows, *DAYS])) == 435 * factor


def test_a_row_with_a_unit_that_is_no_multiple_ends_the_load(preview: Preview) -> None:
    with pytest.raises(RadarError, match="unit 吨 in '货量 \\(吨\\)'"):
        preview([["日期", "始发", "目的", "货量"], [None, None, None, "吨"], *DAYS])


def test_two_measures_have_each_its_own_unit(preview: Preview) -> None:
    rows = [["lane_id", "始发", "目的", "mode", "distance_km", "transit_hours"], [None, None, None, None, "米", "分钟"]]
    lanes = preview(
        [*rows, ["a", "A", "B", "road", 5000, 90], ["b", "B", "A", "road", 7000, 30]], "lanes", add_missing=("hubs",)
    ).ingestion
    assert (lanes.rows["distance_km"].to_list(), lanes.rows["transit_hours"].to_list()) == ([5.0, 7.0], [1.5, 0.5])


def test_the_unit_of_a_wide_sheet_stands_below_its_days_or_above_them(preview: Preview) -> None:
    body = [["A", "B", 1, 2], ["B", "A", 3, 4]]
    below = preview([["始发", "目的", "2025-11-01", "2025-11-02"], [None, None, "万件", "万件"], *body])
    above = preview([["始发", "目的", "货量（万件）", None], [None, None, "2025-11-01", "2025-11-02"], *body])
    assert (_parcels(below), _parcels(above)) == (100_000, 100_000)
    with pytest.raises(RadarError):  # whose unit is it?
        preview([["始发", "目的", "2025-11-01", "2025-11-02"], [None, None, "万件", "件"], *body])


# --- names in two rows ---


@pytest.mark.parametrize(
    ("rows", "merged", "factor"),
    [
        ([["日期", "线路", None, "货量"], [None, "始发", "目的", None]], ("A1:A2", "B1:C1", "D1:D2"), 1),
        ([["日期", "线路", None, "货量"], [None, "始发", "目的", "万件"]], ("A1:A2", "B1:C1"), 10_000),
        (
            [["货量表"], ["日期", "线路", None, "货量"], [None, "始发", "目的", None], [None, None, None, "千件"]],
            ("A2:A3", "B2:C2", "D2:D3"),
            1_000,
        ),
    ],
)
def test_names_of_two_rows_are_one_header(preview: Preview, rows: Cells, merged: Sequence[str], factor: int) -> None:
    loaded = preview([*rows, *DAYS], merged=merged)
    assert _parcels(loaded) == 435 * factor
    assert loaded.ingestion.rows["origin_hub_id"].unique().to_list() == ["SH"]


def test_a_header_of_two_rows_is_found_again_by_its_profile(tmp_path: Path, workspace: Workspace) -> None:
    rows: Cells = [["二〇二五年"], ["日期", "线路", None, "货量"], [None, "始发", "目的", "万件"], *DAYS]
    file = _write(tmp_path / "v.csv", rows)
    first = load_files(workspace, Profile("route_volumes", (str(file),), **ROUTES), keep_as="daily")
    kept = read_profile(workspace.folder, "daily")
    assert kept is not None
    assert kept.header_row == 3
    assert _parcels(preview_files(workspace, kept)) == _parcels(first) == 4_350_000


@pytest.mark.parametrize("row", [1, 2])
def test_either_row_of_the_two_may_be_named(preview: Preview, row: int) -> None:
    rows = [["日期", "线路", None, "货量"], [None, "始发", "目的", "件"], *DAYS]
    assert _parcels(preview(rows, header_row=row)) == 435


@pytest.mark.parametrize(
    "rows",
    [
        [["日期", "始发", "目的", "货量", None], [None, None, None, "去年", "今年"], *([*day, 7] for day in DAYS)],
        [["日期", "JIN", None, "HEF", None], [None, "到达", "发出", "到达", "发出"], ["2025-11-01", 1, 2, 3, 4]],
    ],
)
def test_groups_are_told_with_their_parts_and_never_taken_for_one_column(preview: Preview, rows: Cells) -> None:
    merged = ("A1:A2", "D1:E1") if rows[0][1] == "始发" else ("A1:A2", "B1:C1", "D1:E1")
    with pytest.raises(RadarError, match="rows 1 to 2 are read as one header") as told:
        preview(rows, merged=merged)
    assert ("货量 去年, 货量 今年" in str(told.value)) or ("JIN 到达, JIN 发出, HEF 到达, HEF 发出" in str(told.value))


def test_a_row_of_names_without_numbers_is_data_where_its_columns_have_names(preview: Preview) -> None:
    hubs = preview([["hub_id", "name", None], ["JIN", "济南", "新"], ["HEF", "合肥", "旧"]], "hubs").ingestion
    assert hubs.rows["hub_id"].to_list() == ["JIN", "HEF"]


# --- tables beside each other ---


@pytest.mark.parametrize("between", [[], [None], [None, None]])
def test_tables_of_one_header_beside_each_other_are_read_together(preview: Preview, between: list[None]) -> None:
    head = ["日期", "始发", "目的", "货量"]
    rows = [[*head, *between, *head], *([*a, *between, *b] for a, b in zip(DAYS, OTHERS, strict=True))]
    loaded = preview([*rows, [*[None] * 4, *between, "2025-11-30", "CD", "GZ", 1]])
    assert _parcels(loaded) == 435 + 3335 + 1
    assert loaded.ingestion.rows.height == 59
    assert any("tables stand beside each other" in note for note in loaded.notes)


def test_each_of_two_tables_has_its_own_unit_and_its_own_bad_rows(preview: Preview) -> None:
    head, other = ["日期", "始发", "目的", "货量（千件）"], ["日期", "始发", "目的", "货量"]
    rows = [[*head, None, *other], *([*a, None, *b] for a, b in zip(DAYS, OTHERS, strict=True))]
    bad = [["2025-11-30", "SH", "BJ", "many", None, "2025-11-30", "CD", "GZ", "few"]]
    loaded = preview([*rows, *bad]).ingestion
    assert loaded.rows["parcels"].sum() == 435_000 + 3335
    assert loaded.rejected["value"].to_list() == ["many", "few"]
    assert [name.rpartition(" ")[2] for name in loaded.rejected["file"]] == ["[A:D]", "[F:I]"]


def test_another_table_beside_it_is_told_and_left(preview: Preview) -> None:
    other: Cells = [[f"2025-11-{day:02d}", "N1", "pickup", 5] for day in range(1, 32)]
    left = [*DAYS, [None] * 4, [None] * 4]
    rows = [
        ["日期", "始发", "目的", "货量", None, "日期", "网点", "direction", "件数"],
        *([*a, None, *b] for a, b in zip(left, other, strict=True)),
    ]
    loaded = preview(rows)
    assert _parcels(loaded) == 435
    assert any("columns A:D are read; not read: F:I" in note for note in loaded.notes)


def test_below_the_last_row_of_a_table_one_of_no_known_kind_beside_it_is_told_and_left(preview: Preview) -> None:
    words: Cells = [[f"k{n}", f"word {n}"] for n in range(40)]
    left: Cells = [*DAYS, *[[None] * 4] * 11]
    rows: Cells = [
        ["日期", "始发", "目的", "货量", None, "代码", "说明"],
        *([*a, None, *b] for a, b in zip(left, words, strict=True)),
    ]
    loaded = preview(rows)
    assert _parcels(loaded) == 435
    assert any("another table beside this one is not read: F2:G41" in note for note in loaded.notes)
    # with a header of its own further down, to the left, and beyond two columns
    shifted = [
        ["日期", "始发", "目的", "货量", None, None, None],
        *rows[1:5],
        [*left[4], None, "代码", "说明"],
        *rows[5:],
    ]
    assert "F2:G42" in str(preview(shifted).notes)
    before = [[*row[5:], None, None, *row[:4]] for row in rows]
    assert "not read: A2:B41" in str(preview(before).notes)


@pytest.mark.parametrize("gap", [None, "x"])
def test_a_row_that_lost_its_cells_is_no_row_of_a_table_beside(preview: Preview, gap: str | None) -> None:
    lost: Cells = [[*[None] * 5, "lost"]]
    rows: Cells = [["日期", "始发", "目的", "货量", gap, "备注"], *([*day, None, None] for day in DAYS)]
    assert preview([*rows[:7], *lost, *rows[8:]]).ingestion.set_apart == 1
    assert preview([*rows[:7], *rows[8:], *lost]).ingestion.set_apart == (1 if gap else 0)


def test_columns_say_which_of_two_tables_is_meant(preview: Preview) -> None:
    head, other = ["日期", "始发", "目的", "货量"], ["日期", "始发", "目的", "预测", "货量"]
    rows = [[*head, None, *other], *([*a, None, *b[:3], 9, b[3]] for a, b in zip(DAYS, OTHERS, strict=True))]
    with pytest.raises(RadarError, match="--columns A:F"):
        preview(rows)
    assert _parcels(preview(rows, span="A:D")) == 435
    assert _parcels(preview(rows, span="6:10")) == 3335
    with pytest.raises(RadarError, match="columns among A:J"):
        preview(rows, span="K:M")


def test_columns_of_a_header_of_two_rows(preview: Preview) -> None:
    rows = [["a", "b", "日期", "线路", None, "货量"], [None, None, None, "始发", "目的", "万件"]]
    assert _parcels(preview([*rows, *([1, 1, *day] for day in DAYS)], span="C:F")) == 4_350_000


@pytest.mark.parametrize("text", ["", "A", "B:A", "0:3", "A:B:C", "A-F", "东:西"])
def test_columns_that_are_none_are_told(text: str) -> None:
    with pytest.raises(RadarError, match="the first and the last column"):
        read_span(text)


def test_columns_are_told_as_they_are_written() -> None:
    assert [tell_span(read_span(text)) for text in ("A:F", "Z:AA", "AZ:BA", "ZZ:AAA")] == [
        "A:F",
        "Z:AA",
        "AZ:BA",
        "ZZ:AAA",
    ]
