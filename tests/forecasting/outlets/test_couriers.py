from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from data.errors import RadarError
from forecasting.outlets.couriers import learn_courier_shares, shrink_preferences, trend_capacity

AS_OF = dt.date(2025, 10, 31)


def preferences(*rows: tuple[str, str, float]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["merchant_id", "courier_id", "share"], orient="row")


def waybills(parcels: dict[tuple[str, str], int]) -> pl.DataFrame:
    rows = [pair for pair, count in parcels.items() for _ in range(count)]
    return pl.DataFrame(rows, schema={"merchant_id": pl.String, "courier_id": pl.String}, orient="row")


def test_what_a_merchant_does_outweighs_what_it_says_as_parcels_come_in() -> None:
    stated = preferences(("m", "x", 0.5), ("m", "y", 0.5))
    few = shrink_preferences(stated, waybills({("m", "x"): 10}))
    many = shrink_preferences(stated, waybills({("m", "x"): 2000}))
    # (10 + 100) / (10 + 200) and (2000 + 100) / (2000 + 200).
    assert few["share"].to_list() == pytest.approx([110 / 210, 100 / 210])
    assert many["share"].to_list() == pytest.approx([2100 / 2200, 100 / 2200])


def test_a_silent_merchant_takes_the_mix_of_all_and_shares_sum_to_one() -> None:
    stated = preferences(("m", "x", 0.9), ("m", "y", 0.1))
    table = shrink_preferences(stated, waybills({("new", "y"): 1}), couriers=["x", "y", "z"])
    assert table.group_by("merchant_id").agg(pl.col("share").sum())["share"].to_list() == pytest.approx([1.0, 1.0])
    new = dict(table.filter(merchant_id="new").select("courier_id", "share").iter_rows())
    assert new["x"] > 0.85
    assert new["z"] == 0.0


def volumes(*rows: tuple[str, str, str, int]) -> pl.DataFrame:
    names = ["origin_hub_id", "destination_hub_id", "courier_id", "parcels"]
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(date=pl.lit(AS_OF))


def test_big_routes_keep_their_couriers_and_small_ones_follow_their_hub() -> None:
    table = learn_courier_shares(
        volumes(("A", "B", "x", 90_000), ("A", "B", "y", 10_000), ("A", "C", "y", 1), ("B", "A", "y", 50_000)), AS_OF
    )
    of = {(row[0], row[1], row[2]): row[3] for row in table.iter_rows()}
    assert of["A", "B", "x"] == pytest.approx(0.9, abs=0.005)
    assert of["A", "C", "x"] == pytest.approx(0.9, abs=0.01)
    assert of["B", "A", "y"] > 0.99
    sums = table.group_by("origin_hub_id", "destination_hub_id").agg(pl.col("share").sum())
    assert sums["share"].to_list() == pytest.approx([1.0] * sums.height)


def test_merchants_of_a_hub_tilt_its_small_routes() -> None:
    history = volumes(("A", "B", "x", 100), ("A", "B", "y", 100), ("B", "A", "x", 9000), ("B", "A", "y", 9000))
    merchants = pl.DataFrame({"merchant_id": [f"m{at}" for at in range(10)], "hub_id": ["A"] * 10})
    stated = preferences(*[(f"m{at}", "x", 1.0) for at in range(10)])
    plain = learn_courier_shares(history, AS_OF).filter(origin_hub_id="A", courier_id="x")["share"][0]
    tilted = learn_courier_shares(history, AS_OF, merchants, stated).filter(origin_hub_id="A", courier_id="x")["share"][
        0
    ]
    assert plain == pytest.approx(0.5)
    assert tilted > 0.7


def test_no_recent_volume_is_said() -> None:
    with pytest.raises(RadarError, match="eight weeks"):
        learn_courier_shares(volumes(("A", "B", "x", 1)), AS_OF + dt.timedelta(days=90))


def capacity(values: list[int], first: dt.date = dt.date(2024, 1, 1), courier: str = "x") -> pl.DataFrame:
    months = pl.date_range(first, interval="1mo", end=first + dt.timedelta(days=31 * (len(values) - 1)), eager=True)
    assert len(months) == len(values)
    return pl.DataFrame({"courier_id": [courier] * len(values), "month": months, "parcels_per_day": values})


def test_a_peak_month_returns_with_the_growth_of_the_year() -> None:
    year = [100, 100, 100, 100, 100, 150, 100, 100, 100, 100, 300, 100]
    table = trend_capacity(capacity([*year, *[round(1.2 * level) for level in year[:10]]]), AS_OF)
    ahead = table.filter(kind="forecast")
    assert ahead["month"].to_list() == [dt.date(2025, 11, 1), dt.date(2025, 12, 1), dt.date(2026, 1, 1)]
    assert ahead["parcels_per_day"].to_list() == [360, 120, 144]
    assert ahead["year_on_year"].to_list() == pytest.approx([0.2, 0.2, 0.2])
    assert ahead["month_on_month"][0] == pytest.approx(2.0)
    assert (ahead["low"] < ahead["parcels_per_day"]).all()
    known = table.filter(kind="known")
    assert known["month_on_month"][5] == pytest.approx(0.5)
    assert known["year_on_year"][0] is None


def test_a_young_courier_goes_on_from_its_last_month() -> None:
    table = trend_capacity(capacity([100, 110, 121], first=dt.date(2025, 8, 1)), AS_OF, months=1)
    assert table.filter(kind="forecast")["parcels_per_day"].to_list() == [133]


def test_later_months_are_not_seen_and_no_capacity_is_said() -> None:
    table = trend_capacity(capacity([100, 100, 900], first=dt.date(2025, 9, 1)), AS_OF, months=1)
    assert table.filter(kind="forecast")["parcels_per_day"].to_list() == [100]
    with pytest.raises(RadarError, match="No courier capacity"):
        trend_capacity(capacity([1]).clear(), AS_OF)
