"""Batches of a source as rows of a table: values read column by column, rows that cannot be read set apart with their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import polars as pl

from data.contracts import ColumnContract, TableContract
from data.errors import RadarError
from data.ingest.asides import part_asides
from data.ingest.cell_units import read_own_units
from data.ingest.columns import ColumnMap, nearest_name
from data.ingest.geometry import GEOMETRY_IDS
from data.ingest.ids import find_damaged
from data.ingest.measures import read_measure
from data.ingest.rows import FILE, LINE, REST
from data.ingest.shapes import geometry_rules
from data.ingest.values import Style, find_style, is_nothing, plain_text, read_values
from data.progress import Progress
from data.sources import Batch, Source
from data.sources.geojson_files import GEOMETRY
from data.sources.guarding import one_sentence


def read_batches(
    sources: Sequence[Source],
    maps: Sequence[ColumnMap],
    given: Mapping[str, pl.Series],
    table: TableContract,
    zone: ZoneInfo,
    progress: Progress,
) -> tuple[pl.DataFrame, list[pl.DataFrame], list[pl.DataFrame], int, list[str]]:
    """Read every batch of every source.

    Parameters
    ----------
    sources, maps
        Opened files or queries, and which column of the table stands where in each.
    given
        Columns filled with one value each.
    table
        Contract of the table.
    zone
        Time zone of business dates and of times without an offset.
    progress
        Is told bytes and rows as they are read.

    Returns
    -------
    rows, broken, asides, read, notes
        Rows with ``PLACES``, places of broken ones, rows that are no data, how many were read, and what to tell of them.
    """
    files = pl.Enum(list(dict.fromkeys(source.name for source in sources)))
    whole = sum(source.size for source in sources) or 1.0
    with_rest = any(columns.rest for columns in maps)
    frames: list[pl.DataFrame] = []
    broken: list[pl.DataFrame] = []
    asides: list[pl.DataFrame] = []
    before, read = 0.0, 0
    notes: list[str] = []
    for source, columns in zip(sources, maps, strict=True):
        page = _Page(source, columns, table, zone, files, with_rest)
        style: Style | None = None
        nameless = {at for at in columns.rest if not source.columns[at]}
        filled: set[int] = set()
        for raw in source.read():
            parted = part_asides(raw, columns.positions, table, source.columns)
            batch = parted.batch
            style = style or _style_of(batch, columns, table, source)
            with one_sentence(source.name, "file of values"):
                good, odd = _read_batch(batch, page, given, style)
            read += batch.frame.height + batch.broken.height + parted.asides.height
            frames.append(good)
            broken.append(odd)
            asides.append(_place(parted.asides, source.name, files))
            filled |= {at for at in nameless - filled if not is_nothing(_as_text(batch.frame.to_series(at))).all()}
            progress.step(before + batch.done, whole, f"{read:,} rows read")
        if filled:
            notes.append(f"{source.name}: no use for columns without a name that hold values ({len(filled)})")
        before += source.size
    if not frames:
        return pl.DataFrame(), broken, asides, read, notes
    rows = pl.concat(frames, rechunk=False)
    return rows, broken, asides, read, notes


@dataclass(frozen=True)
class _Page:
    """What all batches of a source share."""

    source: Source
    columns: ColumnMap
    table: TableContract
    zone: ZoneInfo
    files: pl.Enum
    with_rest: bool


def read_constants(table: TableContract, constants: Mapping[str, str], zone: ZoneInfo) -> dict[str, pl.Series]:
    """Read the values that fill a column each; RadarError for a column or a value that the table does not know."""
    given = {}
    for name, text in constants.items():
        near = nearest_name(name, tuple(table.polars_schema)) if name not in table.polars_schema else None
        if near:
            names = ", ".join(table.polars_schema)
            raise RadarError(f"column {name} in --set", f"one of {names}", f"did you mean {near}?")
        column = table.column(name)
        values, rules = read_values(pl.Series([text]), column, Style(), zone)
        if rules[0] is not None:
            raise RadarError(
                f"--set {name}={text}, which {rules[0]}",
                f"a value for {column.meaning.rstrip('.')}",
                "correct the value",
            )
        given[name] = values
    return given


def _style_of(batch: Batch, columns: ColumnMap, table: TableContract, source: Source) -> Style:
    found = [(table.column(name), batch.frame.to_series(at)) for name, at in columns.positions.items()]
    return find_style(found, source.decimal_comma)


def _read_batch(
    batch: Batch, page: _Page, given: Mapping[str, pl.Series], style: Style
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read one batch: rows whose every value could be read, and the places of those that could not."""
    height, positions, name = batch.frame.height, page.columns.positions, page.source.name
    values: dict[str, pl.Series] = {}
    apart = [_place(batch.broken, name, page.files)]
    bad = pl.repeat(False, height, dtype=pl.Boolean, eager=True)
    for column in page.table.columns:
        if column.name in given:
            values[column.name] = given[column.name].new_from_index(0, height)
        elif column.name not in positions:
            values[column.name] = pl.Series([None], dtype=column.dtype).new_from_index(0, height)
        else:
            raw = batch.frame.to_series(positions[column.name])
            values[column.name], rules = _read_column(raw, column, page, style)
            broken = rules.is_not_null()
            if broken.any():
                bad = bad | broken
                apart.append(_places(batch, broken, rules, raw, column.name, name, page.files))
    if page.table.name in GEOMETRY_IDS and GEOMETRY in page.source.columns:
        # kept beside the table, so no column of it; a row whose shape is none is set apart all the same
        raw = _as_text(batch.frame.to_series(page.source.columns.index(GEOMETRY)))
        rules = geometry_rules(raw, page.table.name)
        broken = rules.is_not_null()
        if broken.any():
            bad = bad | broken
            apart.append(_places(batch, broken, rules, raw, GEOMETRY, name, page.files))
    file = pl.Series(FILE, [name], dtype=page.files)
    places = [file.new_from_index(0, height).alias(FILE), batch.lines.alias(LINE)]
    if page.with_rest:
        places.append(_rest(batch.frame, page.columns.rest))
    frame = page.table.fill_defaults(pl.DataFrame(values)).with_columns(places)
    return frame.filter(~bad) if bad.any() else frame, pl.concat(apart)


def _read_column(raw: pl.Series, column: ColumnContract, page: _Page, style: Style) -> tuple[pl.Series, pl.Series]:
    conversion = page.columns.conversions.get(column.name)
    if conversion is not None and conversion.changes:
        values, rules = read_measure(raw, column, conversion, style, page.zone)
    else:
        values, rules = read_values(raw, column, style, page.zone)
    if column.dtype.is_numeric() and raw.dtype == pl.String and rules.null_count() < rules.len():
        return _read_own_units(raw, column, style, values, rules)
    if column.dtype == pl.String and (column.key or column.name.endswith("_id")):
        damaged = find_damaged(values)
        rules = rules.zip_with(damaged.is_null(), damaged)
    return values, rules


def _read_own_units(
    raw: pl.Series, column: ColumnContract, style: Style, values: pl.Series, rules: pl.Series
) -> tuple[pl.Series, pl.Series]:
    """Read those of the cells that could not be read which name their own unit: 12件, 5:30."""
    at = rules.is_not_null().arg_true()
    read, broken, has_unit = read_own_units(raw.gather(at).str.strip_chars(), column, style.decimal_comma)
    at, read, broken = at.filter(has_unit), read.filter(has_unit), broken.filter(has_unit)
    return values.clone().scatter(at, read), rules.clone().scatter(at, broken)


def _rest(frame: pl.DataFrame, rest: Sequence[int]) -> pl.Series:
    """Bring what a row holds in columns that the table lacks to one text, to tell repeats from rows that differ there."""
    if not rest:
        return pl.Series(REST, [None], dtype=pl.String).new_from_index(0, frame.height)
    cells = [_as_text(frame.to_series(at)).str.strip_chars().alias(f"r{at}") for at in rest]
    return pl.DataFrame(cells).select(pl.concat_str(pl.all().fill_null(""), separator="\x1f").alias(REST)).to_series()


def _as_text(values: pl.Series) -> pl.Series:
    return values if values.dtype == pl.String else plain_text(values)


def _place(broken: pl.DataFrame, name: str, files: pl.Enum) -> pl.DataFrame:
    return broken.rename({"row": LINE}).select(pl.lit(name).cast(files).alias(FILE), pl.all())


def _places(
    batch: Batch, broken: pl.Series, rules: pl.Series, raw: pl.Series, column: str, name: str, files: pl.Enum
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            LINE: batch.lines.filter(broken),
            "column": pl.Series([column]).new_from_index(0, int(broken.sum())),
            "value": _as_text(raw.filter(broken)),
            "rule": rules.filter(broken),
        }
    ).select(pl.lit(name).cast(files).alias(FILE), pl.all())
