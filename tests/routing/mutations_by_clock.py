"""Ways of breaking the plan on paper that names hours, each with the rule under which the checker is to find it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import polars as pl

from tests.routing.playback.paper_plan import D10, D11, at, frame
from tests.routing.tiny_plan import Tables

Mutation = Callable[[Tables], None]


def _edit(table: str, column: str, value: object, row: int = 0) -> Mutation:
    def mutate(tables: Tables) -> None:
        cells = tables[table][column].to_list()
        cells[row] = value
        dtype = tables[table].schema[column]
        kept = pl.Float64() if isinstance(value, float) and dtype.is_integer() else dtype
        tables[table] = tables[table].with_columns(pl.Series(column, cells, dtype=kept, strict=False))

    return mutate


def _drop(table: str, row: int) -> Mutation:
    def mutate(tables: Tables) -> None:
        tables[table] = tables[table].with_row_index("n").filter(pl.col("n") != row).drop("n")

    return mutate


def _put(table: str, columns: str, *rows: tuple[object, ...]) -> Mutation:
    def mutate(tables: Tables) -> None:
        tables[table] = frame(columns, *rows)

    return mutate


_SHUT = "hub_id starts_at ends_at open_share"
_DAYS = "date hub_id sort_id sort_capacity buffer_capacity"
# rows: flows 0 A>B at 0:00, 1 A>B at 8:00, 2 A>C at 0:00 and 16:00, 3 A>C at 8:00 and 24:00
# rows: sorts 0 A evening, 1 A night, 2 B day, 3 B evening, 4 C evening, 5 C night
# rows: departures 0 A-B at 0:00, 1 A-B at 8:00, 2 B-C at 16:00, 3 B-C at 24:00
MUTATIONS_BY_CLOCK: dict[str, tuple[str, Mutation]] = {
    "a cut-off at B a minute earlier": ("time.transit", _edit("hub_sorts", "cut_off", "13:59", 2)),
    "a cut-off at the destination a minute earlier": ("time.completed", _edit("hub_sorts", "cut_off", "13:59", 2)),
    "a cut-off at A before the hand-in": ("time.demand", _edit("hub_sorts", "cut_off", "21:59", 0)),
    "a cut-off of C's evening before the arrival": ("time.completed", _edit("hub_sorts", "cut_off", "19:59", 4)),
    "a lane a minute longer": ("time.transit", _edit("lanes", "transit_hours", 14.0 + 1 / 60, 0)),
    "a lane longer than its departures say": ("time.hours", _edit("lanes", "transit_hours", 13.5, 0)),
    "an arrival told an hour early": ("time.hours", _edit("trunk_departures", "arrives_at", at(11, 13), 0)),
    "an arrival not told": ("time.hours", _edit("trunk_departures", "arrives_at", None, 3)),
    "unloading that takes a minute": (
        "time.transit",
        lambda t: _put("hub_sorts", " ".join([*t["hub_sorts"].columns, "unload_hours"]), *[(*r, 0.02) for r in t["hub_sorts"].rows()])(t),
    ),
    "weather that slows by a thousandth": (
        "time.transit",
        _put("lane_weather", "date lane_id speed_factor capacity_factor", (D10, "A-B", 0.999, 1.0)),
    ),
    "loading that takes an hour": (
        "time.demand",
        _put("lane_departures", "lane_id leaves load_hours", ("A-B", "00:00", 1.0)),
    ),
    "a flow that leaves before it is handed in": ("time.demand", _edit("hand_in_profile", "until_hour", "23:00", 0)),
    "a flow that leaves an hour early": ("time.demand", _edit("trunk_flows", "departs_at", [at(10, 23)], 0)),
    "a flow that leaves when nothing does": ("lane.capacity", _edit("trunk_flows", "departs_at", [at(11, 1)], 0)),
    "a second leg before the first arrives": (
        "time.transit",
        _edit("trunk_flows", "departs_at", [at(11, 8), at(11, 16)], 3),
    ),
    "an hour of departure too few": ("path.lengths", _edit("trunk_flows", "departs_at", [at(11, 0)], 2)),
    "done a sort too early": ("time.completed", _edit("trunk_flows", "completed_at", at(11, 16), 1)),
    "done before the sort closes": ("time.completed", _edit("trunk_flows", "completed_at", at(11, 15), 0)),
    "a zone further east": ("time.completed", _edit("hubs", "time_zone", "Asia/Tokyo", 2)),
    "a sort over by a parcel": ("hub.sort_capacity", _edit("hub_sorts", "sort_capacity", 209.0, 0)),
    "a transit sort over by a parcel": ("hub.sort_capacity", _edit("hub_sorts", "sort_capacity", 89.0, 3)),
    "a day's own capacity of a sort": ("hub.sort_capacity", _put("hub_days", _DAYS, (D11, "C", "night", 29.0, None))),
    "a hub shut for a part of a sort": (
        "hub.sort_capacity",
        _put("hub_closures", _SHUT, ("B", at(11, 9), at(11, 10), 0.0)),
    ),
    "a hub half open": ("hub.sort_capacity", _put("hub_closures", _SHUT, ("C", at(11, 16), at(11, 17), 0.5))),
    "a hub shut when the vehicle comes": (
        "time.transit",
        _put("hub_closures", _SHUT, ("B", at(11, 13.5), at(11, 14.5), 0.0)),
    ),
    "a hub closed that day": ("hub.closed", _put("network_changes", "date hub_id change", (D11, "C", "closes"))),
    "parcels that wait where nothing may": ("hub.buffer", _edit("hand_in_profile", "share", 0.8, 0)),
    "a load of a sort missing": ("hub_loads.missing", _drop("hub_loads", 3)),
    "a load of a sort miscounted": ("hub_loads.handled", _edit("hub_loads", "handled", 89, 3)),
    "a load of a sort under another sort": ("hub_loads.missing", _edit("hub_loads", "sort_id", "noon", 2)),
    "parcels told to wait that do not": ("hub_loads.held", _edit("hub_loads", "held", 1, 1)),
    "a capacity of another sort": ("hub_loads.capacity", _edit("hub_loads", "capacity", 211, 0)),
    "a use of a sort": ("hub_loads.utilisation", _edit("hub_loads", "utilisation", 0.9, 5)),
    "the same departure in two rows": (
        "table.duplicate",
        lambda t: t.update(trunk_departures=pl.concat([t["trunk_departures"], t["trunk_departures"][0]])),
    ),
    "a vehicle too few at one hour": ("lane.capacity", _edit("trunk_departures", "departures", 2, 0)),
    "vehicles of the night moved to the evening": ("lane.capacity", _edit("trunk_departures", "leaves_at", at(11, 0), 1)),
    "parcels aboard at another hour": ("lane.parcels", _edit("trunk_departures", "parcels", 71, 2)),
    "departures of a day over the lane's limit": (
        "lane.departure_limit",
        lambda t: t.update(lanes=t["lanes"].with_columns(departure_limit=pl.lit(4))),
    ),
    "more vehicles under way than there are": (
        "fleet.size",
        lambda t: t.update(vehicle_types=t["vehicle_types"].with_columns(fleet_size=pl.lit(4))),
    ),
    "hours late not told": ("promise.late", _edit("trunk_flows", "late_hours", 0.0, 1)),
    "hours late of another promise": ("promise.late", _edit("service_promises", "by_hour", "19:00", 0)),
    "late against a day": ("promise.late", _edit("service_promises", "by_day", 1.0, 1)),
    "the price of lateness left out": ("cost.total", _edit("plan_certificates", "cost", 6039.0)),
    "a delivery wave at which both hour promised and hour done go out": (
        "promise.late",
        _put("delivery_waves", "hub_id leaves", ("B", "08:00")),
    ),
    "a delivery wave missed by what was in time": ("promise.late", _put("delivery_waves", "hub_id leaves", ("B", "20:00"))),
    "the sort's own price left out": ("cost.total", _edit("hub_sorts", "handling_cost", 0.1, 1)),
    "late parcels not told": ("certificate.totals", _edit("plan_certificates", "parcels_late", 0)),
    "a season that has ended": (
        "time.demand",
        lambda t: t.update(hub_sorts=t["hub_sorts"].with_columns(date_to=pl.lit(date(2024, 11, 1)))),
    ),
}  # fmt: skip
