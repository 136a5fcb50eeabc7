"""A network of which only outlets are known: they are forecast from their own, and hubs, regions and network are their sums."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.errors import RadarError
from data.silent_days import Silence, find_silences, tell_silences
from forecasting.inputs import ForecastInputs
from forecasting.intervals.calibration import calibrate_intervals
from forecasting.intervals.error_samples import ErrorSample
from forecasting.intervals.interval_model import IntervalModel
from forecasting.intervals.spread import EventDays, Parts, Spread
from forecasting.intervals.to_tables import publish, publish_routes
from forecasting.outlets.calendar_model import OutletDays
from forecasting.outlets.hubs_of_outlets import HubChanges, change_hubs, outlet_overrides, read_hub_changes
from forecasting.outlets.own_forecast import backtest_own, forecast_own, read_outlet_days
from forecasting.results import Forecasts, RouteForecast
from forecasting.series.panel import Membership, Panel, aggregate, days_from, to_date
from forecasting.series.rounding import round_coherently
from forecasting.series.windows import mark_windows

SIDES = {"pickup": "out", "delivery": "in"}
"""Direction of outlets -> direction of hubs and regions that they sum to."""


@dataclass(frozen=True)
class _Side:
    """One direction, forecast."""

    direction: str
    parts: Parts
    units: pl.DataFrame
    samples: tuple[ErrorSample, ...]
    changes: HubChanges

    def membership(self, level: str) -> Membership:
        column = {"hub": "hub_id", "region": "region_id"}.get(level)
        if column is None:
            return Membership(np.zeros(self.units.height, dtype=np.int64), ("network",))
        return _group(self.units[column])

    def sums(self, level: str, as_of: dt.date, regions: Mapping[str, str | None]) -> tuple[list[str], Parts]:
        """Names of a level and its sums: hubs as network changes leave them, and regions as sums of these hubs."""
        if level == "network" or self.changes.empty:
            group = self.membership(level)
            return list(group.labels), self.parts.summed(group)
        hubs = change_hubs(self.parts.summed(self.membership("hub")), self.changes, as_of)
        names = self.changes.labels(self.direction)
        if level == "hub":
            return names, hubs
        of_hubs = _group(pl.Series([regions.get(name) for name in names], dtype=pl.String))
        return list(of_hubs.labels), hubs.summed(of_hubs)


def forecast_from_outlets(
    inputs: ForecastInputs, as_of: dt.date, horizon: int, closed: Sequence[tuple[dt.date, dt.date]] = ()
) -> Forecasts:
    """Forecast outlets, and what they sum to, without any route volumes.

    Parameters
    ----------
    inputs
        Tables as known on the as-of date; ``outlets`` and ``outlet_volumes`` hold rows.
    as_of, horizon
        Last known day and days ahead.
    closed
        First and last day of times in which the whole network rested; other days without any row are unknown and teach nothing.

    Returns
    -------
    Forecasts
        Pick-ups are what hubs send, deliveries what they receive; the network is what is picked up, or what is delivered where
        nothing is known of pick-ups. No routes. Overrides of every level multiply outlets; network changes move the sums of hubs and regions, while
        outlets keep what they pick up and deliver.

    Raises
    ------
    RadarError
        When no outlet of the table ``outlets`` has volumes before the as-of date.
    """
    outlets = inputs.outlets.select("outlet_id", "courier_id", "hub_id").sort("outlet_id")
    dates = days_from(as_of, 1 + horizon)[1:]
    silences = find_silences(_volumes_of_hubs(inputs), closed)
    sides = []
    for direction in SIDES:
        days = read_outlet_days(inputs, outlets, direction, as_of, horizon)
        if days is not None:
            days = replace(days, unknown=mark_unknown(silences, days))
            sides.append(_forecast_side(inputs, direction, outlets, days, dates))
    if not sides:
        raise RadarError(
            "neither route volumes nor volumes of outlets in the table outlets",
            f"at least one of them up to {as_of}",
            "load route_volumes, waybills, or outlets with outlet_volumes first (`radar load`)",
        )
    intervals = calibrate_intervals([sample for side in sides for sample in side.samples])
    on = ~mark_windows(inputs.events, as_of + dt.timedelta(days=1), horizon)["normal"]
    events = EventDays(on, np.zeros(horizon))
    known_until = inputs.outlet_volumes["date"].max()
    last = known_until if isinstance(known_until, dt.date) else as_of
    routes = _no_routes(dates, last)
    notes = ["No route volumes: outlets are forecast from their own volumes, and hubs and the network are their sums."]
    notes += [sentence.replace("route_volumes", "outlet_volumes") for sentence in tell_silences(silences)]
    notes += dict.fromkeys(note for side in sides for note in side.changes.notes)
    if last < as_of:
        notes.append(
            f"Outlet volumes end on {last}, {(as_of - last).days} days before {as_of}; the forecast bridges them."
        )
    with_region = "region_id" in inputs.hubs.columns
    regions = dict(inputs.hubs.select("hub_id", "region_id").iter_rows()) if with_region else {}
    nothing, none = np.zeros((0, horizon)), np.zeros(0)
    whole = Parts(nothing.astype(np.int64), nothing, nothing, nothing, none, none)
    return Forecasts(
        as_of=as_of,
        network=_sums("network", sides[:1], regions, as_of, dates, intervals, events),
        region=_sums("region", sides, regions, as_of, dates, intervals, events),
        hub=_sums("hub", sides, regions, as_of, dates, intervals, events),
        route=publish_routes(routes.panel, whole, as_of, dates, intervals, events),
        outlet=_outlets(sides, as_of, dates, intervals, events),
        matrices=routes,
        spread=Spread(whole, intervals, events),
        notes=tuple(notes),
    )


def _forecast_side(
    inputs: ForecastInputs, direction: str, outlets: pl.DataFrame, days: OutletDays, dates: NDArray[np.datetime64]
) -> _Side:
    horizon = dates.size
    made = forecast_own(days, horizon)
    units = days.units.with_columns(outlets["courier_id"])
    override = outlet_overrides(inputs, units, dates, direction)
    mean = made.mean * override
    had = days.parcels > 0
    age = np.where(had.any(axis=1), days.known - had.argmax(axis=1), 0).astype(np.float64)
    parts = Parts(
        round_coherently(mean, _group(days.units["hub_id"]).index),
        mean,
        made.event * made.promotion,
        override,
        np.where(age > 0, days.parcels[:, -28:].mean(axis=1), mean.mean(axis=1)),
        age,
    )
    as_of = to_date(dates[0]) - dt.timedelta(days=1)
    hubs = list(_group(days.units["hub_id"]).labels)
    side = _Side(direction, parts, days.units, (), read_hub_changes(inputs, hubs, direction, as_of, horizon))
    return replace(side, samples=tuple(_sample(side, days, horizon)))


def _volumes_of_hubs(inputs: ForecastInputs) -> pl.DataFrame:
    """Outlet volumes as those of routes, to find the days on which nothing is known."""
    served = inputs.outlets.select("outlet_id", "courier_id", pl.col("hub_id").alias("origin_hub_id"))
    return inputs.outlet_volumes.join(served, on="outlet_id").select("date", "courier_id", "origin_hub_id", "parcels")


def mark_unknown(silences: Sequence[Silence], days: OutletDays) -> NDArray[np.bool_]:
    """Mark the [known days] of which nothing is known of any outlet, though the network did not rest."""
    unknown = np.zeros(days.known, dtype=np.bool_)
    dates = days.dates[: days.known]
    for run in silences:
        if run.scope == "network" and run.meaning == "unknown":
            unknown |= (dates >= np.datetime64(run.date_from, "D")) & (dates <= np.datetime64(run.date_to, "D"))
    return unknown


def _sample(side: _Side, days: OutletDays, horizon: int) -> Iterator[ErrorSample]:
    """Errors of earlier cut-offs, of outlets and of every sum."""
    marks = mark_windows(days.events, to_date(days.dates[0]), days.dates.size)["normal"]
    for test in backtest_own(days, horizon):
        event = ~marks[test.known : test.known + test.mean.shape[1]]
        volume = days.parcels[:, max(0, test.known - 28) : test.known].mean(axis=1)
        there = np.asarray((days.parcels[:, : test.known] > 0).any(axis=1))
        yield ErrorSample.of("outlet", test.actual[there], test.mean[there], volume[there], event, backtest=test.known)
        # An outlet without a parcel yet is taken for an average one; on that day nobody forecast it.
        known = np.where(there[:, None], test.mean, 0.0)
        for level in ("hub", "region", "network"):
            group = side.membership(level)
            sums = (aggregate(part, group) for part in (test.actual, known, volume[:, None]))
            actual, mean, of_group = sums
            yield ErrorSample.of(level, actual, mean, of_group[:, 0], event, backtest=test.known)


def _sums(
    level: str,
    sides: list[_Side],
    regions: Mapping[str, str | None],
    as_of: dt.date,
    dates: NDArray[np.datetime64],
    intervals: IntervalModel,
    events: EventDays,
) -> pl.DataFrame:
    frames = []
    for side in sides:
        label = f"{level}_id"
        names, sums = side.sums(level, as_of, regions)
        keys = pl.DataFrame({label: names, "direction": [SIDES[side.direction]] * len(names)})
        frame = publish(keys, sums, level, as_of, dates, intervals, events)
        frames.append(frame.filter(pl.col(label) != ""))
    table = pl.concat(frames)
    if level == "network":
        return table.drop("network_id", "direction").sort("date")
    return table.sort("date", f"{level}_id", "direction")


def _outlets(
    sides: list[_Side], as_of: dt.date, dates: NDArray[np.datetime64], intervals: IntervalModel, events: EventDays
) -> pl.DataFrame:
    frames = []
    for side in sides:
        keys = side.units.select("outlet_id").with_columns(pl.lit(side.direction).alias("direction"))
        frames.append(publish(keys, side.parts, "outlet", as_of, dates, intervals, events))
    return pl.concat(frames).sort("date", "outlet_id", "direction")


def _group(names: pl.Series) -> Membership:
    labels, index = np.unique(names.fill_null("").to_numpy().astype(str), return_inverse=True)
    return Membership(index.astype(np.int64), tuple(labels.tolist()))


def _no_routes(dates: NDArray[np.datetime64], known_until: dt.date) -> RouteForecast:
    keys = dict.fromkeys(("courier_id", "origin_hub_id", "destination_hub_id"), pl.String)
    panel = Panel(
        pl.DataFrame(schema=keys),
        np.array([np.datetime64(known_until, "D")]),
        np.zeros((0, 1), dtype=np.float32),
    )
    nothing = np.zeros((0, dates.size))
    return RouteForecast(panel, dates, nothing, nothing, nothing, {})
