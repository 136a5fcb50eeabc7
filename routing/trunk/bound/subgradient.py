"""The climb to the best prices of the relaxation: a deflected subgradient whose steps suit each row.

    d <- deflection x slope + (1 - deflection) x d          (Camerini, Fratta, Maffioli, Mathematical Programming Study 3, 1975)
    m <- memory x m + (1 - memory) x slope^2
    price <- price + scale x (aim - bound) x d / sqrt(m) / sum(d^2 / sqrt(m)), at least 0; potentials of either sign

Every limit is measured in shares of itself. Rows whose slopes are small beside others, as those of hubs are where fleets and
trains bind too, would stand still under one common length: hence the root of the mean square (the scaling of Duchi, Hazan,
Singer, Journal of Machine Learning Research 12, 2011, with a memory). Where the bound has not risen for some steps, the
climb returns to the best prices and shortens its steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from data.arrays import Flags
from data.constants import constant
from data.progress import SILENT, Progress
from routing.budget import Deadline
from routing.trunk.bound.lagrangian import (
    BoundCertificate,
    LagrangianDual,
    Prices,
    Relaxation,
    list_prices,
    zero_prices,
)
from routing.trunk.task.network import Floats, Ints, TrunkNetwork

_SAMPLES = 16
_STILL = 1e-18  # of shares squared: every limit is kept, or met, to a thousand-millionth: the prices are best


@dataclass(frozen=True)
class AscentRules:
    """Constants of the climb."""

    deflection: float = constant(0.35, "1", "weight of the newest slope in the direction", "judgement")
    memory: float = constant(
        0.9,
        "1",
        "share kept of the mean square of a row's slopes, a step",
        "fitted: bound after 400 steps; the sample's peak week by days and by sorts, a made network of 60 hubs",
    )
    least: float = constant(0.02, "1", "of the root mean square over all rows, added to a row's own", "judgement")
    aim: float = constant(0.03, "1", "of the best bound, above it: what the steps aim at", "fitted: as memory")
    patience: int = constant(
        12, "steps", "without a better bound until the climb goes back to the best prices", "judgement"
    )
    shorter: float = constant(0.6, "1", "factor on the scale of the steps then", "judgement")


ASCENT = AscentRules()


def relax_network(
    network: TrunkNetwork,
    *,
    steps: int,
    seed: int,
    deadline: Deadline,
    start: Prices | None = None,
    progress: Progress = SILENT,
) -> Relaxation:
    """Climb to the best lower bound in at most ``steps`` steps.

    Parameters
    ----------
    steps
        Number of subgradient steps.
    start
        Prices to start from.
    """
    dual, ascent = LagrangianDual(network), _Ascent(start or zero_prices(network))
    generator = np.random.default_rng([seed, 101])
    kept = np.sort(
        generator.choice(np.arange(steps // 2, steps), size=min(_SAMPLES, steps - steps // 2), replace=False)
    )
    samples: list[Ints] = []
    mean = [np.zeros(network.arcs), np.zeros(network.nodes)]
    for step in range(steps):
        bound = dual.evaluate(ascent.prices)
        if step in kept:
            samples.append(dual.labels.choice.copy())
        # of the late steps, or of those there are
        weight = 1.0 / max(step - steps // 2 + 1, 1)
        mean = [m + weight * (load - m) for m, load in zip(mean, dual.loads[:2], strict=True)]
        if ascent.note(bound):
            bound = dual.evaluate(ascent.prices)
        ascent.move(dual, bound)
        progress.step(step + 1, steps, "bound")
        if 2 <= step < steps - 1 and deadline.over():
            break
    return Relaxation(
        bound=ascent.best,
        prices=ascent.best_prices,
        arc_load=mean[0],
        sort_load=mean[1],
        samples=samples or [dual.labels.choice.copy()],
        certificate=BoundCertificate(ascent.best, ascent.best_prices),
    )


class _Ascent:
    """Where the climb stands: prices, the best so far, direction, mean squares of the slopes, and the length of its steps."""

    def __init__(self, prices: Prices) -> None:
        self.prices = self.best_prices = prices
        self.best = -np.inf
        self._scale, self._stalled = 1.0, 0
        self._direction: list[Floats] = []
        self._square: list[Floats] = []
        self._rows: list[_Row] = []

    def note(self, bound: float) -> bool:
        """Take note of the bound at the prices; whether the climb went back to the best prices."""
        if not np.isfinite(self.best) or bound > self.best + 1e-9 * abs(self.best):
            self.best, self.best_prices, self._stalled = bound, self.prices, 0
            return False
        self._stalled += 1
        if self._stalled < ASCENT.patience:
            return False
        self._scale, self._stalled = self._scale * ASCENT.shorter, 0
        self.prices = self.best_prices
        return True

    def move(self, dual: LagrangianDual, bound: float) -> None:
        """Go one step from the prices evaluated last, whose bound is given."""
        prices = list_prices(self.prices)
        self._rows = self._rows or _list_rows(dual)  # the same at every step
        slopes = _measure_slopes(dual, prices, self._rows)
        if self._direction:
            new, kept = ASCENT.deflection, 1.0 - ASCENT.deflection
            self._direction = [new * s + kept * d for s, d in zip(slopes, self._direction, strict=True)]
            kept = ASCENT.memory
            self._square = [kept * m + (1.0 - kept) * s * s for s, m in zip(slopes, self._square, strict=True)]
        else:
            self._direction, self._square = slopes, [s * s for s in slopes]
        moving = sum(int((m > 0).sum()) for m in self._square)
        if not moving:
            return
        usual = float(np.sqrt(sum(float(m.sum()) for m in self._square) / moving))
        directions = [
            d / (np.sqrt(m) + ASCENT.least * usual) for d, m in zip(self._direction, self._square, strict=True)
        ]
        norm = sum(float((d * w).sum()) for d, w in zip(self._direction, directions, strict=True))
        if norm <= _STILL:
            return
        aim = self.best + ASCENT.aim * abs(self.best) + 1e-6
        step = self._scale * max(aim - bound, 1e-9) / norm
        moved = [p + step * w / row.size for p, w, row in zip(prices, directions, self._rows, strict=True)]
        sort, buffer, fleet, lane, vehicle = (np.maximum(0.0, p) for p in moved[:-1])
        self.prices = Prices(sort, buffer, fleet, lane, vehicle, potential=moved[-1])


class _Row(NamedTuple):
    """Limits of one kind: which there are, their values (0 without one), and the sizes that make a share one unit."""

    bounded: Flags
    limit: Floats
    size: Floats


def _list_rows(dual: LagrangianDual) -> list[_Row]:
    """List the limits in the order of the prices."""
    network, limits = dual.network, dual.limits()
    fleet = np.where(np.isfinite(network.type_fleet), network.type_fleet, 1.0)
    sizes = [np.where(np.isfinite(limit), np.maximum(limit, 1.0), 1.0) for limit in limits[:-1]]
    sizes.append(np.maximum(fleet, 1.0)[:, None] * np.ones((1, network.hubs)))
    bounded = [np.isfinite(limit) for limit in limits]
    return [_Row(b, np.where(b, limit, 0.0), size) for b, limit, size in zip(bounded, limits, sizes, strict=True)]


def _measure_slopes(dual: LagrangianDual, prices: list[Floats], rows: list[_Row]) -> list[Floats]:
    """Slopes of the bound in shares of the limits; 0 without a limit."""
    slopes = []
    for place, (price, row, use) in enumerate(zip(prices, rows, dual.uses(), strict=True)):
        slope = np.where(row.bounded, (use - row.limit) / row.size, 0.0)
        if place < len(prices) - 1:
            # a limit that is neither priced nor exceeded does not bind
            slope = np.where((price <= 0) & (slope < 0), 0.0, slope)
        slopes.append(slope)
    return slopes
