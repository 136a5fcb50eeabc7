"""A trunk plan as a timetable: the files of a GTFS feed, one trip a departure, and beside them what each trip holds.

A plan by sorts says when each vehicle leaves and arrives; those times stand in the file as they are (timepoint 1). A plan by days says on
which day vehicles leave, not when. Its parcels are sorted over the hub's sorting hours, so the j-th of n vehicles
of a lane leaves when j/n of the lane's parcels can have been sorted::

    departure(j) = first hour + j / n x (last hour - first hour)        arrival = departure + transit_hours / speed_factor

The last one leaves when sorting ends. An arrival falls before the end of sorting on the day on which the plan counts the
parcels at the next hub, because transit hours are at most 24 x the days the plan gives them. Field names follow the GTFS
Schedule Reference (gtfs.org/documentation/schedule/reference); ``capacities.txt`` and ``duties.txt`` are additions.
"""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from data.errors import RadarError
from routing.duties import list_duties

if TYPE_CHECKING:
    import polars as pl

FILES = ("agency", "stops", "routes", "trips", "stop_times", "calendar", "capacities", "duties")
# GTFS route types: 2 rail; of the extended ones 1700 miscellaneous service (trucks) and 1100 air service
_ROUTE_TYPES = {"road": 1700, "rail": 2, "air": 1100}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY_SECONDS = 86_400
_VEHICLE = ("vehicle_type_id", "name", "mode", "ownership", "capacity")


def write_timetable(
    tables: Mapping[str, pl.DataFrame],
    *,
    timezone: str,
    agency: str,
    agency_url: str,
    first_hour: float = 8.0,
    last_hour: float = 24.0,
    turn_round_hours: float = 0.0,
) -> dict[str, pl.DataFrame]:
    """Turn the departures of a plan into the files of a timetable.

    Parameters
    ----------
    tables
        ``trunk_departures`` of one run, ``hubs``, ``lanes``, ``vehicle_types``; ``lane_vehicles`` and ``lane_weather`` when
        the plan had any.
    timezone, agency, agency_url
        As GTFS asks for them.
    first_hour, last_hour
        Sorting hours of a hub in a plan by days [hours after midnight].
    turn_round_hours
        From the arrival of an own vehicle until it leaves again, in a plan by sorts.

    Returns
    -------
    dict
        A frame for each of ``FILES``, all text: times as HH:MM:SS from the midnight of the service day, beyond 24:00:00 for
        what arrives later. Departures, parcels and cost sum to those of ``trunk_departures``.

    Raises
    ------
    RadarError
        For hours that do not lie in a day.
    """
    import polars as pl

    if not 0 <= first_hour <= last_hour <= 24:
        raise RadarError(
            f"sorting from {first_hour:g} to {last_hour:g}",
            "hours from 0 to 24 in order",
            "set --sort-from and --sort-to",
        )
    trips = add_rotations(_list_trips(tables, timezone, first_hour, last_hour), turn_round_hours)
    hubs = tables["hubs"].sort("hub_id")
    used = set(trips["origin_hub_id"]) | set(trips["destination_hub_id"])
    stops = hubs.filter(pl.col("hub_id").is_in(sorted(used)))
    names = dict(hubs.select("hub_id", "name").iter_rows())
    lanes = tables["lanes"].filter(pl.col("lane_id").is_in(trips["lane_id"].unique().to_list())).sort("lane_id")
    frames = {
        "agency": pl.DataFrame(
            {"agency_id": ["trunk"], "agency_name": [agency], "agency_url": [agency_url], "agency_timezone": [timezone]}
        ),
        "stops": stops.select(
            stop_id="hub_id", stop_name="name", stop_lat="latitude", stop_lon="longitude", location_type=pl.lit(0)
        ),
        "routes": lanes.select(
            route_id="lane_id",
            agency_id=pl.lit("trunk"),
            route_short_name="lane_id",
            route_long_name=pl.col("origin_hub_id").replace(names)
            + " → "
            + pl.col("destination_hub_id").replace(names),
            route_type=pl.col("mode").replace_strict(_ROUTE_TYPES, return_dtype=pl.Int64),
        ),
        "trips": trips.select(
            route_id="lane_id",
            service_id="service_id",
            trip_id="trip_id",
            trip_headsign=pl.col("destination_hub_id").replace(names),
            block_id="block_id",
        ),
        "stop_times": _list_stop_times(trips),
        "calendar": _list_services(trips),
        "capacities": trips.select(
            "trip_id",
            "vehicle_type_id",
            vehicle_name="name",
            ownership="ownership",
            capacity="capacity",
            parcels="parcels",
            cost=pl.col("cost").round(2),
        ),
        "duties": list_duties(trips).with_columns(
            pl.col("leaves_at", "arrives_at").dt.strftime("%Y-%m-%dT%H:%M:%S"),
            pl.col("driving_hours", "most_hours_a_day").round(2),
        ),
    }
    return {name: frames[name].cast(pl.String).fill_null("") for name in FILES}


def _list_trips(tables: Mapping[str, pl.DataFrame], timezone: str, first_hour: float, last_hour: float) -> pl.DataFrame:
    """One row a departure, with its share of the row's parcels and cost, and its seconds of departure and arrival."""
    import polars as pl

    departures = tables["trunk_departures"].filter(pl.col("departures") > 0)
    kinds = tables["vehicle_types"].select(_VEHICLE)
    lanes = tables["lanes"].select("lane_id", "origin_hub_id", "destination_hub_id", "transit_hours")
    rows = departures.join(kinds, on="vehicle_type_id", how="left").join(lanes, on="lane_id", how="left")
    special = tables.get("lane_vehicles")
    if special is not None and special.height:
        own = special.select("lane_id", "vehicle_type_id", own="capacity")
        rows = rows.join(own, on=["lane_id", "vehicle_type_id"], how="left")
        rows = rows.with_columns(capacity=pl.coalesce("own", "capacity")).drop("own")
    weather = tables.get("lane_weather")
    if weather is not None and weather.height:
        rows = rows.join(weather.select("date", "lane_id", "speed_factor"), on=["date", "lane_id"], how="left")
        slow = pl.when(pl.col("speed_factor") > 0).then(pl.col("speed_factor")).otherwise(1.0)
        rows = rows.with_columns(transit_hours=pl.col("transit_hours") / slow)
    by_clock = "leaves_at" in rows.columns and bool(rows["leaves_at"].is_not_null().any())
    rows = rows.sort("date", "lane_id", "vehicle_type_id", *(["leaves_at"] if by_clock else []))
    number, count = pl.col("number"), pl.col("departures")
    each = rows.with_columns(number=pl.int_ranges(1, count + 1)).explode("number")
    day = ["date", "lane_id"]
    each = each.with_columns(
        # the remainder of an even split goes to the first vehicles
        parcels=pl.col("parcels") // count + (number <= pl.col("parcels") % count).cast(pl.Int64),
        cost=_split_cents(pl.col("cost"), number, count),
        place=pl.int_range(1, pl.len() + 1).over(day),
        of=pl.len().over(day),
    )
    leaves = first_hour * 3600 + pl.col("place") / pl.col("of") * (last_hour - first_hour) * 3600
    arrives = leaves + pl.col("transit_hours") * 3600
    trip, numbers = "{}_{}_{}_{}", ["lane_id", "vehicle_type_id", "number"]
    if by_clock:
        midnight = pl.col("date").cast(pl.Datetime("us")).dt.replace_time_zone(timezone).dt.convert_time_zone("UTC")
        leaves, arrives = ((pl.col(name) - midnight).dt.total_seconds() for name in ("leaves_at", "arrives_at"))
        local = pl.col("leaves_at").dt.convert_time_zone(timezone).dt.strftime("%H%M")
        # sorts whose departures a closing moves to one hour share their numbers
        place = pl.int_range(1, pl.len() + 1).over("date", "lane_id", "vehicle_type_id", "leaves_at")
        each = each.with_columns(clock=local, timepoint=pl.lit(1), number=place)
        trip, numbers = "{}_{}_{}_{}_{}", ["lane_id", "clock", "vehicle_type_id", "number"]
    else:
        each = each.with_columns(timepoint=pl.lit(0))  # the times are derived, not promised
    service = pl.col("date").dt.strftime("%Y%m%d")
    return each.with_columns(
        leaves=leaves.round().cast(pl.Int64),
        arrives=arrives.round().cast(pl.Int64),
        service_id=service,
        trip_id=pl.format(trip, service, *numbers),
    )


def add_rotations(trips: pl.DataFrame, turn_round_hours: float) -> pl.DataFrame:
    """Give the trips of own vehicles the rotation they are part of, where a plan says when vehicles leave and arrive.

    At each departure the vehicle goes that has waited longest at the hub; where none stands there, one that stood there when the plan
    began. So there are as many rotations as vehicles the plan needs. Without hours, and of hired vehicles, ``block_id`` is empty.
    """
    import polars as pl

    block: list[str | None] = [None] * trips.height
    if not (trips["timepoint"] == 1).all():
        return trips.with_columns(block_id=pl.lit(None, pl.String))
    columns = ["date", "leaves", "arrives", "origin_hub_id", "destination_hub_id", "vehicle_type_id", "ownership"]
    rows = list(trips.select(columns).iter_rows())
    first = trips["date"].min()
    waiting: dict[tuple[str, str], list[tuple[float, str]]] = {}
    begun: dict[str, int] = {}
    order = sorted(
        range(len(rows)), key=lambda place: (rows[place][0].toordinal() * _DAY_SECONDS + rows[place][1], place)
    )
    for place in order:
        day, leaves, arrives, start, end, kind, ownership = rows[place]
        if ownership != "own":
            continue
        midnight = (day - first).days * _DAY_SECONDS
        stock = waiting.setdefault((kind, start), [])
        if stock and stock[0][0] <= midnight + leaves:
            _, vehicle = heappop(stock)
        else:
            begun[kind] = begun.get(kind, 0) + 1
            vehicle = f"{kind}-{begun[kind]}"
        block[place] = vehicle
        heappush(waiting.setdefault((kind, end), []), (midnight + arrives + 3600.0 * turn_round_hours, vehicle))
    return trips.with_columns(pl.Series("block_id", block, dtype=pl.String))


def _split_cents(cost: pl.Expr, number: pl.Expr, count: pl.Expr) -> pl.Expr:
    """Divide an amount over its departures so that whole cents sum to it."""
    share = cost * 100 / count
    return ((share * number).round() - (share * (number - 1)).round()) / 100


def _list_stop_times(trips: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    parts = [
        trips.select(
            "trip_id",
            arrival_time=_clock(time),
            departure_time=_clock(time),
            stop_id=hub,
            stop_sequence=pl.lit(place),
            timepoint="timepoint",
        )
        for place, time, hub in ((1, "leaves", "origin_hub_id"), (2, "arrives", "destination_hub_id"))
    ]
    return pl.concat(parts).sort("trip_id", "stop_sequence")


def _clock(seconds: str) -> pl.Expr:
    import polars as pl

    whole = pl.col(seconds)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    two = (part.cast(pl.String).str.zfill(2) for part in (hours, minutes, rest))
    return pl.concat_str(list(two), separator=":")


def _list_services(trips: pl.DataFrame) -> pl.DataFrame:
    """One service a day: it runs on the weekday of its only date."""
    import polars as pl

    days = trips["date"].unique().sort()
    rows = [
        {"service_id": f"{day:%Y%m%d}"}
        | {name: int(day.weekday() == number) for number, name in enumerate(_WEEKDAYS)}
        | {"start_date": f"{day:%Y%m%d}", "end_date": f"{day:%Y%m%d}"}
        for day in days
    ]
    schema = {
        "service_id": pl.String,
        **dict.fromkeys(_WEEKDAYS, pl.Int64),
        "start_date": pl.String,
        "end_date": pl.String,
    }
    return pl.DataFrame(rows, schema=schema)
