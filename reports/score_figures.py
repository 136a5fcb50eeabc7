"""Which scores of a backtest a report shows, and in what order."""

from __future__ import annotations

from typing import Any

import polars as pl

PUBLISHED = "radar"
NAIVE = "seasonal_naive"
_LEVELS = ("network", "region", "hub", "route", "outlet")
_MEASURES = ("accuracy", "bias", "mase", "weighted_quantile_loss", "coverage_80", "coverage_90")


def published_scores(scores: pl.DataFrame) -> pl.DataFrame:
    """Average the published forecast's scores over their as-of dates, with the seasonal naive's accuracy beside.

    Parameters
    ----------
    scores
        ``backtest_scores`` by its contract. Its level reads ``route_weekly/10-100``: level, count, class.

    Returns
    -------
    pl.DataFrame
        One row a level, window and lead: the measures of the table, ``naive`` (accuracy of the seasonal naive), ``kind``
        (network, region, hub, route, outlet), ``bucket`` (day or week), ``class`` (direction or volume class, ``all`` when
        the level has none). All days before events, wide levels before narrow, short leads first. Where the published
        forecast was not scored, every model that was has its row.
    """
    key = ["level", "window", "lead_days", "model"]
    means = scores.group_by(key).agg(pl.col(_MEASURES).mean())
    naive = means.filter(pl.col("model") == NAIVE).select(*key[:3], pl.col("accuracy").alias("naive"))
    if (means["model"] == PUBLISHED).any():
        means = means.filter(pl.col("model") == PUBLISHED)
    parts = pl.col("level").str.splitn("/", 2)
    name = parts.struct.field("field_0")
    order = {level: number for number, level in enumerate(_LEVELS)}
    size = pl.col("class").str.extract(r"^(\d+)").cast(pl.Int64) * pl.when(pl.col("class").str.contains(r"^\d+k")).then(
        1000
    ).otherwise(1)
    return (
        means.join(naive, on=key[:3], how="left")
        .with_columns(
            name.str.strip_suffix("_weekly").alias("kind"),
            pl.when(name.str.ends_with("_weekly")).then(pl.lit("week")).otherwise(pl.lit("day")).alias("bucket"),
            parts.struct.field("field_1").fill_null("all").alias("class"),
        )
        .with_columns(
            (pl.col("window") != "all").alias("special"),
            pl.col("kind").replace_strict(order, default=len(order), return_dtype=pl.Int64).alias("place"),
            size.alias("size"),
            pl.col("lead_days").str.extract(r"^(\d+)").cast(pl.Int64).alias("from"),
            pl.col("lead_days").str.extract(r"(\d+)$").cast(pl.Int64).alias("to"),
        )
        .sort(
            "special",
            "window",
            "place",
            "bucket",
            "size",
            "class",
            "from",
            "to",
            "lead_days",
            "model",
            nulls_last=False,
        )
        .drop("special", "place", "size", "from", "to")
    )


def summary(rows: pl.DataFrame) -> pl.DataFrame:
    """Choose the rows of ``published_scores`` that a report shows.

    Returns
    -------
    pl.DataFrame
        Of rows with an accuracy: every level as a whole over all days, for the first week and the longest lead; the
        volume classes of routes over the first week; and network, hubs and routes as a whole in each window of its own (an
        event, normal days) over the longest lead. Everything known where that leaves nothing.
    """
    start = pl.col("lead_days").str.extract(r"^(\d+)").cast(pl.Int64)
    end = pl.col("lead_days").str.extract(r"(\d+)$").cast(pl.Int64)
    whole = pl.col("class").is_in(["all", "out", "in", "pickup", "delivery"])
    over_all, first_week = pl.col("window") == "all", pl.col("lead_days") == "1-7"
    longest = (end - start) == (end - start).max().over("bucket")
    known = rows.filter(pl.col("accuracy").is_not_null())
    chosen = known.filter(
        pl.when(over_all & whole)
        .then((first_week | longest) & (end > start))
        .when(over_all)
        .then((pl.col("kind") == "route") & (pl.col("bucket") == "day") & first_week)
        .otherwise(whole & longest & pl.col("kind").is_in(["network", "hub", "route"]))
    )
    return known if chosen.is_empty() else chosen


def network_accuracy(scores: pl.DataFrame) -> dict[str, Any] | None:
    """Return the score a headline may quote: the published forecast's on the network, all days, over the first week.

    Returns
    -------
    dict or None
        A row of ``published_scores``; the shortest lead where the first week was not scored, none where the published
        forecast was not scored on the network at all.
    """
    rows = published_scores(scores.filter((pl.col("level") == "network") & (pl.col("window") == "all")))
    rows = rows.filter((pl.col("model") == PUBLISHED) & pl.col("accuracy").is_not_null())
    week = rows.filter(pl.col("lead_days") == "1-7")
    return (rows if week.is_empty() else week).row(0, named=True) if rows.height else None
