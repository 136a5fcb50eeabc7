"""Incidents: what they do to a plan's arrays and to the demand. They add up: each works on what the others left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

import numpy as np

from data.errors import RadarError
from routing.stress.lanes import add_room, mark_spread
from routing.stress.layout import Layout
from routing.stress.records import CLOSED, UNBOUNDED, Money, Network, Whole

KINDS = ("hub_shut", "lane_shut", "fleet_gone", "volume", "courier_stops", "slower_sort", "late_inbound")
_HOURS = 24.0
_SECONDS = 3600.0
_SHORTEST = 1e-9  # hours: what is shorter is a moment


@dataclass(frozen=True)
class Incident:
    """Something that happens to the network; one row of the table ``incidents``.

    Incidents of one ``throw`` come together: a draw has one chance for all of them, and each comes where that is below its probability.
    """

    kind: str
    starts_at: datetime
    ends_at: datetime
    hub_id: str | None = None
    lane_id: str | None = None
    vehicle_type_id: str | None = None
    region_id: str | None = None
    merchant_id: str | None = None
    courier_id: str | None = None
    amount: float | None = None
    probability: float | None = None
    throw: str | None = None


@dataclass(frozen=True)
class Scenario:
    """A name and what happens in it, together; without incidents it is the plan on its draws alone."""

    name: str
    incidents: tuple[Incident, ...] = ()


@dataclass(frozen=True)
class Surroundings:
    """What incidents need beside the plan.

    Attributes
    ----------
    zone
        Time zone of the plan's days.
    region_of
        Region by hub.
    merchant_share
        Origin hub, and share of its parcels, by merchant.
    courier_share
        [routes] share of each column of the draws, by courier.
    """

    zone: tzinfo = UTC
    region_of: Mapping[str, str | None] = field(default_factory=dict)
    merchant_share: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    courier_share: Mapping[str, Money] = field(default_factory=dict)


BASE = Scenario("none")


def lost_seconds(parcels_per_hour: float, milliseconds: float) -> float:
    """Return the seconds an hour that sorting each parcel some milliseconds slower costs.

    Examples
    --------
    >>> lost_seconds(120_000, 1)
    120.0
    """
    return parcels_per_hour * milliseconds / 1000.0


def strike(layout: Layout, network: Network, incidents: Sequence[Incident], around: Surroundings) -> Network:
    """Give a plan's arrays with incidents in them.

    Closures that overlap count once; everything else adds up.

    Raises
    ------
    RadarError
        When an incident names what the plan does not have, or an amount that is none.
    """
    for incident in incidents:
        check_incident(incident, layout, around)
    shut: dict[tuple[str, int], list[Incident]] = {}
    for incident in incidents:
        if incident.kind == "hub_shut":
            shut.setdefault(("hub", layout.hub_ids.index(str(incident.hub_id))), []).append(incident)
        elif incident.kind == "lane_shut":
            shut.setdefault(("lane", layout.lane_ids.index(str(incident.lane_id))), []).append(incident)
    for (what, number), closures in shut.items():
        if what == "hub":
            network = _shut_hub(network, number, 1.0 - _share_of_sorts(closures, layout, number))
        else:
            network = _shut_lane(layout, network, number, closures)
    if any(what == "lane" for what, _ in shut):
        spread = mark_spread(network.vehicles, network.lanes.arrival)
        network = network._replace(lanes=network.lanes._replace(spread=spread))
    for incident in incidents:
        if incident.kind == "slower_sort":
            hub = layout.hub_ids.index(str(incident.hub_id))
            part = _share_of_sorts([incident], layout, hub)
            network = _slow_down(layout, network, hub, part, incident.amount or 0.0)
        elif incident.kind == "fleet_gone":
            network = _take_fleet(layout, network, incident)
        elif incident.kind == "late_inbound":
            network = _come_late(layout, network, incident)
    return network


def change_demand(layout: Layout, demand: Whole, incidents: Sequence[Incident], around: Surroundings) -> Whole:
    """Give the draws with incidents of volume and couriers in them, to the nearest whole parcel.

    Parameters
    ----------
    layout
        The plan.
    demand
        [draws x routes] parcels.
    incidents
        Of any kind.
    around
        Shares of merchants and couriers.
    """
    factor = np.ones(demand.shape[1])
    for incident in incidents:
        if incident.kind not in ("volume", "courier_stops"):
            continue
        check_incident(incident, layout, around)
        days = np.arange(len(layout.dates), dtype=np.float64) * _HOURS
        part = _cover([incident], layout, days, days + _HOURS)
        first = layout.dates[0]
        of_day = part[[(when - first).days for when in layout.routes["date"].to_list()]]
        if incident.kind == "courier_stops":
            gone = 1.0 if incident.amount is None else incident.amount
            factor *= 1.0 - of_day * gone * around.courier_share[str(incident.courier_id)]
        else:
            factor *= 1.0 + of_day * _struck_share(layout, incident, around) * ((incident.amount or 1.0) - 1.0)
    return np.rint(demand * factor).astype(np.int64)


def check_incident(incident: Incident, layout: Layout, around: Surroundings) -> None:
    """Refuse an incident that names what is not there or an amount that is none.

    Raises
    ------
    RadarError
        In one sentence.
    """
    known: tuple[tuple[str, str | None, Sequence[str] | Mapping[str, object]], ...] = (
        ("hub", incident.hub_id, layout.hub_ids),
        ("lane", incident.lane_id, layout.lane_ids),
        ("region", incident.region_id, [region for region in around.region_of.values() if region is not None]),
        ("merchant", incident.merchant_id, around.merchant_share),
        ("courier", incident.courier_id, around.courier_share),
    )
    if incident.kind not in KINDS:
        raise RadarError(f"an incident of kind {incident.kind!r}", f"one of {', '.join(KINDS)}")
    for what, name, names in known:
        if name is not None and name not in names:
            near = ", ".join(sorted(names)[:5]) or "none"
            raise RadarError(f"an incident at {what} {name}", f"a {what} of the plan such as {near}")
    needs = {"hub_shut": incident.hub_id, "lane_shut": incident.lane_id, "slower_sort": incident.hub_id}
    if incident.kind in needs and needs[incident.kind] is None:
        column = "lane_id" if incident.kind == "lane_shut" else "hub_id"
        raise RadarError(f"an incident {incident.kind} that strikes nothing", f"its {column}")
    if incident.kind == "courier_stops" and incident.courier_id is None:
        raise RadarError("an incident courier_stops without a courier", "its courier_id")
    if incident.starts_at >= incident.ends_at:
        raise RadarError(f"an incident from {incident.starts_at} to {incident.ends_at}", "an end after its start")
    amount = incident.amount
    highest = 1.0 if incident.kind in ("fleet_gone", "courier_stops") else float("inf")
    if amount is not None and not 0.0 <= amount <= highest:
        asked = "0 or more" if highest == float("inf") else f"0 to {highest:g}"
        raise RadarError(f"an amount of {amount:g} for {incident.kind}", asked)
    if amount is None and incident.kind in ("fleet_gone", "volume", "slower_sort", "late_inbound"):
        raise RadarError(f"an incident {incident.kind} without an amount", "how much, see the table incidents")
    if incident.probability is not None and not 0.0 <= incident.probability <= 1.0:
        raise RadarError(f"a probability of {incident.probability:g}", "0 to 1")


def lie_beyond(layout: Layout, scenarios: Sequence[Scenario]) -> list[str]:
    """Name the scenarios with incidents that all lie outside the days played, and so change nothing."""
    last = _HOURS * len(layout.dates)
    spans = {
        one.name: [(layout.steps.to_hours(inc.starts_at), layout.steps.to_hours(inc.ends_at)) for inc in one.incidents]
        for one in scenarios
    }
    return [name for name, found in spans.items() if found and all(end <= 0 or start >= last for start, end in found)]


def _share_of_sorts(incidents: Sequence[Incident], layout: Layout, hub: int) -> Money:
    """Return [steps] the share of each sort's hours that the union of some windows covers."""
    steps, count = layout.steps, layout.steps.count[hub]
    share = np.zeros(steps.day.shape[1])
    share[:count] = _cover(incidents, layout, steps.opens[hub, :count], steps.close[hub, :count])
    return share


def _share_of_departures(incidents: Sequence[Incident], layout: Layout, lane: int) -> Money:
    """Return [steps] the share of each step's departures of a lane that some windows hit: by sorts all or none, by days of the day's hours."""
    steps = layout.steps
    leaves = layout.arrivals.leaves[lane]
    if steps.by_clock:
        return _cover(incidents, layout, leaves, leaves)
    origin = int(layout.network.lanes.origin[lane])
    return _share_of_sorts(incidents, layout, origin)


def _cover(incidents: Sequence[Incident], layout: Layout, begins: Money, ends: Money) -> Money:
    """Return the share of each span of hours that the union of some windows covers; a moment is covered whole or not."""
    spans = sorted((layout.steps.to_hours(one.starts_at), layout.steps.to_hours(one.ends_at)) for one in incidents)
    covered, reached = np.zeros(begins.size), begins.astype(float).copy()
    for start, end in spans:
        begin, stop = np.maximum(start, reached), np.minimum(end, ends)
        covered += np.maximum(stop - begin, 0.0)
        reached = np.maximum(reached, np.minimum(end, ends))
    hit = np.zeros(begins.size)
    for start, end in spans:
        hit = np.where((begins >= start) & (begins < end), 1.0, hit)
    length = ends - begins
    return np.where(length > 0, covered / np.maximum(length, _SHORTEST), hit)


def local_time(moment: datetime, zone: tzinfo) -> datetime:
    """Return a moment by the clock of the plan's days; one without an offset is by that clock already."""
    return moment if moment.tzinfo is None else moment.astimezone(zone).replace(tzinfo=None)


def _shut_hub(network: Network, hub: int, open_share: Money) -> Network:
    """Sort what the open hours let: capacity x open share, whole parcels; a hub without a bound sorts nothing while shut all day."""
    capacity = network.hubs.capacity.copy()
    bound = capacity[hub] < UNBOUNDED
    capacity[hub] = np.where(bound, np.floor(capacity[hub] * open_share), np.where(open_share <= 0, 0, capacity[hub]))
    return network._replace(hubs=network.hubs._replace(capacity=capacity))


def _shut_lane(layout: Layout, network: Network, lane: int, closures: Sequence[Incident]) -> Network:
    """Shut a lane: by sorts what leaves then does not run and what is on the road comes as much later; by days its share of the room is gone."""
    arrival, room = network.lanes.arrival.copy(), network.lanes.room.copy()
    timetable, steps = layout.arrivals.timetable, layout.steps
    if timetable is None:
        open_share = 1.0 - _share_of_departures(closures, layout, lane)
        arrival[lane] = np.where(open_share <= 0, CLOSED, arrival[lane])
        room[lane] = np.floor(room[lane] * open_share)
        return network._replace(lanes=network.lanes._replace(arrival=arrival, room=room))
    spans = [(steps.to_hours(one.starts_at), steps.to_hours(one.ends_at)) for one in closures]
    last = int(steps.count[network.lanes.origin[lane]]) - 1
    arrival[lane] = timetable.first_after(lane, arrival.shape[1], spans)
    arrival[lane, max(last, 0) :] = CLOSED
    vehicles, of_row = network.vehicles, network.vehicles.arrival.copy()
    rows = slice(int(vehicles.start[lane, 0]), int(vehicles.end[lane, -1]))
    of_row[rows], _ = timetable.drive(lane, layout.leaves[rows], layout.travel[rows], spans)
    struck = vehicles._replace(arrival=of_row)
    room[lane] = np.where(room[lane] < UNBOUNDED, add_room(struck)[lane], room[lane])
    return network._replace(lanes=network.lanes._replace(arrival=arrival, room=room), vehicles=struck)


def _slow_down(layout: Layout, network: Network, hub: int, part: Money, milliseconds: float) -> Network:
    """Sort slower: an hour's parcels take 3,600 s and what is lost; capacity x 3,600 / (3,600 + lost seconds an hour)."""
    capacity = network.hubs.capacity.copy()
    for step in np.flatnonzero(part > 0):
        if capacity[hub, step] < UNBOUNDED:
            hours = float(layout.steps.close[hub, step] - layout.steps.opens[hub, step])
            lost = lost_seconds(float(capacity[hub, step]) / max(hours, _SHORTEST), milliseconds)
            slowed = capacity[hub, step] * _SECONDS / (_SECONDS + lost)
            capacity[hub, step] = int(part[step] * slowed + (1.0 - part[step]) * capacity[hub, step])
    return network._replace(hubs=network.hubs._replace(capacity=capacity))


def _take_fleet(layout: Layout, network: Network, incident: Incident) -> Network:
    """Take a share of the planned vehicles of a type, or of all, away: whole ones, spread evenly over lanes."""
    vehicles = network.vehicles
    remaining, had = 0.0, 0.0
    number = vehicles.number.copy()
    part = np.stack([_share_of_departures([incident], layout, lane) for lane in range(vehicles.start.shape[0])])
    leaves = np.round(layout.arrivals.leaves, 6)
    some = np.argwhere((vehicles.end > vehicles.start) & (part > 0))
    for lane, step in sorted(some.tolist(), key=lambda at: (leaves[at[0], at[1]], at[0])):
        for row in range(vehicles.start[lane, step], vehicles.end[lane, step]):
            if incident.vehicle_type_id not in (None, layout.vehicle_types[row]):
                continue
            had += float(vehicles.number[row] * (1.0 - part[lane, step] * (incident.amount or 0.0)))
            number[row] = int(np.floor(had + 1e-9)) - int(np.floor(remaining + 1e-9))
            remaining = had
    struck = vehicles._replace(number=number)
    scale = np.where(add_room(vehicles) > 0, add_room(struck) / np.maximum(add_room(vehicles), 1), 1.0)
    room = np.where(network.lanes.room < UNBOUNDED, np.floor(network.lanes.room * scale), network.lanes.room)
    return network._replace(vehicles=struck, lanes=network.lanes._replace(room=room.astype(np.int64)))


def _come_late(layout: Layout, network: Network, incident: Incident) -> Network:
    """Let what arrives at a hub, or over a lane, in the hours struck take some hours longer; by days, on the days struck."""
    lanes, vehicles = network.lanes, network.vehicles
    arrival, of_row = lanes.arrival.copy(), vehicles.arrival.copy()
    hub = None if incident.hub_id is None else layout.hub_ids.index(incident.hub_id)
    for lane in range(arrival.shape[0]):
        if (incident.lane_id is not None and layout.lane_ids[lane] != incident.lane_id) or (
            hub is not None and lanes.destination[lane] != hub
        ):
            continue
        end = int(lanes.destination[lane])
        for step in np.flatnonzero(lanes.arrival[lane] != CLOSED).tolist():
            arrival[lane, step] = _delay(
                layout, incident, end, arrival[lane, step], layout.arrivals.at_hand[lane, step]
            )
            for row in range(vehicles.start[lane, step], vehicles.end[lane, step]):
                of_row[row] = _delay(layout, incident, end, of_row[row], layout.at_hand[row])
    struck = vehicles._replace(arrival=of_row)
    spread = mark_spread(struck, arrival)
    return network._replace(lanes=lanes._replace(arrival=arrival, spread=spread), vehicles=struck)


def _delay(layout: Layout, incident: Incident, hub: int, arrival: int, at_hand: float) -> int:
    """Return the step that takes what was at hand for another, some hours later where the incident strikes it."""
    steps = layout.steps
    if arrival == CLOSED:
        return CLOSED
    begin, end = (at_hand, at_hand) if steps.by_clock else (steps.opens[hub, arrival], steps.close[hub, arrival])
    if _cover([incident], layout, np.array([begin]), np.array([end]))[0] <= 0:
        return arrival
    reached = steps.reach(hub, at_hand + (incident.amount or 0.0))
    return CLOSED if reached == CLOSED else max(reached, arrival)  # a closure may have delayed it further


def _struck_share(layout: Layout, incident: Incident, around: Surroundings) -> Money:
    """Return [routes] the share of each demand that a change of volume strikes: by origin, all without a place."""
    origins = layout.routes["origin_hub_id"].to_list()
    if incident.merchant_id is not None:
        hub, share = around.merchant_share[incident.merchant_id]
        return np.array([share if origin == hub else 0.0 for origin in origins])
    if incident.hub_id is not None:
        return np.array([1.0 if origin == incident.hub_id else 0.0 for origin in origins])
    if incident.region_id is not None:
        return np.array([1.0 if around.region_of.get(origin) == incident.region_id else 0.0 for origin in origins])
    return np.ones(len(origins))


def draw_happening(
    incidents: Sequence[Incident], draws: int, seed: int
) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Draw [draws x incidents] which incidents happen; one without a probability always does. The same seed, the same draws.

    Examples
    --------
    A storm that shuts one lane for certain when it comes, and another in half of these draws:

    >>> from datetime import datetime
    >>> hours = (datetime(2025, 11, 9), datetime(2025, 11, 10))
    >>> storm = [Incident("lane_shut", *hours, lane_id=lane, probability=p, throw="storm") for lane, p in (("A-B", 0.6), ("B-C", 0.3))]
    >>> happens = draw_happening(storm, 1000, 1)
    >>> bool((happens[:, 0] | ~happens[:, 1]).all()), [round(float(share), 1) for share in happens.mean(axis=0)]
    (True, [0.6, 0.3])
    """
    chance = np.array([1.0 if one.probability is None else one.probability for one in incidents])
    thrown = np.random.default_rng([seed, 1]).random((draws, len(incidents)))
    first: dict[str, int] = {}
    of = [at if one.throw is None else first.setdefault(one.throw, at) for at, one in enumerate(incidents)]
    return thrown[:, of] < chance
