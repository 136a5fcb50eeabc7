"""Hubs and routes that fell silent for a while, or opened, though nobody announced it: found in their share of the network."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Flags, Vector
from data.closing_rules import CLOSING
from data.daily_sums import sum_parcels
from data.silent_days import Silence

Direction = Literal["out", "in"]


@dataclass(frozen=True)
class Closing:
    """A hub or route that sends or receives nothing for some days, or that has only just opened.

    Attributes
    ----------
    change
        ``closes`` or ``opens``.
    hub_id
        The hub, of scope hub; empty for a route.
    origin_hub_id, destination_hub_id
        The route, of scope route; empty for a hub.
    direction
        What the hub no longer does: ``out`` (sends), ``in`` (receives), empty for both.
    date, until
        First and last day; ``until`` is empty while it lasts.
    share
        Part of the network's parcels that it had before (or has since it opened).
    days
        Days it has lasted.
    days_before
        Days of the twelve weeks before its first on which it was closed as well.
    kept
        Part of its share of three weeks that it still had in the week before it closed: 1 where it fell silent at once, less where it faded.
    """

    change: Literal["closes", "opens"]
    hub_id: str
    origin_hub_id: str
    destination_hub_id: str
    direction: Direction | None
    date: dt.date
    until: dt.date | None
    share: float
    days: int
    days_before: int = 0
    kept: float = 1.0

    @property
    def name(self) -> str:
        """The hub, or the route as ``A > B``."""
        return f"hub {self.hub_id}" if self.hub_id else f"route {self.origin_hub_id} > {self.destination_hub_id}"

    @property
    def names(self) -> set[str]:
        """What a change may name to announce it."""
        ends = {self.origin_hub_id, self.destination_hub_id, f"{self.origin_hub_id} > {self.destination_hub_id}"}
        return {self.hub_id} if self.hub_id else ends

    def row_to_add(self) -> str:
        """Return the row of ``network_changes`` that says so, as ``column=value`` pairs; a planner fills in ``until=?``."""
        ends = [("hub_id", self.hub_id), ("direction", self.direction or "")]
        if not self.hub_id:
            ends = [
                ("scope", "route"),
                ("origin_hub_id", self.origin_hub_id),
                ("destination_hub_id", self.destination_hub_id),
            ]
        until = ("until", str(self.until) if self.until else "?" if self.change == "closes" else "")
        cells = [("date", str(self.date)), until, *ends, ("change", self.change)]
        return ", ".join(f"{name}={value}" for name, value in cells if value)

    def tell(self) -> str:
        """Say it in one sentence, with the row to add."""
        done = {None: "sent and received", "out": "sent", "in": "received"}[self.direction]
        part = f"{self.share:.1%} of the network"
        if self.change == "opens":
            return f"{_capital(self.name)} opened on {self.date} unannounced ({part} since); to say so, add to network_changes: {self.row_to_add()}."
        if not self.hub_id:
            done = "carried"
        if self.until is None:
            return (
                f"{_capital(self.name)} has {done} next to nothing since {self.date} ({self.days} days; {part} before): closed until …? "
                f"Add to network_changes: {self.row_to_add()}."
            )
        return (
            f"{_capital(self.name)} {done} next to nothing from {self.date} to {self.until} ({part} before) and is taken as closed then; "
            f"to say so, add to network_changes: {self.row_to_add()}."
        )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def find_closings(
    volumes: pl.DataFrame, silences: Sequence[Silence] = (), last_day: dt.date | None = None
) -> tuple[Closing, ...]:
    """Find closings, past and present, and openings of the last weeks.

    A hub is closed, as origin or as destination, while its share of the network's parcels is under a tenth of its mean share on its
    last 28 days of work, for three days or more. It is past when the share came back, present when the history ends with it. It opened
    when it has carried parcels for three to 28 days and none in the 28 days before, unless a closing ended there. The same of routes that had 1 % of the network and
    whose hubs went on.

    Parameters
    ----------
    volumes
        Columns of ``route_volumes``.
    silences
        Days without rows (:func:`data.silent_days.find_silences`): a hub's suspected ones are closings, however small it is.
    last_day
        Days after it are not looked at.

    Returns
    -------
    tuple of Closing
        By date. A hub that stops sending and receiving within two days has one entry without direction.
    """
    known = volumes if last_day is None else volumes.filter(pl.col("date") <= last_day)
    if known.is_empty():
        return ()
    first = known["date"].min()
    if not isinstance(first, dt.date):
        return ()
    found: list[Closing] = []
    total = np.zeros(0)
    for column, direction in (("origin_hub_id", "out"), ("destination_hub_id", "in")):
        names, sums = _sum_by(known, [column], first)
        total = sums.sum(axis=0)
        usable = usable_days(total)
        least = min(CLOSING.hub_share, 0.5 / max(len(names), 1))
        side: Direction = "out" if direction == "out" else "in"
        for (name,), own in zip(names, sums, strict=True):
            blank = Closing("closes", name, "", "", side, first, None, 0.0, 0)
            scanned = _scan(blank, own, total, usable, least)
            if side == "out":
                suspected = [
                    run for run in silences if (run.scope, run.subject, run.meaning) == ("hub", name, "suspected")
                ]
                scanned += _of_silences(blank, suspected, scanned, own / np.maximum(total, 1.0))
            found += scanned
    found = _join_sides(found)
    names, sums = _sum_by(known, ["origin_hub_id", "destination_hub_id"], first, CLOSING.route_share)
    usable = usable_days(total)
    for (origin, destination), own in zip(names, sums, strict=True):
        blank = Closing("closes", "", origin, destination, None, first, None, 0.0, 0)
        of_route = _scan(blank, own, total, usable, CLOSING.route_share)
        found += [one for one in of_route if not any(_explains(hub, one) for hub in found if hub.hub_id)]
    return tuple(sorted(found, key=lambda one: (one.date, one.name, one.direction or "")))


def leave_out_announced(closings: Sequence[Closing], changes: pl.DataFrame) -> tuple[Closing, ...]:
    """Leave out what ``network_changes`` tells: a change of the hub (as the one that changes or as successor) within two weeks of the day.

    A route's closing is announced by a change of the route, or of a hub at its end. A change with a last day announces all days up to it.
    """
    spans: list[tuple[set[str], dt.date, dt.date]] = []
    around = dt.timedelta(days=CLOSING.around_change)
    for row in changes.iter_rows(named=True):
        named = {row["hub_id"], row["successor_hub_id"]} - {None}
        ends = (row.get("origin_hub_id"), row.get("destination_hub_id"))
        if None not in ends:
            named = {f"{ends[0]} > {ends[1]}"}
        spans.append((named, row["date"] - around, (row.get("until") or row["date"]) + around))
    return tuple(
        one
        for one in closings
        if not any(named & one.names and first <= one.date <= last for named, first, last in spans)
    )


def usable_days(total: Vector) -> Flags:
    """Mark the days on which shares tell something: the network carries at least half of its median over eight weeks."""
    if total.size == 0:
        return np.zeros(0, dtype=np.bool_)
    level = pl.Series(np.where(total > 0, total, np.nan)).fill_nan(None)
    median = (
        level.rolling_median(57, min_samples=7, center=True)
        .fill_null(strategy="backward")
        .fill_null(strategy="forward")
    )
    return np.asarray(total > CLOSING.slump * median.fill_null(0.0).to_numpy())


def _sum_by(
    volumes: pl.DataFrame, keys: list[str], first: dt.date, least: float = 0.0
) -> tuple[list[tuple[str, ...]], NDArray[np.float64]]:
    """Sum parcels by key and day: names and [series x days]; only series that had ``least`` of all parcels on some day of their own."""
    if least <= 0:
        daily = sum_parcels(volumes, [*keys, "date"])
    else:
        day_total = sum_parcels(volumes, ["date"]).rename({"parcels": "all"})
        summed = _leave_out_small(volumes, keys, day_total, least)
        daily = summed.group_by(*keys, "date").agg(pl.col("parcels").sum())
        large = daily.join(day_total, on="date").filter(pl.col("parcels") >= least * pl.col("all"))
        daily = daily.join(large.select(keys).unique(), on=keys, how="semi")
    names = daily.select(keys).unique().sort(keys)
    last = volumes["date"].max()
    length = (last - first).days + 1 if isinstance(last, dt.date) else 0
    numbered = daily.join(names.with_row_index("series"), on=keys)
    day = (numbered["date"].to_numpy().astype("datetime64[D]") - np.datetime64(first, "D")).astype(np.int64)
    sums = np.zeros((names.height, length))
    sums[numbered["series"].to_numpy(), day] = numbered["parcels"].to_numpy()
    return names.rows(), sums


def _leave_out_small(volumes: pl.DataFrame, keys: list[str], day_total: pl.DataFrame, least: float) -> pl.DataFrame:
    """Keep the rows of series that may have had ``least`` of all parcels on some day.

    One of its couriers then carried at least that over their number: so a hundred thousand small routes are never summed.
    """
    part = least / max(volumes["courier_id"].n_unique(), 1) * (1.0 - 1e-9)
    # Nearly all rows are smaller than that on the poorest day, and need no look at their own.
    poorest = float(day_total.select(pl.col("all").min()).item())
    large = volumes.lazy().filter(pl.col("parcels") >= part * poorest)
    near = (
        large.join(day_total.lazy(), on="date").filter(pl.col("parcels") >= part * pl.col("all")).select(keys).unique()
    )
    return volumes.lazy().join(near, on=keys, how="semi").select(*keys, "date", "parcels").collect()


def _scan(blank: Closing, own: Vector, total: Vector, usable: Flags, least: float) -> list[Closing]:
    """Go through one series: its closings, and its opening if it has only just opened."""
    days = np.flatnonzero(usable)
    if days.size < CLOSING.fewest_usual:
        return []
    share = own[days] / total[days]
    if share.max() < least:
        return []
    runs = _closed_runs(share, own[days], least)
    found = []
    for begin, end, usual in runs:
        length = int(days[end] - days[begin]) + 1
        lasts = end == days.size - 1
        if length > (CLOSING.longest_present if lasts else CLOSING.longest) or end - begin + 1 < CLOSING.fewest_days:
            continue
        after = share[end + 1 : end + 8]
        if not lasts and after.mean() < CLOSING.returned * usual:
            continue
        until = None if lasts else blank.date + dt.timedelta(days=int(days[end + 1]) - 1)
        start = blank.date + dt.timedelta(days=int(days[begin]))
        looked = int(days[begin]) - CLOSING.looked_back
        earlier = [np.sum(days[at : to + 1] >= looked) for at, to, _ in runs if to < begin]
        found.append(
            replace(
                blank,
                date=start,
                until=until,
                share=float(usual),
                days=length,
                days_before=int(np.sum(earlier)),
                kept=_kept(share[:begin]),
            )
        )
    if len(found) > 2 and days.size / len(found) < CLOSING.habit:
        return []
    opening = _opened(share, least)
    if opening is not None:
        at, since = opening
        day = blank.date + dt.timedelta(days=int(days[at]))
        # What comes back after a closing has not opened: the closing tells it, with what it carried before.
        if not any(one.until == day - dt.timedelta(days=1) for one in found):
            length = int(days[-1] - days[at]) + 1
            found.append(replace(blank, change="opens", date=day, share=since, days=length))
    return found


def _kept(share: Vector) -> float:
    """Return the part of a series' share of three weeks that it still had in the last week."""
    usual = share[-CLOSING.usual_days : -CLOSING.fade_days]
    if usual.size < CLOSING.fewest_usual or usual.mean() <= 0:
        return 1.0
    return float(min(share[-CLOSING.fade_days :].mean() / usual.mean(), 1.0))


def _of_silences(blank: Closing, silences: Sequence[Silence], known: Sequence[Closing], share: Vector) -> list[Closing]:
    """Turn a hub's longer silences into closings, where its share had not shown them."""
    found = []
    for run in silences:
        begin = (run.date_from - blank.date).days
        lasts = (run.date_to - blank.date).days >= share.size - 1
        if run.days > (CLOSING.longest_present if lasts else CLOSING.longest):
            continue
        until = None if lasts else run.date_to
        usual = float(share[max(0, begin - CLOSING.usual_days) : begin].mean()) if begin > 0 else 0.0
        steadiness = _kept(share[: max(begin, 0)])
        one = replace(blank, date=run.date_from, until=until, share=usual, days=run.days, kept=steadiness)
        if not any(each.date <= run.date_to and (each.until or dt.date.max) >= run.date_from for each in known):
            found.append(one)
    return found


def _closed_runs(share: Vector, parcels: Vector, least: float) -> list[tuple[int, int, float]]:
    """Return (first, last, usual share) of each run of days under a tenth of the usual share; single days of leakage are bridged."""
    runs: list[tuple[int, int, float]] = []
    days = np.stack([share, parcels])
    window, total = np.zeros((2, 0)), np.zeros(2)
    at, returned = 0, False
    while at < share.size:
        length, sums = _sum_windows(days[:, at:], window, total)
        usual, work = sums[:, :-1] / np.maximum(length, 1)
        fell = (length >= CLOSING.fewest_usual) & (share[at:] < CLOSING.fallen * usual) & (usual >= least)
        fell &= work >= CLOSING.fewest_parcels
        fell[0] &= not returned
        if not fell.any():
            break
        worked = int(np.argmax(fell))
        begin, level = at + worked, float(usual[worked])
        window = np.concatenate([window, days[:, at:begin]], axis=1)[:, -CLOSING.usual_days :]
        total = sums[:, worked]
        up = share[begin + 1 :] >= CLOSING.fallen * level
        back = up & np.append(up[1:], True)
        at, returned = begin + 1 + int(np.argmax(back)) if back.any() else share.size, True
        runs.append((begin, at - 1, level))
        if at - begin > CLOSING.longest:
            window, total = np.zeros((2, 0)), np.zeros(2)
    return runs


def _sum_windows(
    days: NDArray[np.float64], window: NDArray[np.float64], total: Vector
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Sum share and parcels of the last days of work, [2 x days + 1], before each day and after the last, added up in their order.

    Parameters
    ----------
    days
        [2 x days] of work.
    window, total
        [2 x days] of work before them, and their sum.

    Returns
    -------
    tuple
        [days] how many days the window before each has, and the sums.
    """
    count, known = days.shape[1], window.shape[1]
    length = np.minimum(known + np.arange(count), CLOSING.usual_days)
    left = known + np.arange(count) - CLOSING.usual_days  # the day that leaves the window, if it is full
    steps = np.empty((2, 1 + 2 * count))
    steps[:, 0], steps[:, 2::2] = total, days
    steps[:, 1::2] = np.where(left >= 0, -np.concatenate([window, days], axis=1)[:, np.maximum(left, 0)], 0.0)
    return length, np.cumsum(steps, axis=1)[:, ::2]


def _opened(share: Vector, least: float) -> tuple[int, float] | None:
    """Return the position of a recent opening and the share since; None without."""
    recent = share[-CLOSING.usual_days :]
    if share.size < 2 * CLOSING.usual_days or recent.max() <= 0:
        return None
    at = share.size - recent.size + int(np.argmax(recent > 0))
    since = share[at:]
    mean = float(since.mean())
    before = share[at - CLOSING.usual_days : at]
    if (
        since.size < CLOSING.fewest_days
        or mean < least
        or (since > CLOSING.fallen * mean).mean() < CLOSING.new_activity
        or before.max() > 0
    ):
        return None
    return at, mean


def _join_sides(found: Sequence[Closing]) -> list[Closing]:
    """Make one entry of a hub's two directions that begin and end within two days of each other."""
    joined: list[Closing] = []
    for one in sorted(found, key=lambda each: (each.hub_id, each.change, each.date)):
        other = next((each for each in joined if _same(each, one)), None)
        if other is None:
            joined.append(one)
            continue
        until = None if other.until is None or one.until is None else max(other.until, one.until)
        both = replace(
            other,
            direction=None,
            date=min(other.date, one.date),
            until=until,
            share=(other.share + one.share) / 2,
            days=max(other.days, one.days),
            days_before=max(other.days_before, one.days_before),
            kept=(other.kept + one.kept) / 2,
        )
        joined[joined.index(other)] = both
    return joined


def _same(first: Closing, second: Closing) -> bool:
    if (first.hub_id, first.change) != (second.hub_id, second.change) or first.direction in (None, second.direction):
        return False
    if (first.until is None) != (second.until is None):
        return False
    ends = abs((first.until - second.until).days) if first.until and second.until else 0
    return abs((first.date - second.date).days) <= 2 and ends <= 2


def _explains(hub: Closing, route: Closing) -> bool:
    """Say whether a hub's closing or opening is what a route shows."""
    if hub.hub_id not in (route.origin_hub_id, route.destination_hub_id):
        return False
    last = hub.until or dt.date.max
    return route.date <= last and (route.until or dt.date.max) >= hub.date
