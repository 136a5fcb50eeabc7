"""The plain twin of step costs: every mix of vehicles is listed, and the cheapest that holds a load is taken."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from routing.trunk.vehicles.step_costs import StepCosts


@dataclass(frozen=True)
class Offer:
    """A vehicle on a lane: what a departure holds [parcels] and costs [CNY], and how many may leave."""

    capacity: float
    price: float
    limit: float


def list_breakpoints(offers: list[Offer], lane_limit: float) -> list[tuple[float, float]]:
    """Room and price of all mixes none of which is beaten by a roomier and cheaper one, in rising order.

    Of those beyond what limited vehicles and two of the unlimited hold only the smallest is kept.
    """
    bounds = [min(offer.limit, lane_limit) for offer in offers]
    base = find_base(offers, lane_limit)
    reach = sum(offer.capacity * bound for offer, bound in zip(offers, bounds, strict=True) if bound <= 12)
    reach += 2 * base.capacity if base else 0.0
    copies = [
        int(min(bound, math.ceil(reach / offer.capacity), 24.0)) for offer, bound in zip(offers, bounds, strict=True)
    ]
    mixes = set()
    for counts in itertools.product(*(range(count + 1) for count in copies)):
        room = sum(count * offer.capacity for count, offer in zip(counts, offers, strict=True))
        price = sum(count * offer.price for count, offer in zip(counts, offers, strict=True))
        mixes.add((room, price))
    kept = [
        (room, price)
        for room, price in mixes
        if room > 0 and not any(r >= room and p <= price + 1e-9 and (r, p) != (room, price) for r, p in mixes)
    ]
    kept.sort()
    beyond = [mix for mix in kept if mix[0] > reach]
    return [mix for mix in kept if mix[0] <= reach] + beyond[:1]


def find_base(offers: list[Offer], lane_limit: float) -> Offer | None:
    """Return the cheapest vehicle by the parcel of those that may leave many times."""
    many = [offer for offer in offers if min(offer.limit, lane_limit) > 12]
    return min(many, key=lambda offer: offer.price / offer.capacity, default=None)


def price_plainly(offers: list[Offer], lane_limit: float, load: float, penalty: float) -> float:
    """Price of the vehicles for a load, with a penalty for what limits leave no room for [CNY]."""
    offers = [offer for offer in offers if min(offer.limit, lane_limit) >= 1]
    if load <= 0:
        return 0.0
    most = sum(offer.capacity * min(offer.limit, lane_limit) for offer in offers)
    if lane_limit < math.inf:
        most = min(most, max((offer.capacity for offer in offers), default=0.0) * lane_limit)
    over = max(0.0, load - most) * penalty
    load = min(load, most)
    if load <= 0:
        return over
    breakpoints, base = list_breakpoints(offers, lane_limit), find_base(offers, lane_limit)
    top, added = breakpoints[-1][0], 0
    if load > top:
        if base is None:
            return over + breakpoints[-1][1]
        added = math.ceil((load - top) / base.capacity)
        load -= added * base.capacity
        over += added * base.price
    return float(over + min(price for room, price in breakpoints if room >= load))


def read_price(costs: StepCosts, arc: int, load: float, penalty: float = 0.0) -> float:
    """Read the price of a load off step costs, breakpoint by breakpoint [CNY]."""
    if load <= 0:
        return 0.0
    over = max(0.0, load - costs.most[arc]) * penalty
    load = min(load, float(costs.most[arc]))
    rows = range(int(costs.pointers[arc]), int(costs.pointers[arc + 1]))
    if load <= 0 or not rows:
        return float(over)
    top = costs.room[rows[-1]]
    if load > top and costs.base_room[arc] > 0:
        added = math.ceil((load - top) / costs.base_room[arc])
        load -= added * costs.base_room[arc]
        over += added * costs.base_price[arc]
    holding = [float(costs.price[i]) for i in rows if costs.room[i] >= load]
    return float(over + (holding[0] if holding else costs.price[rows[-1]]))
