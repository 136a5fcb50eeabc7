"""Odd but lawful rows for every table, made from the contracts alone, so that a table that joins them is covered too."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from data.contracts import GIVEN_RESULTS, TABLES, ColumnContract, TableContract, links_of
from data.workspace import Workspace

AS_OF = date(2025, 11, 3)
# Ids as planners have them, and as nobody should: scripts, spaces, signs that SQL, paths, HTML or formulas give a meaning to.
IDS = ("A", "杭州 转运", "b'\"--", "../x", "=1+1", "<b>&", "é%20#?", "0", "*", "x" * 40, "-1", "a|b")
WORDS = ("", "普通", "<script>", "=SUM(A1)", "{x}", "a\nb")
COUNTS = {"plain": (0, 1, 3, 40), "zero": (0,), "huge": (0, 7, 10_000_000_000)}
NUMBERS = {"plain": (0.0, 0.5, 1.0, 40.0), "zero": (0.0,), "huge": (0.0, 1e-9, 1.0, 1e12)}
AREAS = (
    '{"type": "Polygon", "coordinates": [[[100, 20], [125, 20], [125, 45], [100, 45], [100, 20]]]}',
    '{"type": "Point", "coordinates": [110, 30]}',
    '{"type": "Polygon", "coordinates": []}',
    "nowhere",
)


@dataclass(frozen=True)
class Oddity:
    """What an odd workspace is made of.

    Attributes
    ----------
    seed
        What is drawn.
    absent
        Tables nobody loaded.
    rows
        Rows tried for a table; of history, for a day.
    days
        Days of history up to the as-of date.
    numbers
        plain, zero (nothing but 0) or huge (1e-9 to the largest the contracts take).
    empty
        Share of the cells that may be empty and are.
    ids
        How many different ids there are.
    """

    seed: int
    absent: frozenset[str]
    rows: int
    days: int
    numbers: str
    empty: float
    ids: int


def write_odd_workspace(folder: Path, odd: Oddity) -> Workspace:
    """Write a workspace whose rows keep every rule of the contracts, and are odd."""
    workspace = Workspace.create(folder)
    chance = random.Random(odd.seed)
    with workspace.run("load") as run:
        for table in TABLES.values():
            if table.name in odd.absent or not (table.group in ("reference", "history") or table.name in GIVEN_RESULTS):
                continue
            rows = table_rows(table, odd, chance)
            if rows.is_empty():
                continue
            if table.name in GIVEN_RESULTS:
                run.append(table.name, rows)
            else:
                run.replace(table.name, rows)
    return workspace


def table_rows(table: TableContract, odd: Oddity, chance: random.Random) -> pl.DataFrame:
    """Return the lawful ones of random rows."""
    days = [AS_OF - timedelta(days=n) for n in range(odd.days)] if table.group == "history" else [None]
    records = [_record(table, odd, chance, day) for day in days for _ in range(odd.rows)]
    if table.group == "reference" and len(table.keys) == 1:  # every id there is, so that other tables may name it
        records = [record | {table.keys[0]: IDS[n % odd.ids]} for n, record in enumerate(records)]
    frame = pl.DataFrame(records, schema=table.polars_schema, orient="row")
    keys = [key for key in table.keys if key != "run_id"]
    return table.split(frame.unique(keys or None, keep="first", maintain_order=True))[0]


def _record(table: TableContract, odd: Oddity, chance: random.Random, day: date | None) -> dict[str, Any]:
    links: Mapping[str, str] = {link.column: link.target for link in links_of(table.name)}
    return {column.name: _value(table, column, odd, chance, day, links) for column in table.columns}


def _value(
    table: TableContract,
    column: ColumnContract,
    odd: Oddity,
    chance: random.Random,
    day: date | None,
    links: Mapping[str, str],
) -> Any:
    if column.nullable and chance.random() < odd.empty:
        return None
    kind = column.dtype.base_type()
    if kind == pl.Date:
        drawn = (day or AS_OF) if column.key and day else AS_OF + timedelta(days=chance.choice((-400, -30, 0, 1, 2, 9)))
        return drawn.replace(day=1) if column.name == "month" else drawn
    if kind == pl.Datetime:
        return datetime.combine(day or AS_OF, datetime.min.time(), UTC) + timedelta(hours=chance.choice((0, 5, 23, 30)))
    if kind == pl.Int64:
        return chance.choice(COUNTS[odd.numbers])
    if kind == pl.Float64:
        if column.unit == "degrees":
            return chance.choice((0.0, 30.0, 31.5, 89.9) if column.name == "latitude" else (0.0, 110.0, 121.5, -179.0))
        return chance.choice(NUMBERS[odd.numbers])
    if kind == pl.Boolean:
        return chance.random() < 0.5
    return _text(table, column, odd, chance, links)


def _text(
    table: TableContract, column: ColumnContract, odd: Oddity, chance: random.Random, links: Mapping[str, str]
) -> str:
    choices = re.search(r"One of: (.*)\.$", column.meaning)
    if choices is not None:
        words: list[str] = choices[1].split(", ")
        return chance.choice(words)
    if column.unit == "HH:MM":
        return chance.choice(("00:00", "06:30", "22:00", "24:00", "26:30"))
    if column.unit == "1 to 7":
        return chance.choice(("1234567", "67", "1"))
    if column.name == "area":
        return chance.choice(AREAS)
    if column.name == "time_zone":
        return chance.choice(("Asia/Urumqi", "Asia/Shanghai"))
    if column.name in links or column.key or column.name.endswith("_id") or column.name == "category":
        return chance.choice(IDS[: odd.ids])
    return chance.choice(WORDS)
