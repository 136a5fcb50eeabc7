from __future__ import annotations

import numpy as np
import pytest

from weather.effects.effect_tables import SEVERITIES
from weather.effects.signals import find_signals, rolling_sum, split_water


def row(*values: float) -> np.ndarray:
    return np.array([values], dtype=np.float64)


@pytest.mark.parametrize(
    ("water", "depth", "temperature", "snow", "rain"),
    [
        (3.0, 0.0, 8.0, 0.0, 3.0),  # rain
        (2.0, 1.5, -3.0, 2.0, 0.0),  # all of it snow, light and fluffy
        (1.0, 2.0, -3.0, 2.0, 0.0),  # 2 cm of snow are 2 mm of water
        (2.0, 0.0, -1.0, 0.0, 2.0),  # freezing rain
        (3.0, 1.0, 3.0, 1.0, 2.0),  # sleet
        (2.0, np.nan, -3.0, 2.0, 0.0),  # no snowfall in the feed, frost
        (2.0, np.nan, 5.0, 0.0, 2.0),
        (np.nan, 1.0, -3.0, 1.0, np.nan),
    ],
)
def test_water_is_parted(water: float, depth: float, temperature: float, snow: float, rain: float) -> None:
    got_snow, got_rain = split_water(row(water), row(depth), row(temperature))
    assert got_snow[0, 0] == pytest.approx(snow, nan_ok=True)
    if not np.isnan(rain):
        assert got_rain[0, 0] == pytest.approx(rain)


def test_nothing_known_is_not_no_snow() -> None:
    snow, rain = split_water(row(np.nan), row(np.nan), row(-3.0))
    assert np.isnan(snow[0, 0])
    assert not rain[0, 0] > 0


def colour(kind: str, **values: float | list[float]) -> list[str]:
    hours = max((len(value) for value in values.values() if isinstance(value, list)), default=1)
    fair = {"snow": 0.0, "rain": 0.0, "temperature": 5.0, "wind": 2.0, "visibility": 20000.0}
    arrays = {}
    for name, value in (fair | values).items():
        arrays[name] = np.array([value], dtype=np.float64) if isinstance(value, list) else np.full((1, hours), value)
    return [SEVERITIES[code] for code in find_signals(**arrays)[kind][0]]


def test_snow_needs_its_sum() -> None:
    # 4 mm within 12 h is blue, 6 mm yellow: 0.5 mm an hour
    assert colour("snow", snow=[0.5] * 12) == ["none"] * 7 + ["blue"] * 4 + ["yellow"]
    assert colour("snow", snow=[4.0, 6.0, 5.0]) == ["blue", "orange", "red"]


def test_rain_needs_its_sum() -> None:
    assert colour("rain", rain=[20.0, 20.0, 10.0, 0.0]) == ["none", "none", "orange", "yellow"]


@pytest.mark.parametrize(
    ("wind", "told"), [(10.0, "none"), (10.8, "blue"), (17.2, "yellow"), (25.0, "orange"), (40.0, "red")]
)
def test_wind_by_beaufort(wind: float, told: str) -> None:
    assert colour("wind", wind=wind) == [told]


@pytest.mark.parametrize(("sight", "told"), [(500.0, "none"), (499.0, "yellow"), (199.0, "orange"), (49.0, "red")])
def test_fog_by_visibility(sight: float, told: str) -> None:
    assert colour("fog", visibility=sight) == [told]


def test_ice_is_rain_in_frost() -> None:
    assert colour("ice", rain=1.0, temperature=-1.0) == ["yellow"]
    assert colour("ice", rain=1.0, temperature=1.0) == ["none"]


def test_rolling_sum_looks_back_only() -> None:
    assert rolling_sum(row(1, 2, 3, 4), 2).tolist() == [[1, 3, 5, 7]]
    assert rolling_sum(row(1, np.nan, 3), 12).tolist() == [[1, 1, 4]]


def test_unknown_weather_calls_for_no_colour() -> None:
    unknown = row(np.nan)
    signals = find_signals(unknown, unknown, unknown, unknown, unknown)
    assert all(int(layer.max()) == 0 for layer in signals.values())
