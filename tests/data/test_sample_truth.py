"""The sample looks like a courier network, and its truth is what made it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from data.calendar import build_calendar
from data.contracts import contract
from data.sample.make import Sample
from data.sample.places import CITY_SHARE, PLACES, all_cities
from data.sample.scale import AS_OF, FIRST_DAY, SCALES
from tests.data.regions import locate_regions
from tests.data.sample_checks import small_sample


@pytest.fixture(scope="module")
def sample() -> Sample:
    return small_sample()


@pytest.fixture(scope="module")
def daily(sample: Sample) -> dict[date, int]:
    volumes = pl.concat([sample.tables["route_volumes"], sample.truth.future_volumes])
    return dict(volumes.group_by("date").agg(pl.col("parcels").sum()).sort("date").iter_rows())


def _mean(daily: dict[date, int], first: date, days: int) -> float:
    return float(np.mean([daily[first + timedelta(days=number)] for number in range(days)]))


def test_parcels_start_where_the_bulletins_say() -> None:
    cities = all_cities()
    zones = dict(cities.group_by("zone").agg(pl.col("send").sum()).iter_rows())
    for zone, share in PLACES.zone_share.items():
        assert zones[zone] == pytest.approx(share, abs=0.01)
    assert cities["send"].head(len(CITY_SHARE)).sum() == pytest.approx(0.462, abs=0.015)
    provinces = cities.group_by("province_id").agg(pl.col("send").sum()).sort("send", descending=True)
    assert provinces["province_id"].head(5).to_list() == ["CN-GD", "CN-ZJ", "CN-JS", "CN-HE", "CN-SD"]
    assert cities.head(2)["name"].to_list() == ["Jinhua", "Guangzhou"]


def test_hubs_send_and_receive_their_share_of_the_country(sample: Sample) -> None:
    """The provinces' shares of parcels sent, within the sample's own provinces, hold on the routes too."""
    recent = sample.tables["route_volumes"].filter(pl.col("date") > date(2025, 8, 1))
    region = sample.tables["hubs"].select("hub_id", "region_id")
    sent = (
        recent.join(region, left_on="origin_hub_id", right_on="hub_id")
        .group_by("region_id")
        .agg(pl.col("parcels").sum())
    )
    shares = dict(sent.select("region_id", pl.col("parcels") / pl.col("parcels").sum()).iter_rows())
    cities = all_cities().filter(pl.col("province_id").is_in(list(shares)))
    told = dict(cities.group_by("province_id").agg(pl.col("send").sum() / cities["send"].sum()).iter_rows())
    assert max(shares, key=lambda name: shares[name]) == "CN-GD"
    for province in ("CN-GD", "CN-ZJ", "CN-BJ"):
        assert shares[province] == pytest.approx(told[province], rel=0.4)


def test_a_normal_day_carries_what_the_scale_says(daily: dict[date, int]) -> None:
    assert _mean(daily, AS_OF - timedelta(days=41), 28) == pytest.approx(SCALES["small"].parcels_per_day, rel=0.06)


def test_the_season_has_two_humps_that_grow(daily: dict[date, int]) -> None:
    ratios = []
    for year in (2023, 2024, 2025):
        normal = _mean(daily, date(year, 10, 10), 14)
        opening = max(daily[date(year, 11, day)] for day in (1, 2))
        main = max(daily[date(year, 11, day)] for day in (11, 12))
        between = daily[date(year, 11, 9)]
        assert between < 0.7 * opening
        assert between < 0.7 * main
        assert 1.5 < main / normal < 2.8
        ratios.append((opening / normal, main))
    assert ratios[0][0] < ratios[2][0]
    assert ratios[0][1] < ratios[1][1] < ratios[2][1]


@pytest.mark.parametrize("year", [2024, 2025])
def test_the_lunar_new_year_is_a_trough(daily: dict[date, int], year: int) -> None:
    feasts = build_calendar("CN", year, year).filter(pl.col("name") == "Chinese New Year")
    first_day: date = feasts["peak_date"].item()
    assert daily[first_day + timedelta(days=1)] < 0.35 * _mean(daily, first_day - timedelta(days=45), 14)


def test_few_routes_carry_most_and_many_rest(sample: Sample) -> None:
    volumes = sample.tables["route_volumes"]
    keys = ["courier_id", "origin_hub_id", "destination_hub_id"]
    routes = volumes.group_by(keys).agg(
        pl.col("parcels").sum(),
        pl.len().alias("days"),
        pl.col("date").min().alias("first"),
        pl.col("date").max().alias("last"),
    )
    parcels = np.sort(routes["parcels"].to_numpy())
    assert parcels[-(routes.height // 10) :].sum() / parcels.sum() > 0.55
    a_day = volumes.group_by("date").len()["len"].mean()
    assert isinstance(a_day, float)
    assert 0.3 < a_day / routes.height < 0.7
    assert (routes["first"] > FIRST_DAY + timedelta(days=60)).mean() > 0.2  # type: ignore[operator]
    assert (routes["last"] < AS_OF - timedelta(days=60)).mean() > 0.15  # type: ignore[operator]


def test_hubs_open_and_close_on_their_day(sample: Sample) -> None:
    volumes = sample.tables["route_volumes"]
    changes = sample.tables["network_changes"]
    assert set(changes["change"]) == {"opens", "closes", "moves"}
    for row in changes.iter_rows(named=True):
        touched = volumes.filter(
            (pl.col("origin_hub_id") == row["hub_id"]) | (pl.col("destination_hub_id") == row["hub_id"])
        )
        if row["change"] == "opens":
            assert touched["date"].min() == row["date"]
        if row["change"] == "closes":
            assert touched["date"].max() == row["date"] - timedelta(days=1)
    shares = changes.filter(pl.col("change") == "closes").group_by("hub_id").agg(pl.col("share").sum())["share"]
    assert shares.to_list() == pytest.approx([1.0] * shares.len())


def test_the_successor_of_a_closed_hub_takes_its_volume(sample: Sample) -> None:
    closes = sample.tables["network_changes"].filter(pl.col("change") == "closes").sort("share").row(-1, named=True)
    received = sample.tables["route_volumes"].group_by("date", "destination_hub_id").agg(pl.col("parcels").sum())

    def mean(hub: str, first: date) -> float:
        rows = received.filter(
            (pl.col("destination_hub_id") == hub) & pl.col("date").is_between(first, first + timedelta(days=20))
        )
        return float(rows["parcels"].sum()) / 21.0

    before, after = closes["date"] - timedelta(days=21), closes["date"]
    gained = mean(closes["successor_hub_id"], after) - mean(closes["successor_hub_id"], before)
    assert gained == pytest.approx(float(closes["share"]) * mean(closes["hub_id"], before), rel=0.5)


def test_the_day_factors_explain_the_network(sample: Sample, daily: dict[date, int]) -> None:
    factors = sample.truth.day_factors
    told = factors.select(
        "date",
        level=pl.col("growth")
        * pl.col("season")
        * pl.col("weekday")
        * pl.col("holiday")
        * pl.col("noise")
        * (1 + pl.col("excess")),
    )
    assert told.height == len(daily)
    residual = np.log([daily[day] for day in told["date"]]) - np.log(told["level"].to_numpy())
    assert float(np.std(residual)) < 0.10
    waves = factors.select(pl.sum_horizontal(pl.col("^wave: .*$")))
    assert waves.to_series().to_list() == pytest.approx(factors["excess"].to_list())


def test_snow_holds_back_what_the_truth_says(sample: Sample) -> None:
    """Of the blizzard's worst hub-day, against what hubs without weather send on it and on a clear day after it."""
    factors = sample.truth.weather_factors.filter(pl.col("date").is_between(date(2025, 11, 10), date(2025, 11, 13)))
    worst = factors.sort("out").row(0, named=True)
    assert worst["out"] < 0.85
    clear = date(2025, 11, 24)
    fair = set(sample.truth.weather_factors.filter(pl.col("date").is_in([worst["date"], clear]))["hub_id"])
    volumes = sample.truth.future_volumes.filter(
        ~pl.col("destination_hub_id").is_in(sorted(fair)), pl.col("origin_hub_id") != pl.col("destination_hub_id")
    )

    def sent(day: date, of: pl.Expr) -> int:
        return int(volumes.filter(of, pl.col("date") == day)["parcels"].sum())

    here, elsewhere = pl.col("origin_hub_id") == worst["hub_id"], ~pl.col("origin_hub_id").is_in(sorted(fair))
    ratio = sent(worst["date"], here) / sent(clear, here)
    usual = sent(worst["date"], elsewhere) / sent(clear, elsewhere)
    assert ratio / usual == pytest.approx(worst["out"], rel=0.3)


def test_the_future_starts_the_day_after_and_keeps_the_contract(sample: Sample) -> None:
    future = sample.truth.future_volumes
    contract("route_volumes").conform(future)
    assert future["date"].min() == AS_OF + timedelta(days=1)
    assert future["date"].max() == date(2025, 11, 30)


def test_a_normal_day_is_easy_and_the_peak_binds_some_hubs(sample: Sample) -> None:
    volumes = pl.concat([sample.tables["route_volumes"], sample.truth.future_volumes])
    capacity = sample.tables["hubs"].select("hub_id", "sort_capacity").filter(pl.col("sort_capacity") > 0)

    def utilisation(day: date) -> pl.Series:
        rows = volumes.filter(pl.col("date") == day)
        away = rows.filter(pl.col("origin_hub_id") != pl.col("destination_hub_id"))
        load = pl.concat(
            [
                rows.select(pl.col("destination_hub_id").alias("hub_id"), "parcels"),
                away.select(pl.col("origin_hub_id").alias("hub_id"), "parcels"),
            ]
        )
        sums = load.group_by("hub_id").agg(pl.col("parcels").sum())
        return capacity.join(sums, on="hub_id").select(pl.col("parcels") / pl.col("sort_capacity")).to_series()

    assert utilisation(date(2025, 10, 21)).max() < 0.75  # type: ignore[operator]
    assert utilisation(date(2025, 11, 11)).max() > 0.85  # type: ignore[operator]


def test_waybills_tell_one_story_each(sample: Sample) -> None:
    waybills = sample.tables["waybills"]
    end = datetime(AS_OF.year, AS_OF.month, AS_OF.day, 16, tzinfo=UTC)  # midnight in China
    for name in ("ordered_at", "picked_up_at", "arrived_at", "out_for_delivery_at", "delivered_at"):
        latest = waybills[name].max()
        assert isinstance(latest, datetime)
        assert latest <= end
    reached = {
        "created": ("ordered_at", "picked_up_at"),
        "picked_up": ("picked_up_at", "arrived_at"),
        "in_transit": ("picked_up_at", "arrived_at"),
        "arrived": ("arrived_at", "out_for_delivery_at"),
        "out_for_delivery": ("out_for_delivery_at", "delivered_at"),
    }
    for status, (has, lacks) in reached.items():
        rows = waybills.filter(pl.col("status") == status)
        assert rows.height > 0, status
        assert rows[has].null_count() == 0
        assert rows[lacks].null_count() == rows.height
    delivered = waybills.filter(pl.col("status") == "delivered")
    assert delivered["delivered_at"].null_count() == 0
    assert 0.75 < delivered.height / waybills.height < 0.98
    troubled = waybills["exception"].is_not_null().mean()
    assert isinstance(troubled, float)
    assert 0.002 < troubled < 0.06


def test_waybills_lie_on_routes_and_outlets_of_their_courier(sample: Sample) -> None:
    waybills = sample.tables["waybills"]
    keys = ["courier_id", "origin_hub_id", "destination_hub_id"]
    assert waybills.join(sample.tables["route_volumes"].select(keys).unique(), on=keys, how="anti").height == 0
    outlets = sample.tables["outlets"].select("outlet_id", "courier_id", "hub_id")
    for end in ("origin", "destination"):
        joined = waybills.join(outlets, left_on=f"{end}_outlet_id", right_on="outlet_id", suffix="_outlet")
        assert joined.height > 0.99 * waybills.height
        assert (joined["courier_id"] == joined["courier_id_outlet"]).all()
        assert (joined[f"{end}_hub_id"] == joined["hub_id"]).all()


def test_the_peaks_snow_is_forecast_and_todays_is_warned_of(sample: Sample) -> None:
    import json

    forecasts = sample.tables["weather_forecasts"]
    assert forecasts["issued_at"].n_unique() == 1
    snow = forecasts.filter(pl.col("valid_at").dt.date() == date(2025, 11, 11))
    assert snow["snowfall_cm"].max() > 0.5  # type: ignore[operator]
    as_of_ends = datetime(AS_OF.year, AS_OF.month, AS_OF.day, 16, tzinfo=UTC)
    everything = sample.tables["weather_warnings"]
    assert (sample.tables["weather_observations"]["valid_at"] <= as_of_ends).all()
    assert (forecasts["valid_at"] > as_of_ends).all()
    warnings = everything.filter(pl.col("onset") < as_of_ends)
    assert {"blue", "yellow", "orange", "red"} <= set(warnings["severity"])
    orange = warnings.filter((pl.col("kind") == "snow") & (pl.col("severity") == "orange")).row(0, named=True)
    hubs = sample.tables["hubs"]
    inside = locate_regions({"orange": json.loads(orange["area"])}, hubs["latitude"], hubs["longitude"])
    assert "orange" in inside
    assert (warnings["issued_at"] < as_of_ends).all()
    assert (warnings["expires"] > as_of_ends).all()


def test_the_blizzard_is_warned_of_updated_and_cancelled(sample: Sample) -> None:
    import json

    warnings = sample.tables["weather_warnings"].filter(pl.col("onset").dt.date() > AS_OF + timedelta(days=5))
    assert sorted(warnings["message_type"]) == ["alert", "alert", "cancel", "update", "update"]
    as_of_ends = datetime(AS_OF.year, AS_OF.month, AS_OF.day, 16, tzinfo=UTC)
    outlook = warnings.filter(pl.col("issued_at") <= as_of_ends)
    assert outlook["severity"].to_list() == ["yellow"]
    issued = dict(warnings.select("warning_id", "issued_at").iter_rows())
    for row in warnings.filter(pl.col("message_type") != "alert").iter_rows(named=True):
        assert issued[row["supersedes"]] < row["issued_at"]
    red = warnings.filter(pl.col("severity") == "red").row(0, named=True)
    assert red["onset"].date() <= date(2025, 11, 11) <= red["expires"].date()
    hubs = sample.tables["hubs"]
    inside = locate_regions({"red": json.loads(red["area"])}, hubs["latitude"], hubs["longitude"])
    assert [hub for hub, at in zip(hubs["hub_id"], inside, strict=True) if at is not None]


def test_the_climate_is_chinas(sample: Sample) -> None:
    seen = sample.tables["weather_observations"].join(
        sample.tables["hubs"].select("hub_id", "latitude", "longitude"),
        left_on=[pl.col("latitude").round(3), pl.col("longitude").round(3)],
        right_on=[pl.col("latitude").round(3), pl.col("longitude").round(3)],
    )
    january = dict(
        seen.filter(pl.col("valid_at").dt.month() == 1)
        .group_by("hub_id")
        .agg(pl.col("temperature_c").mean())
        .iter_rows()
    )
    july = dict(
        seen.filter(pl.col("valid_at").dt.month() == 7)
        .group_by("hub_id")
        .agg(pl.col("temperature_c").mean())
        .iter_rows()
    )
    assert january["BEI"] < 0 < january["GUA"]
    assert min(july.values()) > 20


def test_rain_slows_waybills_by_what_the_truth_says() -> None:
    """Hours added by hand: 10 mm of rain and fog on one day, 15 cm of snow on the next."""
    from data.sample import weather as sky
    from data.sample import weather_effects
    from data.sample.scale import all_days, history_length

    per_day = 24 // sky.STEP_HOURS
    shape = (1, len(all_days()) * per_day)
    day = (history_length() - 2) * per_day
    precipitation, snowfall, visibility = np.zeros(shape), np.zeros(shape), np.full(shape, 20_000.0)
    precipitation[0, day] = 10.0 / sky.STEP_HOURS
    visibility[0, day + 1] = 80.0
    precipitation[0, day + per_day] = snowfall[0, day + per_day] = 15.0 / sky.STEP_HOURS
    front = sky.Front(0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0)
    points = pl.DataFrame({"latitude": [0.0], "longitude": [0.0]})
    made = sky.Weather(points, np.zeros(shape), precipitation, snowfall, np.zeros(shape), visibility, front, front)
    assert weather_effects.hours_added(made, 1, 2)[0] == pytest.approx([0.05 * 10 + 3.0, 0.8 * 15 + 24.0, 0.0])
