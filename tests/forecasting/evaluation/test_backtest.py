from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from data.errors import RadarError
from data.progress import Progress
from forecasting.evaluation.backtest import run_backtest
from forecasting.forecast import forecast
from forecasting.inputs import ForecastInputs, ForecastSettings
from forecasting.results import Forecasts

FIRST = dt.date(2025, 1, 6)
QUICK = ForecastSettings(use_prophet=False, use_trees=False, inner_cutoffs=2)


def volumes(days: int = 140, seed: int = 0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    week = np.array([1.0, 1.1, 1.0, 1.0, 0.9, 0.7, 0.6])
    frames = []
    for origin, destination, level in (("A", "B", 200.0), ("B", "A", 80.0), ("A", "C", 12.0), ("C", "B", 0.5)):
        parcels = random.poisson(level * np.resize(week, days))
        dates = [FIRST + dt.timedelta(days=at) for at in range(days)]
        frame = pl.DataFrame({"date": dates, "parcels": parcels})
        frames.append(
            frame.with_columns(
                courier_id=pl.lit("c"), origin_hub_id=pl.lit(origin), destination_hub_id=pl.lit(destination)
            )
        )
    table = pl.concat(frames).with_columns(pl.col("parcels").cast(pl.Int64))
    return table.select("date", "courier_id", "origin_hub_id", "destination_hub_id", "parcels")


def inputs(table: pl.DataFrame) -> ForecastInputs:
    hubs = pl.DataFrame({"hub_id": ["A", "B", "C"], "region_id": ["east", "west", None]})
    return ForecastInputs(route_volumes=table, hubs=hubs)


class Watched:
    """The real forecast, and what it was shown."""

    def __init__(self) -> None:
        self.shown: list[ForecastInputs] = []

    def __call__(
        self,
        inputs: ForecastInputs,
        as_of: dt.date,
        horizon: int,
        *,
        seed: int,
        settings: ForecastSettings,
        progress: Progress,
    ) -> Forecasts:
        self.shown.append(inputs)
        return forecast(inputs, as_of, horizon, seed=seed, settings=settings, progress=progress)


AS_OF = [FIRST + dt.timedelta(days=90), FIRST + dt.timedelta(days=104)]


def test_every_level_and_model_is_scored_with_the_naive_ones_beside() -> None:
    found = run_backtest(inputs(volumes()), AS_OF, 14, forecast, models=["radar"], settings=QUICK)
    scores = found.scores.filter(pl.col("lead_days") == "1-14", pl.col("window") == "all")
    assert set(scores["model"]) == {"radar", "seasonal_naive", "day_of_week_mean"}
    for level in ("network", "region/out", "region/in", "hub/out", "hub/in", "route", "route_weekly"):
        assert scores.filter(level=level, model="radar").height == 2
    best = scores.filter(level="network").group_by("model").agg(pl.col("accuracy").mean())
    assert best.filter(model="radar")["accuracy"][0] > best.filter(model="seasonal_naive")["accuracy"][0]
    covered = scores.filter(level="route", model="radar")
    assert covered["coverage_90"].min() > 0.75  # type: ignore[operator]
    assert covered["width_90"].null_count() == 0
    assert found.causes.filter(known="nothing")["accuracy"].to_list() == pytest.approx(
        covered.sort("as_of")["accuracy"].to_list()
    )


def test_a_planted_future_is_not_seen() -> None:
    table = volumes()
    watched = Watched()
    plain = run_backtest(inputs(table), AS_OF[:1], 14, watched, models=["radar"], settings=QUICK)
    planted = table.with_columns(
        pl.when(pl.col("date") > AS_OF[0]).then(pl.col("parcels") * 50).otherwise(pl.col("parcels")).alias("parcels")
    )
    again = Watched()
    other = run_backtest(inputs(planted), AS_OF[:1], 14, again, models=["radar"], settings=QUICK)
    assert again.shown[0].route_volumes.equals(watched.shown[0].route_volumes)
    assert watched.shown[0].route_volumes["date"].max() == AS_OF[0]
    ratio = other.scores.filter(level="network", window="all")["bias"] + 1
    assert ratio.to_list() == pytest.approx(
        ((plain.scores.filter(level="network", window="all")["bias"] + 1) / 50).to_list()
    )


def test_a_route_that_opens_in_the_window_counts_as_missed() -> None:
    table = volumes()
    opened = table.filter(pl.col("origin_hub_id") == "A", pl.col("destination_hub_id") == "B")
    opened = opened.filter(pl.col("date") > AS_OF[0]).with_columns(destination_hub_id=pl.lit("D"))
    without = run_backtest(inputs(table), AS_OF[:1], 7, forecast, models=["radar"], settings=QUICK)
    missed = run_backtest(inputs(pl.concat([table, opened])), AS_OF[:1], 7, forecast, models=["radar"], settings=QUICK)
    here = {"level": "route", "model": "radar", "lead_days": "1-7", "window": "all"}
    assert missed.scores.filter(**here)["parcels"][0] > without.scores.filter(**here)["parcels"][0]
    assert missed.scores.filter(**here)["bias"][0] < -0.3


def test_a_hub_that_changed_in_the_window_is_told_unless_it_was_announced() -> None:
    later = pl.col("date") > AS_OF[0] + dt.timedelta(days=3)
    moved = volumes().with_columns(
        pl.when(later & (pl.col("destination_hub_id") == "B"))
        .then(pl.lit("C"))
        .otherwise("destination_hub_id")
        .alias("destination_hub_id")
    )
    moved = moved.group_by("date", "courier_id", "origin_hub_id", "destination_hub_id").agg(pl.col("parcels").sum())
    found = run_backtest(inputs(moved), AS_OF[:1], 14, forecast, models=["radar"], settings=QUICK).breaks
    assert sorted(found.filter(direction="in")["hub_id"]) == ["B", "C"]
    assert found.filter(hub_id="B")["date_from"].to_list() == [AS_OF[0] + dt.timedelta(days=4)]
    change = {"change_id": "x", "date": AS_OF[0] + dt.timedelta(days=4), "hub_id": "B", "change": "moves"}
    change |= {"successor_hub_id": "C", "share": 1.0, "reason": "told"}
    told = replace(inputs(moved), network_changes=pl.DataFrame([change]))
    assert run_backtest(told, AS_OF[:1], 14, forecast, models=["radar"], settings=QUICK).breaks.is_empty()


def test_members_are_scored_by_name_and_unknown_ones_named() -> None:
    found = run_backtest(inputs(volumes()), AS_OF[:1], 7, forecast, settings=QUICK)
    assert {"radar", "tsb", "adida", "seasonal_naive"} <= set(found.scores["model"])
    with pytest.raises(RadarError, match="model oracle"):
        run_backtest(inputs(volumes()), AS_OF[:1], 7, forecast, models=["oracle"], settings=QUICK)


@pytest.mark.parametrize("as_of", [FIRST - dt.timedelta(days=1), FIRST + dt.timedelta(days=135)])
def test_a_date_without_past_or_future_is_refused(as_of: dt.date) -> None:
    with pytest.raises(RadarError, match="with 14 days ahead"):
        run_backtest(inputs(volumes()), [as_of], 14, forecast, settings=QUICK)
    with pytest.raises(RadarError, match="No route volumes"):
        run_backtest(inputs(volumes().clear()), [as_of], 14, forecast, settings=QUICK)


@pytest.mark.slow
def test_real_routes_beat_the_naive_ones(shared: Path) -> None:
    file = shared / "real" / "mathorcup-2023c" / "route_volumes_2021-01_2022-09.csv.gz"
    names = {"场地1": "origin_hub_id", "场地2": "destination_hub_id", "日期": "date", "货量": "parcels"}
    table = pl.read_csv(file, try_parse_dates=True).rename(names).with_columns(courier_id=pl.lit("c"))
    dates = [dt.date(2022, 3, 20), dt.date(2022, 4, 20), dt.date(2022, 8, 20)]
    found = run_backtest(ForecastInputs(route_volumes=table), dates, 14, forecast, models=["radar"])
    whole = found.scores.filter(pl.col("lead_days") == "1-14", pl.col("window") == "all")
    mean = whole.group_by("level", "model").agg(pl.col("accuracy").mean())
    for level in ("network", "hub/out", "hub/in", "route"):
        of = dict(mean.filter(level=level).select("model", "accuracy").iter_rows())
        assert of["radar"] > of["day_of_week_mean"]
        assert of["radar"] > of["seasonal_naive"]
