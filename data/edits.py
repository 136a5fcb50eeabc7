"""Edits of tables told in a line each: what a what-if changes in the rows it reads from its workspace.

``hubs[hub_id=JIN] sort_capacity*=1.15``, ``lanes[lane_id=GUA-JIN-road] remove``, ``hub_days add date=2025-11-12, hub_id=JIN,
sort_capacity=900000``. Between the brackets stand columns and values that all must hold; without brackets every row is meant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import polars as pl

from data.contracts import GIVEN_RESULTS, TABLES, TableContract, contract
from data.errors import RadarError
from data.spelling import ask_near

FORECASTS = ("network_forecasts", "region_forecasts", "hub_forecasts", "route_forecasts", "outlet_forecasts")
_EDITABLE_RESULTS = (*FORECASTS, *GIVEN_RESULTS, "lane_weather", "outlet_weather")
_FORM = re.compile(r"\s*(?P<table>\w+)\s*(?:\[(?P<where>[^\]]*)\])?\s*(?P<rest>.*)", re.DOTALL)
_SETTING = re.compile(r"\s*(?P<column>\w+)\s*(?P<sign>[*+-]?)=(?P<value>.*)", re.DOTALL)
_OFFSET = re.compile(r"(Z|[+-]\d\d:?\d\d)$")
_EXAMPLE = "a line such as hubs[hub_id=JIN] sort_capacity*=1.15, lanes[lane_id=A-B] remove, or hub_days add hub_id=A, …"
Sign = Literal["", "*", "+", "-"]


@dataclass(frozen=True)
class Change:
    """A column's new value: put in place of the old one, or multiplied with it, added to it, taken from it."""

    column: str
    sign: Sign
    value: str


@dataclass(frozen=True)
class Edit:
    """One edit of a table.

    Attributes
    ----------
    line
        As it was written.
    table
        Table edited.
    kind
        ``set`` changes rows, ``remove`` leaves rows out, ``add`` puts a row in.
    where
        Columns and values, as text, of the rows meant; empty for all.
    changes
        What is set, or the columns of the row that is added.
    """

    line: str
    table: str
    kind: Literal["set", "remove", "add"]
    where: Mapping[str, str]
    changes: tuple[Change, ...]

    @classmethod
    def parse(cls, line: str) -> Edit:
        """Read an edit.

        Raises
        ------
        RadarError
            When it is no edit, or names a table or column that is not there or that nobody may edit.

        Examples
        --------
        >>> Edit.parse("hubs[hub_id=JIN] sort_capacity*=1.15").changes
        (Change(column='sort_capacity', sign='*', value='1.15'),)
        """
        form = _FORM.fullmatch(line)
        if form is None or not form["rest"]:
            raise RadarError(f"the edit {line!r}", _EXAMPLE)
        table = _editable(form["table"])
        where = {part.column: part.value for part in _read_parts(form["where"] or "", line)}
        rest = form["rest"].strip()
        if rest == "remove":
            return cls(line, table.name, "remove", _known(table, where), ())
        added = rest.startswith("add ")
        changes = tuple(_read_parts(rest.removeprefix("add ") if added else rest, line))
        _known(table, {change.column: change.value for change in changes})
        if added and (where or any(change.sign for change in changes)):
            raise RadarError(f"the edit {line!r}", "a row that is added has columns and values only", _EXAMPLE)
        if not changes:
            raise RadarError(f"the edit {line!r} that changes nothing", _EXAMPLE)
        edit = cls(line, table.name, "add" if added else "set", _known(table, where), changes)
        for name, value in [*where.items(), *((change.column, change.value) for change in changes)]:
            _value(table, name, value)
        return edit

    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the rows with the edit made.

        Raises
        ------
        RadarError
            When it meets no row, or the rows it leaves break the table's contract.
        """
        table = contract(self.table)
        if self.kind == "add":
            row = {change.column: _value(table, change.column, change.value) for change in self.changes}
            added = table.arrange(pl.DataFrame(row))
            met = frame.join(added.select(table.keys), on=list(table.keys), how="semi", nulls_equal=True)
            if met.height:
                raise RadarError(f"the edit {self.line!r} adds a row {self.table} has", "a key that is new", "set it")
            return self._checked(table, pl.concat([frame, added.select(frame.columns)]))
        chosen = pl.lit(True)
        for name, value in self.where.items():
            chosen = chosen & (pl.col(name) == _value(table, name, value).item()).fill_null(False)
        if frame.filter(chosen).is_empty():
            raise RadarError(f"the edit {self.line!r} meets no row of {self.table}", "a row it holds for", "correct it")
        if self.kind == "remove":
            return frame.filter(~chosen)
        changed = frame.filter(chosen).with_columns(_changed(table, change) for change in self.changes)
        return self._checked(table, pl.concat([frame.filter(~chosen), changed]))

    def _checked(self, table: TableContract, frame: pl.DataFrame) -> pl.DataFrame:
        try:
            return table.conform(frame)
        except RadarError as error:
            raise RadarError(
                f"the edit {self.line!r} leaves {error.found}", error.expected, "correct the edit"
            ) from error


def apply_edits(edits: Sequence[Edit], table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Make the edits of one table, each on what those before it left; the rows come back in the order of the key.

    Raises
    ------
    RadarError
        When one of them cannot be made.
    """
    mine = [edit for edit in edits if edit.table == table]
    for edit in mine:
        frame = edit.apply(frame)
    keys = [key for key in contract(table).keys if not isinstance(frame.schema[key], pl.List)]
    return frame.sort(keys, nulls_last=True, maintain_order=True) if mine else frame


def _editable(name: str) -> TableContract:
    table = contract(name)
    if table.group in ("reference", "history") or name in _EDITABLE_RESULTS:
        return table
    allowed = [one for one, it in TABLES.items() if it.group in ("reference", "history")] + list(_EDITABLE_RESULTS)
    raise RadarError(f"an edit of {name}, which radar itself writes", f"one of {', '.join(allowed)}")


def _known(table: TableContract, columns: Mapping[str, str]) -> Mapping[str, str]:
    for name in columns:
        if name not in table.polars_schema or name == "run_id":
            near = ask_near(name, table.polars_schema)
            raise RadarError(f"column {name} of {table.name}", f"one of {', '.join(table.polars_schema)}", near)
    return columns


def _read_parts(text: str, line: str) -> list[Change]:
    """Read ``a=1, b*=2``; a comma within a value is written as ``,,``."""
    changes: list[Change] = []
    for part in filter(str.strip, text.replace(",,", "\0").split(",")):
        setting = _SETTING.fullmatch(part.replace("\0", ","))
        if setting is None:
            raise RadarError(f"{part.strip()!r} in the edit {line!r}", "column=value", _EXAMPLE)
        sign: Sign = setting["sign"]  # type: ignore[assignment]
        changes.append(Change(setting["column"], sign, setting["value"].strip()))
    return changes


def _value(table: TableContract, column: str, text: str) -> pl.Series:
    """Return one value of a column from its text, empty for no text.

    Raises
    ------
    RadarError
        When it does not fit the column's type.
    """
    dtype = table.polars_schema[column]
    series = pl.Series(column, [text or None], dtype=pl.String)
    try:
        if isinstance(dtype, pl.Datetime):
            if text and not _OFFSET.search(text):
                raise RadarError(f"the moment {text!r} without an offset", "such as 2025-11-12T06:00+08:00")
            stamped = series.str.replace(" ", "T")
            return stamped.map_elements(datetime.fromisoformat, return_dtype=pl.Datetime("us", "UTC")).cast(dtype)
        if dtype == pl.Date:
            return series.str.to_date()
        if isinstance(dtype, pl.List):
            return series.str.split("|")
        return series.cast(pl.Float64).cast(dtype) if dtype.is_integer() else series.cast(dtype)
    except (pl.exceptions.PolarsError, ValueError) as error:
        raise RadarError(
            f"{text!r} for {table.name}.{column}", f"a value of type {dtype}", "correct the edit"
        ) from error


def _changed(table: TableContract, change: Change) -> pl.Expr:
    dtype = table.polars_schema[change.column]
    if not change.sign:
        return pl.lit(_value(table, change.column, change.value).item(), dtype=dtype).alias(change.column)
    if not dtype.is_numeric():
        raise RadarError(f"{change.sign}= on {table.name}.{change.column}", "a column of numbers", "set it with =")
    try:
        number = float(change.value)
    except ValueError as error:
        raise RadarError(
            f"{change.value!r} for {table.name}.{change.column}", "a number", "correct the edit"
        ) from error
    old = pl.col(change.column).cast(pl.Float64)
    new = {"*": old * number, "+": old + number, "-": old - number}[change.sign]
    return (new.round() if dtype.is_integer() else new).cast(dtype, strict=False).alias(change.column)
