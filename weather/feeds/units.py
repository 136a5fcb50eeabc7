"""Units of weather feeds: every value is converted by the unit its feed declares, never by the one assumed.

The workspace keeps one unit a quantity (the contract's): temperature in degrees Celsius, water in mm, fresh snow in cm,
wind in m/s, visibility in m.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import numpy as np

from data.arrays import Floats
from data.errors import RadarError

Quantity = Literal["temperature", "precipitation", "snowfall", "wind", "visibility"]

# quantity -> unit -> (factor, offset): kept = value * factor + offset
_SCALES: dict[Quantity, dict[str, tuple[float, float]]] = {
    "temperature": {"c": (1.0, 0.0), "f": (5.0 / 9.0, -160.0 / 9.0), "k": (1.0, -273.15)},
    "precipitation": {"mm": (1.0, 0.0), "cm": (10.0, 0.0), "m": (1000.0, 0.0), "inch": (25.4, 0.0)},
    "snowfall": {"cm": (1.0, 0.0), "mm": (0.1, 0.0), "m": (100.0, 0.0), "inch": (2.54, 0.0)},
    "wind": {"ms": (1.0, 0.0), "kmh": (1.0 / 3.6, 0.0), "mph": (0.44704, 0.0), "kn": (1852.0 / 3600.0, 0.0)},
    "visibility": {"m": (1.0, 0.0), "km": (1000.0, 0.0), "ft": (0.3048, 0.0), "mi": (1609.344, 0.0)},
}

_SPELLINGS = {
    "°c": "c", "celsius": "c", "℃": "c", "degc": "c",
    "°f": "f", "fahrenheit": "f", "℉": "f", "degf": "f",
    "kelvin": "k",
    "mm/h": "mm", "millimetre": "mm", "millimeter": "mm", "毫米": "mm",
    "cm/h": "cm", "centimetre": "cm", "centimeter": "cm", "厘米": "cm",
    "in": "inch", "inch/h": "inch", "in/h": "inch", "inches": "inch",
    "m/s": "ms", "mps": "ms", "米/秒": "ms",
    "km/h": "kmh", "kph": "kmh", "公里/小时": "kmh", "千米/小时": "kmh",
    "mp/h": "mph", "mi/h": "mph", "kt": "kn", "kts": "kn", "knots": "kn", "knot": "kn",
    "metre": "m", "meter": "m", "metres": "m", "meters": "m", "米": "m",
    "kilometre": "km", "kilometer": "km", "公里": "km", "千米": "km",
    "feet": "ft", "foot": "ft", "mile": "mi", "miles": "mi",
}  # fmt: skip

UNITS: Mapping[Quantity, tuple[str, ...]] = MappingProxyType({name: tuple(units) for name, units in _SCALES.items()})


def unit_name(unit: str) -> str:
    """Return the one short name of a unit, whatever its spelling (``"km/h"`` and ``"kph"`` are ``"kmh"``)."""
    folded = unit.strip().lower()
    return _SPELLINGS.get(folded, folded)


def convert(
    values: Floats,
    unit: str,
    quantity: Quantity,
    *,
    file: str | None = None,
    column: str | None = None,
) -> Floats:
    """Convert measured values to the workspace's unit of their quantity.

    Parameters
    ----------
    values
        Any shape, in ``unit``; NaN stays NaN.
    unit
        As the feed spells it, such as ``"km/h"`` or ``"°F"``.
    quantity
        What is measured.
    file, column
        Named in the error.

    Returns
    -------
    numpy.ndarray
        Same shape: temperature [°C], precipitation [mm], snowfall [cm], wind [m/s], visibility [m].

    Raises
    ------
    RadarError
        When the unit does not measure that quantity.
    """
    scales = _SCALES[quantity]
    name = unit_name(unit)
    if name not in scales:
        raise RadarError(
            f"unit {unit!r} for {quantity}",
            f"one of {', '.join(scales)}",
            "declare the unit the provider delivered",
            file=file,
            column=column,
        )
    factor, offset = scales[name]
    if factor == 1.0 and offset == 0.0:
        return np.asarray(values, dtype=np.float64)
    return np.asarray(values, dtype=np.float64) * factor + offset
