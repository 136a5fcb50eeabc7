"""Seeded forecasts whose tables must not change while code is only moved or renamed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl

from benchmarks.forecast.cases import china
from forecasting.evaluation.backtest import run_backtest
from forecasting.forecast import forecast
from forecasting.inputs import EventPrior, ForecastInputs, ForecastSettings
from forecasting.results import Forecasts

D = dt.date
SEED = 7
PLAIN = ForecastSettings(use_prophet=False)
Tables = Mapping[str, pl.DataFrame]


def forecast_cases(shared: Path) -> dict[str, Callable[[], Tables]]:
    """Return each case by its name: a call gives the tables to compare.

    Parameters
    ----------
    shared
        Folder of the real data, as the tests have it.
    """
    inputs = china(shared)
    priors = ForecastSettings(event_priors={"618": EventPrior(2.0)})
    bare = ForecastSettings(use_prophet=False, use_trees=False)
    return {
        "forecast, a quiet month": lambda: tables_of(forecast(inputs, D(2021, 9, 5), 28, SEED, ForecastSettings())),
        "forecast, a sale with a prior": lambda: tables_of(forecast(inputs, D(2022, 5, 29), 28, SEED, priors)),
        "forecast, changes and overrides": lambda: tables_of(
            forecast(_changed(inputs), D(2022, 8, 14), 21, SEED, PLAIN)
        ),
        "forecast, volumes end early": lambda: tables_of(
            forecast(_ending(inputs, D(2022, 8, 11)), D(2022, 8, 14), 14, SEED, PLAIN)
        ),
        "forecast, levels alone": lambda: tables_of(forecast(inputs, D(2022, 3, 20), 28, SEED, bare)),
        "backtest": lambda: _backtest(inputs),
    }


def tables_of(forecasts: Forecasts) -> Tables:
    """Return the five tables of a forecast."""
    names = ("network", "region", "hub", "route", "outlet")
    return {name: getattr(forecasts, name) for name in names}


def _backtest(inputs: ForecastInputs) -> Tables:
    settings = replace(PLAIN, inner_cutoffs=4)
    shown = run_backtest(inputs, [D(2022, 3, 6), D(2022, 8, 1)], 14, forecast, seed=SEED, settings=settings)
    return {name: getattr(shown, name) for name in ("scores", "causes", "breaks", "notes")}


def _ending(inputs: ForecastInputs, last: dt.date) -> ForecastInputs:
    return replace(inputs, route_volumes=inputs.route_volumes.filter(pl.col("date") <= last))


def _changed(inputs: ForecastInputs) -> ForecastInputs:
    """A hub closes into two, one moves to a new hub ahead, one closed without successor; planners correct three parts."""
    sizes = inputs.route_volumes.group_by("origin_hub_id").agg(pl.col("parcels").sum())
    hubs = sizes.sort("parcels", "origin_hub_id", descending=[True, False])["origin_hub_id"].to_list()
    changes = pl.DataFrame(
        [
            ("c1", D(2022, 8, 10), hubs[3], "closes", hubs[1], 0.6, None),
            ("c1", D(2022, 8, 10), hubs[3], "closes", hubs[2], 0.4, None),
            ("c2", D(2022, 8, 20), hubs[5], "moves", "NEW1", 1.0, None),
            ("c3", D(2022, 7, 1), hubs[8], "closes", None, None, None),
        ],
        schema=["change_id", "date", "hub_id", "change", "successor_hub_id", "share", "reason"],
        orient="row",
    ).cast({"reason": pl.String})
    places = ("region_id", "hub_id", "outlet_id", "origin_hub_id", "destination_hub_id", "courier_id", "direction")
    parts = [
        ("o1", "hub", 1.3, {"hub_id": hubs[0], "direction": "out"}),
        ("o2", "route", 0.5, {"origin_hub_id": hubs[1]}),
        ("o3", "network", 1.1, {}),
    ]
    rows = [
        {"override_id": name, "level": level, "factor": factor, **{place: where.get(place) for place in places}}
        for name, level, factor, where in parts
    ]
    overrides = pl.DataFrame(rows, schema_overrides=dict.fromkeys(places, pl.String)).with_columns(
        pl.lit(D(2022, 8, 16)).alias("date_from"),
        pl.lit(D(2022, 8, 22)).alias("date_to"),
        pl.lit("planner").alias("author"),
        pl.lit("a case").alias("reason"),
        pl.lit(dt.datetime(2022, 8, 1, tzinfo=dt.UTC)).alias("created_at"),
    )
    return replace(inputs, network_changes=changes, overrides=overrides)
