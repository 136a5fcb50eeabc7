"""Orders of a week after its stock is placed: what cannot come leaves from home, what nobody else wants serves in its stead."""

from __future__ import annotations

import numpy as np

from data.arrays import Flags, Floats
from routing.stock.task import StockTask

_NOISE = 1e-9  # CNY a unit, and units


def use_idle(task: StockTask, units: Floats, idle: Floats) -> Floats:
    """Let orders that would leave from home, or be short, leave from units nobody else wants, where that costs no more.

    Parameters
    ----------
    task
        Of the week.
    units : (I, Z, W)
        To stand ready.
    idle : (I, W)
        Whole units that are there besides, and that no later week wants.

    Returns
    -------
    numpy.ndarray
        Units to stand ready, shape (I, Z, W), within what warehouses send a day.
    """
    items, costs = task.items, task.costs
    units, idle = units.copy(), idle.copy()
    load = items.peak_share / items.units_per_parcel
    power = task.problem.dispatch - np.einsum("i,izw->w", load, units)
    rest = np.maximum(items.expected - units.sum(axis=2), 0.0)
    for i in np.flatnonzero((idle.sum(axis=1) > 0) & (rest.sum(axis=1) > 0)).tolist():
        ahead = costs.ahead[i] - costs.rent
        saved = np.where(np.isfinite(ahead), costs.home[i][:, None] - np.where(np.isfinite(ahead), ahead, 0.0), -np.inf)
        for at in np.argsort(-saved, axis=None, kind="stable").tolist():
            z, w = divmod(at, len(items.sites))
            if saved[z, w] < -_NOISE:
                break
            fits = np.floor(power[w] / load[i] + _NOISE) if load[i] > 0 else np.inf
            take = max(min(idle[i, w], rest[i, z], fits), 0.0)
            units[i, z, w] += take
            idle[i, w] -= take
            rest[i, z] -= take
            power[w] -= take * load[i]
    return units


def leave_at_home(units: Floats, cut: Floats, at_home: Flags) -> tuple[Floats, Floats]:
    """Take units that cannot be brought off the zones they were for, the largest first; `kept` are zones home cannot serve, whose small lots go all the same.

    Returns
    -------
    units : (I, Z, W)
    left : (I, W)
        Units taken off.
    """
    units, left = units.copy(), np.zeros_like(cut)
    for i, w in np.argwhere(cut > 0).tolist():
        for z in np.argsort(-units[i, :, w], kind="stable").tolist():
            less = 0.0 if at_home[i, z] else min(cut[i, w] - left[i, w], units[i, z, w])
            units[i, z, w] -= less
            left[i, w] += less
    return units, left
