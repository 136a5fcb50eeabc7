from __future__ import annotations

import numpy as np
import pytest

from forecasting.promotions.pooled_effects import Tree, pool_effects

TREE = Tree(np.array([0, 0, 1, 1, 2, 2]), np.array([0, 0, 1]))


def test_two_units_of_one_hub_by_hand() -> None:
    # One hub, one region, everyone alike and very sure: the effect is their own, whatever the tree.
    tree = Tree(np.array([0, 0]), np.array([0]))
    found = pool_effects(np.array([0.3, 0.3]) * 1e6, np.full(2, 1e6), tree, 0.5)
    assert found.mean == pytest.approx([0.3, 0.3], abs=1e-3)
    assert found.variance.max() < 1e-5


def test_a_unit_without_data_takes_after_its_hub_and_is_less_sure() -> None:
    own = np.array([0.6, 0.0, 0.2, 0.2, 0.2, 0.2])
    precision = np.array([4e4, 0.0, 4e4, 4e4, 4e4, 4e4])
    found = pool_effects(own * precision, precision, TREE, 0.5)
    assert found.mean[0] == pytest.approx(0.6, abs=0.02)
    assert 0.3 < found.mean[1] < 0.6
    assert found.variance[1] > 5 * found.variance[0]
    assert found.mean[2:] == pytest.approx(np.full(4, 0.2), abs=0.02)


def test_noise_alone_stays_near_none_and_a_root_known_to_be_none_pulls_there() -> None:
    chance = np.random.default_rng(3)
    tree = Tree(np.repeat(np.arange(30), 4), np.repeat(np.arange(6), 5))
    precision = np.full(120, 1 / 0.05**2)
    noise = chance.normal(0.0, 0.05, 120)
    found = pool_effects(noise * precision, precision, tree, 0.5)
    assert abs(found.network) < 0.02
    assert float(np.sqrt((found.mean**2).mean())) < 0.05
    held = pool_effects((0.3 + noise) * precision, precision, tree, 0.0)
    assert held.network == 0.0
    assert held.mean.mean() < 0.3


def test_nothing_known_is_none_with_the_spread_expected() -> None:
    found = pool_effects(np.zeros(6), np.zeros(6), TREE, 0.5)
    assert found.mean == pytest.approx(np.zeros(6))
    assert (found.variance > 0.25).all()
