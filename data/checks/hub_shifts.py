"""Hubs whose share of the network's parcels broke: they went on carrying some, so that no route of theirs opened or closed."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from data.checks.coverage import make_findings, no_findings
from data.constants import constant


@dataclass(frozen=True)
class ShiftRules:
    """From when on a hub's share of the network has broken."""

    days: int = constant(
        14, "days", "before and from a day on whose mean shares are compared", "judgement: two of each weekday"
    )
    shift: float = constant(0.02, "1", "of the network's parcels that the share must move by at least", "judgement")
    fold: float = constant(2.0, "1", "times the other that one of the shares must be at least", "judgement")
    days_around_change: int = constant(14, "days", "from a row of network_changes that announces it", "judgement")


SHIFTS = ShiftRules()


def find_hub_shifts(volumes: pl.DataFrame, changes: pl.DataFrame) -> pl.DataFrame:
    """Find days on which a hub's share of the network's parcels at least doubled or halved for good.

    Parameters
    ----------
    volumes
        ``route_volumes``.
    changes
        ``network_changes``: a change of that hub within two weeks makes it announced.

    Returns
    -------
    pl.DataFrame
        Findings of kind ``hub shift`` (announced) and ``unannounced hub shift``; ``parcels`` is by how many parcels the hub's two
        weeks after the day differ from those before, at the network's later volume.

    Notes
    -----
    With b and a the hub's mean share over the 14 days before and from the day on, the day is a shift when ``|a - b|`` is 2 % of
    the network or more and one is at least twice the other; of days within two weeks the one with the largest ``|a - b|`` is told.
    """
    if not volumes.height:
        return no_findings()
    sides = [("origin_hub_id", "out"), ("destination_hub_id", "in")]
    shares = pl.concat([_daily_shares(volumes, column, direction) for column, direction in sides])
    series = ["hub_id", "direction"]
    before = pl.col("share").rolling_mean(SHIFTS.days).shift(1).over(series)
    after = pl.col("share").reverse().rolling_mean(SHIFTS.days).reverse().over(series)
    later = pl.col("network").reverse().rolling_sum(SHIFTS.days).reverse().over(series)
    steps = (
        shares.sort(*series, "date")
        .with_columns(before.alias("before"), after.alias("after"), later.alias("later"))
        .with_columns((pl.col("after") - pl.col("before")).abs().alias("step"))
        .filter(
            pl.col("step") >= SHIFTS.shift,
            pl.max_horizontal("before", "after") >= SHIFTS.fold * pl.min_horizontal("before", "after"),
        )
    )
    if not steps.height:
        return no_findings()
    largest = _keep_largest(steps)
    announced = pl.concat([changes.select(pl.col("date").alias("on"), pl.col(name).alias("hub_id")) for name in _ENDS])
    near = (
        largest.join(announced.drop_nulls(), on="hub_id")
        .filter((pl.col("on") - pl.col("date")).dt.total_days().abs() <= SHIFTS.days_around_change)
        .select(*series, "date")
        .unique()
        .with_columns(pl.lit(True).alias("known"))
    )
    marked = largest.join(near, on=[*series, "date"], how="left").with_columns(pl.col("known").fill_null(False))
    percent = [(pl.col(name) * 100).round(0).cast(pl.Int64) for name in ("before", "after")]
    return make_findings(
        marked,
        kind=pl.when("known").then(pl.lit("hub shift")).otherwise(pl.lit("unannounced hub shift")),
        table=pl.lit("route_volumes"),
        subject=pl.format("hub {}", "hub_id"),
        date_from=pl.col("date"),
        date_to=pl.col("date"),
        parcels=(pl.col("step") * pl.col("later")).round(0).cast(pl.Int64),
        detail=pl.format("{}: from {} % to {} % of the network's parcels", "direction", *percent),
    ).sort("date_from", "subject", "detail")


_ENDS = ("hub_id", "successor_hub_id")


def _daily_shares(volumes: pl.DataFrame, column: str, direction: str) -> pl.DataFrame:
    """Give every hub's share on every day with parcels: hub_id, direction, date, network, share."""
    network = volumes.group_by("date").agg(pl.col("parcels").sum().alias("network")).filter(pl.col("network") > 0)
    hubs = volumes.select(pl.col(column).alias("hub_id")).unique()
    daily = volumes.group_by(pl.col(column).alias("hub_id"), "date").agg(pl.col("parcels").sum())
    return (
        network.join(hubs, how="cross")
        .join(daily, on=["hub_id", "date"], how="left")
        .select(
            "hub_id",
            pl.lit(direction).alias("direction"),
            "date",
            "network",
            (pl.col("parcels").fill_null(0) / pl.col("network")).alias("share"),
        )
    )


def _keep_largest(steps: pl.DataFrame) -> pl.DataFrame:
    """Of a hub's days that lie within two weeks of each other, and go the same way, keep the largest step."""
    series = ["hub_id", "direction", pl.col("after") > pl.col("before")]
    apart = (pl.col("date") - pl.col("date").shift(1).over(series)).dt.total_days().fill_null(99) > SHIFTS.days
    return (
        steps.with_columns((pl.col("after") > pl.col("before")).alias("rising"))
        .sort("hub_id", "direction", "rising", "date")
        .with_columns(apart.cum_sum().alias("run"))
        .sort("step", "date", descending=[True, False])
        .unique(["hub_id", "direction", "rising", "run"], keep="first", maintain_order=True)
    )
