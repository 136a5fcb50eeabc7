"""What stands over places at hours, and what it does there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.arrays import Floats
from weather.effects.effect_tables import KINDS, EffectTables
from weather.exposure.points import WeatherGrid

_WITH_CLASSES = ("rain", "snow", "fog")
_WITHOUT_CLASSES = ("ice", "wind")


@dataclass(frozen=True)
class LocalWeather:
    """Weather over places at hours; every array has the shape (places, hours).

    Parameters
    ----------
    values
        ``temperature`` [°C], ``snow``, ``rain`` [mm/h], ``wind`` [m/s], ``visibility`` [m]; NaN where unknown.
    signals
        Kind -> colour the values call for.
    known
        Whether any value is known.
    """

    values: Mapping[str, Floats]
    signals: Mapping[str, NDArray[np.int8]]
    known: NDArray[np.bool_]


@dataclass
class Effect:
    """What the weather does over places at hours; every array has the shape (places, hours)."""

    speed: Floats
    capacity: Floats
    productivity: Floats
    closure: Floats
    severity: NDArray[np.int8]


def weather_over(grid: WeatherGrid, index: NDArray[np.int64], weight: Floats, hours: NDArray[np.int64]) -> LocalWeather:
    """Look up the weather over places.

    Parameters
    ----------
    grid
        Weather on points and hours.
    index, weight
        Points that speak for each place, shape (places, neighbours): see ``WeatherGrid.nearest``.
    hours
        Hours looked at, since 1970-01-01 UTC; shape (places, hours) or (1, hours).

    Returns
    -------
    LocalWeather
        Of several points, values are weighted means of those that know, colours are the worst.
    """
    places, neighbours = index.shape
    shape = (places, hours.shape[1])
    if grid.points == 0 or grid.hours == 0:
        signals = {kind: np.zeros(shape, dtype=np.int8) for kind in KINDS}
        return LocalWeather(
            {name: np.full(shape, np.nan) for name in grid.values}, signals, np.zeros(shape, dtype=np.bool_)
        )
    column = np.broadcast_to(hours - grid.first_hour, shape)
    inside = (column >= 0) & (column < grid.hours)
    column = np.clip(column, 0, grid.hours - 1)
    usable = [inside & (weight[:, [rank]] > 0.0) for rank in range(neighbours)]
    rows = [index[:, [rank]] for rank in range(neighbours)]
    values = {}
    for name, layer in grid.values.items():
        total, share = np.zeros(shape), np.zeros(shape)
        for rank in range(neighbours):
            value = layer[rows[rank], column]
            counts = usable[rank] & ~np.isnan(value)
            total += np.where(counts, value * weight[:, [rank]], 0.0)
            share += np.where(counts, weight[:, [rank]], 0.0)
        values[name] = np.divide(total, share, out=np.full(shape, np.nan), where=share > 0.0)
    signals = {
        kind: np.maximum.reduce([np.where(usable[rank], layer[rows[rank], column], 0) for rank in range(neighbours)])
        for kind, layer in grid.signals.items()
    }
    known = np.logical_or.reduce([usable[rank] & grid.known[rows[rank], column] for rank in range(neighbours)])
    return LocalWeather(values, signals, known)


def work_out_effect(local: LocalWeather, tables: EffectTables) -> Effect:
    """Say what weather does where it stands: of several kinds at once, the worst counts.

    Parameters
    ----------
    local
        Weather over places at hours.
    tables
        The effect tables.

    Returns
    -------
    Effect
        Factors of 1 and no closure where nothing is known.
    """
    values, signals = local.values, local.signals
    measures = {"rain": values["rain"], "snow": values["snow"], "fog": values["visibility"]}
    speeds = [tables.measured("speed", kind, measures[kind]) for kind in _WITH_CLASSES]
    # icing and wind have no classes of their own: what their colour does
    speeds += [tables.signalled("speed", kind)[signals[kind]] for kind in _WITHOUT_CLASSES]
    capacities = [tables.measured("capacity", kind, measures[kind]) for kind in _WITH_CLASSES]
    capacities.append(tables.measured("capacity", "cold", values["temperature"]))
    work = [tables.signalled("productivity", kind)[signals[kind]] for kind in KINDS]
    closures = [tables.signalled("closure", kind)[signals[kind]] for kind in KINDS]
    return Effect(
        np.minimum.reduce(speeds),
        np.minimum.reduce(capacities),
        np.minimum.reduce(work),
        np.maximum.reduce(closures),
        np.maximum.reduce([signals[kind] for kind in KINDS]),
    )


def describe(local: LocalWeather, tables: EffectTables, place: NDArray[np.int64], hour: NDArray[np.int64]) -> list[str]:
    """Put into words what stands over places, e.g. ``"snow 2.1 mm/h, visibility 180 m"``; "" where nothing does.

    Parameters
    ----------
    local, tables
        As for ``work_out_effect``.
    place, hour
        Positions in the arrays, one pair a text; shape (texts,).
    """
    values = {name: layer[place, hour] for name, layer in local.values.items()}
    signals = {kind: layer[place, hour] > 0 for kind, layer in local.signals.items()}
    cold = values["temperature"] < tables.classes("cold")[0].high
    snows, rains = tables.classify("snow", values["snow"]) >= 0, tables.classify("rain", values["rain"]) >= 0
    causes = (
        (snows, values["snow"], "snow {:.1f} mm/h"),
        (signals["snow"] & ~snows, values["snow"], "snow of the hours before"),
        (rains, values["rain"], "rain {:.1f} mm/h"),
        (signals["rain"] & ~rains, values["rain"], "rain of the hours before"),
        (
            signals["fog"] | (tables.classify("fog", values["visibility"]) >= 0),
            values["visibility"],
            "visibility {:.0f} m",
        ),
        (signals["ice"], values["temperature"], "freezing rain at {:z.0f} °C"),
        (signals["wind"], values["wind"], "wind {:.0f} m/s"),
        (cold, values["temperature"], "cold {:z.0f} °C"),
    )
    words: list[list[str]] = [[] for _ in range(place.shape[0])]
    for holds, value, form in causes:
        for position in np.flatnonzero(holds & np.isfinite(value)).tolist():
            words[position].append(form.format(value[position]))
    return [", ".join(parts) for parts in words]
