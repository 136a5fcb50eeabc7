"""The whole forecast: coherent, honest about short histories, deaf to the future, and able to find a planted sale."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from data.contracts import contract
from data.errors import RadarError
from forecasting.forecast import forecast
from forecasting.history.as_of_view import restrict
from forecasting.inputs import EventPrior, ForecastInputs, ForecastSettings
from forecasting.results import Forecasts
from tests.forecasting.small_networks import START, calendar, network, sale, table

QUICK = ForecastSettings(use_prophet=False, use_trees=False, inner_cutoffs=4)
Row = tuple[dt.date, str, str, str, int]


def day(number: int) -> dt.date:
    return START + dt.timedelta(days=number)


def made(inputs: ForecastInputs, known: int, horizon: int, settings: ForecastSettings = QUICK) -> Forecasts:
    return forecast(inputs, day(known - 1), horizon, settings=settings)


def one_route(parcels: list[int]) -> ForecastInputs:
    rows: list[Row] = [(day(at), "c", "A", "B", count) for at, count in enumerate(parcels)]
    return ForecastInputs(route_volumes=table(rows))


def test_sums_agree_on_every_level_and_tables_keep_their_contracts() -> None:
    inputs = replace(
        network(120), hubs=pl.DataFrame({"hub_id": [f"H{n}" for n in range(3)], "region_id": ["n", "n", "s"]})
    )
    found = made(inputs, 120, 14)
    total = found.network["mean"].sum()
    assert total > 0
    assert found.route["mean"].sum() == total
    for direction in ("out", "in"):
        assert found.hub.filter(pl.col("direction") == direction)["mean"].sum() == total
    by_region = found.region.filter(pl.col("direction") == "out").group_by("region_id").agg(pl.col("mean").sum())
    by_hub = found.hub.filter(pl.col("direction") == "out").group_by("hub_id").agg(pl.col("mean").sum())
    north = by_hub.filter(pl.col("hub_id").is_in(["H0", "H1"]))["mean"].sum()
    assert dict(by_region.iter_rows())["n"] == north
    for name in ("network", "region", "hub", "route"):
        frame = getattr(found, name).with_columns(pl.lit("r").alias("run_id"))
        contract(f"{name}_forecasts").conform(frame)


def test_the_same_seed_gives_the_same_tables() -> None:
    settings = ForecastSettings(use_prophet=False, inner_cutoffs=4)
    inputs = network(150)
    first, second = made(inputs, 150, 7, settings), made(inputs, 150, 7, settings)
    assert first.route.equals(second.route)


def test_a_steady_network_is_forecast_closely() -> None:
    inputs = network(200, seed=3)
    found = made(inputs, 180, 14, ForecastSettings(use_prophet=False, inner_cutoffs=4))
    later = inputs.route_volumes.filter(pl.col("date").is_between(day(180), day(193)))
    truth = later.group_by("date").agg(pl.col("parcels").sum()).sort("date")["parcels"].to_numpy()
    missed = np.abs(found.network["mean"].to_numpy() - truth).sum() / truth.sum()
    assert missed < 0.04


def test_nothing_after_the_as_of_date_is_seen() -> None:
    inputs = network(150)
    planted = inputs.route_volumes.with_columns(
        pl.when(pl.col("date") > day(119)).then(pl.col("parcels") * 50).otherwise(pl.col("parcels")).alias("parcels")
    )
    assert made(inputs, 120, 14).route.equals(made(replace(inputs, route_volumes=planted), 120, 14).route)


def test_the_view_hides_what_happened_later() -> None:
    def at(number: int) -> dt.datetime:
        return dt.datetime(2023, 1, number, 10, tzinfo=dt.UTC)

    waybills = pl.DataFrame(
        {
            "ordered_at": [at(2), at(5)],
            "delivered_at": [at(6), at(7)],
            "status": ["signed", "signed"],
        }
    ).with_columns(pl.col("ordered_at", "delivered_at").cast(pl.Datetime("us", "UTC")))
    seen = restrict(replace(network(10), waybills=waybills), dt.date(2023, 1, 3)).waybills
    assert seen is not None
    assert seen.height == 1
    assert seen["delivered_at"].to_list() == [None]
    assert seen["status"].to_list() == ["in_transit"]


def test_a_planted_sale_is_found_again_a_year_later() -> None:
    peaks = [dt.date(2023, 11, 11), dt.date(2024, 11, 11)]
    factor = dict.fromkeys(peaks, 3.0)
    inputs = network(700, routes=6, factor=factor, events=calendar(*[sale("Double 11", peak) for peak in peaks]))
    known = (dt.date(2024, 11, 4) - START).days + 1
    found = made(inputs, known, 10)
    event = found.network.filter(pl.col("date") == peaks[1])["event"].item()
    assert event == pytest.approx(3.0, rel=0.2)
    other = found.network.filter(pl.col("date") == dt.date(2024, 11, 5))["event"].item()
    assert other == pytest.approx(1.0, abs=0.12)


def mean_day(inputs: ForecastInputs) -> float:
    return float(inputs.route_volumes["parcels"].sum()) / inputs.route_volumes["date"].n_unique()


@pytest.mark.parametrize("ahead", range(1, 8))
def test_a_prior_of_five_is_five_mean_days_on_any_weekday(ahead: int) -> None:
    inputs = network(210, factor={day(at): 0.3 for at in range(6, 210, 7)})
    peak = day(209 + ahead)
    settings = replace(QUICK, event_priors={"Black Friday": EventPrior(5.0)})
    found = made(replace(inputs, events=calendar(sale("Black Friday", peak))), 210, 12, settings).network
    by_day = dict(found.select("date", "mean").iter_rows())
    assert by_day[peak] == pytest.approx(5.0 * mean_day(inputs), rel=0.12)
    shoulder = sum(by_day[peak + dt.timedelta(days=at)] for at in (1, 2, 3)) / 3
    assert shoulder == pytest.approx(2.0 * mean_day(inputs), rel=0.2)


def test_a_planners_prior_reaches_the_forecast_and_its_interval() -> None:
    peak = day(125)
    inputs = network(120, events=calendar(sale("Black Friday", peak)))
    settings = replace(QUICK, event_priors={"Black Friday": EventPrior(5.0)})
    row = made(inputs, 120, 10, settings).network.filter(pl.col("date") == peak).row(0, named=True)
    assert row["mean"] == pytest.approx(5.0 * mean_day(inputs), rel=0.1)
    assert row["q10"] < 0.8 * row["mean"] < 1.2 * row["mean"] < row["q90"]


def test_a_prior_of_no_event_is_named() -> None:
    settings = replace(QUICK, event_priors={"Blak Friday": EventPrior(5.0)})
    found = made(network(60, events=calendar(sale("Black Friday", day(65)))), 60, 10, settings)
    assert any("Blak Friday took no part" in note for note in found.notes)


def changes(*rows: tuple[str, dt.date, str, str, str | None, float | None]) -> pl.DataFrame:
    schema = {
        "change_id": pl.String,
        "date": pl.Date,
        "hub_id": pl.String,
        "change": pl.String,
        "successor_hub_id": pl.String,
        "share": pl.Float64,
    }
    return pl.DataFrame(list(rows), schema=schema, orient="row").with_columns(pl.lit(None, pl.String).alias("reason"))


def test_a_closing_hub_hands_its_parcels_to_its_successors_from_its_date() -> None:
    inputs = network(100, routes=4)
    gone = day(104)
    planned = replace(
        inputs, network_changes=changes(("x", gone, "H0", "closes", "H1", 0.75), ("x", gone, "H0", "closes", "N", 0.25))
    )
    before, after = made(inputs, 100, 10), made(planned, 100, 10)

    def out(found: Forecasts, hub: str, late: bool) -> float:
        rows = found.hub.filter((pl.col("hub_id") == hub) & (pl.col("direction") == "out"))
        return float(rows.filter((pl.col("date") >= gone) == late)["mean"].sum())

    assert out(after, "H0", late=False) == pytest.approx(out(before, "H0", late=False), abs=8)
    assert out(after, "H0", late=True) == 0
    assert out(after, "N", late=True) == pytest.approx(0.25 * out(before, "H0", late=True), rel=0.02)
    assert after.network["mean"].sum() == pytest.approx(before.network["mean"].sum(), rel=0.001)


def test_a_past_change_leaves_its_history_to_the_successor() -> None:
    inputs = network(100, routes=3)
    moved = replace(inputs, network_changes=changes(("x", day(95), "H0", "moves", "N", None)))
    cut = moved.route_volumes.filter((pl.col("date") < day(95)) | (pl.col("origin_hub_id") != "H0"))
    found = made(replace(moved, route_volumes=cut), 100, 7)
    usual = made(inputs, 100, 7).hub.filter((pl.col("hub_id") == "H0") & (pl.col("direction") == "out"))
    heir = found.hub.filter((pl.col("hub_id") == "N") & (pl.col("direction") == "out"))
    assert int(heir["mean"].sum()) > 0.4 * int(usual["mean"].sum())


@pytest.mark.parametrize("days", [1, 7, 27])
def test_short_histories_give_wide_honest_forecasts(days: int) -> None:
    found = made(network(days), days, 7)
    row = found.network.row(0, named=True)
    assert row["mean"] > 0
    assert row["q05"] < row["mean"] < row["q95"]


@pytest.mark.parametrize(
    ("name", "parcels", "expected"),
    [
        ("constant", [40] * 120, 40.0),
        ("one spike", [0] * 60 + [5000] + [0] * 59, 0.0),
        ("dead for long", [50] * 60 + [0] * 60, 0.0),
        ("one week in two", ([30] * 7 + [0] * 7) * 9, 15.0),
    ],
)
def test_single_odd_series(name: str, parcels: list[int], expected: float) -> None:
    steady: list[Row] = [(day(at), "c", "S", "B", 100) for at in range(len(parcels))]
    inputs = ForecastInputs(route_volumes=pl.concat([one_route(parcels).route_volumes, table(steady)]))
    route = made(inputs, len(parcels), 14).route.filter(pl.col("origin_hub_id") == "A")
    assert route.height == 14, name
    assert route["mean"].mean() == pytest.approx(expected, abs=8.0), name


def test_all_zero_is_forecast_as_zero() -> None:
    frame = one_route([1] * 30).route_volumes.with_columns(pl.lit(0, pl.Int64).alias("parcels"))
    assert made(ForecastInputs(route_volumes=frame), 30, 5).network["mean"].sum() == 0


@pytest.mark.parametrize("events", [False, True])
@pytest.mark.parametrize(
    ("parcels", "least", "most"),
    [
        ([40], 1, 400),
        ([40] * 7, 20, 80),
        ([40] * 27, 30, 50),
        ([40] * 120, 38, 42),
        ([0] * 60 + [5000] + [0] * 59, 0, 100),
        ([30] * 20 + [0] * 20 + [30] * 60, 20, 40),
        ([1, 0, 0] * 40, 0, 1),
        ([10**7] * 60, 0.9 * 10**7, 1.1 * 10**7),
    ],
    ids=["a day", "a week", "27 days", "constant", "one spike", "a gap", "a parcel in three days", "huge"],
)
def test_a_network_of_one_odd_series(parcels: list[int], least: float, most: float, events: bool) -> None:
    # Days without parcels are written out, so that the table's dates hold them.
    rows = [(day(at), "c", "A", "B", count + 1) for at, count in enumerate(parcels)]
    inputs = ForecastInputs(route_volumes=table(rows).with_columns(pl.col("parcels") - 1))
    last = len(parcels) + 4
    if events:
        inputs = replace(inputs, events=calendar(sale("Double 11", day(last)), sale("618", day(len(parcels) // 2))))
    settings = ForecastSettings(use_prophet=False, inner_cutoffs=4, event_priors={"Double 11": EventPrior(3.0)})
    found = forecast(inputs, day(len(parcels) - 1), 14, settings=settings)
    assert found.network.height == 14
    assert least <= float(found.network["baseline"].to_numpy().mean()) <= most
    for column in ("mean", "q05", "q95", "baseline", "event"):
        assert np.isfinite(found.network[column].cast(pl.Float64).to_numpy()).all(), column
    # An interval that says nothing can go wrong would be a lie, unless nothing ever came.
    assert (found.network["q05"] <= found.network["mean"]).all()
    assert (found.network["q95"] >= found.network["mean"]).all()
    if least > 0:
        assert (found.network["q95"] > found.network["q05"]).all()


def test_days_never_loaded_do_not_pull_the_forecast_down() -> None:
    inputs = network(120)
    holes = inputs.route_volumes.filter(~pl.col("date").is_between(day(112), day(114)))
    whole = made(inputs, 120, 7).network["mean"].sum()
    assert made(replace(inputs, route_volumes=holes), 120, 7).network["mean"].sum() == pytest.approx(whole, rel=0.06)


def test_a_route_that_starts_yesterday_is_forecast() -> None:
    inputs = network(100)
    young: list[Row] = [(day(99), "c", "NEW", "H4", 300)]
    found = made(replace(inputs, route_volumes=pl.concat([inputs.route_volumes, table(young)])), 100, 7)
    assert found.hub.filter(pl.col("hub_id") == "NEW")["mean"].sum() > 0


def test_an_as_of_date_before_the_data_is_one_clear_sentence() -> None:
    with pytest.raises(RadarError, match="before the first route volumes"):
        forecast(network(30), START - dt.timedelta(days=3), 7)


def test_no_history_is_one_clear_sentence() -> None:
    with pytest.raises(RadarError, match=r"(?i)no route volumes"):
        forecast(ForecastInputs(route_volumes=table([])), START, 7)


def test_volumes_that_end_early_are_bridged_and_it_is_said() -> None:
    found = forecast(network(100), day(105), 5, settings=QUICK)
    assert found.network["date"].to_list() == [day(106 + ahead) for ahead in range(5)]
    assert found.known_until == day(99)
    assert any("bridges" in note for note in found.notes)


def test_a_horizon_past_the_calendar_is_said() -> None:
    inputs = network(60, events=calendar(sale("Double 11", day(20))))
    found = made(inputs, 60, 120)
    assert any("table events ends" in note for note in found.notes)


def test_a_failing_prophet_never_stops_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ImportError("no prophet here")

    monkeypatch.setattr("forecasting.routes.network_path.prophet_path", broken)
    found = made(network(120), 120, 30, replace(QUICK, use_prophet=True))
    assert any("Prophet took no part" in note for note in found.notes)
    assert found.network["mean"].sum() > 0
