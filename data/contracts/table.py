"""A table's contract: its columns with units and meaning, its keys, and what it does with rows that break a rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import dataframely as dy
import polars as pl

from data.errors import RadarError

Group = Literal["reference", "history", "results", "records"]

# dataframely names the rules; a person reads these.
_ROW = "row_index"
_PART = 1_000_000
_KEY_RULES = ("primary_key", "key_is_unique")
_RULE_WORDS = {
    "nullability": "must not be empty",
    "primary_key": "the key must be unique",
    "key_is_unique": "the key must be unique",
    "min": "is below the smallest value allowed",
    "max": "is above the largest value allowed",
    "nan": "must be a number",
    "inf": "must be finite",
    "min_length": "is too short",
    "max_length": "is too long",
    "regex": "must not hold control characters",
    "one_of": "is not one of the words allowed",
    "clock": "is not an hour HH:MM between 00:00 and 71:59",
    "weekdays": "is not a set of weekdays in order, such as 1234567 or 67",
}


_TYPE_WORDS = {
    "String": "text",
    "Int64": "whole number",
    "Float64": "number",
    "Date": "date",
    "Datetime": "time",
    "Boolean": "yes/no",
    "List": "list",
}


@dataclass(frozen=True)
class ColumnContract:
    """One column: what it is called, holds, is measured in and means."""

    name: str
    dtype: pl.DataType
    unit: str | None
    nullable: bool
    key: bool
    meaning: str
    aliases: tuple[str, ...]
    default: pl.Expr | None = None

    @property
    def type_word(self) -> str:
        """Its type in a planner's words: text, whole number, number, date, time, yes/no or list."""
        kind = str(self.dtype.base_type().__name__)
        return _TYPE_WORDS.get(kind, kind)


@dataclass(frozen=True)
class TableContract:
    """What a table holds and which rows it takes.

    Parameters
    ----------
    name
        Name of the table: of its files, its Delta table, in ``radar load`` and ``radar export``.
    group
        ``reference``, ``history``, ``results`` or ``records`` (what the workspace keeps of its own doing).
    schema
        The dataframely schema with types and rules.
    """

    name: str
    group: Group
    schema: type[dy.Schema]

    @cached_property
    def meaning(self) -> str:
        """What a row is, in one or two sentences."""
        return " ".join((self.schema.__doc__ or "").split())

    @cached_property
    def columns(self) -> tuple[ColumnContract, ...]:
        """Columns in their order: the key first (results lead with ``run_id``), then the rest."""
        described = [_describe(name, column) for name, column in self.schema.columns().items()]
        return tuple(sorted(described, key=lambda column: not column.key))

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Names of the columns that make a row unique."""
        return tuple(column.name for column in self.columns if column.key)

    @cached_property
    def polars_schema(self) -> dict[str, pl.DataType]:
        """Column names with their Polars types."""
        return {column.name: column.dtype for column in self.columns}

    def column(self, name: str) -> ColumnContract:
        """Contract of one column; RadarError when there is none of that name."""
        for column in self.columns:
            if column.name == name:
                return column
        names = ", ".join(column.name for column in self.columns)
        raise RadarError(f"column {name}", f"one of {names}", f"see the reference of table {self.name}")

    def empty(self) -> pl.DataFrame:
        """Return the table without a row."""
        return pl.DataFrame(schema=self.polars_schema)

    def arrange(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Cast to the contract's types, add absent optional columns as empty, put columns in order.

        Raises
        ------
        RadarError
            When a required column is absent, a column is unknown, or a value does not fit its type.
        """
        known = self.polars_schema
        unknown = [name for name in frame.columns if name not in known]
        if unknown:
            raise RadarError(
                f"unknown column {unknown[0]} for table {self.name}",
                f"columns among {', '.join(known)}",
                "rename or drop it",
            )
        absent = [column.name for column in self.columns if column.name not in frame.columns]
        required = [
            column.name for column in map(self.column, absent) if not column.nullable and column.default is None
        ]
        if required:
            raise RadarError(
                f"table {self.name} without column {required[0]}", f"the columns {', '.join(known)}", "add the column"
            )
        frame = frame.with_columns(pl.lit(None, dtype=known[name]).alias(name) for name in absent)
        try:
            return self.fill_defaults(frame.select(pl.col(name).cast(dtype) for name, dtype in known.items()))
        except pl.exceptions.PolarsError as error:
            raise RadarError(
                f"a value in table {self.name} that does not fit its type ({str(error).splitlines()[0]})",
                "the types of the contract",
                f"see the reference of table {self.name}",
            ) from error

    @cached_property
    def defaults(self) -> tuple[pl.Expr, ...]:
        """What an empty value stands for, where the contract says so: in rows older than a column, for one."""
        given = ((column, column.default) for column in self.columns if column.default is not None)
        return tuple(pl.col(column.name).fill_null(default).cast(column.dtype) for column, default in given)

    def fill_defaults(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Put in what an empty value stands for."""
        return frame.with_columns(self.defaults) if self.defaults else frame

    def split(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Part the rows that keep every rule from those that break one.

        Parameters
        ----------
        frame
            Rows with the contract's columns (see ``arrange``).

        Returns
        -------
        good
            The rows that keep every rule, in their order.
        broken
            Columns ``row_index`` (position in ``frame``), ``column``, ``value`` (as text) and ``rule``: one row a
            broken rule, sorted by position.
        """
        frame = self.arrange(frame)
        good, failure = self._numbered_schema.filter(frame.with_row_index(_ROW).cast({_ROW: pl.Int64}), cast=False)
        counts = failure.counts()
        if not counts:
            return frame, _no_broken()
        details = failure.details()
        pieces = []
        for rule in counts:
            column, _, kind = rule.partition("|")
            kind = kind.removeprefix("check__")
            names = column if kind else ", ".join(self.keys) if rule in _KEY_RULES else None
            value = _as_text(self.polars_schema[column], column) if kind else pl.lit(None, dtype=pl.String)
            words = _RULE_WORDS.get(kind or rule, (kind or rule).replace("_", " "))
            pieces.append(
                details.filter(pl.col(rule) == "invalid").select(
                    _ROW,
                    pl.lit(names, dtype=pl.String).alias("column"),
                    value.alias("value"),
                    pl.lit(words).alias("rule"),
                )
            )
        broken = pl.concat(pieces).sort("row_index", maintain_order=True)
        return good.sort(_ROW).select(frame.columns), broken

    @cached_property
    def _numbered_schema(self) -> type[dy.Schema]:
        """The schema with one more column, so that a row that breaks a rule can be told by its place."""
        return type(f"Numbered{self.schema.__name__}", (self.schema,), {_ROW: dy.Int64()})

    def _keeps_rules(self, frame: pl.DataFrame) -> bool:
        """Whether no row breaks a rule; tables of many rows are looked at in parts, which takes little memory."""
        keys = list(self.keys)
        # Different hashes are different keys; where two are equal only the whole table can tell.
        if frame.height <= _PART or not keys or frame.select(keys).hash_rows().n_unique() < frame.height:
            return self.schema.is_valid(frame, cast=False)
        return all(self.schema.is_valid(part, cast=False) for part in frame.iter_slices(_PART))

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return ``frame`` by the contract, or say which rule its first bad row breaks.

        Raises
        ------
        RadarError
            For a column that is missing, unknown or of the wrong type, and for any row that breaks a rule.
        """
        frame = self.arrange(frame)
        if self._keeps_rules(frame):
            return frame
        _, broken = self.split(frame)
        first = broken.row(0, named=True)
        keys = ", ".join(f"{key}={frame[first['row_index'], key]!r}" for key in self.keys)
        raise RadarError(
            f"{broken['row_index'].n_unique()} row(s) of table {self.name} break a rule, the first is {keys}: "
            f"{first['column'] or 'the row'} {first['rule']} (value {first['value']})"
        )


def _describe(name: str, column: dy.Column) -> ColumnContract:
    metadata: Mapping[str, object] = column.metadata or {}
    aliases = metadata.get("aliases", ())
    unit, default = metadata.get("unit"), metadata.get("default")
    return ColumnContract(
        name=name,
        dtype=column.dtype if isinstance(column.dtype, pl.DataType) else column.dtype(),
        unit=str(unit) if unit else None,
        nullable=column.nullable,
        key=bool(metadata.get("key")),
        meaning=column.description or "",
        aliases=tuple(str(alias) for alias in aliases) if isinstance(aliases, tuple) else (),
        default=default if isinstance(default, pl.Expr) else None,
    )


def _as_text(dtype: pl.DataType, column: str) -> pl.Expr:
    if isinstance(dtype, pl.List):
        return pl.col(column).cast(pl.List(pl.String)).list.join("|")
    return pl.col(column).cast(pl.String)


def _no_broken() -> pl.DataFrame:
    return pl.DataFrame(schema={"row_index": pl.Int64, "column": pl.String, "value": pl.String, "rule": pl.String})
