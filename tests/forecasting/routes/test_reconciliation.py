from __future__ import annotations

from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import lsq_linear

from data.errors import RadarError
from forecasting.routes import reconciliation
from forecasting.routes.reconciliation import Target, reconcile
from forecasting.series.panel import Membership, aggregate

ONE = Membership(np.zeros(2, dtype=np.int64), ("a",))
TWO = Membership(np.arange(2), ("a", "b"))


def grouped(index: NDArray[np.int64] | NDArray[np.float64], groups: int) -> Membership:
    return Membership(index.astype(np.int64), tuple(str(at) for at in range(groups)))


def test_a_total_to_be_met_is_split_by_variance() -> None:
    base = np.array([[10.0], [30.0]])
    target = Target("network", ONE, np.array([[60.0]]))
    assert reconcile(base, TWO, TWO, [target]).ravel() == pytest.approx([15.0, 45.0], rel=1e-5)
    even = reconcile(base, TWO, TWO, [target], variance=np.ones(2))
    assert even.ravel() == pytest.approx([20.0, 40.0], rel=1e-5)


def test_a_target_with_error_is_met_half_way() -> None:
    # Routes' variance 40, target's variance 40: the sum moves half of the gap of 20.
    base = np.array([[10.0], [30.0]])
    target = Target("network", ONE, np.array([[60.0]]), error=np.sqrt(40.0))
    assert reconcile(base, TWO, TWO, [target]).sum() == pytest.approx(50.0)


def test_no_route_goes_below_zero_and_the_total_is_still_met() -> None:
    base = np.array([[1.0], [30.0]])
    target = Target("network", ONE, np.array([[21.0]]))
    moved = reconcile(base, TWO, TWO, [target], variance=np.ones(2))
    assert moved.ravel() == pytest.approx([0.0, 21.0], abs=1e-4)


def test_routes_without_variance_and_unknown_sums_stay() -> None:
    base = np.array([[5.0], [7.0]])
    sums = np.array([[9.0], [np.nan]])
    moved = reconcile(base, TWO, TWO, [Target("hub_out", TWO, sums)], variance=np.array([0.0, 1.0]))
    assert moved.ravel() == pytest.approx([5.0, 7.0])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), dense=st.booleans())
def test_it_is_the_weighted_least_squares_solution(seed: int, dense: bool) -> None:
    random = np.random.default_rng(seed)
    routes, hubs = 30, 5
    origin, destination = (
        grouped(random.integers(0, hubs, routes), hubs),
        grouped(random.integers(0, hubs, routes), hubs),
    )
    area = random.integers(0, 2, hubs)
    base = random.gamma(2.0, 30.0, (routes, 2))
    targets = []
    for level, member in (
        ("network", grouped(np.zeros(routes), 1)),
        ("region_in", grouped(area[destination.index], 2)),
        ("hub_out", origin),
        ("hub_in", destination),
    ):
        sums = aggregate(base, member) * random.normal(1.0, 0.05, (member.groups, 2))
        targets.append(Target(level, member, sums, error=random.uniform(1.0, 20.0, sums.shape)))  # type: ignore[arg-type]
    rules = replace(reconciliation.SOLVER, dense_sums=10_000 if dense else 0)
    with patch.object(reconciliation, "SOLVER", rules):
        moved = reconcile(base, origin, destination, targets)
    for day in range(2):
        rows, right = [np.diag(base[:, day] ** -0.5)], [base[:, day] ** 0.5]
        for target in targets:
            error = np.broadcast_to(target.error, target.sums.shape)[:, day]
            members = np.zeros((target.membership.groups, routes))
            members[target.membership.index, np.arange(routes)] = 1.0
            present = members.any(axis=1)
            rows.append((members / error[:, None])[present])
            right.append((target.sums[:, day] / error)[present])
        exact = lsq_linear(np.vstack(rows), np.concatenate(right))
        assert moved[:, day] == pytest.approx(np.maximum(exact.x, 0), rel=1e-5, abs=1e-4)


def test_bad_targets_are_named() -> None:
    base = np.ones((2, 1))
    with pytest.raises(RadarError, match="target sums of shape"):
        reconcile(base, TWO, TWO, [Target("network", ONE, np.ones((2, 1)))])
    with pytest.raises(RadarError, match="level route"):
        reconcile(base, TWO, TWO, [Target("route", TWO, np.ones((2, 1)))])
    with pytest.raises(RadarError, match="two groups"):
        reconcile(base, ONE, TWO, [Target("region_out", TWO, np.ones((2, 1)))])
    with pytest.raises(RadarError, match="no numbers"):
        reconcile(base * np.nan, TWO, TWO, [])
