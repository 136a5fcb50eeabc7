"""What hubs send and receive moves their routes."""

from __future__ import annotations

import numpy as np

from forecasting.routes.hub_reconciliation import reconcile_with_hubs
from forecasting.routes.route_history import HubSums
from forecasting.series.panel import Membership, aggregate


def test_hubs_move_their_routes_and_the_day_keeps_its_total() -> None:
    """Both routes of hub a were falling in the hubs' own sums: they lose to those of hub b, and the day keeps its total."""
    routes = np.full((4, 7), 50.0, dtype=np.float32)
    out, into = Membership(np.array([0, 0, 1, 1]), ("a", "b")), Membership(np.array([0, 1, 0, 1]), ("x", "y"))
    out_sums = np.vstack([np.full(60, 50.0), np.full(60, 150.0)]).astype(np.float32)
    into_sums = np.full((2, 60), 100.0, dtype=np.float32)
    network = np.full((1, 60), 200.0, dtype=np.float32)
    reconciled = reconcile_with_hubs(routes, HubSums(out, into, out_sums, into_sums, network))
    np.testing.assert_allclose(reconciled.sum(axis=0), 200.0, rtol=1e-4)
    sums = aggregate(reconciled, out)
    assert (sums[0] < 80).all()
    assert (sums[1] > 120).all()


def test_routes_without_parcels_stay_without() -> None:
    hub = Membership(np.array([0, 1]), ("a", "b"))
    history = np.zeros((2, 40), dtype=np.float32)
    empty = np.zeros((2, 7), dtype=np.float32)
    assert not reconcile_with_hubs(empty, HubSums.of(history, hub, hub)).any()
