"""What promotions of the network, a region or a hub add to what hubs send, learnt from earlier ones and put on the days ahead.

On the days of a promotion the log of what a hub sends is compared with its level on days without any, less what hubs without promotion
do on the same day, so that neither the network's noise nor its events are taken for an effect. The effects of one kind of promotion are
pooled hub below region below network, each by how sure it is: a promotion that did nothing before adds nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Flags, Matrix
from data.constants import constant
from forecasting.history.cleaning import CleanHistory, Promoted, two_sided
from forecasting.promotions.pooled_effects import Tree, pool_effects
from forecasting.promotions.promotion_days import PromotionKind, place_promotions
from forecasting.series.panel import Membership, aggregate, days_from


@dataclass(frozen=True)
class HubPromotionRules:
    """How effects of promotions on hubs are learnt."""

    edition_sd: float = constant(
        0.08, "log", "by which an edition differs from its kind's effect in a hub", "judgement"
    )
    root_sd: float = constant(
        0.3, "log", "standard deviation of a kind's effect on the network before any was seen", "judgement"
    )
    fewest_days: int = constant(28, "days", "without promotion from which a hub's level is known", "judgement")
    fewest_parcels: float = constant(5.0, "parcels/day", "below which a hub tells nothing of an effect", "judgement")
    bystanders: float = constant(
        0.2, "1", "part of the parcels sent by hubs without promotion from which they tell of the day", "judgement"
    )
    rounds: int = constant(3, "rounds", "in which kinds that stand on the same days are told apart", "judgement")
    largest: float = constant(1.5, "log", "of an effect, up or down", "judgement")


RULES = HubPromotionRules()


def free_of_promotions(
    clean: CleanHistory,
    out: Membership,
    regions: dict[str, str | None],
    promotions: pl.DataFrame,
    events: pl.DataFrame,
    dates: NDArray[np.datetime64],
) -> CleanHistory:
    """Learn what promotions add to what hubs send, and free the history of it.

    Parameters
    ----------
    clean
        History without events.
    out
        Hubs of origin.
    regions
        Region of each hub, where it has one.
    promotions, events
        Tables as known on the as-of date; promotions of outlets and merchants say nothing here.
    dates
        [known days].

    Returns
    -------
    CleanHistory
        The same where no promotion of network, region or hub stands on any day.
    """
    if promotions.is_empty():
        return clean
    wide = promotions.filter(pl.col("scope").is_in(["network", "region", "hub"]))
    names = [regions.get(hub) or "" for hub in out.labels]
    units = pl.DataFrame(
        {"outlet_id": [""] * out.groups, "hub_id": list(out.labels), "region_id": names},
        schema=dict.fromkeys(("outlet_id", "hub_id", "region_id"), pl.String),
    )
    span = days_from(dates[0], clean.touched.size)
    kinds = place_promotions(wide, events, units, span)
    if not kinds:
        return clean
    factor = np.exp(learn_promotions(clean, out, names, kinds))
    parcels = np.divide(clean.parcels, factor[out.index, : clean.known], dtype=np.float32)
    return replace(clean, parcels=parcels, promoted=Promoted(factor, out.index))


def learn_promotions(
    clean: CleanHistory, out: Membership, regions: list[str], kinds: tuple[PromotionKind, ...]
) -> Matrix:
    """Return the [hubs x (known days + horizon)] log effect of all promotions on what hubs send.

    Parameters
    ----------
    clean
        History without events.
    out
        Hubs of origin.
    regions
        [hubs] region of each hub.
    kinds
        Promotions laid out over hubs and the known days and those ahead.
    """
    known = clean.known
    sent = aggregate(clean.parcels, out).astype(np.float64)
    on_any = np.any([kind.on for kind in kinds], axis=0)
    usable = np.broadcast_to(~clean.filled, sent.shape) & (sent > 0)
    rest, noise = _rest(sent, usable & ~on_any[:, :known], on_any[:, :known])
    measured = usable & (noise > 0)[:, None] & (sent.mean(axis=1) >= RULES.fewest_parcels)[:, None]
    _, region = np.unique(regions, return_inverse=True)
    tree = Tree(np.arange(out.groups), region.astype(np.int64))
    effects = [np.zeros(out.groups) for _ in kinds]
    for _ in range(RULES.rounds):
        for at, kind in enumerate(kinds):
            others = sum(
                (effects[other][:, None] * kinds[other].on[:, :known] for other in range(len(kinds)) if other != at),
                np.zeros_like(sent),
            )
            effects[at] = _pooled(np.where(measured, rest - others, 0.0), kind.on[:, :known] & measured, noise, tree)
    effect = sum(
        (own[:, None] * kind.on for own, kind in zip(effects, kinds, strict=True)), np.zeros(kinds[0].on.shape)
    )
    return np.asarray(np.clip(effect, -RULES.largest, RULES.largest))


def _pooled(rest: Matrix, on: Flags, noise: Matrix, tree: Tree) -> Matrix:
    """Pool the mean of what days of a kind leave over hubs, regions and the network; what is no larger than its noise is none.

    An effect b with variance v counts ``b max(0, 1 - v / b^2)`` (James and Stein 1961, positive part).
    """
    days = on.sum(axis=1).astype(np.float64)
    editions = (on & ~np.hstack([np.zeros((on.shape[0], 1), dtype=bool), on[:, :-1]])).sum(axis=1)
    mean = np.divide((rest * on).sum(axis=1), days, out=np.zeros_like(days), where=days > 0)
    variance = np.divide(noise**2, days, out=np.ones_like(days), where=days > 0)
    variance += np.divide(RULES.edition_sd**2, editions, out=np.ones_like(days), where=editions > 0)
    precision = np.where(days > 0, 1.0 / variance, 0.0)
    pooled = pool_effects(mean * precision, precision, tree, RULES.root_sd)
    square = pooled.mean**2
    shrinkage = np.divide(square - pooled.variance, square, out=np.zeros_like(square), where=square > pooled.variance)
    return pooled.mean * shrinkage


def _rest(sent: Matrix, plain: Flags, on: Flags) -> tuple[Matrix, Matrix]:
    """Return what is left of the log over level, weekday and what hubs without promotion do, and each hub's noise [log].

    Noise is 0 for hubs without a level.
    """
    log = np.log(np.maximum(sent, 0.5))
    weight = plain.astype(np.float64)
    floor = 1e-9
    week = np.zeros((sent.shape[0], 7))
    weekday = np.arange(sent.shape[1]) % 7
    share = sent.mean(axis=1) / max(float(sent.mean(axis=1).sum()), 1e-9)
    bystander = ~on * share[:, None]
    measured = bystander.sum(axis=0) >= RULES.bystanders
    moved = np.zeros(sent.shape[1])
    level = log
    for _ in range(RULES.rounds):
        wanted = log - week[:, weekday] - moved
        level = (two_sided((weight * wanted + floor * wanted).T) / two_sided((weight + floor).T)).T
        left = log - level
        for day in range(7):
            mine = weekday == day
            mass = weight[:, mine].sum(axis=1)
            week[:, day] = (weight[:, mine] * (left[:, mine] - moved[mine])).sum(axis=1) / (mass + 1.0)
        week -= week.mean(axis=1, keepdims=True)
        seen = (bystander * np.where(plain, left - week[:, weekday], 0.0)).sum(axis=0)
        moved = np.where(measured, seen / np.maximum((bystander * plain).sum(axis=0), 1e-9), 0.0)
    rest = log - level - week[:, weekday] - moved
    mass = weight.sum(axis=1)
    square = np.divide((weight * rest**2).sum(axis=1), mass, out=np.zeros_like(mass), where=mass > 0)
    return rest, np.where(mass >= RULES.fewest_days, np.sqrt(np.maximum(square, 1e-6)), 0.0)
