"""What weather does to lanes and couriers: tables of published effects, each row with its source, each replaceable.

Two triggers. A row with trigger ``measure`` applies while a measured or forecast value lies in its class; a row with
trigger ``signal`` applies while a warning of its kind and colour stands, or while the values meet the criteria of that
warning (see ``weather.effects.signals``). Rows are replaced by ``[weather.effects."ID"]`` in radar.toml, and by what history
shows (``weather.learning``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Floats
from data.errors import RadarError
from data.settings import EffectOverride

Preset = Literal["planning", "ploughed"]
Trigger = Literal["measure", "signal", "mode"]

SEVERITIES = ("none", "blue", "yellow", "orange", "red")
KINDS = ("fog", "ice", "snow", "rain", "wind")

_HCM = "HCM 2010 exhibit 10-15, in FHWA-HOP-13-042 table 33"
_AGARWAL = "Agarwal, Maze, Souleyrette 2005, in FHWA Road Weather Management best practices"
_FHWA_SNOW = "FHWA Road Weather Management, Snow and Ice: freeway -10 % light, -40 % heavy snow"
_ARTICLE_81 = "Regulation on the Implementation of the Road Traffic Safety Law of China, article 81"
_COLOURS = "preset of ParcelRadar for the CMA warning colours, to be fitted on history"
_MODES = "assumption of ParcelRadar"


@dataclass(frozen=True)
class EffectRow:
    """One row of the effect tables.

    Parameters
    ----------
    id
        Name of the row, e.g. ``snow.heavy`` or ``warning.snow.orange``.
    trigger
        ``measure``, ``signal`` or ``mode``. A ``mode`` row holds the share of the road's loss that another mode suffers.
    kind
        rain, snow, cold, fog, ice or wind; the lane mode in ``mode`` rows.
    speed, capacity, productivity
        Factors against a fair day (1 = no effect) of a lane's speed, its road's capacity and a courier's work.
    closure
        Probability that a lane under it is closed that day.
    low, high
        Class in ``unit``: low <= value < high, for ``measure`` rows.
    unit
        mm/h (water), °C or m.
    severity
        Colour of the signal, for ``signal`` rows.
    source
        Where the numbers come from.
    """

    id: str
    trigger: Trigger
    kind: str
    speed: float = 1.0
    capacity: float = 1.0
    productivity: float = 1.0
    closure: float = 0.0
    low: float = 0.0
    high: float = 0.0
    unit: str = ""
    severity: str = "none"
    source: str = ""


_INF = float("inf")

# class name, low, high [mm/h of water], capacity, speed when ploughed, speed for planning
_RAIN = (
    ("light", 0.1, 2.54, 0.980, 0.992, 0.980),
    ("moderate", 2.54, 6.35, 0.928, 0.972, 0.928),
    ("heavy", 6.35, _INF, 0.859, 0.945, 0.859),
)
_SNOW = (
    ("light", 0.1, 1.27, 0.957, 0.975, 0.90),
    ("moderate", 1.27, 2.54, 0.913, 0.950, 0.80),
    ("heavy", 2.54, 12.7, 0.890, 0.936, 0.70),
    ("extreme", 12.7, _INF, 0.776, 0.870, 0.60),
)
_COLD = (("cool", 1.0, 10.0, 0.989), ("frost", -20.0, 1.0, 0.985), ("deep", -_INF, -20.0, 0.915))
_FOG = (
    ("mist", 200.0, 400.0, 1.0, 0.88, f"capacity: {_AGARWAL} (visibility < 400 m: -12 %)"),
    ("dense", 100.0, 200.0, 0.75, 0.88, f"{_ARTICLE_81}: 60 km/h, against a truck at 80 km/h"),
    ("thick", 50.0, 100.0, 0.50, 0.88, f"{_ARTICLE_81}: 40 km/h, against a truck at 80 km/h"),
    ("blind", 0.0, 50.0, 0.25, 0.88, f"{_ARTICLE_81}: 20 km/h and off at the next exit"),
)
# kind, colour, time factor, closure probability, courier productivity
_SIGNALS = (
    ("fog", "yellow", 1.10, 0.05, 0.98),
    ("fog", "orange", 1.35, 0.25, 0.95),
    ("fog", "red", 2.00, 0.70, 0.90),
    ("ice", "yellow", 1.25, 0.05, 0.85),
    ("ice", "orange", 1.50, 0.25, 0.75),
    ("ice", "red", 1.50, 0.80, 0.60),
    ("snow", "blue", 1.10, 0.02, 0.90),
    ("snow", "yellow", 1.25, 0.10, 0.80),
    ("snow", "orange", 1.50, 0.30, 0.70),
    ("snow", "red", 1.67, 0.60, 0.55),
    ("rain", "blue", 1.03, 0.00, 0.95),
    ("rain", "yellow", 1.08, 0.01, 0.90),
    ("rain", "orange", 1.16, 0.05, 0.80),
    ("rain", "red", 1.25, 0.15, 0.70),
    ("wind", "blue", 1.00, 0.00, 0.97),
    ("wind", "yellow", 1.05, 0.02, 0.93),
    ("wind", "orange", 1.15, 0.10, 0.85),
    ("wind", "red", 1.30, 0.40, 0.70),
)


def list_effects(
    preset: Preset = "planning", overrides: Mapping[str, EffectOverride] | None = None
) -> tuple[EffectRow, ...]:
    """Return the effect tables, with a planner's rows in place of the published ones.

    Parameters
    ----------
    preset
        ``planning`` (a trunk lane through snow: FHWA's planning figures) or ``ploughed`` (a freeway kept clear:
        detector data). The two differ by a factor of three in heavy snow.
    overrides
        By row id.

    Returns
    -------
    tuple of EffectRow
        Sorted as in the tables: measures, signals, modes.

    Raises
    ------
    RadarError
        For an unknown preset or row id, or a factor out of its range.
    """
    if preset not in ("planning", "ploughed"):
        raise RadarError(f"weather preset {preset!r}", "planning or ploughed", "correct [weather] preset in radar.toml")
    rows = {row.id: row for row in (*_measure_rows(preset), *_signal_rows(), *_mode_rows())}
    for name, override in (overrides or {}).items():
        if name not in rows:
            raise RadarError(
                f'unknown row [weather.effects."{name}"]',
                f"one of {', '.join(rows)}",
                "correct it in radar.toml",
            )
        rows[name] = _overridden(rows[name], override)
    return tuple(rows.values())


def tabulate(rows: Sequence[EffectRow]) -> pl.DataFrame:
    """Return the effect rows as a table: one column a field of ``EffectRow``; the end of an open class is empty."""
    table = pl.DataFrame([{field.name: getattr(row, field.name) for field in fields(EffectRow)} for row in rows])
    measure = pl.col("trigger") == "measure"
    ends = (pl.when(measure & pl.col(name).is_finite()).then(pl.col(name)).alias(name) for name in ("low", "high"))
    return table.with_columns(ends)


def _overridden(row: EffectRow, override: EffectOverride) -> EffectRow:
    changes: dict[str, float] = {}
    for name in ("speed", "capacity", "productivity", "closure"):
        value = getattr(override, name)
        if value is None:
            continue
        lowest_is_open = name == "speed" and row.trigger != "mode"
        if not (0.0 < value <= 1.0 if lowest_is_open else 0.0 <= value <= 1.0):
            raise RadarError(
                f'[weather.effects."{row.id}"] {name} = {value:g}',
                "a speed above 0 and at most 1" if lowest_is_open else "a number between 0 and 1",
                "correct it in radar.toml",
            )
        changes[name] = value
    return replace(row, source="radar.toml", **changes)  # type: ignore[arg-type]


def _measure_rows(preset: Preset) -> list[EffectRow]:
    rows = []
    for name, low, high, capacity, ploughed, planning in _RAIN:
        speed, source = (ploughed, _AGARWAL) if preset == "ploughed" else (planning, "speed falls as capacity does")
        source_text = f"capacity: {_HCM}; speed: {source}"
        rows.append(
            EffectRow(
                f"rain.{name}", "measure", "rain", speed, capacity, 1.0, 0.0, low, high, "mm/h", source=source_text
            )
        )
    for name, low, high, capacity, ploughed, planning in _SNOW:
        speed, source = (ploughed, _AGARWAL) if preset == "ploughed" else (planning, _FHWA_SNOW)
        source_text = f"capacity: {_HCM}; speed: {source}"
        rows.append(
            EffectRow(
                f"snow.{name}", "measure", "snow", speed, capacity, 1.0, 0.0, low, high, "mm/h", source=source_text
            )
        )
    for name, low, high, capacity in _COLD:
        rows.append(EffectRow(f"cold.{name}", "measure", "cold", 1.0, capacity, 1.0, 0.0, low, high, "°C", source=_HCM))
    for name, low, high, speed, capacity, source in _FOG:
        rows.append(
            EffectRow(f"fog.{name}", "measure", "fog", speed, capacity, 1.0, 0.0, low, high, "m", source=source)
        )
    return rows


def _signal_rows() -> list[EffectRow]:
    return [
        EffectRow(
            f"warning.{kind}.{severity}", "signal", kind, 1.0 / time, 1.0, productivity, closure,
            severity=severity, source=_COLOURS,
        )
        for kind, severity, time, closure, productivity in _SIGNALS
    ]  # fmt: skip


def _mode_rows() -> list[EffectRow]:
    # A high-speed line is slowed by snow and seldom shut; an aircraft flies over the weather but is held by fog.
    return [
        EffectRow("mode.road", "mode", "road", 1.0, 1.0, 1.0, 1.0, source="the tables are made for roads"),
        EffectRow("mode.rail", "mode", "rail", 0.25, 0.25, 1.0, 0.1, source=_MODES),
        EffectRow("mode.air", "mode", "air", 0.0, 0.0, 1.0, 0.5, source=_MODES),
    ]


@dataclass(frozen=True)
class EffectTables:
    """The effect rows as arrays, for whole grids at once.

    Parameters
    ----------
    rows
        What ``list_effects`` returns.
    """

    rows: tuple[EffectRow, ...]

    def classes(self, kind: str) -> list[EffectRow]:
        """Return the ``measure`` rows of a kind, by their lower end."""
        found = [row for row in self.rows if row.trigger == "measure" and row.kind == kind]
        return sorted(found, key=lambda row: row.low)

    def row(self, name: str) -> EffectRow:
        """Return one row by its id."""
        return next(row for row in self.rows if row.id == name)

    def classify(self, kind: str, values: Floats) -> NDArray[np.int64]:
        """Return the position of each value's class in ``classes(kind)``, -1 where no class holds it (or it is NaN).

        Parameters
        ----------
        kind
            rain, snow, cold or fog.
        values
            Any shape: water [mm/h], temperature [°C] or visibility [m].
        """
        rows = self.classes(kind)
        lows = np.array([row.low for row in rows])
        highs = np.array([row.high for row in rows])
        filled = np.where(np.isnan(values), -_INF if np.isfinite(lows[0]) else _INF, values)
        position = np.searchsorted(lows, filled, side="right") - 1
        inside = (position >= 0) & (filled < highs[np.maximum(position, 0)]) & ~np.isnan(values)
        return np.where(inside, position, -1)

    def measured(self, name: Literal["speed", "capacity"], kind: str, values: Floats) -> Floats:
        """Return the factor of each value's class, 1 outside the classes. Shapes as in ``classify``."""
        factors = np.array([getattr(row, name) for row in self.classes(kind)] + [1.0])
        return factors[self.classify(kind, values)]

    def signalled(self, name: Literal["speed", "productivity", "closure"], kind: str) -> Floats:
        """Return the factor of a kind for each colour of ``SEVERITIES``, shape (5,); no effect for unknown kinds."""
        neutral = 0.0 if name == "closure" else 1.0
        factors = np.full(len(SEVERITIES), neutral)
        for row in self.rows:
            if row.trigger == "signal" and row.kind == kind:
                factors[SEVERITIES.index(row.severity)] = getattr(row, name)
        return factors

    def mode_shares(self, modes: Sequence[str]) -> tuple[Floats, Floats, Floats]:
        """Return for each mode the share of the road's loss of speed, of capacity and of closure that it suffers."""
        known = {row.kind: row for row in self.rows if row.trigger == "mode"}
        chosen = [known.get(mode, known["road"]) for mode in modes]
        return (
            np.array([row.speed for row in chosen], dtype=np.float64),
            np.array([row.capacity for row in chosen], dtype=np.float64),
            np.array([row.closure for row in chosen], dtype=np.float64),
        )


# Words of warnings, in English and Chinese, by the kind whose preset they take; the first that is found counts.
_WORDS = (
    ("ice", ("ice", "icing", "freez", "结冰", "冻雨", "冰冻")),
    ("snow", ("snow", "blizzard", "雪")),
    ("fog", ("fog", "雾", "haze", "霾", "visibility")),
    ("rain", ("rain", "暴雨", "flood", "洪")),
    ("wind", ("wind", "gale", "风", "typhoon", "storm", "hurricane", "squall")),
)


def kind_of_warning(words: str) -> str | None:
    """Return which of ``KINDS`` a warning's own word means, None where ParcelRadar has no effect for it."""
    folded = words.strip().lower()
    for kind, parts in _WORDS:
        if any(part in folded for part in parts):
            return kind
    return None
