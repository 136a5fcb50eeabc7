"""Which kind a file is, and the source that reads it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from data.errors import RadarError
from data.sources.batch import Source
from data.sources.csv_files import open_csv
from data.sources.disguises import look_at_workbook
from data.sources.excel_files import ALL_SHEETS, open_excel
from data.sources.geojson_files import open_geojson
from data.sources.guarding import guard, one_sentence
from data.sources.headers import HeaderRule
from data.sources.json_lines import open_json
from data.sources.parquet_files import open_parquet

_TEXT = (".csv", ".tsv", ".txt", ".dat", "")
_EXCEL = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
_JSON = (".jsonl", ".ndjson", ".json")
_PARQUET = (".parquet", ".pq")
# https://… and postgresql://… as a path, which has one of the strokes; a drive has a single letter.
_ADDRESS = re.compile(r"^([A-Za-z][A-Za-z0-9+.\-]+):[/\\]")
_ENDINGS = (
    "CSV (.csv, .tsv, .txt), Excel (.xlsx, .xls), Parquet (.parquet), JSON lines (.jsonl, .json) or GeoJSON (.geojson)"
)


@dataclass(frozen=True)
class Layout:
    """Where in a file the table stands.

    Parameters
    ----------
    sheet
        Sheet of an Excel file, ``*`` for all visible ones; it must be there.
    usual_sheet
        Without ``sheet``: the one to take where the file has it.
    header_row
        Line of the header in text and Excel files, from 1.
    rule
        How to find the header without that; by default the first row with anything in it.
    """

    sheet: str | None = None
    usual_sheet: str | None = None
    header_row: int | None = None
    rule: HeaderRule | None = None


def open_files(paths: Sequence[Path], layout: Layout | None = None) -> list[Source]:
    """Open several files, each as its ending says; ``.gz`` before it is unpacked for text and JSON.

    Parameters
    ----------
    paths
        The files.
    layout
        Where in each the table stands.

    Returns
    -------
    list of Source
        In the order of the files; one a sheet of a workbook.

    Raises
    ------
    RadarError
        When there is no such file, it is a folder, it may not be read, or is not what its ending says.
    """
    how = layout or Layout()
    return [guard(_pass_over_sheet(source, path, how), _kind(path)) for path in paths for source in _open(path, how)]


def has_sheets(path: Path) -> bool:
    """Whether a file is a workbook by its name."""
    return _ending(path) in _EXCEL


def _pass_over_sheet(source: Source, path: Path, layout: Layout) -> Source:
    """Say of a file that is no workbook that the sheet asked for means nothing to it."""
    if layout.sheet in (None, ALL_SHEETS) or has_sheets(path):
        return source
    return replace(
        source, notes=(*source.notes, f"{path}: --sheet {layout.sheet} is passed over: only workbooks have sheets")
    )


def open_file(path: Path, layout: Layout | None = None) -> Source:
    """Open one file; of a workbook the first sheet that holds the table. See ``open_files``."""
    return open_files([path], layout)[0]


def _open(path: Path, layout: Layout) -> list[Source]:
    name = str(path)
    _require_file(path, name)
    ending = _ending(path)
    with one_sentence(name, _kind(path)):
        if ending in _TEXT:
            return [open_csv(path, name, layout.header_row, layout.rule)]
        if ending in _JSON:
            return [open_json(path, name)]
        if ending == ".zip":
            raise RadarError("a zip archive", _ENDINGS, "unpack it, and load the files in it", file=name)
        if path.suffix.lower() == ".gz":
            raise RadarError(
                f"a packed {ending} file", "gzip around CSV or JSON lines only", "unpack it first", file=name
            )
        if ending in _EXCEL:
            return _open_workbook(path, name, layout)
        if ending in _PARQUET:
            return [open_parquet(path, name)]
        if ending == ".geojson":
            return [open_geojson(path, name)]
    raise RadarError(f"a file ending in {ending}", _ENDINGS, "save it as one of these", file=name)


def _open_workbook(path: Path, name: str, layout: Layout) -> list[Source]:
    """Open a workbook, or the text that a system wrote under the name of one."""
    if path.stat().st_size and look_at_workbook(path, name) == "text":
        text = open_csv(path, name, layout.header_row, layout.rule)
        return [
            replace(text, notes=(*text.notes, f"{name}: read as text in columns, which it is in spite of its name"))
        ]
    return open_excel(path, name, layout.sheet, layout.usual_sheet, layout.header_row, layout.rule)


def _ending(path: Path) -> str:
    ending = path.suffix.lower()
    return Path(path.stem).suffix.lower() if ending == ".gz" else ending


def _kind(path: Path) -> str:
    ending = _ending(path)
    kinds = ((_TEXT, "CSV"), (_JSON, "JSON"), (_EXCEL, "Excel"), (_PARQUET, "Parquet"))
    return next((kind for endings, kind in kinds if ending in endings), "GeoJSON")


def _require_file(path: Path, name: str) -> None:
    address = _ADDRESS.match(name)
    if address is not None and not path.exists():  # what follows may hold a password or a key, so it is not shown
        raise RadarError(
            f"an address ({address[1]}:…)",
            "a file on this machine",
            "download it first, or read a database with --database URL --query SQL",
        )
    if path.is_dir():
        inside = sorted(child.name for child in path.iterdir() if child.is_file())
        problem = f"a folder with {len(inside)} files"
        raise RadarError(problem, "a file", f"name the files, e.g. {path / '*.csv'}", file=name)
    if not path.exists():
        raise RadarError("no such file", "a file that exists", "check the path", file=name)
    if not path.is_file():
        raise RadarError("no ordinary file", "a file on disk", "write it to a file first", file=name)
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise RadarError(
            f"a file that may not be read ({error.strerror})", "a readable one", "check its rights", file=name
        ) from error
