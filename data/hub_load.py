"""A hub's load: each parcel counts once on each visit, where it starts, where it changes lanes, where it ends.

A parcel that starts and ends at one hub visits it once. Everything that tells a load (forecast report, trunk plan, `radar check`,
`radar plan explain`) lists visits and sums them here; the independent checker alone counts for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

PARTS = ("originating", "transit", "ending", "local")
"""Why a parcel is at a hub; ``local`` are those that start and end there."""


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
    # of a network without lanes the columns have no type of their own
    starts = lanes.select(
        pl.col("lane_id").cast(pl.String).alias("path"), pl.col("origin_hub_id").cast(pl.String).alias("hub_id")
    )
    legs = (
        rows.select("flow", "origin_hub_id", "destination_hub_id", "parcels", "path", "departure_dates")
        .filter(pl.col("path").list.len() > 0)
        .explode("path", "departure_dates")
        .with_columns(arrives_over=pl.col("path").shift(1).over("flow"))
        .join(starts, on="path", how="left", maintain_order="left")
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


def list_end_visits(routes: pl.DataFrame, parcels: str = "parcels", keep: Sequence[str] = ("date",)) -> pl.DataFrame:
    """List the visits that are known without a plan: where parcels start and where they end.

    Parameters
    ----------
    routes
        The columns of ``keep``, origin_hub_id, destination_hub_id and a column of parcels: ``route_volumes`` or
        ``route_forecasts``.
    parcels
        The column of parcels.
    keep
        What the visits stay apart by.

    Returns
    -------
    polars.DataFrame
        The columns of ``keep``, hub_id, part (originating, ending, local), parcels; in no order.
    """
    import polars as pl

    local = pl.col("origin_hub_id") == pl.col("destination_hub_id")
    starts = routes.select(
        *keep,
        hub_id="origin_hub_id",
        part=pl.when(local).then(pl.lit("local")).otherwise(pl.lit("originating")),
        parcels=parcels,
    )
    ends = routes.filter(~local).select(*keep, hub_id="destination_hub_id", part=pl.lit("ending"), parcels=parcels)
    return pl.concat([starts, ends])


def sum_visits(visits: pl.DataFrame, keep: Sequence[str] = ("date",)) -> pl.DataFrame:
    """Sum visits up to loads.

    Parameters
    ----------
    visits
        As :func:`list_visits` or :func:`list_end_visits` give them.
    keep
        What the loads stay apart by besides the hub.

    Returns
    -------
    polars.DataFrame
        The columns of ``keep``, hub_id, originating, transit, ending, local, load [parcels]; load is the sum of the four.

    Examples
    --------
    >>> import polars as pl
    >>> routes = pl.DataFrame({"origin_hub_id": ["A", "A"], "destination_hub_id": ["A", "B"], "parcels": [5, 2]})
    >>> sum_visits(list_end_visits(routes, keep=()), keep=()).select("hub_id", "local", "load").rows()
    [('A', 5, 7), ('B', 0, 2)]
    """
    import polars as pl

    parts = [pl.col("parcels").filter(pl.col("part") == part).sum().alias(part) for part in PARTS]
    return visits.group_by(*keep, "hub_id").agg(*parts, load=pl.col("parcels").sum()).sort(*keep, "hub_id")
