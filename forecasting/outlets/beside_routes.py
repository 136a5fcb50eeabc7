"""Outlets beside routes: each outlet's own days divide what its hub sends or receives, and what outlets say together pulls the hub."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.arrays import Matrix, Vector
from data.constants import constant
from forecasting.inputs import ForecastInputs
from forecasting.outlets.calendar_model import OutletDays
from forecasting.outlets.own_forecast import OWN, OwnBacktest, backtest_own, forecast_own, read_outlet_days
from forecasting.series.panel import Membership, Panel, aggregate, to_date


@dataclass(frozen=True)
class BesideRules:
    """When outlets' own forecasts count beside the routes'."""

    cutoffs: int = constant(4, "cut-offs", "of the routes' backtests at which outlets are tried too", "judgement")
    checked: int = constant(14, "days", "ahead of each such cut-off, and at least between two of them", "judgement")
    recent: int = constant(28, "days", "in which outlets and hub are compared", "judgement")
    least_part: float = constant(
        0.5, "1", "of a hub's outflow that its outlets pick up at least, to have a say in it", "judgement"
    )
    largest_part: float = constant(1.5, "1", "of a hub's outflow that its outlets pick up at most", "judgement")
    mixtures: tuple[float, ...] = constant(
        (0.0, 0.2, 0.4, 0.6, 0.8, 1.0), "1", "shares of the outlets' sum that are measured", "judgement"
    )
    must_gain: float = constant(
        0.02, "1", "of the error that a share must save for each step away from none", "judgement"
    )
    all_of_it: float = constant(
        0.95,
        "1",
        "of a hub's outflow that its outlets pick up, for it to send nothing while all of them rest",
        "judgement",
    )
    largest_pull: float = constant(1.5, "1", "of a hub's day towards its outlets' sum, up or down", "judgement")
    event_lag: tuple[int, ...] = constant(
        (1, 2, 3), "days", "after which what an event sends is delivered", "judgement"
    )


BESIDE = BesideRules()


@dataclass(frozen=True)
class OwnDays:
    """One direction of outlets forecast from their own history.

    Attributes
    ----------
    days
        What was known.
    mean
        [outlets x horizon] parcels.
    tests
        Days before the as-of date -> what would have been forecast then.
    pull
        How far their sum pulls their hubs (:func:`pull_hubs`).
    """

    days: OutletDays
    mean: Matrix
    tests: Mapping[int, OwnBacktest]
    pull: float = 0.0


def choose_ages(ages: Sequence[int]) -> tuple[int, ...]:
    """Choose at which of the routes' backtests, so many days before the as-of date, outlets are tried too."""
    chosen: list[int] = []
    for age in sorted(ages):
        if age >= BESIDE.checked and (not chosen or age - chosen[-1] >= BESIDE.checked):
            chosen.append(age)
    return tuple(chosen[: BESIDE.cutoffs])


def forecast_own_days(
    inputs: ForecastInputs,
    as_of: dt.date,
    horizon: int,
    multiples: tuple[np.datetime64, Vector],
    ages: Sequence[int],
) -> dict[str, OwnDays]:
    """Forecast each direction of outlets from its own days, where at least eight weeks of them are known.

    Parameters
    ----------
    inputs
        Tables as known on the as-of date.
    as_of, horizon
        Last known day and days ahead.
    multiples
        First day and [days] what events do to the network, through the last day ahead; deliveries follow it by one to three days.
    ages
        Days before the as-of date of the backtests (:func:`choose_ages`).

    Returns
    -------
    dict
        pickup and delivery, as far as there are any.
    """
    found: dict[str, OwnDays] = {}
    if inputs.outlets.is_empty() or inputs.outlet_volumes.is_empty():
        return found
    outlets = inputs.outlets.select("outlet_id", "courier_id", "hub_id").sort("outlet_id")
    for direction in ("pickup", "delivery"):
        multiple = multiples[1] if direction == "pickup" else _lag(multiples[1])
        days = read_outlet_days(inputs, outlets, direction, as_of, horizon, (multiples[0], multiple))
        if days is None or days.known - days.first_day < OWN.fewest_days:
            continue
        since = (as_of - to_date(days.dates[days.known - 1])).days
        cutoffs = {back: days.known + since - back for back in ages if back > since}
        tests = {test.known: test for test in backtest_own(days, BESIDE.checked, list(cutoffs.values()))}
        by_age = {back: tests[known] for back, known in cutoffs.items() if known in tests}
        found[direction] = OwnDays(days, forecast_own(days, horizon).mean, by_age)
    return found


def _lag(multiple: Vector) -> Vector:
    lagged = [np.concatenate([np.full(lag, multiple[0]), multiple])[: multiple.size] for lag in BESIDE.event_lag]
    return np.asarray(np.mean(lagged, axis=0))


def share_by_day(level: Vector, own: Matrix, group: NDArray[np.int64], groups: int) -> tuple[Matrix, NDArray[np.bool_]]:
    """Return what part of its group's flow each outlet handles on each day, and on which days a group works at all.

    Parameters
    ----------
    level
        [outlets] part that it handles over the weeks (:func:`forecasting.outlets.shares.learn_shares`).
    own
        [outlets x days] its own forecast.
    group
        [outlets] group of each outlet.
    groups
        How many groups there are.

    Returns
    -------
    tuple
        [outlets x days] shares that sum in a group to what they do over the weeks, and [groups x days] whether any outlet works;
        where none does, shares are those of the weeks.
    """
    sums = np.zeros((groups, own.shape[1]))
    np.add.at(sums, group, own)
    part = np.bincount(group, weights=level, minlength=groups)
    works = sums > 0
    by_day = np.divide(own, sums[group], out=np.zeros_like(own), where=works[group]) * part[group, None]
    return np.where(works[group], by_day, level[:, None]), works


def carry_over(flow: Matrix, works: NDArray[np.bool_]) -> Matrix:
    """Move what arrives on days of rest to the next day of work; what no day ahead takes stays on the last one that works, if any."""
    moved, waiting = flow.copy(), np.zeros(flow.shape[0])
    for day in range(flow.shape[1]):
        now = moved[:, day] + waiting
        moved[:, day] = np.where(works[:, day], now, 0.0)
        waiting = np.where(works[:, day], 0.0, now)
    idle = ~works.any(axis=1)
    moved[idle] = flow[idle]
    return moved


@dataclass(frozen=True)
class HubPull:
    """How far the sum of its outlets pulls what a hub sends.

    Attributes
    ----------
    share
        Weight of the outlets' sum, as backtests say.
    factor
        [hubs x horizon] by which what a hub sends is multiplied.
    """

    share: float
    factor: Matrix


def pull_hubs(
    own: OwnDays,
    panel: Panel,
    gap: int,
    mean: Matrix,
    earlier: Mapping[int, Matrix],
    out: Membership,
) -> HubPull:
    """Weigh what outlets say of a hub's outflow against what its routes do, and say what follows for the days ahead.

    Parameters
    ----------
    own
        Pick-ups.
    panel
        Routes and their history.
    gap
        Days between the panel's last and the as-of date.
    mean
        [routes x horizon] forecast of the routes, its first day after the as-of date.
    earlier
        Days known -> [routes x days] what the routes' forecast would have been then.
    out
        Origin hub of each route.

    Returns
    -------
    HubPull
        Hubs that their outlets say too little of keep what they send. A hub all of whose parcels are its outlets' sends nothing while all of them rest.
    """
    hubs = {name: at for at, name in enumerate(out.labels)}
    hub = np.array([hubs.get(name, -1) for name in own.days.units["hub_id"].to_list()], dtype=np.int64)
    known = hub >= 0
    sent = aggregate(panel.parcels, out)

    def by_hub(outlets: Matrix) -> Matrix:
        sums = np.zeros((out.groups, outlets.shape[1]))
        np.add.at(sums, hub[known], outlets[known])
        return sums

    pairs: list[tuple[Matrix, Matrix, Matrix]] = []
    for back, test in own.tests.items():
        cutoff = panel.dates.size + gap - back
        if cutoff not in earlier:
            continue
        scale = _ratio(sent[:, :cutoff], by_hub(own.days.parcels[:, : test.known]))
        routes = aggregate(earlier[cutoff], out)
        days = min(test.mean.shape[1], routes.shape[1], sent.shape[1] - cutoff)
        if days > 0 and (scale > 0).any():
            part = scale > 0
            predicted = (by_hub(test.mean) * scale[:, None])[part, :days]
            pairs.append((routes[part, :days], predicted, sent[part, cutoff : cutoff + days]))
    share = _choose(pairs)
    scale = _ratio(sent, by_hub(own.days.parcels))
    routes, predicted = aggregate(mean, out), by_hub(own.mean) * scale[:, None]
    pulled = np.divide(predicted, routes, out=np.ones_like(routes), where=(routes > 0) & (scale > 0)[:, None])
    factor = 1.0 + share * (np.clip(pulled, 1.0 / BESIDE.largest_pull, BESIDE.largest_pull) - 1.0)
    whole = (scale > 0) & (scale <= 1.0 / BESIDE.all_of_it)
    return HubPull(share, np.where(whole[:, None] & (predicted <= 0), 0.0, factor))


def _ratio(sent: Matrix, picked: Matrix) -> Vector:
    """[hubs] parcels sent over parcels picked up by its outlets of late; 0 where they are no measure of each other."""
    recent_sent, recent_picked = sent[:, -BESIDE.recent :].sum(axis=1), picked[:, -BESIDE.recent :].sum(axis=1)
    part = np.divide(recent_picked, recent_sent, out=np.zeros_like(recent_sent), where=recent_sent > 0)
    agrees = (part >= BESIDE.least_part) & (part <= BESIDE.largest_part)
    return np.asarray(np.divide(1.0, part, out=np.zeros_like(part), where=agrees), dtype=np.float64)


def _choose(pairs: Sequence[tuple[Matrix, Matrix, Matrix]]) -> float:
    """Choose the share of the outlets' sum of the least error, where each step away from none must pay for itself."""
    if not pairs:
        return 0.0
    steps = {}
    for number, share in enumerate(BESIDE.mixtures):
        error = sum(
            float(np.abs(routes + share * (predicted - routes) - arrived).sum()) for routes, predicted, arrived in pairs
        )
        steps[share] = error * (1.0 + BESIDE.must_gain * number)
    return float(min(steps, key=lambda share: (steps[share], share)))
