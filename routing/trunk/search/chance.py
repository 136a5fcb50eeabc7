"""Chance inside compiled loops, from a seed."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

Seeds = npt.NDArray[np.uint64]


@numba.njit(cache=True, inline="always")
def draw(state: Seeds) -> float:
    """Uniform number in [0, 1) (xorshift64, Marsaglia 2003); ``state`` (1,) uint64 moves on."""
    x = state[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    state[0] = x
    return float((x >> np.uint64(11)) * (1.0 / 9007199254740992.0))
