"""Outlets forecast from their own history: what is read for it, and what it would have said before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from data.arrays import Matrix
from data.constants import constant
from forecasting.inputs import ForecastInputs
from forecasting.outlets.calendar_model import CALENDAR, CalendarForecast, OutletDays, forecast_by_calendar
from forecasting.outlets.shares import read_history
from forecasting.series.panel import days_from


@dataclass(frozen=True)
class OwnRules:
    """Which days outlets' own forecasts are made from and tried on."""

    most_days: int = constant(1100, "days", "of history read", "judgement")
    fewest_days: int = constant(56, "days", "of history from which outlets are forecast from their own", "judgement")
    cutoffs: int = constant(6, "cut-offs", "on which the forecast is tried", "judgement")
    step: int = constant(28, "days", "between them", "judgement")
    checked: int = constant(42, "days", "ahead of each, at most", "judgement")


OWN = OwnRules()


@dataclass(frozen=True)
class OwnBacktest:
    """What the calendar model would have said at an earlier cut-off.

    Attributes
    ----------
    known
        Days it knew.
    mean, actual
        [outlets x days] parcels.
    """

    known: int
    mean: Matrix
    actual: Matrix


def read_outlet_days(
    inputs: ForecastInputs,
    outlets: pl.DataFrame,
    direction: str,
    as_of: dt.date,
    horizon: int,
    multiples: tuple[np.datetime64, Matrix] | None = None,
) -> OutletDays | None:
    """Read the outlets' own history of one direction.

    Parameters
    ----------
    inputs
        Tables as known on the as-of date.
    outlets
        outlet_id, courier_id, hub_id.
    direction
        pickup or delivery.
    as_of, horizon
        Last known day and days ahead.
    multiples
        First day and [days] multiples of events that another forecast tells, through the last day ahead.

    Returns
    -------
    OutletDays | None
        None where the table holds nothing of the direction. Days between the last one of the table and the as-of date are days ahead.
    """
    volumes = inputs.outlet_volumes.filter(pl.col("direction") == direction, pl.col("date") <= as_of)
    volumes = volumes.filter(pl.col("outlet_id").is_in(outlets["outlet_id"].implode()))
    first, last = volumes["date"].min(), volumes["date"].max()
    if not isinstance(first, dt.date) or not isinstance(last, dt.date):
        return None
    first = max(first, last - dt.timedelta(days=OWN.most_days - 1))
    history = read_history(volumes, outlets["outlet_id"], direction, first, last)
    end = as_of + dt.timedelta(days=horizon)
    dates = days_from(first, (end - first).days + 1)
    regions = inputs.hubs.select("hub_id", "region_id") if "region_id" in inputs.hubs.columns else None
    units = outlets.select("outlet_id", "hub_id")
    if regions is None:
        units = units.with_columns(region_id=pl.lit(None, dtype=pl.String))
    else:
        units = units.join(regions.unique("hub_id"), on="hub_id", how="left", maintain_order="left")
    offset = None
    if multiples is not None:
        offset = np.zeros(dates.size)
        at = (dates - multiples[0]).astype(int)
        inside = (at >= 0) & (at < multiples[1].size)
        offset[inside] = np.log(np.maximum(multiples[1][at[inside]], 1e-3))
    return OutletDays(history.parcels, dates, units, inputs.events, inputs.promotions, history.first_day, offset)


def forecast_own(days: OutletDays, horizon: int) -> CalendarForecast:
    """Forecast the last ``horizon`` of the days ahead; those before them only bridge to the as-of date."""
    made = forecast_by_calendar(days)
    ahead = {name: getattr(made, name)[:, -horizon:] for name in ("mean", "event", "promotion")}
    return replace(made, **ahead)


def backtest_own(days: OutletDays, horizon: int, cutoffs: Sequence[int] | None = None) -> list[OwnBacktest]:
    """Say what the model would have forecast at earlier cut-offs.

    Parameters
    ----------
    days
        History.
    horizon
        Days ahead that are asked for.
    cutoffs
        Days known at each; by default every 28 days, six times, as far as the history reaches.
    """
    checked = min(horizon, OWN.checked)
    if cutoffs is None:
        cutoffs = [days.known - OWN.step * back for back in range(1, OWN.cutoffs + 1)]
    tests = []
    for known in cutoffs:
        if known - days.first_day < max(CALENDAR.fewest_days, OWN.step) or known >= days.known:
            continue
        ahead = min(checked, days.known - known)
        predicted = forecast_by_calendar(days.until(known, ahead))
        tests.append(OwnBacktest(known, predicted.mean, days.parcels[:, known : known + ahead]))
    return tests
