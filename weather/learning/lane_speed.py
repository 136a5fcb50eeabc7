"""What history shows of the speed of lanes in rain, snow and fog: waybills against the weather they came through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Floats
from data.constants import constant
from data.departure_times import TimetableTables, list_departures
from data.geography import ground_km, transit_hours
from data.settings import WeatherSettings
from weather.effects.effect_tables import EffectRow, EffectTables
from weather.exposure.lane_places import LaneSamples, days_between, sample_lanes
from weather.exposure.local_weather import weather_over
from weather.exposure.points import WeatherGrid
from weather.exposure.trips import list_trips
from weather.learning.out_of_sample import NOTHING_LEFT_OUT, gain_of_mixture
from weather.learning.volumes import VOLUMES

KINDS = ("rain", "snow", "fog")

_LONGEST_WAIT = 7  # days for a departure: every weekday has come once

_MEASURES = {"rain": "rain", "snow": "snow", "fog": "visibility"}


@dataclass(frozen=True)
class SpeedRules:
    """What is learnt of the speed of lanes from waybills."""

    prior_deviation: float = constant(0.10, "log units", "standard deviation of a published speed", "judgement")
    least_deviation: float = constant(0.05, "log units", "of the mean of a day, at least", "judgement")
    least_waybills: int = constant(20, "waybills", "between two hubs below which nothing is learnt", "judgement")
    most_pairs: int = constant(1000, "pairs", "of hubs with the most waybills that are looked at", "judgement")
    still_running: int = constant(
        5, "days", "of the end left out: their parcels are known only as far as they were quick", "judgement"
    )


SPEEDS = SpeedRules()


@dataclass(frozen=True)
class LearnedSpeed:
    """Speed in one class of weather as history shows it.

    Parameters
    ----------
    id
        Row of the effect tables.
    published, speed
        Factor before and after looking at history.
    deviation
        Standard deviation of the logarithm of ``speed``.
    history
        Weight of history in it, 0 to 1.
    days, lane_days
        How many days, and lanes x days, it rests on.
    gain
        By how much the error falls on days left out, against the published figure; NaN where there are too few.
    """

    id: str
    published: float
    speed: float
    deviation: float
    history: float
    days: int
    lane_days: int
    gain: float = NOTHING_LEFT_OUT


def measure_delays(waybills: pl.DataFrame, zone: ZoneInfo) -> pl.DataFrame:
    """Measure how much longer parcels took than usual on their way between hubs.

    Parameters
    ----------
    waybills
        Table ``waybills``; those with an exception, and those picked up in the last five days, are left out.
    zone
        Time zone of the workspace.

    Returns
    -------
    polars.DataFrame
        ``origin_hub_id``, ``destination_hub_id``, ``date`` (of pick-up), ``picked_up_at`` (mean), ``extra_hours`` (mean of hours from
        pick-up to arrival less the pair's median), ``waybills``; the thousand pairs with most waybills, each with at least twenty. Sorted.
    """
    pair = ["origin_hub_id", "destination_hub_id"]
    hours = (pl.col("arrived_at") - pl.col("picked_up_at")).dt.total_seconds() / 3600.0
    moved = (
        waybills.filter(
            pl.col("exception").is_null(),
            pl.col("origin_hub_id") != pl.col("destination_hub_id"),
            pl.col("picked_up_at") <= pl.col("picked_up_at").max() - timedelta(days=SPEEDS.still_running),
        )
        .select(
            *pair, "picked_up_at", date=pl.col("picked_up_at").dt.convert_time_zone(str(zone)).dt.date(), hours=hours
        )
        .drop_nulls()
    )
    count = moved.group_by(pair).agg(count=pl.len()).filter(pl.col("count") >= SPEEDS.least_waybills)
    chosen = count.sort("count", *pair, descending=[True, False, False]).head(SPEEDS.most_pairs).select(pair)
    usual = moved.join(chosen, on=pair).with_columns(extra=pl.col("hours") - pl.col("hours").median().over(pair))
    days = usual.group_by(*pair, "date").agg(
        pl.col("picked_up_at").mean(), extra_hours=pl.col("extra").mean(), waybills=pl.len()
    )
    return days.sort(*pair, "date")


def fit_lane_speed(
    delays: pl.DataFrame,
    lanes: pl.DataFrame,
    timetable: TimetableTables,
    grid: WeatherGrid,
    tables: EffectTables,
    settings: WeatherSettings,
    zone: ZoneInfo,
) -> tuple[LearnedSpeed, ...]:
    """Learn the speed in each class of rain, snow and fog.

    Parameters
    ----------
    delays
        As ``measure_delays`` returns them.
    lanes
        Table of this name.
    timetable
        Hubs, and when lanes are left.
    grid
        The weather of those days.
    tables
        The effect tables before history.
    settings, zone
        Section ``[weather]`` of radar.toml, and the time zone.

    Returns
    -------
    tuple of LearnedSpeed
        One for each ``measure`` row of rain, snow and fog.

    Notes
    -----
    With ``T`` the hours on the road of a pair and ``e`` the mean extra hours of a day, ``y = ln(T / (T + e))`` less its mean on
    fair days is the logarithm of the day's speed factor. Each pair and day belongs to the class of the worst it crossed, having left with
    the first departure that took parcels picked up at the day's mean hour (at ``departure_hour`` where no hours are known). Days are
    the units (a storm hits many pairs at once): a class's mean of its days' means, with variance s² / days, is weighed
    against the published figure with deviation 0.10 in logarithms. A heavier class is never faster than a lighter one:
    where it would be, the two become one (pool adjacent violators).
    """
    if delays.is_empty() or grid.points == 0:
        return tuple(_learned(tables, {}))
    places = _pairs_as_lanes(delays, lanes, timetable.hubs)
    samples = sample_lanes(places, timetable.hubs, settings.sample_km)
    named = delays.with_columns(lane_id=pl.concat_str("origin_hub_id", pl.lit(">"), "destination_hub_id"))
    left = _find_departures(named, places, timetable, settings.departure_hour, zone)
    classes = _classes_met(samples, left, grid, tables, settings)
    rows = named.join(places.select("lane_id", "transit_hours"), on="lane_id").join(classes, on=["lane_id", "date"])
    road = pl.col("transit_hours")
    rows = rows.with_columns(
        y=(road / (road + pl.max_horizontal("extra_hours", -0.5 * road))).log(),
        weight=pl.col("waybills") / (pl.col("waybills") + 5.0),
    )
    fair = rows.filter(pl.col("met") == "")
    level = fair.select((pl.col("y") * pl.col("weight")).sum() / pl.col("weight").sum()).item() if fair.height else 0.0
    by_day = (
        rows.filter(pl.col("met") != "")
        .group_by("met", "date")
        .agg(y=((pl.col("y") - level) * pl.col("weight")).sum() / pl.col("weight").sum(), lane_days=pl.len())
    )
    met = by_day.sort("met", "date").group_by("met").agg("y", pl.col("lane_days").sum())
    found = {name: (means, lane_days) for name, means, lane_days in met.iter_rows()}
    return tuple(_learned(tables, found))


def replace_rows(rows: Sequence[EffectRow], learned: Sequence[LearnedSpeed]) -> tuple[EffectRow, ...]:
    """Put what history shows in place of the speed of published rows, where its weight is at least one half.

    A row a planner has set in radar.toml stays.
    """
    sure = {row.id: row for row in learned if row.history >= VOLUMES.enough}
    return tuple(
        replace(
            row, speed=sure[row.id].speed, source=f"speed: {sure[row.id].lane_days} lane-days of history; {row.source}"
        )
        if row.id in sure and row.source != "radar.toml"
        else row
        for row in rows
    )


def _learned(tables: EffectTables, found: dict[str, tuple[list[float], int]]) -> list[LearnedSpeed]:
    """Weigh what each class showed (its days, and lanes x days) against what is published."""
    prior = 1.0 / SPEEDS.prior_deviation**2
    learned = []
    for kind in KINDS:
        # from the mildest class to the worst
        classes = tables.classes(kind) if kind != "fog" else tables.classes(kind)[::-1]
        seen = [found.get(row.id, ([], 0)) for row in classes]
        published = [float(np.log(row.speed)) for row in classes]
        shown = np.array([_precision(means) for means, _ in seen])
        mean = np.array([_mix(means, preset) for (means, _), preset in zip(seen, published, strict=True)])
        speeds, blocks = _never_rising(np.minimum(mean, 0.0), prior + shown)
        for block in blocks:
            # classes that had to be made one share what is known of them
            history = float(shown[block].sum() / (prior * len(block) + shown[block].sum()))
            deviation = float((prior * len(block) + shown[block].sum()) ** -0.5)
            for one in block:
                means, lane_days = seen[one]
                preset, speed = published[one], float(np.exp(speeds[one]))
                gain = gain_of_mixture(means, preset, partial(_mix, published=preset))
                row = classes[one]
                learned.append(LearnedSpeed(row.id, row.speed, speed, deviation, history, len(means), lane_days, gain))
    return learned


def _precision(means: Sequence[float]) -> float:
    """1 / variance of the mean of some days: days / s^2, with s from the days, at least ``SPEEDS.least_deviation``."""
    spread = float(np.std(means, ddof=1)) if len(means) > 1 else 2.0 * SPEEDS.least_deviation
    return len(means) / max(spread, SPEEDS.least_deviation) ** 2


def _mix(means: Sequence[float], published: float) -> float:
    """Logarithm of the speed that days and the published figure come to, weighed by how sure each is."""
    prior, shown = 1.0 / SPEEDS.prior_deviation**2, _precision(means)
    return (prior * published + shown * float(np.mean(means) if len(means) else 0.0)) / (prior + shown)


def _never_rising(values: Floats, weights: Floats) -> tuple[Floats, list[list[int]]]:
    """Weighted least squares under "never rising" (pool adjacent violators): the values, and what was pooled."""
    blocks: list[list[int]] = []
    means: list[float] = []
    for position, value in enumerate(values.tolist()):
        blocks.append([position])
        means.append(value)
        while len(means) > 1 and means[-2] < means[-1]:
            last = blocks.pop()
            means.pop()
            blocks[-1] += last
            means[-1] = float(np.average(values[blocks[-1]], weights=weights[blocks[-1]]))
    return np.concatenate([np.full(len(block), mean) for block, mean in zip(blocks, means, strict=True)]), blocks


def _pairs_as_lanes(delays: pl.DataFrame, lanes: pl.DataFrame, hubs: pl.DataFrame) -> pl.DataFrame:
    """Each pair of hubs as a lane: with the hours of its quickest road, else of the road distance."""
    pair = ["origin_hub_id", "destination_hub_id"]
    roads = lanes.filter(pl.col("mode") == "road").sort(*pair, "transit_hours", "lane_id")
    quickest = roads.unique(pair, keep="first", maintain_order=True).select(*pair, "transit_hours", quickest="lane_id")
    place = hubs.select("hub_id", "latitude", "longitude").drop_nulls()
    pairs = (
        delays.select(pair)
        .unique()
        .join(place.rename({"hub_id": pair[0], "latitude": "lat0", "longitude": "lon0"}), on=pair[0])
        .join(place.rename({"hub_id": pair[1], "latitude": "lat1", "longitude": "lon1"}), on=pair[1])
        .join(quickest, on=pair, how="left")
    )
    lat0, lon0, lat1, lon1 = (pairs[name].to_numpy() for name in ("lat0", "lon0", "lat1", "lon1"))
    distance = ground_km(lat0, lon0, lat1, lon1)
    pairs = pairs.with_columns(
        pl.col("transit_hours").fill_null(pl.Series(transit_hours(distance))).clip(lower_bound=0.5),
        lane_id=pl.concat_str(pair[0], pl.lit(">"), pair[1]),
        mode=pl.lit("road"),
    )
    return pairs.select("lane_id", *pair, "mode", "transit_hours", "quickest").sort("lane_id")


def _find_departures(
    delays: pl.DataFrame, places: pl.DataFrame, timetable: TimetableTables, usual_hour: int, zone: ZoneInfo
) -> pl.DataFrame:
    """Departure with which the parcels of each pair and day left: ``lane_id``, ``date`` (of pick-up), ``leaves_at``, sorted.

    A pair is left when its quickest road is; its parcels join the first departure that takes what is at hand at their mean hour of pick-up.
    """
    dates = delays["date"].unique().sort().to_list()
    # a sort of the night before may still take them, and the next may be days away
    days = days_between(dates[0] - timedelta(days=2), dates[-1] + timedelta(days=_LONGEST_WAIT))
    roads = places.select(pl.coalesce("quickest", "lane_id").alias("lane_id"), "origin_hub_id", pair="lane_id")
    times = list_departures(roads, timetable, days, zone, usual_hour)
    listed = times.join(roads.select("lane_id", "pair"), on="lane_id").drop("lane_id").rename({"pair": "lane_id"})
    wanted = delays.select("lane_id", "date", "picked_up_at")
    usual = wanted.join(listed.filter(pl.col("told") == "usual"), on=["lane_id", "date"])
    clock = listed.filter(pl.col("told") != "usual").select("lane_id", "leaves_at", "taken_until").sort("taken_until")
    joined = wanted.sort("picked_up_at").join_asof(
        clock,
        left_on="picked_up_at",
        right_on="taken_until",
        by="lane_id",
        strategy="forward",
        tolerance=timedelta(days=_LONGEST_WAIT),
        check_sortedness=False,
    )
    columns = ["lane_id", "date", "leaves_at"]
    return pl.concat([usual.select(columns), joined.select(columns).drop_nulls()]).sort("lane_id", "date")


def _classes_met(
    samples: LaneSamples, left: pl.DataFrame, grid: WeatherGrid, tables: EffectTables, settings: WeatherSettings
) -> pl.DataFrame:
    """Id of the worst class each lane met on each day, "" where it was fair: ``lane_id``, ``date``, ``met``.

    ``left`` tells when each lane is left on each day. Lanes and days of which nothing is known are left out.
    """
    index, weight = grid.nearest(samples.latitude, samples.longitude, settings.radius_km, settings.neighbours)
    trips = list_trips(samples, days := left["date"].unique().sort().to_list(), left)
    leaves = np.full((len(samples.lane_id), len(days)), np.nan)
    leaves[trips.lane, trips.day] = trips.leaves
    transit = samples.transit_hours[samples.lane] * samples.fraction
    hours = np.ceil(leaves[samples.lane] + transit[:, None] - 1e-9)
    # before the first hour of the grid nothing is known
    hours = np.where(np.isnan(hours), grid.first_hour - 1.0, hours).astype(np.int64)
    local = weather_over(grid, index, weight, hours)
    names = [""]
    worst = np.ones(local.known.shape)
    met: NDArray[np.int64] = np.zeros(local.known.shape, dtype=np.int64)
    for kind in KINDS:
        values: Floats = local.values[_MEASURES[kind]]
        position, speed = tables.classify(kind, values), tables.measured("speed", kind, values)
        slower = speed < worst
        met = np.where(slower, position + len(names), met)
        worst = np.where(slower, speed, worst)
        names += [row.id for row in tables.classes(kind)]
    known = np.asarray(np.logical_or.reduceat(local.known, samples.starts, axis=0))
    rows = []
    for column, day in enumerate(days):
        first = np.lexsort((worst[:, column], samples.lane))[samples.starts]
        chosen = met[first, column]
        rows += [
            (lane, day, names[number])
            for lane, number, seen in zip(samples.lane_id, chosen.tolist(), known[:, column].tolist(), strict=True)
            if seen
        ]
    return pl.DataFrame(rows, schema={"lane_id": pl.String, "date": pl.Date, "met": pl.String}, orient="row")
