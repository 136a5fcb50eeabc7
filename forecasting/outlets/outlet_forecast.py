"""Outlets: what each picks up and delivers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.constants import constant
from forecasting.history.overrides import outlet_override_factors
from forecasting.inputs import ForecastInputs
from forecasting.intervals.calibration import calibrate_intervals
from forecasting.intervals.error_samples import ErrorSample
from forecasting.intervals.interval_model import IntervalModel
from forecasting.intervals.spread import EventDays, Parts
from forecasting.intervals.to_tables import publish
from forecasting.outlets.beside_routes import BESIDE, OwnDays, carry_over, choose_ages, share_by_day
from forecasting.outlets.shares import OutletHistory, find_strangers, learn_shares, read_history, weekday_factors
from forecasting.outlets.transit import LONGEST_TRANSIT, align_to_deliveries, learn_transit_times, spread_arrivals
from forecasting.results import RouteForecast
from forecasting.series.baselines import day_of_week_mean
from forecasting.series.panel import aggregate, to_date
from forecasting.series.rounding import round_coherently
from forecasting.series.windows import mark_windows

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class OutletRules:
    """What outlets' forecasts look back on."""

    past: int = constant(112, "days", "of history read", "judgement")


OUTLETS = OutletRules()

AGES = choose_ages(range(BESIDE.checked, OUTLETS.past // 2 + 1, BESIDE.checked))
"""Days before the as-of date of the backtests of outlets that are not forecast from their own days."""


@dataclass(frozen=True)
class _Flow:
    """Parcels of each group of outlets (courier at a hub), by day, past and ahead; the last group is all other routes.

    Attributes
    ----------
    past
        [groups x past days] parcels that came through the group's hub.
    ahead, mean, undone, baseline
        [groups x horizon] whole parcels ahead; their mean before rounding; the same without overrides; and without
        events as well.
    earlier
        Days before the as-of date -> [groups x days] what would have been forecast then.
    """

    past: Matrix
    ahead: Matrix
    mean: Matrix
    undone: Matrix
    baseline: Matrix
    earlier: Mapping[int, Matrix]

    def with_network(self, stranger: NDArray[np.bool_]) -> _Flow:
        """Give groups whose hub tells nothing of them the flow of the whole network."""

        def filled(part: Matrix) -> Matrix:
            return np.where(stranger[:, None], part.sum(axis=0), part)

        return _Flow(
            filled(self.past),
            filled(self.ahead),
            filled(self.mean),
            filled(self.undone),
            filled(self.baseline),
            {age: filled(part) for age, part in self.earlier.items()},
        )


@dataclass(frozen=True)
class _Side:
    """Pick-ups or deliveries: the outlets, the group of each, what flows through the groups, and what outlets had so far."""

    outlets: pl.DataFrame
    of_outlet: NDArray[np.int64]
    flow: _Flow
    history: OutletHistory
    direction: str


def forecast_outlets(
    inputs: ForecastInputs,
    as_of: dt.date,
    matrices: RouteForecast,
    whole: NDArray[np.int64],
    events: EventDays,
    own: Mapping[str, OwnDays] | None = None,
) -> pl.DataFrame:
    """Forecast pick-ups and deliveries of every outlet.

    Parameters
    ----------
    inputs
        Tables as known on the as-of date.
    as_of
        Last known day.
    matrices
        The route forecast.
    whole
        [routes x horizon] the same in whole parcels.
    events
        Which days ahead carry an event, and how unsure its factor is.
    own
        Outlets forecast from their own days, by direction: they divide their hub's flow day by day.

    Returns
    -------
    pl.DataFrame
        as_of, date, outlet_id, direction, mean, quantiles, baseline, event, weather, override.

    Notes
    -----
    Pick-up: parcels that leave the outlet's hub with its courier, times the outlet's share. Delivery: parcels on their
    way there, spread over the days after their pick-up by :func:`forecasting.outlets.transit.learn_transit_times`, times a factor of
    the weekday, times the share. A share is that of the last four weeks, and where eight weeks of outlets are known, that of each day's own
    forecasts (:mod:`forecasting.outlets.beside_routes`): an outlet that rests on Sundays gets nothing on Sundays, and what arrives at a hub all of
    whose outlets rest is delivered on their next day of work. So a peak of sending on one day is a peak of deliveries one to three days later.
    Where outlets and hub agree in the past, pick-ups of a hub's outlets sum to its outflow to the parcel.
    """
    if inputs.outlets.is_empty():
        return _no_outlets()
    outlets = inputs.outlets.select("outlet_id", "courier_id", "hub_id").sort("outlet_id")
    pairs = outlets.select("courier_id", "hub_id").unique().sort("courier_id", "hub_id").with_row_index("group")
    group = outlets.join(pairs, on=["courier_id", "hub_id"], how="left", maintain_order="left")["group"]
    of_outlet = group.to_numpy().astype(np.int64)
    gap = (as_of - to_date(matrices.panel.dates[-1])).days
    frames = []
    days = matrices.panel.last(OUTLETS.past + LONGEST_TRANSIT).dates.size + gap
    for direction in ("delivery", "pickup"):
        first = as_of - dt.timedelta(days=days - 1)
        history = read_history(inputs.outlet_volumes, outlets["outlet_id"], direction, first, as_of)
        flow = _read_flow(direction, inputs, as_of, matrices, whole, pairs, gap, history)
        history = history.since(days - flow.past.shape[1])
        side = _Side(outlets, of_outlet, flow, history, direction)
        frames.append(_forecast_side(inputs, matrices, side, events, (own or {}).get(direction)))
    return pl.concat(frames).sort("date", "outlet_id", "direction")


def _no_outlets() -> pl.DataFrame:
    from data.contracts import contract

    return contract("outlet_forecasts").empty().drop("run_id")


def _read_flow(
    direction: str,
    inputs: ForecastInputs,
    as_of: dt.date,
    matrices: RouteForecast,
    whole: NDArray[np.int64],
    pairs: pl.DataFrame,
    gap: int,
    history: OutletHistory,
) -> _Flow:
    panel = matrices.panel.last(OUTLETS.past + LONGEST_TRANSIT)
    end = "origin_hub_id" if direction == "pickup" else "destination_hub_id"
    number = panel.routes.join(
        pairs.rename({"hub_id": end}), on=["courier_id", end], how="left", maintain_order="left"
    )["group"]
    groups = pairs.height + 1
    index = number.fill_null(pairs.height).to_numpy().astype(np.int64)
    # Days between the end of the volumes and the as-of date are not known: they repeat the last week.
    past = panel.parcels.astype(np.float64)
    if gap:
        past = np.hstack([past, day_of_week_mean(past.astype(np.float32), gap, weeks=1)])
    undone = np.divide(matrices.mean, matrices.override, out=np.zeros_like(matrices.mean), where=matrices.override > 0)
    ahead = (whole.astype(np.float64), matrices.mean, undone, undone / matrices.event)
    days = past.shape[1]
    tests = {age: part for age, part in matrices.earlier.items() if 0 < age < days}
    if direction == "pickup":
        whole_ahead, *expected = (aggregate(part, index, groups) for part in ahead)
        earlier = {age: aggregate(part, index, groups) for age, part in tests.items()}
        return _Flow(aggregate(past, index, groups), whole_ahead, expected[0], expected[1], expected[2], earlier)
    shares = learn_transit_times(inputs, as_of, panel.routes)
    shares = align_to_deliveries(
        shares, past * (index < pairs.height)[:, None], history.parcels.sum(axis=0), history.first_day
    )

    def arrive(sent: Matrix) -> Matrix:
        return aggregate(spread_arrivals(sent, shares), index, groups)

    parts = [arrive(np.hstack([past, part])) for part in ahead]
    skipped = min(LONGEST_TRANSIT, max(days - 7, 0))
    # What arrives a few days on was sent before: of the past no more is needed.
    earlier = {}
    for age, part in tests.items():
        sent = past[:, max(days - age - LONGEST_TRANSIT, 0) : days - age]
        earlier[age] = arrive(np.hstack([sent, part]))[:, sent.shape[1] :]
    whole_ahead, mean, plain, baseline = (part[:, days:] for part in parts)
    return _Flow(parts[0][:, skipped:days], whole_ahead, mean, plain, baseline, earlier)


def _forecast_side(
    inputs: ForecastInputs,
    matrices: RouteForecast,
    side: _Side,
    events: EventDays,
    own: OwnDays | None,
) -> pl.DataFrame:
    outlets, of_outlet, flow, history = side.outlets, side.of_outlet, side.flow, side.history
    direction = side.direction
    horizon = matrices.dates.size
    as_of = to_date(matrices.dates[0]) - dt.timedelta(days=1)
    first = as_of - dt.timedelta(days=flow.past.shape[1] - 1)
    marks = mark_windows(inputs.events, first, flow.past.shape[1] + horizon)["normal"]
    normal = marks[: flow.past.shape[1]]
    stranger = find_strangers(flow.past, history, of_outlet)
    flow = flow.with_network(stranger)
    groups = flow.past.shape[0]
    week = weekday_factors(flow.past, history, normal, of_outlet) if direction == "delivery" else np.ones((groups, 7))
    shares = learn_shares(flow.past, history, of_outlet, week, stranger)
    side = replace(side, flow=flow)
    by_day, ahead = _divide_flow(side, flow.ahead, week, shares, None if own is None else own.mean)
    mean = by_day * ahead[of_outlet]
    override = _divide(flow.mean, flow.undone)[of_outlet]
    event = _divide(flow.undone, flow.baseline)[of_outlet]
    if inputs.overrides is not None and not inputs.overrides.is_empty():
        factors = outlet_override_factors(inputs.overrides, outlets["outlet_id"].to_list(), matrices.dates, direction)
        mean, override = mean * factors, override * factors
    rounded = round_coherently(mean, of_outlet)
    volume = history.parcels[:, -28:].mean(axis=1)
    volume = np.where(history.days > 0, volume, mean.mean(axis=1))
    intervals = _calibrate(side, ~normal, stranger, week, own)
    lagged = events if direction == "pickup" else _delay(events)
    keys = outlets.select("outlet_id").with_columns(pl.lit(direction).alias("direction"))
    parts = Parts(rounded, mean, event, override, volume, history.days)
    return publish(keys, parts, "outlet", as_of, matrices.dates, intervals, lagged)


def _divide(numerator: Matrix, denominator: Matrix) -> Matrix:
    return np.divide(numerator, denominator, out=np.ones_like(numerator), where=denominator > 0)


def _delay(events: EventDays) -> EventDays:
    """An event sends for a day and is delivered over the next three."""
    on, variance = events.on.copy(), events.variance.copy()
    for days in (1, 2, 3):
        on[days:] |= events.on[:-days]
        variance[days:] = np.maximum(variance[days:], events.variance[:-days])
    return EventDays(on, variance)


def _divide_flow(
    side: _Side, flow: Matrix, week: Matrix, shares: NDArray[np.float64], own: Matrix | None
) -> tuple[Matrix, Matrix]:
    """Return what part of its group's flow each outlet handles on each day, and the [groups x days] flow by the days it is handled on.

    Column 0 of the flow is the day from which ``week`` counts weekdays: the day after the as-of date.
    """
    ahead = flow * week[:, np.arange(flow.shape[1]) % 7]
    if own is None:
        return np.repeat(shares[:, None], flow.shape[1], axis=1), ahead
    by_day, works = share_by_day(shares, own, side.of_outlet, flow.shape[0])
    # What arrives while all outlets of a group rest is delivered later; what is picked up is sent on its day.
    return by_day, carry_over(ahead, works) if side.direction == "delivery" else ahead


def _calibrate(
    side: _Side, event: NDArray[np.bool_], stranger: NDArray[np.bool_], week: Matrix, own: OwnDays | None
) -> IntervalModel:
    """Learn the spread from backtests of the last weeks: the hub's flow as it would have been forecast, as far as outlets do not pull it.

    Where the routes were not tried on those days, the hub's flow is forecast by the mean of its weekdays.
    """
    flow, history, of_outlet = side.flow, side.history, side.of_outlet
    samples: list[ErrorSample] = []
    days = flow.past.shape[1]
    for back in AGES if own is None else own.tests:
        known = days - back
        if known < 28 or history.first_day > known - 14:
            break
        seen = history.until(known)
        routes, turned = flow.earlier.get(back), np.roll(week, back, axis=1)
        if routes is None or routes.shape[1] < BESIDE.checked:
            by_weekday = day_of_week_mean(flow.past[:, :known].astype(np.float32), BESIDE.checked)
            routes, turned = by_weekday.astype(np.float64), np.ones_like(week)
        shares = learn_shares(flow.past[:, :known], seen, of_outlet, turned, stranger)
        test = None if own is None else own.tests.get(back)
        days_of_own = None if test is None or test.mean.shape[1] != BESIDE.checked else test.mean
        by_day, ahead = _divide_flow(side, routes[:, : BESIDE.checked], turned, shares, days_of_own)
        predicted = by_day * ahead[of_outlet]
        if own is not None and days_of_own is not None:
            predicted = (1.0 - own.pull) * predicted + own.pull * days_of_own
        actual = history.parcels[:, known : known + BESIDE.checked]
        there = seen.days > 0
        samples.append(
            ErrorSample.of(
                "outlet",
                actual[there],
                predicted[there],
                seen.parcels[there, -28:].mean(axis=1),
                event[known : known + BESIDE.checked],
                backtest=back,
            )
        )
    return calibrate_intervals(samples)
