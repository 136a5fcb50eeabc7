"""Times in which a hub or route was closed, told again as if it had not been.

While a hub is closed its parcels go other ways: those sent to it over the other routes of their origins, those it sends over the other
routes into their destinations. The days of a closure are therefore told again as if it had not been: within each origin (each
destination, for what a closed hub sends) the parcels of the day are split as before the closure, between the closed routes, the routes that
were seen to take over, and the rest, which keep their own proportions. An opening is the mirror: the days before it are told again with the
shares since.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.arrays import Flags, Vector
from data.closings import Closing, Direction
from data.constants import constant
from forecasting.series.panel import Panel, aggregate

Index = NDArray[np.int64]


@dataclass(frozen=True)
class ClosureRules:
    """How closures are taken out of a history."""

    opening_days: int = constant(
        14, "days", "since an opening nobody told, after which the members know its shares by themselves", "judgement"
    )
    memory: int = constant(
        28,
        "days",
        "since a closing nobody told ended, after which it stands as it was seen: members have forgotten it, and trees learn from it "
        "how shares go and return",
        "fitted: python -m benchmarks.forecast.closures",
    )
    reference_days: int = constant(28, "days", "before a closure whose shares are those of before", "judgement")
    fewest_reference: int = constant(7, "days", "below which there is nothing to return to", "judgement")
    taker_gain: float = constant(
        0.1, "1", "of the closed parcels, and of its own, that a hub took over to be told from chance", "judgement"
    )
    most_gained: float = constant(
        7.0,
        "1",
        "times the closed parcels that all hubs' gains together may be; beyond, they rose for reasons of their own and none is a taker",
        "fitted: python -m benchmarks.forecast.closures and the Chinese months; hubs shut there gain 0.2 to 3.6, a real closure up to 6.5, "
        "hubs under 1 % that fell silent or opened 3 to 2,200",
    )
    untouched: float = constant(0.25, "1", "of the volume, that which gained least, shows how all went", "judgement")
    half_life: float = constant(7.0, "days", "of the weight of the days before a closure", "judgement")
    settled: float = constant(2.0, "days", "since a closure's end that tell as much as all before it", "judgement")
    largest_part: float = constant(
        0.95,
        "1",
        "of an origin's parcels that closed routes and their takers may be; beyond, the network's share is taken",
        "judgement",
    )
    total_noise: float = constant(
        0.1, "log", "standard deviation of a network's level between two fortnights", "judgement"
    )
    fewest_compared: int = constant(
        3, "days", "of a closure without event, below which nothing is known of what the network lost", "judgement"
    )
    largest_scale: float = constant(3.0, "1", "by which the rest of an origin is scaled, up or down", "judgement")


CLOSURE = ClosureRules()


@dataclass(frozen=True)
class Closure:
    """One direction of a closing, as rows and days of a panel.

    Attributes
    ----------
    closing
        What was told or found.
    direction
        ``in``: parcels that come to the hub (or go over the route) are spread over their origin's other routes; ``out``: those it
        sends over the other routes into their destinations.
    rows
        [routes] whether the route is closed.
    first, last
        Positions of its days, those after the history included (``last`` is inclusive, or None while nobody knows).
    takers
        Hubs that are said to take its parcels over; empty: to be seen, else everyone.
    announced
        Whether a planner said so.
    handed
        Whether its parcels ahead are handed to its successors by a move of the network (:mod:`forecasting.history.network_changes`).
    """

    closing: Closing
    direction: Direction
    rows: Flags
    first: int
    last: int | None
    takers: tuple[str, ...] = ()
    announced: bool = False
    handed: bool = False

    @property
    def side(self) -> tuple[str, Direction]:
        """What is closed, and which of its directions."""
        return self.closing.name, self.direction

    def lasts(self, days: int) -> bool:
        """Say whether it is closed on the last of the known ``days`` and may be on the next."""
        begun = self.closing.change == "closes" and self.first < days
        return begun and not self.handed and (self.last is None or self.last >= days)


def lay_out(
    panel: Panel, closing: Closing, takers: tuple[str, ...] = (), *, announced: bool = False, handed: bool = False
) -> list[Closure]:
    """Lay a closing (or opening) out on the routes and days of a panel, a direction each."""
    origins = panel.routes["origin_hub_id"].to_numpy()
    destinations = panel.routes["destination_hub_id"].to_numpy()
    first = int((np.datetime64(closing.date, "D") - panel.dates[0]).astype(np.int64))
    last = None if closing.until is None else int((np.datetime64(closing.until, "D") - panel.dates[0]).astype(np.int64))
    sides: list[tuple[Direction, Flags]] = []
    if not closing.hub_id:
        sides.append(("in", (origins == closing.origin_hub_id) & (destinations == closing.destination_hub_id)))
    else:
        if closing.direction in (None, "in"):
            sides.append(("in", destinations == closing.hub_id))
        if closing.direction in (None, "out"):
            sides.append(("out", origins == closing.hub_id))
    return [
        Closure(closing, direction, np.asarray(rows, dtype=np.bool_), first, last, takers, announced, handed)
        for direction, rows in sides
        if rows.any()
    ]


class Ends:
    """Numbers of the hubs at the two ends of a panel's routes: where parcels are kept, and where they may turn to."""

    def __init__(self, panel: Panel, direction: Direction) -> None:
        out, into = panel.membership("hub_out"), panel.membership("hub_in")
        own_side, turned = (out, into) if direction == "in" else (into, out)
        self.kept, self.groups = own_side.index, own_side.groups
        self.turned, self.labels = turned.index, turned.labels


def restore(
    panel: Panel, closures: Sequence[Closure], unknown: Flags, eventful: Flags | None = None
) -> tuple[Panel, Flags, list[Mapping[str, float]]]:
    """Tell the days of closures, and those before openings, again as if they had not been.

    Parameters
    ----------
    panel
        The history.
    closures
        In the order of their first days.
    unknown
        [days] days of which nothing is known.
    eventful
        [days] days with an event: they say nothing of what the network lost. By default there are none.

    Returns
    -------
    tuple
        The panel, [routes x days] the cells that were put there, and for each closure the part of its parcels that hubs at the other
        end were seen to take.
    """
    parcels = panel.parcels.copy()
    hidden = np.zeros(parcels.shape, dtype=np.bool_)
    # One after another: a later closure's shares of before may lie in the days of an earlier one.
    quiet = np.ones(unknown.size, dtype=np.bool_) if eventful is None else ~eventful
    taken = [_restore_one(panel, parcels, hidden, closure, unknown, quiet) for closure in closures]
    return Panel(panel.routes, panel.dates, parcels), hidden, taken


def _restore_one(
    panel: Panel, parcels: NDArray[np.float32], hidden: Flags, closure: Closure, unknown: Flags, quiet: Flags
) -> Mapping[str, float]:
    """Tell one closure's days again, in place; returns what each hub took."""
    days, reference = _windows(closure, parcels.shape[1], unknown)
    if days.size == 0 or reference.size < CLOSURE.fewest_reference:
        return {}
    ends = Ends(panel, closure.direction)
    concerned = np.isin(ends.kept, np.unique(ends.kept[closure.rows]))
    before = _usual(parcels, closure, reference, unknown)
    closed = float(before[closure.rows].sum())
    if closed <= 0:
        return {}
    compared = days if closure.closing.change == "closes" else days[-CLOSURE.reference_days :]
    rises = _gains(ends, concerned, closure, before, _daily(parcels, compared), closed)
    # What the closed parcels cannot explain is how hubs rise and fall anyway: beside it no taker is told from chance. What is over is
    # seen from both sides, so that a drift is none of its rises.
    over = closure.closing.change == "closes" and closure.last is not None and closure.last < parcels.shape[1] - 1
    gain = rises if over or rises.sum() <= CLOSURE.most_gained else np.zeros_like(rises)
    moved = closure.rows | (concerned & (gain > 0)[ends.turned])
    group_before = aggregate(before[:, None], ends.kept, ends.groups)[:, 0]
    part = np.divide(before, group_before[ends.kept], out=np.zeros_like(before), where=group_before[ends.kept] > 0)
    part[~moved] = 0.0
    grows = _lost_share(parcels, closure, (days[quiet[days]], reference[quiet[reference]]), closed, rises)
    week = _week_of(parcels, closure.rows, concerned, reference)
    network_part = before * closure.rows / max(float(before.sum()), 1e-9)
    for day in days.tolist():
        today = parcels[:, day].astype(np.float64)
        wanted = np.where(closure.rows, part * week[day % 7], part)
        forecast = _split(today, wanted, moved, closure.rows, ends, grows)
        alone = closure.rows & ~np.isfinite(forecast)
        forecast[alone] = network_part[alone] * week[day % 7] * today.sum()
        parcels[:, day] = np.where(np.isfinite(forecast), forecast, today)
        hidden[moved, day] = True
    return {ends.labels[at]: float(gain[at]) for at in np.flatnonzero(gain)}


def _split(today: Vector, part: Vector, moved: Flags, closed: Flags, ends: Ends, grows: float) -> Vector:
    """Split a day's parcels of each origin as before; NaN on closed routes of origins that have too little else."""
    now = np.bincount(ends.kept, weights=today, minlength=ends.groups)
    closed_part = np.bincount(ends.kept, weights=np.where(closed, part, 0.0), minlength=ends.groups)
    moved_part = np.bincount(ends.kept, weights=part, minlength=ends.groups)
    rest = np.bincount(ends.kept, weights=np.where(moved, 0.0, today), minlength=ends.groups)
    fits = closed_part <= CLOSURE.largest_part
    touched = (closed_part > 0) & fits
    whole = now * (1.0 + np.where(touched, grows * closed_part / np.where(fits, 1.0 - closed_part, 1.0), 0.0))
    left = np.maximum(1.0 - moved_part, 0.0) * whole
    scale = np.divide(left, rest, out=np.ones_like(left), where=rest > 0)
    scale = np.clip(scale, 1.0 / CLOSURE.largest_scale, CLOSURE.largest_scale)
    split = np.where(moved, part * whole[ends.kept], today * scale[ends.kept])
    # Where the rest is too small to be scaled that far, all give and take alike.
    made = np.bincount(ends.kept, weights=split, minlength=ends.groups)
    split *= np.divide(whole, made, out=np.ones_like(made), where=made > 0)[ends.kept]
    split = np.where(touched[ends.kept], split, today)
    return np.where(closed & ~fits[ends.kept], np.nan, split)


def _windows(closure: Closure, known: int, unknown: Flags) -> tuple[Index, Index]:
    """Return the days to be told again, and those whose shares say how."""
    if closure.closing.change == "opens":
        days = np.arange(max(0, min(closure.first, known)))
        reference = np.arange(max(0, closure.first), known)
    else:
        last = known - 1 if closure.last is None else min(closure.last, known - 1)
        days = np.arange(max(0, closure.first), last + 1)
        reference = np.arange(max(0, closure.first - 2 * CLOSURE.reference_days), max(0, min(closure.first, known)))
    days, reference = days[~unknown[days]], reference[~unknown[reference]]
    if closure.closing.change == "closes":
        reference = reference[-CLOSURE.reference_days :]
    return days, reference


def _daily(parcels: NDArray[np.float32], days: Index) -> Vector:
    """Return the [routes] mean parcels a day."""
    return np.asarray(parcels[:, days].mean(axis=1, dtype=np.float64))


def _usual(parcels: NDArray[np.float32], closure: Closure, reference: Index, unknown: Flags) -> Vector:
    """Return the [routes] parcels a day that a closure's days are told again with.

    The latest days before it count most. Where it is over, the days since count as well, more the more there are: what came back is not
    always what went.
    """
    age = reference[-1] - reference
    weight = 0.5 ** (age / CLOSURE.half_life)
    before = np.asarray(parcels[:, reference] @ (weight / weight.sum()).astype(np.float32), dtype=np.float64)
    if closure.closing.change == "opens" or closure.last is None:
        return before
    since = np.arange(closure.last + 1, min(closure.last + 1 + CLOSURE.reference_days, parcels.shape[1]))
    since = since[~unknown[since]]
    if since.size == 0:
        return before
    after = _daily(parcels, since)
    after *= before.sum() / max(float(after.sum()), 1e-9)
    part = since.size / (since.size + CLOSURE.settled)
    return (1.0 - part) * before + part * after


def _gains(ends: Ends, concerned: Flags, closure: Closure, before: Vector, during: Vector, closed: float) -> Vector:
    """Return for each hub at the other end the part of the closed parcels it was seen to take; of hubs named, theirs alone."""
    hubs = len(ends.labels)
    rows = concerned & ~closure.rows
    old = np.bincount(ends.turned[rows], weights=before[rows], minlength=hubs).astype(np.float64)
    new = np.bincount(ends.turned[rows], weights=during[rows], minlength=hubs).astype(np.float64)
    # The quarter of the volume that gained least took nothing over: it says how the network went.
    ratio = np.divide(new, old, out=np.zeros(hubs), where=old > 0)
    order = np.argsort(ratio)
    order = order[old[order] > 0]
    mass = np.cumsum(old[order])
    level = float(ratio[order][np.searchsorted(mass, CLOSURE.untouched * mass[-1])]) if order.size else 1.0
    rise = new / max(level, 1e-9) - old
    seen = (rise >= CLOSURE.taker_gain * closed) & (rise >= CLOSURE.taker_gain * old)
    if closure.takers:
        seen &= np.isin(np.array(ends.labels), np.array(closure.takers))
    return np.where(seen, rise / closed, 0.0)


def _lost_share(
    parcels: NDArray[np.float32], closure: Closure, quiet: tuple[Index, Index], closed: float, gain: Vector
) -> float:
    """Say which part of the closed parcels the network lost: none by custom, as far as its total does not show it.

    ``quiet`` holds the days of the closure and those before it without an event: a total that falls after a sale says nothing of a hub. For an
    opening: the part that no hub gave up, which is new.
    """
    if closure.closing.change == "opens":
        return 1.0 - min(1.0, float(gain.sum()))
    days, reference = quiet
    if days.size < CLOSURE.fewest_compared or reference.size < CLOSURE.fewest_reference:
        return 0.0
    total = parcels.sum(axis=0, dtype=np.float64)
    share = min(closed / max(float(total[reference].mean()), 1e-9), CLOSURE.largest_part)
    size = -np.log(1.0 - share)
    fell = np.log(max(float(total[reference].mean()), 0.5)) - np.log(max(float(total[days].mean()), 0.5))
    trust = size**2 / (size**2 + CLOSURE.total_noise**2)
    return float(trust * np.clip(fell / size, 0.0, 1.0)) if size > 0 else 0.0


def _week_of(parcels: NDArray[np.float32], closed: Flags, concerned: Flags, reference: Index) -> Vector:
    """Return [7] by weekday (position of the day modulo 7) the closed routes' share over their mean share."""
    own = parcels[closed][:, reference].sum(axis=0, dtype=np.float64)
    around = parcels[concerned][:, reference].sum(axis=0, dtype=np.float64)
    mean = own.sum() / max(around.sum(), 1e-9)
    week = np.ones(7)
    for weekday in range(7):
        mine = reference % 7 == weekday
        if mine.sum() >= 2 and around[mine].sum() > 0 and mean > 0:
            week[weekday] = own[mine].sum() / around[mine].sum() / mean
    return week


def overlapping(closing: Closing, announced: Sequence[Closing]) -> bool:
    """Say whether a closing that was found is one that a planner told."""
    last = closing.until or dt.date.max
    return any(
        (one.hub_id, one.origin_hub_id, one.destination_hub_id)
        == (closing.hub_id, closing.origin_hub_id, closing.destination_hub_id)
        and one.change == closing.change
        and (one.direction is None or closing.direction in (None, one.direction))
        and one.date <= last
        and (one.until or dt.date.max) >= closing.date
        for one in announced
    )
