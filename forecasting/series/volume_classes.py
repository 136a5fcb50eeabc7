"""Classes of series by volume: errors of a trunk route say nothing of a trickle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CLASS_EDGES = (1.0, 10.0, 100.0, 1_000.0, 10_000.0)
"""Bounds of the classes [parcels/day]; a series on a bound belongs to the larger class."""

CLASS_LABELS = ("0-1", "1-10", "10-100", "100-1k", "1k-10k", "10k+")
"""Names of the classes, smallest first."""


def volume_class(volume: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return the class of each series.

    Parameters
    ----------
    volume
        [series] recent mean [parcels/day].

    Returns
    -------
    NDArray[np.int64]
        [series] position in :data:`CLASS_LABELS`.
    """
    return np.searchsorted(np.array(CLASS_EDGES), np.asarray(volume, dtype=np.float64), side="right").astype(np.int64)
