"""Excel files: the visible sheets that hold the table, one source a sheet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from data.errors import RadarError
from data.sources.apart import read_apart
from data.sources.batch import Batch, Source, drop_blank_rows, no_broken, unique_names
from data.sources.headers import LINES_LOOKED_AT, HeaderFound, HeaderRule, find_header, preamble_of
from data.sources.other_workbooks import require_reach
from data.sources.workbooks import SheetFrame, frame_sheets

ALL_SHEETS = "*"
_NUMBER = r"^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$"


@dataclass(frozen=True)
class _Page:
    """A sheet with cells on it, and where its header stands."""

    title: str
    cells: pl.DataFrame
    header: HeaderFound
    columns: tuple[str, ...]
    frame: SheetFrame

    @property
    def rows(self) -> int:
        return self.cells.height - self.header.index - 1


def open_excel(
    path: Path,
    name: str,
    sheet: str | None = None,
    usual_sheet: str | None = None,
    header_row: int | None = None,
    rule: HeaderRule | None = None,
) -> list[Source]:
    """Open the sheets of an Excel workbook that hold the table.

    A hidden sheet is read only when it is named. Sheets of one header are read together.

    Parameters
    ----------
    path
        The file.
    name
        What it is called in errors.
    sheet
        The sheet to take (case does not matter), hidden or not; ``*`` takes every visible one with anything on it.
    usual_sheet
        Without ``sheet``: the one to take where the workbook has it.
    header_row, rule
        Where a sheet's header stands; see ``headers.find_header``.

    Returns
    -------
    list of Source
        One a sheet, named by file and sheet where there are several. The first one's notes say which sheets were left.

    Raises
    ------
    RadarError
        When it is no Excel file, is locked by a password, is cut off, has no such sheet, or every sheet is empty.
    """
    if not path.stat().st_size:
        raise RadarError("an empty file", "an Excel workbook", "check the export that wrote it", file=name)
    zipped = _is_zip(path)
    frames = frame_sheets(path, name) if zipped else {}
    if zipped and not frames:
        require_reach(path, name)
    # One text of a workbook may stand in a million of its cells, so its size says little of what it unpacks to.
    loaded = read_apart(_take_cells, path, name, sheet, name=name, kind="Excel")
    pages, hidden = _find_pages(loaded, frames, sheet, usual_sheet, header_row, rule, name)
    if not pages:
        found = f"no visible sheet with cells, and {_listed(hidden)} hidden" if hidden else None
        action = f"name it with --sheet {hidden[0]}" if hidden else "check the export that wrote it"
        raise RadarError(found or "a workbook with empty sheets only", "a header and rows", action, file=name)
    taken = pages if sheet is not None else _choose(pages)
    left = [page for page in pages if page not in taken and page.rows > 0]
    notes = _tell_sheets(taken, left, hidden, name, named=sheet is not None)
    several = len(taken) > 1
    return [
        _source_of_page(page, f"{name} [{page.title}]" if several else name, notes if at == 0 else (), len(pages) > 1)
        for at, page in enumerate(taken)
    ]


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"PK"


def _take_cells(path: Path, name: str, sheet: str | None) -> Iterator[tuple[str, bool, pl.DataFrame]]:
    """Take the cells of the sheet that is named, or of every one: its title, whether it is visible, its cells as text."""
    import fastexcel

    try:
        # The reader goes by the ending; what has another's is told by its bytes.
        workbook = fastexcel.read_excel(path if _is_zip(path) != (path.suffix.lower() == ".xls") else path.read_bytes())
        titles = workbook.sheet_names
        wanted = [title for title in titles if sheet is not None and title.casefold() == sheet.casefold()]
        if sheet is not None and sheet != ALL_SHEETS and not wanted:
            raise RadarError(f"no sheet {sheet!r}", f"one of {_listed(titles)}", "correct --sheet", file=name)
        for title in wanted or titles:
            loaded = workbook.load_sheet(title, header_row=None, skip_rows=0, dtypes="string")
            yield title, loaded.visible == "visible", pl.DataFrame(loaded.to_polars())
    except fastexcel.FastExcelError as error:
        message = str(error).splitlines()[0][:300]
        raise RadarError(
            f"no readable Excel file ({message})", "a workbook without password", "save it again", file=name
        ) from error


def _find_pages(
    loaded: Iterator[tuple[str, bool, pl.DataFrame]],
    frames: Mapping[str, SheetFrame],
    sheet: str | None,
    usual_sheet: str | None,
    header_row: int | None,
    rule: HeaderRule | None,
    name: str,
) -> tuple[list[_Page], list[str]]:
    """Return the sheets that may hold the table, those with cells, and the titles of hidden ones."""
    pages, hidden = [], []
    for title, visible, cells in loaded:
        named = sheet is not None and title.casefold() == sheet.casefold()
        if not visible and not named:
            hidden.append(title)
            continue
        if not cells.width or not cells.select(pl.any_horizontal(pl.all().is_not_null())).to_series().any():
            continue
        rows = _rows(cells.head(LINES_LOOKED_AT))
        if header_row is not None and header_row > len(rows) and not named:
            continue  # a small cover sheet beside the one that is meant
        header = find_header(rows, header_row, rule, name)
        frame = frames.get(title, SheetFrame())
        whole = _write_lost(_fill_merged(cells, frame), frame)
        page = _Page(title, whole, header, _columns(whole, header), frame)
        if sheet is None and title.casefold() == (usual_sheet or "").casefold():
            return [page], hidden
        pages.append(page)
    return pages, hidden


def _rows(cells: pl.DataFrame) -> list[list[str]]:
    return [[cell or "" for cell in row] if any(row) else [] for row in cells.iter_rows()]


def _columns(cells: pl.DataFrame, header: HeaderFound) -> tuple[str, ...]:
    titles = [(title or "").strip() for title in header.names or cells.row(header.index)]
    height = cells.height - header.index
    while titles and not titles[-1] and cells[header.index :, len(titles) - 1].null_count() == height:
        titles.pop()
    return tuple(titles)


def _write_lost(cells: pl.DataFrame, frame: SheetFrame) -> pl.DataFrame:
    """Write formulas without a value, and errors, where the reader gives nothing, so that what is refused is seen."""
    columns: dict[int, dict[int, str]] = {}
    for (column, row), text in {**frame.unsaved, **frame.errors}.items():
        if column < cells.width and row < cells.height:
            columns.setdefault(column, {})[row] = text
    for column, texts in columns.items():
        series = cells.to_series(column)
        cells = cells.with_columns(series.clone().scatter(list(texts), list(texts.values())))
    return cells


def _fill_merged(cells: pl.DataFrame, frame: SheetFrame) -> pl.DataFrame:
    """Write the text of cells merged over several rows into each; a number stands for all of them together and stays."""
    for column, top, bottom in frame.merged:
        if column >= cells.width or top >= cells.height:
            continue
        series = cells.to_series(column)
        value = series[top]
        rows = list(range(top + 1, min(bottom + 1, cells.height)))
        if value is not None and rows and not pl.Series([value]).str.contains(_NUMBER)[0]:
            cells = cells.with_columns(series.clone().scatter(rows, [value] * len(rows)))
    return cells


def _choose(pages: Sequence[_Page]) -> list[_Page]:
    """Take the first sheet that names all the table needs, with those of the same header."""
    fitting = [page for page in pages if page.header.fits]
    first = fitting[0] if fitting else max(pages, key=lambda page: page.header.known)
    header = [column.casefold() for column in first.columns]
    return [page for page in pages if [column.casefold() for column in page.columns] == header]


def _tell_sheets(
    taken: Sequence[_Page], left: Sequence[_Page], hidden: Sequence[str], name: str, *, named: bool
) -> tuple[str, ...]:
    notes = []
    for page in taken:
        if page.frame.unsaved:
            column, row = min(page.frame.unsaved, key=lambda place: (place[1], place[0]))
            count = len(page.frame.unsaved)
            notes.append(
                f"{name}: sheet {page.title} holds {count:,} formula{'' if count == 1 else 's'} whose value was not saved "
                f"(first: row {row + 1}, column {column + 1}); open the workbook, save it, and load it again"
            )
    if len(taken) > 1:
        notes.append(f"{name}: sheets {_listed([page.title for page in taken])} are read together")
    elif left or hidden:
        notes.append(f"{name}: sheet {taken[0].title} is read")
    if left and not named:
        others = ", ".join(f"{page.title} ({page.rows:,} rows)" for page in left[:10])
        notes.append(f"{name}: not read: {others}; --sheet NAME takes another one, --sheet '*' all")
    if hidden and not named:
        notes.append(f"{name}: hidden and not read: {_listed(hidden)}; --sheet NAME takes it")
    return tuple(notes)


def _listed(titles: Sequence[str]) -> str:
    return ", ".join(titles[:10]) + (f" and {len(titles) - 10} more" if len(titles) > 10 else "")


def _source_of_page(page: _Page, name: str, notes: tuple[str, ...], named: bool) -> Source:
    cells, header, columns = page.cells, page.header.index, page.columns

    def read() -> Iterator[Batch]:
        frame = cells[header + 1 :, : len(columns)]
        frame.columns = unique_names(columns)
        lines = pl.int_range(header + 2, cells.height + 1, dtype=pl.Int64, eager=True).alias("line")
        frame, lines = drop_blank_rows(frame, lines)
        yield Batch(frame, lines, no_broken(), float(cells.height))

    preamble = preamble_of(_rows(cells.head(header + 1)), page.header)
    settings = {**({"sheet": page.title} if named else {}), **({"header_row": header + 1} if preamble else {})}
    return Source(
        name,
        columns,
        float(cells.height),
        read,
        header_row=header + 1,
        preamble=(*page.header.said, *preamble),
        notes=notes,
        settings=settings,
        header_lines=page.header.lines,
    )
