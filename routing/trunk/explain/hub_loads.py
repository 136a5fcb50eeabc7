"""What fills a hub on a day: parcels that start, change lanes and end there, and those that waited over the night."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from data.hub_load import PARTS, sum_visits

if TYPE_CHECKING:
    import polars as pl


def list_hub_days(tables: Mapping[str, pl.DataFrame], visits: pl.DataFrame) -> pl.DataFrame:
    """List the hub-days of a plan with what fills them.

    Parameters
    ----------
    tables
        ``hub_loads``, ``hub_prices`` and ``hubs``; ``hub_sorts`` of a plan by sorts.
    visits
        As :func:`data.hub_load.list_visits` gives them, of a plan by sorts :func:`data.hub_load.list_sort_visits`.

    Returns
    -------
    polars.DataFrame
        date, hub_id, handled, capacity, utilisation, price [CNY/parcel], originating, transit, ending, local [parcels],
        waited (of the night before), held (over the night after), buffer_capacity; by date and hub. Of a plan by sorts one row
        a sort: sort_id besides, waited from the sort before it, held for the one after it. Where a plan sorts ahead also ready (of what leaves after
        it, sorted before) and staged (sorted by then, leaving later): handled = originating + transit + ending + local - ready + staged.
    """
    import polars as pl

    if "sort_id" in visits.columns:
        return _list_hub_sorts(tables, visits)
    parts = sum_visits(visits).drop("load")
    loads = tables["hub_loads"].select("date", "hub_id", "handled", "held", "capacity", "utilisation")
    night = loads.select(pl.col("date").dt.offset_by("1d"), "hub_id", waited="held")
    on = ["date", "hub_id"]
    return (
        loads.join(parts, on=on, how="left")
        .join(night, on=on, how="left")
        .join(tables["hub_prices"].select(*on, "price"), on=on, how="left")
        .join(tables["hubs"].select("hub_id", "buffer_capacity"), on="hub_id", how="left")
        .with_columns(pl.col(*PARTS, "waited").fill_null(0), pl.col("price").fill_null(0.0))
        .select(*on, "handled", "capacity", "utilisation", "price", *PARTS, "waited", "held", "buffer_capacity")
        .sort(on)
    )


def _list_hub_sorts(tables: Mapping[str, pl.DataFrame], visits: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    on = ["date", "hub_id", "sort_id"]
    parts = sum_visits(visits, keep=("date", "sort_id")).drop("load")
    loads = tables["hub_loads"].select(
        *on, "closes_at", "handled", "held", "capacity", "utilisation", pl.col("^staged$").fill_null(0)
    )
    ahead = ["ready", "staged"] if "staged" in loads.columns and loads["staged"].sum() > 0 else []
    own = tables["hub_sorts"].unique(["hub_id", "sort_id"], keep="last", maintain_order=True)
    room = pl.coalesce("own_buffer", "buffer_capacity")
    return (
        loads.with_columns(
            pl.col(name).shift(1).over("hub_id", order_by="closes_at").fill_null(0).alias(before)
            for name, before in (("held", "waited"), ("staged", "ready"))
            if name in loads.columns
        )
        .join(parts, on=on, how="left")
        .join(tables["hub_prices"].select(*on, "price"), on=on, how="left")
        .join(tables["hubs"].select("hub_id", "buffer_capacity"), on="hub_id", how="left")
        .join(own.select("hub_id", "sort_id", own_buffer="buffer_capacity"), on=on[1:], how="left")
        .with_columns(pl.col(*PARTS, "waited").fill_null(0), pl.col("price").fill_null(0.0), buffer_capacity=room)
        .sort("date", "hub_id", "closes_at")
        .select(*on, "handled", "capacity", "utilisation", "price", *PARTS, "waited", "held", *ahead, "buffer_capacity")
    )


def list_fill(visits: pl.DataFrame, top: int) -> pl.DataFrame:
    """List the largest streams of some visits: to where, from where, or from lane to lane.

    Parameters
    ----------
    visits
        Of one hub on the days of interest.
    top
        Streams of each part to list; the others are added up.

    Returns
    -------
    polars.DataFrame
        part, stream, parcels, share (of all parcels of the visits); parts as they fill the hub, largest stream first.
    """
    import polars as pl

    stream = (
        pl.when(pl.col("part") == "originating")
        .then(pl.format("to {}", "destination_hub_id"))
        .when(pl.col("part") == "ending")
        .then(pl.format("from {}", "origin_hub_id"))
        .when(pl.col("part") == "transit")
        .then(pl.format("{} > {}", "arrives_over", "leaves_over"))
        .otherwise(pl.lit("starts and ends here"))
    )
    total = max(int(visits["parcels"].sum()), 1)
    streams = visits.with_columns(stream=stream).group_by("part", "stream").agg(pl.col("parcels").sum())
    ranked = streams.sort(["part", "parcels", "stream"], descending=[False, True, False]).with_columns(
        place=pl.int_range(pl.len()).over("part"), rank=pl.col("parcels").sum().over("part")
    )
    named = pl.when(pl.col("place") < top).then(pl.col("stream")).otherwise(pl.lit("all others"))
    return (
        ranked.with_columns(stream=named, place=pl.col("place").clip(upper_bound=top))
        .group_by("part", "stream", "place", "rank")
        .agg(pl.col("parcels").sum())
        .sort(["rank", "part", "place"], descending=[True, False, False])
        .select("part", "stream", "parcels", share=pl.col("parcels") / total)
    )
