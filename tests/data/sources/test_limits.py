"""Limits of one load: types no table can take, sheets that reach too far, time and memory."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.errors import RadarError
from data.sources import open_file
from data.sources.limits import LIMITS
from data.sources.load_limits import LoadWatch, free_memory, limited, memory_in_use, watch_load
from data.sources.other_workbooks import require_reach
from data.workspace import Workspace

RADAR = Path(sys.executable).with_name("radar")


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1, 2], pa.decimal256(60, 2)),
        pa.array([[1], [2]], pa.list_(pa.decimal256(40, 0))),
        pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.int64())),
        pa.array([(1, 2, 3), None], pa.month_day_nano_interval()),
        pa.array([1.0, 2.0], pa.float64()).cast(pa.decimal128(10, 2)).cast(pa.decimal256(50, 2)).dictionary_encode(),
    ],
    ids=lambda values: str(values.type),
)
def test_types_no_table_takes_are_known_from_the_schema(tmp_path: Path, values: pa.Array) -> None:
    path = tmp_path / "a.parquet"
    try:
        pq.write_table(pa.table({"n": pa.array([1, 2]), "odd": values}), path)
    except pa.ArrowNotImplementedError:
        pytest.skip("Parquet does not hold this type")
    with pytest.raises(RadarError, match=r"column odd: found a Parquet file with values of type"):
        open_file(path)


def test_no_panic_of_a_reader_reaches_stderr(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "ws")
    path = tmp_path / "wide.parquet"
    columns = {"date": pa.array(["2025-11-01"]), "parcels": pa.array([1], pa.decimal256(60, 2))}
    pq.write_table(pa.table(columns), path)
    command = [str(RADAR), "-w", str(workspace.folder), "load", "route_volumes", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert "panicked" not in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 8
    assert "decimal256(60, 2)" in done.stderr


def _ods(path: Path, rows: str) -> Path:
    space = "urn:oasis:names:tc:opendocument:xmlns"
    head = f'<office:document-content xmlns:office="{space}:office:1.0" xmlns:table="{space}:table:1.0" xmlns:text="{space}:text:1.0">'
    body = f'<office:body><office:spreadsheet><table:table table:name="S">{rows}</table:table></office:spreadsheet></office:body>'
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        package.writestr("content.xml", f'<?xml version="1.0" encoding="UTF-8"?>{head}{body}</office:document-content>')
        package.writestr("META-INF/manifest.xml", "<manifest/>")
    return path


def _row(*texts: str, repeated: int = 1) -> str:
    cells = "".join(
        f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>' for text in texts
    )
    return f'<table:table-row table:number-rows-repeated="{repeated}">{cells}</table:table-row>'


FAR = '<table:table-cell table:number-columns-repeated="16383"/><table:table-cell office:value-type="string"><text:p>x</text:p></table:table-cell>'


@pytest.mark.parametrize(
    "far",
    [
        f'<table:table-row table:number-rows-repeated="1048570"/><table:table-row>{FAR}</table:table-row>',
        (
            '<table:table-row table:number-rows-repeated="1048570"><table:table-cell office:value-type="float" '
            'office:value="1" table:number-columns-repeated="1000"><text:p>1</text:p></table:table-cell></table:table-row>'
        ),
    ],
)
def test_an_ods_that_reaches_too_far_is_told_before_it_is_read(tmp_path: Path, far: str) -> None:
    path = _ods(tmp_path / "far.ods", _row("a", "b") + _row("1", "2") + far)
    before = memory_in_use()
    with pytest.raises(RadarError, match=r"sheet 'S' with cells from row 1 to 1,048,57\d"):
        open_file(path)
    assert memory_in_use() - before < 1 << 30


def test_empty_rows_to_the_end_of_an_ods_are_no_cells(tmp_path: Path) -> None:
    path = _ods(
        tmp_path / "a.ods",
        _row("a", "b") + _row("1", "2") + '<table:table-row table:number-rows-repeated="1048570"/>',
    )
    source = open_file(path)
    assert source.columns == ("a", "b")
    assert [batch.frame.rows() for batch in source.read()] == [[("1", "2")]]


def _record(kind: int, body: bytes) -> bytes:
    code = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    return code + bytes([len(body)]) + body


def _xlsb(path: Path, *cells: tuple[int, int], cut: int = 0) -> Path:
    sheet = _record(129, b"")
    for row, column in cells:
        sheet += _record(0, row.to_bytes(4, "little") + bytes(13))
        sheet += _record(5, column.to_bytes(4, "little") + bytes(12))
    sheet += _record(130, b"")
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("xl/worksheets/sheet1.bin", sheet[: len(sheet) - cut])
    return path


def test_an_xlsb_that_reaches_too_far_or_is_cut_is_told(tmp_path: Path) -> None:
    require_reach(_xlsb(tmp_path / "a.xlsb", (0, 0), (9, 16_383)), "a.xlsb")
    with pytest.raises(RadarError, match=r"cells from row 1 to 1,048,576 and 16,384 columns wide"):
        require_reach(_xlsb(tmp_path / "b.xlsb", (0, 0), (1_048_575, 16_383)), "b.xlsb")
    with pytest.raises(RadarError, match="cut off"):
        require_reach(_xlsb(tmp_path / "c.xlsb", (0, 0), cut=5), "c.xlsb")
    assert LIMITS.sheet_cells < 1_048_576 * 16_384


def test_a_load_past_its_time_ends_in_one_sentence() -> None:
    def loop() -> None:
        with limited(watch_load(0.05, 0.0)):
            while True:
                time.sleep(0.01)

    with pytest.raises(RadarError, match=r"more than 0\.05 seconds.*time_limit_seconds.*nothing was committed"):
        loop()
    time.sleep(0.6)  # the timer is off: nothing is raised out of the blue


def test_a_load_past_its_memory_ends_in_one_sentence() -> None:
    with (
        pytest.raises(RadarError, match=r"more than 0\.01 GiB of memory.*memory_limit_gib"),
        limited(LoadWatch(60.0, 0.01 * (1 << 30))),
    ):
        blocks = []
        for _ in range(400):
            blocks.append(bytearray(b"x" * (1 << 20)))
            time.sleep(0.005)
    assert free_memory() > 0


def test_elsewhere_than_in_the_main_thread_a_load_is_watched_at_its_end() -> None:
    told: list[str] = []

    def work() -> None:
        try:
            with limited(watch_load(0.01, 0.0)):
                time.sleep(0.05)
        except RadarError as error:
            told.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert "0.01 seconds" in told[0]


def test_a_load_past_its_limit_writes_nothing(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "ws")
    (workspace.folder / "radar.toml").write_text("[load]\ntime_limit_seconds = 0.001\n", encoding="utf-8")
    path = tmp_path / "hubs.csv"
    path.write_text("hub_id,name\n" + "".join(f"H{n},n\n" for n in range(200_000)), encoding="utf-8")
    command = [str(RADAR), "-w", str(workspace.folder), "load", "hubs", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1, done.stderr
    assert "a load that reads for more than 0.001 seconds" in " ".join(done.stderr.split())
    assert workspace.version("hubs") is None
