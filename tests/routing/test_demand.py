"""What a plan is asked to carry: each hub sends out its quantile, its routes keep their proportions."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from data.errors import RadarError
from routing.trunk.task.demand import demand_at_level, take_days

DAY = date(2025, 11, 11)
ROUTES = pl.DataFrame(
    {
        "date": DAY,
        "courier_id": ["x", "y", "x", "x"],
        "origin_hub_id": ["A", "A", "A", "B"],
        "destination_hub_id": ["B", "B", "C", "C"],
        "mean": [30, 30, 40, 7],
    }
)
HUBS = pl.DataFrame(
    {
        "date": DAY,
        "hub_id": ["A", "A", "B"],
        "direction": ["out", "in", "out"],
        "mean": [100, 5, 7],
        "q05": [60, 0, 7],
        "q10": [70, 0, 7],
        "q25": [80, 0, 7],
        "q50": [100, 0, 7],
        "q75": [120, 0, 7],
        "q90": [150, 0, 7],
        "q95": [170, 0, 15],
    }
)


def parcels(level: float) -> dict[tuple[str, str], int]:
    frame = demand_at_level(ROUTES, HUBS, level)
    return {(o, d): n for _, o, d, n in frame.iter_rows()}


def test_routes_of_a_hub_share_its_quantile_by_their_means() -> None:
    assert parcels(0.9) == {("A", "B"): 90, ("A", "C"): 60, ("B", "C"): 7}
    assert parcels(0.5) == {("A", "B"): 60, ("A", "C"): 40, ("B", "C"): 7}


def test_a_level_between_two_quantiles_is_interpolated() -> None:
    assert parcels(0.925) == {("A", "B"): 96, ("A", "C"): 64, ("B", "C"): 11}


def test_a_level_outside_the_table_is_told() -> None:
    with pytest.raises(RadarError, match=r"service level 0.99, expected a quantile from 0.05 to 0.95"):
        demand_at_level(ROUTES, HUBS, 0.99)


def test_days_without_demand_are_told() -> None:
    with pytest.raises(RadarError, match="2025-11-11"):
        take_days(demand_at_level(ROUTES, HUBS, 0.5), date(2025, 12, 1), None)
