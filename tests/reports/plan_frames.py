"""A small trunk plan made in memory: every parcel goes direct where a lane is, else over Wuhan."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, timedelta

import polars as pl

from data.contracts import contract
from reports.plan_inputs import PlanInputs
from reports.run_facts import RunFacts
from reports.weather_age import WeatherAge
from reports.weather_basis import WeatherBasis
from tests.reports.frames import HUBS, hubs, route_forecasts

RUN = RunFacts(
    run_id="plan-trunk-0007",
    command="plan trunk",
    code_version="0.1.0",
    outcome="shortfalls",
    seed=1,
    options={"from": "2025-11-10", "to": "2025-11-13", "service_level": 0.9, "hold_cost": 0.2, "short_cost": 50.0},
    tables_read={"route_forecasts": 3, "lanes": 1, "hubs": 2, "vehicle_types": 1},
    started_at=datetime(2025, 10, 31, 2, 0, 0, tzinfo=UTC),
    ended_at=datetime(2025, 10, 31, 2, 1, 30, tzinfo=UTC),
)
DAYS = tuple(date(2025, 11, 10) + timedelta(days=number) for number in range(4))
_CENTRE = "WUH"
_CORE = ("HGH", "CAN", "SHA", "PEK")
_RAIL = {("PEK", "CAN"), ("CAN", "PEK")}
_AIR = {("URC", "WUH"), ("WUH", "URC")}
_TYPES = (
    ("own-17.5", "17.5 m own", "road", "own", 9_000),
    ("contract-17.5", "17.5 m contract", "road", "contract", 9_000),
    ("spot-9.6", "9.6 m spot", "road", "spot", 4_500),
    ("rail-car", "Rail wagon", "rail", "contract", 60_000),
    ("air-757", "757 freighter", "air", "spot", 30_000),
)


def lanes() -> pl.DataFrame:
    """Lanes among the four largest hubs and between every hub and Wuhan."""
    pairs = [(a, b) for a in _CORE for b in _CORE if a != b]
    pairs += [pair for hub in HUBS if hub != _CENTRE for pair in ((hub, _CENTRE), (_CENTRE, hub))]
    rows = [
        {
            "lane_id": f"{a}-{b}", "origin_hub_id": a, "destination_hub_id": b, "mode": _mode(a, b),
            "distance_km": 700.0 + 10 * number, "transit_hours": 22.0,
        }
        for number, (a, b) in enumerate(pairs)
    ]  # fmt: skip
    return contract("lanes").conform(pl.DataFrame(rows))


def _mode(a: str, b: str) -> str:
    return "rail" if (a, b) in _RAIL else "air" if (a, b) in _AIR else "road"


def vehicle_types() -> pl.DataFrame:
    """Five types over three modes and three ownerships."""
    rows = [
        {
            "vehicle_type_id": ident, "name": name, "mode": mode, "ownership": ownership, "capacity": capacity,
            "fixed_cost": 800.0, "cost_per_km": 6.0,
        }
        for ident, name, mode, ownership, capacity in _TYPES
    ]  # fmt: skip
    return contract("vehicle_types").conform(pl.DataFrame(rows))


def flows() -> pl.DataFrame:
    """Flows of four days; those from Shanghai wait a night on 12 November, those to Urumqi on that day are short."""
    demand = demanded()
    known = set(lanes()["lane_id"])
    rows = []
    for row in demand.iter_rows(named=True):
        day, a, b = row["date"], row["origin_hub_id"], row["destination_hub_id"]
        if _short(day, b):
            continue
        wait = 1 if day == date(2025, 11, 12) and a == "SHA" else 0
        path = [] if a == b else [f"{a}-{b}"] if f"{a}-{b}" in known else [f"{a}-{_CENTRE}", f"{_CENTRE}-{b}"]
        departs = [day + timedelta(days=wait + number) for number in range(len(path))]
        rows.append(
            {
                "run_id": RUN.run_id, "date": day, "origin_hub_id": a, "destination_hub_id": b, "path": path,
                "departure_dates": departs, "completed_on": day + timedelta(days=wait + len(path)),
                "parcels": row["parcels"],
            }
        )  # fmt: skip
    return contract("trunk_flows").conform(pl.DataFrame(rows, schema_overrides=contract("trunk_flows").polars_schema))


def demanded() -> pl.DataFrame:
    """A tenth of the forecast's median, over all couriers."""
    return (
        route_forecasts()
        .filter(pl.col("date").is_in(DAYS))
        .group_by("date", "origin_hub_id", "destination_hub_id")
        .agg((pl.col("q50").sum() // 10).alias("parcels"))
        .sort("date", "origin_hub_id", "destination_hub_id")
    )


def _short(day: date, destination: str) -> bool:
    return day == date(2025, 11, 12) and destination == "URC"


def shortfalls() -> pl.DataFrame:
    """What was to go to Urumqi on 12 November."""
    rows = demanded().filter((pl.col("date") == date(2025, 11, 12)) & (pl.col("destination_hub_id") == "URC"))
    return contract("shortfalls").conform(
        rows.with_columns(
            pl.lit(RUN.run_id).alias("run_id"),
            pl.lit("no room on the cheapest way: fleet:air-757, lane:WUH-URC").alias("reason"),
            pl.lit("fleet:air-757|lane:WUH-URC").alias("binding"),
            pl.lit(
                "2 more air-757 on WUH-URC on 2025-11-12 carry 71 % of the 215,301 parcels short here for 184,000 CNY in all, "
                "1.20 CNY a parcel"
            ).alias("cheapest_fix"),
        )
    )


def departures() -> pl.DataFrame:
    """Vehicles enough for the flows: three tenths spot, the rest own, on the road."""
    legs = (
        flows()
        .select(pl.col("path").alias("lane_id"), pl.col("departure_dates").alias("date"), "parcels")
        .filter(pl.col("lane_id").list.len() > 0)
        .explode("lane_id", "date")
        .group_by("date", "lane_id")
        .agg(pl.col("parcels").sum())
        .sort("date", "lane_id")
        .join(lanes().select("lane_id", "mode", "distance_km"), on="lane_id")
    )
    capacity = {ident: room for ident, _, _, _, room in _TYPES}
    rows = []
    for row in legs.iter_rows(named=True):
        split = (
            {"rail-car": 1.0} if row["mode"] == "rail" else {"air-757": 1.0} if row["mode"] == "air" else _ROAD_SPLIT
        )
        left = row["parcels"]
        for kind, share in split.items():
            aboard = left if kind == list(split)[-1] else min(left, int(row["parcels"] * share))
            left -= aboard
            number = math.ceil(aboard / capacity[kind])
            if number:
                rows.append(
                    {
                        "run_id": RUN.run_id, "date": row["date"], "lane_id": row["lane_id"], "vehicle_type_id": kind,
                        "departures": number, "parcels": aboard, "cost": number * (800 + 6 * row["distance_km"]),
                    }
                )  # fmt: skip
    return contract("trunk_departures").conform(pl.DataFrame(rows))


_ROAD_SPLIT = {"own-17.5": 0.5, "contract-17.5": 0.2, "spot-9.6": 0.3}


def hub_loads() -> pl.DataFrame:
    """Every visit counts on the day it is sorted; Shanghai holds its own of 12 November over the night, too many."""
    capacity = {row["hub_id"]: row["sort_capacity"] for row in hubs().iter_rows(named=True)}
    handled: dict[tuple[date, str], int] = {}
    held: dict[tuple[date, str], int] = {}
    for row in flows().iter_rows(named=True):
        stops = [row["origin_hub_id"], *(lane.split("-")[1] for lane in row["path"])]
        days = [*row["departure_dates"], row["completed_on"]]
        for day, stop in zip(days, stops, strict=True):
            handled[day, stop] = handled.get((day, stop), 0) + row["parcels"]
        if days[0] > row["date"]:
            held[row["date"], stops[0]] = held.get((row["date"], stops[0]), 0) + row["parcels"]
    days_all = sorted({day for day, _ in handled})
    rows = [
        {
            "run_id": RUN.run_id, "date": day, "hub_id": hub, "handled": handled.get((day, hub), 0),
            "held": held.get((day, hub), 0), "capacity": _sixth(capacity[hub]),
            "utilisation": _over(handled.get((day, hub), 0), _sixth(capacity[hub])),
        }
        for day in days_all
        for hub in HUBS
    ]  # fmt: skip
    return contract("hub_loads").conform(pl.DataFrame(rows, infer_schema_length=None))


def _sixth(capacity: int | None) -> int | None:
    return None if capacity is None else capacity // 6


def _over(parcels: int, capacity: int | None) -> float | None:
    return parcels / capacity if capacity else None


def certificate() -> pl.DataFrame:
    """Adds up with the flows and the shortfalls."""
    carried, short = int(flows()["parcels"].sum()), int(shortfalls()["parcels"].sum())
    loads = hub_loads()
    cost = (
        float(departures()["cost"].sum())
        + 0.2 * int(loads["handled"].sum())
        + 0.2 * int(loads["held"].sum())
        + 50 * short
    )
    row = {
        "run_id": RUN.run_id, "plan": "trunk", "status": "shortfalls", "cost": cost, "lower_bound": 0.983 * cost, "gap": 0.017,
        "violations": 0, "parcels_demanded": carried + short, "parcels_planned": carried, "parcels_short": short,
    }  # fmt: skip
    return contract("plan_certificates").conform(pl.DataFrame([row]))


def lane_weather() -> pl.DataFrame:
    """Snow on the lanes to Beijing and Shenyang on 11 and 12 November."""
    rows = [
        {
            "run_id": "weather-impact-0004", "date": day, "lane_id": lane, "speed_factor": 0.93, "capacity_factor": 0.9,
            "closure_probability": 0.05, "severity": "yellow", "cause": "snow 2.1 mm/h near 38.04, 114.51 at 11-11 02:00",
        }
        for lane in ("HGH-PEK", "WUH-PEK", "WUH-SHE")
        for day in (date(2025, 11, 11), date(2025, 11, 12))
    ]  # fmt: skip
    return contract("lane_weather").conform(pl.DataFrame(rows))


def weather_basis() -> WeatherBasis:
    """A forecast issued two days before what was known, and nothing of the last day."""
    issued, known = datetime(2025, 11, 6, 12, tzinfo=UTC), datetime(2025, 11, 8, 16, tzinfo=UTC)
    return WeatherBasis(
        "weather-impact-0004", left_out=False, age=WeatherAge(issued, known), unknown=[DAYS[-1]], touched=6
    )


def warnings() -> pl.DataFrame:
    """A yellow warning over the north, and a red one within it."""
    rows = [
        {
            "warning_id": f"snow-{severity}", "kind": "snow", "severity": severity, "text": "snow",
            "onset": datetime(2025, 11, 10, 16, tzinfo=UTC), "expires": datetime(2025, 11, 12, 16, tzinfo=UTC),
            "area": json.dumps({"type": "Polygon", "coordinates": [[[110, 36], [east, 36], [east, 42], [110, 42], [110, 36]]]}),
        }
        for severity, east in (("red", 118), ("yellow", 126))
    ]  # fmt: skip
    return contract("weather_warnings").arrange(pl.DataFrame(rows))


def hub_prices() -> pl.DataFrame:
    """Shanghai and Wuhan are worth more capacity."""
    return pl.DataFrame(
        {"date": [DAYS[1], DAYS[2], DAYS[2]], "hub_id": ["WUH", "SHA", "PEK"], "price": [0.18, 0.42, 0.0]}
    )


def capacity_needs() -> pl.DataFrame:
    """Contracts and hired trucks of the plan's week."""
    common = {
        "run_id": "plan-capacity-0006", "week": date(2025, 11, 10), "mode": "road", "days": 7, "busiest_day": DAYS[1],
        "service_level": 0.95, "fleet_size": None, "unit_cost_too_many": 2476.0, "critical_ratio": 0.386,
    }  # fmt: skip
    rows = [
        common | {"vehicle_type_id": "contract-9.6", "ownership": "contract", "q50": 52, "q80": 83, "q90": 98, "q95": 111,
                  "needed": 111, "recommended": 48, "unit_cost_too_few": 1555.0, "cost_too_few": 117_561.0,
                  "cost_too_many": 18_446.0},
        common | {"vehicle_type_id": "spot-9.6", "ownership": "spot", "q50": 4, "q80": 35, "q90": 50, "q95": 63, "needed": 63,
                  "recommended": 63, "unit_cost_too_few": 6000.0, "cost_too_few": 1_930.0, "cost_too_many": 0.0},
    ]  # fmt: skip
    return contract("capacity_needs").conform(pl.DataFrame(rows))


def plan_inputs() -> PlanInputs:
    """Everything the plan report can be given; buffers of 150,000 parcels make Shanghai overflow."""
    return PlanInputs(
        run=RUN,
        certificates=certificate(),
        departures=departures(),
        flows=flows(),
        hub_loads=hub_loads(),
        shortfalls=shortfalls(),
        hubs=hubs().with_columns(pl.lit(150_000, pl.Int64).alias("buffer_capacity")),
        lanes=lanes(),
        vehicle_types=vehicle_types(),
        lane_weather=lane_weather(),
        warnings=warnings(),
        weather_basis=weather_basis(),
        weather_cost={
            "fair_run": "plan-trunk-0004",
            "parcels_moved": 12_000,
            "cost_with": 1_250_000.0,
            "cost_without": 1_200_000.0,
            "late_with": 900,
            "late_without": 0,
            "short_with": 40,
            "short_without": 0,
        },
        hub_prices=hub_prices(),
        capacity_needs=capacity_needs(),
    )
