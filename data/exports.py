"""Tables as files that other programs read: CSV, Parquet, JSON, Excel."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import polars as pl

from data.errors import RadarError

Format = Literal["csv", "parquet", "json", "xlsx"]
LIST_SEPARATOR = "|"
EXCEL_ROWS = 1_048_575


def write_table(frame: pl.DataFrame, path: Path, form: Format, zone: ZoneInfo) -> None:
    """Write a table to a file, whole or not at all.

    Parameters
    ----------
    frame
        The rows.
    path
        File to write; what stood there is replaced.
    form
        ``csv`` (UTF-8 with BOM, so that Excel reads Chinese), ``parquet``, ``json`` (records) or ``xlsx``.
    zone
        Time zone in which times are written, with their offset.

    Raises
    ------
    RadarError
        When the folder is missing or not writable, or the rows are more than an Excel sheet holds.
    """
    if form == "xlsx" and frame.height > EXCEL_ROWS:
        raise RadarError(f"{frame.height:,} rows", f"at most {EXCEL_ROWS:,} in an Excel sheet", "export csv or parquet")
    with whole_file(path) as partial:
        if form == "parquet":
            frame.write_parquet(partial)
        elif form == "xlsx":
            _write_excel(flatten(frame, zone), partial)
        else:
            text = format_csv(frame, zone) if form == "csv" else format_json(frame, zone)
            partial.write_text(text, encoding="utf-8-sig" if form == "csv" else "utf-8", newline="")


@contextmanager
def whole_file(path: Path, *, make_folder: bool = False, action: str = "choose another file") -> Iterator[Path]:
    """Give a file to write beside ``path`` that takes its place when all is written: it is there whole or not at all.

    A link, a device or a folder is refused: a new file would stand in its place.

    Parameters
    ----------
    path
        File to write; an ordinary file that stood there is replaced.
    make_folder
        Whether a folder that is missing is made.
    action
        What to do where it cannot be written.

    Yields
    ------
    pathlib.Path
        The file to write.

    Raises
    ------
    RadarError
        When it is a link, a device or a folder, or cannot be written.
    """
    refuse_device_or_link(path)
    partial = path.with_name(f".{path.name}.part")
    try:
        if make_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(path)
    except OSError as error:
        raise RadarError(f"{path} cannot be written ({error.strerror})", action=action) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def refuse_device_or_link(path: Path) -> None:
    """Refuse a path that is a link, a device or a folder.

    Raises
    ------
    RadarError
        When it is one of these.
    """
    kind = "a link" if path.is_symlink() else "a folder" if path.is_dir() else "a device or a pipe"
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise RadarError(f"{path} is {kind} and is not replaced", action="name a file of its own, or leave --out away")


def write_folder(frames: Mapping[str, pl.DataFrame], folder: Path) -> None:
    """Write frames of text as CSV files (UTF-8 without BOM) into a folder, by their file names.

    Raises
    ------
    RadarError
        When the folder cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RadarError(f"{folder} cannot be written ({error.strerror})", action="choose another folder") from error
    for name, frame in frames.items():
        with whole_file(folder / name, action="choose another folder") as partial:
            partial.write_text(frame.write_csv(), encoding="utf-8", newline="")


def format_csv(frame: pl.DataFrame, zone: ZoneInfo) -> str:
    """Return the table as CSV text; lists are joined by ``|``, times carry their offset."""
    return flatten(frame, zone).write_csv()


def format_json(frame: pl.DataFrame, zone: ZoneInfo) -> str:
    """Return the table as JSON records; lists stay lists."""
    times = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Datetime)]
    records = frame.with_columns(_iso(name, zone) for name in times).to_dicts()
    return json.dumps(records, ensure_ascii=False, indent=1, default=str) + "\n"


def flatten(frame: pl.DataFrame, zone: ZoneInfo) -> pl.DataFrame:
    """Turn lists and times into text, which is what CSV and Excel can hold."""
    pieces = []
    for name, dtype in frame.schema.items():
        if isinstance(dtype, pl.List):
            inner = pl.element().dt.to_string("iso") if dtype.inner == pl.Date else pl.element().cast(pl.String)
            pieces.append(pl.col(name).list.eval(inner).list.join(LIST_SEPARATOR))
        elif isinstance(dtype, pl.Datetime):
            pieces.append(_iso(name, zone))
        else:
            pieces.append(pl.col(name))
    return frame.select(pieces)


def _iso(name: str, zone: ZoneInfo) -> pl.Expr:
    local = pl.col(name).dt.convert_time_zone(zone.key)
    return local.dt.strftime("%Y-%m-%dT%H:%M:%S%.f%:z").alias(name)


def _write_excel(frame: pl.DataFrame, path: Path) -> None:
    from io import BytesIO

    import xlsxwriter

    buffer = BytesIO()
    # An id such as =1+1 stays text: it is never read as a formula or a link.
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        frame.write_excel(book, worksheet="data", autofit=frame.height <= 5_000, freeze_panes=(1, 0))
    path.write_bytes(buffer.getvalue())
