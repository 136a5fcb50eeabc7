"""Windows of days: in which event a day stands, and which days are normal."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
from numpy.typing import NDArray


def mark_windows(events: pl.DataFrame, first_day: dt.date, days: int) -> dict[str, NDArray[np.bool_]]:
    """Mark the days of each event, and the days of none as ``normal``.

    Parameters
    ----------
    events
        Table ``events``; kinds shopping and holiday count.
    first_day
        First day of the window.
    days
        Days of the window.

    Returns
    -------
    dict[str, NDArray[np.bool_]]
        Window name -> [days]. Editions of one event share its name.
    """
    marks: dict[str, NDArray[np.bool_]] = {}
    busy = np.zeros(days, dtype=bool)
    ordered = events.filter(pl.col("kind") != "other").sort("name", "date_from")
    for name, starts, ends in ordered.select("name", "date_from", "date_to").iter_rows():
        low, high = max((starts - first_day).days, 0), min((ends - first_day).days, days - 1)
        if low <= high:
            marks.setdefault(name, np.zeros(days, dtype=bool))[low : high + 1] = True
            busy[low : high + 1] = True
    return {"normal": ~busy, **marks}
