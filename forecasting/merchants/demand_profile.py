"""How much the hubs send from day to day, behind and ahead: what merchants' parts are measured against.

Where the forecast of parcels says how much each hub will send, that is the profile of its merchants too. A workspace with
sales alone has the sum of its sales for a profile: weekdays of the last quiet weeks, and on an event's days what the last
editions sold over the quiet weeks before them.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.constants import constant
from forecasting.results import RouteForecast
from forecasting.series.panel import Membership

ALL_HUBS = "*"
"""Name under which the profile of the whole network stands."""


@dataclass(frozen=True)
class ProfileRules:
    """How a profile is made of sales."""

    quiet_days: int = constant(28, "days", "without a shopping event that give the ordinary level", "judgement")
    quiet_within: int = constant(70, "days", "back within which those days are looked for", "judgement")
    longest_tail: int = constant(7, "days", "after an event on which it is still looked back to", "judgement")


PROFILE = ProfileRules()
_WEEK = 7
_AHEAD = ("date", "hub_id", "baseline", "event", "weather", "override")


@dataclass(frozen=True)
class DemandProfile:
    """What hubs sent and will send; the hub ``*`` is all of them.

    Attributes
    ----------
    past
        date, hub_id, sent.
    ahead
        date, hub_id, baseline, event, weather, override: what is sent is their product, in the unit of ``sent``.
    spread
        date, hub_id, sd: how unsure the forecast of a hub's day is [log].
    unit
        What ``sent`` counts, a column of ``sales``.
    """

    past: pl.DataFrame
    ahead: pl.DataFrame
    spread: pl.DataFrame
    unit: Literal["parcels", "units"] = "parcels"


def profile_of_hubs(outflow: pl.DataFrame, hub_forecasts: pl.DataFrame) -> DemandProfile:
    """Take the profile from the forecast of the hubs' parcels.

    Parameters
    ----------
    outflow
        date, hub_id, parcels sent, as known.
    hub_forecasts
        Rows of the table of that name of one forecast.
    """
    sent = outflow.select("date", "hub_id", sent=pl.col("parcels").cast(pl.Float64))
    whole = sent.group_by("date").agg(pl.col("sent").sum()).select("date", hub_id=pl.lit(ALL_HUBS), sent="sent")
    out = hub_forecasts.filter(pl.col("direction") == "out")
    own = out.select(_AHEAD)
    parts = [pl.col("baseline")]
    for name in _AHEAD[3:]:
        parts.append((parts[-1] * pl.col(name)).alias(name))
    sums = out.select("date", *parts).group_by("date").agg(pl.all().sum())
    factors = [(pl.col(name) / pl.col(before)).fill_nan(1.0).alias(name) for before, name in pairwise(_AHEAD[2:])]
    network = sums.select("date", pl.lit(ALL_HUBS).alias("hub_id"), "baseline", *factors)
    spread = out.filter(pl.col("q10") > 0).select(
        "date", "hub_id", sd=(pl.col("q90") / pl.col("q10")).log() / (2 * 1.2816)
    )
    return DemandProfile(pl.concat([sent, whole]), pl.concat([own, network]).sort("hub_id", "date"), spread)


def sum_hubs(routes: RouteForecast) -> pl.DataFrame:
    """Sum a forecast of routes up to what its hubs send, as rows of ``hub_forecasts`` without quantiles.

    Returns
    -------
    polars.DataFrame
        date, hub_id, direction (out), baseline, event, weather, override, q10, q90 (empty).
    """
    out = routes.panel.membership("hub_out")
    quiet = np.divide(
        routes.mean,
        routes.event * routes.override,
        out=np.zeros_like(routes.mean),
        where=routes.event * routes.override > 0,
    )
    baseline, lifted, mean = (
        np.add.reduceat(part[np.argsort(out.index, kind="stable")], _starts(out), axis=0)
        for part in (quiet, quiet * routes.event, routes.mean)
    )
    hub, day = np.meshgrid(np.arange(out.groups), np.arange(routes.dates.size), indexing="ij")
    ratio = [
        np.divide(over, under, out=np.ones_like(over), where=under > 0).ravel()
        for over, under in ((lifted, baseline), (mean, lifted))
    ]
    return pl.DataFrame(
        {
            "date": routes.dates[day.ravel()],
            "hub_id": [out.labels[number] for number in hub.ravel().tolist()],
            "direction": "out",
            "baseline": baseline.ravel(),
            "event": ratio[0],
            "weather": 1.0,
            "override": ratio[1],
            "q10": pl.Series([None] * hub.size, dtype=pl.Int64),
            "q90": pl.Series([None] * hub.size, dtype=pl.Int64),
        }
    ).with_columns(pl.col("date").cast(pl.Date))


def _starts(member: Membership) -> NDArray[np.int64]:
    """Where each group begins among the routes sorted by group."""
    return np.searchsorted(np.sort(member.index), np.arange(member.groups)).astype(np.int64)


def profile_of_sales(sales: pl.DataFrame, events: pl.DataFrame, as_of: dt.date, horizon: int) -> DemandProfile:
    """Make the profile of the whole network from the sales themselves.

    Parameters
    ----------
    sales
        As known on the day.
    events
        Table of that name.
    as_of
        Last day known.
    horizon
        Days ahead.
    """
    sent = sales.group_by("date").agg(sent=pl.col("units").sum().cast(pl.Float64)).sort("date")
    shopping = events.filter(pl.col("kind") == "shopping").sort("date_from", "event_id")
    quiet = _quiet_before(sent, shopping, as_of)
    level = quiet.select(pl.col("sent").mean()).item() or 0.0
    by_weekday = dict(quiet.group_by(pl.col("date").dt.weekday()).agg(pl.col("sent").mean()).iter_rows())
    days = [as_of + dt.timedelta(days=n + 1) for n in range(horizon)]
    lifts = dict.fromkeys(days, 1.0)
    tail = pl.duration(days=PROFILE.longest_tail)
    near = shopping.filter((pl.col("date_to") + tail > as_of) & (pl.col("date_from") <= days[-1]))
    for row in near.iter_rows(named=True):
        for day, lift in _lift_of(row, shopping, sent).items():
            if day in lifts:
                lifts[day] = max(lifts[day], lift) if lifts[day] > 1.0 else lift
    ahead = pl.DataFrame(
        {
            "date": days,
            "hub_id": ALL_HUBS,
            "baseline": [by_weekday.get(day.isoweekday(), level) for day in days],
            "event": [lifts[day] for day in days],
            "weather": 1.0,
            "override": 1.0,
        },
        schema_overrides={"date": pl.Date, "baseline": pl.Float64, "event": pl.Float64},
    )
    past = sent.select("date", hub_id=pl.lit(ALL_HUBS), sent="sent")
    spread = pl.DataFrame(schema={"date": pl.Date, "hub_id": pl.String, "sd": pl.Float64})
    return DemandProfile(past, ahead, spread, "units")


def _quiet_before(sent: pl.DataFrame, shopping: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """Last days up to `day` on which no shopping event was on."""
    near = sent.filter(pl.col("date").is_between(day - dt.timedelta(days=PROFILE.quiet_within), day))
    for first, last in shopping.select("date_from", "date_to").iter_rows():
        near = near.filter(~pl.col("date").is_between(first, last))
    return near.sort("date").tail(PROFILE.quiet_days)


def _lift_of(event: dict[str, object], shopping: pl.DataFrame, sent: pl.DataFrame) -> dict[dt.date, float]:
    """What each day of an event sells over ordinary days, as its last edition did; else as the mean of all events did."""
    first, last = event["date_from"], event["date_to"]
    assert isinstance(first, dt.date) and isinstance(last, dt.date)  # noqa: S101, PT018  columns of the contract
    known = sent["date"].min()
    editions = shopping.filter((pl.col("name") == event["name"]) & (pl.col("date_from") < first))
    for begin in editions["date_from"].sort(descending=True):
        quiet = _quiet_before(sent, shopping, begin - dt.timedelta(days=1))
        if known is None or begin <= known or quiet.height < _WEEK or not (level := quiet["sent"].mean()):
            continue
        span = (last - first).days + PROFILE.longest_tail
        rows = sent.filter(pl.col("date").is_between(begin, begin + dt.timedelta(days=span)))
        lifts = {row[0] - begin: row[1] / float(level) for row in rows.iter_rows()}  # type: ignore[arg-type]
        if lifts:
            return {first + apart: lift for apart, lift in lifts.items()}
    means = []
    for begin, end in shopping.filter(pl.col("date_to") < first).select("date_from", "date_to").iter_rows():
        quiet = _quiet_before(sent, shopping, begin - dt.timedelta(days=1))
        on = sent.filter(pl.col("date").is_between(begin, end))
        if quiet.height >= _WEEK and on.height and (level := quiet["sent"].mean()):
            means.append(float(on["sent"].mean()) / float(level))  # type: ignore[arg-type]
    lift = sum(means) / len(means) if means else 1.0
    return {first + dt.timedelta(days=n): lift for n in range((last - first).days + 1)}
