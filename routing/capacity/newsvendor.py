"""How many vehicles to commit when the need of each day is uncertain: the newsvendor with a scarce second source.

Committed vehicles q serve every day of a period. On a day that needs D of them

- q - D stand idle, each at ``idle`` (what is paid for a vehicle that does not run);
- of the D - q missing, up to S are hired on the day, each at ``premium`` (the price of the day less the contract price);
- what is missing beyond S does not run: its parcels come later, at ``late``.

The cost over the days is convex in q (``late >= premium``), so its least value lies where D or D - S can lie. With one day and
enough to hire the answer is the quantile of D at

    premium / (premium + idle)

(Arrow, Harris, Marschak, Optimal inventory policy, Econometrica 19, 1951); with several days it is that quantile of their mixture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.arrays import Floats


@dataclass(frozen=True, slots=True)
class Prices:
    """Costs of one vehicle on one day [CNY].

    Attributes
    ----------
    premium
        Hired on the day, above what a committed one costs.
    idle
        Committed, and not running.
    late
        Neither committed nor to be hired: its parcels come later; at least ``premium``.
    supply
        Vehicles that can be hired on one day.
    """

    premium: float
    idle: float
    late: float = np.inf
    supply: float = np.inf

    def __post_init__(self) -> None:
        """Refuse what has no least cost."""
        if min(self.premium, self.idle, self.supply) < 0 or self.late < self.premium:
            raise ValueError(f"costs and supply of 0 or more, late at least the premium: {self}")

    @property
    def critical_ratio(self) -> float:
        """Probability of having enough that is worth its cost where hiring is not scarce."""
        total = self.premium + self.idle
        return self.premium / total if total > 0 else 1.0


def expect_costs(committed: Floats, needs: Floats, prices: Prices) -> tuple[Floats, Floats]:
    """Return what too few and too many cost over the days, on average.

    Parameters
    ----------
    committed : (C,) [vehicles]
    needs : (days, samples) [vehicles]
        Samples of each day's need that are as likely as each other.
    prices
        Of one vehicle on one day.

    Returns
    -------
    too_few, too_many : (C,) [CNY]
        Summed over the days.
    """
    gap = needs[None, :, :] - committed[:, None, None]
    missing = np.maximum(gap, 0.0)
    hired = np.minimum(missing, prices.supply)
    beyond = missing - hired
    few = prices.premium * hired + (
        prices.late * beyond if np.isfinite(prices.late) else np.where(beyond > 0, np.inf, 0.0)
    )
    many = prices.idle * np.maximum(-gap, 0.0)
    return few.mean(axis=2).sum(axis=1), many.mean(axis=2).sum(axis=1)


def commit_vehicles(needs: Floats, prices: Prices) -> int:
    """Return the whole number of vehicles to commit at least expected cost; of several the least.

    Parameters
    ----------
    needs : (days, samples) [vehicles]
    prices
        Of one vehicle on one day.
    """
    low, high = 0, int(np.ceil(needs.max(initial=0.0)))
    # convex in the number: halve on the sign of the next vehicle's cost
    while low < high:
        middle = (low + high) // 2
        few, many = expect_costs(np.array([middle, middle + 1], dtype=np.float64), needs, prices)
        if np.isfinite(few[0]) and few[0] + many[0] <= few[1] + many[1] + 1e-9:
            high = middle
        else:
            low = middle + 1
    return low
