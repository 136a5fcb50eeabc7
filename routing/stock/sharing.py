"""Goods that move between warehouses: what one has to spare for what another lacks, where that is better than bringing it from home."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import sparse

from data.arrays import Flags, Floats
from routing.budget import Deadline
from routing.solvers import LinearModel, solve_linear

_RANK = {"factory": 0, "main": 1, "split": 2, "shop": 3}
_IDLE = 1e-3  # CNY a unit that would stand idle is preferred by to one from home
_AT_ONCE = 500  # items of one linear programme: they share nothing


def may_send(warehouses: pl.DataFrame) -> Flags:
    """Say which warehouses send goods to which, shape (W, W), from row to column.

    Goods go down or sideways: from a factory to main, split and shop, from a main warehouse to others and on, from shops to shops; nothing goes
    back to a factory. A warehouse that does not say what it is counts as split.

    Parameters
    ----------
    warehouses
        Table of that name.
    """
    kinds = warehouses.sort("warehouse_id")["kind"].fill_null("split").to_list()
    rank = np.array([_RANK[kind] for kind in kinds])
    sends: Flags = (rank[:, None] <= rank[None, :]) & (rank[None, :] > 0)
    np.fill_diagonal(sends, val=False)
    return sends


@dataclass(frozen=True, slots=True)
class Ways:
    """What moving a unit costs.

    Attributes
    ----------
    cost : (W, W) [CNY/parcel place]
        From warehouse to warehouse.
    offered : (W, W)
        Which of these may send to which, and are there in time.
    places : (I,) [parcel places/unit]
        Room of a unit of each item.
    else_ : (I, W) [CNY/unit]
        What a unit costs that comes from home instead.
    """

    cost: Floats
    offered: Flags
    places: Floats
    else_: Floats


def share_out(spare: Floats, lack: Floats, ways: Ways, deadline: Deadline) -> Floats:
    """Choose what moves, so that most is saved against bringing it from home.

    Parameters
    ----------
    spare, lack : (I, W)
        Whole units that each warehouse can do without, and that it needs.
    ways
        What moving costs.
    deadline
        Emergency brake.

    Returns
    -------
    numpy.ndarray
        Whole units, shape (I, W, W), from row to column. A transport problem: its corners are whole.
    """
    moved = np.zeros((*spare.shape, spare.shape[1]))
    item = np.flatnonzero((spare.sum(axis=1) > 0) & (lack.sum(axis=1) > 0))
    for begin in range(0, len(item), _AT_ONCE):
        at = item[begin : begin + _AT_ONCE]
        gain = _IDLE + ways.else_[at, None, :] - ways.places[at, None, None] * np.where(ways.offered, ways.cost, np.inf)
        usable = (gain > 0) & (spare[at, :, None] > 0) & (lack[at, None, :] > 0)
        i, start, end = np.nonzero(usable)
        if len(i):
            moved[at[i], start, end] = _transport(gain[i, start, end], (i, start, end), spare[at], lack[at], deadline)
    return moved


def _transport(
    gain: Floats, pairs: tuple[np.ndarray, np.ndarray, np.ndarray], spare: Floats, lack: Floats, deadline: Deadline
) -> Floats:
    """Solve the transport problem of some items; `pairs` are item, start and end of each column."""
    i, start, end = pairs
    sites, columns = spare.shape[1], np.arange(len(gain))
    ones, size = np.ones(len(gain)), (spare.size, len(gain))
    rows = [sparse.coo_matrix((ones, (i * sites + place, columns)), shape=size) for place in (start, end)]
    limit = np.concatenate([spare.ravel(), lack.ravel()])
    model = LinearModel(
        -gain, sparse.vstack(rows, format="csr"), np.full(len(limit), -np.inf), limit, np.zeros(len(gain)), np.full(len(gain), np.inf)
    )  # fmt: skip
    found = solve_linear(model, deadline=deadline, solver="GLOP")
    return np.zeros(len(gain)) if found.values is None else np.rint(found.values)
