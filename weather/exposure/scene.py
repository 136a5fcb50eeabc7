"""Everything known of the weather of some days, and what each warning does."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Floats
from data.settings import WeatherSettings
from weather.effects.effect_tables import SEVERITIES, EffectTables, kind_of_warning
from weather.exposure.points import WeatherGrid

if TYPE_CHECKING:
    import geopandas as gpd


@dataclass(frozen=True)
class WeatherScene:
    """Everything known of the weather of some days.

    Parameters
    ----------
    grid
        Weather on points and hours.
    warnings
        Warnings that act: rows of ``weather_warnings``, see ``warnings.acting_warnings``.
    areas
        Their areas, row by row.
    tables
        The effect tables.
    settings
        Section ``[weather]`` of radar.toml.
    zone
        Time zone of the workspace.
    """

    grid: WeatherGrid
    warnings: pl.DataFrame
    areas: gpd.GeoDataFrame
    tables: EffectTables
    settings: WeatherSettings
    zone: ZoneInfo

    def presets(self) -> tuple[Floats, Floats, Floats, NDArray[np.int8]]:
        """Return what each warning does: speed, productivity, closure probability and colour, each of shape (warnings,)."""
        return self._presets

    @cached_property
    def _presets(self) -> tuple[Floats, Floats, Floats, NDArray[np.int8]]:
        codes = [SEVERITIES.index(severity) for severity in self.warnings["severity"]]
        kinds = [kind_of_warning(words) for words in self.warnings["kind"]]
        tables = self.tables
        found = [
            (1.0, 1.0, 0.0)
            if kind is None
            else (
                float(tables.signalled("speed", kind)[code]),
                float(tables.signalled("productivity", kind)[code]),
                float(tables.signalled("closure", kind)[code]),
            )
            for kind, code in zip(kinds, codes, strict=True)
        ]
        columns = np.array(found, dtype=np.float64).reshape(len(found), 3)
        return columns[:, 0], columns[:, 1], columns[:, 2], np.array(codes, dtype=np.int8)

    def warning_words(self, number: int) -> str:
        """Put a warning into words, e.g. ``"warning snow red (W1)"``."""
        name, kind, severity = self.warnings.select("warning_id", "kind", "severity").row(number)
        words = f"warning {kind} {severity} ({name})"
        return words if kind_of_warning(kind) is not None else f"{words}, no effect known"
