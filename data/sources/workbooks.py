"""What stands in the container of an .xlsx workbook before its cells are read: how far its sheets reach, merged cells."""

from __future__ import annotations

import html
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from lxml import etree

from data.errors import RadarError
from data.sources.limits import require_cells, require_package

_BLOCK = 4 << 20
_OVERLAP = 512
_CELL = re.compile(rb'<(?:\w+:)?c\b[^>]*?\sr="([A-Z]{1,3})\d')
_ROW = re.compile(rb'<(?:\w+:)?row\b[^>]*?\sr="(\d{1,7})"')
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\b[^>]*?\sref="([A-Z]{1,3})(\d+):([A-Z]{1,3})(\d+)"')
# Cells the reader gives as empty: a formula whose value was not saved beside it, and an error such as #REF!.
_UNSAVED = re.compile(
    rb'\sr="([A-Z]{1,3})(\d{1,7})"[^>]*>\s*<(?:\w+:)?f\b[^>]*?(?:/>|>([^<]*)</(?:\w+:)?f>)\s*'
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>|</(?:\w+:)?c>)"
)
_ERROR = re.compile(
    rb'<(?:\w+:)?c\b(?=[^>]*\st="e")[^>]*?\sr="([A-Z]{1,3})(\d{1,7})"[^>]*>'
    rb"\s*(?:<(?:\w+:)?f\b[^>]*?(?:/>|>[^<]*</(?:\w+:)?f>)\s*)?<(?:\w+:)?v>([^<]{1,16})<"
)
_MOST_LOST = 100_000
_END = re.compile(rb"</(?:\w+:)?worksheet\s*>\s*$|<(?:\w+:)?worksheet\b[^>]*/>\s*$")
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


@dataclass(frozen=True)
class SheetFrame:
    """How far a sheet reaches, and what its cells as they are read do not show.

    Attributes
    ----------
    rows, columns
        How far it reaches.
    merged
        Cells merged over several rows: (column, first row, last row), from 0.
    unsaved
        Formulas without a saved value, by (column, row) from 0: a script wrote the workbook, or it was saved without being calculated.
    errors
        Errors such as #REF!, by (column, row).
    """

    rows: int = 0
    columns: int = 0
    merged: tuple[tuple[int, int, int], ...] = field(default=())
    unsaved: Mapping[tuple[int, int], str] = field(default_factory=dict)
    errors: Mapping[tuple[int, int], str] = field(default_factory=dict)


def frame_sheets(path: Path, name: str) -> Mapping[str, SheetFrame]:
    """Look through the sheets of an ``.xlsx`` or ``.xlsm`` workbook without taking a cell into memory.

    Returns
    -------
    mapping
        Sheet title to its frame; empty for a workbook of another build.

    Raises
    ------
    RadarError
        For a broken container, a sheet that is cut off, or one that unpacks to more than ``LIMITS`` allow.
    """
    try:
        with zipfile.ZipFile(path) as package:
            require_package(package, name)
            return {title: _frame(package, part, title, name) for title, part in _parts(package).items()}
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, etree.XMLSyntaxError, NotImplementedError) as error:
        raise RadarError(
            f"no readable Excel file ({str(error)[:200]})", "a workbook without password", "save it again", file=name
        ) from error


def column_number(letters: str) -> int:
    """Return the position of a column by its letters, from 0.

    Examples
    --------
    >>> column_number("A"), column_number("XFD")
    (0, 16383)
    """
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _parts(package: zipfile.ZipFile) -> dict[str, str]:
    """Map sheet titles to their parts of the package."""
    names = set(package.namelist())
    if "xl/workbook.xml" not in names or "xl/_rels/workbook.xml.rels" not in names:
        return {}
    targets = {
        relation.get("Id"): relation.get("Target", "") for relation in _xml(package.read("xl/_rels/workbook.xml.rels"))
    }
    parts = {}
    for element in _xml(package.read("xl/workbook.xml")).iter():
        target = targets.get(element.get(_RELATION, ""))
        if str(element.tag).rpartition("}")[2] == "sheet" and target:
            part = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
            if part in names:
                parts[element.get("name", "")] = part
    return parts


def _xml(text: bytes) -> etree._Element:
    return etree.fromstring(text, etree.XMLParser(resolve_entities=False, no_network=True))


def _frame(package: zipfile.ZipFile, part: str, title: str, name: str) -> SheetFrame:
    rows, letters, merged = 0, set[bytes](), dict[tuple[int, int, int], None]()
    unsaved, errors = dict[tuple[int, int], str](), dict[tuple[int, int], str]()
    tail = b""
    with package.open(part) as stream:
        for text in _blocks(stream):
            letters.update(_CELL.findall(text))
            rows = max(rows, max((int(row) for row in _ROW.findall(text)), default=0))
            for first, top, last, bottom in _MERGED.findall(text):
                if top != bottom:
                    for column in range(column_number(first.decode()), column_number(last.decode()) + 1):
                        merged[column, int(top) - 1, int(bottom) - 1] = None
            for found, pattern, sign in ((unsaved, _UNSAVED, "="), (errors, _ERROR, "")):
                for column_letters, row, value in pattern.findall(text) if len(found) < _MOST_LOST else ():
                    place = (column_number(column_letters.decode()), int(row) - 1)
                    found[place] = sign + html.unescape(value.decode("utf-8", "replace"))
            tail = text[-_OVERLAP:]
    if not _END.search(tail) and b"chartsheet" not in tail:
        raise RadarError(f"sheet {title!r} cut off", "a whole workbook", "save or copy it again", file=name)
    columns = max((column_number(letter.decode()) + 1 for letter in letters), default=0)
    require_cells(rows, columns, title, name)
    return SheetFrame(rows, columns, tuple(merged), unsaved, errors)


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """Give a stream in blocks that overlap, so that no tag is cut."""
    rest = b""
    while block := stream.read(_BLOCK):
        yield rest + block
        rest = (rest + block)[-_OVERLAP:]
