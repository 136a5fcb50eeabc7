"""A week of a rolling stock plan as rows: what stands, comes, goes and is sold in each warehouse, and what leaves from home."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from data.arrays import Flags, Floats
from routing.stock.costs import days_of
from routing.stock.options import StockOptions
from routing.stock.task import StockTask

LEVEL_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "date": pl.Date, "date_to": pl.Date, "merchant_id": pl.String, "category": pl.String, "warehouse_id": pl.String,
    "opening": pl.Int64, "under_way": pl.Int64, "moved_in": pl.Int64, "moved_out": pl.Int64, "order_up_to": pl.Int64,
    "sold": pl.Int64, "closing": pl.Int64, "short": pl.Int64, "cost": pl.Float64,
}  # fmt: skip
TRANSFER_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "sellable_on": pl.Date, "merchant_id": pl.String, "category": pl.String, "origin_warehouse_id": pl.String,
    "origin_hub_id": pl.String, "warehouse_id": pl.String, "units": pl.Int64, "ship_on": pl.Date, "arrives_on": pl.Date,
    "cost": pl.Float64,
}  # fmt: skip
Stands = Mapping[tuple[str, str], Floats]


@dataclass(frozen=True, slots=True)
class WeekRows:
    """What a week is planned to be.

    Attributes
    ----------
    task
        Its task.
    units : (I, Z, W)
        To stand ready, by the zone they are for.
    opening, under_way : (I, W)
        Units there as it begins, and those on their way that can be sold from then.
    moved : (I, W, W)
        Units from warehouse to warehouse.
    brought : (I, W)
        Units from home.
    lost : (I, Z)
        Where what is not sold from a warehouse is short.
    """

    task: StockTask
    units: Floats
    opening: Floats
    under_way: Floats
    moved: Floats
    brought: Floats
    lost: Flags

    @property
    def stands(self) -> Floats:
        """Units that stand ready on the first day, shape (I, W)."""
        arrived = self.moved.sum(axis=1) + self.brought - self.moved.sum(axis=2)
        total: Floats = self.opening + self.under_way + arrived
        return total


def sell(units: Floats, expected: Floats) -> Floats:
    """Say how many of the units that stand ready are expected to be sold, each zone's alike from where they stand.

    Parameters
    ----------
    units : (I, Z, W)
    expected : (I, Z)
        Whole units ordered.

    Returns
    -------
    numpy.ndarray
        Whole units, shape (I, Z, W), none above `units`; of a zone as many as are ordered or stand ready.
    """
    placed = units.sum(axis=2)
    part = np.divide(np.minimum(expected, placed), placed, out=np.zeros_like(placed), where=placed > 0)
    upto = np.floor(np.cumsum(units, axis=2) * part[:, :, None] + 0.5)
    sold: Floats = np.diff(upto, axis=2, prepend=0.0)
    return sold


def write_week(
    week: WeekRows, opening: Stands, under: Stands, options: StockOptions
) -> tuple[pl.DataFrame, pl.DataFrame, dict[tuple[str, str], Floats]]:
    """Write the rows of a week.

    Parameters
    ----------
    week
        As planned.
    opening, under
        Units of all items as it begins and on their way, also of those nobody orders.
    options
        What the planner sets.

    Returns
    -------
    levels, transfers : polars.DataFrame
        Rows of ``LEVEL_SCHEMA`` and ``TRANSFER_SCHEMA``.
    closing
        Units of all items as it ends.
    """
    items = week.task.items
    sold = sell(week.units, items.expected)
    rows = [*_rows_of_items(week, sold), *_rows_of_home(week, sold)]
    closing = dict(zip(items.keys, week.stands - sold.sum(axis=1), strict=True))
    rest = [key for key in {**opening, **under} if key not in closing]
    none = np.zeros(len(items.sites))
    for key in rest:
        before, coming = opening.get(key, none), under.get(key, none)
        closing[key] = before + coming
        stay = np.flatnonzero(closing[key])
        rows += [
            _row(week, key, w, (before[w], coming[w], 0.0, 0.0, 0.0, 0.0, closing[key][w]), _place(week, closing[key][w], closing[key][w], w))
            for w in stay.tolist()
        ]  # fmt: skip
    levels = pl.DataFrame(rows, schema=LEVEL_SCHEMA, orient="row")
    return levels.sort("merchant_id", "category", "warehouse_id"), _list_transfers(week, options), closing


def _row(week: WeekRows, key: tuple[str, str], site: int, counts: tuple[float, ...], cost: float) -> tuple[object, ...]:
    window = week.task.window
    whole = [round(value) for value in counts]
    return (window.first, window.last, *key, week.task.items.sites[site], *whole, 0, cost)


def _place(week: WeekRows, begins: float, ends: float, site: int) -> float:
    """Cost of the place of units that are so many as the week begins and so many as it ends [CNY]."""
    return float(week.task.costs.daily[site]) * week.task.window.days * (begins + ends) / 2.0


def _rows_of_items(week: WeekRows, sold: Floats) -> list[tuple[object, ...]]:
    items, costs = week.task.items, week.task.costs
    sent = np.where(sold > 0, np.where(np.isfinite(costs.ahead), costs.ahead - costs.rent, 0.0), 0.0)
    paid = (sent * sold).sum(axis=1)
    stands, gone, wanted = week.stands, sold.sum(axis=1), week.units.sum(axis=1)
    entered, left = week.moved.sum(axis=1) + week.brought, week.moved.sum(axis=2)
    some = (week.opening + week.under_way + entered + left + wanted) > 0
    rows = []
    for i, w in np.argwhere(some).tolist():
        ends = stands[i, w] - gone[i, w]
        counts = (week.opening[i, w], week.under_way[i, w], entered[i, w], left[i, w], wanted[i, w], gone[i, w], ends)
        rows.append(_row(week, items.keys[i], w, counts, float(paid[i, w]) + _place(week, stands[i, w], ends, w)))
    return rows


def _rows_of_home(week: WeekRows, sold: Floats) -> list[tuple[object, ...]]:
    """Rows without a warehouse: orders that leave from home as today, and those nothing serves."""
    items, costs, window = week.task.items, week.task.costs, week.task.window
    rest = np.maximum(items.expected - sold.sum(axis=2), 0.0)
    short = np.where(week.lost, rest, 0.0)
    home = rest - short
    paid = np.where(home > 0, np.where(np.isfinite(costs.home), costs.home, 0.0), 0.0) * home
    found = np.flatnonzero(rest.sum(axis=1) > 0)
    return [
        (window.first, window.last, *items.keys[i], None, 0, 0, 0, 0, 0, round(home[i].sum()), 0, round(short[i].sum()), float(paid[i].sum()))
        for i in found.tolist()
    ]  # fmt: skip


def _list_transfers(week: WeekRows, options: StockOptions) -> pl.DataFrame:
    items, paths, first = week.task.items, week.task.path_costs, week.task.window.first
    arrives = first - timedelta(days=options.putaway_days)
    rows: list[tuple[object, ...]] = []

    def add(item: int, start: str | None, hubs: tuple[int, int], site: int, units: float) -> None:
        ship: date = arrives - timedelta(days=int(days_of(paths.bulk_hours[hubs[0], hubs[1]])))
        cost = float(paths.bulk[hubs[0], hubs[1]] * items.places[item] * units)
        rows.append(
            (first, *items.keys[item], start, items.hub_ids[hubs[0]], items.sites[site], round(units), ship, arrives, cost)
        )  # fmt: skip

    for i, w in np.argwhere(week.brought > 0).tolist():
        add(i, None, (int(items.home[i]), int(items.site_hub[w])), w, week.brought[i, w])
    for i, a, w in np.argwhere(week.moved > 0).tolist():
        add(i, items.sites[a], (int(items.site_hub[a]), int(items.site_hub[w])), w, week.moved[i, a, w])
    frame = pl.DataFrame(rows, schema=TRANSFER_SCHEMA, orient="row")
    return frame.sort("merchant_id", "category", "warehouse_id", "origin_warehouse_id", nulls_last=False)
