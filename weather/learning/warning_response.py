"""What history shows of each class of warning: how many parcels hubs sent while one stood over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from data.settings import WeatherSettings
from weather.effects.effect_tables import EffectRow, kind_of_warning
from weather.exposure.lane_places import departure_hours, stand_over
from weather.exposure.warnings import ActingWarnings
from weather.learning.out_of_sample import NOTHING_LEFT_OUT, gain_of_mixture
from weather.learning.volumes import volume_deviations


@dataclass(frozen=True)
class Shrinkage:
    """How far history moves a preset (all judgement)."""

    prior_deviation: float = 0.15
    """Standard deviation of the logarithm of the preset's share."""
    least_deviation: float = 0.12
    """Least standard deviation of one day's mean, in logarithms."""
    least_days: int = 3
    """Days of a class below which the preset stays."""


@dataclass(frozen=True)
class LearnedWarning:
    """Share of parcels that hubs send under one class of warning.

    Parameters
    ----------
    id
        Row of the effect tables, e.g. ``warning.snow.red``.
    published, kept
        Share before and after looking at history.
    deviation
        Standard deviation of the logarithm of ``kept``: an interval of 95 % is kept x exp(-+1.96 deviation).
    history
        Weight of history in it, 0 to 1.
    days, hub_days
        How many days, and hubs x days, it rests on.
    gain
        By how much the error falls on days left out, against the preset; NaN where there are too few.
    """

    id: str
    published: float
    kept: float
    deviation: float
    history: float
    days: int
    hub_days: int
    gain: float = NOTHING_LEFT_OUT


def fit_warning_response(
    volumes: pl.DataFrame,
    hubs: pl.DataFrame,
    acting: ActingWarnings,
    rows: Sequence[EffectRow],
    settings: WeatherSettings,
    zone: ZoneInfo,
    shrinkage: Shrinkage = Shrinkage(),
) -> tuple[LearnedWarning, ...]:
    """Learn what each class of warning does to the parcels hubs send.

    Parameters
    ----------
    volumes
        ``date``, ``hub_id``, ``parcels`` sent.
    hubs
        Table ``hubs``; those without coordinates are left out.
    acting
        Warnings of the same time.
    rows
        The effect tables.
    settings, zone
        Section ``[weather]`` of radar.toml and time zone of the workspace.
    shrinkage
        How far history moves a preset.

    Returns
    -------
    tuple of LearnedWarning
        One for each class of warning, in the tables' order.

    Notes
    -----
    ``y`` is the logarithm of a hub's parcels less its median of 29 days and less the day's median over hubs. Each hub-day under
    warnings for at least half of the working hours belongs to the class with the lowest preset. Days are the units, as one storm
    lies over many hubs: the mean of a class's daily means, with variance ``s^2 / days``, is weighed against the preset.
    """
    spare = 1.0 + settings.spare_capacity
    presets = {row.id: min(1.0, row.productivity * spare) for row in rows if row.trigger == "signal"}
    under = _hub_days(hubs, acting, presets, (volumes["date"].min(), volumes["date"].max()), settings, zone)
    met = under.join(volume_deviations(volumes).drop_nulls(), on=["hub_id", "date"])
    by_day = met.group_by("id", "date").agg(pl.col("deviation").mean(), hub_days=pl.len())
    seen = {
        name: (means, hub_days)
        for name, means, hub_days in by_day.sort("id", "date")
        .group_by("id")
        .agg(pl.col("deviation"), hub_days=pl.col("hub_days").sum())
        .iter_rows()
    }
    return tuple(_weigh(name, preset, seen.get(name), shrinkage) for name, preset in presets.items())


def replace_productivity(
    rows: Sequence[EffectRow], learned: Sequence[LearnedWarning], spare_capacity: float
) -> tuple[EffectRow, ...]:
    """Put what history shows of warnings into the productivity of their rows; rows of radar.toml stay."""
    found = {row.id: row for row in learned if row.history > 0.0}
    return tuple(
        replace(
            row,
            productivity=min(1.0, found[row.id].kept / (1.0 + spare_capacity)),
            source=f"productivity: {found[row.id].history:.0%} from {found[row.id].days} days of history; {row.source}",
        )
        if row.id in found and row.source != "radar.toml"
        else row
        for row in rows
    )


def _weigh(name: str, preset: float, seen: tuple[Sequence[float], int] | None, shrinkage: Shrinkage) -> LearnedWarning:
    means, hub_days = seen or ((), 0)
    days = len(means)
    if days < shrinkage.least_days:
        return LearnedWarning(name, preset, preset, shrinkage.prior_deviation, 0.0, days, hub_days)
    prior, published = shrinkage.prior_deviation**-2, float(np.log(preset))
    shown = days / _spread(means, shrinkage) ** 2
    capacity = float(np.exp(_mix(means, published, shrinkage)))
    gain = gain_of_mixture(means, published, lambda others: _mix(others, published, shrinkage))
    return LearnedWarning(
        name, preset, capacity, (prior + shown) ** -0.5, shown / (prior + shown), days, hub_days, gain
    )


def _spread(means: Sequence[float], shrinkage: Shrinkage) -> float:
    return max(float(np.std(means, ddof=1)) if len(means) > 1 else 0.0, shrinkage.least_deviation)


def _mix(means: Sequence[float], published: float, shrinkage: Shrinkage) -> float:
    """Logarithm of the share that days and preset come to, weighed by how sure each is; never above 0."""
    prior, shown = shrinkage.prior_deviation**-2, len(means) / _spread(means, shrinkage) ** 2
    return min((prior * published + shown * float(np.mean(means))) / (prior + shown), 0.0)


def _hub_days(
    hubs: pl.DataFrame,
    acting: ActingWarnings,
    presets: dict[str, float],
    span: tuple[object, object],
    settings: WeatherSettings,
    zone: ZoneInfo,
) -> pl.DataFrame:
    """Class of the warnings over each hub and day: ``hub_id``, ``date``, ``id``."""
    schema = {"hub_id": pl.String(), "date": pl.Date(), "id": pl.String()}
    first, last = span
    placed = hubs.filter(pl.col("latitude").is_not_null() & pl.col("longitude").is_not_null()).sort("hub_id")
    if not isinstance(first, date) or not isinstance(last, date) or placed.is_empty() or acting.frame.is_empty():
        return pl.DataFrame(schema=schema)
    latitude, longitude = (placed[name].to_numpy().astype(np.float64) for name in ("latitude", "longitude"))
    places, numbers = stand_over(latitude, longitude, acting.areas)
    names = placed["hub_id"].to_list()
    length = max(settings.work_to_hour - settings.work_from_hour, 1)
    found: dict[tuple[str, date], str] = {}
    for number, row in enumerate(acting.frame.iter_rows(named=True)):
        name = f"warning.{kind_of_warning(row['kind'])}.{row['severity']}"
        if name not in presets:
            continue
        begin, end = row["onset"], row["expires"]
        day = max(begin.astimezone(zone).date(), first)
        while day <= min(end.astimezone(zone).date(), last):
            opens = departure_hours([day], settings.work_from_hour, zone)[0]
            shared = min(end.timestamp() / 3600.0, opens + length) - max(begin.timestamp() / 3600.0, opens)
            if shared >= length / 2.0:
                for place in places[numbers == number].tolist():
                    key = (names[place], day)
                    found[key] = min(found.get(key, name), name, key=lambda each: presets[each])
            day += timedelta(days=1)
    rows = [(hub, day, name) for (hub, day), name in found.items()]
    return pl.DataFrame(rows, schema=schema, orient="row").sort("hub_id", "date")
