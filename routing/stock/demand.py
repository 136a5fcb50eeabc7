"""How many units of each merchant and category each region will order during an event, and how unsure that is.

Expected units are those of the demand cube (``merchant_forecasts``): the stock plan has no forecast of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import polars as pl

from data.constants import constant
from data.errors import RadarError
from data.keys import ITEM as MERCHANT_ITEM
from routing.stock.spread import Spread, measure_spread

ITEM = MERCHANT_ITEM


@dataclass(frozen=True)
class DemandRules:
    """What of sales and forecast counts as an item's demand."""

    soon: int = constant(30, "days", "within which an event begins that is stocked for unasked", "judgement")
    early: int = constant(2, "days", "of an event, whose share of its orders is told", "judgement")
    least_mean: float = constant(0.05, "units", "a region expected to order less is no row", "judgement")


DEMAND = DemandRules()


@dataclass(frozen=True, slots=True)
class Window:
    """Days to stock for.

    Attributes
    ----------
    first, last
        Days of the coming event.
    name
        Events of the window, or its days where none lies in it.
    """

    first: date
    last: date
    name: str

    @property
    def days(self) -> int:
        """Days of the window."""
        return (self.last - self.first).days + 1

    @property
    def span(self) -> str:
        """First and last day."""
        return f"{self.first} to {self.last}"


def choose_window(events: pl.DataFrame, as_of: date, first: date | None = None, last: date | None = None) -> Window:
    """Choose the days to stock for: those given, or the shopping events that begin within 30 days.

    Parameters
    ----------
    events
        Table of that name.
    as_of
        Last day of sales that is known.
    first, last
        Days given by the planner, both or none.

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
        soon = (pl.col("date_from") > as_of) & (pl.col("date_from") <= as_of + timedelta(days=DEMAND.soon))
        coming = shopping.filter(soon)
        if coming.is_empty():
            raise RadarError(
                f"no shopping event begins within {DEMAND.soon} days of {as_of}",
                action="give the days with --from and --to",
            )
        first, last = coming["date_from"][0], coming.select(pl.col("date_to").max()).item()
    window = Window(first, last, ", ".join(coming["name"].unique(maintain_order=True)))
    return window if window.name else replace(window, name=window.span)


def expect_demand(
    cube: pl.DataFrame,
    sales: pl.DataFrame,
    events: pl.DataFrame,
    window: Window,
    *,
    as_of: date,
) -> tuple[pl.DataFrame, Spread]:
    """Say how many units each region will order of each merchant and category.

    Parameters
    ----------
    cube
        Rows of ``merchant_forecasts`` of one forecast.
    sales, events
        Tables of that name; sales after `as_of` are ignored: they say how far units stray.
    window
        Days to stock for.
    as_of
        Last day known.

    Returns
    -------
    demand : polars.DataFrame
        merchant_id, category, region_id, home_hub_id, expected [whole units], mean [units], cv (error of the expectation), early_share
        (share of the window's units ordered on its first two days), peak_share (on its busiest day),
        units_per_parcel, and growth_told, venue_told, price_told, lift_told, weather_told: factors whose product with
        the baseline is the expectation; rows of no units left out.
    spread : Spread
        How far units stray from what is expected.

    Raises
    ------
    RadarError
        When nothing is known to be sold, or the cube does not hold every day of the window.
    """
    known = sales.filter(pl.col("date") <= as_of)
    if known.is_empty():
        raise RadarError(f"no sales up to {as_of}", action="load sales first, or give another --as-of")
    if cube.is_empty():
        raise RadarError(
            "no merchant of whom sales are expected",
            "units in sales on the last four weeks before the forecast, or a merchant that announces to join",
            "load later sales, or correct --as-of",
        )
    inside = cube.filter(pl.col("date").is_between(window.first, window.last))
    if inside["date"].n_unique() < window.days:
        reach = f"days {cube['date'].min()!s} to {cube['date'].max()!s}"
        raise RadarError(
            f"the forecast of merchants' orders holds {reach}, the stock is for {window.first} to {window.last}",
            "a forecast that holds all these days",
            f"run `radar forecast` with a --horizon that reaches {window.last}, or correct --from and --to",
        )
    items = _describe_items(inside, window)
    homes = items.select(*ITEM, hub_id="home_hub_id")
    spread = measure_spread(known, _quiet_days(known, events, as_of), homes)
    rows = inside.group_by(*ITEM, "region_id").agg(pl.col("mean").sum()).join(items, on=ITEM).sort(*ITEM, "region_id")
    return _round(rows).filter((pl.col("expected") > 0) | (pl.col("mean") >= DEMAND.least_mean)), spread


def take_given(given: pl.DataFrame, merchants: pl.DataFrame, window: Window) -> pl.DataFrame:
    """Take the units asked for as they stand, even over the days and sure; columns as of :func:`expect_demand`.

    Parameters
    ----------
    given, merchants
        ``stock_demand`` and ``merchants``.
    window
        Days to stock for.

    Raises
    ------
    RadarError
        For a merchant that is no row of merchants.
    """
    homes = merchants.select("merchant_id", home_hub_id="hub_id")
    rows = given.filter(pl.col("units") > 0).join(homes, on="merchant_id", how="left", maintain_order="left")
    unknown = rows.filter(pl.col("home_hub_id").is_null())
    if unknown.height:
        raise RadarError(
            f"stock_demand of merchant {unknown['merchant_id'][0]}",
            "a merchant_id of the table merchants, with its hub",
            "load it, or correct stock_demand",
        )
    factors = ("growth_told", "venue_told", "price_told", "lift_told", "weather_told")
    return rows.select(
        *ITEM,
        "region_id",
        "home_hub_id",
        expected="units",
        mean=pl.col("units").cast(pl.Float64),
        cv=pl.lit(0.0),
        early_share=pl.lit(min(DEMAND.early / window.days, 1.0)),
        peak_share=pl.lit(1.0 / window.days),
        units_per_parcel=pl.lit(1.0),
        **dict.fromkeys(factors, pl.lit(1.0)),
    ).sort(*ITEM, "region_id")


def _describe_items(inside: pl.DataFrame, window: Window) -> pl.DataFrame:
    """Describe each item over the window: its hub, error, days, and the factors its expectation is told by."""
    step = pl.col("baseline")
    parts = [step.alias("s0")]
    for number, names in enumerate(
        (("plan", "override"), ("promotion",), ("price",), ("event",), ("weather",)), start=1
    ):
        for name in names:
            step = step * pl.col(name)
        parts.append(step.alias(f"s{number}"))
    early = pl.col("date") < window.first + timedelta(days=DEMAND.early)
    # groups come in any order, and sums of floats depend on it
    daily = inside.group_by(*ITEM, "date").agg(pl.col("mean").sum()).sort(*ITEM, "date")
    shares = daily.group_by(ITEM).agg(
        early_share=pl.col("mean").filter(early).sum() / pl.col("mean").sum(),
        peak_share=pl.col("mean").max() / pl.col("mean").sum(),
    )
    even = 1.0 / window.days
    factors = ("growth", "venue", "price", "lift", "weather")
    sums = (
        inside.with_columns(parts)
        .group_by(ITEM)
        .agg(
            pl.col("hub_id").sort_by("date").last().alias("home_hub_id"),
            pl.col("units_per_parcel").first(),
            ((pl.col("error") * pl.col("mean")).sum() / pl.col("mean").sum()).fill_nan(0.0).alias("cv"),
            *(pl.col(f"s{number}").sum() for number in range(len(factors) + 1)),
        )
    )
    factor_columns = [
        (pl.col(f"s{number}") / pl.col(f"s{number - 1}")).fill_nan(1.0).alias(f"{name}_told")
        for number, name in enumerate(factors, start=1)
    ]
    return (
        sums.with_columns(factor_columns)
        .join(shares, on=ITEM)
        .with_columns(
            pl.col("early_share").fill_nan(min(DEMAND.early * even, 1.0)), pl.col("peak_share").fill_nan(even)
        )
        .select(
            *ITEM,
            "home_hub_id",
            "units_per_parcel",
            "cv",
            "early_share",
            "peak_share",
            *(f"{name}_told" for name in factors),
        )
    )


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


def _round(rows: pl.DataFrame) -> pl.DataFrame:
    """Make expectations whole: roundings are carried on to the item's next region."""
    upto = pl.col("mean").cum_sum()
    whole = upto.over(ITEM).round(0) - upto.shift(1).over(ITEM).fill_null(0.0).round(0)
    factors = ("growth_told", "venue_told", "price_told", "lift_told", "weather_told")
    names = ("home_hub_id", "expected", "mean", "cv", "early_share", "peak_share", "units_per_parcel", *factors)
    return rows.with_columns(expected=whole.cast(pl.Int64)).select(*ITEM, "region_id", *names)
