"""Unit slips are the commonest defect of weather adapters: each unit by a figure known from elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from data.errors import RadarError
from weather.feeds.units import UNITS, Quantity, convert, unit_name


@pytest.mark.parametrize(
    ("value", "unit", "quantity", "kept"),
    [
        (36.0, "km/h", "wind", 10.0),
        (10.0, "m/s", "wind", 10.0),
        (10.0, "mp/h", "wind", 4.4704),
        (10.0, "kn", "wind", 5.144444),
        (7.0, "cm", "snowfall", 7.0),
        (70.0, "mm", "snowfall", 7.0),
        (1.0, "inch", "snowfall", 2.54),
        (2.5, "mm", "precipitation", 2.5),
        (0.1, "inch", "precipitation", 2.54),
        (12.0, "km", "visibility", 12000.0),
        (300.0, "m", "visibility", 300.0),
        (0.25, "mi", "visibility", 402.336),
        (1000.0, "ft", "visibility", 304.8),
        (32.0, "°F", "temperature", 0.0),
        (-40.0, "°F", "temperature", -40.0),
        (273.15, "K", "temperature", 0.0),
        (-5.0, "℃", "temperature", -5.0),
    ],
)
def test_value_in_the_unit_of_the_workspace(value: float, unit: str, quantity: Quantity, kept: float) -> None:
    assert convert(np.array([value]), unit, quantity)[0] == pytest.approx(kept, rel=1e-6)


def test_unit_of_another_quantity_is_refused_by_name() -> None:
    with pytest.raises(
        RadarError, match=r"a\.json, column hourly\.wind: found unit 'mm' for wind, expected one of ms, kmh"
    ):
        convert(np.array([1.0]), "mm", "wind", file="a.json", column="hourly.wind")


def test_snowfall_and_water_do_not_share_a_scale() -> None:
    assert convert(np.array([1.0]), "cm", "snowfall")[0] == 1.0
    assert convert(np.array([1.0]), "cm", "precipitation")[0] == 10.0


def test_missing_stays_missing() -> None:
    assert np.isnan(convert(np.array([np.nan]), "km/h", "wind")[0])


def test_every_unit_has_one_name_of_its_own() -> None:
    for units in UNITS.values():
        assert [unit_name(unit) for unit in units] == list(units)
