"""Couriers: who carries what share of a route, and how their capacity moves year on year and month on month."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl

from data.constants import constant
from data.errors import RadarError


@dataclass(frozen=True)
class CourierRules:
    """How couriers' shares and capacity are learnt."""

    recent: int = constant(56, "days", "from which shares are read", "judgement")
    pseudo_parcels: float = constant(
        500.0, "parcels", "of the parent in a share: of the hub in a route's, of the network in a hub's", "judgement"
    )
    stated_parcels: float = constant(200.0, "parcels", "that a merchant's stated preference counts for", "judgement")
    pseudo_months: float = constant(3.0, "months", "of all couriers in a courier's growth", "judgement")
    eighty: float = constant(
        1.2815515655446004,
        "standard deviations",
        "from the middle to the end of an 80 % interval of a normal distribution",
        "published: normal distribution",
    )
    least_spread: float = constant(0.05, "log", "standard deviation of a month's growth, at least", "judgement")


COURIERS = CourierRules()


def shrink_preferences(
    preferences: pl.DataFrame, waybills: pl.DataFrame | None, couriers: list[str] | None = None
) -> pl.DataFrame:
    """Mix what merchants say with what they do.

    Parameters
    ----------
    preferences
        merchant_id, courier_id, share as stated.
    waybills
        merchant_id, courier_id of parcels sent, or None.
    couriers
        All couriers; by default those that occur.

    Returns
    -------
    pl.DataFrame
        merchant_id, courier_id, share; the shares of a merchant sum to 1.

    Notes
    -----
    share = (parcels seen + 200 x stated share) / (all parcels seen + 200). A merchant that states nothing is given
    the mix of all merchants in place of its statement.
    """
    stated = preferences.select("merchant_id", "courier_id", "share")
    seen = _count(waybills)
    names = sorted({*(couriers or []), *stated["courier_id"], *seen["courier_id"]})
    merchants = sorted({*stated["merchant_id"], *seen["merchant_id"]})
    if not names or not merchants:
        return stated.clear()
    grid = pl.DataFrame({"merchant_id": merchants}).join(pl.DataFrame({"courier_id": names}), how="cross")
    keys = ["merchant_id", "courier_id"]
    table = grid.join(stated, on=keys, how="left").join(seen, on=keys, how="left").sort(keys)
    table = table.with_columns(pl.col("parcels").fill_null(0))
    says = pl.col("share").is_not_null().any().over("merchant_id")
    overall = table.group_by("courier_id").agg(
        pl.col("parcels").sum().alias("all_parcels"), pl.col("share").sum().alias("all_shares")
    )
    mix = pl.col("all_parcels") + COURIERS.stated_parcels * pl.col("all_shares")
    overall = overall.with_columns((mix / mix.sum()).alias("mix"))
    table = table.join(overall, on="courier_id", how="left")
    prior = pl.when(says).then(pl.col("share").fill_null(0.0)).otherwise(pl.col("mix"))
    prior = prior / prior.sum().over("merchant_id")
    weight = pl.col("parcels") + COURIERS.stated_parcels * prior
    table = table.with_columns((weight / weight.sum().over("merchant_id")).alias("share"))
    return table.select(*keys, "share").sort(keys)


def learn_courier_shares(
    volumes: pl.DataFrame,
    as_of: dt.date,
    merchants: pl.DataFrame | None = None,
    preferences: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return what share of each route every courier carries.

    Parameters
    ----------
    volumes
        Table ``route_volumes``; the last eight weeks up to ``as_of`` count.
    as_of
        Last known day.
    merchants
        merchant_id, hub_id, or None.
    preferences
        merchant_id, courier_id, share (see :func:`shrink_preferences`), or None.

    Returns
    -------
    pl.DataFrame
        origin_hub_id, destination_hub_id, courier_id, share; the shares of a route sum to 1.

    Notes
    -----
    A route's own parcels are mixed with 500 pseudo-parcels of its origin hub, and the hub's with 500 of the network and
    200 of each of its merchants' preferences: a route of few parcels, or a new one, follows its hub's merchants.
    """
    start = as_of - dt.timedelta(days=COURIERS.recent - 1)
    recent = volumes.filter(pl.col("date") >= start, pl.col("date") <= as_of)
    if recent.is_empty():
        raise RadarError(f"no route volumes in the eight weeks up to {as_of}", action="choose another as-of date")
    ends = ["origin_hub_id", "destination_hub_id"]
    network = recent.group_by("courier_id").agg(pl.col("parcels").sum())
    network = network.select("courier_id", (pl.col("parcels") / pl.col("parcels").sum()).alias("network"))
    stated = _preferences_by_hub(merchants, preferences)
    hubs = recent.select("origin_hub_id").unique().join(network, how="cross")
    of_hub = recent.group_by("origin_hub_id", "courier_id").agg(pl.col("parcels").sum().alias("of_hub"))
    hubs = hubs.join(of_hub, on=["origin_hub_id", "courier_id"], how="left")
    hubs = hubs.join(stated, on=["origin_hub_id", "courier_id"], how="left").with_columns(
        pl.col("of_hub", "stated").fill_null(0.0)
    )
    weight = pl.col("of_hub") + COURIERS.stated_parcels * pl.col("stated") + COURIERS.pseudo_parcels * pl.col("network")
    hubs = hubs.with_columns((weight / weight.sum().over("origin_hub_id")).alias("prior"))
    routes = recent.select(ends).unique().join(hubs, on="origin_hub_id")
    own = recent.group_by(*ends, "courier_id").agg(pl.col("parcels").sum().alias("own"))
    routes = routes.join(own, on=[*ends, "courier_id"], how="left").with_columns(pl.col("own").fill_null(0))
    mixed = pl.col("own") + COURIERS.pseudo_parcels * pl.col("prior")
    routes = routes.with_columns((mixed / mixed.sum().over(ends)).alias("share"))
    return routes.select(*ends, "courier_id", "share").sort(*ends, "courier_id")


def trend_capacity(capacity: pl.DataFrame, as_of: dt.date, months: int = 3) -> pl.DataFrame:
    """Show how couriers' capacity moves, and carry it forward.

    Parameters
    ----------
    capacity
        courier_id, month (its first day), parcels_per_day. Months after the one of ``as_of`` are left out.
    as_of
        Last known day.
    months
        Months ahead.

    Returns
    -------
    pl.DataFrame
        courier_id, month, parcels_per_day, month_on_month, year_on_year [ratio less 1, null where unknown], kind
        (known or forecast), low and high (80 % interval of a forecast, null where known).

    Raises
    ------
    RadarError
        When no month is known.

    Notes
    -----
    A month ahead is the same month of the year before times the courier's growth year on year: the mean of its last
    three, mixed with three pseudo-months of all couriers'. With no such month it is the last one times the mean growth
    month on month, mixed likewise. The interval is that of the logarithms' spread, wider with each month ahead.
    """
    known = capacity.filter(pl.col("month") <= as_of, pl.col("parcels_per_day") > 0).sort("courier_id", "month")
    if known.is_empty():
        raise RadarError("no courier capacity known", action="load courier_capacity first")
    with_growth = _with_growth(known)
    pooled = {name: _pooled(with_growth[name]) for name in ("yearly", "monthly")}
    rows: list[tuple[object, ...]] = []
    for (courier,), months_of in known.group_by("courier_id", maintain_order=True):
        levels: dict[dt.date, float] = dict(months_of.select("month", "parcels_per_day").iter_rows())
        own = with_growth.filter(pl.col("courier_id") == courier)
        growth = {name: _mixed(own[name], pooled[name][0]) for name in ("yearly", "monthly")}
        for month, level in levels.items():
            rows.append((courier, month, level, *_ratios(levels, month), "known", None, None))
        last = max(levels)
        for step in range(1, months + 1):
            month, year_before = _add_months(last, step), _add_months(last, step - 12)
            name = "yearly" if year_before in levels else "monthly"
            base = levels[year_before] if name == "yearly" else levels[_add_months(last, step - 1)]
            levels[month] = base * float(np.exp(growth[name]))
            spread = COURIERS.eighty * max(pooled[name][1], COURIERS.least_spread) * np.sqrt(step)
            low, high = levels[month] * np.exp(-spread), levels[month] * np.exp(spread)
            rows.append((courier, month, levels[month], *_ratios(levels, month), "forecast", round(low), round(high)))
    schema = {
        "courier_id": pl.String,
        "month": pl.Date,
        "parcels_per_day": pl.Float64,
        "month_on_month": pl.Float64,
        "year_on_year": pl.Float64,
        "kind": pl.String,
        "low": pl.Int64,
        "high": pl.Int64,
    }
    table = pl.DataFrame(rows, schema=schema, orient="row")
    return table.with_columns(pl.col("parcels_per_day").round().cast(pl.Int64)).sort("courier_id", "month")


def _count(waybills: pl.DataFrame | None) -> pl.DataFrame:
    if waybills is None:
        return pl.DataFrame(schema={"merchant_id": pl.String, "courier_id": pl.String, "parcels": pl.Int64})
    known = waybills.filter(pl.col("merchant_id").is_not_null(), pl.col("courier_id").is_not_null())
    return known.group_by("merchant_id", "courier_id").agg(pl.len().cast(pl.Int64).alias("parcels"))


def _preferences_by_hub(merchants: pl.DataFrame | None, preferences: pl.DataFrame | None) -> pl.DataFrame:
    if merchants is None or preferences is None:
        return pl.DataFrame(schema={"origin_hub_id": pl.String, "courier_id": pl.String, "stated": pl.Float64})
    joined = preferences.join(
        merchants.select("merchant_id", pl.col("hub_id").alias("origin_hub_id")), on="merchant_id"
    )
    return joined.group_by("origin_hub_id", "courier_id").agg(pl.col("share").sum().alias("stated"))


def _with_growth(known: pl.DataFrame) -> pl.DataFrame:
    level = pl.col("parcels_per_day").cast(pl.Float64).log()
    logs = known.select("courier_id", "month", level.alias("level"))
    for name, gap in (("monthly", "1mo"), ("yearly", "12mo")):
        earlier = logs.select("courier_id", pl.col("month").dt.offset_by(gap), pl.col("level").alias("earlier"))
        logs = logs.join(earlier, on=["courier_id", "month"], how="left", maintain_order="left")
        logs = logs.with_columns((pl.col("level") - pl.col("earlier")).alias(name)).drop("earlier")
    return logs


def _pooled(growth: pl.Series) -> tuple[float, float]:
    """Mean and standard deviation of all couriers' growth; no growth and the least spread where nothing is known."""
    values = growth.drop_nulls().to_numpy()
    if values.size == 0:
        return 0.0, COURIERS.least_spread
    return float(values.mean()), float(values.std())


def _mixed(growth: pl.Series, parent: float) -> float:
    recent = growth.drop_nulls().tail(3).to_numpy()
    return float((recent.sum() + COURIERS.pseudo_months * parent) / (recent.size + COURIERS.pseudo_months))


def _ratios(levels: dict[dt.date, float], month: dt.date) -> tuple[float | None, float | None]:
    def against(earlier: dt.date) -> float | None:
        return levels[month] / levels[earlier] - 1.0 if earlier in levels else None

    return against(_add_months(month, -1)), against(_add_months(month, -12))


def _add_months(month: dt.date, number: int) -> dt.date:
    years, rest = divmod(month.month - 1 + number, 12)
    return dt.date(month.year + years, rest + 1, 1)
