"""The prices kept with a plan: which of them are prices of something, and what each is the price of.

By days a limit is that of a date; by the clock that of a sort of a date, or of the moment at which vehicles leave. ``when`` tells it for both.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import polars as pl

from data.arrays import Floats
from routing.checker.violations import Violation, collect

# what each kind of price is the price of
KINDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "sort": ("when", "hub_id"),
        "buffer": ("when", "hub_id"),
        "staging": ("when", "hub_id"),
        "fleet": ("when", "vehicle_type_id"),
        "lane": ("when", "lane_id"),
        "option": ("when", "lane_id", "vehicle_type_id"),
        "potential": ("hub_id", "vehicle_type_id"),
        "room": ("when", "lane_id"),
        "opening": ("when", "lane_id", "demand_date", "origin_hub_id", "destination_hub_id"),
    }
)
_OF_SORTS = ("sort", "buffer", "staging")
_MINUTE = 60  # seconds


def name_date() -> pl.Expr:
    """Name of what happens on a date, in a plan by days."""
    return pl.col("date").cast(pl.String)


def name_sort() -> pl.Expr:
    """Name of a sort, in a plan by the clock."""
    return pl.concat_str(pl.col("date").cast(pl.String), "sort_id", separator=" ")


def name_moment() -> pl.Expr:
    """Name of a moment at which vehicles leave, in a plan by the clock."""
    return pl.col("at").dt.to_string("%Y-%m-%dT%H:%M")


def check_prices(
    frames: Mapping[str, pl.DataFrame], days: pl.DataFrame, *, by_clock: bool = False
) -> tuple[pl.DataFrame, list[Violation]]:
    """Keep the rows of ``bound_prices`` that are prices of something, and list the others.

    Returns
    -------
    prices : polars.DataFrame
        Rows that count, with ``when`` they are prices, and that ``moment`` as a number: of the day, or in minutes from 1970.
    violations : list of Violation
        Rule ``bound_prices.row``: an unknown kind, a price below 0 (potentials may be), a hub, lane, type or day that
        does not exist, a potential of hired vehicles; by the clock also a limit without its sort or moment.
    """
    types = frames["vehicle_types"]
    sorts = pl.col("kind").is_in(_OF_SORTS)
    when = pl.when(sorts).then(name_sort()).otherwise(name_moment()) if by_clock else name_date()
    moment = (
        pl.col("at").dt.epoch("s") // _MINUTE if by_clock else (pl.col("date") - days["date"].min()).dt.total_days()
    )
    rows = frames["bound_prices"].with_columns(when=when, moment=moment.cast(pl.Int64))
    known = {
        "when": pl.col("date").is_in(days["date"].implode()) & pl.col("when").is_not_null(),
        "demand_date": pl.col("demand_date").is_in(days["date"].implode()),
        "lane_id": pl.col("lane_id").is_in(frames["lanes"]["lane_id"].implode()),
        "vehicle_type_id": pl.col("vehicle_type_id").is_in(types["vehicle_type_id"].implode()),
    }
    for column in ("hub_id", "origin_hub_id", "destination_hub_id"):
        known[column] = pl.col(column).is_in(frames["hubs"]["hub_id"].implode())
    own = types.filter(pl.col("ownership") == "own")["vehicle_type_id"]
    sound = pl.lit(False)
    for kind, needed in KINDS.items():
        complete = pl.all_horizontal(known[column].fill_null(False) for column in needed)
        fits = pl.col("vehicle_type_id").is_in(own.implode()) if kind == "potential" else pl.col("price") >= 0
        if by_clock and kind == "opening":  # of the parcels that one sort takes
            complete = complete & pl.col("sort_id").is_not_null()
        sound = sound | ((pl.col("kind") == kind) & complete & fits.fill_null(False))
    names = ("kind", "date", "sort_id", "at", "hub_id", "lane_id", "vehicle_type_id", "price")
    wrong = rows.filter(~sound).select(
        "date",
        where=pl.format("bound_prices row {}", "row"),
        found=pl.concat_str([pl.col(c).cast(pl.String) for c in names], separator=" ", ignore_nulls=True),
        allowed=pl.lit("a price of 0 or more of a limit there is"),
    )
    return rows.filter(sound), collect("bound_prices.row", wrong, "{where} is {found}; expected {allowed}.")


def rows_of(prices: pl.DataFrame, kind: str, *besides: str) -> pl.DataFrame:
    """Prices of a kind by what they are prices of, and by further columns."""
    keys = [*KINDS[kind], *besides]
    return prices.filter(pl.col("kind") == kind).group_by(keys, maintain_order=True).agg(pl.col("price").sum())


def price_rows(frame: pl.DataFrame, prices: pl.DataFrame, kind: str, **columns: str) -> Floats:
    """Price of a kind for each row of a frame, 0 where there is none; `columns` names keys that are called otherwise."""
    right = list(KINDS[kind])
    left = [columns.get(key, key) for key in right]
    joined = frame.select(left).join(
        rows_of(prices, kind), left_on=left, right_on=right, how="left", maintain_order="left"
    )
    values: Floats = joined["price"].fill_null(0.0).to_numpy()
    return values


def pay(price: Floats, limit: Floats) -> float:
    """Price x limit; a price of what has no limit costs without end."""
    bought = price > 0
    return float((price[bought] * limit[bought]).sum())
