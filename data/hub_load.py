"""A hub's load: each parcel counts once on each visit, where it starts, where it changes lanes, where it ends.

A parcel that starts and ends at one hub visits it once. Everything that tells a load (forecast report, trunk plan, `radar check`,
`radar plan explain`) lists visits and sums them here; the independent checker alone counts for itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    visits = _list_visits(flows, lanes)
    keys = [name for name in visits.columns if name not in ("at", "parcels")]
    return visits.group_by(keys).agg(_sum_parcels()).sort(keys)


def _list_visits(flows: pl.DataFrame, lanes: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    rows = flows.with_row_index("flow")
    by_clock = names_hours(flows)
    hours = [pl.col("departs_at" if by_clock else "departure_dates").alias("at")]
    # of a network without lanes the columns have no type of their own
    starts = lanes.select(
        pl.col("lane_id").cast(pl.String).alias("path"), pl.col("origin_hub_id").cast(pl.String).alias("hub_id")
    )
    legs = (
        rows.select("flow", "origin_hub_id", "destination_hub_id", "parcels", "path", "departure_dates", *hours)
        .filter(pl.col("path").list.len() > 0)
        .explode("path", "departure_dates", "at")
        .with_columns(arrives_over=pl.col("path").shift(1).over("flow"))
        .join(starts, on="path", how="left", maintain_order="left")
    )
    route = ["origin_hub_id", "destination_hub_id", "arrives_over", "leaves_over"]
    keys = ["date", "hub_id", "part", *route, "at", "parcels"]
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
        at=pl.col("completed_at" if by_clock else "completed_on"),
    ).select(keys)
    return pl.concat([changes, ends])


def names_hours(flows: pl.DataFrame) -> bool:
    """Whether the flows of a plan say at which hours they leave, as plans by sorts do."""
    return "completed_at" in flows.columns and bool(flows["completed_at"].is_not_null().any())


def list_sort_visits(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """List every sorting of a plan by sorts, with the sort it is in.

    Parameters
    ----------
    tables
        ``trunk_flows``, ``trunk_departures``, ``hub_loads`` and ``lanes`` of one run.

    Returns
    -------
    polars.DataFrame
        As :func:`list_visits`, ``date`` being the business date of the sort, and sort_id: the one that a departure loads after. Parcels by date,
        hub and sort are ``hub_loads.handled``, and where a plan sorts ahead handled - staged + staged after the sort before.
    """
    import polars as pl

    visits = _list_visits(tables["trunk_flows"], tables["lanes"]).drop("date")
    sorts = (
        tables["hub_loads"].select("hub_id", "sort_id", "date", "closes_at").drop_nulls("closes_at").sort("closes_at")
    )
    loading = (
        tables["trunk_departures"]
        .select("lane_id", "leaves_at", "sort_id")
        .unique(["lane_id", "leaves_at"], keep="first", maintain_order=True)
    )
    leaving = visits.filter(pl.col("leaves_over").is_not_null())
    leaving = leaving.join(loading, left_on=["leaves_over", "at"], right_on=["lane_id", "leaves_at"], how="left")
    # what a departure takes was sorted the last time that its sort closed before
    leaving = leaving.sort("at").join_asof(
        sorts, left_on="at", right_on="closes_at", by=["hub_id", "sort_id"], check_sortedness=False
    )
    ended = visits.filter(pl.col("leaves_over").is_null())
    ends = sorts.unique(["hub_id", "closes_at"], keep="first", maintain_order=True)
    ended = ended.join(ends, left_on=["hub_id", "at"], right_on=["hub_id", "closes_at"], how="left")
    keys = ["date", "hub_id", "sort_id", "part", "origin_hub_id", "destination_hub_id", "arrives_over", "leaves_over"]
    both = pl.concat([leaving.select(*keys, "parcels"), ended.select(*keys, "parcels")])
    return both.group_by(keys).agg(_sum_parcels()).sort(keys)


def sum_sorts(loads: pl.DataFrame) -> pl.DataFrame:
    """Bring ``hub_loads`` of a plan by sorts to one row a hub and day; those of a plan by days stay as they are.

    Returns
    -------
    polars.DataFrame
        The columns of ``hub_loads`` without sort_id and closes_at: handled and capacity are sums (no bound where one sort has none),
        held is the most that waits after one of the day's sorts, utilisation handled / capacity.
    """
    import polars as pl

    if not _tells_closes(loads):
        return loads.drop("sort_id", "closes_at", strict=False)
    others = [name for name in loads.columns if name == "run_id"]
    bounded = pl.when(pl.col("capacity").is_not_null().all()).then(pl.col("capacity").sum())
    days = loads.group_by(*others, "date", "hub_id").agg(
        pl.col("handled").sum(),
        pl.col("held").max(),
        *([pl.col("staged").max()] if "staged" in loads.columns else []),
        bounded.alias("capacity"),
    )
    use = pl.when(pl.col("capacity") > 0).then(pl.col("handled") / pl.col("capacity"))
    idle = pl.when(pl.col("capacity").is_not_null() & (pl.col("handled") == 0)).then(0.0).otherwise(use)
    return days.with_columns(utilisation=idle).sort("date", "hub_id")


def count_nights(loads: pl.DataFrame) -> float:
    """Nights parcels wait in a plan, unsorted or sorted, all together [parcel-nights]: hours until the following sort closes / 24."""
    import polars as pl

    if not _tells_closes(loads):
        return float(loads["held"].sum())
    hours = (
        pl.col("closes_at").shift(-1).over("hub_id", order_by="closes_at") - pl.col("closes_at")
    ).dt.total_minutes() / 60
    waits = pl.sum_horizontal(pl.col(name) for name in ("held", "staged") if name in loads.columns)
    nights = loads.select((waits * hours.fill_null(24.0) / 24.0).sum())
    return float(nights.item())


def _tells_closes(loads: pl.DataFrame) -> bool:
    return "closes_at" in loads.columns and bool(loads["closes_at"].is_not_null().any())


def _sum_parcels() -> pl.Expr:
    import polars as pl

    return pl.col("parcels").sum()


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
