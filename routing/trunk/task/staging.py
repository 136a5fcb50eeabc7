"""Staging: sorted parcels that wait on a trailer, or in front of it, for a later departure.

A hub with a ``staging_capacity`` has two nodes a sort: one where parcels stand unsorted, and behind it one where they stand sorted.
They pass from the first to the second by being sorted; every departure that loads after the sort leaves from the second:

    unsorted at sort 1  --wait (buffer)-->  unsorted at sort 2
            | sorted in 1                           | sorted in 2
    sorted after 1  --wait (staging)-->  sorted after 2  --departures-->

so that a sort with room to spare works ahead for a departure whose own sort is full. What passes from a node to the one behind it is
an arc of a lane that no table has: nothing drives there, it holds whatever the sort does and costs nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from routing.trunk.task.departures import Slots
from routing.trunk.task.sorts import Floats, Ints, Sorts

if TYPE_CHECKING:
    import polars as pl

KIND = "to staging"  # the vehicle type of no table that runs there
_MOST_PARCELS = 1e7  # of a sort without a capacity


def read_staging(hubs: pl.DataFrame) -> Floats:
    """Sorted parcels that may wait at each hub for a later departure, (H,); 0 where the hub has no room of its own for them."""
    if "staging_capacity" not in hubs.columns:
        return np.zeros(hubs.height)
    room: Floats = hubs["staging_capacity"].cast(float).fill_null(0.0).to_numpy().astype(np.float64)
    return room


def add_staging(sorts: Sorts, room: Floats) -> Sorts:
    """Put a node for what is sorted behind every sort of the hubs that have room for it.

    Parameters
    ----------
    room : (H,) [parcels]
        Sorted parcels that may wait.
    """
    ahead = np.flatnonzero(room[sorts.hub] > 0)
    if not sorts.by_clock or not len(ahead):
        return sorts
    of = np.concatenate([np.arange(len(sorts.hub)), ahead])
    staged = np.arange(len(of)) >= len(sorts.hub)
    order = np.lexsort((of, staged, sorts.close[of]))
    place = np.empty(len(of), dtype=np.int64)
    place[order] = np.arange(len(of))
    behind = place[: len(sorts.hub)].copy()
    behind[ahead] = place[len(sorts.hub) :]
    of, staged = of[order], staged[order]
    after = sorts.after[of]
    after = np.where(after < 0, -1, np.where(staged, behind[after], place[after]))
    starts = np.flatnonzero(np.diff(sorts.close[of], prepend=-np.inf) > 0)
    is_open = sorts.open[of]
    return replace(
        sorts,
        hub=sorts.hub[of],
        day=sorts.day[of],
        turn=sorts.turn[of],
        sort=sorts.sort[of],
        opens=sorts.opens[of],
        cut_off=sorts.cut_off[of],
        close=sorts.close[of],
        pointers=np.append(starts, len(of)).astype(np.int64),
        after=after,
        capacity=np.where(staged, np.where(is_open, np.inf, 0.0), sorts.capacity[of]),
        buffer=np.where(staged, np.where(is_open, room[sorts.hub[of]], 0.0), sorts.buffer[of]),
        open=is_open,
        handling=np.where(staged, 0.0, sorts.handling[of]),
        waiting=sorts.waiting[of],
        staged=staged,
        behind=behind[of],
    )


def list_staged(sorts: Sorts, slots: Slots) -> tuple[Slots, Ints]:
    """Let departures leave from what is sorted, and add the slots by which parcels get there, of lanes numbered on from those there are.

    Returns
    -------
    slots : Slots
    hubs : (lanes added,)
        Hub of each lane added.
    """
    hubs = np.unique(sorts.hub[sorts.staged])
    if not len(hubs):
        return slots, hubs
    tail = np.where(slots.tail >= 0, sorts.behind[slots.tail], -1)
    days, first = slots.tail.shape[1], int(slots.lane.max(initial=-1)) + 1
    lanes, tails, hours = [], [], []
    for number, hub in enumerate(hubs.tolist()):
        mine = sorts.of_hub(hub)
        for sort in np.unique(sorts.sort[mine]).tolist():
            nodes = mine[sorts.sort[mine] == sort]
            row, leaves = np.full(days, -1, dtype=np.int64), np.full(days, np.inf)
            row[sorts.day[nodes]], leaves[sorts.day[nodes]] = nodes, sorts.close[nodes]
            lanes.append(first + number)
            tails.append(row)
            hours.append(leaves)
    more, leaves = np.array(tails), np.array(hours)
    step = np.minimum(np.searchsorted(slots.clock, leaves), slots.steps - 1).astype(np.int64)
    return (
        replace(
            slots,
            lane=np.concatenate([slots.lane, np.array(lanes, dtype=np.int64)]),
            vehicle_type=[*slots.vehicle_type, *[None] * len(lanes)],
            limit=np.concatenate([slots.limit, np.full(len(lanes), np.inf)]),
            tail=np.concatenate([tail, more]),
            head=np.concatenate([slots.head, np.where(more >= 0, sorts.behind[more], -1)]),
            leaves=np.concatenate([slots.leaves, leaves]),
            arrives=np.concatenate([slots.arrives, leaves]),
            step=np.concatenate([slots.step, step]),
            back=np.concatenate([slots.back, step + 1]),
            own_back=np.concatenate([slots.own_back, step + 1]),
        ),
        hubs,
    )


def list_lanes(hubs: Ints, hub_ids: list[str]) -> pl.DataFrame:
    """Rows of ``lanes`` for the lanes added."""
    import polars as pl

    names = [hub_ids[hub] for hub in hubs.tolist()]
    return pl.DataFrame(
        {
            "lane_id": [f"{KIND} {name}" for name in names],
            "origin_hub_id": names,
            "destination_hub_id": names,
            "mode": [KIND] * len(names),
            "distance_km": [0.0] * len(names),
            "transit_hours": [0.0] * len(names),
        },
        schema_overrides={
            "lane_id": pl.String,
            "origin_hub_id": pl.String,
            "destination_hub_id": pl.String,
            "mode": pl.String,
        },
    )


def list_holders(sorts: Sorts, hubs: Ints, first_lane: int, kind: int) -> dict[str, Floats]:
    """What holds parcels on the lanes added, as lane vehicles are listed: as much as the hub's largest sort takes."""
    most = [sorts.capacity[sorts.of_hub(hub)].max() for hub in hubs.tolist()]
    zero = np.zeros(len(hubs))
    return {
        "lane": first_lane + np.arange(len(hubs), dtype=np.int64),
        "type": np.full(len(hubs), kind, dtype=np.int64),
        "capacity": np.clip(np.array(most, dtype=np.float64), 1.0, _MOST_PARCELS),
        "cost": zero,
        "carbon": zero,
        "limit": np.full(len(hubs), np.inf),
    }
