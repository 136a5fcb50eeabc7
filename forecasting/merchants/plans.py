"""What merchants announce, weighed by how right they and others were before.

A plan says a log ratio t over what would be sold without it. It is believed b = slope x psi(t): ``slope`` is regressed on what came of
past plans of the merchant, drawn to what came of all merchants', drawn to what the stated standard deviation makes believable;
``psi`` bends back beyond ``most``, so that a slip of the pen moves little.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from data.constants import constant
from forecasting.merchants.demand_profile import DemandProfile
from forecasting.merchants.levels import ITEM, measure_parts

ALL = "*"


@dataclass(frozen=True)
class PlanRules:
    """How far announcements are believed."""

    own_sd: float = constant(0.5, "log", "a forecast is unsure by where its merchant announces something", "judgement")
    stated_sd: float = constant(0.5, "log", "of a plan that states none", "judgement")
    class_weight: float = constant(0.5, "log squared", "of announcements that the stated sd counts for", "judgement")
    merchant_weight: float = constant(0.1, "log squared", "of announcements that all merchants' count for", "judgement")
    most: float = constant(1.1, "log", "announced beyond which less is believed", "judgement")
    joins: float = constant(0.75, "1", "of the units a joining merchant announces", "judgement")
    leaves: float = constant(0.9, "1", "of the units of a merchant that says it leaves", "judgement")


PLANS = PlanRules()


@dataclass(frozen=True)
class Belief:
    """Slopes of what came on what was announced.

    Attributes
    ----------
    announced, came
        Sums over all past plans of t x t and t x what came of it.
    of_merchant
        The same by merchant.
    """

    announced: float = 0.0
    followed: float = 0.0
    of_merchant: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def slope(self, merchant: str, sd: float) -> float:
        """Say how much of what a merchant announces with a standard deviation is believed."""
        stated = PLANS.own_sd**2 / (PLANS.own_sd**2 + sd**2)
        of_all = (self.followed + stated * PLANS.class_weight) / (self.announced + PLANS.class_weight)
        announced, followed = self.of_merchant.get(merchant, (0.0, 0.0))
        found = (followed + of_all * PLANS.merchant_weight) / (announced + PLANS.merchant_weight)
        return float(np.clip(found, 0.0, 1.0))


def bend(announced: float) -> float:
    """Take what was announced as it is up to ``most``, and less and less beyond."""
    return announced if abs(announced) <= PLANS.most else float(np.sign(announced)) * PLANS.most**2 / abs(announced)


def learn_belief(
    plans: pl.DataFrame, sales: pl.DataFrame, profile: DemandProfile, follows: pl.DataFrame, known: dt.date
) -> Belief:
    """Learn from the plans whose days are past what comes of announcements.

    Parameters
    ----------
    plans
        Table ``merchant_plans``, as known.
    sales, profile, follows
        What was sold, and against what it is measured.
    known
        Last day known.
    """
    announced = followed = 0.0
    of_merchant: dict[str, tuple[float, float]] = {}
    with_volume = pl.col("units").is_not_null() | pl.col("growth").is_not_null()
    past = plans.filter((pl.col("date_to") <= known) & pl.col("change").is_null() & with_volume)
    for row in past.sort("merchant_id", "category", "date_from", "written_at").iter_rows(named=True):
        before = min(row["written_at"].date(), row["date_from"] - dt.timedelta(days=1))
        mine = pl.col("merchant_id") == row["merchant_id"]
        if row["category"] != ALL:
            mine &= pl.col("category") == row["category"]
        own = sales.filter(mine)
        parts = measure_parts(own, profile, follows, before)
        on = pl.col("date").is_between(row["date_from"], row["date_to"])
        sent = profile.past.filter(on).group_by(follows="hub_id").agg(pl.col("sent").sum())
        expected = parts.join(sent, on="follows").select((pl.col("part") * pl.col("sent")).sum()).item()
        sold = own.filter(on)["units"].sum()
        if not expected or not sold:
            continue
        ratio = row["growth"] if row["growth"] is not None else row["units"] / expected
        if not ratio or ratio <= 0:
            continue
        t, a = bend(float(np.log(ratio))), float(np.clip(np.log(sold / expected), -PLANS.most, PLANS.most))
        announced, followed = announced + t * t, followed + t * a
        of_one = of_merchant.get(row["merchant_id"], (0.0, 0.0))
        of_merchant[row["merchant_id"]] = (of_one[0] + t * t, of_one[1] + t * a)
    return Belief(announced, followed, of_merchant)


def weigh_plans(
    plans: pl.DataFrame, belief: Belief, expected: pl.DataFrame, as_of: dt.date
) -> tuple[pl.DataFrame, list[str]]:
    """Weigh the plans of the days ahead.

    Of several plans for an item and day the one for its category counts before the one for all, the latest written before
    earlier ones; of those written at the same moment the mean.

    Parameters
    ----------
    plans
        Table ``merchant_plans``, as known.
    belief
        What announcements are worth.
    expected
        merchant_id, category, date, mean: what is expected without plans.
    as_of
        Last day known.

    Returns
    -------
    weighed : polars.DataFrame
        merchant_id, category, date, plan (factor), moved_to (hub, or empty).
    notes : list of str
        What a planner should know of them.
    """
    names = ("merchant_id", "category", "date", "mean")
    last = expected["date"].max()
    coming = plans.filter((pl.col("date_to") > as_of) & (pl.col("date_from") <= pl.lit(last, pl.Date)))
    notes: list[str] = []
    rows: list[pl.DataFrame] = []
    for number, plan in enumerate(
        coming.sort("merchant_id", "category", "date_from", "written_at").iter_rows(named=True)
    ):
        mine = pl.col("merchant_id") == plan["merchant_id"]
        if plan["category"] != ALL:
            mine &= pl.col("category") == plan["category"]
        inside = pl.col("date").is_between(plan["date_from"], plan["date_to"])
        days = expected.filter(mine & inside).select(names)
        if days.is_empty():
            continue
        log, note = _believe(plan, belief, float(days["mean"].sum()), days["date"].n_unique())
        notes += [note] if note else []
        hub = plan["hub_id"] if plan["change"] == "moves" else None
        rows.append(
            days.select(
                *names[:3],
                pl.lit(log, pl.Float64).alias("log"),
                pl.lit(hub, pl.String).alias("moved_to"),
                pl.lit(plan["category"] != ALL).alias("of_category"),
                pl.lit(plan["written_at"]).alias("written_at"),
                pl.lit(number).alias("number"),
            )
        )
    if not rows:
        return pl.DataFrame(
            schema={**dict.fromkeys(ITEM, pl.String), "date": pl.Date, "plan": pl.Float64, "moved_to": pl.String}
        ), notes
    every = pl.concat(rows)
    key = [*ITEM, "date"]
    factors = every.filter(pl.col("log").is_not_null())
    ranked = factors.filter(pl.col("of_category") == pl.col("of_category").max().over(key))
    latest = ranked.filter(pl.col("written_at") == pl.col("written_at").max().over(key))
    apart = latest.group_by(key).agg(pl.col("log").n_unique().alias("n")).filter(pl.col("n") > 1)
    for merchant in apart["merchant_id"].unique().sort():
        notes.append(f"Plans of {merchant} written at the same moment contradict each other: their mean counts.")
    moves = (
        every.filter(pl.col("moved_to").is_not_null()).sort("written_at").group_by(key).agg(pl.col("moved_to").last())
    )
    return (
        latest.group_by(key)
        .agg(plan=pl.col("log").mean().exp())
        .join(moves, on=key, how="full", coalesce=True)
        .with_columns(pl.col("plan").fill_null(1.0))
        .sort(key)
    ), notes


def _believe(plan: Mapping[str, object], belief: Belief, expected: float, days: int) -> tuple[float | None, str]:
    """Say by what log factor a plan is believed to change what is expected, None for none, and what is odd about it."""
    merchant, sd = str(plan["merchant_id"]), plan["sd"]
    if plan["change"] == "leaves":
        return float(np.log(1.0 - PLANS.leaves)), ""
    units, growth = plan["units"], plan["growth"]
    if isinstance(growth, float):
        ratio = growth
    elif isinstance(units, int) and expected > 0:
        first, last = plan["date_from"], plan["date_to"]
        assert isinstance(first, dt.date) and isinstance(last, dt.date)  # noqa: S101, PT018  columns of the contract
        ratio = units * days / ((last - first).days + 1) / expected
    else:
        return None, ""
    log_ratio = float(np.log(max(ratio, 1e-6)))
    odd = abs(log_ratio) > PLANS.most
    note = (
        f"{merchant} announces {ratio:,.3g} times what is expected of it from {plan['date_from']} on: little of it is believed."
        if odd
        else ""
    )
    return belief.slope(merchant, float(sd) if isinstance(sd, float) else PLANS.stated_sd) * bend(log_ratio), note


def list_joins(plans: pl.DataFrame, items: pl.DataFrame, as_of: dt.date, last: dt.date) -> pl.DataFrame:
    """List the plans of merchants that join, nothing of theirs being sold yet: the latest of each, with its believed units a day.

    Returns
    -------
    polars.DataFrame
        merchant_id, category (``*`` for all), hub_id, date_from, date_to, units_a_day.
    """
    coming = plans.filter(
        (pl.col("date_to") > as_of)
        & (pl.col("date_from") <= last)
        & pl.col("units").is_not_null()
        & (pl.col("change") == "joins").fill_null(False)
    )
    days = (pl.col("date_to") - pl.col("date_from")).dt.total_days() + 1
    return (
        coming.join(items.select("merchant_id").unique(), on="merchant_id", how="anti")
        .sort("written_at")
        .group_by(ITEM)
        .agg(pl.all().last())
        .with_columns(units_a_day=PLANS.joins * pl.col("units") / days)
        .select(*ITEM, "hub_id", "date_from", "date_to", "units_a_day")
        .sort(ITEM)
    )
