"""Stock a merchant has where it is not needed, and where it is lacking: what to move instead of sending anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import polars as pl


@dataclass(frozen=True, slots=True)
class Move:
    """Units of a category that stand in a warehouse beyond what the plan wants there.

    Attributes
    ----------
    category, origin
        What, and the warehouse where it stands.
    destination
        The warehouse that lacks it; None for what is lacking nowhere.
    units
        Units to move, or left over.
    there, surplus, lack
        Units that stand at the origin, those of them beyond what is needed, and those the destination lacks.
    by_when
        Day by which the destination's stock is to leave; None for what stays.
    """

    category: str
    origin: str
    destination: str | None
    units: int
    there: int
    surplus: int
    lack: int
    by_when: date | None


def find_moves(allocations: pl.DataFrame, stock: pl.DataFrame) -> list[Move]:
    """Match surplus with what is lacking, category by category: the largest surplus goes to where most is lacking.

    Parameters
    ----------
    allocations
        ``stock_allocations`` of one merchant: category, warehouse_id, units (to stand there), ship_by.
    stock
        category, warehouse_id, units: what stands there, of the same merchant.

    Returns
    -------
    list of Move
        By category and origin. Moved units are never more than a surplus or a lack; what finds no destination is a row of its own.
    """
    needed = allocations.group_by("category", "warehouse_id").agg(
        pl.col("units").sum().alias("needed"), pl.col("ship_by").min().alias("ship_by")
    )
    both = (
        stock.rename({"units": "there"})
        .join(needed, on=["category", "warehouse_id"], how="full", coalesce=True)
        .with_columns(pl.col("there", "needed").fill_null(0))
    )
    # A category the plan does not speak of is none of its business: nothing is known of the need for it.
    both = both.filter(pl.col("category").is_in(allocations["category"].implode()))
    moves: list[Move] = []
    for rows in both.sort("category", "warehouse_id").partition_by("category", maintain_order=True):
        moves += _match(rows)
    return moves


def _match(rows: pl.DataFrame) -> Iterator[Move]:
    spare = rows.filter(pl.col("there") > pl.col("needed"))
    lacking = rows.filter(pl.col("needed") > pl.col("there"))
    order = pl.col("needed") - pl.col("there")
    lacks = {
        row["warehouse_id"]: row["needed"] - row["there"] for row in lacking.sort(order, descending=True).to_dicts()
    }
    days = dict(lacking.select("warehouse_id", "ship_by").iter_rows())
    left = dict(lacks)
    for row in spare.sort(order).to_dicts():
        over = row["there"] - row["needed"]
        facts = (row["there"], over)
        rest = over
        for site in lacks:
            moved = min(rest, left[site])
            if moved > 0:
                yield Move(row["category"], row["warehouse_id"], site, moved, *facts, left[site], days[site])
                left[site] -= moved
                rest -= moved
        if rest > 0:
            yield Move(row["category"], row["warehouse_id"], None, rest, *facts, 0, None)
