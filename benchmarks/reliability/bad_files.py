"""Bad files of every kind, loaded by the command: rows set apart or one sentence, never a traceback and never without end."""

from __future__ import annotations

import gzip
import io
import json
import random
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from benchmarks.reliability.in_process import Answer, Commands
from benchmarks.reliability.outcomes import Trial
from data.workspace import Workspace

_HEADER = "date,courier_id,origin_hub_id,destination_hub_id,parcels"
_WORKERS = 4
_LONGEST = 3000  # characters of what is said about one file
# Values that have been met in cells, and some that nobody should meet.
CELLS = (
    "", " ", "-", "n/a", "NaN", "inf", "-5", "1e999", "6.21E+11", "1234567890123456789012", "1.5", "1,234", "1.234,5", "85 %",
    "一百", "３", "五万", "#REF!", "=1+1", "' OR 1=1 --", "x" * 5000, "\x00", "\u200b", "2052-01-01", "0001-01-01", "31/02/2025",
    "45962", "合计", "Total", "true", "{}", "<b>", "500①", "\u202eAB", "NULL", "济南\ufffd", "民国114年11月1日", "2025-11-01T10:00+0545",
)  # fmt: skip


def _csv(lines: list[str], encoding: str = "utf-8") -> bytes:
    return "\n".join([_HEADER, *lines]).encode(encoding, "surrogatepass")


def _good(rows: int = 30) -> list[str]:
    day = date(2025, 10, 1)
    return [f"{day + timedelta(days=n)},c,A,B,{n + 1}" for n in range(rows)]


def _odd_cells() -> Iterator[tuple[str, str, bytes]]:
    """Each value as date, id and number of one row among good ones."""
    for column in (0, 2, 4):  # a date, an id, a number
        for number, value in enumerate(CELLS):
            row = ["2025-11-01", "c", "A", "B", "5"]
            row[column] = '"' + value.replace('"', '""') + '"'
            yield "one odd cell", f"cell-{column}-{number}.csv", _csv([*_good(), ",".join(row)])


def _odd_text() -> Iterator[tuple[str, str, bytes]]:
    good = _csv(_good())
    shapes = {
        "empty": b"", "header-only": _csv([]), "no-header": "\n".join(_good()).encode(), "nul": b"\x00" * 500,
        "utf16": good.decode().encode("utf-16"), "gb18030": good.replace(b"parcels", "货量".encode("gb18030")),
        "quotes-open": good + b'\n"2025-11-01,c,A,B,5', "short-rows": good + b"\n2025-11-01,c", "long-rows": good + b"\n1,2,3,4,5,6,7,8",
        "header-twice": good + b"\n" + good, "same-column-twice": good.replace(b"courier_id", b"date"), "only-breaks": b"\n" * 5000,
        "spaces": b" " * 10_000, "one-long-line": b"x" * 3_000_000, "many-columns": ",".join(map(str, range(40_000))).encode(),
        "mac-breaks": good.replace(b"\n", b"\r"), "sum-rows": good + "\n合计,,,,465".encode(), "half-character": good + "杭".encode()[:2],
        "units-below": good.replace(b"parcels", "parcels\n,,,,万件".encode(), 1), "groups-above": b",,route,,parcels\n" + good.replace(b"parcels", b"", 1),
        "beside": good.replace(b"\n", b",,2025-11-01,c,B,A,1\n").replace(b"2025-11-01,c,B,A,1", _HEADER.encode(), 1), "utf32": good.decode().encode("utf-32"),
        "big5": good.replace(b",A,", ",臺北,".encode("big5")), "quotes-doubled": good + b'\n2025-11-01,c,"A"B",B,5',
        "html": b"<html><table><tr><td>1</td></tr></table></html>", "pdf": b"%PDF-1.7 ...", "another-table": b"hub_id,name\nA,a",
    }  # fmt: skip
    for name, content in shapes.items():
        yield "odd text", f"text-{name}.csv", content
        yield "packed odd text", f"packed-{name}.csv.gz", gzip.compress(content)
    yield "bomb", "bomb.csv.gz", gzip.compress(b"\n" * 300_000_000, 9)
    packed = gzip.compress(good)
    yield "cut container", "cut.csv.gz", packed[: len(packed) // 2]


def _odd_json() -> Iterator[tuple[str, str, bytes]]:
    row = dict(zip(_HEADER.split(","), ["2025-11-01", "c", "A", "B", 5], strict=True))
    texts = {
        "empty-list": "[]", "empty-object": "{}", "null": "null", "number": "7", "nested": json.dumps([row | {"parcels": {"n": 5}}]),
        "list-cell": json.dumps([row | {"parcels": [1, 2]}]), "cut": json.dumps([row])[:-3], "nan": json.dumps([row])[:-3] + "NaN}]",
        "huge": json.dumps([row | {"parcels": 10**40}]), "deep": "[" * 100_000, "surrogate": '[{"date": "\\ud800"}]',
        "mixed": json.dumps([row, [1, 2], "x"]), "geojson-cut": '{"type": "FeatureCollection", "features": [{"type": "Fea',
    }  # fmt: skip
    for name, text in texts.items():
        yield "odd JSON", f"json-{name}.json", text.encode()
        yield "odd JSON", f"json-{name}.jsonl", text.encode()


def _odd_workbooks() -> Iterator[tuple[str, str, bytes]]:
    header: list[object] = [*_HEADER.split(",")]
    whole = _workbook([header, ["2025-11-01", "c", "A", "B", 5]])
    for share in (0.1, 0.3, 0.5, 0.7, 0.9, 0.99):
        yield "cut container", f"cut-{share}.xlsx", whole[: int(len(whole) * share)]
    chance = random.Random(7)
    for number in range(20):
        content = bytearray(whole)
        for _ in range(8):
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        yield "flipped bits", f"flipped-{number}.xlsx", bytes(content)
    yield "odd workbook", "no-sheet-rows.xlsx", _workbook([])
    yield "odd workbook", "text-as-workbook.xlsx", _csv(_good())
    with zipfile.ZipFile(io.BytesIO(whole)) as pack:
        names = [name for name in pack.namelist() if name.endswith(".xml")]
    for name in names:
        yield "odd workbook", f"cut-{name.replace('/', '-')}.xlsx", _cut_part(whole, name)


def _workbook(rows: list[list[object]]) -> bytes:
    memory = io.BytesIO()
    with xlsxwriter.Workbook(memory, {"in_memory": True}) as book:
        sheet = book.add_worksheet("route_volumes")
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return memory.getvalue()


def _cut_part(content: bytes, part: str) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(memory, "w") as new:
        for name in old.namelist():
            inner = old.read(name)
            new.writestr(name, inner[: len(inner) // 2] if name == part else inner)
    return memory.getvalue()


def _odd_parquet() -> Iterator[tuple[str, str, bytes]]:
    base = {"date": [date(2025, 11, 1)], "courier_id": ["c"], "origin_hub_id": ["A"], "destination_hub_id": ["B"]}
    columns = {
        "duration": pa.array([timedelta(hours=5)]), "decimal": pa.array([5], pa.decimal256(60, 2)), "binary": pa.array([b"\xff"]),
        "list": pa.array([[1, 2]]), "struct": pa.array([{"a": 1}]), "map": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
        "bool": pa.array([True]), "null": pa.nulls(1), "nan": pa.array([float("nan")]), "inf": pa.array([float("inf")]),
    }  # fmt: skip
    for name, values in columns.items():
        memory = io.BytesIO()
        pq.write_table(pa.table({**base, "parcels": values}), memory)
        yield "odd Parquet", f"parquet-{name}.parquet", memory.getvalue()
        yield "cut container", f"cut-{name}.parquet", memory.getvalue()[:-40]


def list_bad_files(shared: Path | None) -> list[tuple[str, str, bytes]]:
    """List kind, file name and content of every bad file: those made here, and the hostile cases beside the repo when there are any."""
    found = [*_odd_cells(), *_odd_text(), *_odd_json(), *_odd_workbooks(), *_odd_parquet()]
    hostile = shared / "cases" / "hostile" if shared is not None else None
    if hostile is not None and hostile.is_dir():
        kept = (path for path in sorted(hostile.iterdir()) if path.suffix != ".py")
        found += [("hostile cases", path.name, path.read_bytes()) for path in kept]
    return found


def try_bad_files(place: Path, shared: Path | None) -> tuple[Trial, ...]:
    """Load every bad file into a workspace of its own kind.

    Parameters
    ----------
    place
        An empty folder.
    shared
        Folder with hostile cases, if there is one.
    """
    files = list_bad_files(shared)
    with ThreadPoolExecutor(_WORKERS) as pool:  # each with a process and a workspace of its own
        parts = pool.map(lambda part: _load_all(place / f"part {part}", files[part::_WORKERS]), range(_WORKERS))
        return tuple(trial for part in parts for trial in part)


def _load_all(place: Path, files: list[tuple[str, str, bytes]]) -> list[Trial]:
    folder = place / "计划 2026"
    workspace = Workspace.create(folder)
    commands = Commands()
    trials = []
    for kind, name, content in files:
        path = place / name
        path.write_bytes(content)
        before = workspace.read("route_volumes")
        words = ["load", "route_volumes", str(path), "--replace", "--add-missing", "hubs,couriers"]
        answer = commands.run(["--workspace", str(folder), *words])
        trials.append(_judge(kind, name, answer, before, workspace.read("route_volumes")))
        path.unlink()
    commands.close()
    return trials


def _judge(kind: str, name: str, answer: Answer, before: pl.DataFrame, after: pl.DataFrame) -> Trial:
    if answer.flaw in ("hung", "died"):
        return Trial(kind, {"hung": "without end", "died": "the process died"}[answer.flaw], passed=False, detail=name)
    if answer.flaw or "Traceback" in answer.printed:
        return Trial(kind, "a traceback", passed=False, detail=f"{name}: {answer.flaw.strip().splitlines()[-1:]}")
    if answer.code == 1:
        whole = after.equals(before) and len(answer.printed) <= _LONGEST
        return Trial(kind, "refused in a sentence", passed=whole, detail=f"{name}: {answer.printed[:200]}")
    outcome = {0: "taken", 3: "taken, bad rows set apart"}.get(answer.code or 0, f"exit code {answer.code}")
    return Trial(kind, outcome, passed=answer.code in (0, 3), detail=name)
