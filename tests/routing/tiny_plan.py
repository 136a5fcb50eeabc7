"""A trunk plan small enough to check by hand, with one of everything: rail, weather, a night's wait, an empty run, late parcels."""

from __future__ import annotations

from datetime import date

import polars as pl

D10, D11, D12, D13 = (date(2024, 11, d) for d in (10, 11, 12, 13))
HOLD_COST, SHORT_COST, LATE_COST = 0.2, 20.0, 2.0
# vehicles 12,100 + parcels on rail 200 + handling 249 + one night of 50 parcels 10 + 50 short 1,000
# + 150 parcels a day late 300
COST = 13_859.0

Tables = dict[str, pl.DataFrame]


def _frame(columns: str, *rows: tuple[object, ...]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=columns.split(), orient="row", infer_schema_length=None)


def reference_tables() -> Tables:
    """Hubs A, B, C and a closed X; road both ways, a train A-C; own, spot and rail vehicles; a slow day on A-B."""
    return {
        "hubs": _frame(
            "hub_id sort_capacity buffer_capacity handling_cost",
            ("A", 800, 0, 0.1),
            ("B", 350, 50, 0.2),
            ("C", None, None, None),
            ("X", 900, 900, 0.1),
        ),
        "lanes": _frame(
            "lane_id origin_hub_id destination_hub_id mode distance_km transit_hours parcel_cost departure_limit",
            ("A-B", "A", "B", "road", 300.0, 20.0, None, 3),
            ("B-A", "B", "A", "road", 300.0, 20.0, None, None),
            ("B-C", "B", "C", "road", 200.0, 10.0, None, None),
            ("C-B", "C", "B", "road", 200.0, 10.0, None, None),
            ("C-A", "C", "A", "road", 400.0, 24.0, None, None),
            ("A-C", "A", "C", "rail", 450.0, 30.0, 0.5, 1),
            ("A-X", "A", "X", "road", 50.0, 2.0, None, None),
        ),
        "vehicle_types": _frame(
            "vehicle_type_id mode ownership capacity fixed_cost cost_per_km fleet_size",
            ("own-17", "road", "own", 200, 300.0, 3.0, 3),
            ("spot-9", "road", "spot", 100, 400.0, 4.0, None),
            ("train", "rail", "contract", 500, 2000.0, 5.0, 1),
        ),
        "lane_vehicles": _frame(
            "lane_id vehicle_type_id capacity departure_cost departure_limit", ("A-C", "train", 400, 2500.0, 1)
        ),
        "network_changes": _frame(
            "change_id date hub_id change successor_hub_id share", ("1", date(2024, 11, 1), "X", "closes", None, None)
        ),
        "lane_weather": _frame("date lane_id speed_factor capacity_factor", (D11, "A-B", 0.5, 0.7)),
        "departure_locks": _frame(
            "lane_id date leaves vehicle_type_id at_least at_most",
            ("A-B", D10, "any", "own-17", 2, 2),
            ("A-B", D11, "any", "own-17", 0, 0),
        ),
        "service_promises": _frame(
            "origin_hub_id destination_hub_id latest_hours", ("A", "B", 24.0), ("A", "C", 40.0), ("C", "A", 72.0)
        ),
        "route_demand": _frame(
            "date origin_hub_id destination_hub_id parcels",
            (D10, "A", "B", 350),
            (D10, "A", "C", 450),
            (D10, "A", "X", 30),
            (D10, "B", "A", 150),
            (D10, "B", "B", 40),
            (D11, "A", "B", 120),
            (D11, "C", "A", 60),
        ),
    }


def tiny_plan() -> Tables:
    """Return the reference tables and a valid plan on them."""
    flows = pl.DataFrame(
        [
            (D10, "A", "B", ["A-B"], [D10], D11, 350, 0),
            (D10, "A", "C", ["A-C"], [D10], D12, 400, 0),
            (D10, "A", "C", ["A-B", "B-C"], [D10, D12], D13, 50, 1),
            (D10, "B", "A", ["B-A"], [D10], D11, 150, None),
            (D10, "B", "B", [], [], D10, 40, None),
            (D11, "A", "B", ["A-B"], [D11], D13, 100, 1),
            (D11, "C", "A", ["C-A"], [D11], D12, 60, 0),
        ],
        schema={
            "date": pl.Date,
            "origin_hub_id": pl.String,
            "destination_hub_id": pl.String,
            "path": pl.List(pl.String),
            "departure_dates": pl.List(pl.Date),
            "completed_on": pl.Date,
            "parcels": pl.Int64,
            "late_days": pl.Int64,
        },
        orient="row",
    )
    return reference_tables() | {
        "trunk_flows": flows,
        "trunk_departures": _frame(
            "date lane_id vehicle_type_id departures parcels cost",
            (D10, "A-B", "own-17", 2, 400, 2400.0),
            (D10, "B-A", "own-17", 1, 150, 1200.0),
            (D11, "B-A", "own-17", 1, 0, 1200.0),
            (D10, "A-C", "train", 1, 400, 2700.0),
            (D11, "A-B", "spot-9", 1, 100, 1600.0),
            (D11, "C-A", "spot-9", 1, 60, 2000.0),
            (D12, "B-C", "spot-9", 1, 50, 1200.0),
        ),
        "hub_loads": _frame(
            "date hub_id handled held capacity utilisation",
            (D10, "A", 800, 0, 800, 1.0),
            (D11, "A", 250, 0, 800, 0.3125),
            (D12, "A", 60, 0, 800, 0.075),
            (D10, "B", 190, 0, 350, 190 / 350),
            (D11, "B", 350, 50, 350, 1.0),
            (D12, "B", 50, 0, 350, 50 / 350),
            (D13, "B", 100, 0, 350, 100 / 350),
            (D11, "C", 60, 0, None, None),
            (D12, "C", 400, 0, None, None),
            (D13, "C", 50, 0, None, None),
        ),
        "shortfalls": _frame(
            "date origin_hub_id destination_hub_id parcels reason binding",
            (D10, "A", "X", 30, "X is closed", "hub:X"),
            (D11, "A", "B", 20, "no vehicle", "lane:A-B"),
        ),
        "plan_certificates": _frame(
            "plan status cost lower_bound gap violations parcels_demanded parcels_planned parcels_short parcels_late",
            ("trunk", "shortfalls", COST, 13_000.0, (COST - 13_000.0) / COST, 0, 1200, 1150, 50, 150),
        ),
    }
