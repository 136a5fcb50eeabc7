"""Rules of a table applied to rows read: those within the table, then those between tables; who breaks one is set apart."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from data.contracts import TableContract
from data.ingest.cross_rules import Reader, find_unknown_ids, find_wrong_share_sums, make_missing_rows
from data.ingest.ids import suggest_ids
from data.ingest.rows import PLACES, broken_schema, drop_places

_PART = 1_000_000


def apply_rules(rows: pl.DataFrame, table: TableContract) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
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
    chosen = pl.int_range(0, rows.height, dtype=pl.Int64, eager=True).is_in(at.unique().implode())
    return rows.filter(~chosen), [apart]


@dataclass(frozen=True)
class Crossed:
    """Rows that keep the rules between tables, those set apart, reference rows made for unknown ids, and what to tell."""

    rows: pl.DataFrame
    apart: list[pl.DataFrame]
    added: dict[str, pl.DataFrame]
    notes: list[str]


def apply_cross_rules(
    rows: pl.DataFrame, table: TableContract, read_table: Reader, add_missing: tuple[str, ...], replace: bool
) -> Crossed:
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
    return Crossed(rows, apart, added, notes)


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
