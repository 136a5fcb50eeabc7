"""From files to rows of a table: columns mapped, values read, bad rows set apart with what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

import polars as pl

from data.contracts import ColumnContract, TableContract
from data.errors import RadarError
from data.ingest.asides import ASIDES, part_asides
from data.ingest.columns import ColumnMap, map_columns, nearest_name, tell_ignored
from data.ingest.cross_rules import Reader, find_unknown_ids, find_wrong_share_sums, make_missing_rows
from data.ingest.future import find_future
from data.ingest.ids import find_damaged, spell_ids, suggest_ids
from data.ingest.layout import fill_down, unfold
from data.ingest.measures import read_measure
from data.ingest.rows import (
    FILE,
    LINE,
    PLACES,
    REST,
    SUMMABLE,
    broken_schema,
    drop_places,
    part_duplicates,
    tell_rules,
)
from data.ingest.units import Conversion
from data.ingest.values import Style, find_style, plain_text, read_values
from data.progress import SILENT, Progress
from data.sources import Batch, Source
from data.sources.guarding import one_sentence

REJECTED_SCHEMA: dict[str, pl.DataType] = {
    "file": pl.String(),
    "row": pl.Int64(),
    "column": pl.String(),
    "value": pl.String(),
    "rule": pl.String(),
}
_VALUE_LENGTH = 1000
_PART = 1_000_000


@dataclass(frozen=True)
class Instructions:
    """How a planner wants files to be read.

    Parameters
    ----------
    constants
        Columns filled with one value each, as text.
    add_missing
        Reference tables that get rows for unknown ids.
    replace
        Whether the rows will replace the whole table (matters to rules over several rows).
    wide
        Column whose values stand in the header; a date is found without.
    units
        Units of columns, where the file's header says none or a wrong one.
    fill_down
        Columns whose empty cells hold what stands above them.
    add_up
        Whether rows of one key are added up.
    latest
        Last day that history may name; None for any.
    ids_as_written
        Whether ids that differ only in case, width, spaces or look-alike letters are different ids.
    """

    constants: Mapping[str, str] = field(default_factory=dict)
    add_missing: Sequence[str] = ()
    replace: bool = False
    wide: str | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    fill_down: Sequence[str] = ()
    add_up: bool = False
    latest: date | None = None
    ids_as_written: bool = False


@dataclass(frozen=True)
class Ingestion:
    """What came out of some files for one table.

    Parameters
    ----------
    rows
        Rows that keep every rule, by the table's contract.
    rejected
        Columns ``file``, ``row``, ``column``, ``value``, ``rule``: one row a broken rule, sorted by file and row.
    asides
        The same columns, for rows that are no data: sums, repeated headers, foot notes.
    added
        New reference rows (table name to rows) for ids that were unknown.
    read, collapsed, added_up, set_apart
        Rows read from the files, rows that repeated another one, rows added to another one, rows that break a rule.
    notes
        What a planner should know besides: columns left out, units converted, and the like.
    settings
        What was found of the layout and holds for all the files: ``sheet``, ``header_row``, ``wide``.
    columns
        Name in the table to header in the first file.
    """

    table: TableContract
    rows: pl.DataFrame
    rejected: pl.DataFrame
    read: int
    collapsed: int
    set_apart: int
    asides: pl.DataFrame
    added_up: int = 0
    added: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    notes: Sequence[str] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)

    def count_asides(self) -> dict[str, int]:
        """Count the rows that are no data by what they are."""
        counted = {rule: int((self.asides["rule"] == rule).sum()) for rule in ASIDES}
        return {rule: count for rule, count in counted.items() if count}

    def require_share(self, most: float) -> None:
        """Raise RadarError when more than the share ``most`` of the rows was set apart."""
        if self.read and self.set_apart > most * self.read:
            share = self.set_apart / self.read
            told = "; ".join(tell_rules(self.rejected))
            raise RadarError(
                f"{self.set_apart:,} of {self.read:,} rows ({share:.1%}) that break a rule: {told}",
                f"at most {most:.1%} (max_rejected_share in radar.toml)",
                f"nothing was committed; {self._advice()}",
            )

    def _advice(self) -> str:
        unknown = self.rejected.filter(pl.col("rule").str.starts_with("is no id of table "))
        if unknown.height * 2 < self.rejected.height:
            return "correct the file"
        targets = unknown["rule"].str.strip_prefix("is no id of table ").unique(maintain_order=True).to_list()
        return f"load {' and '.join(targets)} first, or add --add-missing {','.join(targets)}"


def ingest(
    table: TableContract,
    sources: Sequence[Source],
    instructions: Instructions | None = None,
    *,
    read_table: Reader,
    zone: ZoneInfo,
    progress: Progress = SILENT,
) -> Ingestion:
    """Read sources as rows of one table.

    Parameters
    ----------
    table
        Contract of the table.
    sources
        Opened files or queries.
    instructions
        How they are to be read.
    read_table
        Gives a table of the workspace by name; ids are looked up there.
    zone
        Time zone of business dates and of times without an offset.
    progress
        Is told bytes and rows as they are read.

    Raises
    ------
    RadarError
        For files that cannot be read or mapped, and when no file holds a row.
    """
    how = instructions or Instructions()
    given = _read_constants(table, how.constants, zone)
    if how.add_up and table.name not in SUMMABLE:
        raise RadarError(
            f"--sum for table {table.name}", f"one of {', '.join(SUMMABLE)}", "bring it to rows with --sql"
        )
    sources = [unfold(fill_down(source, how.fill_down, table), table, how.constants, how.wide) for source in sources]
    maps = [_map(source, table, how) for source in sources]
    rows, broken, asides, read = _read_all(sources, maps, given, table, zone, progress)
    if not read:
        names = ", ".join(source.name for source in sources)
        raise RadarError("a header and no rows", "at least one row", "check the export that wrote it", file=names)
    spelt = spell_ids(rows, table, read_table, as_written=how.ids_as_written)
    parted = part_duplicates(spelt.rows, table, add_up=how.add_up)
    rows, apart = _apply_rules(parted.kept, table)
    broken.extend([parted.broken, *apart])
    future = find_future(rows, table, how.latest, zone) if how.latest else []
    if future:
        rows = drop_places(rows, pl.concat(future))
        broken.extend(future)
    crossed = _apply_cross_rules(rows, table, read_table, tuple(how.add_missing), how.replace)
    broken.extend(crossed.apart)
    rejected = _tell_files(pl.concat(broken))
    notes = [
        *(note for source in sources for note in source.notes),
        *(
            note
            for columns, source in zip(maps, sources, strict=True)
            for note in _tell_columns(columns, source, table)
        ),
        *spelt.notes,
        *crossed.notes,
    ]
    return Ingestion(
        table,
        crossed.rows.drop(PLACES),
        rejected,
        read=read,
        collapsed=parted.collapsed,
        set_apart=rejected.select("file", "row").n_unique() if rejected.height else 0,
        asides=_tell_files(pl.concat(asides)),
        added_up=parted.added_up,
        added=crossed.added,
        notes=tuple(dict.fromkeys(notes)),
        settings=dict(set.intersection(*(set(source.settings.items()) for source in sources))),
        columns={name: sources[0].columns[at] for name, at in maps[0].positions.items()},
    )


def _map(source: Source, table: TableContract, how: Instructions) -> ColumnMap:
    return map_columns(
        source.columns,
        table,
        how.constants,
        source.name,
        header_row=source.header_row,
        preamble=source.preamble,
        units=how.units,
    )


def _tell_columns(columns: ColumnMap, source: Source, table: TableContract) -> list[str]:
    """Say which columns were left out and which units converted."""
    ignored = tell_ignored(columns.ignored, columns.positions, table, source.name)
    converted = [
        f"{source.name}: {source.columns[columns.positions[name]]!r} is read in {unit.found}: "
        f"{_tell_factor(unit)} {unit.expected}"
        for name, unit in columns.conversions.items()
        if unit.changes
    ]
    return [*converted, *([ignored] if ignored else [])]


def _tell_factor(unit: Conversion) -> str:
    times = f"times {unit.factor:,.6g}" if unit.factor < 1e6 else f"times {unit.factor:,.0f}"
    return f"{times} {f'plus {unit.offset:,.6g} ' if unit.offset else ''}gives"


def _read_all(
    sources: Sequence[Source],
    maps: Sequence[ColumnMap],
    given: Mapping[str, pl.Series],
    table: TableContract,
    zone: ZoneInfo,
    progress: Progress,
) -> tuple[pl.DataFrame, list[pl.DataFrame], list[pl.DataFrame], int]:
    """Read every batch of every source: rows, places of broken ones, asides, and how many were read."""
    files = pl.Enum(list(dict.fromkeys(source.name for source in sources)))
    whole = sum(source.size for source in sources) or 1.0
    with_rest = any(columns.rest for columns in maps)
    frames: list[pl.DataFrame] = []
    broken: list[pl.DataFrame] = []
    asides: list[pl.DataFrame] = []
    before, read = 0.0, 0
    for source, columns in zip(sources, maps, strict=True):
        page = _Page(source, columns, table, zone, files, with_rest)
        style: Style | None = None
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
            progress.step(before + batch.done, whole, f"{read:,} rows read")
        before += source.size
    if not frames:
        return pl.DataFrame(), broken, asides, read
    rows = pl.concat(frames, rechunk=False)
    return rows, broken, asides, read


@dataclass(frozen=True)
class _Page:
    """What all batches of a source share."""

    source: Source
    columns: ColumnMap
    table: TableContract
    zone: ZoneInfo
    files: pl.Enum
    with_rest: bool


def _read_constants(table: TableContract, constants: Mapping[str, str], zone: ZoneInfo) -> dict[str, pl.Series]:
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
                f"--set {name}={text}, which {rules[0]}", f"a value for {column.meaning}", "correct the value"
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
    file = pl.Series(FILE, [name], dtype=page.files)
    places = [file.new_from_index(0, height).alias(FILE), batch.lines.alias(LINE)]
    if page.with_rest:
        places.append(_rest(batch.frame, page.columns.rest))
    frame = page.table.fill_defaults(pl.DataFrame(values)).with_columns(places)
    return frame.filter(~bad) if bad.any() else frame, pl.concat(apart)


def _read_column(raw: pl.Series, column: ColumnContract, page: _Page, style: Style) -> tuple[pl.Series, pl.Series]:
    conversion = page.columns.conversions.get(column.name)
    if conversion is not None and conversion.changes:
        return read_measure(raw, column, conversion, style, page.zone)
    values, rules = read_values(raw, column, style, page.zone)
    if column.dtype == pl.String and (column.key or column.name.endswith("_id")):
        damaged = find_damaged(values)
        rules = rules.zip_with(damaged.is_null(), damaged)
    return values, rules


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


def _apply_rules(rows: pl.DataFrame, table: TableContract) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """Apply the rules within the table to rows whose keys are unique: types, limits and rules of the contract."""
    values, places = rows.drop(PLACES), rows.select(PLACES)
    # Keys are unique by now, so parts can be looked at one by one, which takes little memory.
    pieces = [
        table.split(part)[1].with_columns(pl.col("row_index") + at * _PART)
        for at, part in enumerate(values.iter_slices(_PART))
    ]
    broken = pl.concat(pieces) if pieces else table.split(values)[1]
    if not broken.height:
        return rows, []
    at = broken["row_index"]
    apart = (
        broken.drop("row_index")
        .with_columns(places[at.to_list()].get_columns())
        .select(*PLACES, "column", "value", "rule")
    )
    kept = pl.int_range(0, rows.height, dtype=pl.Int64, eager=True).is_in(at.unique().implode())
    return rows.filter(~kept), [apart]


@dataclass(frozen=True)
class _Crossed:
    rows: pl.DataFrame
    apart: list[pl.DataFrame]
    added: dict[str, pl.DataFrame]
    notes: list[str]


def _apply_cross_rules(
    rows: pl.DataFrame, table: TableContract, read_table: Reader, add_missing: tuple[str, ...], replace: bool
) -> _Crossed:
    """Apply the rules between tables to rows that keep those within."""
    apart, notes = [], []
    unknown = find_unknown_ids(rows, table.name, read_table)
    added = make_missing_rows(unknown, rows, add_missing) if unknown and add_missing else {}
    for found in unknown:
        if found.link.target in added:
            continue
        column = found.link.column
        known = read_table(found.link.target)[found.link.target_column].to_list()
        notes.extend(suggest_ids(found.ids["id"].to_list(), known, found.link.target))
        lost = rows.join(found.ids.select(pl.col("id").alias(column)), on=column, how="semi").select(
            *PLACES, pl.lit(column).alias("column"), pl.col(column).alias("value"), pl.lit(found.rule).alias("rule")
        )
        apart.append(lost)
    if apart:
        rows = drop_places(rows, pl.concat(apart))
    if table.name == "courier_preferences":
        rows, broken = _require_share_sums(rows, read_table, replace)
        apart.append(broken)
    if added:
        rows_unknown = find_unknown_ids(rows, table.name, read_table)
        added = make_missing_rows(rows_unknown, rows, tuple(added)) if rows_unknown else {}
    return _Crossed(rows, apart, added, notes)


def _require_share_sums(rows: pl.DataFrame, read_table: Reader, replace: bool) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Set apart the rows of merchants whose shares, with those already in the workspace, do not sum to 1."""
    standing = rows.drop(PLACES)
    if not replace:
        old = read_table("courier_preferences").join(rows, on=["merchant_id", "courier_id"], how="anti")
        standing = pl.concat([standing, old.select(standing.columns)])
    wrong = find_wrong_share_sums(standing)
    lost = rows.join(wrong, on="merchant_id", how="inner", maintain_order="left")
    broken = lost.select(
        *PLACES,
        pl.lit("share").alias("column"),
        pl.format("{}: {}", "merchant_id", "total").alias("value"),
        pl.lit("the shares of a merchant must sum to 1").alias("rule"),
    )
    return (drop_places(rows, broken) if broken.height else rows), broken.cast(broken_schema(rows))  # type: ignore[arg-type]


def _tell_files(broken: pl.DataFrame) -> pl.DataFrame:
    """Bring rows set apart to the form a person reads."""
    return (
        broken.rename({FILE: "file", LINE: "row"})
        .with_columns(pl.col("value").str.slice(0, _VALUE_LENGTH), pl.col("column").str.slice(0, _VALUE_LENGTH))
        .sort("file", "row", maintain_order=True)
        .cast(REJECTED_SCHEMA)  # type: ignore[arg-type]
        .select(list(REJECTED_SCHEMA))
    )
