"""Containers are read by a helper process: whatever a library does there, the load ends in one sentence within its limits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from data.errors import RadarError
from data.sources import apart, geojson_files, json_lines, open_file
from data.sources.apart import read_apart
from data.sources.limits import LIMITS, Limits
from data.sources.load_limits import LoadWatch, limited
from data.sources.sql_mapping import map_with_sql
from data.workspace import Workspace

RADAR = Path(sys.executable).with_name("radar")
_MIB = 1 << 20


def _count(to: int) -> Iterator[int]:
    yield from range(to)


def _name_itself() -> Iterator[int]:
    yield os.getpid()


def _refuse(found: str) -> Iterator[int]:
    yield 1
    raise RadarError(found, "another", "choose it", file=Path("a.x"), row=7, column="c")


def _trip() -> Iterator[int]:
    yield 1
    raise ZeroDivisionError("by nought")


def _run_away() -> Iterator[int]:
    yield 1
    yield sum(range(10**13))  # one call in C that holds everything else up


def _take_memory(mebibytes: int) -> Iterator[int]:
    kept = [os.urandom(_MIB) for _ in range(mebibytes)]
    yield len(kept)
    time.sleep(60)


def _die(signum: int) -> Iterator[int]:
    yield 1
    os.kill(os.getpid(), signum)
    yield 2


def _read(work: Callable[..., Iterator[int]], *arguments: object) -> list[int]:
    return list(read_apart(work, *arguments, name="a.x", kind="Excel"))


def test_pieces_come_in_their_order_from_one_helper_that_serves_again() -> None:
    assert _read(_count, 20) == list(range(20))
    helpers = {_read(_name_itself)[0] for _ in range(3)}
    assert len(helpers) == 1
    assert os.getpid() not in helpers


def test_two_readings_side_by_side_have_a_helper_each() -> None:
    one, other = (read_apart(_count, 3, name="a", kind="Excel") for _ in range(2))
    assert list(zip(one, other, strict=True)) == [(0, 0), (1, 1), (2, 2)]


def test_errors_come_over_whole_and_the_helper_goes_on() -> None:
    with pytest.raises(RadarError) as refused:
        _read(_refuse, "a bad cell")
    assert str(refused.value) == "a.x, row 7, column c: found a bad cell, expected another; choose it."
    with pytest.raises(
        RadarError, match=r"a.x: found a Excel file that cannot be read \(ZeroDivisionError: by nought\)"
    ):
        _read(_trip)
    assert _read(_count, 2) == [0, 1]


@pytest.mark.parametrize(
    ("signum", "told"), [(signal.SIGSEGV, "signal 11"), (signal.SIGKILL, "more memory than there is")]
)
def test_a_helper_that_dies_is_told(signum: int, told: str) -> None:
    with pytest.raises(RadarError, match=told):
        _read(_die, signum)
    assert _read(_count, 2) == [0, 1]


def test_one_call_that_runs_away_ends_at_the_limit_of_time() -> None:
    began = time.monotonic()
    with pytest.raises(RadarError, match="more than 1 seconds"), limited(LoadWatch(1.0, float("inf"))):
        _read(_run_away)
    assert time.monotonic() - began < 30.0
    assert _read(_count, 2) == [0, 1]


def test_memory_that_the_helper_takes_counts_for_the_load() -> None:
    with pytest.raises(RadarError, match=r"more than 0\.0625 GiB of memory"), limited(LoadWatch(60.0, 64 * _MIB)):
        _read(_take_memory, 256)


def test_who_wants_no_more_ends_the_helper() -> None:
    with closing(read_apart(_count, 10**9, name="a", kind="Excel")) as pieces:
        assert next(pieces) == 0
    assert _read(_count, 2) == [0, 1]


def test_helpers_start_where_other_modules_stand_in_the_way(tmp_path: Path) -> None:
    for name in ("data", "pickle", "queue", "polars"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong one')\n", encoding="utf-8")
    workspace = Workspace.create(tmp_path / "ws 中文")
    _workbook(tmp_path / "a.xlsx", [["hub_id", "name"], ["A", "a"]])
    command = [str(RADAR), "-w", str(workspace.folder), "load", "hubs", "a.xlsx"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "hubs: 1 row read, 1 taken.\n"), done.stderr


def _workbook(path: Path, rows: Iterable[Sequence[object]]) -> Path:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("s")
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return path


def _bomb_of_one_text(path: Path) -> Path:
    """Half a GiB of text in a few hundred KB: one text in 16,000 cells of a workbook, one in 500,000 rows of Parquet."""
    if path.suffix == ".xlsx":
        return _workbook(path, [["hub_id", "name"], *([f"H{n}", "x" * 32_767] for n in range(16_000))])
    rows = pa.table({"hub_id": ["A"] * 20_000, "name": ["x" * 1000] * 20_000})
    with pq.ParquetWriter(path, rows.schema, compression="zstd") as writer:
        for _ in range(25):
            writer.write_table(rows)
    return path


@pytest.mark.parametrize("name", ["bomb.xlsx", "bomb.parquet"])
def test_a_text_that_stands_a_million_times_ends_in_a_sentence(tmp_path: Path, name: str) -> None:
    path = _bomb_of_one_text(tmp_path / name)
    assert path.stat().st_size < 2 * _MIB
    with pytest.raises(RadarError, match=r"more than 0\.25 GiB of memory"), limited(LoadWatch(120.0, 256 * _MIB)):
        assert sum(batch.frame.height for batch in open_file(path).read()) > 1


@pytest.mark.parametrize("suffix", [".jsonl", ".json"])
def test_objects_of_which_one_has_thousands_of_names_take_no_table_of_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr(json_lines, "_CELLS", 20_000)
    wide = {f"name_{n}": 1 for n in range(2000)}
    objects = [json.dumps(wide), *["{}"] * 500, json.dumps({"name_1": "last"})]
    path = tmp_path / f"a{suffix}"
    path.write_text("\n".join(objects) if suffix == ".jsonl" else f"[{','.join(objects)}]", encoding="utf-8")
    batches = list(open_file(path).read())
    assert max(batch.frame.height for batch in batches) <= 20_000 // 2000
    rows = pl.concat([batch.frame.select("c1").with_columns(batch.lines) for batch in batches])
    assert rows.rows() == [("1", 1), ("last", 502)]


def test_features_with_properties_of_their_own_each_end_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data.sources.limits.LIMITS", Limits(sheet_cells=100))
    features = [{"type": "Feature", "properties": {f"p{n}": n}, "geometry": None} for n in range(20)]
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    with pytest.raises(RadarError, match=r"20 features with 2\d different properties"):
        open_file(path)


def test_a_line_without_end_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.sources.limits.LIMITS", Limits(line_bytes=1000))
    monkeypatch.setattr(json_lines, "_BLOCK", 100)
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": "' + "x" * 5_000_000, encoding="utf-8")
    with pytest.raises(RadarError, match="a line of more than 0 MiB"):
        open_file(path)


@pytest.mark.parametrize("suffix", [".json", ".geojson"])
def test_large_json_is_parsed_apart_and_gives_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    point = {"type": "Point", "coordinates": [116.4, 39.9]}
    features = [{"type": "Feature", "properties": {"hub_id": name}, "geometry": point} for name in "AB"]
    content = (
        {"type": "FeatureCollection", "features": features}
        if suffix == ".geojson"
        else [{"hub_id": "A"}, 7, {"n": "B"}]
    )
    path = tmp_path / f"a{suffix}"
    path.write_text(json.dumps(content), encoding="utf-8")

    def read() -> list[object]:
        source = open_file(path)
        return [
            source.columns,
            *((batch.frame.rows(), batch.lines.to_list(), batch.broken.rows()) for batch in source.read()),
        ]

    near = read()
    asked: list[object] = []

    def count(work: Callable[..., Iterator[object]], *arguments: object, name: str, kind: str) -> Iterator[object]:
        asked.append(work)
        return apart.read_apart(work, *arguments, name=name, kind=kind)

    monkeypatch.setattr("data.sources.json_lines.LIMITS", Limits(small_json_bytes=10))
    monkeypatch.setattr("data.sources.geojson_files.LIMITS", Limits(small_json_bytes=10))
    module = geojson_files if suffix == ".geojson" else json_lines
    monkeypatch.setattr(module, "read_apart", count)
    assert read() == near
    assert len(asked) == 1
    assert LIMITS.small_json_bytes < LIMITS.json_bytes


def test_a_mapping_in_sql_that_runs_away_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("n\n" + "1\n" * 3000, encoding="utf-8")
    query = "SELECT count(*) AS n FROM input a, input b, input c, input d WHERE a.n || b.n || c.n || d.n = 'x'"
    began = time.monotonic()
    with pytest.raises(RadarError, match="more than 1 seconds"), limited(LoadWatch(1.0, float("inf"))):
        list(map_with_sql([open_file(path)], query, "map.sql").read())
    assert time.monotonic() - began < 60.0
