"""What a day does to all routes alike: growth, season, weekday, holidays and shopping waves. This is the truth to be found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from data.arrays import Floats
from data.calendar import build_calendar
from data.constants import constant
from data.sample.scale import AS_OF, all_days, stream


@dataclass(frozen=True)
class SeasonTruth:
    """What the sample's days are made of, alike for all routes."""

    growth: Mapping[int, float] = constant(
        {2023: 0.194, 2024: 0.215, 2025: 0.149},
        "1/year",
        "national growth, 2025 to November",
        "published: State Post Bureau",
    )
    weekday: tuple[float, ...] = constant(
        (1.02, 1.03, 1.02, 1.00, 1.02, 0.98, 0.93), "1", "level of Monday to Sunday", "judgement"
    )
    year_wave: float = constant(0.05, "1", "amplitude of the year's wave", "judgement")
    year_peak: int = constant(330, "day of the year", "on which it peaks", "judgement")
    wave_days: tuple[float, ...] = constant(
        (-7.0, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
        "days",
        "since a shopping wave's peak day",
        "judgement",
    )
    wave_share: tuple[float, ...] = constant(
        (0.0, -0.03, -0.06, -0.08, -0.07, 0.06, 1.0, 0.80, 0.62, 0.47, 0.33, 0.22, 0.14, 0.09, 0.05, 0.02, 0.0),
        "1",
        "of its height on these days; before it buyers wait",
        "judgement",
    )
    lunar_days: tuple[float, ...] = constant(
        (-24.0, -18, -14, -10, -7, -5, -3, -1, 0, 2, 4, 6, 8, 10, 12, 15, 20),
        "days",
        "since the first day of the lunar year",
        "judgement",
    )
    lunar_level: tuple[float, ...] = constant(
        (1.0, 1.06, 1.08, 1.0, 0.84, 0.66, 0.47, 0.27, 0.19, 0.21, 0.30, 0.44, 0.60, 0.74, 0.85, 0.96, 1.0),
        "1",
        "level on these days",
        "judgement",
    )
    holiday: Mapping[str, float] = constant(
        {"National Day": 0.88, "Labor Day": 0.90, "New Year's Day": 0.95}, "1", "level on holidays", "judgement"
    )
    other_holiday: float = constant(0.96, "1", "level on other holidays", "judgement")


TRUTH = SeasonTruth()
GROWTH = TRUTH.growth
WEEKDAY = np.array(TRUTH.weekday)

# Height above a normal day and delay of the parcels behind the orders [days], by wave and edition. A courier network is
# spikier than the nation (1.9 in 2023, 1.5 in 2024) and flatter than a single network measured at 2.8. The opening gains on the
# main day and parcels leave sooner from year to year, as stock stands ahead.
WAVES: dict[str, dict[int, tuple[float, float]]] = {
    "618 opening": {2024: (0.55, 0.5), 2025: (0.66, 0.35)},
    "618": {2024: (0.85, 0.45), 2025: (0.90, 0.3)},
    "Double 11 opening": {2023: (0.80, 0.6), 2024: (0.95, 0.45), 2025: (1.08, 0.3)},
    "Double 11": {2023: (1.20, 0.55), 2024: (1.22, 0.4), 2025: (1.25, 0.25)},
    "Double 12": {2023: (0.32, 0.6), 2024: (0.28, 0.5)},
}
SPRING_FESTIVAL = "Chinese New Year"


@dataclass(frozen=True)
class DayFactors:
    """Factors of each day, each of shape (days,); ``normal`` times one plus ``excess`` is the level of the network.

    Parameters
    ----------
    days
        The days in order.
    growth, season, weekday, holiday, noise
        Factors.
    waves
        Excess of each wave over a normal day by the wave's name, shape (days,).
    """

    days: list[date]
    growth: Floats
    season: Floats
    weekday: Floats
    holiday: Floats
    noise: Floats
    waves: dict[str, Floats]

    @property
    def normal(self) -> Floats:
        """Level of the day without shopping waves."""
        level: Floats = self.growth * self.season * self.weekday * self.holiday * self.noise
        return level

    @property
    def excess(self) -> Floats:
        """Sum of all waves over a normal day."""
        total: Floats = np.sum(list(self.waves.values()), axis=0, dtype=np.float64)
        return total


def build_day_factors(seed: int) -> DayFactors:
    """Compute the factors of every day of history and of the future kept in the truth."""
    days = all_days()
    events = build_calendar("CN", days[0].year, days[-1].year + 1)
    ordinal = np.array([day.toordinal() for day in days], dtype=np.float64)
    day_of_year = np.array([day.timetuple().tm_yday for day in days], dtype=np.float64)
    season = 1.0 + TRUTH.year_wave * np.cos(2.0 * np.pi * (day_of_year - TRUTH.year_peak) / 365.25)
    weekday = WEEKDAY[[day.weekday() for day in days]]
    noise = np.exp(autoregressive(stream(seed, "days"), (len(days),), 0.5, 0.025))
    return DayFactors(days, _growth(days), season, weekday, _holidays(events, ordinal), noise, _waves(events, ordinal))


def _growth(days: list[date]) -> Floats:
    """Level by the growth of each year, 1 at the as-of date."""
    rate = np.array([np.log1p(GROWTH[day.year]) / 365.25 for day in days])
    level = np.exp(np.cumsum(rate))
    return np.asarray(level / level[days.index(AS_OF)], dtype=np.float64)


def _holidays(events: pl.DataFrame, ordinal: Floats) -> Floats:
    level = np.ones(len(ordinal))
    for row in events.filter(pl.col("kind") == "holiday").iter_rows(named=True):
        if row["name"] == SPRING_FESTIVAL:
            level = level * np.interp(ordinal - row["peak_date"].toordinal(), TRUTH.lunar_days, TRUTH.lunar_level)
            continue
        inside = (ordinal >= row["date_from"].toordinal()) & (ordinal <= row["date_to"].toordinal())
        level = np.where(inside, np.minimum(level, TRUTH.holiday.get(row["name"], TRUTH.other_holiday)), level)
    return level


def _waves(events: pl.DataFrame, ordinal: Floats) -> dict[str, Floats]:
    excess = {name: np.zeros(len(ordinal)) for name in WAVES}
    for row in events.filter(pl.col("kind") == "shopping").iter_rows(named=True):
        edition = WAVES[row["name"]].get(row["edition"])
        if edition is None:
            continue
        height, delay = edition
        since = ordinal - row["peak_date"].toordinal()
        excess[row["name"]] += height * _profile_with_delay(since, delay)
    return excess


def _profile_with_delay(since: Floats, delay: float) -> Floats:
    """Part ``delay`` of each day's parcels leaves a day later; the sum over the days stays."""
    today = np.interp(since, TRUTH.wave_days, TRUTH.wave_share, left=0.0, right=0.0)
    yesterday = np.interp(since - 1.0, TRUTH.wave_days, TRUTH.wave_share, left=0.0, right=0.0)
    share: Floats = (1.0 - 0.6 * delay) * today + 0.6 * delay * yesterday
    return share


def autoregressive(
    random: np.random.Generator, shape: tuple[int, ...], keep: float, deviation: float | Floats
) -> npt.NDArray[np.float32]:
    """Draw noise that remembers the day before: ``x_t = keep x_{t-1} + e_t`` along the last axis.

    Parameters
    ----------
    random
        Source of the draws.
    shape
        Shape of the result; the last axis is time.
    keep
        Share of yesterday's value that stays.
    deviation
        Standard deviation of ``x``, a number or an array that broadcasts against ``shape``.
    """
    steps = random.standard_normal((shape[-1], *shape[:-1]), dtype=np.float32)
    fresh = np.float32(np.sqrt(1.0 - keep**2))
    steps[1:] *= fresh
    for number in range(1, len(steps)):
        steps[number] += np.float32(keep) * steps[number - 1]
    return np.asarray(np.moveaxis(steps, 0, -1) * np.asarray(deviation, dtype=np.float32), dtype=np.float32, order="C")
