"""The demand cube: what each merchant sells of each category to each region on each day ahead.

    mean[m, c, r, d] = part[m, c] x baseline[h, d] x share[m, c, r]        (baseline)
                       x event[h, d] x gain  x promotion x price x plan x weather[h, d] x override[h, d]

with h the merchant's hub and everything of h from the forecast of parcels: the cube has no events, season, weather or
overrides of its own.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from data.constants import constant
from forecasting.inputs import ForecastInputs, no_changes, no_events, no_promotions
from forecasting.merchants.course import COURSE, Course, course_of_hubs, course_of_sales
from forecasting.merchants.levels import ITEM, LEVELS, choose_course, measure_parts, share_regions
from forecasting.merchants.promotion_effects import EFFECTS, PromotionEffects, factors_ahead, lay_out, learn_effects

FACTORS = ("event", "promotion", "price", "plan", "weather", "override")
"""Columns that multiply the baseline to the mean."""


@dataclass(frozen=True)
class CubeRules:
    """How the cube is put together."""

    pooled_units: float = constant(50.0, "units", "of its category's regions beside an item's own", "judgement")
    common_part: float = constant(0.5, "1", "of the variance of a hub's day that all its days share", "judgement")
    least_error: float = constant(0.05, "log", "of an item's expectation", "judgement")


CUBE = CubeRules()


@dataclass(frozen=True)
class MerchantInputs:
    """Tables of the cube, as known on the as-of date: ``sales`` and ``merchants`` must hold rows.

    ``outflow`` is date, hub_id, parcels of the history and ``hub_forecasts`` the forecast of the hubs; without both the sales
    give their own course.
    """

    sales: pl.DataFrame
    merchants: pl.DataFrame
    events: pl.DataFrame = field(default_factory=no_events)
    promotions: pl.DataFrame = field(default_factory=no_promotions)
    network_changes: pl.DataFrame = field(default_factory=no_changes)
    outflow: pl.DataFrame | None = None
    hub_forecasts: pl.DataFrame | None = None


def merchant_inputs(known: ForecastInputs, hub_forecasts: pl.DataFrame | None) -> MerchantInputs:
    """Take the cube's tables from those of a forecast, beside what it says of the hubs."""
    outflow = known.route_volumes.group_by("date", hub_id="origin_hub_id").agg(pl.col("parcels").sum())
    return MerchantInputs(
        sales=known.sales,
        merchants=known.merchants,
        events=known.events,
        promotions=known.promotions,
        network_changes=known.network_changes,
        outflow=outflow,
        hub_forecasts=hub_forecasts,
    )


CUBE_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "as_of": pl.Date, "date": pl.Date, "merchant_id": pl.String, "category": pl.String, "region_id": pl.String,
    "hub_id": pl.String, "mean": pl.Float64, "baseline": pl.Float64, **dict.fromkeys(FACTORS, pl.Float64), "error": pl.Float64,
}  # fmt: skip


def forecast_merchants(inputs: MerchantInputs, as_of: dt.date, horizon: int) -> pl.DataFrame:
    """Forecast merchants' orders.

    Parameters
    ----------
    inputs
        The tables.
    as_of
        Last day known; later sales are left out.
    horizon
        Days ahead.

    Returns
    -------
    polars.DataFrame
        Rows of ``merchant_forecasts`` without run_id; none where nothing is sold.
    """
    sales = inputs.sales.filter(pl.col("date") <= as_of)
    if sales.is_empty() or inputs.merchants.is_empty():
        return pl.DataFrame(schema=CUBE_SCHEMA)
    if inputs.hub_forecasts is None or inputs.outflow is None or inputs.hub_forecasts.is_empty():
        course = course_of_sales(sales, inputs.events, as_of, horizon)
    else:
        course = course_of_hubs(inputs.outflow.filter(pl.col("date") <= as_of), inputs.hub_forecasts)
    last = as_of + dt.timedelta(days=horizon)
    follows = choose_course(inputs.merchants, course, _changing(inputs.network_changes, as_of, last))
    known = sales["date"].max()
    assert isinstance(known, dt.date)  # noqa: S101  there are sales
    items = measure_parts(sales, course, follows, known)
    held = lay_out(inputs.promotions, inputs.events, sales.select(ITEM).unique())
    effects = learn_effects(sales, course, follows, inputs.events, held, as_of)
    ahead = course.ahead.filter(pl.col("date").is_between(as_of, last, closed="right"))
    told = factors_ahead(effects, held, inputs.events, items, ahead["date"].unique().sort())
    days = (
        items.join(ahead.rename({"hub_id": "follows"}), on="follows")
        .join(told, on=[*ITEM, "date"])
        .with_columns(
            baseline=pl.col("baseline") * pl.col("part"), event=pl.col("event") * pl.col("gain"), plan=pl.lit(1.0)
        )
    )
    days = _add_error(days, sales, course, follows, effects, known)
    shares = share_regions(sales, _days_of_shares(inputs.events, sales, as_of, last), CUBE.pooled_units)
    product = pl.col("baseline")
    for name in FACTORS:
        product = product * pl.col(name)
    return (
        days.join(shares, on=ITEM)
        .with_columns(baseline=pl.col("baseline") * pl.col("share"))
        .with_columns(mean=product, as_of=pl.lit(as_of))
        .select(CUBE_SCHEMA.keys())
        .sort("date", *ITEM, "region_id")
    )


def _changing(changes: pl.DataFrame, as_of: dt.date, last: dt.date) -> frozenset[str]:
    """Hubs whose volume changes between the days their merchants' parts are measured on and the last day ahead."""
    begin = as_of - dt.timedelta(days=LEVELS.days)
    ends = pl.col("until") + pl.duration(days=1) if "until" in changes.columns else pl.lit(None, pl.Date)
    near = changes.filter(pl.col("date").is_between(begin, last) | ends.is_between(begin, last).fill_null(False))
    return frozenset(near["hub_id"]) | frozenset(near["successor_hub_id"].drop_nulls())


def _days_of_shares(events: pl.DataFrame, sales: pl.DataFrame, as_of: dt.date, last: dt.date) -> pl.Series:
    """Days that say where an item's buyers are: the last weeks, and the last edition of each event ahead."""
    recent = pl.date_range(as_of - dt.timedelta(days=COURSE.quiet_days - 1), as_of, eager=True)
    days = [recent]
    shopping = events.filter(pl.col("kind") == "shopping")
    coming = shopping.filter((pl.col("date_from") <= last) & (pl.col("date_to") > as_of))
    known = sales["date"].min()
    for name in coming["name"].unique(maintain_order=True):
        past = shopping.filter((pl.col("name") == name) & (pl.col("date_to") <= as_of) & (pl.col("date_from") >= known))
        if past.height:
            row = past.sort("date_from").row(-1, named=True)
            days.append(pl.date_range(row["date_from"], row["date_to"], eager=True))
    return pl.concat([part.cast(pl.Date).alias("date") for part in days]).unique().sort()


def _add_error(
    days: pl.DataFrame,
    sales: pl.DataFrame,
    course: Course,
    follows: pl.DataFrame,
    effects: PromotionEffects,
    known: dt.date,
) -> pl.DataFrame:
    """Add how unsure an item's expectation is: its own deviation in events or quiet weeks, and what its hub's days share [log]."""
    earlier = known - dt.timedelta(days=LEVELS.days)
    before, after = (measure_parts(sales, course, follows, day) for day in (earlier, known))
    drift = before.join(after.select(*ITEM, now="part"), on=ITEM).select((pl.col("now") / pl.col("part")).log())
    values = drift.to_series().to_numpy()
    quiet = float(np.median(np.abs(values))) * 1.4826 if len(values) else EFFECTS.noise_sd
    own = pl.when(pl.col("gain") * pl.col("promotion") * pl.col("price") != 1.0).then(effects.noise).otherwise(quiet)
    shared = course.spread.rename({"hub_id": "follows"})
    hub = pl.col("sd").fill_null(0.0) ** 2 * CUBE.common_part
    return days.join(shared, on=("follows", "date"), how="left").with_columns(
        error=(own**2 + hub).sqrt().clip(CUBE.least_error)
    )
