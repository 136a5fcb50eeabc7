"""What other plans leave of the hubs that all of them use: their parcels are sorted and wait there as well, on vehicles of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from data.contracts import contract
from data.contracts.fields import WHOLE_DAY
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions
from routing.trunk.task.sorts import Sorts, lay_sorts

_TAKEN = {"date": pl.Date, "hub_id": pl.String, "sort_id": pl.String} | dict.fromkeys(
    ("capacity", "handled", "left"), pl.Int64
)


def leave_room(
    inputs: TrunkInputs, options: TrunkOptions, loads: Sequence[pl.DataFrame]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Write what other plans leave of the hubs, as rows of ``hub_days``.

    Parameters
    ----------
    inputs
        The tables of the plan that is to be made; without ``hub_sorts`` it is by days.
    options
        Its time zone.
    loads
        ``hub_loads`` of each of the others.

    Returns
    -------
    hub_days
        The rows there were, and on hub-days that others use what is left: capacity less what they sort, buffer less what waits there.
    taken
        date, hub_id, sort_id, capacity, handled, left [parcels/sort]: what others take of hubs that have a bound, the fullest first.
    """
    own = contract("hub_days").arrange(inputs.hub_days)
    dates = [day for frame in loads for day in frame["date"].to_list()]
    if not dates:
        return own, pl.DataFrame(schema=_TAKEN)
    first, days = min(dates), (max(dates) - min(dates)).days + 1
    hubs = inputs.hubs.sort("hub_id")
    whole = np.ones((days, hubs.height), dtype=np.bool_)
    found = lay_sorts(inputs, options, hubs, first, whole)
    # rows of hub_days are multiplied by what closures leave open: what others sort is divided by it
    free = lay_sorts(replace(inputs, hub_closures=inputs.hub_closures.clear()), options, hubs, first, whole)
    staging = hubs["staging_capacity"].is_not_null().to_list() if "staging_capacity" in hubs.columns else None
    used = _sum_loads(loads, hubs["hub_id"].to_list(), staging)
    rows: list[dict[str, Any]] = []
    taken: list[dict[str, Any]] = []
    for hub, day, places in _by_hub_day(free):
        name, when = str(hubs["hub_id"][hub]), first + timedelta(days=day)
        for place, (handled, waits) in zip(places, _share_out(free, places, used.get((when, name), {})), strict=True):
            capacity, buffer = free.capacity[place], free.buffer[place]
            share = found.capacity[place] / capacity if 0 < capacity < np.inf else 1.0
            left = max(0.0, capacity - handled / share) if share > 0 else 0.0
            if handled + waits <= 0 or not np.isfinite(min(left, buffer)):
                continue
            key = {"date": when, "hub_id": name, "sort_id": free.sort_ids[free.sort[place]]}
            rows.append(key | {"sort_capacity": _whole(left), "buffer_capacity": _whole(max(0.0, buffer - waits))})
            if np.isfinite(left) and handled > 0:
                taken.append(
                    key | {"capacity": int(capacity * share), "handled": round(handled), "left": int(left * share)}
                )
    order = [pl.col("handled") / pl.col("capacity").clip(1), "date", "hub_id", "sort_id"]
    told = pl.DataFrame(taken, schema=_TAKEN).sort(order, descending=[True, False, False, False])
    if not rows:
        return own, told
    less = contract("hub_days").arrange(_fold_days(pl.DataFrame(rows, infer_schema_length=None)))
    return pl.concat([own.join(less, on=["date", "hub_id", "sort_id"], how="anti"), less]), told


def _whole(value: float) -> int | None:
    return int(value) if np.isfinite(value) else None


def _by_hub_day(sorts: Sorts) -> list[tuple[int, int, list[int]]]:
    """List the sorts of each hub and day."""
    found: dict[tuple[int, int], list[int]] = {}
    for place, (hub, day) in enumerate(zip(sorts.hub.tolist(), sorts.day.tolist(), strict=True)):
        found.setdefault((hub, day), []).append(place)
    return [(hub, day, places) for (hub, day), places in sorted(found.items())]


def _sum_loads(
    loads: Sequence[pl.DataFrame], hub_ids: list[str], staging: list[bool] | None
) -> dict[tuple[date, str], dict[str, tuple[float, float]]]:
    """Add the loads of plans up: by date and hub what each sort sorts, and what waits after it in the buffer.

    Sorted parcels that wait for a departure stand in the buffer too where a hub has no staging area of its own.
    """
    apart = {name for name, own in zip(hub_ids, staging or [], strict=False) if own}
    found: dict[tuple[date, str], dict[str, tuple[float, float]]] = {}
    for frame in loads:
        for row in frame.iter_rows(named=True):
            place = found.setdefault((row["date"], row["hub_id"]), {})
            handled, waits = place.get(row["sort_id"], (0.0, 0.0))
            more = row["held"] + (0 if row["hub_id"] in apart else row.get("staged") or 0)
            place[row["sort_id"]] = (handled + row["handled"], waits + more)
    return found


def _share_out(sorts: Sorts, places: list[int], used: Mapping[str, tuple[float, float]]) -> list[tuple[float, float]]:
    """Say what others sort in each sort of a hub's day and let wait after it.

    What a plan by days sorts falls on the day's sorts by what these can sort, and what sorts of others that are none here, on the whole day.
    """
    names = [sorts.sort_ids[sorts.sort[place]] for place in places]
    if len(places) == 1:
        waits: Mapping[str, float] = {name: waiting for name, (_, waiting) in used.items()}
        return [(sum(handled for handled, _ in used.values()), max(waits.values(), default=0.0))]
    bounds = sorts.capacity[places]
    weight = np.where(np.isfinite(bounds), bounds, 0.0) if np.isfinite(bounds).any() else np.ones(len(places))
    part = weight / weight.sum() if weight.sum() > 0 else np.full(len(places), 1.0 / len(places))
    others = [used[name] for name in used if name not in names]
    handled, waiting = sum(one[0] for one in others), max((one[1] for one in others), default=0.0)
    own = [used.get(name, (0.0, 0.0)) for name in names]
    return [(one[0] + share * handled, one[1] + waiting) for one, share in zip(own, part.tolist(), strict=True)]


def _fold_days(rows: pl.DataFrame) -> pl.DataFrame:
    """Of several sorts one may be named ``day`` as well: a row of that name is for all of them, so it holds all that is left."""
    keys = ["date", "hub_id"]
    named = (pl.col("sort_id") == WHOLE_DAY).any().over(keys) & (pl.len().over(keys) > 1)
    apart, folded = rows.filter(~named), rows.filter(named)
    sums = folded.group_by(keys, maintain_order=True).agg(
        sort_id=pl.lit(WHOLE_DAY),
        sort_capacity=pl.col("sort_capacity").sum(),
        buffer_capacity=pl.col("buffer_capacity").min(),
    )
    return pl.concat([apart, sums.select(apart.columns)], how="vertical_relaxed")
