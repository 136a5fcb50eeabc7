"""Routes reconciled with their hubs: what each hub sends and receives is steadier than its routes, and moves them a little."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forecasting.routes.members import MEMBERS, forecast_members
from forecasting.routes.reconciliation import Target, reconcile
from forecasting.routes.route_history import HubSums
from forecasting.series.panel import Membership

Matrix = NDArray[np.float32]

MARGIN_WEIGHTS = {"level-3": 0.2, "level-7": 0.4, "tsb": 0.2, "adida": 0.2}
MARGIN_ERROR = 0.2
"""Relative standard error given to a hub's direct forecast; that of a route is :data:`ROUTE_ERROR`."""
ROUTE_ERROR = 0.5


def reconcile_with_hubs(routes: Matrix, sums: HubSums) -> Matrix:
    """Reconcile route forecasts with the direct forecasts of their hubs' outflow and inflow.

    Both margins are forecast from the hubs' own sums, scaled to the routes' total of the day, and met in least squares weighted by
    the relative errors (:func:`forecasting.routes.reconciliation.reconcile`).

    Parameters
    ----------
    routes
        [routes x horizon] parcels.
    sums
        History of the hubs' sums.

    Returns
    -------
    NDArray[np.float32]
        [routes x horizon], not negative, with the same total each day.
    """
    base = routes.astype(np.float64)
    total = base.sum(axis=0)
    if total.sum() <= 0 or sums.out.groups * sums.into.groups == 0:
        return routes
    targets = [
        _target("hub_out", sums.out, sums.out_sums, total),
        _target("hub_in", sums.into, sums.into_sums, total),
    ]
    reconciled = reconcile(base, sums.out, sums.into, targets, variance=(ROUTE_ERROR * base) ** 2)
    sums_now = reconciled.sum(axis=0)
    factor = np.divide(total, sums_now, out=np.ones_like(total), where=sums_now > 0)
    return np.asarray(reconciled * factor, dtype=np.float32)


def _target(level: Literal["hub_out", "hub_in"], hubs: Membership, sums: Matrix, total: NDArray[np.float64]) -> Target:
    members = forecast_members(sums, total.size, [member for member in MEMBERS if member.name in MARGIN_WEIGHTS])
    margin = np.zeros((sums.shape[0], total.size))
    for name, weight in MARGIN_WEIGHTS.items():
        margin += weight * members[name]
    mass = margin.sum(axis=0)
    margin *= np.divide(total, mass, out=np.ones_like(total), where=mass > 0)
    return Target(level, hubs, margin, MARGIN_ERROR * margin + 1.0)
