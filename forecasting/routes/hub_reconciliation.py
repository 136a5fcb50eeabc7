"""Routes reconciled with their hubs: what each hub sends and receives is steadier than its routes, and moves them a little."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from data.constants import constant
from forecasting.routes.members import MEMBERS, forecast_members
from forecasting.routes.reconciliation import Target, reconcile
from forecasting.routes.route_history import HubSums
from forecasting.series.panel import Membership

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class HubRules:
    """How far hubs' own forecasts pull their routes."""

    member_weights: Mapping[str, float] = constant(
        {"level-3": 0.2, "level-7": 0.4, "tsb": 0.2, "adida": 0.2},
        "1",
        "of the members in a hub's direct forecast",
        "judgement",
    )
    margin_error: float = constant(0.2, "1", "relative standard error given to a hub's direct forecast", "judgement")
    route_error: float = constant(0.5, "1", "relative standard error given to a route", "judgement")


HUBS = HubRules()


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
    reconciled = reconcile(base, sums.out, sums.into, targets, variance=(HUBS.route_error * base) ** 2)
    sums_now = reconciled.sum(axis=0)
    factor = np.divide(total, sums_now, out=np.ones_like(total), where=sums_now > 0)
    return np.asarray(reconciled * factor, dtype=np.float32)


def _target(level: Literal["hub_out", "hub_in"], hubs: Membership, sums: Matrix, total: NDArray[np.float64]) -> Target:
    members = forecast_members(sums, total.size, [member for member in MEMBERS if member.name in HUBS.member_weights])
    margin = np.zeros((sums.shape[0], total.size))
    for name, weight in HUBS.member_weights.items():
        margin += weight * members[name]
    mass = margin.sum(axis=0)
    margin *= np.divide(total, mass, out=np.ones_like(total), where=mass > 0)
    return Target(level, hubs, margin, HUBS.margin_error * margin + 1.0)
