"""A small network with a forecast, made in memory: what the report tests are fed with."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl

from data.contracts import contract
from reports.forecast_inputs import ForecastInputs, WeatherSeen, summarise_history
from reports.run_facts import RunFacts
from reports.weather_age import WeatherAge

AS_OF = date(2025, 10, 30)
HORIZON = 21
RUN = RunFacts(
    run_id="forecast-0003",
    command="forecast",
    code_version="0.1.0",
    seed=7,
    options={"as_of": "2025-10-30", "horizon": 21},
    tables_read={"route_volumes": 4, "events": 1, "hubs": 2},
    started_at=datetime(2025, 10, 31, 1, 2, 3, tzinfo=UTC),
    ended_at=datetime(2025, 10, 31, 1, 2, 41, tzinfo=UTC),
)
_PLACES = (
    ("HGH", "Hangzhou", 30.27, 120.16, 3.2),
    ("CAN", "Guangzhou", 23.13, 113.26, 3.0),
    ("SHA", "Shanghai", 31.23, 121.47, 2.6),
    ("PEK", "Beijing", 39.90, 116.41, 2.4),
    ("WUH", "Wuhan", 30.59, 114.31, 1.6),
    ("CTU", "Chengdu", 30.57, 104.07, 1.5),
    ("XIY", "Xi'an", 34.34, 108.94, 1.1),
    ("SHE", "Shenyang", 41.80, 123.43, 0.9),
    ("CSX", "Changsha", 28.23, 112.94, 1.0),
    ("KMG", "Kunming", 25.04, 102.72, 0.6),
    ("URC", "Urumqi", 43.83, 87.62, 0.2),
)  # fmt: skip
HUBS = tuple(place[0] for place in _PLACES)
_SPREAD = {"q05": -1.64, "q10": -1.28, "q25": -0.67, "q50": 0.0, "q75": 0.67, "q90": 1.28, "q95": 1.64}


def hubs() -> pl.DataFrame:
    """Eleven hubs; two have no capacity."""
    rows = [
        {
            "hub_id": ident, "name": name, "latitude": latitude, "longitude": longitude,
            "sort_capacity": None if ident in ("KMG", "URC") else int(round(15_600_000 * weight**0.93, -4)),
            "buffer_capacity": 400_000,
            "handling_cost": 0.2,
        }
        for ident, name, latitude, longitude, weight in _PLACES
    ]  # fmt: skip
    return contract("hubs").conform(pl.DataFrame(rows))


def couriers() -> pl.DataFrame:
    """Two couriers."""
    return contract("couriers").conform(pl.DataFrame({"courier_id": ["C1", "C2"], "name": ["Swift", "Steady"]}))


def outlets() -> pl.DataFrame:
    """Thirty outlets over the hubs."""
    rows = [
        {
            "outlet_id": f"O{number:03d}", "name": f"{_PLACES[number % 11][1]} {number // 11 + 1}",
            "courier_id": f"C{number % 2 + 1}", "hub_id": HUBS[number % 11], "delivery_capacity": 45_000 + 400 * number,
        }
        for number in range(30)
    ]  # fmt: skip
    return contract("outlets").conform(pl.DataFrame(rows))


def events() -> pl.DataFrame:
    """Two editions of the shopping season's two waves."""
    rows = [
        {
            "event_id": f"{wave}-{year}", "name": name, "name_zh": chinese, "kind": "shopping",
            "date_from": date(year, 11, first), "date_to": date(year, 11, last), "peak_date": date(year, 11, first),
            "edition": year,
        }
        for year in (2024, 2025)
        for wave, name, chinese, first, last in (
            ("opening", "11.11 opening", "双11开门红", 1, 3),
            ("d11", "Singles' Day 11.11", "双11", 11, 13),
        )
    ]  # fmt: skip
    return contract("events").conform(pl.DataFrame(rows))


def _routes() -> pl.DataFrame:
    rows = [
        {
            "courier_id": courier, "origin_hub_id": a, "destination_hub_id": b,
            "size": 150_000 * weight * other * share,
        }
        for courier, share in (("C1", 0.6), ("C2", 0.4))
        for a, _, _, _, weight in _PLACES
        for b, _, _, _, other in _PLACES
        if not (a == "URC" and b == "URC")
    ]  # fmt: skip
    return pl.DataFrame(rows)


def route_volumes(days: int = 430) -> pl.DataFrame:
    """History with a weekly cycle, growth and last year's peaks; the route C2 URC-KMG opens three weeks ago."""
    first = AS_OF - timedelta(days=days - 1)
    dates = [first + timedelta(days=number) for number in range(days)]
    level = [
        (1 + 0.25 * number / days) * (1 + 0.08 * np.sin(day.weekday())) * _event(day, 2024)
        for number, day in enumerate(dates)
    ]
    grid = _routes().join(pl.DataFrame({"date": dates, "level": level}), how="cross")
    young = (
        (pl.col("courier_id") == "C2") & (pl.col("origin_hub_id") == "URC") & (pl.col("destination_hub_id") == "KMG")
    )
    grid = grid.filter(~young | (pl.col("date") > AS_OF - timedelta(days=21)))
    return contract("route_volumes").conform(
        grid.select(
            "date", "courier_id", "origin_hub_id", "destination_hub_id",
            (pl.col("size") * pl.col("level")).round().cast(pl.Int64).alias("parcels"),
        )
    )  # fmt: skip


def _event(day: date, year: int) -> float:
    away = (day - date(year, 11, 1)).days
    if 0 <= away < 4:
        return (1.55, 1.45, 1.3, 1.15)[away]
    away = (day - date(year, 11, 11)).days
    if 0 <= away < 6:
        return (2.1, 2.3, 1.9, 1.6, 1.35, 1.15)[away]
    return 1.0


def _with_intervals(frame: pl.DataFrame, spread: float) -> pl.DataFrame:
    mean = pl.col("mean")
    return frame.with_columns(
        pl.lit("forecast-0003").alias("run_id"),
        pl.lit(AS_OF).alias("as_of"),
        pl.lit(1.0).alias("override"),
        *[(mean * np.exp(z * spread)).round().cast(pl.Int64).alias(name) for name, z in _SPREAD.items()],
        (mean / (pl.col("event") * pl.col("weather"))).alias("baseline"),
    )


def route_forecasts() -> pl.DataFrame:
    """Forecasts of every route; growth differs by destination, weather slows the north for three days."""
    dates = [AS_OF + timedelta(days=number + 1) for number in range(HORIZON)]
    calendar = pl.DataFrame(
        {
            "date": dates,
            "event": [_event(day, 2025) for day in dates],
            "week": [1.25 * (1 + 0.08 * np.sin(day.weekday())) for day in dates],
        }
    )
    north = pl.col("destination_hub_id").is_in(["PEK", "SHE"])
    storm = pl.col("date").is_between(date(2025, 11, 11), date(2025, 11, 13))
    rising = {ident: 0.9 + 0.04 * number for number, ident in enumerate(HUBS)}
    grid = (
        _routes()
        .join(calendar, how="cross")
        .with_columns(pl.when(north & storm).then(0.86).otherwise(1.0).alias("weather"))
        .with_columns(
            (
                pl.col("size") * pl.col("week") * pl.col("event") * pl.col("weather")
                * pl.col("destination_hub_id").replace_strict(rising)
            ).round().cast(pl.Int64).alias("mean")
        )
    )  # fmt: skip
    return _conformed("route_forecasts", _with_intervals(grid, 0.14))


def _sum_up(key: list[str], spread: float, frame: pl.DataFrame) -> pl.DataFrame:
    calm = pl.col("baseline")
    summed = (
        frame.group_by(key)
        .agg(
            pl.col("mean").sum(),
            ((calm * pl.col("event")).sum() / calm.sum()).alias("event"),
            (pl.col("mean").sum() / (calm * pl.col("event")).sum()).alias("weather"),
        )
        .sort(key)
    )
    return _with_intervals(summed, spread)


def network_forecasts() -> pl.DataFrame:
    """Sums of the routes by day."""
    return _conformed("network_forecasts", _sum_up(["date"], 0.07, route_forecasts()))


def hub_forecasts() -> pl.DataFrame:
    """Sums of the routes by day, hub and direction."""
    routes = route_forecasts()
    sides = [
        _sum_up(["date", column], 0.1, routes).rename({column: "hub_id"}).with_columns(pl.lit(side).alias("direction"))
        for side, column in (("out", "origin_hub_id"), ("in", "destination_hub_id"))
    ]
    return _conformed("hub_forecasts", pl.concat(sides))


def outlet_forecasts() -> pl.DataFrame:
    """Deliveries of thirty outlets."""
    days = network_forecasts().select("date", "event", "weather", pl.col("mean") / 3200)
    grid = outlets().select("outlet_id").with_row_index("number").join(days, how="cross")
    grid = grid.with_columns(
        (pl.col("mean") * (0.7 + 0.02 * pl.col("number"))).round().cast(pl.Int64).alias("mean"),
        pl.lit("delivery").alias("direction"),
    )
    return _conformed("outlet_forecasts", _with_intervals(grid, 0.16))


def backtest_scores() -> pl.DataFrame:
    """Scores of two models on two dates."""
    rows = [
        {
            "run_id": "backtest-0001", "level": level, "model": model, "as_of": as_of, "lead_days": lead, "window": window,
            "accuracy": best - loss - (0.08 if model == "seasonal_naive" else 0.0), "bias": 0.012 - loss,
            "mase": 0.71 + (0.3 if model == "seasonal_naive" else 0.0), "weighted_quantile_loss": 0.061,
            "coverage_80": 0.79, "coverage_90": 0.91,
        }
        for level, best in (("network", 0.956), ("hub/out", 0.921), ("route/10-100", 0.704), ("route/1k-10k", 0.874), ("route/10k+", 0.9), ("route_weekly", 0.91))
        for model in ("radar", "seasonal_naive")
        for as_of in (date(2024, 10, 30), date(2025, 5, 31))
        for lead, loss in (("1-7", 0.0), ("8-14", 0.03))
        for window in ("all", "normal")
    ]  # fmt: skip
    return contract("backtest_scores").conform(pl.DataFrame(rows))


def network_changes() -> pl.DataFrame:
    """Kunming's hub counts as opening inside the horizon."""
    row = {"change_id": "n1", "date": date(2025, 11, 5), "hub_id": "KMG", "change": "opens"}
    return contract("network_changes").conform(pl.DataFrame([row]))


def forecast_inputs() -> ForecastInputs:
    """Everything the forecast report can be given."""
    return ForecastInputs(
        run=RUN,
        network=network_forecasts(),
        hubs_ahead=hub_forecasts(),
        routes_ahead=route_forecasts(),
        outlets_ahead=outlet_forecasts(),
        hubs=hubs(),
        outlets=outlets(),
        couriers=couriers(),
        events=events(),
        network_changes=network_changes(),
        scores=backtest_scores(),
        scores_run="backtest-0001",
        history=summarise_history(route_volumes(), AS_OF),
        weather=weather_seen(),
    )


def weather_seen() -> WeatherSeen:
    """Snow in the north by a forecast of the evening before; of the last days nothing is known."""
    from tests.reports.plan_frames import lane_weather, lanes, warnings

    snowed = outlets().filter(pl.col("hub_id").is_in(["PEK", "SHE"])).select("outlet_id")
    rows = lane_weather().drop("lane_id").unique(maintain_order=True).join(snowed, how="cross")
    return WeatherSeen(
        lane_weather=lane_weather(),
        outlet_weather=contract("outlet_weather").conform(rows),
        warnings=warnings(),
        lanes=lanes(),
        age=WeatherAge(datetime(2025, 10, 31, 12, tzinfo=UTC), datetime(2025, 10, 31, 16, tzinfo=UTC)),
    )


def _conformed(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    table = contract(name)
    return table.conform(frame.select(*table.polars_schema)).sort(table.keys)
