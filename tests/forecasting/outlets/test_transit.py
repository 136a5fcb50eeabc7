from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from forecasting.inputs import ForecastInputs
from forecasting.outlets.transit import align_to_deliveries, learn_transit_times, spread_arrivals

AS_OF = dt.date(2025, 11, 5)
ROUTES = pl.DataFrame(
    {"courier_id": ["c", "c", "c"], "origin_hub_id": ["A", "A", "C"], "destination_hub_id": ["B", "A", "B"]}
)
NO_VOLUMES = pl.DataFrame(schema={"date": pl.Date, "parcels": pl.Int64})


def waybills(days: dict[tuple[str, str], list[int]], each: int = 100) -> pl.DataFrame:
    picked = dt.datetime(2025, 10, 10, 23, 30, tzinfo=dt.UTC)
    rows = [
        {
            "origin_hub_id": origin,
            "destination_hub_id": destination,
            "ordered_at": picked - dt.timedelta(hours=3),
            "picked_up_at": picked,
            "out_for_delivery_at": picked + dt.timedelta(days=lag),
            "delivered_at": None,
        }
        for (origin, destination), lags in days.items()
        for lag in lags
        for _ in range(each)
    ]
    moment = pl.Datetime("us", "UTC")
    return pl.DataFrame(rows, schema_overrides={"delivered_at": moment}).with_columns(
        pl.col("ordered_at", "picked_up_at", "out_for_delivery_at").cast(moment)
    )


def test_waybills_tell_the_days_and_a_route_without_any_takes_its_parents() -> None:
    inputs = ForecastInputs(NO_VOLUMES, waybills=waybills({("A", "B"): [2, 2, 2, 3], ("A", "A"): [1]}))
    shares = learn_transit_times(inputs, AS_OF, ROUTES)
    assert shares.sum(axis=1) == pytest.approx(1.0)
    assert shares[0, 2] == pytest.approx(0.75)
    assert shares[1, 1] == pytest.approx(1.0)
    assert shares[2, 2] == pytest.approx(0.75)


def test_waybills_still_under_way_are_left_out() -> None:
    late = waybills({("A", "B"): [1]}).with_columns(pl.col("picked_up_at") + dt.timedelta(days=24))
    early = waybills({("A", "B"): [5]}, each=400)
    shares = learn_transit_times(ForecastInputs(NO_VOLUMES, waybills=pl.concat([late, early])), AS_OF, ROUTES)
    assert shares[0, 5] == pytest.approx(1.0)


def test_without_waybills_the_quickest_way_over_lanes_counts() -> None:
    lanes = pl.DataFrame(
        {
            "origin_hub_id": ["A", "A", "C", "C"],
            "destination_hub_id": ["B", "C", "B", "B"],
            "transit_hours": [90.0, 30.0, 20.0, 0.0],
        }
    )
    shares = learn_transit_times(ForecastInputs(NO_VOLUMES, lanes=lanes), AS_OF, ROUTES)
    # A-C-B takes 30 hours and is quicker than the lane A-B of 90: due on day 2. C-B takes none: the next day.
    assert shares.argmax(axis=1).tolist() == [2, 1, 1]
    assert shares.sum(axis=1) == pytest.approx(1.0)


def test_a_sending_peak_arrives_two_days_later() -> None:
    volume = np.full((1, 12), 10.0)
    volume[0, 4] = 100.0
    shares = np.zeros((1, 11))
    shares[0, 2] = 1.0
    arrived = spread_arrivals(volume, shares)
    assert arrived[0].argmax() == 6
    assert arrived[0, 6:9].tolist() == [100.0, 10.0, 10.0]


@pytest.mark.parametrize(("real", "said"), [(3, 2), (1, 2), (2, 2)])
def test_deliveries_of_the_past_correct_the_days(real: int, said: int) -> None:
    random = np.random.default_rng(0)
    volume = random.gamma(4.0, 25.0, (2, 90))
    truth, shares = np.zeros((2, 11)), np.zeros((2, 11))
    truth[:, real], shares[:, said] = 1.0, 1.0
    delivered = spread_arrivals(volume, truth).sum(axis=0)
    assert align_to_deliveries(shares, volume, delivered, 0).argmax(axis=1).tolist() == [real, real]
    assert align_to_deliveries(shares, volume, delivered, 80).argmax(axis=1).tolist() == [said, said]
