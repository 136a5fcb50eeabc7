"""What stands out in route volumes: unusual days, routes that opened and closed, hubs that changed as a whole."""

from __future__ import annotations

import math
from dataclasses import dataclass

import polars as pl

from data.checks.coverage import make_findings, no_findings
from data.constants import constant

_ROUTE = ["courier_id", "origin_hub_id", "destination_hub_id"]


@dataclass(frozen=True)
class AnomalyRules:
    """From when on a day, a route or a hub stands out in what is loaded."""

    deviations: float = constant(
        5.0,
        "deviations",
        "robust ones, off the usual volume: from there on a day stands out",
        "judgement: peaks are expected, the published 3.5 would tell each",
    )
    ratio: float = constant(1.5, "1", "times larger or smaller than usual a day must be at least", "judgement")
    weeks: int = constant(
        9, "weeks", "whose same weekdays give the usual volume", "judgement: their median holds through a peak of two"
    )
    fewest_weeks: int = constant(5, "weeks", "of them there must be at least", "judgement")
    mad_to_sigma: float = constant(
        1.4826,
        "1",
        "standard deviations in a median absolute deviation of a normal distribution",
        "published: Iglewicz and Hoaglin 1993",
    )
    fewest_parcels: int = constant(100, "parcels", "of a usual day, below which nothing stands out", "judgement")
    days_around_event: int = constant(
        3, "days", "from a shopping event or holiday: what stands out there is a peak", "judgement"
    )
    quiet_days: int = constant(28, "days", "without a parcel: a route closed, or new after them", "judgement")
    change_share: float = constant(
        0.5, "1", "of a hub's volume on routes that opened or closed together: the hub changed", "judgement"
    )
    fewest_routes: int = constant(2, "routes", "that open or close together at least", "judgement")
    fewest_change_parcels: int = constant(
        1000, "parcels", "that they carried at least, in the quiet days before or after", "judgement"
    )
    fewest_active_days: int = constant(
        14, "days", "with parcels of a route that counts for a change of its hub", "judgement"
    )
    days_around_change: int = constant(14, "days", "from a row of network_changes that announces a change", "judgement")


ANOMALIES = AnomalyRules()


def find_outliers(volumes: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Find days on which the network or a hub carried far more or less than usual.

    A day's volume x is set against m, the median of the same weekday in the nine weeks around it. The day stands out
    when |ln((x + 1) / (m + 1))| exceeds both 5 robust standard deviations of that quantity over the series and ln 1.5.

    Parameters
    ----------
    volumes
        ``route_volumes``.
    events
        ``events``: days within three days of a shopping event or holiday are told as ``peak``, others as ``outlier``.

    Returns
    -------
    pl.DataFrame
        Findings of kinds ``peak`` and ``outlier``, runs of days joined, sorted by subject and date.

    Notes
    -----
    The modified z-score follows Iglewicz and Hoaglin, How to Detect and Handle Outliers (ASQC, 1993), on logarithms,
    with 5 in place of 3.5 as peaks are expected.
    """
    if not volumes.height:
        return no_findings()
    daily = _daily_totals(volumes)
    season = ["subject", pl.col("date").dt.weekday()]
    usual = (
        pl.col("parcels").rolling_median(ANOMALIES.weeks, min_samples=ANOMALIES.fewest_weeks, center=True).over(season)
    )
    off = ((pl.col("parcels") + 1) / (pl.col("usual") + 1)).log()
    spread = (pl.col("off").abs().median() * ANOMALIES.mad_to_sigma).over("subject")
    limit = pl.max_horizontal(ANOMALIES.deviations * spread, pl.lit(math.log(ANOMALIES.ratio)))
    odd = (
        daily.sort("subject", "date")
        .with_columns(usual.alias("usual"))
        .with_columns(off.alias("off"))
        .with_columns(limit.alias("limit"))
        .filter(
            (pl.col("off").abs() > pl.col("limit"))
            & (pl.col("usual").max().over("subject") >= ANOMALIES.fewest_parcels)
        )
    )
    if not odd.height:
        return no_findings()
    named = _name_events(odd, events)
    runs = _join_runs(named)
    factor = ((pl.col("parcels") + 1) / (pl.col("usual") + 1)).round(2)
    detail = pl.format(
        "{} parcels where {} are usual ({}x)", "parcels", pl.col("usual").round(0).cast(pl.Int64), factor
    )
    return make_findings(
        runs,
        kind=pl.when(pl.col("event").is_null()).then(pl.lit("outlier")).otherwise(pl.lit("peak")),
        table=pl.lit("route_volumes"),
        subject=pl.col("subject"),
        date_from=pl.col("date_from"),
        date_to=pl.col("date_to"),
        parcels=pl.col("parcels"),
        detail=pl.concat_str([detail, pl.col("event")], separator=", ", ignore_nulls=True),
    ).sort("subject", "date_from")


def _daily_totals(volumes: pl.DataFrame) -> pl.DataFrame:
    network = volumes.group_by("date").agg(pl.col("parcels").sum()).with_columns(pl.lit("network").alias("subject"))
    pieces = [network.select("subject", "date", "parcels")]
    for column, direction in (("origin_hub_id", "out"), ("destination_hub_id", "in")):
        hubs = volumes.group_by(column, "date").agg(pl.col("parcels").sum())
        pieces.append(
            hubs.select(pl.format("hub {} {}", column, pl.lit(direction)).alias("subject"), "date", "parcels")
        )
    return pl.concat(pieces)


def _name_events(odd: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    around = f"{ANOMALIES.days_around_event}d"
    windows = events.filter(pl.col("kind") != "other").select(
        pl.col("date_from").dt.offset_by(f"-{around}").alias("from"),
        pl.col("date_to").dt.offset_by(around).alias("to"),
        pl.col("name").alias("event"),
    )
    days = odd.select("date").unique()
    named = (
        days.join_where(windows, pl.col("date") >= pl.col("from"), pl.col("date") <= pl.col("to"))
        .group_by("date")
        .agg(pl.col("event").unique().sort().str.join(" / "))
    )
    return odd.join(named, on="date", how="left").sort("subject", "date")


def _join_runs(odd: pl.DataFrame) -> pl.DataFrame:
    """Join days in a row that are off the same way."""
    key = ["subject", "sign"]
    broken = (pl.col("date") - pl.col("date").shift(1).over(key)).dt.total_days().fill_null(99) > 1
    return (
        odd.with_columns((pl.col("off") > 0).alias("sign"))
        .sort("subject", "sign", "date")
        .with_columns(broken.cum_sum().alias("run"))
        .group_by(*key, "run", maintain_order=True)
        .agg(
            pl.col("date").min().alias("date_from"),
            pl.col("date").max().alias("date_to"),
            pl.col("parcels").sum(),
            pl.col("usual").sum(),
            pl.col("event").drop_nulls().first(),
        )
    )


def find_route_changes(volumes: pl.DataFrame) -> pl.DataFrame:
    """Find routes that opened after the first four weeks of the table, or closed before its last four.

    Returns
    -------
    pl.DataFrame
        Findings of kinds ``route opened`` and ``route closed``; ``parcels`` is what the route carried in all.
    """
    if not volumes.height:
        return no_findings()
    lives = _route_lives(volumes)
    route = pl.format("{}: {} > {}", *_ROUTE)
    detail = pl.format("{} active days", "days")
    common = {"table": pl.lit("route_volumes"), "subject": route, "parcels": pl.col("parcels"), "detail": detail}
    opened, closed = pl.col("first"), pl.col("last")
    pieces = [
        make_findings(lives.filter("opened"), kind=pl.lit("route opened"), date_from=opened, date_to=opened, **common),
        make_findings(lives.filter("closed"), kind=pl.lit("route closed"), date_from=closed, date_to=closed, **common),
    ]
    return pl.concat(pieces).sort("kind", "date_from", "subject")


def _route_lives(volumes: pl.DataFrame) -> pl.DataFrame:
    active = volumes.filter(pl.col("parcels") > 0)
    quiet = f"{ANOMALIES.quiet_days}d"
    lives = active.group_by(_ROUTE).agg(
        pl.col("date").min().alias("first"),
        pl.col("date").max().alias("last"),
        pl.len().alias("days"),
        pl.col("parcels").sum(),
    )
    return lives.with_columns(
        (pl.col("first") >= pl.lit(volumes["date"].min()).dt.offset_by(quiet)).alias("opened"),
        (pl.col("last") <= pl.lit(volumes["date"].max()).dt.offset_by(f"-{quiet}")).alias("closed"),
    )


def find_hub_changes(volumes: pl.DataFrame, changes: pl.DataFrame) -> pl.DataFrame:
    """Find weeks in which routes with half of a hub's volume opened or closed together.

    Parameters
    ----------
    volumes
        ``route_volumes``.
    changes
        ``network_changes``: a change of that hub within two weeks makes it announced.

    Returns
    -------
    pl.DataFrame
        Findings of kind ``hub change`` (announced) and ``unannounced hub change``. The share is that of the hub's
        volume in the four weeks before a closing, or after an opening.
    """
    if not volumes.height:
        return no_findings()
    lives = _route_lives(volumes).filter(pl.col("days") >= ANOMALIES.fewest_active_days)
    found = []
    for column, direction in (("origin_hub_id", "out"), ("destination_hub_id", "in")):
        for flag, day, word in (("opened", "first", "opened"), ("closed", "last", "closed")):
            turned = lives.filter(flag).select(*_ROUTE, pl.col(day).alias("day"), pl.col(column).alias("hub_id"))
            found.append(
                _hub_shares(turned, volumes, column, opened=word == "opened").with_columns(
                    pl.lit(direction).alias("direction"), pl.lit(word).alias("word")
                )
            )
    turns = (
        pl.concat(found)
        .filter((pl.col("share") >= ANOMALIES.change_share) & (pl.col("routes") >= ANOMALIES.fewest_routes))
        .filter(pl.col("parcels") >= ANOMALIES.fewest_change_parcels)
    )
    announced = pl.concat(
        [changes.select("date", pl.col(name).alias("hub_id")) for name in ("hub_id", "successor_hub_id")]
    ).drop_nulls()
    turns = turns.with_row_index("turn")
    near = turns.join(announced, on="hub_id").filter(
        (pl.col("date") - pl.col("first")).dt.total_days().abs() <= ANOMALIES.days_around_change
    )
    detail = pl.format(
        "{} route(s) {} {}, {} % of its volume",
        "routes",
        "direction",
        "word",
        (pl.col("share") * 100).round(0).cast(pl.Int64),
    )
    return make_findings(
        turns.with_columns(pl.col("turn").is_in(near["turn"].implode()).alias("known")),
        kind=pl.when("known").then(pl.lit("hub change")).otherwise(pl.lit("unannounced hub change")),
        table=pl.lit("route_volumes"),
        subject=pl.format("hub {}", "hub_id"),
        date_from=pl.col("first"),
        date_to=pl.col("last"),
        parcels=pl.col("parcels"),
        detail=detail,
    ).sort("date_from", "subject", "detail")


def _hub_shares(turned: pl.DataFrame, volumes: pl.DataFrame, column: str, *, opened: bool) -> pl.DataFrame:
    """Sum what the routes that turned in one week were of their hub: hub_id, first, last, routes, parcels, share."""
    weeks = turned.with_columns(pl.col("day").dt.truncate("1w").alias("week"))
    groups = weeks.group_by("hub_id", "week").agg(
        pl.col("day").min().alias("first"), pl.col("day").max().alias("last"), pl.len().alias("routes")
    )
    begins = pl.col("first") if opened else pl.col("last").dt.offset_by(f"-{ANOMALIES.quiet_days - 1}d")
    ends = pl.col("first").dt.offset_by(f"{ANOMALIES.quiet_days - 1}d") if opened else pl.col("last")
    windows = groups.with_columns(begins.alias("begins"), ends.alias("ends"))
    daily = volumes.select("date", "parcels", pl.col(column).alias("hub_id"), pl.struct(_ROUTE).alias("route"))
    inside = daily.join(windows, on="hub_id").filter(pl.col("date").is_between("begins", "ends"))
    ours = weeks.select("hub_id", "week", pl.struct(_ROUTE).alias("route")).with_columns(pl.lit(True).alias("turned"))
    marked = inside.join(ours, on=["hub_id", "week", "route"], how="left")
    return (
        marked.group_by("hub_id", "week", "first", "last", "routes")
        .agg(
            pl.col("parcels").filter(pl.col("turned").fill_null(False)).sum().alias("parcels"),
            pl.col("parcels").sum().alias("all"),
        )
        .with_columns((pl.col("parcels") / pl.col("all")).alias("share"))
        .drop("week", "all")
    )
