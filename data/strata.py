"""Where draws lie in equally likely strata, so that any number of them is spread evenly."""

from __future__ import annotations

import numpy as np

from data.arrays import Ints


def lay_strata(draws: int, strata: int) -> tuple[Ints, Ints]:
    """Give the stratum of each draw, and of how many it is one.

    Draw n lies in stratum n modulo ``strata``. Those of the last round, where it is not whole, lie in as many strata as there are of them: the first of
    a whole round would leave out the top.

    Parameters
    ----------
    draws
        How many.
    strata
        Of a whole round.

    Examples
    --------
    >>> of_six = lay_strata(6, 4)
    >>> of_six[0].tolist(), of_six[1].tolist()
    ([0, 1, 2, 3, 0, 1], [4, 4, 4, 4, 2, 2])
    """
    whole, rest = divmod(draws, strata)
    return (
        np.r_[np.tile(np.arange(strata), whole), np.arange(rest)],
        np.r_[np.full(whole * strata, strata), np.full(rest, rest)],
    )
