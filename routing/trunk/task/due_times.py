"""Promises of arrival: by which day a demand is due.

A parcel handed in on day t and promised within h hours is due on day t + ceil(h / 24), rounded as lanes round their transit
hours: a promise of as many hours as a lane takes is kept by a departure on the day the parcel is handed in. It is late by
the days from then to the day on which it is sorted at its destination.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import polars as pl

Ints = npt.NDArray[np.int64]

_EPSILON = 1e-9  # hours / 24 that is whole but for float noise does not cost a day
NO_PROMISE = 1 << 40  # a due day after every plan


def read_due(promises: pl.DataFrame, hub_number: dict[str, int], origin: Ints, destination: Ints, day: Ints) -> Ints:
    """Day by which each demand is due, (K,); ``NO_PROMISE`` where its route has no promise.

    Parameters
    ----------
    promises
        Table ``service_promises``; hubs that are not known take no part.
    origin, destination, day : (K,)
        Hubs and days of the demands.
    """
    width = len(hub_number) + 1
    allowed = {
        hub_number[a] * width + hub_number[b]: int(max(0.0, np.ceil(hours / 24.0 - _EPSILON)))
        for a, b, hours in promises.select("origin_hub_id", "destination_hub_id", "latest_hours").iter_rows()
        if a in hub_number and b in hub_number
    }
    if not allowed:
        return np.full(len(day), NO_PROMISE, dtype=np.int64)
    days = [allowed.get(key, NO_PROMISE) for key in (origin * width + destination).tolist()]
    return np.minimum(day + np.array(days, dtype=np.int64), NO_PROMISE)
