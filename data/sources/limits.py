"""How much one file may unpack to: a bomb ends in a sentence, before it takes the machine."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from data.errors import RadarError


@dataclass(frozen=True)
class Limits:
    """Limits of one file.

    Every one is a judgement: several times what the largest true files seen need, and far below what stops a machine of
    4 GB.

    Parameters
    ----------
    unpacked_bytes
        Any packed file may grow to this.
    unpacked_ratio
        A larger one may grow to this many times its packed size; volumes as CSV grow 5 to 20 times.
    workbook_bytes
        Unpacked size of an Excel workbook [bytes].
    small_workbook_bytes
        One larger than this may grow to ``unpacked_ratio`` times its packed size; sheets grow 5 to 60 times.
    sheet_cells
        Rows times columns of a sheet, the empty ones among them: a full sheet of 60 columns.
    columns
        Columns of a file; Excel's own limit.
    json_bytes
        Unpacked size of JSON that must be read whole, a list or a collection [bytes]; JSON lines have no such limit.
    small_json_bytes
        Such JSON is parsed by the command itself up to this size [bytes]: at 30 bytes of memory for one of ``[],`` that is a
        quarter of a GiB. Larger JSON is parsed by a helper process.
    line_bytes
        Longest line of JSON lines [bytes].
    """

    unpacked_bytes: int = 2 << 30
    unpacked_ratio: int = 200
    workbook_bytes: int = 4 << 30
    small_workbook_bytes: int = 512 << 20
    sheet_cells: int = 64 << 20
    columns: int = 16_384
    json_bytes: int = 1 << 30
    small_json_bytes: int = 8 << 20
    line_bytes: int = 64 << 20


LIMITS = Limits()


def limit_unpacked(blocks: Iterator[bytes], packed: BinaryIO, name: str) -> Iterator[bytes]:
    """Pass blocks on until they are more than the file may unpack to; then RadarError."""
    most = max(LIMITS.unpacked_bytes, LIMITS.unpacked_ratio * os.fstat(packed.fileno()).st_size)
    seen = 0
    for block in blocks:
        seen += len(block)
        if seen > most:
            raise RadarError(
                f"a file that unpacks to more than {most / (1 << 30):.1f} GiB",
                f"at most {LIMITS.unpacked_ratio} times its size",
                "check what wrote it, or part it",
                file=name,
            )
        yield block


def require_columns(count: int, name: str, row: int | None = None) -> None:
    """Raise RadarError for a header of more columns than any table has use for."""
    if count > LIMITS.columns:
        raise RadarError(
            f"{count:,} columns", f"at most {LIMITS.columns:,}", "check the export that wrote it", file=name, row=row
        )


def require_cells(rows: int, columns: int, title: str, name: str) -> None:
    """Raise RadarError for a sheet that reaches over more cells than are read, the empty ones among them."""
    if rows * columns > LIMITS.sheet_cells:
        raise RadarError(
            f"sheet {title!r} with cells from row 1 to {rows:,} and {columns:,} columns wide",
            f"at most {LIMITS.sheet_cells:,} cells",
            "delete the stray cell at its far end, or save the table as CSV",
            file=name,
        )


def require_table(rows: int, columns: int, name: str) -> None:
    """Raise RadarError for features of which nearly each has properties of its own: their table would fill the machine."""
    if rows * columns > LIMITS.sheet_cells:
        raise RadarError(
            f"{rows:,} features with {columns:,} different properties",
            f"at most {LIMITS.sheet_cells:,} cells",
            "check the export that wrote it",
            file=name,
        )


def require_size(size: float, name: str) -> None:
    """Raise RadarError for JSON too large to be read whole."""
    if size > LIMITS.json_bytes:
        raise RadarError(
            f"one JSON value of {size / (1 << 30):.1f} GiB",
            f"at most {LIMITS.json_bytes / (1 << 30):.0f} GiB",
            "write it as JSON lines, one object a line",
            file=name,
        )


def require_line(size: int, name: str) -> None:
    """Raise RadarError for a line of JSON lines too long to be one object."""
    if size > LIMITS.line_bytes:
        raise RadarError(
            f"a line of more than {LIMITS.line_bytes >> 20} MiB",
            "one JSON object a line",
            "check the export that wrote it",
            file=name,
        )


def require_package(package: zipfile.ZipFile, name: str) -> None:
    """Raise RadarError for a workbook that unpacks to more than ``LIMITS`` allow."""
    whole = sum(item.file_size for item in package.infolist())
    packed = sum(item.compress_size for item in package.infolist())
    if whole > LIMITS.workbook_bytes:
        raise RadarError(
            f"a workbook that unpacks to {whole / (1 << 30):.1f} GiB",
            f"at most {LIMITS.workbook_bytes / (1 << 30):.0f} GiB",
            "save the sheet as CSV",
            file=name,
        )
    if whole > max(LIMITS.small_workbook_bytes, LIMITS.unpacked_ratio * packed):
        raise RadarError(
            f"a workbook that unpacks to {whole / (1 << 30):.1f} GiB",
            f"at most {LIMITS.unpacked_ratio} times its size",
            "save the sheet as CSV",
            file=name,
        )
