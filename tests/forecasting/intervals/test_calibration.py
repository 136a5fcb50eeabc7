from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import nbinom

from forecasting.intervals.calibration import _GRID, dispersion_fits


@pytest.mark.parametrize("units", [None, (0.5, 2.0)])
def test_fits_of_the_grid_differ_as_the_likelihood_does(units: tuple[float, float] | None) -> None:
    random = np.random.default_rng(1)
    mean = np.exp(random.normal(1.0, 1.5, 60))
    actual = random.poisson(mean * random.gamma(1.5, 1 / 1.5, 60)).astype(np.float64)
    unit = None if units is None else random.choice(units, 60)
    fits = dispersion_fits(actual, mean, unit)
    alpha = _GRID[:, None] * (1.0 if unit is None else unit)
    expected = nbinom.logpmf(actual, 1 / alpha, 1 / (1 + alpha * mean)).sum(axis=1)
    np.testing.assert_allclose(fits - fits[0], expected - expected[0], atol=1e-6)
