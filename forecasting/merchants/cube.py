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
from forecasting.inputs import ForecastInputs, no_changes, no_events, no_plans, no_promotions
from forecasting.merchants.demand_profile import ALL_HUBS, PROFILE, DemandProfile, profile_of_hubs, profile_of_sales
from forecasting.merchants.levels import ITEM, LEVELS, choose_profile, count_units, measure_parts, share_regions
from forecasting.merchants.plans import ALL, learn_belief, list_joins, weigh_plans
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
    give their own profile.
    """

    sales: pl.DataFrame
    merchants: pl.DataFrame
    events: pl.DataFrame = field(default_factory=no_events)
    promotions: pl.DataFrame = field(default_factory=no_promotions)
    network_changes: pl.DataFrame = field(default_factory=no_changes)
    plans: pl.DataFrame = field(default_factory=no_plans)
    outflow: pl.DataFrame | None = None
    hub_forecasts: pl.DataFrame | None = None


def merchant_inputs(known: ForecastInputs, hub_forecasts: pl.DataFrame | None) -> MerchantInputs:
    """Take the cube's tables from those of a forecast, beside what it says of the hubs; without sales no route is summed."""
    outflow = None
    if not known.sales.is_empty():
        outflow = known.route_volumes.group_by("date", hub_id="origin_hub_id").agg(pl.col("parcels").sum())
    return MerchantInputs(
        sales=known.sales,
        merchants=known.merchants,
        events=known.events,
        promotions=known.promotions,
        network_changes=known.network_changes,
        plans=known.merchant_plans,
        outflow=outflow,
        hub_forecasts=hub_forecasts,
    )


CUBE_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "as_of": pl.Date, "date": pl.Date, "merchant_id": pl.String, "category": pl.String, "region_id": pl.String,
    "hub_id": pl.String, "mean": pl.Float64, "baseline": pl.Float64, **dict.fromkeys(FACTORS, pl.Float64), "error": pl.Float64,
    "units_per_parcel": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True)
class Cube:
    """The demand cube and what merchants' plans change in it.

    Attributes
    ----------
    table
        Rows of ``merchant_forecasts`` without run_id.
    moves
        date, hub_id, region_id, parcels: what plans add at a hub for the buyers of a region, less what they take away; no rows without
        plans.
    notes
        What a planner should know of the plans.
    """

    table: pl.DataFrame
    moves: pl.DataFrame
    notes: tuple[str, ...] = ()


_MOVES_SCHEMA = {"date": pl.Date, "hub_id": pl.String, "region_id": pl.String, "parcels": pl.Float64}


def forecast_merchants(inputs: MerchantInputs, as_of: dt.date, horizon: int) -> Cube:
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
    Cube
        Without rows where nothing is sold.
    """
    sales = inputs.sales.filter(pl.col("date") <= as_of)
    if sales.is_empty() or inputs.merchants.is_empty():
        return Cube(pl.DataFrame(schema=CUBE_SCHEMA), pl.DataFrame(schema=_MOVES_SCHEMA))
    if inputs.hub_forecasts is None or inputs.outflow is None or inputs.hub_forecasts.is_empty():
        profile = profile_of_sales(sales, inputs.events, as_of, horizon)
    else:
        profile = profile_of_hubs(inputs.outflow.filter(pl.col("date") <= as_of), inputs.hub_forecasts)
    last = as_of + dt.timedelta(days=horizon)
    follows = choose_profile(inputs.merchants, profile, _changing(inputs.network_changes, as_of, last))
    known = sales["date"].max()
    assert isinstance(known, dt.date)  # noqa: S101  there are sales
    items = measure_parts(sales, profile, follows, known).with_columns(joins=pl.lit(None, pl.Date))
    items = pl.concat([items, _join_in(inputs, sales, items, profile, follows, as_of, last)]).sort(ITEM)
    held = lay_out(inputs.promotions, inputs.events, items)
    effects = learn_effects(sales, profile, follows, inputs.events, held, as_of)
    ahead = profile.ahead.filter(pl.col("date").is_between(as_of, last, closed="right"))
    factors = factors_ahead(effects, held, inputs.events, items, ahead["date"].unique().sort())
    days = (
        items.join(ahead.rename({"hub_id": "follows"}), on="follows")
        .join(factors, on=[*ITEM, "date"])
        .filter(pl.col("joins").is_null() | (pl.col("date") >= pl.col("joins")))
        .with_columns(baseline=pl.col("baseline") * pl.col("part"), event=pl.col("event") * pl.col("gain"))
    )
    days, notes = _tell_plans(days, inputs.plans, sales, profile, follows, known, as_of)
    days = _add_error(days, sales, profile, follows, effects, known)
    shares = _share_all(
        items, share_regions(sales, _days_of_shares(inputs.events, sales, as_of, last), CUBE.pooled_units)
    )
    rows = (
        days.join(shares, on=ITEM)
        .join(count_units(sales), on=ITEM, how="left")
        .with_columns(
            pl.col("units_per_parcel").fill_null(1.0),
            baseline=pl.col("baseline") * pl.col("share"),
            as_of=pl.lit(as_of),
        )
        .with_columns(mean=_product("baseline", *FACTORS))
        .sort("date", *ITEM, "region_id")
    )
    return Cube(
        rows.with_columns(hub_id=pl.coalesce("moved_to", "hub_id")).select(CUBE_SCHEMA.keys()), _moves(rows), notes
    )


def _product(*names: str) -> pl.Expr:
    product = pl.col(names[0])
    for name in names[1:]:
        product = product * pl.col(name)
    return product


def _tell_plans(
    days: pl.DataFrame,
    plans: pl.DataFrame,
    sales: pl.DataFrame,
    profile: DemandProfile,
    follows: pl.DataFrame,
    known: dt.date,
    as_of: dt.date,
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Put merchants' plans on the items' days: factor ``plan`` and the hub they move to."""
    if plans.is_empty():
        return days.with_columns(plan=pl.lit(1.0), moved_to=pl.lit(None, pl.String)), ()
    others = [name for name in FACTORS if name != "plan"]
    expected = days.filter(pl.col("joins").is_null()).with_columns(mean=_product("baseline", *others))
    belief = learn_belief(plans, sales, profile, follows, known)
    weighed, notes = weigh_plans(plans, belief, expected, as_of)
    planned = days.join(weighed, on=[*ITEM, "date"], how="left").with_columns(pl.col("plan").fill_null(1.0))
    return planned, tuple(notes)


def _join_in(
    inputs: MerchantInputs,
    sales: pl.DataFrame,
    items: pl.DataFrame,
    profile: DemandProfile,
    follows: pl.DataFrame,
    as_of: dt.date,
    last: dt.date,
) -> pl.DataFrame:
    """Give merchants that are to join a part of their hub's profile: the units believed over what the hub sends on a usual day."""
    joining = list_joins(inputs.plans, items, as_of, last)
    if joining.is_empty():
        return items.clear()
    named = joining.filter(pl.col("category") != ALL)
    listed = inputs.promotions.filter(pl.col("category").is_not_null()).select(ITEM).unique()
    kinds = sales.group_by("category").agg(weight=pl.col("units").sum().cast(pl.Float64))
    wide = joining.filter(pl.col("category") == ALL).drop("category")
    own = wide.join(listed, on="merchant_id").join(kinds, on="category")
    rest = wide.join(own.select("merchant_id").unique(), on="merchant_id", how="anti").join(kinds, how="cross")
    spread = pl.concat([own, rest.select(own.columns)]).with_columns(
        units_a_day=pl.col("units_a_day") * pl.col("weight") / pl.col("weight").sum().over("merchant_id")
    )
    rows = pl.concat([named, spread.select(named.columns)])
    usual = profile.ahead.group_by(follows="hub_id").agg(usual=pl.col("baseline").mean())
    at = dict(follows.select("merchant_id", "hub_id").iter_rows())
    whom = dict(follows.select("hub_id", "follows").iter_rows())
    known = set(profile.ahead["hub_id"])
    hubs = [hub or at.get(merchant) for merchant, hub in rows.select("merchant_id", "hub_id").iter_rows()]
    return (
        rows.with_columns(
            pl.Series("hub_id", hubs, dtype=pl.String),
            pl.Series(
                "follows", [whom.get(h, h) if whom.get(h, h) in known else ALL_HUBS for h in hubs], dtype=pl.String
            ),
        )
        .join(usual, on="follows")
        .filter(pl.col("usual") > 0)
        .with_columns(part=pl.col("units_a_day") / pl.col("usual"), units=pl.lit(0.0), joins=pl.col("date_from"))
        .select(items.columns)
    )


def _share_all(items: pl.DataFrame, shares: pl.DataFrame) -> pl.DataFrame:
    """Give items without sales the regions of their category, else of everything."""
    missing = items.select(ITEM).join(shares.select(ITEM).unique(), on=ITEM, how="anti")
    if missing.is_empty():
        return shares
    kind = shares.group_by("category", "region_id").agg(pl.col("share").sum())
    kind = kind.with_columns(share=pl.col("share") / pl.col("share").sum().over("category"))
    all_kinds = (
        shares.group_by("region_id")
        .agg(pl.col("share").sum())
        .with_columns(share=pl.col("share") / pl.col("share").sum())
    )
    near = missing.join(kind, on="category")
    far = missing.join(near.select(ITEM).unique(), on=ITEM, how="anti").join(all_kinds, how="cross")
    return pl.concat([shares, near.select(shares.columns), far.select(shares.columns)]).sort(*ITEM, "region_id")


def _moves(rows: pl.DataFrame) -> pl.DataFrame:
    """Add up what plans change of each hub's parcels: told less expected, by buyers' region."""
    parcels = pl.col("mean") / pl.col("units_per_parcel")
    before = pl.when(pl.col("joins").is_null()).then(parcels / pl.col("plan")).otherwise(0.0)
    changed = rows.filter((pl.col("plan") != 1.0) | pl.col("moved_to").is_not_null() | pl.col("joins").is_not_null())
    after = changed.select("date", hub_id=pl.coalesce("moved_to", "hub_id"), region_id="region_id", parcels=parcels)
    gone = changed.select("date", "hub_id", "region_id", parcels=-before)
    both = pl.concat([after, gone]).group_by("date", "hub_id", "region_id").agg(pl.col("parcels").sum())
    return both.filter(pl.col("parcels") != 0).select(_MOVES_SCHEMA.keys()).sort("date", "hub_id", "region_id")


def _changing(changes: pl.DataFrame, as_of: dt.date, last: dt.date) -> frozenset[str]:
    """Hubs whose volume changes between the days their merchants' parts are measured on and the last day ahead."""
    begin = as_of - dt.timedelta(days=LEVELS.days)
    ends = pl.col("until") + pl.duration(days=1) if "until" in changes.columns else pl.lit(None, pl.Date)
    near = changes.filter(pl.col("date").is_between(begin, last) | ends.is_between(begin, last).fill_null(False))
    return frozenset(near["hub_id"]) | frozenset(near["successor_hub_id"].drop_nulls())


def _days_of_shares(events: pl.DataFrame, sales: pl.DataFrame, as_of: dt.date, last: dt.date) -> pl.Series:
    """Days that say where an item's buyers are: the last weeks, and the last edition of each event ahead."""
    recent = pl.date_range(as_of - dt.timedelta(days=PROFILE.quiet_days - 1), as_of, eager=True)
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
    profile: DemandProfile,
    follows: pl.DataFrame,
    effects: PromotionEffects,
    known: dt.date,
) -> pl.DataFrame:
    """Add how unsure an item's expectation is: its own deviation in events or quiet weeks, and what its hub's days share [log]."""
    earlier = known - dt.timedelta(days=LEVELS.days)
    before, after = (measure_parts(sales, profile, follows, day) for day in (earlier, known))
    drift = before.join(after.select(*ITEM, now="part"), on=ITEM).select((pl.col("now") / pl.col("part")).log())
    values = drift.to_series().to_numpy()
    quiet = float(np.median(np.abs(values))) * 1.4826 if len(values) else EFFECTS.noise_sd
    own = pl.when(pl.col("gain") * pl.col("promotion") * pl.col("price") != 1.0).then(effects.noise).otherwise(quiet)
    shared = profile.spread.rename({"hub_id": "follows"})
    hub = pl.col("sd").fill_null(0.0) ** 2 * CUBE.common_part
    return days.join(shared, on=("follows", "date"), how="left").with_columns(
        error=(own**2 + hub).sqrt().clip(CUBE.least_error)
    )
