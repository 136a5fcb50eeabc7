"""What sorting capacity and how many vehicles on call to ask for so that a plan overflows no more often than a target, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

import numpy as np

from data.constants import constant
from routing.stress.layout import Layout
from routing.stress.play import Outcomes, play_draws
from routing.stress.policies import CALLING, Policy, apply_policy
from routing.stress.probability import Probability, estimate
from routing.stress.records import Network, Whole
from routing.stress.relief import LEVERS, NONE, SORTERS, VEHICLES, AskPrices, Marks, Relief


@dataclass(frozen=True)
class AskRules:
    """How capacity is asked for, step by step."""

    step: float = constant(0.2, "1", "of a hub's capacity, or planned departures, asked for at a time", "judgement")
    fine_step: float = constant(0.05, "1", "of them given back at a time", "judgement")
    most: float = constant(1.0, "1", "of them that is asked for at most", "judgement")
    least_help: float = constant(0.002, "1", "of what is over that a step must take away to be asked for", "judgement")
    tried: int = constant(4, "hubs", "tried in a step, those over in most draws", "judgement")
    found_share: float = constant(
        0.75,
        "1",
        "of the target that the draws it is found on must reach: what is chosen on draws looks better on them than on others",
        "fitted: `radar stress --risk 0.02` on the sample, draws found on and fresh ones",
    )
    rounds: int = constant(3, "rounds", "of looking at all draws again after those that were over", "judgement")
    seldom: float = constant(
        0.1, "1", "of the draws over on a hub's worst sort: sorts over in no more say nothing of its days", "judgement"
    )
    played: int = constant(
        50,
        "draws",
        "at least that a step is tried on, and after which a step back is given up if it does not hold",
        "judgement",
    )


ASKING = AskRules()
_MARKED = (0.75, 0.5, 0.25)  # of the draws over at first: what is told of the way (judgement)


@dataclass(frozen=True)
class Ask:
    """What to ask a hub for.

    Attributes
    ----------
    hub_id, first, last
        Where, and on which days.
    share, parcels
        Of its capacity, and parcels a day on its largest of these days; of vehicles, of its planned departures of a day, and the places they have.
    sort_id
        In which sorts, joined by ``|``; ``day`` of vehicles.
    price
        CNY if it is booked: parcels of all its days x price a parcel; vehicles of all its days x what one kept ready costs.
    lever
        ``sorters``, or ``vehicles`` on call beyond what the policy allows.
    vehicles
        A day, on its largest of these days.
    """

    hub_id: str
    first: date
    last: date
    share: float
    parcels: int
    price: float
    sort_id: str = "day"
    lever: str = LEVERS[SORTERS]
    vehicles: int = 0


@dataclass(frozen=True)
class Milestone:
    """A point on the way: CNY of all that is given so far, before anything is given back, and share of the draws it is found on that overflow with it."""

    price: float
    probability: float


@dataclass(frozen=True)
class Capacity:
    """What to ask for, and what it comes to on draws that were not used to find it.

    Attributes
    ----------
    asks
        The dearest first.
    before, after
        Probability of an overflow without and with it.
    cost_before, cost_after
        Mean cost of a future without and with it [CNY]; what booking it costs is not in it.
    milestones
        Where three quarters, a half and a quarter of the draws over at first were left, as far as it came.
    """

    asks: tuple[Ask, ...]
    before: Probability
    after: Probability
    cost_before: float = 0.0
    cost_after: float = 0.0
    milestones: tuple[Milestone, ...] = ()

    @property
    def price(self) -> float:
        """CNY of booking all of it."""
        return sum(ask.price for ask in self.asks)

    def facts(self) -> dict[str, Any]:
        """What JSON tells of it."""
        return {**asdict(self), "price": self.price}


def ask_capacity(
    layout: Layout, fit: Whole, judge: Whole, policy: Policy, target: float, prices: AskPrices, strata: int
) -> Capacity:
    """Find sorting capacity and vehicles on call that bring a plan's probability of an overflow to a target.

    Parameters
    ----------
    layout
        The plan.
    fit, judge
        [draws x routes] parcels: draws it is found on, and others it is judged on.
    policy
        What dispatchers may do; vehicles are asked for only where they may call some.
    target
        Probability of an overflow anywhere, 0 to 1.
    prices
        What asking costs.
    strata
        Strata of the draws.

    Notes
    -----
    Only the draws that overflow as the plan stands are played while searching, and all of them once it is found; a draw that overflows only then
    joins those searched on. As many of the draws most over as may stay over are left aside. In each step the hubs over in most of the others are tried with a fifth more
    sorting, and with a fifth of their planned departures more on call, from the day before their first overflow to
    their last one (sorts seldom over apart); the step is taken that lessens most for its price. What it lessens counts draws over, and parcels over in units of what a draw had over at first:
    more at one hub sends more to others on time, and that counts against it. A hub whose sorters are not what lacks lessens nothing by them. Then what is not needed is given
    back, the dearest first: 5 % of a hub, its first day, its last one, one of its sorts.
    """
    network = apply_policy(layout, policy)
    allowed = int(np.floor(target * ASKING.found_share * fit.shape[0]))
    levers = (SORTERS, VEHICLES) if policy.kind in CALLING else (SORTERS,)
    search = _Search(Relief.none(layout, network), prices, levers)
    first = play_draws(network, fit)
    over, worst = hits(first), np.argsort(-first.over.sum(axis=(1, 2)), kind="stable")
    for _ in range(ASKING.rounds):
        if over.sum() <= allowed:
            break
        searched = fit[worst[over[worst]]]
        search.reach(searched, allowed)
        search.give_back(searched, max(allowed, search.count(searched)))
        again = hits(search.play(fit))
        if again.sum() <= allowed or not (again & ~over).any():
            break
        over |= again
    before, after = play_draws(network, judge), search.play(judge)
    asks = [_tell(search.relief, lever, hub, prices) for lever, hub in np.argwhere(search.relief.share > NONE).tolist()]
    return Capacity(
        asks=tuple(sorted(asks, key=lambda ask: (-ask.price, ask.hub_id, ask.lever))),
        before=estimate(hits(before), strata),
        after=estimate(hits(after), strata),
        cost_before=float(before.costs.sum(axis=1).mean()),
        cost_after=float(after.costs.sum(axis=1).mean()),
        milestones=_mark_way(search.way, int(hits(first).sum()), fit.shape[0]),
    )


def _mark_way(way: Sequence[tuple[float, int]], count: int, draws: int) -> tuple[Milestone, ...]:
    """Pick the first point of the way at which each part of the draws over at first was left."""
    found: list[Milestone] = []
    for part in _MARKED:
        there = next(((price, left) for price, left in way if left <= part * count), None)
        if there is not None and (not found or there[1] / draws < found[-1].probability):
            found.append(Milestone(there[0], there[1] / draws))
    return tuple(found)


@dataclass
class _Search:
    """What is given so far, what it costs, and what may be given."""

    relief: Relief
    prices: AskPrices
    levers: tuple[int, ...]
    way: list[tuple[float, int]] = field(default_factory=list)

    def play(self, demand: Whole) -> Outcomes:
        """Play draws with what is given."""
        return play_draws(self.relief.apply(), demand)

    def count(self, demand: Whole) -> int:
        """Count the draws that overflow with what is given."""
        return int(hits(self.play(demand)).sum())

    def reach(self, demand: Whole, allowed: int) -> None:
        """Give more until no more draws overflow than allowed, or nothing helps; those most over come first and may stay."""
        outcomes = self.play(demand)
        unit = max(float(outcomes.over.sum()) / max(int(hits(outcomes).sum()), 1), 1.0)
        while hits(outcomes).sum() > allowed:
            left = hits(outcomes)
            left[np.flatnonzero(left)[:allowed]] = False
            # as many of them as tell one step from another, of all sizes
            some = np.flatnonzero(left)[:: max(int(left.sum()) // ASKING.played, 1)]
            over, best = outcomes.over[some], None
            loss = _loss(over, unit)
            for lever, hub in self._list_tries(over):
                tried, added = self._give_more(lever, hub, _days_over(over, hub, self.relief.network))
                if not 0 < added < np.inf:
                    continue
                help_ = loss - _loss(play_draws(tried.apply(), demand[some]).over, unit)
                if help_ > ASKING.least_help * loss and (best is None or help_ / added > best[0]):
                    best = (help_ / added, tried)
            if best is None:
                return
            self.relief = best[1]
            outcomes = self.play(demand)
            self.way.append((self.relief.price(self.prices), int(hits(outcomes).sum())))

    def _give_more(self, lever: int, hub: int, days: Marks) -> tuple[Relief, float]:
        """Give a hub a step more on these days and those it has, and at least one vehicle; return what that adds to the price."""
        days, share = self.relief.days[lever, hub] | days, float(self.relief.share[lever, hub])
        before = self.relief.price_of(lever, hub, self.prices)
        while True:
            share = min(share + ASKING.step, ASKING.most)
            tried = self.relief.change(lever, hub, share, days)
            added = tried.price_of(lever, hub, self.prices) - before
            if added > 0 or share >= ASKING.most - NONE:
                return tried, added

    def give_back(self, demand: Whole, allowed: int) -> None:
        """Take back what is not needed for as few draws over."""
        for _ in range(ASKING.rounds):
            going = False
            for lever, hub in self._list_given():
                going = self._give_back_at(lever, hub, demand, allowed) or going
            if not going:
                return

    def _give_back_at(self, lever: int, hub: int, demand: Whole, allowed: int) -> bool:
        """Take back at one hub what is not needed; say whether something was."""
        going = any_ = True
        any_ = False
        while going and self.relief.share[lever, hub] > NONE:
            share, days = float(self.relief.share[lever, hub]), self.relief.days[lever, hub]
            less = share - ASKING.fine_step
            options = [(less if less > NONE else 0.0, days)]
            options += [(share, days & ~part) for part in self.relief.list_parts(lever, hub)]
            going = False
            for option in options:
                tried = self.relief.change(lever, hub, *option)
                if _holds(tried.apply(), demand, allowed):
                    self.relief, going, any_ = tried, True, True
                    break
        return any_

    def _list_given(self) -> list[tuple[int, int]]:
        """List what is given, the dearest first."""
        given = [(lever, hub) for lever, hub in np.argwhere(self.relief.share > NONE).tolist()]
        return sorted(given, key=lambda one: -self.relief.price_of(one[0], one[1], self.prices))

    def _list_tries(self, over: Whole) -> list[tuple[int, int]]:
        """List levers of the hubs over in most draws of those that have not all of it."""
        count = (over > 0).any(axis=2).sum(axis=0)
        share = self.relief.share
        hubs = [
            hub
            for hub in np.argsort(-count, kind="stable").tolist()
            if count[hub] and (share[list(self.levers), hub] < ASKING.most - NONE).any()
        ]
        return [
            (lever, hub)
            for hub in hubs[: ASKING.tried]
            for lever in self.levers
            if share[lever, hub] < ASKING.most - NONE
        ]


def hits(outcomes: Outcomes) -> Marks:
    """Return [draws] whether any hub overflows."""
    return np.asarray((outcomes.over > 0).any(axis=(1, 2)))


def _holds(network: Network, demand: Whole, allowed: int) -> bool:
    """Say whether no more draws overflow than allowed; those most over stand first, so that most answers are quick."""
    count = 0
    for start in range(0, demand.shape[0], ASKING.played):
        count += int(hits(play_draws(network, demand[start : start + ASKING.played])).sum())
        if count > allowed:
            return False
    return True


def _loss(over: Whole, unit: float) -> float:
    """Return draws over, and parcels over in units of a draw's."""
    return float((over > 0).any(axis=(1, 2)).sum()) + float(over.sum()) / unit


def _days_over(over: Whole, hub: int, network: Network) -> Marks:
    """Return [steps] the sorts of the days from the one before the hub's first overflow to its last one, single draws apart."""
    day = network.clock.day[hub]
    count = (over[:, hub] > 0).sum(axis=0)
    hit = day[count > ASKING.seldom * count.max()]
    return np.asarray((day >= max(int(hit.min()) - 1, network.clock.first_demand)) & (day <= int(hit.max())))


def _tell(relief: Relief, lever: int, hub: int, prices: AskPrices) -> Ask:
    layout, lanes = relief.layout, relief.network.lanes
    chosen = np.flatnonzero(relief.days[lever, hub])
    first, last = layout.date_of(hub, int(chosen[0])), layout.date_of(hub, int(chosen[-1]))
    most, price = int(relief.by_day(lever, hub).max()), relief.price_of(lever, hub, prices)
    share = round(float(relief.share[lever, hub]), 2)
    if lever == SORTERS:
        sorts = "|".join(dict.fromkeys(layout.steps.sort_ids[hub][step] for step in chosen.tolist()))
        return Ask(layout.hub_ids[hub], first, last, share, most, price, sorts)
    places = lanes.spot_capacity[lanes.of_hub[lanes.by_hub[hub] : lanes.by_hub[hub + 1]]]
    parcels = most * int(places.max(initial=0))
    return Ask(layout.hub_ids[hub], first, last, share, parcels, price, "day", LEVERS[lever], most)
