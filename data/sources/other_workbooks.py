"""How far the sheets of .ods and .xlsb workbooks reach, looked up before a cell is taken into memory."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from lxml import etree

from data.errors import RadarError
from data.sources.limits import require_cells, require_package

_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
# Records of a binary sheet (MS-XLSB 2.3): a row's header, and the eleven kinds of cells.
_ROW_RECORD = 0
_CELL_RECORDS = range(1, 12)


def require_reach(path: Path, name: str) -> None:
    """Raise RadarError for an ``.ods`` or ``.xlsb`` workbook that unpacks to more than ``LIMITS`` allow, or is broken.

    Cells that are repeated count as often as they are repeated, as far as a row or column with anything in it reaches.

    Raises
    ------
    RadarError
        When it unpacks to more, or is broken.
    """
    try:
        with zipfile.ZipFile(path) as package:
            require_package(package, name)
            for part in package.namelist():
                if part == "content.xml":
                    with package.open(part) as stream:
                        _require_ods(stream, name)
                elif part.startswith("xl/worksheets/") and part.endswith(".bin"):
                    with package.open(part) as stream:
                        _require_xlsb(stream, part, name)
    except (zipfile.BadZipFile, zlib.error, EOFError, etree.XMLSyntaxError, NotImplementedError) as error:
        raise RadarError(
            f"no readable workbook ({str(error)[:200]})", "a workbook without password", "save it again", file=name
        ) from error


def _require_ods(stream: IO[bytes], name: str) -> None:
    row, last_row, width, title = 0, 0, 0, ""
    for event, element in etree.iterparse(stream, events=("start", "end"), resolve_entities=False, no_network=True):
        if event == "start":
            if element.tag == f"{_TABLE}table":
                row, last_row, width, title = 0, 0, 0, element.get(f"{_TABLE}name", "")
            continue
        if element.tag == f"{_TABLE}table-row":
            reach = _reach_of_row(element)
            row += _repeated(element, "rows")
            if reach:
                last_row, width = row, max(width, reach)
                require_cells(last_row, width, title, name)
            element.clear()
        elif element.tag == f"{_TABLE}table":
            element.clear()


def _reach_of_row(row: etree._Element) -> int:
    """Return the last column of a row with anything in it, from 1; 0 where there is none."""
    column = reach = 0
    for cell in row:
        if cell.tag not in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
            continue
        column += _repeated(cell, "columns")
        if cell.get(f"{_OFFICE}value-type") or len(cell) or (cell.text or "").strip():
            reach = column
    return reach


def _repeated(element: etree._Element, of: str) -> int:
    repeated = element.get(f"{_TABLE}number-{of}-repeated", "1")
    return int(repeated) if repeated.isdigit() else 1


def _require_xlsb(stream: IO[bytes], part: str, name: str) -> None:
    row = last_row = width = 0
    for kind, start in _records(stream):
        if kind == _ROW_RECORD:
            row = int.from_bytes(start, "little") + 1
        elif kind in _CELL_RECORDS:
            last_row, width = row, max(width, int.from_bytes(start, "little") + 1)
            require_cells(last_row, width, part, name)


def _records(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Give the kind of each record of a binary part, and its first four bytes."""
    while head := stream.read(1):
        kind = head[0]
        if kind & 0x80:
            kind = (kind & 0x7F) | ((stream.read(1) or b"\0")[0] & 0x7F) << 7
        size = shift = 0
        while True:
            byte = (stream.read(1) or b"\0")[0]
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80 or shift > 21:
                break
        body = stream.read(size)
        if len(body) < size:
            raise EOFError("a sheet that is cut off")
        yield kind, body[:4]
