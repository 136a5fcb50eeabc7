"""Combination of the members: weights by volume class and block of leads, learnt in rolling backtests, shrunk to equal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.arrays import Vector
from data.constants import constant
from forecasting.series.volume_classes import CLASS_LABELS

Matrix = NDArray[np.floating]


@dataclass(frozen=True)
class CombinationRules:
    """How errors of inner backtests become weights."""

    lead_ends: tuple[int, ...] = constant(
        (3, 7, 14),
        "days",
        "last lead of each block of leads that has weights of its own; later ones are one more block",
        "judgement",
    )
    sharpness: float = constant(
        10.0, "1", "power of the inverse error in a weight: 0 would be equal weights", "judgement"
    )
    equal_share: float = constant(0.2, "1", "part of the weights that is equal whatever was measured", "judgement")
    mixtures: tuple[float, ...] = constant(
        (0.0, 0.2, 0.4, 0.6, 0.8, 1.0), "1", "shares of the second of two forecasts that are measured", "judgement"
    )
    mixture_sharpness: float = constant(100.0, "1", "power of the inverse error in a mixture's weight", "judgement")
    pseudo_volume: float = constant(
        0.02, "share of all parcels", "by which a cell's error is pulled to the overall one", "judgement"
    )
    largest_correction: float = constant(1.5, "1", "of a day's routes towards a total, up or down", "judgement")


COMBINATION = CombinationRules()


def lead_block(horizon: int) -> NDArray[np.int64]:
    """Return the [horizon] block of each lead."""
    return np.searchsorted(np.array(COMBINATION.lead_ends), np.arange(1, horizon + 1), side="left").astype(np.int64)


@dataclass(frozen=True)
class MemberErrors:
    """Absolute errors of the members, summed by class and block.

    Attributes
    ----------
    names
        Names of the members.
    error
        [classes x blocks x members] weighted absolute errors [parcels]: half of the days', half of the block's sum.
    volume
        [classes x blocks] sum of weighted actual parcels.
    """

    names: tuple[str, ...]
    error: NDArray[np.float64]
    volume: NDArray[np.float64]

    def __add__(self, other: MemberErrors) -> MemberErrors:
        return MemberErrors(self.names, self.error + other.error, self.volume + other.volume)


def measure_members(
    members: Mapping[str, Matrix], actual: Matrix, classes: NDArray[np.int64], day_weight: Vector
) -> MemberErrors:
    """Sum the members' errors of one inner backtest.

    Parameters
    ----------
    members
        Name -> [routes x days] forecast; column 0 is lead 1.
    actual
        [routes x days].
    classes
        [routes] volume class at the cut-off.
    day_weight
        [days] how much a day counts: event days count less.
    """
    blocks = lead_block(actual.shape[1])
    shape = (len(CLASS_LABELS), len(COMBINATION.lead_ends) + 1)
    error = np.zeros((*shape, len(members)))
    volume = np.zeros(shape)
    for block in np.unique(blocks):
        days = np.flatnonzero(blocks == block)
        weight = day_weight[days]
        truth = actual[:, days]
        volume[:, block] += np.bincount(classes, weights=truth @ weight, minlength=shape[0])
        for at, forecast in enumerate(members.values()):
            gap = (forecast[:, days] - truth) * weight
            # Days and the block's sum count alike: medians would win on days alone, and lose the volume of sparse routes.
            absolute_error = (np.abs(gap).sum(axis=1) + np.abs(gap.sum(axis=1))) / 2
            error[:, block, at] += np.bincount(classes, weights=absolute_error, minlength=shape[0])
    return MemberErrors(tuple(members), error, volume)


def choose_weights(
    errors: Sequence[MemberErrors],
    names: Sequence[str],
    sharpness: float = COMBINATION.sharpness,
    equal_share: float = COMBINATION.equal_share,
) -> NDArray[np.float64]:
    """Turn errors into weights.

    ``w ~ (1 - s) * e ** -sharpness / sum + s / members`` where ``e`` is the member's error in the cell, pulled to its error
    over all cells by a pseudo-volume of 2 % of all parcels; ``s = 0.2`` shrinks to equal weights, because differences between
    members in a handful of backtests are mostly noise (Smith and Wallis 2009, "A simple explanation of the forecast
    combination puzzle").

    Returns
    -------
    NDArray[np.float64]
        [classes x blocks x members], summing to 1 over the members. Equal without any errors.
    """
    count = len(names)
    shape = (len(CLASS_LABELS), len(COMBINATION.lead_ends) + 1, count)
    if not errors:
        return np.full(shape, 1.0 / count)
    total = errors[0]
    for more in errors[1:]:
        total = total + more
    volume = total.volume.sum()
    if volume <= 0:
        return np.full(shape, 1.0 / count)
    overall = total.error.sum(axis=(0, 1)) / volume
    pseudo = COMBINATION.pseudo_volume * volume
    rate = (total.error + pseudo * overall) / (total.volume + pseudo)[..., None]
    # A member that never errs would divide by nothing: errors count from a thousandth of the parcels on.
    rate = np.maximum(rate, 1e-3)
    power = (rate / rate.min(axis=-1, keepdims=True)) ** -sharpness
    power /= power.sum(axis=-1, keepdims=True)
    return np.asarray((1 - equal_share) * power + equal_share / count)


def mix(first: Matrix, second: Matrix) -> dict[str, Matrix]:
    """Return the mixtures of two forecasts that :func:`choose_share` chooses among."""
    return {f"{share:.2f}": first + np.float32(share) * (second - first) for share in COMBINATION.mixtures}


def choose_share(errors: Sequence[MemberErrors], handicap: float = 0.0) -> NDArray[np.float64]:
    """Choose how much the second of two forecasts counts, from the errors of their mixtures (:func:`mix`).

    Mixtures are measured themselves, because the better of two forecasts says nothing of what the other adds to it.

    Parameters
    ----------
    errors
        Of the mixtures, one an inner backtest; without any both count alike.
    handicap
        Part [0..1] of the first's weight that goes to the second all the same, where the second was measured below its strength.

    Returns
    -------
    NDArray[np.float64]
        [classes x blocks x 2] weights of the first and the second, summing to 1.
    """
    names = [f"{share:.2f}" for share in COMBINATION.mixtures]
    chosen = choose_weights(errors, names, sharpness=COMBINATION.mixture_sharpness, equal_share=0.0)
    second = chosen @ np.array(COMBINATION.mixtures)
    if errors:
        second += handicap * (1.0 - second)
    return np.stack([1.0 - second, second], axis=-1)


def combine(
    members: Mapping[str, Matrix], weights: NDArray[np.float64], classes: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Take the weighted mean of the members.

    Parameters
    ----------
    members
        Name -> [routes x horizon].
    weights
        From :func:`choose_weights`, members in the order of ``members``.
    classes
        [routes] volume class.
    """
    first = next(iter(members.values()))
    blocks = lead_block(first.shape[1])
    result = np.zeros(first.shape, dtype=np.float32)
    for at, forecast in enumerate(members.values()):
        result += forecast * weights[:, :, at][classes][:, blocks].astype(np.float32)
    return result


def scale_to_total(routes: NDArray[np.float32], total: Vector) -> NDArray[np.float32]:
    """Scale each day so that the routes sum to a total, by half to one and a half at most.

    Parameters
    ----------
    routes
        [routes x days] parcels.
    total
        [days] parcels.
    """
    now = routes.sum(axis=0, dtype=np.float64)
    factor = np.divide(total, now, out=np.ones_like(now), where=now > 0)
    return np.asarray(
        routes * np.clip(factor, 1 / COMBINATION.largest_correction, COMBINATION.largest_correction).astype(np.float32)
    )
