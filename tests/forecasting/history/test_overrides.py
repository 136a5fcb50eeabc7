from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest

from data.contracts import contract
from data.errors import RadarError
from forecasting.history.overrides import outlet_override_factors, override_factors

ROUTES = pl.DataFrame(
    {
        "courier_id": ["x", "x", "y"],
        "origin_hub_id": ["A", "B", "A"],
        "destination_hub_id": ["B", "A", "A"],
    }
)
DATES = np.arange("2025-11-01", "2025-11-05", dtype="datetime64[D]")
REGIONS: dict[str, str | None] = {"A": "east", "B": "west"}


def overrides(*rows: dict[str, Any]) -> pl.DataFrame:
    common = {
        "date_from": dt.date(2025, 11, 2),
        "date_to": dt.date(2025, 11, 3),
        "author": "planner",
        "reason": "flash sale",
        "created_at": dt.datetime(2025, 10, 1, tzinfo=dt.UTC),
    }
    full = [{"override_id": f"o{at}", **common, **row} for at, row in enumerate(rows)]
    names = contract("forecast_overrides").polars_schema
    return pl.DataFrame([{name: row.get(name) for name in names} for row in full], schema=names)


@pytest.mark.parametrize(
    ("row", "hit"),
    [
        ({"level": "network"}, [0, 1, 2]),
        ({"level": "hub", "hub_id": "A", "direction": "out"}, [0, 2]),
        ({"level": "hub", "hub_id": "A", "direction": "in"}, [1, 2]),
        ({"level": "region", "region_id": "west"}, [1]),
        ({"level": "route", "origin_hub_id": "A", "destination_hub_id": "B"}, [0]),
        ({"level": "route", "courier_id": "y"}, [2]),
        ({"level": "hub", "hub_id": "elsewhere"}, []),
    ],
)
def test_an_override_hits_its_routes_on_its_days(row: dict[str, Any], hit: list[int]) -> None:
    expected = np.ones((3, 4))
    expected[np.ix_(hit, [1, 2])] = 1.5
    found = override_factors(overrides({**row, "factor": 1.5}), ROUTES, DATES, REGIONS)
    assert np.array_equal(found, expected)


def test_overrides_on_one_route_multiply_and_outlets_are_apart() -> None:
    table = overrides(
        {"level": "network", "factor": 2.0},
        {"level": "hub", "hub_id": "B", "factor": 0.0},
        {"level": "outlet", "outlet_id": "o-2", "direction": "pickup", "factor": 3.0},
    )
    assert override_factors(table, ROUTES, DATES, REGIONS)[:, 1].tolist() == [2.0, 0.0, 2.0]
    assert outlet_override_factors(table, ["o-1", "o-2"], DATES, "pickup")[:, 2].tolist() == [1.0, 3.0]
    assert outlet_override_factors(table, ["o-1", "o-2"], DATES, "delivery")[:, 2].tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"level": "network", "factor": -0.5}, "factor -0.5"),
        ({"level": "network", "factor": float("nan")}, "factor nan"),
        ({"level": "network", "factor": 1.0, "author": " "}, "without author"),
        ({"level": "network", "factor": 1.0, "reason": None}, "without reason"),
        ({"level": "hub", "factor": 1.0}, "without hub_id"),
        ({"level": "route", "factor": 1.0}, "without an end"),
        ({"level": "network", "factor": 1.0, "date_to": dt.date(2025, 11, 1)}, "ends before it starts"),
    ],
)
def test_an_override_that_cannot_be_meant_is_refused(row: dict[str, Any], said: str) -> None:
    with pytest.raises(RadarError, match=said):
        override_factors(overrides(row), ROUTES, DATES, REGIONS)
