"""Planned changes of the network: routes move from their hub to its successors, and take their history along."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.closings import Closing
from forecasting.series.panel import ROUTE_KEYS, Panel, to_date

Handover = Mapping[str, tuple[tuple[str, float], ...]]
"""hub_id -> (hub that carries its volume from then on, share)."""


@dataclass(frozen=True)
class Move:
    """Which routes hand over to which, from a date.

    Attributes
    ----------
    date, until
        First and last day on which it holds; without a last day it is for good.
    source, target
        [moves] rows of routes.
    share
        [moves] share of the source's volume the target takes. Shares of a source that sum to less than 1 lose the rest.
    """

    date: dt.date
    source: NDArray[np.int64]
    target: NDArray[np.int64]
    share: NDArray[np.float64]
    until: dt.date | None = None

    def days_ahead(self, first_ahead: dt.date, horizon: int) -> tuple[int, int]:
        """Return the first and the last column (not included) of a matrix of days ahead on which it holds."""
        end = horizon if self.until is None else min(horizon, (self.until - first_ahead).days + 1)
        return max(0, (self.date - first_ahead).days), max(0, end)

    def apply(self, matrix: NDArray[np.floating], first: int, last: int) -> None:
        """Hand over the columns ``first`` to ``last`` (not included) of a [routes x days] matrix, in place."""
        if first >= last or self.source.size == 0:
            return
        moved = matrix[self.source, first:last] * self.share[:, None]
        matrix[np.unique(self.source), first:last] = 0
        for row, parcels in zip(self.target, moved, strict=True):
            matrix[row, first:last] += parcels.astype(matrix.dtype, copy=False)


@dataclass(frozen=True)
class ChangedNetwork:
    """A panel in which past changes have been honoured, and the moves still to come.

    Attributes
    ----------
    panel
        Routes with their inherited history; routes that a change creates are added.
    ahead
        Moves after the last day of the panel, by date.
    notes
        Changes that say too little to be followed.
    """

    panel: Panel
    ahead: tuple[Move, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ReadChanges:
    """The network changes by what they ask of a forecast.

    Attributes
    ----------
    handovers
        Rows whose hub hands its volume to others, for good or for a time ahead.
    closings
        Closed for a time, or for good without a successor, with the hubs said to take over; whether they are handed over ahead.
    notes
        Changes that say too little, or something impossible.
    """

    handovers: pl.DataFrame
    closings: tuple[tuple[Closing, tuple[str, ...], bool], ...]
    notes: tuple[str, ...]


def read_changes(changes: pl.DataFrame, last_date: dt.date, known_hubs: Collection[str]) -> ReadChanges:
    """Sort the network changes into handovers and closings.

    Parameters
    ----------
    changes
        The table ``network_changes``; columns it has not are empty.
    last_date
        Last day of the forecast; later changes are left out.
    known_hubs
        Hubs that stand at an end of a route.
    """
    rows = _with_columns(changes).filter(pl.col("date") <= last_date).sort("date", "change_id", "successor_hub_id")
    notes: list[str] = []
    closings: list[tuple[Closing, tuple[str, ...], bool]] = []
    handovers: list[dict[str, object]] = []
    keys = ["date", "until", "scope", "hub_id", "origin_hub_id", "destination_hub_id", "direction", "change"]
    for _, group in rows.group_by(["change_id", *keys], maintain_order=True):
        row = group.row(0, named=True)
        takers = tuple(name for name in group["successor_hub_id"].to_list() if name is not None)
        fault = _fault_of(row, known_hubs)
        if fault is not None:
            notes.append(fault)
            continue
        narrow = row["scope"] == "route" or row["direction"] is not None
        ends = row["until"] is not None
        if row["change"] == "opens" or (takers and not narrow and not ends):
            handovers += group.to_dicts()
            continue
        if not takers and row["change"] == "moves":
            notes.append(
                f"{_name_of(row)} moves on {row['date']} and no hub is named that it moves to; the change is left out."
            )
            continue
        handed = bool(takers) and not narrow
        if handed:
            handovers += group.to_dicts()
        days = (row["until"] - row["date"]).days + 1 if ends else 0
        ids = (row["hub_id"] or "", row["origin_hub_id"] or "", row["destination_hub_id"] or "")
        closings.append(
            (Closing("closes", *ids, row["direction"], row["date"], row["until"], 0.0, days), takers, handed)
        )
        if not takers:
            until = f" to {row['until']}" if ends else " for good"
            notes.append(
                f"{_name_of(row)} is closed from {row['date']}{until}; its parcels are spread over the other routes of their origins and "
                "destinations, as no successor is named."
            )
    return ReadChanges(pl.DataFrame(handovers, schema=rows.schema), tuple(closings), tuple(notes))


def _with_columns(changes: pl.DataFrame) -> pl.DataFrame:
    """Add the columns that a table written before they existed lacks."""
    dates, names = ["until"], ["scope", "origin_hub_id", "destination_hub_id", "direction"]
    added = [pl.lit(None, dtype=pl.Date).alias(name) for name in dates if name not in changes.columns]
    added += [pl.lit(None, dtype=pl.String).alias(name) for name in names if name not in changes.columns]
    return changes.with_columns(added).with_columns(pl.col("scope").fill_null("hub"))


def _name_of(row: Mapping[str, object]) -> str:
    return f"Hub {row['hub_id']}" if row["hub_id"] else f"Route {row['origin_hub_id']} > {row['destination_hub_id']}"


def _fault_of(row: Mapping[str, Any], known_hubs: Collection[str]) -> str | None:
    """Say why a change cannot be followed; None where it can."""
    text = f"{_name_of(row)} {row['change']} on {row['date']}"
    if row["until"] is not None and row["until"] < row["date"]:
        return f"{text} and until {row['until']}, which is before it; the change is left out."
    if row["change"] == "opens":
        return None
    ends = [row["hub_id"]] if row["hub_id"] else [row["origin_hub_id"], row["destination_hub_id"]]
    unknown = [str(name) for name in ends if name not in known_hubs]
    if unknown:
        return f"{text}, and no route of hub {unknown[0]} has carried parcels; the change is left out."
    return None


def follow_changes(panel: Panel, changes: pl.DataFrame, last_date: dt.date) -> ChangedNetwork:
    """Honour the network changes: give routes that moved the history of those they replace.

    ``closes`` and ``moves`` hand the volume of ``hub_id``, as origin and as destination, to the successors by share (an empty
    share: what the others leave, evenly). ``opens`` is read by the other hub named in the row: the new hub takes the share
    from it. What the shares of a hub that ``moves`` leave stays with it. A hub that opens without a donor starts empty. A change with a
    last day gives no history: it holds on its days ahead.

    Parameters
    ----------
    panel
        History up to the as-of date.
    changes
        The handovers of :func:`read_changes`.
    last_date
        Last day of the forecast; later changes are left out.
    """
    # what happens to one route alone hands no hub's volume over
    known = _with_columns(changes).filter((pl.col("date") <= last_date) & pl.col("hub_id").is_not_null())
    rows = known.sort("date", "change_id", "successor_hub_id")
    if rows.is_empty() or panel.size == 0:
        return ChangedNetwork(panel, (), ())
    as_of = to_date(panel.dates[-1])
    notes: list[str] = []
    ahead: list[Move] = []
    current = panel
    for (date, until), group in rows.group_by("date", "until", maintain_order=True):
        if not isinstance(date, dt.date) or (isinstance(until, dt.date) and until <= as_of):
            continue
        handover = _read_handover(group, set(current.hub_ids), notes)
        if not handover:
            continue
        current, move = _plan_move(current, date, handover)
        if isinstance(until, dt.date):
            ahead.append(replace(move, until=until))
        elif date <= as_of:
            day = int(np.searchsorted(current.dates, np.datetime64(date, "D")))
            parcels = current.parcels.copy()
            move.apply(parcels, 0, day)
            current = Panel(current.routes, current.dates, parcels)
        else:
            ahead.append(move)
    return ChangedNetwork(current, tuple(ahead), tuple(notes))


def _read_handover(group: pl.DataFrame, known_hubs: set[str], notes: list[str]) -> Handover:
    takers: dict[str, list[tuple[str, float | None]]] = {}
    for row in group.iter_rows(named=True):
        hub, other, share = row["hub_id"], row["successor_hub_id"], row["share"]
        if row["change"] == "opens":
            if other is None:
                notes.append(
                    f"Hub {hub} opens on {row['date']} and no hub is named that it takes volume from; it starts empty."
                )
                continue
            # Either column may name the newcomer; the one that carries parcels today gives.
            donor, newcomer = (hub, other) if hub in known_hubs and other not in known_hubs else (other, hub)
            opening_share = 0.5 if share is None else float(share)
            takers.setdefault(donor, []).extend([(newcomer, opening_share)])
            continue
        if other is None:
            continue
        takers.setdefault(hub, []).append((other, None if share is None else float(share)))
    opening = {row["successor_hub_id"] for row in group.filter(pl.col("change") == "opens").iter_rows(named=True)} | {
        row["hub_id"] for row in group.filter(pl.col("change") == "opens").iter_rows(named=True)
    }
    moving = set(group.filter(pl.col("change") == "moves")["hub_id"])
    result: dict[str, tuple[tuple[str, float], ...]] = {}
    for hub, named in takers.items():
        given_shares = sum(share for _, share in named if share is not None)
        open_shares = [other for other, share in named if share is None]
        rest = max(0.0, 1.0 - given_shares) / max(len(open_shares), 1)
        shares = [(other, rest if share is None else share) for other, share in named]
        left = 1.0 - sum(share for _, share in shares)
        if (hub in opening or hub in moving) and left > 1e-9:
            shares.append((hub, left))
        result[hub] = tuple(shares)
    return result


def _plan_move(panel: Panel, date: dt.date, handover: Handover) -> tuple[Panel, Move]:
    """Work out route by route what a handover of hubs means; adds the routes it creates at the end of the panel."""
    number = {row: at for at, row in enumerate(panel.routes.iter_rows())}
    source: list[int] = []
    target: list[int] = []
    share: list[float] = []
    created: list[tuple[str, str, str]] = []
    for at, (courier, origin, destination) in enumerate(panel.routes.iter_rows()):
        if origin not in handover and destination not in handover:
            continue
        for new_origin, out_share in handover.get(origin, ((origin, 1.0),)):
            for new_destination, in_share in handover.get(destination, ((destination, 1.0),)):
                key = (courier, new_origin, new_destination)
                if key not in number:
                    number[key] = len(number)
                    created.append(key)
                source.append(at)
                target.append(number[key])
                share.append(out_share * in_share)
        if at not in source[-1:]:
            # Nothing takes this route: it must still be emptied.
            source.append(at)
            target.append(at)
            share.append(0.0)
    if created:
        added = pl.DataFrame(created, schema=list(ROUTE_KEYS), orient="row")
        parcels = np.vstack([panel.parcels, np.zeros((len(created), panel.dates.size), dtype=np.float32)])
        panel = Panel(pl.concat([panel.routes, added]), panel.dates, parcels)
    return panel, Move(date, np.array(source, dtype=np.int64), np.array(target, dtype=np.int64), np.array(share))
