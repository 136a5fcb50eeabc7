"""Planned changes of the network: routes move from their hub to its successors, and take their history along."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.series.panel import ROUTE_KEYS, Panel, to_date

Handover = Mapping[str, tuple[tuple[str, float], ...]]
"""hub_id -> (hub that carries its volume from then on, share)."""


@dataclass(frozen=True)
class Move:
    """Which routes hand over to which, from a date.

    Attributes
    ----------
    date
        First day on which it holds.
    source, target
        [moves] rows of routes.
    share
        [moves] share of the source's volume the target takes. Shares of a source that sum to less than 1 lose the rest.
    """

    date: dt.date
    source: NDArray[np.int64]
    target: NDArray[np.int64]
    share: NDArray[np.float64]

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


def follow_changes(panel: Panel, changes: pl.DataFrame, last_date: dt.date) -> ChangedNetwork:
    """Honour the network changes: give routes that moved the history of those they replace.

    ``closes`` and ``moves`` hand the volume of ``hub_id``, as origin and as destination, to the successors by share (an empty
    share: what the others leave, evenly). ``opens`` is read by the other hub named in the row: the new hub takes the share
    from it. What the shares of a hub that ``moves`` leave stays with it. A hub that closes without successor loses its
    volume; one that opens without a donor starts empty.

    Parameters
    ----------
    panel
        History up to the as-of date.
    changes
        The table ``network_changes``.
    last_date
        Last day of the forecast; later changes are left out.
    """
    # what happens to one route alone hands no hub's volume over
    rows = changes.filter((pl.col("date") <= last_date) & pl.col("hub_id").is_not_null()).sort(
        "date", "change_id", "successor_hub_id"
    )
    if rows.is_empty() or panel.size == 0:
        return ChangedNetwork(panel, (), ())
    as_of = to_date(panel.dates[-1])
    notes: list[str] = []
    ahead: list[Move] = []
    current = panel
    for (date,), group in rows.group_by("date", maintain_order=True):
        if not isinstance(date, dt.date):
            continue
        handover = _read_handover(group, set(current.hub_ids), notes)
        if not handover:
            continue
        current, move = _plan_move(current, date, handover)
        if date <= as_of:
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
        if other is None and row["change"] == "moves":
            continue
        if other is None:
            notes.append(
                f"Hub {hub} closes on {row['date']} without a successor; its parcels are left out from then on."
            )
            takers.setdefault(hub, [])
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
