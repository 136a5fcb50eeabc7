"""What sorting capacity to ask for so that a plan overflows no more often than a target, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from data.constants import constant
from routing.stress.layout import Layout
from routing.stress.play import Outcomes, play_draws
from routing.stress.policies import Policy, apply_policy
from routing.stress.probability import Probability, estimate
from routing.stress.records import UNBOUNDED, Money, Network, Whole

Marks = NDArray[np.bool_]

_NONE = 1e-9


@dataclass(frozen=True)
class AskRules:
    """How capacity is asked for, step by step."""

    step: float = constant(0.05, "1", "of a hub's capacity that is asked for at a time", "judgement")
    most: float = constant(1.0, "1", "of a hub's capacity that is asked for at most", "judgement")
    least_help: float = constant(0.002, "1", "of what is over that a step must take away to be asked for", "judgement")
    tried: int = constant(4, "hubs", "tried in a step, those over in most draws", "judgement")
    found_share: float = constant(
        0.75,
        "1",
        "of the target that the draws it is found on must reach: what is chosen on draws looks better on them than on others",
        "fitted: `radar stress --risk 0.02` on the sample, draws found on and fresh ones",
    )
    rounds: int = constant(3, "rounds", "of looking at all draws again after those that were over", "judgement")


ASKING = AskRules()


@dataclass(frozen=True)
class Ask:
    """Capacity to ask a hub for.

    Attributes
    ----------
    hub_id, first, last
        Where, and on which days.
    share, parcels
        Of its capacity, and parcels a day on its largest of these days.
    sort_id
        In which sorts, joined by ``|``.
    price
        CNY if it is booked: parcels of all its days x price a parcel.
    """

    hub_id: str
    first: date
    last: date
    share: float
    parcels: int
    price: float
    sort_id: str = "day"


@dataclass(frozen=True)
class Capacity:
    """What to ask for, and the probability of an overflow before and after on draws that were not used to find it."""

    asks: tuple[Ask, ...]
    before: Probability
    after: Probability


def ask_capacity(
    layout: Layout, fit: Whole, judge: Whole, policy: Policy, target: float, price: float, strata: int
) -> Capacity:
    """Find sorting capacity that brings a plan's probability of an overflow to a target.

    Parameters
    ----------
    layout
        The plan.
    fit, judge
        [draws x routes] parcels: draws it is found on, and others it is judged on.
    policy
        What dispatchers may do.
    target
        Probability of an overflow anywhere, 0 to 1.
    price
        CNY a parcel of capacity and day.
    strata
        Strata of the draws.

    Notes
    -----
    Only the draws that overflow as the plan stands are played while searching, and all of them once it is found; a draw that overflows only then
    joins those searched on. In each step the hubs over in most draws are tried with 5 % more, from the day before their first overflow to
    their last one; the step is taken that lessens most for a parcel of capacity. What it lessens counts draws over, and parcels over in units of what a draw had over at first:
    more at one hub sends more to others on time, and that counts against it. A hub whose sorters are not what lacks lessens nothing. Then what is not needed is given
    back, the dearest first: 5 % of a hub, its first day, its last one.
    """
    network = apply_policy(layout, policy)
    allowed = int(np.floor(target * ASKING.found_share * fit.shape[0]))
    none = np.zeros(network.hubs.capacity.shape, dtype=np.bool_)
    search = _Search(layout, network, none, np.zeros(len(layout.hub_ids)))
    over = _hits(play_draws(network, fit))
    for _ in range(ASKING.rounds):
        if over.sum() <= allowed:
            break
        search.reach(fit[over], allowed)
        over |= _hits(search.play(fit))
    if search.share.any():
        search.give_back(fit[over], max(allowed, search.count(fit[over])))
    asks = tuple(
        _tell(layout, network, search.days, hub, float(search.share[hub]), price)
        for hub in np.flatnonzero(search.share > _NONE).tolist()
    )
    before, after = (estimate(_hits(one), strata) for one in (play_draws(network, judge), search.play(judge)))
    return Capacity(asks, before, after)


@dataclass
class _Search:
    """Capacity given so far: by hub a share, and the sorts of it."""

    layout: Layout
    network: Network
    days: Marks
    share: Money

    def copy(self) -> _Search:
        """Give the same to change."""
        return _Search(self.layout, self.network, self.days.copy(), self.share.copy())

    def play(self, demand: Whole) -> Outcomes:
        """Play draws with the capacity given."""
        return play_draws(_give(self.network, self.days, self.share), demand)

    def count(self, demand: Whole) -> int:
        """Count the draws that overflow with the capacity given."""
        return int(_hits(self.play(demand)).sum())

    def reach(self, demand: Whole, allowed: int) -> None:
        """Give more until no more draws overflow than allowed, or nothing helps."""
        outcomes = self.play(demand)
        unit = max(float(outcomes.over.sum()) / max(int(_hits(outcomes).sum()), 1), 1.0)
        while _hits(outcomes).sum() > allowed:
            loss, best = _loss(outcomes, unit), None
            for hub in self._worst(outcomes):
                tried = self.copy()
                tried.share[hub] += ASKING.step
                tried.days[hub] |= _days_over(outcomes, hub, self.network)
                added = tried.parcels() - self.parcels()
                found = tried.play(demand)
                help_ = loss - _loss(found, unit)
                if added and help_ > ASKING.least_help * loss and (best is None or help_ / added > best[0]):
                    best = (help_ / added, tried, found)
            if best is None:
                return
            _, better, outcomes = best
            self.days, self.share = better.days, better.share

    def give_back(self, demand: Whole, allowed: int) -> None:
        """Take back what is not needed for as few draws over."""
        going = True
        while going:
            going = False
            for tried in sorted(self._less(), key=lambda one: one.parcels()):
                if tried.count(demand) <= allowed:
                    self.days, self.share, going = tried.days, tried.share, True
                    break

    def parcels(self) -> int:
        """Parcels of capacity given, all days together."""
        given = _give(self.network, self.days, self.share).hubs.capacity - self.network.hubs.capacity
        return int(given.sum())

    def _worst(self, outcomes: Outcomes) -> list[int]:
        count = (outcomes.over > 0).any(axis=2).sum(axis=0)
        hubs = [
            hub
            for hub in np.argsort(-count, kind="stable").tolist()
            if count[hub] and self.share[hub] < ASKING.most - _NONE
        ]
        return hubs[: ASKING.tried]

    def _less(self) -> list[_Search]:
        found = []
        for hub in np.flatnonzero(self.share > _NONE).tolist():
            less = self.copy()
            less.share[hub] = max(less.share[hub] - ASKING.step, 0.0)
            found.append(less)
            for part in self._parts(hub):
                shorter = self.copy()
                shorter.days[hub] &= ~part
                found.append(shorter)
        return found

    def _parts(self, hub: int) -> list[Marks]:
        """List what may be left out of a hub's: its first day, its last one, and each of several sorts."""
        marked, day = self.days[hub], self.network.clock.day[hub]
        days = np.unique(day[marked])
        names = np.array([*self.layout.steps.sort_ids[hub], *[""] * (day.size - len(self.layout.steps.sort_ids[hub]))])
        sorts = np.unique(names[marked])
        parts = [marked & (day == end) for end in (days[0], days[-1])] if days.size > 1 else []
        return parts + ([marked & (names == name) for name in sorts] if sorts.size > 1 else [])


def _hits(outcomes: Outcomes) -> Marks:
    """Return [draws] whether any hub overflows."""
    return np.asarray((outcomes.over > 0).any(axis=(1, 2)))


def _loss(outcomes: Outcomes, unit: float) -> float:
    """Return draws over, and parcels over in units of a draw's."""
    return float(_hits(outcomes).sum()) + float(outcomes.over.sum()) / unit


def _days_over(outcomes: Outcomes, hub: int, network: Network) -> Marks:
    """Return [steps] the sorts of the days from the one before the hub's first overflow to its last one."""
    day = network.clock.day[hub]
    hit = day[(outcomes.over[:, hub] > 0).any(axis=0)]
    return np.asarray((day >= max(int(hit.min()) - 1, network.clock.first_demand)) & (day <= int(hit.max())))


def _give(
    network: Network,
    days: Marks,
    share: Money,
) -> Network:
    capacity = network.hubs.capacity
    more = np.where(days & (capacity < UNBOUNDED), np.floor(capacity * share[:, None] + _NONE), 0).astype(np.int64)
    return network._replace(hubs=network.hubs._replace(capacity=capacity + more))


def _tell(
    layout: Layout,
    network: Network,
    days: Marks,
    hub: int,
    share: float,
    price: float,
) -> Ask:
    chosen = np.flatnonzero(days[hub])
    more = np.floor(network.hubs.capacity[hub, chosen] * share + _NONE)
    first, last = layout.date_of(hub, int(chosen[0])), layout.date_of(hub, int(chosen[-1]))
    by_day = np.bincount(network.clock.day[hub, chosen], weights=more)
    sorts = "|".join(dict.fromkeys(layout.steps.sort_ids[hub][step] for step in chosen.tolist()))
    return Ask(layout.hub_ids[hub], first, last, round(share, 2), int(by_day.max()), float(more.sum() * price), sorts)
