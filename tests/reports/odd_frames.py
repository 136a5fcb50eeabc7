"""Inputs that stretch a page: long Chinese names, two thousand outlets, closings found, an empty plan, one the clock cut short."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl

from data.closings import Closing
from data.contracts import contract
from reports.forecast_inputs import ForecastInputs
from reports.plan_inputs import PlanInputs
from tests.reports import frames, plan_frames

LONG = "华东第一区域自动化分拣转运中心暨航空货运集散枢纽（二期扩建工程临时场地）"
OUTLETS = 2000
CUT = "time limit: 1,204,311 of 9,000,000 moves made, 3 of 40 neighbourhoods made, annealing and fixes of shortfalls cut short"


def odd_forecast() -> ForecastInputs:
    """Everything named at length, 2,000 outlets, and closings of all kinds."""
    inputs = frames.forecast_inputs()
    numbers = pl.int_range(OUTLETS)
    outlets = pl.concat([inputs.outlets] * (OUTLETS // inputs.outlets.height + 1)).head(OUTLETS)
    outlets = outlets.with_columns(outlet_id=pl.format("O{}", numbers), name_zh=pl.format(LONG + "{}", numbers))
    ahead = inputs.outlets_ahead.filter(pl.col("outlet_id") == inputs.outlets["outlet_id"][0]).drop("outlet_id")
    many = outlets.select("outlet_id").join(ahead, how="cross").select(inputs.outlets_ahead.columns)
    return replace(
        inputs,
        hubs=_named(inputs.hubs),
        outlets=outlets,
        outlets_ahead=many,
        couriers=_named(inputs.couriers),
        closings=closings(),
    )


def closings() -> tuple[Closing, ...]:
    """A hub that is shut, one that was, a route that is, and one that opened."""
    return (
        Closing("closes", "SHA", "", "", None, date(2025, 10, 20), None, 0.213, 10),
        Closing("closes", "PEK", "", "", "in", date(2025, 9, 1), date(2025, 9, 8), 0.081, 8),
        Closing("closes", "", "SHA", "PEK", None, date(2025, 10, 24), None, 0.02, 6),
        Closing("opens", "KMG", "", "", "out", date(2025, 10, 15), None, 0.012, 15),
    )


def odd_plan() -> PlanInputs:
    """Long names, weather with a long cause, parcels short, and a search the clock ended."""
    inputs = plan_frames.plan_inputs()
    return replace(
        inputs,
        hubs=_named(inputs.hubs),
        vehicle_types=_named(inputs.vehicle_types),
        certificates=inputs.certificates.with_columns(ended_by=pl.lit(CUT)),
        lane_weather=inputs.lane_weather.with_columns(
            cause=pl.lit("snow 2.1 mm/h near 38.04, 114.51 at 11-11 02:00"), severity=pl.lit("red")
        ),
    )


def empty_plan() -> PlanInputs:
    """A plan of days on which nothing is to be carried."""
    inputs = plan_frames.plan_inputs()
    nothing = {"parcels_demanded": 0, "parcels_planned": 0, "parcels_short": 0}
    row = {
        "run_id": inputs.run.run_id,
        "plan": "trunk",
        "status": "optimal",
        "cost": 0.0,
        "lower_bound": 0.0,
        "gap": 0.0,
    }
    certificate = contract("plan_certificates").conform(
        pl.DataFrame([row | nothing | {"violations": 0, "ended_by": "effort"}])
    )
    empty = {
        name: contract(name).empty()
        for name in ("trunk_departures", "trunk_flows", "hub_loads", "shortfalls", "lane_weather")
    }
    return replace(
        inputs,
        certificates=certificate,
        departures=empty["trunk_departures"],
        flows=empty["trunk_flows"],
        hub_loads=empty["hub_loads"],
        shortfalls=empty["shortfalls"],
        lane_weather=empty["lane_weather"],
        hub_prices=None,
        capacity_needs=contract("capacity_needs").empty(),
    )


def _named(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(name_zh=pl.format(LONG + "{}", pl.int_range(pl.len())))
