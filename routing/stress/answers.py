"""Answers to a scenario: what a control room can do about it, as changes of the plan's tables, of the policy or of the demand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from data.constants import constant
from routing.stress.detours import book_vehicles, quickest, ride
from routing.stress.incidents import Incident, Scenario, local_time
from routing.stress.layout import Layout
from routing.stress.play import Outcomes
from routing.stress.policies import Policy
from routing.stress.records import UNBOUNDED, Money, Whole

if TYPE_CHECKING:
    import polars as pl

# Hours before the incident by which an answer must be ordered (judgement: a shift, a hired vehicle, a train, a week of placing stock).
NOTICE = {
    "nothing": 0.0,
    "hold": 0.0,
    "re_route": 6.0,
    "spot": 12.0,
    "re_plan": 24.0,
    "extra_sort": 48.0,
    "rail": 72.0,
    "pre_position": 168.0,
}
Tables = Mapping[str, "pl.DataFrame"]


@dataclass(frozen=True)
class AnswerRules:
    """How much of each answer is tried."""

    likely: float = constant(
        0.01, "1", "of the draws from which a hub-day counts as overflowing and is answered", "judgement"
    )
    more_spot: float = constant(0.3, "1", "of a hub's planned departures that may be called", "judgement")
    extra_sort: float = constant(0.2, "1", "of a hub's capacity, asked of the hubs that overflow", "judgement")
    sent_ahead: float = constant(0.1, "1", "of the parcels through the hubs that overflow, placed ahead", "judgement")


ANSWERS = AnswerRules()


@dataclass(frozen=True)
class Answer:
    """One answer, ready to be played.

    Attributes
    ----------
    kind
        One of ``NOTICE``.
    place
        Hubs or lanes it is done at; empty for everywhere.
    first, last
        Its days.
    amount
        How much, by kind.
    price
        CNY booked for it beside the plan; what is paid only when used comes out of the play.
    tables
        The plan's tables with it, where it changes them.
    policy
        What dispatchers may do with it, where that changes.
    capacity
        [hubs x steps] parcels more a hub sorts, where it does.
    ahead
        [routes] share of the demand that was placed ahead, where some is.
    """

    kind: str
    place: tuple[str, ...] = ()
    first: date | None = None
    last: date | None = None
    amount: float | None = None
    price: float = 0.0
    tables: Tables | None = None
    policy: Policy | None = None
    capacity: Whole | None = None
    ahead: Money | None = None


@dataclass(frozen=True)
class Struck:
    """A plan with a scenario in it and nothing done.

    Attributes
    ----------
    tables, layout
        The plan.
    scenario, first, last
        What happens, and on which days.
    outcomes
        Of its play.
    """

    tables: Tables
    layout: Layout
    scenario: Scenario
    first: date
    last: date
    outcomes: Outcomes

    @property
    def over(self) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
        """[hubs x steps] sorts that overflow in one draw of a hundred or more."""
        return np.asarray((self.outcomes.over > 0).mean(axis=0) >= ANSWERS.likely)


def list_answers(struck: Struck, sort_price: float, carrying_price: float) -> list[Answer]:
    """List the answers there are to a scenario, nothing among them.

    Parameters
    ----------
    struck
        The plan with the scenario in it.
    sort_price
        CNY a parcel of sorting capacity and day.
    carrying_price
        CNY that carrying a parcel costs on average, for what is placed ahead.
    """
    found = [
        Answer("nothing"),
        _sort_more(struck, sort_price),
        Answer("spot", (), struck.first, struck.last, ANSWERS.more_spot, policy=Policy("spot", ANSWERS.more_spot)),
        Answer("hold", (), struck.first, struck.last, policy=Policy("gate")),
        _re_route(struck),
        _by_rail(struck),
        _place_ahead(struck, carrying_price),
    ]
    return [answer for answer in found if answer is not None]


def days_of(scenario: Scenario, layout: Layout, zone: Any) -> tuple[date, date]:
    """Return the first and last day of the plan on which something of a scenario happens."""
    starts = [local_time(one.starts_at, zone) for one in scenario.incidents]
    ends = [local_time(one.ends_at, zone) - timedelta(microseconds=1) for one in scenario.incidents]
    first, last = min(starts).date(), max(ends).date()
    begin, end = layout.first_day, layout.dates[-1]
    return min(max(first, begin), end), max(min(last, end), begin)


def struck_places(incidents: Sequence[Incident], tables: Tables) -> tuple[set[str], set[str]]:
    """Return the hubs and lanes whose working a scenario touches.

    A change of volume strikes the hub or the hubs of the region it is of; vehicles that are gone strike the lanes they run on. A change of
    volume or a courier that stops without a place strikes none of its own.
    """
    hubs, lanes = tables["hubs"], tables["lanes"]
    found: tuple[set[str], set[str]] = (set(), set())
    for one in incidents:
        if one.kind in ("hub_shut", "slower_sort"):
            found[0].add(str(one.hub_id))
        elif one.kind == "lane_shut" or (one.kind == "late_inbound" and one.lane_id is not None):
            found[1].add(str(one.lane_id))
        elif one.kind == "late_inbound":
            inbound = lanes if one.hub_id is None else lanes.filter(lanes["destination_hub_id"] == one.hub_id)
            found[1].update(inbound["lane_id"])
        elif one.kind == "fleet_gone":
            runs = tables["trunk_departures"]
            if one.vehicle_type_id is not None:
                runs = runs.filter(runs["vehicle_type_id"] == one.vehicle_type_id)
            found[1].update(lanes["lane_id"] if one.vehicle_type_id is None else runs["lane_id"])
        elif one.hub_id is not None:
            found[0].add(one.hub_id)
        elif one.region_id is not None:
            found[0].update(hubs.filter(hubs["region_id"] == one.region_id)["hub_id"])
    return found


def _sort_more(struck: Struck, price: float) -> Answer | None:
    """Extra sorting at the hubs that overflow, from the day before their first overflow to their last one."""
    layout = struck.layout
    capacity, day = layout.network.hubs.capacity, layout.network.clock.day
    more = np.zeros_like(capacity)
    for hub in np.flatnonzero(struck.over.any(axis=1)).tolist():
        days = day[hub, struck.over[hub]]
        chosen = (day[hub] >= max(int(days.min()) - 1, layout.network.clock.first_demand)) & (
            day[hub] <= int(days.max())
        )
        chosen &= capacity[hub] < UNBOUNDED
        more[hub, chosen] = np.floor(capacity[hub, chosen] * ANSWERS.extra_sort)
    if not more.any():
        return None
    days = day[more > 0]
    place = tuple(layout.hub_ids[hub] for hub in np.flatnonzero(more.any(axis=1)).tolist())
    first, last = layout.dates[int(days.min())], layout.dates[int(days.max())]
    return Answer("extra_sort", place, first, last, ANSWERS.extra_sort, float(more.sum() * price), capacity=more)


def _re_route(struck: Struck) -> Answer | None:
    """Send what would pass struck hubs or ride struck lanes another way, with vehicles booked for it."""
    hubs, lanes = (
        {one.hub_id for one in struck.scenario.incidents if one.kind in ("hub_shut", "slower_sort")},
        {one.lane_id for one in struck.scenario.incidents if one.kind in ("lane_shut", "late_inbound")},
    )
    rows = struck.tables["lanes"].to_dicts()

    def other_way(origin: str, destination: str) -> tuple[str, ...] | None:
        barred = {hub for hub in hubs if hub not in (origin, destination)}
        open_lanes = [
            row
            for row in rows
            if row["lane_id"] not in lanes
            and row["mode"] == "road"
            and not {row["origin_hub_id"], row["destination_hub_id"]} & barred
        ]
        return quickest(open_lanes, origin, destination)

    def touched(path: Sequence[str]) -> bool:
        ends = {row["lane_id"]: row["destination_hub_id"] for row in rows}
        return any(lane in lanes for lane in path) or any(ends[lane] in hubs for lane in path[:-1])

    return _send_otherwise(struck, "re_route", touched, lambda _path, o, d: other_way(o, d)) if hubs or lanes else None


def _by_rail(struck: Struck) -> Answer | None:
    """Put what rides struck roads on the train between the same hubs, with departures booked for it."""
    rows = struck.tables["lanes"].to_dicts()
    rail = {(r["origin_hub_id"], r["destination_hub_id"]): r["lane_id"] for r in rows if r["mode"] == "rail"}
    ends = {r["lane_id"]: (r["origin_hub_id"], r["destination_hub_id"]) for r in rows if r["mode"] == "road"}
    _, lanes = struck_places(struck.scenario.incidents, struck.tables)
    swap = {lane: rail[ends[lane]] for lane in lanes if lane in ends and ends[lane] in rail}
    if not swap:
        return None
    return _send_otherwise(
        struck,
        "rail",
        lambda path: any(lane in swap for lane in path),
        lambda path, _o, _d: tuple(swap.get(lane, lane) for lane in path),
    )


def _place_ahead(struck: Struck, carrying_price: float) -> Answer | None:
    """Place ahead a part of what is handed in on the days struck and touches a hub that overflows."""
    hubs = {struck.layout.hub_ids[hub] for hub in np.flatnonzero(struck.over.any(axis=1)).tolist()}
    routes = struck.layout.routes
    if not hubs:
        return None
    touched = routes["origin_hub_id"].is_in(list(hubs)) | routes["destination_hub_id"].is_in(list(hubs))
    away = routes["origin_hub_id"] != routes["destination_hub_id"]
    concerned = (touched & away & (routes["date"] >= struck.first) & (routes["date"] <= struck.last)).to_numpy()
    ahead = np.where(concerned, ANSWERS.sent_ahead, 0.0)
    parcels = struck.outcomes.demanded.sum() / max(struck.outcomes.demanded.size, 1)
    planned = struck.tables["route_demand"].join(
        routes.filter(concerned), on=["date", "origin_hub_id", "destination_hub_id"], how="semi"
    )
    moved = float(planned["parcels"].sum()) * ANSWERS.sent_ahead
    if not moved or not parcels:
        return None
    return Answer(
        "pre_position", tuple(sorted(hubs)), struck.first, struck.last, moved, moved * carrying_price, ahead=ahead
    )


def place_ahead(layout: Layout, demand: Whole, share: Money) -> Whole:
    """Take a share of each demand from its origin and hand it in at its destination, where that has a route to itself."""
    moved = np.rint(demand * share).astype(np.int64)
    routes = layout.routes
    at = {(when, o, d): number for number, (when, o, d) in enumerate(routes.iter_rows())}
    changed = demand - moved
    for number in np.flatnonzero(share > 0).tolist():
        when, _, destination = routes.row(number)
        home = at.get((when, destination, destination))
        if home is not None:
            changed[:, home] += moved[:, number]
    return changed


def _send_otherwise(struck: Struck, kind: str, touched: Any, other: Any) -> Answer | None:
    """Give the flows of the days struck other paths, and book vehicles for what rides on lanes it did not ride before."""
    import polars as pl

    flows = struck.tables["trunk_flows"]
    rows: list[dict[str, Any]] = []
    riding: dict[tuple[int, int], int] = {}
    moved = 0
    number = {lane: at for at, lane in enumerate(struck.layout.lane_ids)}
    since = struck.first - timedelta(days=1)  # what left the day before is still on its way
    for planned in flows.to_dicts():
        flow = planned
        path = tuple(flow["path"])
        if since <= flow["date"] <= struck.last and path and touched(path):
            new = other(path, flow["origin_hub_id"], flow["destination_hub_id"])
            ridden = None if new is None or new == path else ride(struck.layout, flow, [number[lane] for lane in new])
            if ridden is not None:
                flow, steps = ridden
                moved += flow["parcels"]
                for lane, step in zip(flow["path"], steps, strict=True):
                    if lane not in path:
                        key = (number[lane], step)
                        riding[key] = riding.get(key, 0) + flow["parcels"]
        rows.append(flow)
    if not moved:
        return None
    departures, lanes = book_vehicles(struck.tables, struck.layout, riding)
    tables = dict(struck.tables) | {
        "trunk_flows": pl.DataFrame(rows, schema=flows.schema),
        "trunk_departures": departures,
    }
    return Answer(kind, lanes, struck.first, struck.last, float(moved), tables=tables)


def with_capacity(layout: Layout, more: Whole) -> Layout:
    """Return a layout whose hubs sort more."""
    hubs = layout.network.hubs
    network = layout.network._replace(hubs=hubs._replace(capacity=np.minimum(hubs.capacity + more, UNBOUNDED)))
    return replace(layout, network=network)
