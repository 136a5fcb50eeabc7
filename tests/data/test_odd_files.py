"""Odd, broken and hostile files: a load ends well or in one sentence, never in a traceback."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.errors import RadarError
from data.ingest.files import preview_files
from data.ingest.loading import LOADABLE
from data.ingest.profiles import Profile
from data.sources import limits
from data.sources.workbooks import frame_sheets
from data.workspace import Workspace

CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        [
            "2025-11-01",
            "2025年9月",
            "45962",
            "1.234,5",
            "85 %",
            "1e999",
            "6.21E+11",
            "合计",
            "日期",
            "-",
            "=1+1",
            '"',
            "\x00",
            "1,2万",
            "注：x",
        ]
    ),
)
HEADERS = st.sampled_from(
    [
        "date",
        "日期",
        "始发",
        "目的",
        "货量（万件）",
        "货量(吨)",
        "courier_id",
        "hub_id",
        "name",
        "sort_capacity",
        "合计",
        "2025-11-01",
        "",
        "x",
        "月份",
    ]
)
TABLES = st.lists(st.lists(CELLS, max_size=5), max_size=6)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace.create(tmp_path_factory.mktemp("odd") / "plan")


def _ends_well(workspace: Workspace, table: str, path: Path) -> str:
    """Read a file as the command does; what it says when it is refused."""
    asked = Profile(table, (str(path),), constants={}, allow_future=True)
    told = ""
    try:
        preview_files(workspace, asked)
    except RadarError as error:
        told = str(error)
    assert "\n" not in told
    assert len(told) < 3000
    return told


def _steady(examples: int) -> settings:
    return settings(max_examples=examples, suppress_health_check=[HealthCheck.function_scoped_fixture])


@_steady(60)
@given(
    table=st.sampled_from(LOADABLE), header=st.lists(HEADERS, max_size=6), rows=TABLES, mark=st.sampled_from(",;\t|")
)
def test_any_csv(workspace: Workspace, table: str, header: list[str], rows: list[list[object]], mark: str) -> None:
    path = workspace.folder / "odd.csv"
    lines = [mark.join(header), *(mark.join("" if cell is None else str(cell) for cell in row) for row in rows)]
    path.write_bytes("\n".join(lines).encode("utf-8", "replace"))
    _ends_well(workspace, table, path)


@_steady(60)
@given(
    table=st.sampled_from(LOADABLE),
    content=st.binary(max_size=300),
    ending=st.sampled_from([".csv", ".json", ".xlsx", ".xls", ".ods", ".parquet", ".geojson", ".csv.gz", ".jsonl"]),
)
def test_any_bytes(workspace: Workspace, table: str, content: bytes, ending: str) -> None:
    path = workspace.folder / f"odd{ending}"
    path.write_bytes(content)
    _ends_well(workspace, table, path)


@_steady(60)
@given(
    table=st.sampled_from(LOADABLE),
    objects=st.lists(
        st.dictionaries(
            HEADERS, st.recursive(CELLS, lambda inner: st.lists(inner, max_size=2), max_leaves=3), max_size=5
        ),
        max_size=5,
    ),
    lines=st.booleans(),
)
def test_any_json(workspace: Workspace, table: str, objects: list[dict[str, object]], lines: bool) -> None:
    path = workspace.folder / "odd.json"
    text = "\n".join(map(json.dumps, objects)) if lines else json.dumps(objects)
    path.write_text(text, encoding="utf-8")
    _ends_well(workspace, table, path)


@_steady(40)
@given(table=st.sampled_from(LOADABLE), header=st.lists(HEADERS, min_size=1, max_size=6), rows=TABLES)
def test_any_workbook(workspace: Workspace, table: str, header: list[str], rows: list[list[object]]) -> None:
    path = workspace.folder / "odd.xlsx"
    book = xlsxwriter.Workbook(str(path), {"nan_inf_to_errors": True, "strings_to_formulas": False})
    sheet = book.add_worksheet()
    for at, row in enumerate([list[object](header), *rows]):
        for column, cell in enumerate(row):
            if cell is not None:
                text = str(cell).encode("utf-8", "replace").decode()
                sheet.write(at, column, cell if isinstance(cell, (bool, float)) else text)
    book.close()
    _ends_well(workspace, table, path)


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1, 2], pa.duration("s")),
        pa.array([1, 2], pa.decimal256(60, 2)),
        pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.int64())),
        pa.array([[1], None], pa.list_(pa.int64())),
        pa.array([b"\xff", b""], pa.binary()),
        pa.array([1, 2], pa.time64("us")),
        pa.array([{"x": 1}, None]),
        pa.array([None, None]),
        pa.array([float("nan"), float("inf")]),
    ],
    ids=lambda values: str(values.type),
)
@pytest.mark.parametrize("column", ["date", "courier_id", "parcels"])
def test_any_type_of_parquet(workspace: Workspace, values: pa.Array, column: str) -> None:
    columns = {
        "date": pa.array(["2025-11-01", "2025-11-02"]),
        "courier_id": pa.array(["x", "y"]),
        "origin": pa.array(["A", "B"]),
        "destination": pa.array(["B", "A"]),
        "parcels": pa.array([1, 2]),
    }
    path = workspace.folder / "odd.parquet"
    pq.write_table(pa.table(columns | {column: values}), path)
    _ends_well(workspace, "route_volumes", path)


def test_a_stray_cell_at_the_far_end_is_told(tmp_path: Path, workspace: Workspace) -> None:
    path = tmp_path / "bomb.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("x")
    sheet.write(0, 0, "hub_id")
    sheet.write(1_048_575, 16_383, 1)
    book.close()
    told = _ends_well(workspace, "hubs", path)
    assert "1,048,576" in told
    assert "stray cell" in told


def test_a_cut_sheet_is_told_and_no_half_table_read(tmp_path: Path, workspace: Workspace) -> None:
    whole, cut = tmp_path / "whole.xlsx", tmp_path / "cut.xlsx"
    pl.DataFrame({"hub_id": ["A", "B"], "name": ["a", "b"]}).write_excel(whole)
    assert _ends_well(workspace, "hubs", whole) == ""
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(cut, "w") as target:
        for item in source.infolist():
            content = source.read(item)
            target.writestr(item, content[:-200] if item.filename.endswith("sheet1.xml") else content)
    assert "cut off" in _ends_well(workspace, "hubs", cut)
    cut.write_bytes(whole.read_bytes()[:-300])
    assert "no readable Excel file" in _ends_well(workspace, "hubs", cut)
    assert [frame.rows for frame in frame_sheets(whole, "whole").values()] == [3]


def test_what_unpacks_without_end_is_stopped(
    tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = limits.Limits(unpacked_bytes=1 << 20, workbook_bytes=1000, columns=50, json_bytes=20)
    monkeypatch.setattr(limits, "LIMITS", small)
    bomb = tmp_path / "bomb.csv.gz"
    bomb.write_bytes(gzip.compress(b"hub_id,name\n" + b"\n" * (4 << 20)))
    assert "unpacks to more than" in _ends_well(workspace, "hubs", bomb)
    wide = tmp_path / "wide.csv"
    wide.write_text(",".join(f"c{at}" for at in range(60)) + "\n", encoding="utf-8")
    assert "60 columns" in _ends_well(workspace, "hubs", wide)
    large = tmp_path / "large.json"
    large.write_text('[{"hub_id": "A", "name": "x"}]', encoding="utf-8")
    assert "JSON lines" in _ends_well(workspace, "hubs", large)


@pytest.mark.parametrize(
    ("most", "told"),
    [
        (limits.Limits(workbook_bytes=1000), "GiB, expected at most 4 GiB"),
        (limits.Limits(small_workbook_bytes=1000, unpacked_ratio=20), "expected at most 20 times its size"),
    ],
)
def test_a_workbook_that_unpacks_without_end_is_stopped_and_one_that_packs_as_sheets_do_is_not(
    tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, most: limits.Limits, told: str
) -> None:
    book = tmp_path / "hubs.xlsx"
    pl.DataFrame({"hub_id": [f"H{n}" for n in range(40)], "name": "x"}).write_excel(book)
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(book) as source, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as target:
        for item in source.infolist():
            content = source.read(item.filename)
            target.writestr(item, content.replace(b"</sheetData>", b"<row/>" * 100_000 + b"</sheetData>"))
    monkeypatch.setattr(limits, "LIMITS", most)
    assert told.replace("4 GiB", "0 GiB") in _ends_well(workspace, "hubs", bomb)
    if most.workbook_bytes > 1000:
        limits.require_package(zipfile.ZipFile(book), "hubs")


def test_json_nested_without_end_is_told(tmp_path: Path, workspace: Workspace) -> None:
    deep = tmp_path / "deep.json"
    deep.write_text("[" * 200_000, encoding="utf-8")
    assert _ends_well(workspace, "hubs", deep)
    cut = tmp_path / "cut.geojson"
    cut.write_text('{"type": "FeatureCollection", "features": [{', encoding="utf-8")
    assert "broken GeoJSON" in _ends_well(workspace, "regions", cut)


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".geojson"])
def test_rows_with_half_of_a_character_are_set_apart_and_the_others_taken(
    workspace: Workspace, tmp_path: Path, suffix: str
) -> None:
    rows = [f'{{"hub_id": "H{n}", "name": "{name}"}}' for n, name in enumerate([r"\ud83d\udce6", "b", *"cdefgh" * 10])]
    rows[3:3] = [r'{"hub_id": "A", "name": "x\ud800"}', r'{"hub_id": "\udce6", "name": "x"}']
    if suffix == ".geojson":
        rows = [f'{{"type": "Feature", "properties": {row}, "geometry": null}}' for row in rows]
    listed = ",".join(rows)
    text = {
        ".jsonl": "\n".join(rows),
        ".json": f"[{listed}]",
        ".geojson": f'{{"type": "FeatureCollection", "features": [{listed}]}}',
    }[suffix]
    path = tmp_path / f"a{suffix}"
    path.write_text(text, encoding="utf-8")
    found = preview_files(workspace, Profile("hubs", (str(path),))).ingestion
    assert found.rejected.select("row", "rule").rows() == [
        (row, "holds half of a character (a lone surrogate)") for row in (4, 5)
    ]
    assert found.rows.height == found.read - 2 == 62
    assert found.rows.row(0, named=True)["name"] == "\U0001f4e6"
