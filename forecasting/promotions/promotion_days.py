"""Where promotions stand: one calendar of all of them, laid out as days of units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Flags, Matrix

MEASURES = ("discount", "strength")
"""Columns of ``promotions`` that say how strong a promotion is."""


@dataclass(frozen=True)
class PromotionKind:
    """Promotions of one kind: their editions teach each other.

    Attributes
    ----------
    name
        Scope, event, venue and category, joined by a bar.
    everywhere
        Whether it is for the whole network, every unit on the same days.
    on
        [units x days] whether the unit has it on the day.
    measures
        Name of each measure that is told -> [units x days] how strong it is; NaN where nothing is said, and without promotion.
    """

    name: str
    everywhere: bool
    on: Flags
    measures: Mapping[str, Matrix] = field(default_factory=dict)


def place_promotions(
    promotions: pl.DataFrame, events: pl.DataFrame, units: pl.DataFrame, dates: NDArray[np.datetime64]
) -> tuple[PromotionKind, ...]:
    """Lay the calendar of promotions out over units and days.

    Parameters
    ----------
    promotions
        Table ``promotions``, as known on the as-of date. Rows of merchants say nothing of units and are left out.
    events
        Table ``events``: gives the days of a promotion that has an event and no dates of its own.
    units
        outlet_id, hub_id and region_id (may be empty), one row a unit.
    dates
        [days] consecutive days.

    Returns
    -------
    tuple[PromotionKind, ...]
        Kinds that stand on at least one day, by name. Promotions of one scope, event name, venue and category are one kind.
    """
    rows = promotions.filter(pl.col("scope") != "merchant")
    if rows.is_empty() or units.is_empty() or dates.size == 0:
        return ()
    days = dict(
        zip(events["event_id"], zip(events["name"], events["date_from"], events["date_to"], strict=True), strict=True)
    )
    members: Mapping[str, tuple[str, ...]] = {
        column: tuple("" if value is None else str(value) for value in units[column])
        for column in ("outlet_id", "hub_id", "region_id")
    }
    shape = (units.height, dates.size)
    found: dict[str, tuple[bool, Flags, dict[str, Matrix]]] = {}
    for row in rows.sort("promotion_id").iter_rows(named=True):
        event, first, last = days.get(row["event_id"], (None, None, None))
        first, last = row["date_from"] or first, row["date_to"] or last
        if first is None or last is None:
            continue
        low = max(int((np.datetime64(first, "D") - dates[0]).astype(int)), 0)
        high = min(int((np.datetime64(last, "D") - dates[0]).astype(int)), dates.size - 1)
        if low > high:
            continue
        scope = row["scope"]
        name = "|".join(part or "" for part in (scope, event, row["venue"], row["category"]))
        _, on, measures = found.setdefault(name, (scope == "network", np.zeros(shape, dtype=bool), {}))
        mine = np.ones(units.height, dtype=bool)
        if scope != "network":
            member = str(row[f"{scope}_id"])
            mine = np.array([value == member for value in members[f"{scope}_id"]], dtype=bool)
        on[mine, low : high + 1] = True
        for measure in MEASURES:
            if row.get(measure) is not None:
                measures.setdefault(measure, np.full(shape, np.nan))[mine, low : high + 1] = float(row[measure])
    return tuple(PromotionKind(name, *parts) for name, parts in sorted(found.items()) if parts[1].any())
