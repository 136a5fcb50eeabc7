"""What departures cost with the prices of all they take up, and the price of room on them that follows from it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from data.arrays import Floats, Ints
from routing.checker.prices import KINDS, pay, price_rows, rows_of

_RUN = ["when", "lane_id"]


def pay_limits(frames: Mapping[str, pl.DataFrame], departures: pl.DataFrame, prices: pl.DataFrame) -> float:
    """Price x limit of fleets, lanes and options; what cannot depart has a limit of 0."""
    fleets = rows_of(prices, "fleet").join(
        frames["vehicle_types"].select("vehicle_type_id", "fleet_size"), on="vehicle_type_id"
    )
    paid = pay(fleets["price"].to_numpy(), fleets["fleet_size"].fill_null(float("inf")).to_numpy())
    for kind, limit in (("lane", "lane_limit"), ("option", "type_limit")):
        keys = list(KINDS[kind])
        bought = rows_of(prices, kind).join(departures.unique(keys), on=keys)
        paid += pay(bought["price"].to_numpy(), bought[limit].to_numpy())
    return paid + _pay_stands(frames, prices)


def _pay_stands(frames: Mapping[str, pl.DataFrame], prices: pl.DataFrame) -> float:
    """Potential x vehicles that are to be gone from where they stand at the start, by ``vehicle_stands``."""
    ends = pl.col("vehicles_at_end").fill_null(pl.col("vehicles_at_start"))
    gone = frames["vehicle_stands"].select("vehicle_type_id", "hub_id", gone=pl.col("vehicles_at_start") - ends)
    worth = rows_of(prices, "potential").join(gone, on=["vehicle_type_id", "hub_id"])
    return float((worth["price"] * worth["gone"]).sum())


def share_costs(
    departures: pl.DataFrame, runs: pl.DataFrame, prices: pl.DataFrame, opening: pl.DataFrame, parcels: float
) -> tuple[Floats, float]:
    """Price of room on each run [CNY/parcel], and what departures paid too much would earn [CNY], 0 or less.

    Parameters
    ----------
    departures
        run, when, lane_id, vehicle_type_id, start, end, leaves, back (moments as of ``prices``), ownership, capacity [parcels],
        unit_cost [CNY/departure], lane_limit, type_limit [departures], fleet_size [vehicles].
    runs
        when, lane_id; a row each run, in the order of their numbers.
    prices
        Rows of ``bound_prices`` that count.
    opening
        demand, run, price [CNY/parcel], parcels: demands that pay for the opening of a run.
    parcels
        Of all demands.
    """
    run, capacity = _ints(departures, "run"), departures["capacity"].to_numpy()
    rest = _price_departures(departures, prices)
    if opening.height:
        offers = departures.with_row_index("departure").select("departure", "run", "capacity").join(opening, on="run")
        part = offers["price"].to_numpy() * np.minimum(offers["parcels"].to_numpy(), offers["capacity"].to_numpy())
        rest = rest - np.bincount(_ints(offers, "departure"), part, len(rest))
    room = np.full(runs.height, np.inf)
    np.minimum.at(room, run, np.maximum(rest, 0.0) / capacity)
    stated = runs.select(_RUN).join(rows_of(prices, "room"), on=_RUN, how="left", maintain_order="left")["price"]
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
    by_moment = (
        departures.select("leaves", "vehicle_type_id", "fleet_size")
        .with_columns(each=each, lowest=short)
        .filter(pl.col("lowest") < 0)
        .group_by("leaves", "vehicle_type_id")
        .agg(pl.col("each").sum(), whole=pl.col("lowest").min() * pl.col("fleet_size").first())
    )
    return room, float(by_moment.select(pl.max_horizontal("each", "whole").sum()).item())


def _price_departures(departures: pl.DataFrame, prices: pl.DataFrame) -> Floats:
    """What each departure costs with the prices of all it takes up [CNY/departure]."""
    price: Floats = departures["unit_cost"].to_numpy() + _price_absence(departures, prices)
    price = price + price_rows(departures, prices, "lane") + price_rows(departures, prices, "option")
    return price + (
        price_rows(departures, prices, "potential", hub_id="start")
        - price_rows(departures, prices, "potential", hub_id="end")
    )


def _price_absence(departures: pl.DataFrame, prices: pl.DataFrame) -> Floats:
    """Prices of the fleet from when a departure leaves until its vehicle is back [CNY/departure]."""
    total = np.zeros(departures.height)
    leaves, back = _ints(departures, "leaves"), _ints(departures, "back")
    kinds = departures["vehicle_type_id"].to_numpy()
    fleets = prices.filter(pl.col("kind") == "fleet").sort("moment")
    for (kind,), rows in fleets.group_by("vehicle_type_id", maintain_order=True):
        moments = _ints(rows, "moment")
        summed = np.concatenate([[0.0], np.cumsum(rows["price"].to_numpy())])
        mine = np.flatnonzero(kinds == kind)
        total[mine] = summed[np.searchsorted(moments, back[mine])] - summed[np.searchsorted(moments, leaves[mine])]
    return total


def _ints(frame: pl.DataFrame, column: str) -> Ints:
    return frame[column].to_numpy().astype(np.int64)
