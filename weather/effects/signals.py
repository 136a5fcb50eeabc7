"""Which colour of warning the values themselves would call for: the criteria of the CMA warning signals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.arrays import Floats
from weather.effects.effect_tables import KINDS, SEVERITIES

FREEZING_RAIN = 0.1
"""Rain below 0 °C from which a road counts as icing [mm/h]."""


@dataclass(frozen=True)
class Criterion:
    """A colour is called for when the sum over ``hours`` reaches ``threshold`` (for fog: visibility falls below it)."""

    kind: str
    severity: str
    hours: int
    threshold: float
    unit: str
    source: str


_ORDER_16 = "CMA order no. 16, as recalled, not read again"
_FOG = "sh.cma.gov.cn, criteria of the fog signals"
_WIND = "Beaufort 6, 8, 10, 12 as the mean wind of the CMA gale signals; the upper three as recalled"

CRITERIA = (
    Criterion("fog", "yellow", 1, 500.0, "m", _FOG),
    Criterion("fog", "orange", 1, 200.0, "m", _FOG),
    Criterion("fog", "red", 1, 50.0, "m", _FOG),
    Criterion(
        "ice", "yellow", 1, FREEZING_RAIN, "mm", "weather.com.cn/henan, road icing: below 0 °C with precipitation"
    ),
    Criterion("snow", "blue", 12, 4.0, "mm", _ORDER_16),
    Criterion("snow", "yellow", 12, 6.0, "mm", _ORDER_16),
    Criterion("snow", "orange", 6, 10.0, "mm", _ORDER_16),
    Criterion("snow", "red", 6, 15.0, "mm", _ORDER_16),
    Criterion("rain", "blue", 12, 50.0, "mm", _ORDER_16),
    Criterion("rain", "yellow", 6, 50.0, "mm", _ORDER_16),
    Criterion("rain", "orange", 3, 50.0, "mm", _ORDER_16),
    Criterion("rain", "red", 3, 100.0, "mm", _ORDER_16),
    Criterion("wind", "blue", 1, 10.8, "m/s", _WIND),
    Criterion("wind", "yellow", 1, 17.2, "m/s", _WIND),
    Criterion("wind", "orange", 1, 24.5, "m/s", _WIND),
    Criterion("wind", "red", 1, 32.7, "m/s", _WIND),
)


def split_water(precipitation: Floats, snowfall: Floats, temperature: Floats) -> tuple[Floats, Floats]:
    """Part the water of an hour into snow and rain.

    Parameters
    ----------
    precipitation
        Water in the hour, rain and melted snow [mm], any shape; NaN where unknown.
    snowfall
        Fresh snow in the hour [cm], same shape; NaN where unknown.
    temperature
        At 2 m [°C], same shape; NaN where unknown.

    Returns
    -------
    snow, rain
        Water rates [mm/h], same shape; NaN where nothing is known.

    Notes
    -----
    Fresh snow counts 10 : 1 (1 cm is 1 mm of water), the convention of the HCM classes. Where it snows at 1 °C or less,
    and where it freezes and the feed has no snowfall, all water is snow.
    """
    snows = snowfall > 0.0
    unknown = np.isnan(snowfall)
    frozen = (snows & ~(temperature > 1.0)) | (unknown & (temperature < 0.5))
    from_depth = np.where(unknown, np.nan, snowfall * 1.0)
    snow = np.where(frozen, np.fmax(from_depth, precipitation), np.where(unknown, 0.0, from_depth))
    snow = np.where(unknown & np.isnan(precipitation), np.nan, snow)
    rain = np.where(frozen, 0.0, np.maximum(precipitation - np.nan_to_num(snow), 0.0))
    return snow, np.where(np.isnan(precipitation), np.nan, rain)


def find_signals(
    snow: Floats, rain: Floats, temperature: Floats, wind: Floats, visibility: Floats
) -> dict[str, NDArray[np.int8]]:
    """Return for each of ``KINDS`` the colour the values call for, as a position in ``SEVERITIES``.

    Parameters
    ----------
    snow, rain
        Water rates [mm/h], shape (points, hours).
    temperature
        [°C], same shape.
    wind
        [m/s], same shape.
    visibility
        [m], same shape.

    Returns
    -------
    dict
        Kind -> int8 array of the same shape. Sums run over the hours up to and including the hour itself.
    """
    icing = np.where((temperature < 0.0) & (rain > 0.0), rain, 0.0)
    values = {"fog": visibility, "ice": icing, "snow": snow, "rain": rain, "wind": wind}
    signals = {kind: np.zeros(snow.shape, dtype=np.int8) for kind in KINDS}
    for criterion in CRITERIA:
        measured = values[criterion.kind]
        if criterion.kind == "fog":
            met = measured < criterion.threshold
        else:
            # sums of tenths of a millimetre must not miss their threshold by rounding
            met = rolling_sum(measured, criterion.hours) >= criterion.threshold - 1e-9
        code = np.int8(SEVERITIES.index(criterion.severity))
        signals[criterion.kind] = np.where(met, np.maximum(signals[criterion.kind], code), signals[criterion.kind])
    return signals


def rolling_sum(values: Floats, hours: int) -> Floats:
    """Return the sum over the last ``hours`` columns, each column included; NaN counts as 0. Shape as ``values``."""
    filled = np.nan_to_num(values)
    if hours == 1:
        return filled
    total = np.cumsum(filled, axis=1)
    shifted = np.zeros_like(total)
    shifted[:, hours:] = total[:, :-hours] if total.shape[1] > hours else 0.0
    return total - shifted
