"""When the parcels of a day are at hand, and which sort of their hub is the first that takes them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from data.errors import RadarError
from data.hub_hours import read_hours
from routing.trunk.task.sorts import Ints, Sorts

if TYPE_CHECKING:
    import polars as pl

_ALL = "*"
_KINDS = ("normal", "peak")
_EPSILON = 1e-9

Profiles = dict[str, list[tuple[float, float]]]


def read_profiles(table: pl.DataFrame) -> Profiles:
    """Hours by which shares of a day's parcels are at hand, by hub; ``*`` is every hub without rows of its own.

    Of the kinds of day ``normal`` speaks, and ``peak`` where it alone is given.
    """
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for hub, kind, until, share in table.select("hub_id", "day_kind", "until_hour", "share").iter_rows():
        found.setdefault((hub, kind), []).append((read_hours(until), float(share)))
    profiles: Profiles = {}
    for (hub, kind), rows in found.items():
        if kind == _KINDS[0] or (hub, _KINDS[0]) not in found:
            profiles[hub] = sorted(rows)
    return profiles


def split_parcels(parcels: int, profile: list[tuple[float, float]]) -> list[tuple[float, int]]:
    """Whole parcels at hand by each hour: floor(parcels x share so far), so that no hour claims one that is not there yet."""
    total = sum(share for _, share in profile)
    parts, seen, counted = [], 0.0, 0
    for hour, share in profile:
        seen += share
        upto = int(parcels * seen / total + _EPSILON)
        parts.append((hour, upto - counted))
        counted = upto
    return parts


def lay_demand(
    sorts: Sorts,
    profiles: Profiles,
    hub_ids: list[str],
    demand: tuple[Ints, Ints, Ints, Ints],
    ready: list[datetime | None],
) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Split demands over the sorts that first take them.

    Parameters
    ----------
    demand
        Origin, destination, day and parcels of each, (K,).
    ready : (K,)
        Moment at which a demand is at hand, where it says so itself.

    Returns
    -------
    tuple
        Origin, destination, day, parcels and node of hand-in, sorted by day, origin, destination and node.

    Raises
    ------
    RadarError
        For parcels handed in after the last cut-off of the plan.
    """
    nodes = {hub: sorts.of_hub(hub) for hub in range(len(hub_ids))}
    rows: dict[tuple[int, int, int, int], int] = {}
    for k, (origin, destination, day, parcels) in enumerate(zip(*(part.tolist() for part in demand), strict=True)):
        mine = nodes[origin]
        moment = ready[k]
        profile = profiles.get(hub_ids[origin], profiles.get(_ALL))
        if moment is not None:
            parts = [((moment - sorts.midnight).total_seconds() / 3600.0, parcels)]
        elif profile:
            parts = [(sorts.hour_of(day, until, origin), some) for until, some in split_parcels(parcels, profile)]
        else:
            today = mine[sorts.day[mine] == day]
            last = float(sorts.cut_off[today].max()) if len(today) else sorts.hour_of(day, 24.0, origin)
            parts = [(last, parcels)]
        for at, some in parts:
            if some <= 0:
                continue
            place = int(np.searchsorted(sorts.cut_off[mine], sorts.reopen(origin, at) - _EPSILON))
            if place >= len(mine):
                raise RadarError(
                    f"parcels of {hub_ids[origin]} handed in after the last cut-off of the plan",
                    "a sort that takes them",
                    "set --last-day later, or add the sort to hub_sorts",
                )
            key = (day, origin, destination, int(mine[place]))
            rows[key] = rows.get(key, 0) + some
    # each in a row of memory of its own: loops are compiled anew for arrays that lie in strides
    keys = np.ascontiguousarray(np.array(sorted(rows), dtype=np.int64).reshape(-1, 4).T)
    amounts = np.array([rows[key] for key in sorted(rows)], dtype=np.int64)
    return keys[1], keys[2], keys[0], amounts, keys[3]
