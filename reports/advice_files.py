"""Advice as files merchants open: Excel, CSV, JSON. What looks like a formula stays text."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import polars as pl

from data.exports import whole_file
from reports.advice import FACTORS, MerchantAdvice
from reports.advice_words import word

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.worksheet import Worksheet

Format = Literal["xlsx", "csv", "json"]
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_LONGEST_NAME = 80
_SHEETS = ("advice", "parts", "totals", "couriers", "relief", "care")
_WIDTHS = {"what": 26, "where": 26, "why": 90, "confidence": 34, "reason": 60, "late_cost": 18, "text": 90}


def name_file(merchant_id: str, form: Format) -> str:
    """Name a merchant's file: its id without what no file system takes, and a mark when something was left out."""
    safe = re.sub(r"[^\w\-]+", "_", merchant_id, flags=re.UNICODE)[:_LONGEST_NAME]
    if safe != merchant_id:
        safe = f"{safe}-{hashlib.sha256(merchant_id.encode()).hexdigest()[:8]}"
    return f"advice_{safe}.{form}"


def write_advice(advice: Sequence[MerchantAdvice], form: Format, folder: Path) -> list[Path]:
    """Write one merchant's advice, in one or more languages, to files of its own.

    Parameters
    ----------
    advice
        The same merchant's advice, one a language; the first language leads.
    form
        ``xlsx`` (a sheet a table and language), ``csv`` (a file a table and language; UTF-8 with BOM) or ``json``.
    folder
        Folder to write to; made when it is not there.

    Returns
    -------
    list of pathlib.Path
        The files, the advice itself first. Each is written whole or not at all.

    Raises
    ------
    RadarError
        When the folder cannot be written.
    """
    path = folder / name_file(advice[0].merchant_id, form)
    if form == "csv":
        files = {
            path.with_name(f"{path.stem}_{name}_{one.language}.csv"): _write_csv(one, name)
            for one in advice
            for name in _SHEETS
            if name in one.tables
        }
    else:
        files = {path: {"xlsx": _write_xlsx, "json": _write_json}[form](advice)}
    for file, content in files.items():
        with whole_file(file, make_folder=True, action="choose another --out") as partial:
            partial.write_bytes(content)
    return list(files)


def escape_cell(value: object) -> object:
    """Put an apostrophe before text that a spreadsheet would read as a formula; leave everything else."""
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value


def _write_csv(one: MerchantAdvice, name: str) -> bytes:
    """Write one table under one header line."""
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    table = one.tables[name]
    writer.writerow([word(one.language, f"column.{column}") for column in table.columns])
    for row in table.iter_rows():
        named = [_called(one, column, value) for column, value in zip(table.columns, row, strict=True)]
        writer.writerow(["" if value is None else escape_cell(_plain(value)) for value in named])
    return out.getvalue().encode("utf-8-sig")


def _called(one: MerchantAdvice, column: str, value: object) -> object:
    """Return the name of an id where there is one."""
    return one.names.get(column, {}).get(value, value) if isinstance(value, str) else value


def _plain(value: object) -> object:
    if isinstance(value, float):
        return int(value) if value.is_integer() else round(value, 4)
    return value.isoformat() if isinstance(value, date) else value


def _write_json(advice: Sequence[MerchantAdvice]) -> bytes:
    """One record: the merchant, its tables with their English column names, and the texts by language."""
    record = {
        "merchant_id": advice[0].merchant_id,
        "readme": {one.language: one.readme for one in advice},
        "advice": {one.language: one.tables["advice"].to_dicts() for one in advice},
        **{name: frame.to_dicts() for name, frame in advice[0].tables.items() if name != "advice"},
    }
    return (json.dumps(record, ensure_ascii=False, indent=1, default=_tell_json) + "\n").encode()


def _tell_json(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in JSON")


def _write_xlsx(advice: Sequence[MerchantAdvice]) -> bytes:
    from io import BytesIO

    import xlsxwriter

    buffer = BytesIO()
    # an id such as =1+1 stays text: it is never read as a formula, a link or a number
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(buffer, {**options, "in_memory": True}) as book:
        book.set_properties({"created": datetime(2000, 1, 1, tzinfo=UTC), "author": "ParcelRadar"})
        for one in advice:
            _write_readme(book, one)
        for one in advice:
            for name in _SHEETS:
                if name in one.tables:
                    _write_table(book, one, name)
    return buffer.getvalue()


def _write_readme(book: Workbook, one: MerchantAdvice) -> None:
    sheet = book.add_worksheet(word(one.language, "sheet.readme"))
    bold = book.add_format({"bold": True, "font_size": 14})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 110)
    for number, line in enumerate(one.readme):
        sheet.write_string(number, 0, line, bold if number == 0 else wrapped)


def _write_table(book: Workbook, one: MerchantAdvice, name: str) -> None:
    frame = one.tables[name]
    sheet = book.add_worksheet(word(one.language, f"sheet.{name}"))
    head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    kinds = {
        "text": book.add_format({"text_wrap": True, "valign": "top"}),
        "whole": book.add_format({"num_format": "#,##0", "valign": "top"}),
        "money": book.add_format({"num_format": "#,##0", "valign": "top"}),
        "factor": book.add_format({"num_format": "#,##0.00##", "valign": "top"}),
        "day": book.add_format({"num_format": "yyyy-mm-dd", "valign": "top"}),
    }
    for column, title in enumerate(frame.columns):
        sheet.write_string(0, column, word(one.language, f"column.{title}"), head)
        sheet.set_column(column, column, _WIDTHS.get(title, 14))
        for row, value in enumerate(frame[title], start=1):
            kind = "factor" if title in FACTORS else None
            _write_cell(sheet, row, column, _called(one, title, value), kinds, kind)
    sheet.freeze_panes(1, 0)
    if frame.height:
        sheet.autofilter(0, 0, frame.height, frame.width - 1)


def _write_cell(
    sheet: Worksheet, row: int, column: int, value: object, kinds: dict[str, object], kind: str | None
) -> None:
    if isinstance(value, str):
        sheet.write_string(row, column, value, kinds["text"])
    elif isinstance(value, date):
        sheet.write_datetime(row, column, value, kinds["day"])
    elif isinstance(value, int | float):
        sheet.write_number(row, column, value, kinds[kind or ("whole" if isinstance(value, int) else "money")])


def list_files(paths: Sequence[Sequence[Path]], advice: Sequence[MerchantAdvice]) -> pl.DataFrame:
    """List what was written: merchant_id, rows of advice, units to send, file (the first, with the advice) and how many files."""
    sends = [int(one.tables["parts"]["send"].sum()) for one in advice]
    return pl.DataFrame(
        {
            "merchant_id": [one.merchant_id for one in advice],
            "rows": [one.tables["advice"].height for one in advice],
            "units_to_send": sends,
            "file": [str(files[0]) for files in paths],
            "files": [len(files) for files in paths],
        },
        schema={
            "merchant_id": pl.String,
            "rows": pl.Int64,
            "units_to_send": pl.Int64,
            "file": pl.String,
            "files": pl.Int64,
        },
    )
