"""A future value planted in any table a forecast reads changes no forecast, and a backtest sees none."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import fields, replace

import polars as pl
import pytest

from data.progress import Progress
from forecasting.evaluation.backtest import run_backtest
from forecasting.forecast import forecast
from forecasting.inputs import ForecastInputs, ForecastSettings
from forecasting.merchants.plans import ALL
from forecasting.results import Forecasts
from tests.forecasting.small_networks import START, network

DAYS, KNOWN, HORIZON = 140, 120, 10
AS_OF = START + dt.timedelta(days=KNOWN - 1)
SETTINGS = ForecastSettings(use_prophet=False, use_trees=False, inner_cutoffs=3)
LEVELS = ("network", "region", "hub", "route", "outlet", "merchant")

Plant = Callable[[ForecastInputs], ForecastInputs]


def day(number: int) -> dt.date:
    return START + dt.timedelta(days=number)


def noon(number: int) -> dt.datetime:
    return dt.datetime.combine(day(number), dt.time(12), dt.UTC)


def workspace() -> ForecastInputs:
    """Twelve routes, outlets at both ends, waybills under way, an override: every table with a date has rows on both sides."""
    base = network(DAYS)
    hubs = sorted(set(base.route_volumes["origin_hub_id"]) | set(base.route_volumes["destination_hub_id"]))
    outlets = pl.DataFrame({"outlet_id": [f"O-{hub}" for hub in hubs], "courier_id": "c", "hub_id": hubs})
    sides = (("origin_hub_id", "pickup"), ("destination_hub_id", "delivery"))
    outlet_volumes = pl.concat(
        [
            base.route_volumes.group_by("date", end)
            .agg(pl.col("parcels").sum())
            .select(
                "date",
                pl.format("O-{}", end).alias("outlet_id"),
                pl.lit(direction).alias("direction"),
                "parcels",
            )
            for end, direction in sides
        ]
    )
    routes = base.route_volumes.select("origin_hub_id", "destination_hub_id").unique().sort(pl.all()).rows()
    waybills = pl.DataFrame(
        [
            {
                "waybill_id": f"{number}-{copy}",
                "courier_id": "c",
                "origin_hub_id": routes[copy][0],
                "destination_hub_id": routes[copy][1],
                "ordered_at": noon(number),
                "picked_up_at": noon(number) + dt.timedelta(hours=3),
                "out_for_delivery_at": noon(number + 1 + copy % 2),
                "delivered_at": noon(number + 2 + copy % 3),
                "status": "signed",
                "exception": None,
            }
            for number in range(90, DAYS)
            for copy in range(len(routes))
        ],
        schema_overrides={"exception": pl.String},
    ).with_columns(pl.col(pl.Datetime).dt.cast_time_unit("us"))
    sellers = dict(zip(hubs[:2], ("M1", "M2"), strict=True))
    sales = (
        base.route_volumes.filter(pl.col("origin_hub_id").is_in(list(sellers)))
        .with_columns(
            merchant_id=pl.col("origin_hub_id").replace_strict(sellers),
            category=pl.lit("toys"),
            destination_region_id=pl.col("destination_hub_id").replace_strict(
                {hub: "north" if at % 2 else "south" for at, hub in enumerate(hubs)}
            ),
        )
        .group_by("date", "merchant_id", "category", "destination_region_id")
        .agg((pl.col("parcels").sum() * 0.3).round().cast(pl.Int64).alias("units"))
        .with_columns(parcels=pl.col("units"))
        .sort(pl.all())
    )
    return replace(
        base,
        sales=sales,
        merchants=pl.DataFrame({"merchant_id": ["M1", "M2"], "hub_id": hubs[:2]}),
        hubs=pl.DataFrame({"hub_id": hubs, "region_id": ["north" if at % 2 else "south" for at in range(len(hubs))]}),
        outlets=outlets,
        outlet_volumes=outlet_volumes,
        waybills=waybills,
        overrides=overrides(noon(KNOWN - 10), 1.1),
    )


def overrides(written: dt.datetime, factor: float) -> pl.DataFrame:
    row = {
        "override_id": f"{factor}",
        "level": "network",
        "region_id": None,
        "hub_id": None,
        "courier_id": None,
        "origin_hub_id": None,
        "destination_hub_id": None,
        "outlet_id": None,
        "direction": None,
        "date_from": day(KNOWN),
        "date_to": day(KNOWN + 3),
        "factor": factor,
        "author": "a planner",
        "reason": "a test",
        "created_at": written,
    }
    texts = [name for name, value in row.items() if value is None]
    frame = pl.DataFrame([row], schema_overrides=dict.fromkeys(texts, pl.String))
    return frame.with_columns(pl.col("created_at").dt.cast_time_unit("us"))


def later(column: str = "date") -> pl.Expr:
    return pl.col(column) > AS_OF


def fifty_times(frame: pl.DataFrame) -> pl.DataFrame:
    grown = pl.when(later()).then(pl.col("parcels") * 50).otherwise("parcels")
    return frame.with_columns(grown.alias("parcels"))


def new_route(frame: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([frame, frame.filter(later()).with_columns(pl.lit("NEW").alias("destination_hub_id"))])


def late_outcome(inputs: ForecastInputs) -> ForecastInputs:
    """What was under way on the day comes ten days late, and ends badly."""
    assert inputs.waybills is not None
    end = dt.datetime.combine(day(KNOWN), dt.time(), dt.UTC)
    changes = [
        pl.when(pl.col(name) >= end).then(pl.col(name).dt.offset_by("10d")).otherwise(pl.col(name)).alias(name)
        for name in ("out_for_delivery_at", "delivered_at")
    ]
    lost = pl.when(pl.col("delivered_at") >= end)
    return replace(
        inputs,
        waybills=inputs.waybills.with_columns(
            *changes,
            lost.then(pl.lit("lost")).otherwise("status").alias("status"),
            lost.then(pl.lit("lost")).otherwise("exception").alias("exception"),
        ),
    )


def more_waybills(inputs: ForecastInputs) -> ForecastInputs:
    assert inputs.waybills is not None
    end = dt.datetime.combine(day(KNOWN), dt.time(), dt.UTC)
    ordered = inputs.waybills.filter(pl.col("ordered_at") >= end)
    return replace(
        inputs, waybills=pl.concat([inputs.waybills] + [ordered.with_columns(pl.lit("signed").alias("status"))] * 9)
    )


def later_override(inputs: ForecastInputs) -> ForecastInputs:
    assert inputs.overrides is not None
    return replace(inputs, overrides=pl.concat([inputs.overrides, overrides(noon(KNOWN + 2), 40.0)]))


def later_promotion(inputs: ForecastInputs) -> ForecastInputs:
    """Plant a promotion of the whole network on the days ahead, written down after the as-of date."""
    row = dict.fromkeys(inputs.promotions.columns) | {
        "promotion_id": "later",
        "scope": "network",
        "date_from": AS_OF - dt.timedelta(days=30),
        "date_to": AS_OF + dt.timedelta(days=HORIZON),
        "written_at": dt.datetime.combine(AS_OF + dt.timedelta(days=2), dt.time(), dt.UTC),
    }
    return replace(inputs, promotions=pl.DataFrame([row], schema=inputs.promotions.schema))


def more_sales(inputs: ForecastInputs) -> ForecastInputs:
    grown = [
        pl.when(later()).then(pl.col(name) * 50).otherwise(name).cast(pl.Int64).alias(name)
        for name in ("units", "parcels")
    ]
    return replace(inputs, sales=inputs.sales.with_columns(grown))


def merchant_plan(inputs: ForecastInputs, written: dt.datetime) -> ForecastInputs:
    """A merchant announces nine times its sales for the days ahead."""
    row = dict.fromkeys(inputs.merchant_plans.columns) | {
        "merchant_id": "M1",
        "category": ALL,
        "date_from": AS_OF + dt.timedelta(days=1),
        "date_to": AS_OF + dt.timedelta(days=HORIZON),
        "growth": 8.0,
        "sd": 0.01,
        "written_at": written,
    }
    return replace(inputs, merchant_plans=pl.DataFrame([row], schema=inputs.merchant_plans.schema))


PLANTS: dict[str, Plant] = {
    "route_volumes": lambda inputs: replace(inputs, route_volumes=fifty_times(inputs.route_volumes)),
    "route_volumes, a route not seen before": lambda inputs: replace(
        inputs, route_volumes=new_route(inputs.route_volumes)
    ),
    "outlet_volumes": lambda inputs: replace(inputs, outlet_volumes=fifty_times(inputs.outlet_volumes)),
    "waybills, what became of those under way": late_outcome,
    "waybills, new ones": more_waybills,
    "overrides": later_override,
    "promotions": later_promotion,
    "sales": more_sales,
    "merchant_plans": lambda inputs: merchant_plan(inputs, noon(KNOWN + 2)),
}
WITH_A_PAST = {"route_volumes", "outlet_volumes", "waybills", "overrides", "promotions", "sales", "merchant_plans"}
KNOWN_AHEAD = {"events", "network_changes"}
TIMELESS = {"hubs", "outlets", "lanes", "merchants", "timezone"}


@pytest.fixture(scope="module")
def plain() -> Forecasts:
    return forecast(workspace(), AS_OF, HORIZON, settings=SETTINGS)


@pytest.mark.parametrize("name", PLANTS)
def test_a_forecast_is_the_same_whatever_comes_later(name: str, plain: Forecasts) -> None:
    planted = forecast(PLANTS[name](workspace()), AS_OF, HORIZON, settings=SETTINGS)
    for level in LEVELS:
        table = getattr(plain, level)
        assert table.height > 0, level
        assert getattr(planted, level).equals(table), level


@pytest.mark.parametrize("name", PLANTS)
def test_a_backtest_forecasts_the_same_whatever_comes_later(name: str, plain: Forecasts) -> None:
    seen: list[Forecasts] = []

    def watched(
        inputs: ForecastInputs,
        as_of: dt.date,
        horizon: int,
        *,
        seed: int,
        settings: ForecastSettings,
        progress: Progress,
    ) -> Forecasts:
        seen.append(forecast(inputs, as_of, horizon, seed=seed, settings=settings, progress=progress))
        return seen[-1]

    run_backtest(PLANTS[name](workspace()), [AS_OF], HORIZON, watched, models=["radar"], settings=SETTINGS)
    for level in LEVELS:
        assert getattr(seen[0], level).equals(getattr(plain, level)), level


def test_the_same_values_on_the_days_before_do_change_it(plain: Forecasts) -> None:
    # So that the plants above are known to bite: the same ones where they may be seen.
    early = AS_OF - dt.timedelta(days=20)

    def grown(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(
            pl.when(pl.col("date") > early).then(pl.col("parcels") * 2).otherwise("parcels").alias("parcels")
        )

    base = workspace()
    assert base.overrides is not None
    seen = {
        "route_volumes": replace(base, route_volumes=grown(base.route_volumes)),
        "outlet_volumes": replace(base, outlet_volumes=grown(base.outlet_volumes)),
        "overrides": replace(base, overrides=pl.concat([base.overrides, overrides(noon(KNOWN - 1), 40.0)])),
    }
    for name, inputs in seen.items():
        assert not forecast(inputs, AS_OF, HORIZON, settings=SETTINGS).outlet.equals(plain.outlet), name
    told = forecast(merchant_plan(base, noon(KNOWN - 10)), AS_OF, HORIZON, settings=SETTINGS)
    assert not told.route.equals(plain.route)
    sold = base.sales.with_columns(
        pl.when(pl.col("date") > early).then(pl.col("units") * 2).otherwise("units").alias("units")
    )
    assert not forecast(replace(base, sales=sold), AS_OF, HORIZON, settings=SETTINGS).merchant.equals(plain.merchant)


def test_every_table_a_forecast_reads_is_accounted_for() -> None:
    # Stock and weather are not among them: a forecast cannot see what it is not given.
    assert {field.name for field in fields(ForecastInputs)} == WITH_A_PAST | KNOWN_AHEAD | TIMELESS
    assert {name.partition(",")[0] for name in PLANTS} == WITH_A_PAST
