"""The lower bound of a trunk plan, recomputed from the tables and the prices kept with the plan.

Whoever has prices of at least 0 for the limits has a bound; how they were found does not matter, and nothing is solved here:

    bound = sum over demands of parcels x min(short cost, price of the cheapest way)
            - sum over limits of price x limit
            + sum over departures of most departures x min(0, what a departure costs less what is paid for it)

A departure costs its vehicle, the fleet's prices on the days it is away, the prices of its limits, and, of own vehicles, the
potential of the hub it leaves less that of the hub it reaches. It is paid for by the parcels aboard (price of room, where no
price is kept the most that no departure earns from) and by demands that pay for its opening by price x min(demand, capacity).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast

import numpy as np
import polars as pl

from data.arrays import Floats, Ints
from routing.checker.cheapest_paths import Ends, Runs, price_paths
from routing.checker.departures import list_days, list_departures, list_hub_days
from routing.checker.limits import LIMITS
from routing.checker.prices import name_date, pay, price_rows, rows_of
from routing.checker.promises import allow_days
from routing.checker.vehicle_prices import pay_limits, share_costs

_ROUTE = ["date", "origin_hub_id", "destination_hub_id"]
_RUN = ["when", "lane_id"]


@dataclass(frozen=True, slots=True)
class Costs:
    """Costs that stand in a plan's options: hold [CNY/parcel/night], short [CNY/parcel], late [CNY/parcel/day].

    ``left_out`` parcels, those whose way is dearest, count nothing: what is left bounds the cost of carrying the others.
    """

    hold: float = 0.0
    short: float = 0.0
    late: float = 0.0
    left_out: float = 0.0


def price_carried(parcels: Floats, ways: Floats, costs: Costs) -> float:
    """Price of all demands, each by its cheapest way or left short, but for what is left out [CNY]."""
    price = np.minimum(ways, costs.short)
    dearest = np.argsort(-price, kind="stable")
    gone = np.clip(costs.left_out - (np.cumsum(parcels[dearest]) - parcels[dearest]), 0.0, parcels[dearest])
    return float(((parcels[dearest] - gone) * price[dearest]).sum())


def recompute_bound(
    frames: Mapping[str, pl.DataFrame], prices: pl.DataFrame, days: pl.DataFrame, costs: Costs
) -> float:
    """Lower bound that the prices prove for plans done by the last of the days [CNY]; see the module for the formula.

    Parameters
    ----------
    frames
        Tables of the checker.
    prices
        Rows of ``bound_prices`` that `check_prices` let pass; several of one thing add up.
    days
        Days of the plan, as of ``list_days``.

    Returns
    -------
    float
        ``-inf`` when the prices prove nothing.
    """
    return value_routes(frames, prices, days, costs)[0]


def value_routes(
    frames: Mapping[str, pl.DataFrame],
    prices: pl.DataFrame,
    days: pl.DataFrame,
    costs: Costs,
    beside: pl.DataFrame | None = None,
) -> tuple[float, pl.DataFrame]:
    """Lower bound that the prices prove, and what a parcel costs on each route and day at them.

    Parameters
    ----------
    frames, prices, days, costs
        As of :func:`recompute_bound`.
    beside
        date, origin_hub_id, destination_hub_id: routes to price although nothing is asked on them.

    Returns
    -------
    bound
        [CNY]
    routes : polars.DataFrame
        date, origin_hub_id, destination_hub_id, parcels (0 of those beside), price [CNY/parcel], at most that of a parcel short.
    """
    demand = frames["route_demand"].group_by(_ROUTE).agg(pl.col("parcels").sum()).filter(pl.col("parcels") > 0)
    if beside is not None:
        more = beside.select(_ROUTE).unique().join(demand, on=_ROUTE, how="anti")
        demand = pl.concat([demand, more.with_columns(parcels=pl.lit(0.0).cast(demand.schema["parcels"]))])
    demand = demand.sort(_ROUTE).with_row_index("demand")
    departures = list_departures(frames, days).with_columns(
        when=name_date(), leaves="day", back=(pl.col("day") + pl.col("away")).clip(upper_bound=days.height)
    )
    runs = departures.unique(_RUN, keep="first", maintain_order=True).with_row_index("run")
    hubs = _number(frames["hubs"]["hub_id"].unique().sort(), "hub_id", "hub")
    opening = (
        rows_of(prices, "opening")
        .join(runs.select("run", *_RUN), on=_RUN)
        .join(demand.rename({"date": "demand_date"}), on=["demand_date", *_ROUTE[1:]])
        .group_by("demand", "run")
        .agg(pl.col("price").sum(), pl.col("parcels").first())
        .sort("demand", "run")
    )
    departures = departures.join(runs.select("run", *_RUN), on=_RUN, maintain_order="left")
    room, earned = share_costs(departures, runs, prices, opening, float(demand["parcels"].sum()))
    places = list_hub_days(frames, days).with_columns(when=name_date())
    shape = (days.height, hubs.height)
    sort = price_rows(places, prices, "sort").reshape(shape)
    night = price_rows(places, prices, "buffer").reshape(shape)
    sort_limit, buffer_limit = (places[c].to_numpy().reshape(shape) for c in ("sort_limit", "buffer_limit"))
    handling = places["handling_cost"].to_numpy().reshape(shape)
    placed = runs.join(hubs.rename({"hub_id": "start", "hub": "from"}), on="start", maintain_order="left").join(
        hubs.rename({"hub_id": "end", "hub": "to"}), on="end", maintain_order="left"
    )
    ways = _price_demands(
        frames,
        demand.join(days, on="date", maintain_order="left")
        .join(hubs.rename({"hub_id": "origin_hub_id", "hub": "from"}), on="origin_hub_id", maintain_order="left")
        .join(hubs.rename({"hub_id": "destination_hub_id", "hub": "to"}), on="destination_hub_id", maintain_order="left"),
        opening,
        Runs(
            _ints(placed, "day"), _ints(placed, "from"), _ints(placed, "to"), _ints(placed, "lag"),
            placed["parcel_cost"].to_numpy() + room,
        ),
        np.where(sort_limit > 0, handling + sort, np.inf),
        np.where(places["holds"].to_numpy().reshape(shape), costs.hold + night, np.inf),
        costs,
    )  # fmt: skip
    ways = np.minimum(ways, costs.short)
    carried = price_carried(demand["parcels"].to_numpy().astype(float), ways, costs)
    paid = pay(sort, sort_limit) + pay(night, buffer_limit) + pay_limits(frames, departures, prices)
    return carried - paid + earned, demand.select(*_ROUTE, "parcels", price=pl.Series(ways, dtype=pl.Float64))


def find_days(frames: Mapping[str, pl.DataFrame], last_day: date) -> pl.DataFrame:
    """Days of a plan: from its first demand, or a price shortly before it, to its last day."""
    first = cast(date | None, frames["route_demand"]["date"].min()) or last_day
    priced = frames["bound_prices"]["date"]
    early = cast(date | None, priced.filter(priced >= first - timedelta(days=LIMITS.days_before)).min())
    return list_days(min(day for day in (first, early, last_day) if day is not None), last_day)


def _number(names: pl.Series, column: str, number: str) -> pl.DataFrame:
    return pl.DataFrame({column: names, number: pl.Series(range(len(names)), dtype=pl.Int64)})


def _ints(frame: pl.DataFrame, column: str) -> Ints:
    return frame[column].to_numpy().astype(np.int64)


def _price_demands(
    frames: Mapping[str, pl.DataFrame],
    demand: pl.DataFrame,
    opening: pl.DataFrame,
    runs: Runs,
    sort_price: Floats,
    hold_price: Floats,
    costs: Costs,
) -> Floats:
    """Price of each demand's cheapest way [CNY/parcel]; demands of one end go together unless they pay for openings."""
    last = len(sort_price) - 1
    promised = demand.join(allow_days(frames), on=_ROUTE[1:], how="left", maintain_order="left")
    allowed = promised["allowed"].fill_null(float(last)).to_numpy()
    due = np.minimum(_ints(demand, "day") + allowed, last) if costs.late > 0 else np.full(demand.height, float(last))
    alone = demand["demand"].is_in(opening["demand"].unique().implode()).to_numpy()
    missing = (demand["from"].is_null() | demand["to"].is_null()).to_numpy()
    to, start = (demand[c].fill_null(0).to_numpy().astype(np.int64) for c in ("to", "from"))
    key = np.stack([to, due.astype(np.int64), np.where(alone, np.arange(demand.height) + 1, 0)], axis=1)
    ends, end = np.unique(key.reshape(-1, 3), axis=0, return_inverse=True)
    end = end.ravel().astype(np.int64)
    late = costs.late * np.maximum(0, np.arange(last + 1)[None, :] - ends[:, [1]])
    own_end = end[_ints(opening, "demand")]
    order = np.argsort(own_end, kind="stable")
    targets = Ends(
        ends[:, 0].astype(np.int64), late.astype(np.float64), own_end[order], _ints(opening, "run")[order],
        opening["price"].to_numpy()[order],
    )  # fmt: skip
    found = price_paths(runs, sort_price, hold_price, targets, start, _ints(demand, "day"), end)
    return np.where(missing, np.inf, found)
