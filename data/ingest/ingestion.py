"""From files to rows of a table: columns mapped, values read, bad rows set apart with what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

import polars as pl

from data.contracts import TableContract
from data.errors import RadarError
from data.ingest.asides import ASIDES
from data.ingest.columns import ColumnMap, map_columns, tell_ignored
from data.ingest.cross_rules import Reader
from data.ingest.future import find_future
from data.ingest.ids import spell_ids
from data.ingest.layout import fill_down, part_tables, unfold
from data.ingest.reading import read_batches, read_constants
from data.ingest.row_rules import apply_cross_rules, apply_rules
from data.ingest.rows import FILE, LINE, PLACES, SUMMABLE, drop_places, part_duplicates, require_share
from data.ingest.shapes import find_bad_areas
from data.ingest.units import Conversion
from data.progress import SILENT, Progress
from data.sources import Source

REJECTED_SCHEMA: dict[str, pl.DataType] = {
    "file": pl.String(),
    "row": pl.Int64(),
    "column": pl.String(),
    "value": pl.String(),
    "rule": pl.String(),
}
_VALUE_LENGTH = 1000


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
        require_share(self.rejected, self.set_apart, self.read, most, self._advice())

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
    given = read_constants(table, how.constants, zone)
    if how.add_up and table.name not in SUMMABLE:
        raise RadarError(
            f"--sum for table {table.name}", f"one of {', '.join(SUMMABLE)}", "bring it to rows with --sql"
        )
    sources = [part for source in sources for part in part_tables(source, table, how.constants, how.wide)]
    sources = [unfold(fill_down(source, how.fill_down, table), table, how.constants, how.wide) for source in sources]
    maps = [_map(source, table, how) for source in sources]
    rows, broken, asides, read, nameless = read_batches(sources, maps, given, table, zone, progress)
    if not read:
        names = ", ".join(source.name for source in sources)
        raise RadarError("a header and no rows", "at least one row", "check the export that wrote it", file=names)
    spelt = spell_ids(rows, table, read_table, as_written=how.ids_as_written)
    parted = part_duplicates(spelt.rows, table, add_up=how.add_up)
    rows, apart = apply_rules(parted.kept, table)
    broken.extend([parted.broken, *apart])
    found = [
        *(find_future(rows, table, how.latest, zone) if how.latest else []),
        *find_bad_areas(rows, table, read_table),
    ]
    if found:
        rows = drop_places(rows, pl.concat(found))
        broken.extend(found)
    crossed = apply_cross_rules(rows, table, read_table, tuple(how.add_missing), how.replace)
    broken.extend(crossed.apart)
    rejected = _tell_files(pl.concat(broken))
    notes = [
        *(note for source in sources for note in source.notes),
        *(
            note
            for columns, source in zip(maps, sources, strict=True)
            for note in _tell_columns(columns, source, table)
        ),
        *nameless,
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
        header_lines=source.header_lines,
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


def _tell_files(broken: pl.DataFrame) -> pl.DataFrame:
    """Bring rows set apart to the form a person reads."""
    return (
        broken.rename({FILE: "file", LINE: "row"})
        .with_columns(pl.col("value").str.slice(0, _VALUE_LENGTH), pl.col("column").str.slice(0, _VALUE_LENGTH))
        .sort("file", "row", maintain_order=True)
        .cast(REJECTED_SCHEMA)  # type: ignore[arg-type]
        .select(list(REJECTED_SCHEMA))
    )
