"""Rows that stand more than once: the same row is taken once, rows that contradict each other are set apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from data.contracts import TableContract
from data.errors import RadarError

FILE, LINE = "__file__", "__line__"
PLACES = (FILE, LINE)
# What a row holds in columns of the file that the table lacks, as one text.
REST = "__rest__"

CONTRADICTS = "the same key stands with different values"
DIFFERS_BESIDE = (
    "the same key stands in rows that differ in a column the table lacks: add them up with --sum, or bring them to one "
    "row with --sql"
)
# Tables whose measures add up over rows of one key.
SUMMABLE = ("route_volumes", "outlet_volumes", "sales", "stock")


@dataclass(frozen=True)
class Parted:
    """Rows kept, rows set apart (``FILE``, ``LINE``, column, value, rule), and how many repeated another or were added up."""

    kept: pl.DataFrame
    broken: pl.DataFrame
    collapsed: int
    added_up: int = 0


def part_duplicates(frame: pl.DataFrame, table: TableContract, *, add_up: bool = False) -> Parted:
    """Take rows that repeat another one once, and set apart all rows of a key that stands with different values.

    A row repeats another only if it equals it in every column of the file, those the table lacks among them. Rows without
    a needed key column are left alone: another rule sets them apart.

    Parameters
    ----------
    frame
        Rows with the table's columns, ``FILE``, ``LINE`` and, where the file has more, ``REST``.
    table
        Contract of the table.
    add_up
        Whether rows of one key that do not repeat each other are added up, measure by measure.
    """
    keys = list(table.keys)
    nothing = pl.DataFrame(schema=broken_schema(frame))
    if not keys or not frame.height:
        return Parted(_without_rest(frame), nothing, 0)
    # 64 bits of each key find the few suspects cheaply; only those are compared in full.
    hashes = frame.select(keys).hash_rows()
    if hashes.n_unique() == hashes.len():
        return Parted(_without_rest(frame), nothing, 0)
    needed = [name for name in (table.polars_schema if add_up else keys) if not table.column(name).nullable]
    complete = frame.select(pl.all_horizontal(pl.col(needed).is_not_null())).to_series() if needed else True
    suspect = hashes.is_duplicated() & complete
    values = [name for name in frame.columns if name not in PLACES]
    suspects = frame.with_row_index("at").filter(suspect)
    first = suspects.unique(subset=values, keep="first", maintain_order=True)
    collapsed = suspects.height - first.height
    if add_up:
        rest = frame.filter(~suspect)
        summed = _add_up(first.drop("at"), table)
        remaining = pl.concat([_without_rest(rest), _without_rest(summed)]).sort(PLACES, maintain_order=True)
        return Parted(remaining, nothing, collapsed, first.height - summed.height)
    clashing = first.filter(pl.struct(keys).is_duplicated()).select(keys).unique()
    contradict = suspects.join(clashing, on=keys, how="semi", nulls_equal=True)
    collapse = suspects.join(clashing, on=keys, how="anti", nulls_equal=True).filter(
        ~pl.col("at").is_in(first["at"].implode())
    )
    out = pl.concat([contradict["at"], collapse["at"]])
    remaining = frame.with_row_index("at").filter(~pl.col("at").is_in(out.implode())).drop("at")
    shown = pl.concat_str([pl.col(key).cast(pl.String).fill_null("") for key in keys], separator=", ")
    beside = pl.col(REST).n_unique().over(keys) > 1 if REST in frame.columns else pl.lit(False)
    broken = contradict.select(
        *PLACES,
        pl.lit(", ".join(keys)).alias("column"),
        shown.alias("value"),
        pl.when(beside).then(pl.lit(DIFFERS_BESIDE)).otherwise(pl.lit(CONTRADICTS)).alias("rule"),
    )
    return Parted(_without_rest(remaining), broken, collapse.height)


def _add_up(rows: pl.DataFrame, table: TableContract) -> pl.DataFrame:
    measures = [column.name for column in table.columns if not column.key]
    total = [pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum()).alias(name) for name in measures]
    others = [name for name in rows.columns if name not in (*table.keys, *measures)]
    summed = rows.group_by(list(table.keys), maintain_order=True).agg(
        *total, *(pl.col(name).first() for name in others)
    )
    return summed.select(rows.columns)


def _without_rest(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.drop(REST, strict=False)


def broken_schema(frame: pl.DataFrame) -> dict[str, pl.DataType]:
    """Columns of rows set apart, before files have their names."""
    text = dict.fromkeys(("column", "value", "rule"), pl.String())
    return {FILE: frame.schema[FILE], LINE: pl.Int64(), **text}


def drop_places(frame: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Leave out the rows that stand at the given places."""
    return frame.join(places.select(PLACES).unique(), on=list(PLACES), how="anti", maintain_order="left")


def require_share(rejected: pl.DataFrame, set_apart: int, read: int, most: float, advice: str) -> None:
    """Raise RadarError when more than the share ``most`` of the rows read was set apart.

    Parameters
    ----------
    rejected
        Columns ``file``, ``row``, ``column``, ``value``, ``rule``: one row a broken rule.
    set_apart, read
        Rows that break a rule, and all rows.
    most
        ``max_rejected_share`` of the workspace.
    advice
        What the user can do about it.

    Raises
    ------
    RadarError
        When more rows were set apart.
    """
    if read and set_apart > most * read:
        reasons = "; ".join(tell_rules(rejected))
        raise RadarError(
            f"{set_apart:,} of {read:,} rows ({set_apart / read:.1%}) that break a rule: {reasons}",
            f"at most {most:.1%} (max_rejected_share in radar.toml)",
            f"nothing was committed; {advice}",
        )


def tell_rules(broken: pl.DataFrame, most: int = 3) -> Sequence[str]:
    """Say the commonest broken rules, each with its count and its first place, for a person."""
    reasons = []
    groups = broken.group_by("column", "rule", maintain_order=True).agg(
        pl.len().alias("rows"), pl.col("file").first(), pl.col("row").first(), pl.col("value").first()
    )
    for group in groups.sort("rows", descending=True, maintain_order=True).head(most).iter_rows(named=True):
        what = f"{group['column']} {group['rule']}" if group["column"] else f"the row {group['rule']}"
        value = f", value {_short(group['value'])}" if group["value"] is not None else ""
        at = f"row {group['row']} of {group['file']}" if group["row"] is not None else group["file"]
        reasons.append(f"{group['rows']:,} x {what} (first: {at}{value})")
    return reasons


def _short(value: str) -> str:
    return repr(value if len(value) <= 40 else f"{value[:37]}...")
