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
from types import MappingProxyType
from typing import cast

import numpy as np
import polars as pl

from data.arrays import Floats, Ints
from routing.checker.cheapest_paths import Ends, Runs, price_paths
from routing.checker.departures import list_days, list_departures, list_hub_days
from routing.checker.promises import allow_days
from routing.checker.violations import Violation, collect

_ROUTE = ["date", "origin_hub_id", "destination_hub_id"]
_RUN = ["date", "lane_id"]
_MOST_DAYS_BEFORE = 120  # days without parcels that a plan may begin with
# what each kind of price is the price of
KINDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "sort": ("date", "hub_id"),
        "buffer": ("date", "hub_id"),
        "fleet": ("date", "vehicle_type_id"),
        "lane": ("date", "lane_id"),
        "option": ("date", "lane_id", "vehicle_type_id"),
        "potential": ("hub_id", "vehicle_type_id"),
        "room": ("date", "lane_id"),
        "opening": ("date", "lane_id", "demand_date", "origin_hub_id", "destination_hub_id"),
    }
)


@dataclass(frozen=True, slots=True)
class Costs:
    """Costs that stand in a plan's options: hold [CNY/parcel/night], short [CNY/parcel], late [CNY/parcel/day]."""

    hold: float = 0.0
    short: float = 0.0
    late: float = 0.0


def check_prices(frames: Mapping[str, pl.DataFrame], days: pl.DataFrame) -> tuple[pl.DataFrame, list[Violation]]:
    """Keep the rows of ``bound_prices`` that are prices of something, and list the others.

    Returns
    -------
    prices : polars.DataFrame
        Rows that count.
    violations : list of Violation
        Rule ``bound_prices.row``: an unknown kind, a price below 0 (potentials may be), a hub, lane, type or day that
        does not exist, a potential of hired vehicles.
    """
    rows, types = frames["bound_prices"], frames["vehicle_types"]
    known = {
        "date": pl.col("date").is_in(days["date"].implode()),
        "demand_date": pl.col("demand_date").is_in(days["date"].implode()),
        "lane_id": pl.col("lane_id").is_in(frames["lanes"]["lane_id"].implode()),
        "vehicle_type_id": pl.col("vehicle_type_id").is_in(types["vehicle_type_id"].implode()),
    }
    for column in ("hub_id", "origin_hub_id", "destination_hub_id"):
        known[column] = pl.col(column).is_in(frames["hubs"]["hub_id"].implode())
    own = types.filter(pl.col("ownership") == "own")["vehicle_type_id"]
    sound = pl.lit(False)
    for kind, needed in KINDS.items():
        told = pl.all_horizontal(known[column].fill_null(False) for column in needed)
        fits = pl.col("vehicle_type_id").is_in(own.implode()) if kind == "potential" else pl.col("price") >= 0
        sound = sound | ((pl.col("kind") == kind) & told & fits.fill_null(False))
    cells = [pl.col(c).cast(pl.String) for c in ("kind", "date", "hub_id", "lane_id", "vehicle_type_id", "price")]
    wrong = rows.filter(~sound).select(
        "date",
        where=pl.format("bound_prices row {}", "row"),
        found=pl.concat_str(cells, separator=" ", ignore_nulls=True),
        allowed=pl.lit("a price of 0 or more of a limit there is"),
    )
    return rows.filter(sound), collect("bound_prices.row", wrong, "{where} is {found}; expected {allowed}.")


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
    demand = frames["route_demand"].group_by(_ROUTE).agg(pl.col("parcels").sum()).filter(pl.col("parcels") > 0)
    demand = demand.sort(_ROUTE).with_row_index("demand")
    departures = list_departures(frames, days)
    runs = departures.unique(_RUN, keep="first", maintain_order=True).with_row_index("run")
    hubs = _number(frames["hubs"]["hub_id"].unique().sort(), "hub_id", "hub")
    opening = (
        _rows(prices, "opening")
        .join(runs.select("run", *_RUN), on=_RUN)
        .join(demand.rename({"date": "demand_date"}), on=["demand_date", *_ROUTE[1:]])
        .group_by("demand", "run")
        .agg(pl.col("price").sum(), pl.col("parcels").first())
        .sort("demand", "run")
    )
    departures = departures.join(runs.select("run", *_RUN), on=_RUN, maintain_order="left")
    room, earned = _share_costs(departures, runs, prices, opening, days, float(demand["parcels"].sum()))
    places = list_hub_days(frames, days)
    shape = (days.height, hubs.height)
    sort = _priced(places, prices, "sort").reshape(shape)
    night = _priced(places, prices, "buffer").reshape(shape)
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
    carried = float((demand["parcels"].to_numpy() * np.minimum(ways, costs.short)).sum())
    paid = _pay(sort, sort_limit) + _pay(night, buffer_limit) + _pay_limits(frames, departures, prices)
    return carried - paid + earned


def find_days(frames: Mapping[str, pl.DataFrame], last_day: date) -> pl.DataFrame:
    """Days of a plan: from its first demand, or a price shortly before it, to its last day."""
    first = cast(date | None, frames["route_demand"]["date"].min()) or last_day
    priced = frames["bound_prices"]["date"]
    early = cast(date | None, priced.filter(priced >= first - timedelta(days=_MOST_DAYS_BEFORE)).min())
    return list_days(min(day for day in (first, early, last_day) if day is not None), last_day)


def _rows(prices: pl.DataFrame, kind: str) -> pl.DataFrame:
    """Prices of a kind by what they are prices of."""
    keys = list(KINDS[kind])
    return prices.filter(pl.col("kind") == kind).group_by(keys).agg(pl.col("price").sum())


def _priced(frame: pl.DataFrame, prices: pl.DataFrame, kind: str, **columns: str) -> Floats:
    """Price of a kind for each row of a frame, 0 where there is none; `columns` names keys that are called otherwise."""
    right = list(KINDS[kind])
    left = [columns.get(key, key) for key in right]
    joined = frame.select(left).join(
        _rows(prices, kind), left_on=left, right_on=right, how="left", maintain_order="left"
    )
    values: Floats = joined["price"].fill_null(0.0).to_numpy()
    return values


def _number(names: pl.Series, column: str, number: str) -> pl.DataFrame:
    return pl.DataFrame({column: names, number: pl.Series(range(len(names)), dtype=pl.Int64)})


def _ints(frame: pl.DataFrame, column: str) -> Ints:
    return frame[column].to_numpy().astype(np.int64)


def _pay(price: Floats, limit: Floats) -> float:
    """Price x limit; a price of what has no limit costs without end."""
    bought = price > 0
    return float((price[bought] * limit[bought]).sum())


def _pay_limits(frames: Mapping[str, pl.DataFrame], departures: pl.DataFrame, prices: pl.DataFrame) -> float:
    """Price x limit of fleets, lanes and options; what cannot depart has a limit of 0."""
    fleets = _rows(prices, "fleet").join(
        frames["vehicle_types"].select("vehicle_type_id", "fleet_size"), on="vehicle_type_id"
    )
    paid = _pay(fleets["price"].to_numpy(), fleets["fleet_size"].fill_null(float("inf")).to_numpy())
    for kind, limit in (("lane", "lane_limit"), ("option", "type_limit")):
        keys = list(KINDS[kind])
        bought = _rows(prices, kind).join(departures.unique(keys), on=keys)
        paid += _pay(bought["price"].to_numpy(), bought[limit].to_numpy())
    return paid


def _price_departures(departures: pl.DataFrame, prices: pl.DataFrame, days: pl.DataFrame) -> Floats:
    """What each departure costs with the prices of all it takes up [CNY/departure]."""
    types = _number(departures["vehicle_type_id"].unique().sort(), "vehicle_type_id", "type")
    grid = types.join(days, how="cross").sort("type", "day")
    fleet = _priced(grid, prices, "fleet").reshape(types.height, days.height)
    summed = np.concatenate([np.zeros((types.height, 1)), np.cumsum(fleet, axis=1)], axis=1)
    kind = _ints(departures.join(types, on="vehicle_type_id", maintain_order="left"), "type")
    day = _ints(departures, "day")
    back = np.minimum(day + _ints(departures, "away"), days.height)
    price: Floats = departures["unit_cost"].to_numpy() + summed[kind, back] - summed[kind, day]
    price = price + _priced(departures, prices, "lane") + _priced(departures, prices, "option")
    return price + (
        _priced(departures, prices, "potential", hub_id="start")
        - _priced(departures, prices, "potential", hub_id="end")
    )


def _share_costs(
    departures: pl.DataFrame,
    runs: pl.DataFrame,
    prices: pl.DataFrame,
    opening: pl.DataFrame,
    days: pl.DataFrame,
    parcels: float,
) -> tuple[Floats, float]:
    """Price of room on each run [CNY/parcel], and what departures paid too much would earn [CNY], 0 or less."""
    run, capacity = _ints(departures, "run"), departures["capacity"].to_numpy()
    rest = _price_departures(departures, prices, days)
    if opening.height:
        offers = departures.with_row_index("departure").select("departure", "run", "capacity").join(opening, on="run")
        part = offers["price"].to_numpy() * np.minimum(offers["parcels"].to_numpy(), offers["capacity"].to_numpy())
        rest = rest - np.bincount(_ints(offers, "departure"), part, len(rest))
    room = np.full(runs.height, np.inf)
    np.minimum.at(room, run, np.maximum(rest, 0.0) / capacity)
    stated = runs.select(_RUN).join(_rows(prices, "room"), on=_RUN, how="left", maintain_order="left")["price"]
    room = np.where(stated.is_null().to_numpy(), room, stated.fill_null(0.0).to_numpy())
    short = np.minimum(rest - capacity * room[run], 0.0)
    # rounding of a division is no earning
    short = np.where(short < -1e-12 * np.maximum(np.abs(rest), 1.0), short, 0.0)
    # hired vehicles do not run empty: no plan of least cost has more of them than all parcels fill
    need = np.where((departures["ownership"] == "own").to_numpy(), np.inf, np.ceil(parcels / capacity))
    most = np.minimum(
        departures.select(pl.min_horizontal("lane_limit", "type_limit", "fleet_size")).to_series().to_numpy(), need
    )
    earning = short < 0
    each = np.where(earning, short * np.where(earning, most, 0.0), 0.0)
    by_day = (
        departures.select("day", "vehicle_type_id", "fleet_size")
        .with_columns(each=each, lowest=short)
        .filter(pl.col("lowest") < 0)
        .group_by("day", "vehicle_type_id")
        .agg(pl.col("each").sum(), whole=pl.col("lowest").min() * pl.col("fleet_size").first())
    )
    return room, float(by_day.select(pl.max_horizontal("each", "whole").sum()).item())


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
