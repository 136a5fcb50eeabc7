"""What fills a hub on a day: parcels that start, change lanes and end there, and those that waited over the night."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

_PARTS = ("originating", "transit", "ending", "local")


def list_visits(flows: pl.DataFrame, lanes: pl.DataFrame) -> pl.DataFrame:
    """List every sorting of a plan's parcels: where, when, and on the way from where to where.

    Parameters
    ----------
    flows
        ``trunk_flows`` of one run.
    lanes
        lane_id, origin_hub_id.

    Returns
    -------
    polars.DataFrame
        date (the day it is sorted), hub_id, part (originating, transit, ending, local), origin_hub_id,
        destination_hub_id, arrives_over and leaves_over (lane ids, empty at the ends), parcels. Parcels by date and hub are
        ``hub_loads.handled``.
    """
    import polars as pl

    rows = flows.with_row_index("flow")
    legs = (
        rows.select("flow", "origin_hub_id", "destination_hub_id", "parcels", "path", "departure_dates")
        .filter(pl.col("path").list.len() > 0)
        .explode("path", "departure_dates")
        .with_columns(arrives_over=pl.col("path").shift(1).over("flow"))
        .join(lanes.select(path="lane_id", hub_id="origin_hub_id"), on="path", how="left", maintain_order="left")
    )
    keys = ["date", "hub_id", "part", "origin_hub_id", "destination_hub_id", "arrives_over", "leaves_over", "parcels"]
    changes = legs.with_columns(
        date="departure_dates",
        part=pl.when(pl.col("arrives_over").is_null()).then(pl.lit("originating")).otherwise(pl.lit("transit")),
        leaves_over="path",
    ).select(keys)
    ends = rows.with_columns(
        date="completed_on",
        hub_id="destination_hub_id",
        part=pl.when(pl.col("path").list.len() == 0).then(pl.lit("local")).otherwise(pl.lit("ending")),
        arrives_over=pl.col("path").list.last(),
        leaves_over=pl.lit(None, pl.String),
    ).select(keys)
    return pl.concat([changes, ends]).group_by(keys[:-1]).agg(pl.col("parcels").sum()).sort(keys[:-1])


def list_hub_days(tables: Mapping[str, pl.DataFrame], visits: pl.DataFrame) -> pl.DataFrame:
    """List the hub-days of a plan with what fills them.

    Parameters
    ----------
    tables
        ``hub_loads``, ``hub_prices`` and ``hubs``.
    visits
        As :func:`list_visits` gives them.

    Returns
    -------
    polars.DataFrame
        date, hub_id, handled, capacity, utilisation, price [CNY/parcel], originating, transit, ending, local [parcels],
        waited (of the night before), held (over the night after), buffer_capacity; by date and hub.
    """
    import polars as pl

    parts = visits.group_by("date", "hub_id").agg(
        pl.col("parcels").filter(pl.col("part") == part).sum().alias(part) for part in _PARTS
    )
    loads = tables["hub_loads"].select("date", "hub_id", "handled", "held", "capacity", "utilisation")
    night = loads.select(pl.col("date").dt.offset_by("1d"), "hub_id", waited="held")
    on = ["date", "hub_id"]
    return (
        loads.join(parts, on=on, how="left")
        .join(night, on=on, how="left")
        .join(tables["hub_prices"].select(*on, "price"), on=on, how="left")
        .join(tables["hubs"].select("hub_id", "buffer_capacity"), on="hub_id", how="left")
        .with_columns(pl.col(*_PARTS, "waited").fill_null(0), pl.col("price").fill_null(0.0))
        .select(*on, "handled", "capacity", "utilisation", "price", *_PARTS, "waited", "held", "buffer_capacity")
        .sort(on)
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
