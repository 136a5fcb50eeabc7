"""Excel files: the sheet that bears the table's name, else the first with anything on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from data.errors import RadarError
from data.sources.batch import Batch, Source, drop_blank_rows, no_broken, unique_names


def open_excel(path: Path, name: str, sheet: str | None = None, usual_sheet: str | None = None) -> Source:
    """Open an Excel workbook; the first row with anything in it is the header.

    Parameters
    ----------
    path
        The file.
    name
        What it is called in errors.
    sheet
        The sheet to take (case does not matter).
    usual_sheet
        Without ``sheet``: the one to take where the workbook has it, else the first with anything on it.

    Raises
    ------
    RadarError
        When it is no Excel file, is locked by a password, has no such sheet, or every sheet is empty.
    """
    import fastexcel

    if not path.stat().st_size:
        raise RadarError("an empty file", "an Excel workbook", "check the export that wrote it", file=name)
    try:
        workbook = fastexcel.read_excel(path)
    except fastexcel.FastExcelError as error:
        told = str(error).splitlines()[0]
        raise RadarError(
            f"no readable Excel file ({told})", "a workbook without password", "save it again", file=name
        ) from error
    wanted_name = (sheet or usual_sheet or "").casefold()
    wanted = [title for title in workbook.sheet_names if title.casefold() == wanted_name]
    if sheet is not None and not wanted:
        raise RadarError(
            f"no sheet {sheet!r}", f"one of {', '.join(workbook.sheet_names)}", "correct --sheet", file=name
        )
    for title in wanted or workbook.sheet_names:
        cells = pl.DataFrame(workbook.load_sheet(title, header_row=None, skip_rows=0, dtypes="string").to_polars())
        filled = (
            cells.select(pl.any_horizontal(pl.all().is_not_null())).to_series() if cells.width else pl.Series([False])
        )
        if filled.any():
            return _source_of_cells(cells, int(filled.arg_max() or 0), name)
    raise RadarError(
        "a workbook with empty sheets only", "a header and rows", "check the export that wrote it", file=name
    )


def _source_of_cells(cells: pl.DataFrame, header: int, name: str) -> Source:
    titles = [(title or "").strip() for title in cells.row(header)]
    while titles and not titles[-1] and cells.to_series(len(titles) - 1).null_count() == cells.height:
        titles.pop()
    columns = tuple(titles)

    def read() -> Iterator[Batch]:
        frame = cells[header + 1 :, : len(columns)]
        frame.columns = unique_names(columns)
        lines = pl.int_range(header + 2, cells.height + 1, dtype=pl.Int64, eager=True).alias("line")
        frame, lines = drop_blank_rows(frame, lines)
        yield Batch(frame, lines, no_broken(), float(cells.height))

    return Source(name, columns, float(cells.height), read)
