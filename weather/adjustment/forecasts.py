"""Forecasts under the weather: parcels held back on bad days arrive later, and every level still adds up.

The pure part: frames in, frames out. Parcels of a route leave on a day as far as both ends can handle them; what is held
back leaves on the days after. All other levels move by exactly the parcels their routes moved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Floats, Ints
from data.keys import COURIER_ROUTE
from data.quantiles import QUANTILE_COLUMNS

ROUTE = COURIER_ROUTE
QUANTILES = QUANTILE_COLUMNS

CATCH_UP = 0.5
"""Share of the parcels waiting that leaves on a day of fair weather: half of what was held back is gone after one day,
three quarters after two."""


@dataclass(frozen=True)
class Moved:
    """Parcels of routes after the weather.

    Parameters
    ----------
    rows
        ``date``, route columns, ``before``, ``after`` [parcels]: one row a route and day with either, sorted.
    waiting
        Parcels that leave only after the last day.
    """

    rows: pl.DataFrame
    waiting: int


def parcels_before() -> pl.Expr:
    """Return the mean of forecast rows without their weather factor [parcels], whole."""
    fair = pl.col("baseline") * pl.col("event") * pl.col("override")
    return pl.when(pl.col("weather") == 1.0).then(pl.col("mean")).otherwise(fair.round(0).cast(pl.Int64))


def hold_back(due: Ints, handled: Floats, group: Ints, catch_up: float = CATCH_UP) -> tuple[Ints, Ints]:
    """Move parcels from days on which they cannot leave to the days after.

    Parameters
    ----------
    due
        Parcels that want to leave, shape (routes, days).
    handled
        Share that can, 0 to 1, same shape.
    group
        Routes whose roundings make up for each other, shape (routes,), ascending.
    catch_up
        Share of the waiting parcels that leaves on a fair day.

    Returns
    -------
    left
        Parcels that leave, same shape: whole, not negative.
    waiting
        Parcels that still wait after the last day, shape (routes,). Sums of ``due`` = sums of ``left`` + ``waiting``.

    Notes
    -----
    ``left_t = k_t (due_t + c b_{t-1})``, ``b_t = b_{t-1} + due_t - left_t``. What waits is rounded so that within a group the
    running sum is off by at most half a parcel.
    """
    left = np.zeros_like(due)
    waiting = np.zeros(due.shape[0], dtype=np.int64)
    for day in range(due.shape[1]):
        share = handled[:, day]
        present = waiting + due[:, day]
        stays = present - share * (due[:, day] + catch_up * waiting)
        waiting = np.minimum(round_in_groups(stays, group), present)
        left[:, day] = present - waiting
    return left, waiting


def round_in_groups(values: Floats, group: NDArray[np.int64]) -> Ints:
    """Round so that the sum of each group is off by at most half, and each value by less than one.

    Parameters
    ----------
    values
        Not negative, shape (n,).
    group
        Group of each value, ascending, shape (n,).
    """
    if values.size == 0:
        return np.zeros(0, dtype=np.int64)
    starts = np.flatnonzero(np.diff(group, prepend=group[0] - 1))
    total = np.cumsum(values)
    before = np.repeat(total[starts] - values[starts], np.diff(starts, append=values.size))
    running = total - before
    # just under a half: a lone parcel that half stays goes, else it would wait for ever
    whole = np.floor(running + 0.5 - 1e-6).astype(np.int64)
    earlier = np.concatenate([[0], whole[:-1]])
    earlier[starts] = 0
    return np.asarray(np.maximum(whole - earlier, 0), dtype=np.int64)


def move_routes(
    routes: pl.DataFrame,
    days: Sequence[date],
    hub_ids: Sequence[str],
    handled_out: Floats,
    handled_in: Floats,
    catch_up: float = CATCH_UP,
) -> Moved:
    """Hold parcels of routes back as the weather at both ends demands.

    Parameters
    ----------
    routes
        ``date``, route columns, ``before`` [parcels]: one row a route and day.
    days
        Every day of the forecast, in order.
    hub_ids
        Hubs of the next two.
    handled_out, handled_in
        Share of a hub's parcels that can be sent and received, shape (hubs, days).
    catch_up
        Share of the waiting parcels that leaves on a fair day.

    Returns
    -------
    Moved
        Sums of ``before`` = sums of ``after`` + ``waiting``.
    """
    keys = routes.select(ROUTE).unique().sort("origin_hub_id", "courier_id", "destination_hub_id").with_row_index("row")
    calendar = pl.DataFrame({"date": list(days)}, schema={"date": pl.Date}).with_row_index("column")
    hubs = pl.DataFrame({"hub": list(hub_ids)}, schema={"hub": pl.String}).with_row_index("position")
    ends = keys.join(hubs.rename({"hub": "origin_hub_id", "position": "origin"}), on="origin_hub_id", how="left")
    ends = ends.join(hubs.rename({"hub": "destination_hub_id", "position": "end"}), on="destination_hub_id", how="left")
    ends = ends.sort("row")
    placed = routes.join(keys, on=list(ROUTE)).join(calendar, on="date")
    due = np.zeros((keys.height, len(days)), dtype=np.int64)
    due[placed["row"].to_numpy(), placed["column"].to_numpy()] = placed["before"].to_numpy()
    origin, end = ends["origin"].to_numpy().astype(np.int64), ends["end"].to_numpy().astype(np.int64)
    handled = handled_out[origin] * handled_in[end]
    left, waiting = hold_back(due, handled, origin, catch_up)
    row, column = np.nonzero((due > 0) | (left > 0))
    moved = keys.drop("row")[row].with_columns(
        calendar["date"].gather(column).alias("date"),
        before=pl.Series(due[row, column]),
        after=pl.Series(left[row, column]),
    )
    return Moved(moved.select("date", *ROUTE, "before", "after").sort("date", *ROUTE), int(waiting.sum()))


def change_by_hub(moved: pl.DataFrame, extra: Sequence[str] = ()) -> pl.DataFrame:
    """Sum what routes moved to their hubs: ``date``, *extra*, ``hub_id``, ``direction`` (out, in), ``change`` [parcels].

    Parameters
    ----------
    moved
        Rows of ``Moved``.
    extra
        Columns kept apart, such as ``courier_id``.
    """
    parts = [
        moved.group_by("date", *extra, hub_id=pl.col(column)).agg(change=(pl.col("after") - pl.col("before")).sum())
        .with_columns(direction=pl.lit(direction))
        for column, direction in (("origin_hub_id", "out"), ("destination_hub_id", "in"))
    ]  # fmt: skip
    return pl.concat(parts).filter(pl.col("change") != 0).sort("date", *extra, "hub_id", "direction")


def change_by_region(hubs: pl.DataFrame, regions: pl.DataFrame, by_hub: pl.DataFrame) -> pl.DataFrame:
    """Sum what hubs moved to their regions and all regions above: ``date``, ``region_id``, ``direction``, ``change``.

    Parameters
    ----------
    hubs, regions
        Tables of the workspace.
    by_hub
        As ``change_by_hub`` returns it.
    """
    parents: Mapping[str, str | None] = dict(regions.select("region_id", "parent_region_id").iter_rows())
    pairs = []
    for hub, home in hubs.select("hub_id", "region_id").iter_rows():
        region, seen = home, set[str]()
        while region is not None and region not in seen:
            seen.add(region)
            pairs.append((hub, region))
            region = parents.get(region)
    belongs = pl.DataFrame(pairs, schema={"hub_id": pl.String, "region_id": pl.String}, orient="row")
    joined = by_hub.join(belongs, on="hub_id")
    return (
        joined.group_by("date", "region_id", "direction")
        .agg(pl.col("change").sum())
        .sort("date", "region_id", "direction")
    )


def share_among_outlets(
    forecast: pl.DataFrame, outlets: pl.DataFrame, by_hub: pl.DataFrame, outlet_weather: pl.DataFrame
) -> pl.DataFrame:
    """Part what a courier moved at a hub among its outlets there: those under worse weather give more and get less.

    Parameters
    ----------
    forecast
        ``date``, ``outlet_id``, ``direction`` (pickup, delivery), ``before`` [parcels].
    outlets
        Table ``outlets``.
    by_hub
        ``date``, ``courier_id``, ``hub_id``, ``direction`` (out, in), ``change``: see ``change_by_hub``.
    outlet_weather
        ``date``, ``outlet_id``, ``capacity_factor``.

    Returns
    -------
    polars.DataFrame
        ``date``, ``outlet_id``, ``direction``, ``change`` [parcels]: the rows that change. Sums over a hub's outlets are
        the courier's change there, unless its outlets have fewer parcels than it takes away.
    """
    facing = by_hub.with_columns(direction=pl.col("direction").replace_strict({"out": "pickup", "in": "delivery"}))
    rows = forecast.join(outlets.select("outlet_id", "courier_id", "hub_id"), on="outlet_id")
    rows = rows.join(facing, on=["date", "courier_id", "hub_id", "direction"])
    rows = rows.join(
        outlet_weather.select("date", "outlet_id", "capacity_factor"), on=["date", "outlet_id"], how="left"
    )
    keys = ["date", "courier_id", "hub_id", "direction"]
    rows = rows.sort(*keys, "outlet_id").with_columns(group=pl.struct(keys).rle_id().cast(pl.Int64))
    # after the change each outlet has its part by parcels x productivity; where nobody had any, equal parts
    weight = pl.col("before") * pl.col("capacity_factor").fill_null(1.0)
    weight = pl.when(weight.sum().over("group") > 0).then(weight).otherwise(1.0)
    target = (pl.col("before").sum().over("group") + pl.col("change")).clip(lower_bound=0)
    part = rows.select("group", part=target * weight / weight.sum().over("group"))
    after = round_in_groups(part["part"].to_numpy(), part["group"].to_numpy())
    changed = rows.with_columns(change=pl.Series(after) - pl.col("before"))
    return (
        changed.select("date", "outlet_id", "direction", "change")
        .filter(pl.col("change") != 0)
        .sort("date", "outlet_id", "direction")
    )


def apply_change(forecast: pl.DataFrame, change: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Move forecast rows by whole parcels; the weather's factor goes to its column.

    Parameters
    ----------
    forecast
        Rows of a ``*_forecasts`` table.
    change
        ``keys``, ``change`` [parcels]; rows without a change stay. Keys the forecast lacks become rows of their own.
    keys
        Columns that name a row: ``date`` and the level's.

    Returns
    -------
    polars.DataFrame
        Columns of ``forecast``, sorted by ``keys``. ``baseline x event x weather x override = mean`` exactly: ``baseline`` stays,
        except where the fair day had no parcel at all. Quantiles move in proportion to the mean, whole.
    """
    if forecast.is_empty():
        return forecast  # a level nobody forecast has nothing to move
    as_of = forecast["as_of"].max()
    joined = forecast.with_columns(before=parcels_before()).join(
        change.select(*keys, "change"), on=list(keys), how="full", coalesce=True
    )
    before, fair = pl.col("before"), pl.col("baseline") * pl.col("event") * pl.col("override")
    joined = joined.with_columns(
        pl.col("as_of").fill_null(as_of),
        pl.col("before", "mean", *QUANTILES).fill_null(0),
        pl.col("baseline").fill_null(0.0),
        pl.col("event", "weather", "override").fill_null(1.0),
        pl.col("change").fill_null(0),
    )
    after = (before + pl.col("change")).clip(lower_bound=0)
    joined = joined.with_columns(after=after)
    scaled = (
        pl.when(pl.col("mean") > 0)
        .then((pl.col(name) * (pl.col("after") / pl.col("mean"))).round(0).cast(pl.Int64))
        .otherwise(pl.col(name) + pl.col("after"))
        .alias(name)
        for name in QUANTILES
    )
    stands = (fair > 0.0) & (before > 0)
    divisor = pl.col("event") * pl.col("override")
    return (
        joined.with_columns(
            *scaled,
            weather=pl.when(stands & (pl.col("after") != before)).then(pl.col("after") / fair).otherwise(1.0),
            # no parcel on the fair day: those that arrive late have no baseline to be a factor of
            baseline=pl.when(stands).then(pl.col("baseline")).otherwise(pl.when(divisor > 0).then(pl.col("after") / divisor).otherwise(pl.col("after"))),
            event=pl.when(stands | (divisor > 0)).then(pl.col("event")).otherwise(1.0),
            override=pl.when(stands | (divisor > 0)).then(pl.col("override")).otherwise(1.0),
            mean=pl.col("after"),
        )
        .select(forecast.columns)
        .sort(list(keys))
    )  # fmt: skip
