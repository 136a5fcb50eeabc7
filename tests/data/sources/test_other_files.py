"""Excel, Parquet, JSON lines, GeoJSON, SQL over files, and paths that are no files."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from data.errors import RadarError
from data.sources import Batch, Layout, Source, open_file, open_files
from data.sources.sql_mapping import map_with_sql, read_query


def _whole(source: Source) -> Batch:
    batches = list(source.read())
    frame = pl.concat([batch.frame for batch in batches])
    frame.columns = list(source.columns)
    lines = pl.concat([batch.lines for batch in batches])
    return Batch(frame, lines, pl.concat([batch.broken for batch in batches]), batches[-1].done)


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    path = tmp_path / "volumes.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("empty")
        first = book.add_worksheet("说明")
        first.write_row(0, 0, ["not", "this"])
        sheet = book.add_worksheet("route_volumes")
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(2, 0, ["日期", "网点", "货量"])
        sheet.write_datetime(3, 0, datetime(2022, 6, 7), day)  # noqa: DTZ001
        sheet.write_row(3, 1, ["001", 12])
        sheet.write_row(5, 0, [44720, 7, 3.5])
        sheet.write_string(6, 0, "2022年6月9日")
        sheet.write_string(6, 1, "=1+1")
        sheet.write_formula(6, 2, "=1+1", None, 2)
    return path


def test_excel_takes_the_sheet_of_the_table_and_counts_rows_as_excel_does(workbook: Path) -> None:
    source = open_file(workbook, Layout(usual_sheet="Route_Volumes"))
    batch = _whole(source)
    assert source.columns == ("日期", "网点", "货量")
    assert batch.lines.to_list() == [4, 6, 7]
    assert batch.frame.rows() == [
        ("2022-06-07 00:00:00", "001", "12"),
        ("44720", "7", "3.5"),
        ("2022年6月9日", "=1+1", "2"),
    ]


def test_excel_takes_the_first_filled_sheet_otherwise(workbook: Path) -> None:
    assert open_file(workbook, Layout(usual_sheet="hubs")).columns == ("not", "this")
    assert open_file(workbook, Layout("ROUTE_volumes")).columns[0] == "日期"
    with pytest.raises(RadarError, match="found no sheet 'hubs', expected one of empty, 说明, route_volumes"):
        open_file(workbook, Layout("hubs"))


def test_excel_files_that_are_none_or_empty_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    for content, says in ((b"", "empty file"), (b"\x01\x02 no workbook\x00\x03", "no readable Excel file")):
        path.write_bytes(content)
        with pytest.raises(RadarError, match=says):
            open_file(path)
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("one")
    with pytest.raises(RadarError, match="empty sheets only"):
        open_file(path)


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    frame = pl.DataFrame(
        {
            "day": [date(2022, 1, 1), None],
            "at": [datetime(2022, 1, 1, tzinfo=UTC), None],
            "n": [1.5, None],
            "s": ["a", None],
        }
    )
    frame.write_parquet(path)
    batch = _whole(open_file(path))
    assert batch.frame.row(0) == frame.row(0)
    assert batch.lines.to_list() == [1]  # the second row is blank
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(RadarError, match="no whole Parquet file"):
        open_file(path)


def test_json_lines_with_late_keys_broken_lines_and_nested_values(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    lines = [
        '{"id": "001", "n": 3}',
        "",
        '{"id": 7, "n": 1.5, "late": true}',
        "{broken",
        "[1]",
        '{"id": {"x": 1}, "n": null}',
    ]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    source = open_file(path)
    batch = _whole(source)
    assert source.columns == ("id", "n", "late")
    assert batch.frame.rows() == [("001", "3", None), ("7", "1.5", "true"), ('{"x": 1}', None, None)]
    assert batch.lines.to_list() == [1, 3, 6]
    assert batch.broken.select("row", "rule").rows() == [(4, "is no JSON object"), (5, "is no JSON object")]


def test_a_json_list_is_read_as_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"a": 1}, {"a": "x", "b": None}]), encoding="utf-8")
    assert _whole(open_file(path)).frame.rows() == [("1", None), ("x", None)]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "empty file"),
        ("[1, 2", "broken JSON"),
        ("[]", "no JSON object"),
        ("nothing\n", "no JSON object"),
        ("\x00\x01", "no text"),
    ],
)
def test_json_files_that_are_none_are_told(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(RadarError, match=says):
        open_file(path)


SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]]}


def test_geojson_gives_properties_and_a_point_inside(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    features = [
        {"type": "Feature", "properties": {"region_id": "R1", "name": "一"}, "geometry": SQUARE},
        {"type": "Feature", "properties": {"region_id": "R2", "name": "two"}, "geometry": None},
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    source = open_file(path)
    assert source.columns == ("region_id", "name", "geometry", "latitude", "longitude")
    assert _whole(source).frame.rows() == [
        ("R1", "一", json.dumps(SQUARE), "1.0", "1.0"),
        ("R2", "two", None, None, None),
    ]
    for content in ("{}", '{"features": []}', "{", '{"features": [{"geometry": {"type": "Square"}}]}'):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(RadarError, match=r"GeoJSON|feature|geometry"):
            open_file(path)


def test_paths_that_are_no_files_are_told(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("a\n", encoding="utf-8")
    (tmp_path / "volumes.docx").write_text("a\n", encoding="utf-8")
    (tmp_path / "book.xlsx.gz").write_text("a\n", encoding="utf-8")
    for name, says in (
        ("", "a folder with 3 files"),
        ("none.csv", "no such file"),
        ("volumes.docx", "ending in .docx"),
        ("book.xlsx.gz", "unpack it first"),
    ):
        with pytest.raises(RadarError, match=says):
            open_file(tmp_path / name)


@pytest.fixture
def two_files(tmp_path: Path) -> list[Source]:
    for name, parcels in (("a.csv", 1), ("b.csv", 2)):
        (tmp_path / name).write_text(f"von;nach;menge\nDC1;DC2;{parcels}\n", encoding="utf-8")
    return open_files([tmp_path / "a.csv", tmp_path / "b.csv"])


def test_sql_maps_all_files_together(two_files: list[Source]) -> None:
    query = "SELECT von AS origin, nach AS destination, sum(menge::INT) AS parcels FROM input GROUP BY ALL;"
    source = map_with_sql(two_files, query, "map.sql")
    assert source.columns == ("origin", "destination", "parcels")
    assert _whole(source).frame.rows() == [("DC1", "DC2", 3)]
    assert source.name.endswith("b.csv by map.sql")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELECT nothing FROM input", "nothing"),
        ("SELEC 1", "syntax error"),
        ("SELECT 1 AS a; SELECT 2 AS b", "no single SELECT"),
        ("DROP TABLE input", "no single SELECT"),
        ("COPY (SELECT 1) TO 'out.csv'", "no single SELECT"),
        ("SELECT * FROM read_csv('{folder}/a.csv')", "disabled by configuration"),
        ("SELECT * FROM '{folder}/a.csv'", "disabled by configuration|does not exist"),
        ("SELECT menge::DATE AS x FROM input", "menge|date|Conversion"),
        ("SET enable_external_access = true", "no single SELECT"),
    ],
)
def test_sql_that_is_wrong_or_looks_elsewhere_is_told(
    two_files: list[Source], tmp_path: Path, query: str, says: str
) -> None:
    with pytest.raises(RadarError, match=says) as raised:
        list(map_with_sql(two_files, query.format(folder=tmp_path), "map.sql").read())
    assert "\n" not in str(raised.value)


def test_sql_wants_one_shape_and_whole_rows(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("a,c\n1,2\n", encoding="utf-8")
    (tmp_path / "c.csv").write_text("a,b\n1,2,3\n", encoding="utf-8")
    (tmp_path / "d.csv").write_text("a,a\n1,2\n", encoding="utf-8")
    for names, says in (
        (["a", "b"], "those of"),
        (["a", "c"], "row 2: a row that has 3 cells"),
        (["d"], "two columns named"),
    ):
        with pytest.raises(RadarError, match=says):
            map_with_sql(open_files([tmp_path / f"{name}.csv" for name in names]), "SELECT * FROM input", "map.sql")


def test_sql_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    path = tmp_path / "map.sql"
    with pytest.raises(RadarError, match="cannot be read"):
        read_query(path)
    path.write_text("  \n", encoding="utf-8")
    with pytest.raises(RadarError, match="empty file"):
        read_query(path)
