from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from data.errors import RadarError
from forecasting.outlets.couriers import trend_capacity

AS_OF = dt.date(2025, 10, 31)


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
