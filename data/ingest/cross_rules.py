"""Rules between tables: ids that must be known, shares that must sum to 1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from data.contracts import Link, TableContract, contract, links_of
from data.contracts.fields import ALL
from data.errors import RadarError

SHARE_TOLERANCE = 1e-6
Reader = Callable[[str], pl.DataFrame]


@dataclass(frozen=True)
class UnknownIds:
    """Ids in ``link.table`` that ``link.target`` does not hold: columns ``id`` and ``rows``, sorted by id."""

    link: Link
    ids: pl.DataFrame

    @property
    def rule(self) -> str:
        """The rule broken, as kept in ``rejected_rows``."""
        return f"is no id of table {self.link.target}"


def find_unknown_ids(frame: pl.DataFrame, table: str, read: Reader) -> list[UnknownIds]:
    """Find ids that lead nowhere.

    Parameters
    ----------
    frame
        Rows of the table.
    table
        Its name.
    read
        Gives a table by name as it will stand; links of a table to itself (``parent_region_id``) also look into ``frame``.

    Returns
    -------
    list of UnknownIds
        One for each link with ids unknown, in the order of the links.
    """
    found = []
    for link in links_of(table):
        if link.column not in frame.columns:
            continue
        used = frame.group_by(pl.col(link.column).alias("id")).agg(pl.len().alias("rows")).drop_nulls("id")
        used = used.filter(pl.col("id") != ALL)  # every one there is
        if not used.height:
            continue
        known = read(link.target).select(pl.col(link.target_column).alias("id"))
        if link.target == table:
            known = pl.concat([known, frame.select(pl.col(link.target_column).alias("id"))])
        unknown = used.join(known, on="id", how="anti").sort("id")
        if unknown.height:
            found.append(UnknownIds(link, unknown))
    return found


def find_wrong_share_sums(preferences: pl.DataFrame) -> pl.DataFrame:
    """Find merchants whose shares over the couriers do not sum to 1 within 1e-6: columns merchant_id, total."""
    totals = preferences.group_by("merchant_id").agg(pl.col("share").sum().alias("total"))
    return totals.filter((pl.col("total") - 1.0).abs() > SHARE_TOLERANCE).sort("merchant_id")


def find_wrong_successor_sums(changes: pl.DataFrame) -> pl.DataFrame:
    """Find changes of the network that give away more than the whole of a hub: columns change_id, total."""
    totals = changes.group_by("change_id").agg(pl.col("share").sum().alias("total"))
    return totals.filter(pl.col("total") > 1.0 + SHARE_TOLERANCE).sort("change_id")


def make_missing_rows(
    unknown: list[UnknownIds], frame: pl.DataFrame, targets: tuple[str, ...]
) -> dict[str, pl.DataFrame]:
    """Make reference rows for new ids, as far as the rows that use them say what those need.

    A row gets its id as name. An outlet takes its courier and hub from the waybills that name it, a merchant the hub
    most of its waybills leave from; other needed columns cannot be known.

    Parameters
    ----------
    unknown
        Ids that lead nowhere.
    frame
        The rows that use them.
    targets
        Tables that may be added to.

    Returns
    -------
    dict
        Table name to new rows by its contract, sorted by id.

    Raises
    ------
    RadarError
        When a row of a target needs more than an id and nothing says it.
    """
    made: dict[str, pl.DataFrame] = {}
    for target in targets:
        links = [found for found in unknown if found.link.target == target]
        if not links:
            continue
        table = contract(target)
        id_column = links[0].link.target_column
        ids = pl.concat([found.ids.select("id") for found in links]).unique().sort("id")
        rows = (
            ids.select(pl.col("id").alias(id_column), pl.col("id").alias("name"))
            if "name" in table.polars_schema
            else ids.rename({"id": id_column})
        )
        for needed in _needed_columns(table, id_column):
            known = pl.concat([_learn(frame, found.link, needed) for found in links])
            known = known.filter(pl.col(needed).is_not_null()).unique("id", keep="first", maintain_order=True)
            rows = rows.join(known.rename({"id": id_column}), on=id_column, how="left", maintain_order="left")
            if rows[needed].null_count():
                first = rows.filter(pl.col(needed).is_null())[id_column][0]
                raise RadarError(
                    f"new id {first!r} for table {target}, which needs {needed}, and nothing says it",
                    action=f"load {target} first (`radar load {target} FILE`), and leave {target} out of --add-missing",
                )
        made[target] = table.arrange(rows)
    return made


def _needed_columns(table: TableContract, id_column: str) -> list[str]:
    return [c.name for c in table.columns if not c.nullable and c.name not in (id_column, "name")]


_DONORS: Mapping[tuple[str, str], str] = {
    ("origin_outlet_id", "hub_id"): "origin_hub_id",
    ("destination_outlet_id", "hub_id"): "destination_hub_id",
    ("origin_outlet_id", "courier_id"): "courier_id",
    ("destination_outlet_id", "courier_id"): "courier_id",
    ("merchant_id", "hub_id"): "origin_hub_id",
}


def _learn(frame: pl.DataFrame, link: Link, needed: str) -> pl.DataFrame:
    """Take what most rows say of an id's ``needed`` column: columns id and that one."""
    donor = _DONORS.get((link.column, needed))
    if donor is None or donor not in frame.columns:
        return pl.DataFrame(schema={"id": pl.String, needed: pl.String})
    pairs = frame.select(pl.col(link.column).alias("id"), pl.col(donor).alias(needed)).drop_nulls()
    counted = pairs.group_by("id", needed).agg(pl.len().alias("rows"))
    return (
        counted.sort(["rows", needed], descending=[True, False])
        .unique("id", keep="first", maintain_order=True)
        .select("id", needed)
    )
