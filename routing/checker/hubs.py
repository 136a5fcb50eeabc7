"""Hubs on each day: open or closed, what they may sort and hold, and whether hub_loads tells what the flows say."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from routing.checker.limits import LIMITS
from routing.checker.violations import Violation, collect


def close_hubs(frames: Mapping[str, pl.DataFrame], days: pl.DataFrame) -> pl.DataFrame:
    """Say which hubs are closed on which of the given days.

    The latest change that holds on a day (from its date to `until`) decides: ``opens`` opens, ``closes`` closes, ``moves`` closes when the
    shares its successors take (an empty one is all) reach 1. Where none holds a hub is open, unless its first change opens it.

    Parameters
    ----------
    frames
        Tables of the checker: ``network_changes``.
    days
        Columns date, hub_id.

    Returns
    -------
    polars.DataFrame
        `days` with a column closed [bool].
    """
    changes = frames["network_changes"]
    if "scope" in changes.columns:  # a route or one direction: what is sent, not whether the hub works
        changes = changes.filter(
            (pl.col("scope").fill_null("hub") == "hub") & pl.col("direction").is_null() & pl.col("hub_id").is_not_null()
        )
    until = pl.col("until") if "until" in changes.columns else pl.lit(None, pl.Date)
    changes = changes.select("hub_id", "change", "share", since="date", until=until)
    holding = (
        days.select("date", "hub_id")
        .unique()
        .join(changes, on="hub_id")
        .filter((pl.col("since") <= pl.col("date")) & (pl.col("until").is_null() | (pl.col("until") >= pl.col("date"))))
    )
    moved = pl.col("share").fill_null(1.0).filter(pl.col("change") == "moves").sum() >= 1.0 - LIMITS.tolerance
    shut = (pl.col("change") == "closes").any() | moved
    latest = (
        holding.filter(pl.col("since") == pl.col("since").max().over("date", "hub_id"))
        .group_by("date", "hub_id")
        .agg(shut=shut & ~(pl.col("change") == "opens").any())
    )
    first = changes.filter(pl.col("since") == pl.col("since").min().over("hub_id"))
    opens_first = first.group_by("hub_id").agg(opens_first=(pl.col("change") == "opens").any())
    return (
        days.join(latest, on=["date", "hub_id"], how="left")
        .join(opens_first, on="hub_id", how="left")
        .with_columns(closed=pl.coalesce("shut", "opens_first", pl.lit(False)))
        .drop("shut", "opens_first")
        .sort("date", "hub_id")
    )


def limit_days(frames: Mapping[str, pl.DataFrame], rows: pl.DataFrame) -> pl.DataFrame:
    """Put beside rows of dates and hubs what each can sort and hold then: sort_capacity, buffer_capacity, handling_cost."""
    hubs = frames["hubs"].select("hub_id", "sort_capacity", "buffer_capacity", "handling_cost")
    joined = rows.join(hubs, on="hub_id", how="left", maintain_order="left")
    if "hub_limits" not in frames:
        return joined
    own = frames["hub_limits"].rename({"sort_capacity": "own_sort", "buffer_capacity": "own_buffer"})
    joined = joined.join(own.with_columns(own=True), on=["date", "hub_id"], how="left", maintain_order="left")
    own_day = pl.col("own").fill_null(False)
    return joined.with_columns(
        sort_capacity=pl.when(own_day).then("own_sort").otherwise("sort_capacity"),
        buffer_capacity=pl.when(own_day).then("own_buffer").otherwise("buffer_capacity"),
    ).drop("own", "own_sort", "own_buffer")


def join_loads(frames: Mapping[str, pl.DataFrame], loads: pl.DataFrame) -> pl.DataFrame:
    """Lay the recomputed loads beside the plan's rows and the hubs' limits.

    Returns
    -------
    polars.DataFrame
        date, hub_id, handled, held (recomputed, 0 where nothing is), stated_handled, stated_held, stated_capacity,
        stated_utilisation (of ``hub_loads``), stated [bool], closed, limit, buffer [parcels], handling_cost, where.
    """
    stated = (
        frames["hub_loads"]
        .unique(["date", "hub_id"], keep="first", maintain_order=True)
        .select(
            "date",
            "hub_id",
            stated_handled="handled",
            stated_held="held",
            stated_capacity="capacity",
            stated_utilisation="utilisation",
            stated=pl.lit(True),
        )
    )
    both = limit_days(frames, loads.join(stated, on=["date", "hub_id"], how="full", coalesce=True))
    both = both.rename({"sort_capacity": "limit", "buffer_capacity": "buffer"})
    return close_hubs(frames, both).with_columns(
        pl.col("handled", "held").fill_null(0.0),
        pl.col("stated").fill_null(False),
        limit=pl.when("closed").then(0.0).otherwise(pl.col("limit")),
        where="hub_id",
    )


def check_limits(loads: pl.DataFrame) -> list[Violation]:
    """Check what each hub sorts and holds against its capacity, its buffer and its closing."""
    found = collect(
        "hub.sort_capacity",
        loads.filter(~pl.col("closed") & (pl.col("handled") > pl.col("limit") + LIMITS.noise)).select(
            "where", "date", found="handled", allowed="limit"
        ),
        "Hub {where} on {date}: {found} parcels to sort, it can sort {allowed}.",
    )
    found += collect(
        "hub.buffer",
        loads.filter(~pl.col("closed") & (pl.col("held") > pl.col("buffer") + LIMITS.noise)).select(
            "where", "date", found="held", allowed="buffer"
        ),
        "Hub {where} on {date}: {found} parcels wait over night, it has room for {allowed}.",
    )
    return found + collect(
        "hub.closed",
        loads.filter(pl.col("closed") & (pl.col("handled") + pl.col("held") > 0)).select(
            "where", "date", found=pl.col("handled") + pl.col("held"), allowed=pl.lit(0.0)
        ),
        "Hub {where} is closed on {date}: {found} parcels are there.",
    )


def check_rows(loads: pl.DataFrame) -> list[Violation]:
    """Check that every hub-day with parcels has its row in ``hub_loads`` and that the rows are right."""
    absent = loads.filter(~pl.col("stated"))
    found = collect(
        "hub_loads.missing",
        absent.select("where", "date", found=pl.lit("no row"), allowed=pl.col("handled") + pl.col("held")),
        "Hub {where} on {date}: hub_loads has {found} for {allowed} parcels.",
    )
    stated = loads.filter("stated")
    for column in ("handled", "held"):
        wrong = stated.filter(pl.col(f"stated_{column}") != pl.col(column))
        found += collect(
            f"hub_loads.{column}",
            wrong.select("where", "date", found=f"stated_{column}", allowed=column),
            f"Hub {{where}} on {{date}}: hub_loads says {{found}} {column}, the flows say {{allowed}}.",
        )
    whole = pl.col("limit").floor()
    unlike = ~pl.col("stated_capacity").eq_missing(pl.col("limit")) & ~pl.col("stated_capacity").eq_missing(whole)
    found += collect(
        "hub_loads.capacity",
        stated.filter(unlike).select("where", "date", found="stated_capacity", allowed="limit"),
        "Hub {where} on {date}: hub_loads says it can sort {found}, its row in hubs {allowed}.",
    )
    share = (
        pl.when(pl.col("stated_capacity").is_null())
        .then(None)
        .when(pl.col("stated_handled") == 0)
        .then(0.0)
        .when(pl.col("stated_capacity") > 0)
        .then(pl.col("stated_handled") / pl.col("stated_capacity"))
    )
    rows = stated.with_columns(due=share)
    agrees = (pl.col("stated_utilisation") - pl.col("due")).abs() <= LIMITS.tolerance * (1.0 + pl.col("due"))
    empty = pl.col("due").is_null() & pl.col("stated_utilisation").is_null()
    return found + collect(
        "hub_loads.utilisation",
        rows.filter(~(agrees.fill_null(False) | empty)).select(
            "where", "date", found="stated_utilisation", allowed="due"
        ),
        "Hub {where} on {date}: hub_loads says utilisation {found}, handled over capacity is {allowed}.",
    )
