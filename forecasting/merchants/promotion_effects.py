"""What a venue, a discount and a merchant's own promotion sell over the profile of its hub, learnt from all merchants' past ones.

    log(units in the event / what the hub sent / the item's part before) = c + venue + b x discount + noise

c is what merchants' goods gain on an event over all of their hub's parcels. A ridge with the prior spreads of ``EffectRules``,
and Huber's weights against the odd merchant. What a merchant's own promotion does beside the usual one is pooled item < merchant < all.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.constants import constant
from forecasting.merchants.demand_profile import DemandProfile
from forecasting.merchants.levels import ITEM, measure_parts
from forecasting.promotions.pooled_effects import Tree, pool_effects

VENUES = ("none", "branch", "main")
_COLUMNS = ("event", "branch", "main", "own")


@dataclass(frozen=True)
class EffectRules:
    """Priors and guards of the effects."""

    event_sd: float = constant(0.1, "log", "prior spread of merchants' gain over their hub's parcels", "judgement")
    venue_sd: float = constant(0.3, "log", "prior spread of a venue's and an own promotion's effect", "judgement")
    discount_sd: float = constant(1.0, "log", "prior spread of the effect of a discount of 1", "judgement")
    noise_sd: float = constant(0.15, "log", "of an item in an event before it is measured", "judgement")
    least_noise: float = constant(0.05, "log", "of an item in an event", "judgement")
    few_units: float = constant(30.0, "units", "sold in an event below which an item teaches nothing", "judgement")
    apart: int = constant(8, "days", "between the weeks that give the part before and the event", "judgement")
    huber: float = constant(2.0, "1", "deviations beyond which an item counts less", "judgement")
    most_promoted: float = constant(
        0.5, "1", "of a hub that promoted items are, above which the hub says nothing without them", "judgement"
    )
    pseudo_editions: float = constant(
        2.0, "editions", "of own promotions that the noise of all items counts for", "judgement"
    )
    most_log: float = constant(1.5, "log", "effect of promotion and discount together, at most", "judgement")


EFFECTS = EffectRules()


@dataclass(frozen=True)
class PromotionEffects:
    """Effects on the log of an item's units.

    Attributes
    ----------
    event
        On the days of a shopping event whatever the venue.
    branch, main
        More at those venues.
    own
        On the days of a merchant's promotion outside events.
    discount
        Of a discount of 1.
    noise
        What an item lies beside all this [log].
    own_of_item
        merchant_id, category, beside: what an item's own promotions do beside ``own`` [log]; items that had none have no row.
    """

    event: float
    branch: float
    main: float
    own: float
    discount: float
    noise: float
    own_of_item: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema={**dict.fromkeys(ITEM, pl.String), "beside": pl.Float64})
    )


def lay_out(promotions: pl.DataFrame, events: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """Lay merchants' promotions out: one row an item and span of days, the best venue and the largest discount of each.

    Parameters
    ----------
    promotions, events
        Tables of that name.
    items
        merchant_id, category.

    Returns
    -------
    polars.DataFrame
        merchant_id, category, event_id (empty for a promotion of its own), date_from, date_to, venue, discount.
    """
    days = events.select("event_id", begin="date_from", end="date_to")
    rows = (
        promotions.filter(pl.col("scope") == "merchant")
        .join(days, on="event_id", how="left")
        .with_columns(date_from=pl.coalesce("date_from", "begin"), date_to=pl.coalesce("date_to", "end"))
        .filter(pl.col("date_from").is_not_null() & pl.col("date_to").is_not_null())
        .with_columns(
            rank=pl.col("venue").fill_null("none").replace_strict(VENUES, [0, 1, 2], return_dtype=pl.Int64),
            discount=pl.col("discount").cast(pl.Float64).fill_null(0.0),
        )
    )
    named = rows.filter(pl.col("category").is_not_null()).join(items.select(ITEM), on=ITEM)
    wide = rows.filter(pl.col("category").is_null()).drop("category").join(items.select(ITEM), on="merchant_id")
    both = pl.concat([named, wide.select(named.columns)])
    return (
        both.group_by(*ITEM, "event_id", "date_from", "date_to")
        .agg(pl.col("rank").max(), pl.col("discount").max())
        .with_columns(venue=pl.col("rank").replace_strict([0, 1, 2], VENUES, return_dtype=pl.String))
        .drop("rank")
        .sort(*ITEM, "date_from", "date_to")
    )


def learn_effects(
    sales: pl.DataFrame,
    profile: DemandProfile,
    follows: pl.DataFrame,
    events: pl.DataFrame,
    promotions: pl.DataFrame,
    as_of: dt.date,
) -> PromotionEffects:
    """Learn the effects from the events and promotions that are past.

    Parameters
    ----------
    sales, profile, follows
        What was sold, and against what it is measured.
    events
        Table of that name.
    promotions
        Rows of :func:`lay_out`.
    as_of
        Last day known.
    """
    first = sales["date"].min()
    shopping = events.filter((pl.col("kind") == "shopping") & (pl.col("date_to") <= as_of))
    spans = [(row["event_id"], row["date_from"], row["date_to"]) for row in shopping.iter_rows(named=True)]
    own = promotions.filter(pl.col("event_id").is_null() & (pl.col("date_to") <= as_of))
    spans += [
        (None, *days) for days in own.select("date_from", "date_to").unique().sort("date_from", "date_to").iter_rows()
    ]
    frames = [
        _measure(sales, profile, follows, promotions, span)
        for span in spans
        if isinstance(first, dt.date) and span[1] - dt.timedelta(days=EFFECTS.apart + 7) >= first
    ]
    frames = [frame for frame in frames if frame.height]
    if not frames:
        return PromotionEffects(0.0, 0.0, 0.0, 0.0, 0.0, EFFECTS.noise_sd)
    rows = pl.concat(frames)
    design = rows.select(*_COLUMNS, "discount").to_numpy()
    found, noise = _fit(design, rows["y"].to_numpy(), rows["units"].to_numpy())
    event, branch, main, alone, cut = (float(value) for value in found)
    left = rows.with_columns(left=pl.Series(rows["y"].to_numpy() - design @ found)).filter(pl.col("own") > 0)
    return PromotionEffects(event, branch, main, alone, cut, noise, _pool_items(left, noise))


def _pool_items(rows: pl.DataFrame, noise: float) -> pl.DataFrame:
    """Pool what items' own promotions left over item < merchant < all; what is no larger than its noise is none (James and Stein)."""
    # Editions of one item differ by less than items do: the noise of all counts as much as two editions.
    apart = rows.select((pl.col("left") - pl.col("left").mean().over(ITEM)) ** 2).sum().item()
    freedom = rows.height - rows.select(ITEM).n_unique()
    within = (apart + EFFECTS.pseudo_editions * noise**2) / (freedom + EFFECTS.pseudo_editions)
    per_item = (
        rows.with_columns(precision=1.0 / (within + 1.0 / pl.col("units")))
        .group_by(ITEM)
        .agg(sums=(pl.col("left") * pl.col("precision")).sum(), precision=pl.col("precision").sum())
        .sort(ITEM)
    )
    if per_item.is_empty():
        return per_item.select(*ITEM, beside=pl.lit(0.0))
    merchants, merchant = np.unique(per_item["merchant_id"].to_numpy().astype(str), return_inverse=True)
    tree = Tree(merchant.astype(np.int64), np.zeros(merchants.size, dtype=np.int64))
    pooled = pool_effects(per_item["sums"].to_numpy(), per_item["precision"].to_numpy(), tree, root_spread=0.0)
    sure = 1.0 - pooled.variance / np.maximum(pooled.mean**2, 1e-12)
    return per_item.select(ITEM).with_columns(beside=pl.Series(pooled.mean * np.maximum(sure, 0.0)))


def _measure(
    sales: pl.DataFrame,
    profile: DemandProfile,
    follows: pl.DataFrame,
    promotions: pl.DataFrame,
    span: tuple[str | None, dt.date, dt.date],
) -> pl.DataFrame:
    """Measure every item in one event: y, units and its row of the design."""
    event, first, last = span
    parts = measure_parts(sales, profile, follows, first - dt.timedelta(days=EFFECTS.apart))
    on = pl.col("date").is_between(first, last)
    units = (
        sales.filter(on)
        .group_by(ITEM)
        .agg(sold=pl.col("units").sum().cast(pl.Float64), handed=pl.col(profile.unit).sum().cast(pl.Float64))
    )
    sent = profile.past.filter(on).group_by(follows="hub_id").agg(pl.col("sent").sum())
    same = pl.col("event_id").is_null() if event is None else pl.col("event_id") == event
    held = promotions.filter(same & (pl.col("date_from") == first) & (pl.col("date_to") == last))
    if event is None:
        promoted = parts.join(units, on=ITEM).join(held.select(ITEM).unique(), on=ITEM)
        sent = _leave_out_promoted(sent, promoted)
    kind = pl.col("venue").fill_null("none")
    in_event = pl.lit(float(event is not None))
    rows = (
        parts.join(units, on=ITEM)
        .join(sent, on="follows")
        .join(held.select(*ITEM, "venue", "discount"), on=ITEM, how="left" if event is not None else "inner")
        .with_columns(y=(pl.col("sold") / pl.col("sent") / pl.col("part")).log())
        .filter((pl.col("sold") >= EFFECTS.few_units) & pl.col("y").is_finite())
        .sort(*ITEM, "venue", "discount")  # joins give rows in any order, and sums of floats depend on it
    )
    return rows.select(
        *ITEM,
        "y",
        units="sold",
        event=in_event,
        branch=(kind == "branch").cast(pl.Float64) * in_event,
        main=(kind == "main").cast(pl.Float64) * in_event,
        own=1.0 - in_event,
        discount=pl.col("discount").fill_null(0.0),
    )


def _leave_out_promoted(sent: pl.DataFrame, promoted: pl.DataFrame) -> pl.DataFrame:
    """Say what hubs would have sent without the promotions of their own merchants, who lift what they are measured against.

    ``(sent - handed) / (1 - part)`` with ``handed`` what the promoted items gave the hub and ``part`` what they give it otherwise; where
    they are half of the hub and more, or nobody knows how much they gave it, what was sent stands.
    """
    usual = (pl.col("part") * pl.col("handed") / pl.col("sold")).sum()
    sums = promoted.sort(ITEM).group_by("follows", maintain_order=True).agg(pl.col("handed").sum(), usual=usual)
    plain = (pl.col("sent") - pl.col("handed")) / (1.0 - pl.col("usual"))
    known = (pl.col("usual") < EFFECTS.most_promoted) & (plain > 0)
    both = sent.join(sums, on="follows", how="left")
    return both.select("follows", sent=pl.when(known.fill_null(value=False)).then(plain).otherwise("sent"))


def _fit(
    design: NDArray[np.float64], y: NDArray[np.float64], units: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Ridge with Huber's weights; gives the effects and the noise of an item."""
    prior = np.array([EFFECTS.event_sd, *[EFFECTS.venue_sd] * 3, EFFECTS.discount_sd])
    noise, weight = EFFECTS.noise_sd, np.ones(len(y))
    found: NDArray[np.float64] = np.zeros(design.shape[1])
    for _ in range(5):
        precision = weight / (noise**2 + 1.0 / units)
        normal = design.T @ (precision[:, None] * design) + np.diag(prior**-2)
        found = np.asarray(np.linalg.solve(normal, design.T @ (precision * y)), dtype=np.float64)
        apart = np.abs(y - design @ found)
        noise = max(float(np.median(apart)) * 1.4826, EFFECTS.least_noise)
        weight = np.minimum(1.0, EFFECTS.huber * noise / np.maximum(apart, 1e-12))
    return found, noise


def factors_ahead(
    effects: PromotionEffects, promotions: pl.DataFrame, events: pl.DataFrame, items: pl.DataFrame, days: pl.Series
) -> pl.DataFrame:
    """Give the factors of each item and day ahead on which something stands.

    Returns
    -------
    polars.DataFrame
        merchant_id, category, date, gain (merchants' goods over their hub on an event), promotion (venue, or the item's own promotion),
        price (discount).
    """
    grid = items.select(ITEM).join(days.to_frame("date"), how="cross")
    shopping = events.filter(pl.col("kind") == "shopping").select(begin="date_from", end="date_to")
    inside = (
        days.to_frame("date")
        .join_where(shopping, pl.col("date") >= pl.col("begin"), pl.col("date") <= pl.col("end"))
        .select("date")
        .unique()
        .with_columns(gain=pl.lit(float(np.exp(effects.event))))
    )
    venue = {"none": 0.0, "branch": effects.branch, "main": effects.main}
    logs = pl.when(pl.col("event_id").is_null()).then(effects.own + pl.col("beside").fill_null(0.0))
    spread = (
        promotions.join(effects.own_of_item, on=ITEM, how="left", maintain_order="left")
        .with_columns(
            place=logs.otherwise(pl.col("venue").replace_strict(venue, return_dtype=pl.Float64)),
            cut=pl.col("discount") * effects.discount,
        )
        .rename({"merchant_id": "m", "category": "c"})
    )
    held = (
        grid.join_where(
            spread.select("m", "c", "date_from", "date_to", "place", "cut"),
            pl.col("merchant_id") == pl.col("m"),
            pl.col("category") == pl.col("c"),
            pl.col("date") >= pl.col("date_from"),
            pl.col("date") <= pl.col("date_to"),
        )
        .group_by(*ITEM, "date")
        .agg(pl.col("place", "cut").max())
    )
    most = EFFECTS.most_log
    return (
        grid.join(inside, on="date", how="left")
        .join(held, on=[*ITEM, "date"], how="left")
        .with_columns(
            pl.col("gain").fill_null(1.0),
            promotion=pl.col("place").fill_null(0.0).clip(-most, most).exp(),
            price=pl.col("cut").fill_null(0.0).clip(-most, most).exp(),
        )
        .select(*ITEM, "date", "gain", "promotion", "price")
    )
