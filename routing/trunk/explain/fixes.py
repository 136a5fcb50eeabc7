"""Fixes of shortfalls: what could be added to the plan, at what price, and what share it carries when planned again.

Shortfalls that share what binds are taken together. Their parcels are carried once with every limit open at a price (the
elastic mode of :mod:`routing.trunk.search.insertion`); what was used beyond the limits is the list of things that could be added.
Each of them alone, and the largest together, is then put into the network and the parcels are carried again with every
limit kept and the rest of the plan as it is. Only what this re-plan carries is claimed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.constants import constant
from routing.budget import Deadline
from routing.trunk.search.inserted_paths import FreeRoom
from routing.trunk.search.insertion import ElasticPrices, Inserter, return_costs
from routing.trunk.task.network import Ints, TrunkNetwork


@dataclass(frozen=True)
class FixRules:
    """How many things a fix of a shortfall may be made of."""

    most_actions: int = constant(4, "things", "named in one fix at most", "judgement")
    most_tried: int = constant(4, "things", "tried each alone at most", "judgement")
    alike: float = constant(
        0.05, "1", "dearer a parcel than the cheapest, up to which the fix of fewer things is told", "judgement"
    )


RULES = FixRules()


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to add.

    Attributes
    ----------
    kind
        ``sort``, ``night`` or ``vehicle``.
    place
        Node, or lane vehicle.
    day
        Number of the day.
    amount
        Parcels, or vehicles.
    cost
        Price of having it [CNY].
    """

    kind: str
    place: int
    day: int
    amount: int
    cost: float


@dataclass(frozen=True, slots=True)
class Fix:
    """Actions and what they carry by the re-plan.

    Attributes
    ----------
    carried
        Parcels of the group.
    cost
        Of the actions and of carrying the parcels with them [CNY].
    """

    actions: tuple[Action, ...]
    carried: int
    cost: float

    @property
    def per_parcel(self) -> float:
        """Cost of a parcel carried [CNY]."""
        return self.cost / self.carried if self.carried else np.inf


@dataclass(frozen=True, slots=True)
class GroupFix:
    """The cheapest fix of a group per parcel, and the fullest that was tried.

    Attributes
    ----------
    parcels
        Short in the group.
    """

    parcels: int
    cheapest: Fix
    fullest: Fix


class Fixer:
    """Finds fixes on what one plan leaves free.

    Parameters
    ----------
    network
        The task.
    free_room
        What the plan leaves free; never changed.
    prices
        Of capacity beyond the limits.

    Attributes
    ----------
    carried
        Demands carried so far to find and verify fixes: the work done.
    """

    def __init__(self, network: TrunkNetwork, free_room: FreeRoom, prices: ElasticPrices) -> None:
        self._network, self._free_room, self._prices = network, free_room, prices
        self._inserter = Inserter(network, prices)
        self._back = return_costs(network)
        self.carried = 0

    def fix(self, demands: Sequence[int], short: Ints, deadline: Deadline) -> GroupFix | None:
        """Find what carries a group of demands, verified by planning them again.

        Parameters
        ----------
        demands
            Numbers of the demands that are short for the same reason.
        short : (K,) [parcels]
        deadline
            When it is over, None is returned.

        Returns
        -------
        GroupFix or None
            None also when nothing that could be added carries a parcel at less than its shortfall costs.
        """
        elastic = self._free_room.copy()
        touched: dict[int, set[tuple[str, int]]] = {}
        for k in demands:
            paths = self._inserter.insert(elastic, k, int(short[k]), elastic=True)
            self.carried += 1
            touched[k] = set().union(*(self._touch(k, legs) for _, legs in paths))
            if deadline.over():
                return None
        actions = self._list_actions(elastic)
        if not actions:
            return None
        tried: list[Fix] = []
        bundles: list[tuple[Action, ...]] = [(action,) for action in actions[: RULES.most_tried]]
        if len(actions) > 1:
            bundles.append(tuple(actions[: RULES.most_actions]))
        for bundle in bundles:
            # demands whose path has nothing to do with the actions would be carried by none of them, or by luck
            keys = {self._key(action) for action in bundle}
            fix = self._verify(bundle, [k for k in demands if touched[k] & keys], short, deadline)
            if fix is not None and fix.carried > 0:
                tried.append(fix)
            if bundle is not bundles[-1] and deadline.over():
                break
        if not tried:
            return None
        least = min(fix.per_parcel for fix in tried)
        near = [fix for fix in tried if fix.per_parcel <= (1.0 + RULES.alike) * least]
        cheapest = min(near, key=lambda fix: (len(fix.actions), fix.per_parcel, -fix.carried))
        fullest = max(tried, key=lambda fix: (fix.carried, -fix.cost))
        return GroupFix(int(short[list(demands)].sum()), cheapest, fullest)

    def _list_actions(self, used: FreeRoom) -> list[Action]:
        """What was used beyond the limits, the most parcels first."""
        network = self._network
        found: list[tuple[float, Action]] = []
        for kind, extra, price in (
            ("sort", used.more_sorts, self._prices.sort),
            ("night", used.more_nights, self._prices.night),
        ):
            for node in np.flatnonzero(extra > 0).tolist():
                amount = round(float(extra[node]))
                if kind == "sort" and self._prices.most_extra_share < np.inf:
                    # what a hub cannot do is no fix, whatever it would carry
                    amount = min(amount, int(self._prices.most_extra_share * network.sort_capacity[node]))
                if amount > 0:
                    found.append((amount, Action(kind, node, int(network.node_day[node]), amount, price * amount)))
        vehicle, day = np.nonzero(used.beyond)
        arc = network.arc_of[network.vehicle_lane[vehicle], day]
        added = np.bincount(arc, used.beyond[vehicle, day] * network.vehicle_capacity[vehicle], network.arcs)
        for r in np.unique(arc).tolist():
            load = max(float(added[r] - used.arcs[r]), 1.0)
            found.append((load, self._size_vehicles(r, load)))
        found.sort(key=lambda item: (-item[0], item[1].kind, item[1].place, item[1].day))
        return [action for _, action in found]

    def _size_vehicles(self, arc: int, load: float) -> Action:
        """Vehicles of one type that hold a load on an arc at least cost."""
        network = self._network
        lane_vehicles = np.flatnonzero(network.vehicle_lane == network.arc_lane[arc])
        count = np.ceil(load / network.vehicle_capacity[lane_vehicles])
        price = count * (network.vehicle_cost[lane_vehicles] + self._back[lane_vehicles])
        best = int(np.argmin(price))
        return Action(
            "vehicle", int(lane_vehicles[best]), int(network.arc_day[arc]), int(count[best]), float(price[best])
        )

    def _touch(self, demand: int, legs: Ints) -> set[tuple[str, int]]:
        """What a path uses: arcs, nights, and the nodes it is sorted at."""
        network = self._network
        node = int(network.demand_node()[demand])
        found: set[tuple[str, int]] = set()
        for leg in legs.tolist():
            if leg >= network.arcs:
                found.add(("night", node))
                node = int(network.after[node])
            else:
                found |= {("sort", node), ("vehicle", leg)}
                node = int(network.arc_head[leg])
        return found | {("sort", node)}

    def _key(self, action: Action) -> tuple[str, int]:
        if action.kind != "vehicle":
            return action.kind, action.place
        return "vehicle", int(self._network.arc_of[self._network.vehicle_lane[action.place], action.day])

    def _verify(self, actions: Sequence[Action], demands: Sequence[int], short: Ints, deadline: Deadline) -> Fix | None:
        network = self._network
        given = self._free_room.copy()
        for action in actions:
            if action.kind == "sort":
                given.sorts[action.place] += action.amount
            elif action.kind == "night":
                given.nights[action.place] += action.amount
            else:
                given.arcs[self._key(action)[1]] += action.amount * network.vehicle_capacity[action.place]
        carried = 0
        for k in demands:
            carried += sum(amount for amount, _ in self._inserter.insert(given, k, int(short[k])))
            self.carried += 1
            if deadline.over():
                return None
        return Fix(tuple(actions), carried, given.cost + sum(action.cost for action in actions))


def describe_fix(network: TrunkNetwork, fix: GroupFix, *, demands: int) -> str:
    """Say a fix in a sentence.

    Parameters
    ----------
    demands
        Number of rows the fix is for.
    """
    whole = "it" if demands == 1 else f"the {fix.parcels:,} parcels short here"
    text = f"{_name(network, fix.cheapest.actions)} {_carry(fix.cheapest)} {_share(fix.cheapest, fix)} of {whole}"
    text += f" for {fix.cheapest.cost:,.0f} CNY in all, {fix.cheapest.per_parcel:,.2f} CNY a parcel"
    if fix.fullest.carried > fix.cheapest.carried:
        text += f"; {_name(network, fix.fullest.actions)} {_carry(fix.fullest)} {_share(fix.fullest, fix)}"
        text += f" for {fix.fullest.cost:,.0f} CNY"
    return text


def _share(fix: Fix, group: GroupFix) -> str:
    share = fix.carried / group.parcels
    # neither nothing nor all is said of a part
    return (
        "100 %"
        if fix.carried >= group.parcels
        else f"{min(max(100 * share, 0.1), 99.9):.{0 if 1 <= 100 * share <= 99 else 1}f} %"
    )


def _carry(fix: Fix) -> str:
    return "carries" if len(fix.actions) == 1 and fix.actions[0].amount == 1 else "carry"


def _name(network: TrunkNetwork, actions: Sequence[Action]) -> str:
    return " and ".join(_name_one(network, action) for action in actions)


def _name_one(network: TrunkNetwork, action: Action) -> str:
    if action.kind == "vehicle":
        day = network.day(action.day)
        kind = int(network.vehicle_type[action.place])
        back = " (and back)" if network.type_own[kind] else ""
        lane = network.lane_ids[int(network.vehicle_lane[action.place])]
        locked = " beyond departure_locks" if np.isfinite(network.vehicle_most[action.place, action.day]) else ""
        return f"{action.amount:,} more {network.type_ids[kind]} on {lane} on {day}{back}{locked}"
    hub, when = network.hub_ids[network.node_hub[action.place]], network.name_time(action.place)
    if action.kind == "night":
        return f"room for {action.amount:,} parcels more at {hub} in the night after {when}"
    return f"{action.amount:,} parcels more sort capacity at {hub} on {when}"
