"""Three hubs on paper, A to B to C, every sort and vehicle full to the parcel, every arrival at the very cut-off.

A hands in 210 parcels by 22:00 and 90 by 30:00 on the 10th, two thirds for B and one third for C, and sorts them by 24:00 and
32:00. Vehicles to B leave then and take 14 hours: at hand at 14:00 and 22:00 on the 11th, B's cut-offs. Those to C leave when B's
sorts close, 16:00 and 24:00, and take 6 hours: 22:00 in Shanghai is 20:00 at C, 6:00 is 4:00 (28:00 of the day before).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl

from tests.routing.tiny_plan import Tables

D10, D11 = date(2024, 11, 10), date(2024, 11, 11)
LATE_COST = 2.0
# vehicles 6,000, sorting 210 at .1 and 90 at .2, 60 parcels four hours late at 2 a day
COST = 6000.0 + 39.0 + 20.0
_SHANGHAI = timedelta(hours=8)


def at(day: int, hour: float) -> datetime:
    """An hour of a day of November 2024 on Shanghai's clocks."""
    return datetime(2024, 11, day, tzinfo=UTC) + timedelta(hours=hour) - _SHANGHAI


def frame(columns: str, *rows: tuple[object, ...]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=columns.split(), orient="row", infer_schema_length=None)


def paper_plan() -> Tables:
    """Return the tables of the network and of its plan by the clock."""
    flows: list[tuple[str, list[str], list[date], list[datetime], datetime, int]] = [
        ("B", ["A-B"], [D10], [at(11, 0)], at(11, 16), 140),
        ("B", ["A-B"], [D10], [at(11, 8)], at(11, 24), 60),
        ("C", ["A-B", "B-C"], [D10, D11], [at(11, 0), at(11, 16)], at(12, 2), 70),
        ("C", ["A-B", "B-C"], [D10, D11], [at(11, 8), at(11, 24)], at(12, 10), 30),
    ]
    return {
        "hubs": frame(
            "hub_id sort_capacity buffer_capacity staging_capacity time_zone handling_cost",
            ("A", None, 0.0, 0.0, None, 0.1),
            ("B", None, 0.0, 0.0, None, None),
            ("C", None, 0.0, 0.0, "Asia/Urumqi", None),
        ),
        "hub_sorts": frame(
            "hub_id sort_id opens cut_off closes sort_capacity handling_cost",
            ("A", "evening", "16:00", "22:00", "24:00", 210.0, None),
            ("A", "night", "24:00", "30:00", "32:00", 90.0, 0.2),
            ("B", "day", "09:00", "14:00", "16:00", 210.0, None),
            ("B", "evening", "16:00", "22:00", "24:00", 90.0, None),
            ("C", "evening", "14:00", "22:00", "24:00", 70.0, None),
            ("C", "night", "24:00", "30:00", "32:00", 30.0, None),
        ),
        "hand_in_profile": frame(
            "hub_id day_kind until_hour share", ("*", "normal", "22:00", 0.7), ("*", "normal", "30:00", 0.3)
        ),
        "lanes": frame(
            "lane_id origin_hub_id destination_hub_id mode distance_km transit_hours",
            ("A-B", "A", "B", "road", 900.0, 14.0),
            ("B-C", "B", "C", "road", 400.0, 6.0),
        ),
        "vehicle_types": frame(
            "vehicle_type_id mode ownership capacity fixed_cost cost_per_km",
            ("truck", "road", "spot", 70.0, 100.0, 1.0),
        ),
        "service_promises": frame(
            "origin_hub_id destination_hub_id by_day by_hour", ("A", "B", 1.0, "20:00"), ("A", "C", 2.0, "08:00")
        ),
        "route_demand": frame(
            "date origin_hub_id destination_hub_id parcels", (D10, "A", "B", 200), (D10, "A", "C", 100)
        ),
        "trunk_departures": frame(
            "date lane_id vehicle_type_id sort_id leaves_at arrives_at departures parcels cost",
            (D10, "A-B", "truck", "evening", at(11, 0), at(11, 14), 3, 210, 3000.0),
            (D10, "A-B", "truck", "night", at(11, 8), at(11, 22), 2, 90, 2000.0),
            (D11, "B-C", "truck", "day", at(11, 16), at(11, 22), 1, 70, 500.0),
            (D11, "B-C", "truck", "evening", at(11, 24), at(12, 6), 1, 30, 500.0),
        ),
        "trunk_flows": pl.DataFrame(
            [
                (D10, "A", goal, path, days, hours, D11, done, n, 0, late)
                for (goal, path, days, hours, done, n), late in zip(flows, (0.0, 4.0, 0.0, 0.0), strict=True)
            ],
            schema={
                "date": pl.Date,
                "origin_hub_id": pl.String,
                "destination_hub_id": pl.String,
                "path": pl.List(pl.String),
                "departure_dates": pl.List(pl.Date),
                "departs_at": pl.List(pl.Datetime("us", "UTC")),
                "completed_on": pl.Date,
                "completed_at": pl.Datetime("us", "UTC"),
                "parcels": pl.Int64,
                "late_days": pl.Int64,
                "late_hours": pl.Float64,
            },
            orient="row",
        ),
        "hub_loads": frame(
            "date hub_id sort_id handled held capacity utilisation",
            (D10, "A", "evening", 210, 0, 210, 1.0),
            (D10, "A", "night", 90, 0, 90, 1.0),
            (D11, "B", "day", 210, 0, 210, 1.0),
            (D11, "B", "evening", 90, 0, 90, 1.0),
            (D11, "C", "evening", 70, 0, 70, 1.0),
            (D11, "C", "night", 30, 0, 30, 1.0),
        ),
        "plan_certificates": frame(
            "plan status cost lower_bound gap violations parcels_demanded parcels_planned parcels_short parcels_late",
            ("trunk", "feasible", COST, 6000.0, (COST - 6000.0) / COST, 0, 300, 300, 0, 60),
        ),
    }
