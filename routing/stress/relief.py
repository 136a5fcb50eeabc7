"""What may be asked for on top of a plan: hubs sort more on some days, and have more vehicles on call."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from routing.stress.layout import Layout
from routing.stress.records import UNBOUNDED, Money, Network, Whole

Marks = NDArray[np.bool_]

LEVERS = ("sorters", "vehicles")
SORTERS, VEHICLES = range(len(LEVERS))

NONE = 1e-9  # of a share: float noise


@dataclass(frozen=True)
class AskPrices:
    """What asking costs.

    Attributes
    ----------
    sorting
        CNY a parcel of sorting capacity and day.
    ready
        Part of the price of a vehicle called that is paid for each day it is kept ready; what it is called for comes out of the play.
    """

    sorting: float
    ready: float


@dataclass(frozen=True)
class Relief:
    """What hubs are given.

    Attributes
    ----------
    layout, network
        The plan, and its arrays under the policy, without relief.
    days
        [levers x hubs x steps] on which it is given.
    share
        [levers x hubs] of a hub's sorting capacity, and of its planned departures of the day.
    """

    layout: Layout
    network: Network
    days: Marks
    share: Money

    @classmethod
    def none(cls, layout: Layout, network: Network) -> Relief:
        """Give nothing."""
        shape = (len(LEVERS), *network.hubs.capacity.shape)
        return cls(layout, network, np.zeros(shape, dtype=np.bool_), np.zeros(shape[:2]))

    def change(self, lever: int, hub: int, share: float, days: Marks) -> Relief:
        """Give a hub another share, on these [steps]."""
        shares, marks = self.share.copy(), self.days.copy()
        shares[lever, hub], marks[lever, hub] = share, days
        return Relief(self.layout, self.network, marks, shares)

    def sorted_more(self) -> Whole:
        """Return [hubs x steps] parcels a sort takes more; none where it has no bound."""
        capacity = self.network.hubs.capacity
        bounded = self.days[SORTERS] & (capacity < UNBOUNDED)
        return np.where(bounded, np.floor(capacity * self.share[SORTERS][:, None] + NONE), 0).astype(np.int64)

    def called_more(self) -> Whole:
        """Return [hubs x steps] vehicles that may be called more on the day of the step, at least one where a share is given."""
        planned = np.maximum(self.layout.planned, 1)
        more = np.ceil(planned * self.share[VEHICLES][:, None] - NONE)
        return np.where(self.days[VEHICLES], more, 0).astype(np.int64)

    def apply(self) -> Network:
        """Give the arrays with the relief."""
        hubs = self.network.hubs
        given = hubs._replace(
            capacity=hubs.capacity + self.sorted_more(), spot_limit=hubs.spot_limit + self.called_more()
        )
        return self.network._replace(hubs=given)

    def price(self, prices: AskPrices) -> float:
        """CNY of all that is given."""
        return float(sum(self.price_of(lever, hub, prices) for lever, hub in np.argwhere(self.share > NONE).tolist()))

    def price_of(self, lever: int, hub: int, prices: AskPrices) -> float:
        """CNY of what one hub is given: parcels of all its days, or vehicles of all its days kept ready."""
        given = float(self.by_day(lever, hub).sum())
        if given == 0:
            return 0.0
        return given * (prices.sorting if lever == SORTERS else prices.ready * tell_call_price(self.network, hub))

    def by_day(self, lever: int, hub: int) -> Whole:
        """Return [days] parcels, or vehicles, a hub is given."""
        day, marked = self.network.clock.day[hub], self.days[lever, hub]
        more = (self.sorted_more() if lever == SORTERS else self.called_more())[hub]
        given: Whole = np.zeros(int(day.max()) + 1, dtype=np.int64)
        if lever == SORTERS:
            np.add.at(given, day[marked], more[marked])
        else:
            np.maximum.at(given, day[marked], more[marked])
        return given

    def list_parts(self, lever: int, hub: int) -> list[Marks]:
        """List [steps] what may be left out of a hub's: its first day, its last one, and each of several sorts."""
        marked, day = self.days[lever, hub], self.network.clock.day[hub]
        days = np.unique(day[marked])
        parts = [marked & (day == end) for end in (days[0], days[-1])] if days.size > 1 else []
        if lever == VEHICLES:
            return parts
        own = self.layout.steps.sort_ids[hub]
        names = np.array([*own, *[""] * (day.size - len(own))])
        sorts = np.unique(names[marked])
        return parts + ([marked & (names == name) for name in sorts] if sorts.size > 1 else [])


def tell_call_price(network: Network, hub: int) -> float:
    """CNY of a vehicle called at a hub: the mean of its lanes, weighted by what the plan carries on them; infinite where none can be called."""
    lanes = network.lanes
    mine = lanes.of_hub[lanes.by_hub[hub] : lanes.by_hub[hub + 1]]
    mine = mine[lanes.spot_capacity[mine] > 0]
    if mine.size == 0:
        return float("inf")
    weight = np.minimum(lanes.room[mine], UNBOUNDED).sum(axis=1).astype(float)
    return float(np.average(lanes.spot_cost[mine], weights=weight if weight.sum() > 0 else None))
