"""Small plans by sorts for the player, drawn at random: they need not be good, only whole. Hours count from the first midnight."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import polars as pl

from data.contracts import contract
from tests.routing.stress.made import FIRST, TYPES, frames, lane

ZONE = timezone(timedelta(hours=8))
MIDNIGHT = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=ZONE)
# opens, cut-off, closes of the sorts of a hub: one, two or three a day, some past midnight
CLOCKS = (
    [("all", 6, 20, 22)],
    [("late", 14, 22, 24), ("night", 24, 30, 32)],
    [("noon", 9, 14, 16), ("late", 16, 22, 24), ("night", 24, 30, 32)],
)
PROFILE = [(20, 0.7), (30, 0.3)]
LISTED = (10.0, 19.0, 23.5)  # hours at which a lane with hours of its own leaves; two of them may follow one sort
DAYS_AFTER = 7  # that are played after the plan's last


def moment(hour: float) -> datetime:
    """Moment of an hour."""
    return MIDNIGHT + timedelta(hours=hour)


def hour_of(when: datetime) -> float:
    """Hour of a moment."""
    return (when - MIDNIGHT) / timedelta(hours=1)


def clock(hour: float) -> str:
    """Hour as tables write it."""
    return f"{int(hour):02d}:{round(hour % 1 * 60):02d}"


def lay_sorts(kind: int, days: int) -> list[dict[str, Any]]:
    """Sorts of a hub in the order of their close."""
    rows = [
        {"name": name, "day": day, "cut": 24 * day + cut, "close": 24 * day + close}
        for day in range(days)
        for name, _, cut, close in CLOCKS[kind]
    ]
    return sorted(rows, key=lambda row: row["close"])


def list_leaving(sorts: list[dict[str, Any]], listed: bool, days: int) -> list[tuple[float, int]]:
    """Hours at which a lane leaves, and the sort that loads it: at every close, or at hours of its own."""
    if not listed:
        return [(row["close"], number) for number, row in enumerate(sorts)]
    hours = [24 * day + hour for day in range(days) for hour in LISTED]
    tails = [(hour, max((n for n, row in enumerate(sorts) if row["close"] <= hour), default=-1)) for hour in hours]
    return [(hour, tail) for hour, tail in tails if tail >= 0]


def draw_sort_plan(seed: int, hubs: int = 4, days: int = 3, in_time: bool = False) -> dict[str, Any]:
    """Draw hubs, lanes, demand and a plan; the rows of its tables, and what the plain player wants to know.

    ``in_time``: flows leave when all of their day is handed in, else they may be planned before.
    """
    random = np.random.default_rng(seed)
    names = [f"H{number}" for number in range(hubs)]
    kind = {name: int(random.integers(3)) for name in names}
    unload = float(random.choice([0.0, 1.5]))
    pairs = [(a, b) for a in names for b in names if a != b]
    near = [pair for pair in pairs if names[0] in pair or random.random() < 0.7]
    lanes = [lane(a, b, float(random.uniform(3, 30))) for a, b in near]
    lanes += [lane(a, b, float(random.uniform(10, 40)), "rail") for a, b in pairs if random.random() < 0.25]
    listed = {row["lane_id"]: row["mode"] == "rail" or random.random() < 0.3 for row in lanes}
    horizon = days + 14
    sorts = {name: lay_sorts(kind[name], horizon) for name in names}
    leaving = {
        row["lane_id"]: list_leaving(sorts[row["origin_hub_id"]], listed[row["lane_id"]], horizon) for row in lanes
    }
    by_hub = {name: [row for row in lanes if row["origin_hub_id"] == name] for name in names}

    def first_sort(hub: str, hour: float) -> int:
        return next(n for n, row in enumerate(sorts[hub]) if row["cut"] >= hour - 1e-9)

    flows: dict[Any, dict[str, Any]] = {}
    loads: dict[Any, int] = {}
    for day in range(days):
        for origin in names:
            for end in names:
                for _ in range(int(random.integers(1, 3))):
                    handed = PROFILE[1 if in_time else int(random.integers(2))][0]
                    at, step = origin, first_sort(origin, 24 * day + handed)
                    path: list[str] = []
                    leaves: list[float] = []
                    on: list[date] = []
                    while at != end:
                        ways = [row for row in by_hub[at] if row["destination_hub_id"] == end]
                        if not ways or (not path and random.random() < 0.4):
                            ways = [row for row in by_hub[at] if row["destination_hub_id"] in (names[0], end)]
                        row = ways[int(random.integers(len(ways)))]
                        later = [one for one in leaving[row["lane_id"]] if one[1] >= step + int(random.random() < 0.3)]
                        hour, tail = later[int(random.random() < 0.3)]
                        path.append(row["lane_id"])
                        leaves.append(hour)
                        on.append(FIRST + timedelta(days=sorts[at][tail]["day"]))
                        at = row["destination_hub_id"]
                        step = first_sort(at, hour + row["transit_hours"] + unload)
                    key = (day, origin, end, tuple(path), tuple(leaves))
                    if key in flows:
                        continue
                    done = sorts[end][step]
                    parcels = int(random.integers(1, 120))
                    flows[key] = {
                        "date": FIRST + timedelta(days=day),
                        "origin_hub_id": origin,
                        "destination_hub_id": end,
                        "path": path,
                        "departs_at": [moment(hour) for hour in leaves],
                        "departure_dates": on,
                        "completed_on": FIRST + timedelta(days=done["day"]),
                        "completed_at": moment(done["close"]),
                        "parcels": parcels,
                    }
                    for name, hour in zip(path, leaves, strict=True):
                        loads[name, hour] = loads.get((name, hour), 0) + parcels
    about = {row["lane_id"]: row for row in lanes}
    departures = []
    for (name, hour), parcels in sorted(loads.items()):
        row = about[name]
        vehicle = "train" if row["mode"] == "rail" else "own" if random.random() < 0.5 else "hired"
        size = next(one["capacity"] for one in TYPES if one["vehicle_type_id"] == vehicle)
        tail = next(tail for at, tail in leaving[name] if at == hour)
        departures.append(
            {
                "date": FIRST + timedelta(days=sorts[row["origin_hub_id"]][tail]["day"]),
                "lane_id": name,
                "vehicle_type_id": vehicle,
                "sort_id": sorts[row["origin_hub_id"]][tail]["name"],
                "leaves_at": moment(hour),
                "arrives_at": moment(hour + row["transit_hours"]),
                "departures": -(-parcels // size),
                "parcels": parcels,
                "cost": 0.0,
            }
        )
    demand: dict[Any, int] = {}
    for flow in flows.values():
        route = (flow["date"], flow["origin_hub_id"], flow["destination_hub_id"])
        demand[route] = demand.get(route, 0) + flow["parcels"]
    staged = random.random() < 0.5
    capacity = {name: int(random.integers(200, 500)) for name in names}
    return {
        "hubs": [
            {
                "hub_id": name,
                "sort_capacity": None,
                "buffer_capacity": int(random.integers(50, 300)),
                "handling_cost": 0.1,
                "staging_capacity": int(random.integers(0, 200)) if staged and random.random() < 0.7 else None,
            }
            for name in names
        ],
        "lanes": lanes,
        "vehicle_types": TYPES,
        "trunk_flows": list(flows.values()),
        "trunk_departures": departures,
        "hub_loads": [],
        "route_demand": [
            {"date": when, "origin_hub_id": origin, "destination_hub_id": end, "parcels": parcels}
            for (when, origin, end), parcels in sorted(demand.items())
        ],
        "hub_sorts": [
            {
                "hub_id": name,
                "sort_id": sort,
                "date_from": date(2000, 1, 1),
                "opens": clock(opens),
                "cut_off": clock(cut),
                "closes": clock(closes),
                "sort_capacity": capacity[name],
                "unload_hours": unload,
            }
            for name in names
            for sort, opens, cut, closes in CLOCKS[kind[name]]
        ],
        "hand_in_profile": [
            {"hub_id": "*", "day_kind": "normal", "until_hour": clock(hour), "share": share} for hour, share in PROFILE
        ],
        "lane_departures": [
            {"lane_id": name, "leaves": clock(hour)} for name, own in listed.items() if own for hour in LISTED
        ],
        "facts": {"kind": kind, "unload": unload, "listed": listed, "capacity": capacity},
    }


def sort_frames(plan: dict[str, Any]) -> dict[str, pl.DataFrame]:
    """Lay rows out as the tables the player reads."""
    tables = frames(plan)
    for name in ("hub_sorts", "hand_in_profile", "lane_departures"):
        empty = contract(name).empty()
        rows = pl.DataFrame(plan[name], infer_schema_length=None)
        tables[name] = pl.concat([empty, rows.cast({c: empty.schema[c] for c in rows.columns})], how="diagonal")
    hours: dict[str, Any] = {"departs_at": pl.List(pl.Datetime("us", "UTC")), "completed_at": pl.Datetime("us", "UTC")}
    tables["trunk_flows"] = pl.DataFrame(plan["trunk_flows"], schema={**tables["trunk_flows"].schema, **hours})
    more: dict[str, Any] = {
        "sort_id": pl.String,
        "leaves_at": pl.Datetime("us", "UTC"),
        "arrives_at": pl.Datetime("us", "UTC"),
    }
    tables["trunk_departures"] = pl.DataFrame(
        plan["trunk_departures"], schema={**tables["trunk_departures"].schema, **more}
    )
    for name in ("lane_closures", "lane_weather"):
        if name in plan:
            empty = contract(name).empty()
            rows = pl.DataFrame(plan[name], schema={c: empty.schema[c] for c in plan[name][0]})
            tables[name] = pl.concat([empty, rows], how="diagonal")
    tables["hubs"] = pl.DataFrame(plan["hubs"], schema={**tables["hubs"].schema, "staging_capacity": pl.Int64})
    return tables
