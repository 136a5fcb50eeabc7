"""When goods sent to a warehouse leave, arrive and can be sold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from data.arrays import Ints
from routing.stock.costs import days_of
from routing.stock.task import StockTask

_NEVER = 10**6


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Days of goods by item and warehouse, shape (I, W) each, counted from the day after the plan's last known one.

    Attributes
    ----------
    lead
        Days on the road; a large number where there is no way.
    sellable
        Day on which goods that leave at once can be sold: on the road, then put away.
    start
        The day after the last known one.
    putaway
        Days a warehouse needs [days].
    """

    lead: Ints
    sellable: Ints
    start: date
    putaway: int

    def dates(self, item: int, site: int, first: date) -> tuple[date, date, date]:
        """Return the days on which goods leave, arrive and can be sold: in time for `first` if they still can."""
        lead = timedelta(days=int(self.lead[item, site]))
        due = first - lead - timedelta(days=self.putaway)
        leaves = max(due, self.start)
        return leaves, leaves + lead, leaves + lead + timedelta(days=self.putaway)


def find_arrivals(task: StockTask, putaway_days: int) -> Arrivals:
    """Say when goods of each item that leave on the day after the last known one can be sold in each warehouse."""
    items = task.items
    days = days_of(task.path_costs.bulk_hours[items.home][:, items.site_hub])
    lead = np.where(np.isfinite(days), days, _NEVER).astype(np.int64)
    return Arrivals(lead, lead + putaway_days, task.as_of + timedelta(days=1), putaway_days)
