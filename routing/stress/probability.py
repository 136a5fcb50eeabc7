"""Probabilities from stratified draws, with intervals that never claim certainty.

Of n draws in K equally likely strata the share p of hits has the variance ``sum p_k (1 - p_k) / n_k / K^2``. It is turned into the
number of independent draws with the same variance, ``n_e = p (1 - p) / variance``, not below n, and Wilson's interval (Wilson 1927)
of p and n_e is given; with no hit at all n_e = n, so that 0 of n reads as below 3.84 / (n + 3.84). A stratum's p_k is smoothed over
its neighbours, 1 : 2 : 1, since a stratum without a hit beside one with many is not certain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.strata import lay_strata

Z_95 = 1.959963984540054  # published: two-sided 95 % of the normal distribution
_SURE = 0.95


@dataclass(frozen=True)
class Probability:
    """A probability and its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2

    def tell(self) -> str:
        """Say it in words that never claim 0 %.

        Examples
        --------
        >>> Probability(0.0, 0.0, 0.0038).tell()
        'below 0.38 %'
        >>> Probability(0.093, 0.08, 0.11).tell()
        '9.3 % (8 to 11 %)'
        """
        if self.value == 0:
            return self.tell_value()
        return f"{self.tell_value()} ({100 * self.low:.2g} to {100 * self.high:.3g} %)"

    def tell_value(self) -> str:
        """Say it without its interval."""
        return f"below {100 * self.high:.2g} %" if self.value == 0 else f"{100 * self.value:.3g} %"


def estimate(hits: NDArray[np.bool_], strata: int) -> Probability:
    """Estimate a probability.

    Parameters
    ----------
    hits
        [draws] whether it happened; they lie in strata as :func:`data.strata.lay_strata` says.
    strata
        Equally likely strata; 1 for independent draws.
    """
    draws = hits.size
    if draws == 0:
        return Probability(0.0, 0.0, 1.0)
    share = float(hits.mean())
    effective = float(draws)
    if strata > 1 and draws >= 2 * strata and 0 < share < 1:
        place, of = lay_strata(draws, strata)
        stratum = (2 * place + 1) * strata // (2 * of)
        size = np.bincount(stratum, minlength=strata)
        part = np.bincount(stratum, weights=hits, minlength=strata) / size
        padded = np.r_[part[0], part, part[-1]]
        smooth = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
        variance = float((smooth * (1 - smooth) / size).sum()) / strata**2
        if variance > 0:
            effective = max(effective, share * (1 - share) / variance)
    return _wilson(share, effective)


def is_no_likelier(after: NDArray[np.bool_], before: NDArray[np.bool_]) -> bool:
    """Say whether something is no likelier after than before, within the error of the draws.

    Both are of the same draws, so that those hit in one case alone decide: were both as likely, each of them would be hit after or before with even
    chances (sign test, McNemar 1947), and more of them after than 97.5 % of such throws give say that it is likelier.

    Parameters
    ----------
    after, before
        [draws] whether it happened.

    Examples
    --------
    >>> calm = np.zeros(25, dtype=bool)
    >>> [is_no_likelier(np.arange(25) < hits, calm) for hits in (0, 5, 6)]
    [True, True, False]
    """
    from scipy.special import bdtrc

    worse, better = int((after & ~before).sum()), int((before & ~after).sum())
    return worse <= better or float(bdtrc(worse - 1, worse + better, 0.5)) > (1.0 - _SURE) / 2.0


def _wilson(share: float, draws: float) -> Probability:
    square = Z_95**2
    middle = (share + square / (2 * draws)) / (1 + square / draws)
    reach = Z_95 / (1 + square / draws) * np.sqrt(share * (1 - share) / draws + square / (4 * draws**2))
    low = 0.0 if share == 0 else max(middle - reach, 0.0)
    high = 1.0 if share == 1 else min(middle + reach, 1.0)
    return Probability(share, float(low), float(high))
