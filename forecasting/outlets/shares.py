"""Shares of outlets in what passes their hub, learnt from recent days and shrunk for new outlets."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Matrix
from data.constants import constant


@dataclass(frozen=True)
class ShareRules:
    """How outlets' shares are learnt."""

    recent: int = constant(28, "days", "from which an outlet's level is read", "judgement")
    pseudo_days: float = constant(2.0, "days", "of the mean outlet in an outlet's level", "judgement")
    ratio_pseudo_days: float = constant(
        3.0, "days", "on which outlets and hub agree, in the ratio of the two", "judgement"
    )
    same: float = constant(0.01, "1", "by which outlets and hub may differ and still count as agreeing", "judgement")
    strange: float = constant(
        4.0, "1", "times the hub's flow that outlets handle when another hub served them", "judgement"
    )
    weeks: int = constant(8, "weeks", "from which weekdays of delivery are read", "judgement")
    pseudo_weeks: float = constant(2.0, "weeks", "of even deliveries in a weekday's factor", "judgement")


SHARES = ShareRules()


@dataclass(frozen=True)
class OutletHistory:
    """What outlets handled in one direction.

    Attributes
    ----------
    parcels
        [outlets x past days] parcels; the last column is the as-of date.
    days
        [outlets] days since the outlet's first parcel in this history; 0 for one that never had any.
    first_day
        Column from which the table knows anything.
    """

    parcels: Matrix
    days: Matrix
    first_day: int

    def until(self, known: int) -> OutletHistory:
        """Return the history of the first ``known`` columns."""
        cut = self.parcels.shape[1] - known
        return OutletHistory(self.parcels[:, :known], np.maximum(self.days - cut, 0.0), min(self.first_day, known))

    def since(self, first: int) -> OutletHistory:
        """Return the history from column ``first`` on."""
        width = self.parcels.shape[1] - first
        return OutletHistory(
            self.parcels[:, first:], np.minimum(self.days, float(width)), max(self.first_day - first, 0)
        )


def read_history(
    volumes: pl.DataFrame, outlets: pl.Series, direction: str, first: dt.date, as_of: dt.date
) -> OutletHistory:
    """Spread ``outlet_volumes`` of one direction out into a matrix.

    Parameters
    ----------
    volumes
        Table ``outlet_volumes``.
    outlets
        Ids of the outlets, in the order of the rows.
    direction
        pickup or delivery.
    first, as_of
        Days of the first and the last column.

    Returns
    -------
    OutletHistory
        A day without a row is 0 from the table's first day on.
    """
    width = (as_of - first).days + 1
    parcels = np.zeros((len(outlets), width))
    number = pl.DataFrame({"outlet_id": outlets}).with_row_index("row")
    rows = volumes.filter(pl.col("direction") == direction, pl.col("date") >= first, pl.col("date") <= as_of).join(
        number, on="outlet_id", how="inner"
    )
    if rows.is_empty():
        return OutletHistory(parcels, np.zeros(len(outlets)), width)
    day = (rows["date"].to_numpy().astype("datetime64[D]") - np.datetime64(first, "D")).astype(np.int64)
    parcels[rows["row"].to_numpy(), day] = rows["parcels"].to_numpy()
    had = parcels > 0
    days = np.where(had.any(axis=1), width - had.argmax(axis=1), 0).astype(np.float64)
    return OutletHistory(parcels, days, int(day.min()))


def find_strangers(flow: Matrix, history: OutletHistory, group: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which groups' hub tells nothing of their outlets.

    Parameters
    ----------
    flow
        [groups x past days] parcels through the hub of each group.
    history
        What the outlets handled.
    group
        [outlets] group of each outlet.

    Returns
    -------
    NDArray[np.bool_]
        [groups] True where the outlets handled over four times what passed their hub in the last 28 days: they were
        served by another hub then.
    """
    handled = np.bincount(group, weights=history.parcels[:, -SHARES.recent :].sum(axis=1), minlength=flow.shape[0])
    return np.asarray(handled > SHARES.strange * flow[:, -SHARES.recent :].sum(axis=1), dtype=bool)


def learn_shares(
    flow: Matrix,
    history: OutletHistory,
    group: NDArray[np.int64],
    week: Matrix,
    stranger: NDArray[np.bool_] | None = None,
) -> Matrix:
    """Return what part of its group's flow each outlet handles.

    Parameters
    ----------
    flow
        [groups x past days] parcels through the hub of each group.
    history
        What the outlets handled.
    group
        [outlets] group of each outlet.
    week
        [7] or [groups x 7] factors of the days 1, 2, ... after the last, 1 where weekdays do not matter.
    stranger
        [groups] groups whose flow is that of the whole network, of which they are a small part.

    Returns
    -------
    NDArray[np.float64]
        [outlets] shares. In a group they sum to what the outlets together handled of the flow in the last 28 days, and
        to 1 exactly where that is within 1 % of all of it, or where nothing is known of the outlets.

    Notes
    -----
    An outlet's level is its mean over the last 28 days, or over those since it opened, mixed with two pseudo-days of
    the mean outlet of its group; so an outlet that opens tomorrow starts as a mean one.
    """
    groups = flow.shape[0]
    recent = history.parcels[:, -SHARES.recent :]
    days = np.minimum(history.days, recent.shape[1])
    handled = recent.sum(axis=1)
    known = days > 0
    outlet_days = np.bincount(group, weights=days, minlength=groups)
    total = np.bincount(group, weights=handled, minlength=groups)
    mean_level = np.divide(total, outlet_days, out=np.ones(groups), where=(outlet_days > 0) & (total > 0))
    level = (handled + SHARES.pseudo_days * mean_level[group]) / (days + SHARES.pseudo_days)
    share: Matrix = level / np.bincount(group, weights=level, minlength=groups)[group]
    past = (flow * _backwards(week, flow.shape[1]))[:, max(history.first_day, flow.shape[1] - SHARES.recent) :]
    passed = past.sum(axis=1)
    pseudo = SHARES.ratio_pseudo_days * passed / max(past.shape[1], 1)
    if stranger is not None:
        pseudo[stranger] = 0.0
    seen = np.bincount(group, weights=known.astype(np.float64), minlength=groups) > 0
    ratio = np.divide(total + pseudo, passed + pseudo, out=np.ones(groups), where=seen & (passed > 0))
    ratio[np.abs(ratio - 1.0) < SHARES.same] = 1.0
    return np.asarray(share * ratio[group], dtype=np.float64)


def weekday_factors(
    flow: Matrix, history: OutletHistory, normal: NDArray[np.bool_], group: NDArray[np.int64]
) -> Matrix:
    """Return how much more or less than its even share each group delivers on each weekday.

    Parameters
    ----------
    flow
        [groups x past days] arrivals.
    history
        What the outlets delivered.
    normal
        [past days] whether the day is outside all events.
    group
        [outlets] group of each outlet.

    Returns
    -------
    NDArray[np.float64]
        [groups x 7] factors for the days 1, 2, ... after the last, around 1: delivered over arrived by weekday in the last eight
        weeks. A group's are drawn to those of all groups whose outlets are known by two pseudo-weeks, and these to even ones by as many.
    """
    groups, days = flow.shape
    known = np.bincount(group, weights=history.days, minlength=groups) > 0
    delivered = np.zeros_like(flow)
    np.add.at(delivered, group, history.parcels)
    chosen = normal.copy()
    chosen[: max(history.first_day, days - 7 * SHARES.weeks)] = False
    everyone = _factors(flow[known].sum(axis=0)[None], delivered.sum(axis=0)[None], chosen, np.ones((1, 7)))
    own = _factors(flow, delivered, chosen, np.repeat(everyone, groups, axis=0))
    return np.where(known[:, None], own, everyone)


def _factors(arrived: Matrix, delivered: Matrix, chosen: NDArray[np.bool_], parent: Matrix) -> Matrix:
    """[groups x 7] delivered over arrived by weekday, with pseudo-weeks of the parent's; the parent's where nothing is known."""
    days = arrived.shape[1]
    received, brought = arrived[:, chosen].sum(axis=1), delivered[:, chosen].sum(axis=1)
    observed = (received > 0) & (brought > 0)
    even = arrived * np.divide(brought, received, out=np.ones_like(received), where=observed)[:, None]
    # Column days is the first day ahead: its weekday is that of columns days - 7, days - 14, ...
    weekday = (np.arange(days) - days) % 7
    pseudo = SHARES.pseudo_weeks * even[:, chosen].mean(axis=1) if chosen.any() else np.ones(arrived.shape[0])
    pseudo = np.where(observed, pseudo, 1.0)
    factors = np.stack(
        [
            (delivered[:, chosen & (weekday == at)].sum(axis=1) + pseudo * parent[:, at])
            / (even[:, chosen & (weekday == at)].sum(axis=1) + pseudo)
            for at in range(7)
        ],
        axis=1,
    )
    factors = np.where(observed[:, None], factors, parent)
    return np.asarray(factors / np.maximum(factors.mean(axis=1, keepdims=True), 1e-9))


def _backwards(week: Matrix, days: int) -> Matrix:
    return np.asarray(week[..., (np.arange(days) - days) % 7], dtype=np.float64)
