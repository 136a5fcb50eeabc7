"""How many units of each merchant and category each region will order during an event, with what safety.

Expected units = units of the same days of the last edition x growth of the merchant x venue factor; a merchant or category
without a last edition takes its own level of the last weeks x the lift that the forecast of parcels gives its hub on these days, and
where there is no forecast its category's lift over the days before. The quantile is that of a gamma distribution whose
variance is mean + (cv^2 + noise^2 / days) x mean^2: chance, the error of the expectation, and what the days differ (the
newsvendor's quantile at a service level).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from data.errors import RadarError

ITEM = ("merchant_id", "category")
_BASE_DAYS = 28  # days that give the level before an event
_FEW_UNITS = 30.0  # fewer units in the last edition are no history of one's own
_POOL_UNITS = 50.0  # units that the category's regions count for beside the merchant's own
_POOL_GROWTH = 200.0  # units that the network's growth counts for beside the merchant's own
_FEW_ITEMS = 5  # fewer merchants and categories at a venue say nothing of the venue
_VENUES = ("none", "branch", "main")
_LEAST_CV, _EDITION_CV = 0.05, 0.10  # floor of the growth error; how far editions differ beyond growth


@dataclass(frozen=True, slots=True)
class Window:
    """Days to stock for, and the same days of the last edition.

    Attributes
    ----------
    first, last
        Days of the coming event.
    past_first, past_last
        The same days of the last edition in the sales; None without one.
    name
        Events of the window.
    """

    first: date
    last: date
    past_first: date | None
    past_last: date | None
    name: str

    @property
    def days(self) -> int:
        """Days of the window."""
        return (self.last - self.first).days + 1


def choose_window(
    events: pl.DataFrame, sales: pl.DataFrame, as_of: date, first: date | None = None, last: date | None = None
) -> Window:
    """Choose the days to stock for: those given, or the shopping events that begin within 30 days.

    Parameters
    ----------
    events, sales
        Tables of that name.
    as_of
        Last day of sales that is known.
    first, last
        Days given by the planner, both or none.

    Returns
    -------
    Window
        With the last edition of the events, if the sales reach back that far.

    Raises
    ------
    RadarError
        When no event begins within 30 days and no days are given, or the days are out of order.
    """
    shopping = events.filter(pl.col("kind") == "shopping").sort("date_from", "event_id")
    if first is not None and last is not None:
        if not as_of < first <= last:
            raise RadarError(f"days {first} to {last}", f"days in order after {as_of}", "correct --from and --to")
        coming = shopping.filter((pl.col("date_from") <= last) & (pl.col("date_to") >= first))
    else:
        soon = (pl.col("date_from") > as_of) & (pl.col("date_from") <= as_of + timedelta(days=30))
        coming = shopping.filter(soon)
        if coming.is_empty():
            raise RadarError(
                f"no shopping event begins within 30 days of {as_of}", action="give the days with --from and --to"
            )
        first, last = coming["date_from"][0], coming.select(pl.col("date_to").max()).item()
    name = ", ".join(coming["name"].unique(maintain_order=True)) or f"{first} to {last}"
    shift = _find_shift(shopping, coming, sales, first, last)
    past = (None, None) if shift is None else (first - shift, last - shift)
    return Window(first, last, past[0], past[1], name)


def _find_shift(
    shopping: pl.DataFrame, coming: pl.DataFrame, sales: pl.DataFrame, first: date, last: date
) -> timedelta | None:
    """Find how far back the last edition of the first coming event lies; without an event, 52 weeks."""
    known_first, known_last = sales.select(first=pl.col("date").min(), last=pl.col("date").max()).row(0)
    shifts = [timedelta(weeks=52)]
    if not coming.is_empty():
        begin, name = coming["date_from"][0], coming["name"][0]
        earlier = shopping.filter((pl.col("name") == name) & (pl.col("date_from") < begin))
        shifts = [begin - day for day in earlier["date_from"].sort(descending=True)]
    for shift in shifts:
        if first - shift - timedelta(days=7) >= known_first and last - shift <= known_last:
            return shift
    return None


def expect_demand(
    sales: pl.DataFrame,
    merchants: pl.DataFrame,
    events: pl.DataFrame,
    promotions: pl.DataFrame,
    window: Window,
    *,
    as_of: date,
    service_level: float,
    hub_lifts: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Say how many units each region will order of each merchant and category, and how many to stand ready.

    Parameters
    ----------
    sales, merchants, events, promotions
        Tables of that name; sales after `as_of` are ignored.
    window
        Days to stock for.
    as_of
        Last day known.
    service_level
        Probability with which the stock of a region suffices.
    hub_lifts
        Rows of ``forecast_lift.lift_hubs``; None without a forecast.

    Returns
    -------
    polars.DataFrame
        merchant_id, category, region_id, home_hub_id, expected, target [whole units], cv, basis (``own`` or ``category``),
        growth, early_share
        (share of the window's units ordered on its first two days), peak_share (on its busiest day),
        units_per_parcel, growth_told, venue_told, lift_told (factors whose product with the units sold before is the expectation); rows
        of no units left out.
    """
    known = sales.filter(pl.col("date") <= as_of)
    if known.is_empty():
        raise RadarError(f"no sales up to {as_of}", action="load sales first, or give another --as-of")
    quiet = _quiet_days(known, events, as_of)
    items = _describe_items(known, quiet, merchants, window, as_of)
    items = _add_growth(items, merchants)
    items = _add_venue(items, promotions, events, window)
    items = _add_mean(items, window, hub_lifts)
    spread = _measure_errors(items)
    shares = _share_regions(known, quiet, window)
    noise = _measure_noise(known, quiet) / np.sqrt(window.days)
    rows = shares.join(items, on=ITEM).join(_describe_days(known, window), on="category", how="left")
    rows = rows.with_columns(
        mean=pl.col("mean") * pl.col("share"),
        cv=pl.when(pl.col("basis") == "own").then(spread[0]).otherwise(spread[1]),
    ).sort(*ITEM, "region_id")
    return _take_quantile(rows, service_level, noise).filter((pl.col("expected") > 0) | (pl.col("target") > 0))


def _quiet_days(known: pl.DataFrame, events: pl.DataFrame, as_of: date) -> pl.Series:
    """Days of the sales on which no shopping event was on."""
    first = known.select(pl.col("date").min()).item()
    days = pl.DataFrame({"date": pl.date_range(first, as_of, eager=True)})
    busy = (
        events.filter(pl.col("kind") == "shopping")
        .select(date=pl.date_ranges("date_from", "date_to"))
        .explode("date")
        .drop_nulls()
        .unique()
    )
    return days.join(busy, on="date", how="anti")["date"].sort()


def _daily(known: pl.DataFrame, days: pl.Series, name: str) -> pl.DataFrame:
    """Units a day of each merchant and category over some days."""
    part = known.filter(pl.col("date").is_in(days.implode()))
    return part.group_by(*ITEM).agg((pl.col("units").sum() / max(len(days), 1)).alias(name))


def _describe_items(
    known: pl.DataFrame, quiet: pl.Series, merchants: pl.DataFrame, window: Window, as_of: date
) -> pl.DataFrame:
    recent_days = quiet.filter(quiet > as_of - timedelta(days=2 * _BASE_DAYS)).tail(_BASE_DAYS)
    year_ago = recent_days.dt.offset_by("-52w")
    frames = {"recent": recent_days, "year_ago": year_ago}
    if window.past_first is not None:
        frames["before"] = quiet.filter(
            (quiet < window.past_first) & (quiet >= window.past_first - timedelta(days=2 * _BASE_DAYS))
        ).tail(_BASE_DAYS)
    items = known.select(*ITEM).unique().join(merchants.select("merchant_id"), on="merchant_id")
    for name, days in frames.items():
        items = items.join(_daily(known, days, name), on=ITEM, how="left")
    past = known.filter(pl.col("date").is_between(pl.lit(window.past_first), pl.lit(window.past_last)))
    items = items.join(past.group_by(*ITEM).agg(past=pl.col("units").sum().cast(pl.Float64)), on=ITEM, how="left")
    if "before" not in items.columns:
        items = items.with_columns(before=pl.lit(None, pl.Float64))
    reaches_back = bool(len(year_ago)) and year_ago.min() >= known["date"].min()  # type: ignore[operator]
    return items.with_columns(
        pl.col("recent", "past", "before").fill_null(0.0),
        year_ago=pl.col("year_ago").fill_null(0.0) if reaches_back else pl.lit(0.0),
    ).sort(*ITEM)


def _add_growth(items: pl.DataFrame, merchants: pl.DataFrame) -> pl.DataFrame:
    """Growth of a merchant: the one given, else its last weeks over the same weeks a year before, drawn to the network's."""
    total = items.select(pl.col("recent", "year_ago").sum()).row(0)
    network = total[0] / total[1] if total[1] > 0 else 1.0
    weight = _POOL_GROWTH / _BASE_DAYS
    own = (pl.col("recent").sum() + weight * network) / (pl.col("year_ago").sum() + weight)
    # Who sold nothing a year before has no growth to measure: the network's stands in.
    told = pl.when(pl.col("year_ago").sum() > 0).then(own).otherwise(pl.lit(network))
    measured = items.group_by("merchant_id").agg(measured=told.clip(0.2, 5.0))
    given = merchants.select("merchant_id", "growth", home_hub_id="hub_id")
    return (
        items.join(measured, on="merchant_id")
        .join(given, on="merchant_id")
        .with_columns(growth=pl.coalesce("growth", "measured"))
        .drop("measured")
    )


def _add_venue(items: pl.DataFrame, promotions: pl.DataFrame, events: pl.DataFrame, window: Window) -> pl.DataFrame:
    """Best venue of the window's events, now and at the last edition, and how much more the one sells than the other."""
    rank = pl.col("venue").replace_strict(_VENUES, list(range(len(_VENUES))), return_dtype=pl.Int64)

    def best(first: date | None, last: date | None, name: str) -> pl.DataFrame:
        inside = events.filter((pl.col("date_from") <= pl.lit(last)) & (pl.col("date_to") >= pl.lit(first)))
        held = promotions.filter(pl.col("event_id").is_in(inside["event_id"].implode()))
        return held.group_by(*ITEM).agg(rank.max().alias(name))

    items = items.join(best(window.first, window.last, "venue"), on=ITEM, how="left")
    items = items.join(best(window.past_first, window.past_last, "past_venue"), on=ITEM, how="left")
    seen = items.filter((pl.col("before") > 0) & (pl.col("past") > 0))
    lifts = (
        seen.group_by(past_venue="past_venue")
        .agg(lift=pl.col("past").sum() / (window.days * pl.col("before").sum()), items=pl.len())
        .filter(pl.col("past_venue").is_not_null() & (pl.col("items") >= _FEW_ITEMS))
        .select("past_venue", "lift")
    )
    return (
        items.join(lifts, on="past_venue", how="left")
        .join(lifts.rename({"past_venue": "venue", "lift": "venue_lift"}), on="venue", how="left")
        .with_columns(venue_factor=(pl.col("venue_lift") / pl.col("lift")).fill_null(1.0).clip(0.5, 2.0))
        .drop("lift")
    )


def _add_mean(items: pl.DataFrame, window: Window, hub_lifts: pl.DataFrame | None) -> pl.DataFrame:
    """Expected units of the window: from the last edition, or from the level of the last weeks and a lift.

    The lift is the forecast's of the merchant's hub, else that of the venue, the category or all who sold at the last edition.
    """
    seen = items.filter((pl.col("before") > 0) & (pl.col("past") >= _FEW_UNITS))
    by_category = seen.group_by("category").agg(
        category_lift=pl.col("past").sum() / (window.days * pl.col("before").sum())
    )
    total = seen.select(pl.col("past").sum() / (window.days * pl.col("before").sum())).item()
    overall = total if total is not None and np.isfinite(total) else 1.0
    # What the forecast says holds for a hub's whole outflow: who stands at a better venue than the hub's others sells that much more.
    forecast = pl.col("forecast_lift") * (pl.col("venue_lift") / overall).fill_null(1.0)
    lift = pl.coalesce(forecast, "venue_lift", "category_lift", pl.lit(overall))
    own = pl.col("past") >= _FEW_UNITS
    if hub_lifts is None:
        items = items.with_columns(forecast_lift=pl.lit(None, pl.Float64))
    else:
        items = items.join(hub_lifts, on="home_hub_id", how="left")
    return items.join(by_category, on="category", how="left").with_columns(
        basis=pl.when(own).then(pl.lit("own")).otherwise(pl.lit("category")),
        mean=pl.when(own)
        .then(pl.col("past") * pl.col("growth") * pl.col("venue_factor"))
        .otherwise(pl.col("recent") * window.days * lift),
        # What the mean is told as: mean = base x growth_told x venue_told x lift_told.
        growth_told=pl.when(own).then(pl.col("growth")).otherwise(1.0),
        venue_told=pl.when(own).then(pl.col("venue_factor")).otherwise(1.0),
        lift_told=pl.when(own).then(1.0).otherwise(lift),
        own_lift=pl.when(own & (pl.col("before") > 0)).then(pl.col("past") / (window.days * pl.col("before"))),
    )


def _measure_errors(items: pl.DataFrame) -> tuple[float, float]:
    """Relative error of the expectation with and without a last edition of one's own.

    The first: how far the last weeks lie from the same weeks a year before x growth, over merchants and categories, and how
    far editions differ. The second adds how far the lifts of merchants differ.
    """
    error = items.filter((pl.col("year_ago") > 0) & (pl.col("recent") > 0)).select(
        (pl.col("recent") / (pl.col("year_ago") * pl.col("growth"))).log()
    )
    growth_cv = max(_spread(error.to_series().to_numpy()), _LEAST_CV)
    lifts = items["own_lift"].drop_nulls().to_numpy()
    lift_cv = _spread(np.log(lifts[lifts > 0]))
    own = float(np.hypot(growth_cv, _EDITION_CV))
    return own, float(np.hypot(own, max(lift_cv, 2 * _EDITION_CV)))


def _spread(logs: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    """Standard deviation from the quartiles, robust against a few odd merchants; 0.25 when there are under five."""
    if len(logs) < _FEW_ITEMS:
        return 0.25
    low, high = np.quantile(logs, [0.25, 0.75])
    return float(np.clip((high - low) / 1.349, 0.0, 1.0))


def _share_regions(known: pl.DataFrame, quiet: pl.Series, window: Window) -> pl.DataFrame:
    """Share of each region in an item's units: its own of the last edition and the last weeks, drawn to the category's."""
    recent = quiet.tail(_BASE_DAYS)
    past = pl.col("date").is_between(pl.lit(window.past_first), pl.lit(window.past_last)).fill_null(False)
    used = known.filter(pl.col("date").is_in(recent.implode()) | past)
    if used.is_empty():
        used = known
    pool = used.group_by("category", region_id="destination_region_id").agg(pool=pl.col("units").sum())
    # A category without a unit in these days has no regions to share it by: it is expected to sell nothing.
    pool = pool.filter(pl.col("pool").sum().over("category") > 0).with_columns(
        pool=pl.col("pool") / pl.col("pool").sum().over("category")
    )
    own = used.group_by(*ITEM, region_id="destination_region_id").agg(own=pl.col("units").sum())
    items = used.select(*ITEM).unique()
    weight = pl.col("own").fill_null(0) + _POOL_UNITS * pl.col("pool")
    return (
        items.join(pool, on="category")
        .join(own, on=(*ITEM, "region_id"), how="left")
        .with_columns(share=weight / weight.sum().over(*ITEM))
        .select(*ITEM, "region_id", "share")
        .filter(pl.col("share") > 0)
    )


def _measure_noise(known: pl.DataFrame, quiet: pl.Series) -> float:
    """Relative noise of a region's units from day to day beyond chance: sqrt(sum(variance - mean) / sum(mean^2))."""
    recent = quiet.tail(_BASE_DAYS)
    cells = (
        known.filter(pl.col("date").is_in(recent.implode()))
        .group_by(*ITEM, "destination_region_id")
        .agg(total=pl.col("units").sum(), squares=(pl.col("units").cast(pl.Float64) ** 2).sum())
    )
    days = max(len(recent), 2)
    mean = pl.col("total") / days
    variance = (pl.col("squares") - days * mean**2) / (days - 1)
    ratio = cells.select((variance - mean).sum() / (mean**2).sum()).item()
    return float(np.sqrt(max(ratio, 0.0))) if ratio is not None and np.isfinite(ratio) else 0.0


def _describe_days(known: pl.DataFrame, window: Window) -> pl.DataFrame:
    """By category: share of the window's units on its first two days and its busiest day; units in a parcel."""
    past = known.filter(pl.col("date").is_between(pl.lit(window.past_first), pl.lit(window.past_last)))
    daily = past.group_by("category", "date").agg(units=pl.col("units").sum())
    early = pl.col("date") < (window.past_first or window.first) + timedelta(days=2)
    profile = daily.group_by("category").agg(
        early_share=pl.col("units").filter(early).sum() / pl.col("units").sum(),
        peak_share=pl.col("units").max() / pl.col("units").sum(),
    )
    counted = known.filter(pl.col("parcels").is_not_null())
    parcels = counted.group_by("category").agg(units_per_parcel=pl.col("units").sum() / pl.col("parcels").sum())
    even = 1.0 / window.days
    return (
        known.select("category")
        .unique()
        .join(profile, on="category", how="left")
        .join(parcels, on="category", how="left")
        .with_columns(
            # Rows of no units in the last edition give 0/0: as little is known of the days as without rows.
            pl.col("early_share", "peak_share").fill_nan(None).fill_null(min(2 * even, 1.0)),
            pl.col("units_per_parcel").fill_null(1.0).fill_nan(1.0).clip(0.01, 1000.0),
        )
        .sort("category")
    )


def _take_quantile(rows: pl.DataFrame, service_level: float, noise: float) -> pl.DataFrame:
    """Add the whole-numbered expectation and target of each region; roundings are carried on to the next region."""
    from scipy.stats import gamma

    mean, cv = rows["mean"].to_numpy(), rows["cv"].to_numpy()
    variance = mean + (cv**2 + noise**2) * mean**2
    safe = np.where(mean > 0, mean, 1.0)
    shape = np.where(mean > 0, safe**2 / np.where(mean > 0, variance, 1.0), 1.0)
    quantile = np.where(mean > 0, gamma.ppf(service_level, shape, scale=safe / shape), 0.0)
    numbered = rows.with_columns(_mean=pl.Series(mean), _target=pl.Series(quantile))
    whole = [
        (
            pl.col(column).cum_sum().over(*ITEM).round(0)
            - pl.col(column).cum_sum().shift(1).over(*ITEM).fill_null(0.0).round(0)
        )
        .cast(pl.Int64)
        .alias(name)
        for column, name in (("_mean", "expected"), ("_target", "target"))
    ]
    return numbered.with_columns(whole).select(
        *ITEM, "region_id", "home_hub_id", "expected", "target", "cv", "basis", "growth", "early_share", "peak_share",
        "units_per_parcel", "growth_told", "venue_told", "lift_told",
    )  # fmt: skip
