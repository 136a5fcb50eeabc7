"""From files to rows of a table: columns mapped, values read, bad rows set apart with what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import polars as pl

from data.contracts import TableContract
from data.errors import RadarError
from data.ingest.columns import ColumnMap, map_columns, tell_ignored
from data.ingest.cross_rules import Reader, find_unknown_ids, find_wrong_share_sums, make_missing_rows
from data.ingest.rows import FILE, LINE, PLACES, broken_schema, drop_places, part_duplicates, tell_rules
from data.ingest.values import Style, find_style, read_values
from data.progress import SILENT, Progress
from data.sources import Batch, Source

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
class Ingestion:
    """What came out of some files for one table.

    Parameters
    ----------
    rows
        Rows that keep every rule, by the table's contract.
    rejected
        Columns ``file``, ``row``, ``column``, ``value``, ``rule``: one row a broken rule, sorted by file and row.
    added
        New reference rows (table name to rows) for ids that were unknown.
    read, collapsed, set_apart
        Rows read from the files, rows that repeated another one, rows set apart.
    notes
        What a planner should know besides: columns left out, and the like.
    """

    table: TableContract
    rows: pl.DataFrame
    rejected: pl.DataFrame
    read: int
    collapsed: int
    set_apart: int
    added: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    notes: Sequence[str] = ()

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
    *,
    read_table: Reader,
    zone: ZoneInfo,
    constants: Mapping[str, str] | None = None,
    add_missing: Sequence[str] = (),
    replace: bool = False,
    progress: Progress = SILENT,
) -> Ingestion:
    """Read sources as rows of one table.

    Parameters
    ----------
    table
        Contract of the table.
    sources
        Opened files or queries.
    read_table
        Gives a table of the workspace by name; ids are looked up there.
    zone
        Time zone of business dates and of times without an offset.
    constants
        Columns filled with one value each, as text.
    add_missing
        Reference tables that get rows for unknown ids.
    replace
        Whether the rows will replace the whole table (matters to rules over several rows).
    progress
        Is told bytes and rows as they are read.

    Raises
    ------
    RadarError
        For files that cannot be read or mapped, and when no file holds a row.
    """
    constants = constants or {}
    given = _read_constants(table, constants, zone)
    maps = [map_columns(source.columns, table, constants, source.name) for source in sources]
    files = pl.Enum(list(dict.fromkeys(source.name for source in sources)))
    whole = sum(source.size for source in sources) or 1.0
    frames: list[pl.DataFrame] = []
    broken: list[pl.DataFrame] = []
    before, read = 0.0, 0
    for source, columns in zip(sources, maps, strict=True):
        style: Style | None = None
        for batch in source.read():
            style = style or _style_of(batch, columns, table, source)
            good, odd = _read_batch(batch, columns, given, table, style, zone, source.name, files)
            read += batch.frame.height + batch.broken.height
            frames.append(good)
            broken.append(odd)
            progress.step(before + batch.done, whole, f"{read:,} rows read")
        before += source.size
    if not read:
        names = ", ".join(source.name for source in sources)
        raise RadarError("a header and no rows", "at least one row", "check the export that wrote it", file=names)
    rows = pl.concat(frames, rechunk=False)
    frames.clear()
    rows, apart, collapsed = _apply_rules(rows, table)
    broken.extend(apart)
    rows, apart, added = _apply_cross_rules(rows, table, read_table, tuple(add_missing), replace)
    broken.extend(apart)
    rejected = _tell_files(pl.concat(broken))
    notes = [tell_ignored(m.ignored, m.positions, table, s.name) for m, s in zip(maps, sources, strict=True)]
    return Ingestion(
        table,
        rows.drop(PLACES),
        rejected,
        read=read,
        collapsed=collapsed,
        set_apart=rejected.select("file", "row").n_unique() if rejected.height else 0,
        added=added,
        notes=tuple(note for note in dict.fromkeys(notes) if note),
    )


def _read_constants(table: TableContract, constants: Mapping[str, str], zone: ZoneInfo) -> dict[str, pl.Series]:
    given = {}
    for name, text in constants.items():
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
    batch: Batch,
    columns: ColumnMap,
    given: Mapping[str, pl.Series],
    table: TableContract,
    style: Style,
    zone: ZoneInfo,
    name: str,
    files: pl.Enum,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read one batch: rows whose every value could be read, and the places of those that could not."""
    height = batch.frame.height
    file = pl.Series(FILE, [name], dtype=files)
    values: dict[str, pl.Series] = {}
    apart = [batch.broken.rename({"row": LINE}).select(pl.lit(name).cast(files).alias(FILE), pl.all())]
    bad = pl.repeat(False, height, dtype=pl.Boolean, eager=True)
    for column in table.columns:
        if column.name in given:
            values[column.name] = given[column.name].new_from_index(0, height)
        elif column.name not in columns.positions:
            values[column.name] = pl.Series([None], dtype=column.dtype).new_from_index(0, height)
        else:
            raw = batch.frame.to_series(columns.positions[column.name])
            values[column.name], rules = read_values(raw, column, style, zone)
            broken = rules.is_not_null()
            if broken.any():
                bad = bad | broken
                apart.append(_places(batch, broken, rules, raw, column.name, name, files))
    frame = table.fill_defaults(pl.DataFrame(values)).with_columns(
        file.new_from_index(0, height).alias(FILE), batch.lines.alias(LINE)
    )
    return frame.filter(~bad) if bad.any() else frame, pl.concat(apart)


def _places(
    batch: Batch, broken: pl.Series, rules: pl.Series, raw: pl.Series, column: str, name: str, files: pl.Enum
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            LINE: batch.lines.filter(broken),
            "column": pl.Series([column]).new_from_index(0, int(broken.sum())),
            "value": raw.filter(broken).cast(pl.String, strict=False),
            "rule": rules.filter(broken),
        }
    ).select(pl.lit(name).cast(files).alias(FILE), pl.all())


def _apply_rules(rows: pl.DataFrame, table: TableContract) -> tuple[pl.DataFrame, list[pl.DataFrame], int]:
    """Apply the rules within the table: doubles first, then types, limits and rules of the contract."""
    parted = part_duplicates(rows, table)
    rows = parted.kept
    values, places = rows.drop(PLACES), rows.select(PLACES)
    # Keys are unique by now, so parts can be looked at one by one, which takes little memory.
    pieces = [
        table.split(part)[1].with_columns(pl.col("row_index") + at * _PART)
        for at, part in enumerate(values.iter_slices(_PART))
    ]
    broken = pl.concat(pieces) if pieces else table.split(values)[1]
    if not broken.height:
        return rows, [parted.broken], parted.collapsed
    at = broken["row_index"]
    apart = (
        broken.drop("row_index")
        .with_columns(places[at.to_list()].get_columns())
        .select(*PLACES, "column", "value", "rule")
    )
    kept = pl.int_range(0, rows.height, dtype=pl.Int64, eager=True).is_in(at.unique().implode())
    return rows.filter(~kept), [parted.broken, apart], parted.collapsed


def _apply_cross_rules(
    rows: pl.DataFrame, table: TableContract, read_table: Reader, add_missing: tuple[str, ...], replace: bool
) -> tuple[pl.DataFrame, list[pl.DataFrame], dict[str, pl.DataFrame]]:
    """Apply the rules between tables to rows that keep those within."""
    apart = []
    unknown = find_unknown_ids(rows, table.name, read_table)
    added = make_missing_rows(unknown, rows, add_missing) if unknown and add_missing else {}
    for found in unknown:
        if found.link.target in added:
            continue
        column = found.link.column
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
    return rows, apart, added


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
        .with_columns(pl.col("value").str.slice(0, _VALUE_LENGTH))
        .sort("file", "row", maintain_order=True)
        .cast(REJECTED_SCHEMA)  # type: ignore[arg-type]
        .select(list(REJECTED_SCHEMA))
    )
