"""Warehouses and what stands in them, and the couriers' prices, capacity and part of each merchant."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from data.arrays import Floats
from data.geography import ground_km, transit_hours
from data.sample.merchants import TRADE, Trade
from data.sample.network import COURIERS, Network
from data.sample.scale import AS_OF, Scale, stream


def list_preferences(merchants: pl.DataFrame, seed: int) -> pl.DataFrame:
    """List how merchants split their parcels over couriers: table ``courier_preferences``; shares sum to 1."""
    random = stream(seed, "preferences")
    strength = np.array([row[2] for row in COURIERS]) * 6.0
    shares = random.dirichlet(strength, merchants.height).round(4)
    shares[:, 0] = (1.0 - shares[:, 1:].sum(axis=1)).round(4)
    ids = merchants["merchant_id"].to_list()
    return pl.DataFrame(
        {
            "merchant_id": np.repeat(np.asarray(ids, dtype=object), len(COURIERS)).tolist(),
            "courier_id": [row[0] for row in COURIERS] * len(ids),
            "share": np.clip(shares, 0.0, 1.0).ravel(),
        }
    )


def choose_warehouse_hubs(network: Network, scale: Scale) -> npt.NDArray[np.int64]:
    """Return the numbers of the hubs that receive and send most: each has a warehouse."""
    return np.argsort(-_weigh(network), kind="stable")[: min(max(scale.hubs // 2, 6), 30)]


def _weigh(network: Network) -> Floats:
    serving = network.hubs_on(AS_OF)
    return np.asarray(np.bincount(serving, network.send + 2.0 * network.receive, minlength=network.hubs.height))


def list_warehouses(network: Network, scale: Scale, seed: int) -> pl.DataFrame:
    """List warehouses at the hubs that receive and send most: table ``warehouses``."""
    random = stream(seed, "warehouses")
    weight, hubs = _weigh(network), choose_warehouse_hubs(network, scale)
    dispatch = (
        scale.parcels_per_day * TRADE.share * weight[hubs] / weight[hubs].sum() * random.uniform(3.8, 5.0, len(hubs))
    )
    names = network.hubs["name"].to_list()
    return pl.DataFrame(
        {
            "warehouse_id": [f"W-{network.hub_ids[hub]}" for hub in hubs.tolist()],
            "name": [names[hub].replace(" hub", " warehouse") for hub in hubs.tolist()],
            "name_zh": network.hubs["name_zh"].gather(hubs) + "仓",
            "hub_id": [network.hub_ids[hub] for hub in hubs.tolist()],
            "kind": ["main" if number == 0 else "split" for number in range(len(hubs))],
            "storage_capacity": np.ceil(dispatch * 16.0 / 1000.0).astype(np.int64) * 1000,
            "dispatch_capacity": np.ceil(dispatch / 100.0).astype(np.int64) * 100,
            "storage_cost": random.uniform(0.006, 0.015, len(hubs)).round(4),
            "opening_cost": (random.uniform(0.004, 0.01, len(hubs)) * dispatch).round(-2),
        }
    ).sort("warehouse_id")


def list_stock(
    network: Network, warehouses: pl.DataFrame, trade: Trade, sales: pl.DataFrame, seed: int
) -> pl.DataFrame:
    """List what stands in the warehouses on the as-of date: 6 to 14 days of sales, most near home: table ``stock``.

    The rest stands in the warehouse from which a part of the item leaves; where home has no warehouse, all of it does.
    """
    random = stream(seed, "stock")
    recent = sales.filter(pl.col("date") > AS_OF - timedelta(days=28))
    daily = recent.group_by("merchant_id", "category").agg(pl.col("units").sum() / 28.0)
    at = dict(warehouses.select("hub_id", "warehouse_id").iter_rows())
    items = trade.items.with_columns(split=pl.Series([at[network.hub_ids[hub]] for hub in trade.split_hub.tolist()]))
    placed = items.join(daily, on=["merchant_id", "category"]).join(
        trade.merchants.select("merchant_id", "hub_id"), on="merchant_id"
    )
    rows = []
    for merchant, category, split, units, hub in placed.sort("merchant_id", "category").iter_rows():
        cover = float(random.uniform(6.0, 14.0))
        own = at.get(hub, split)
        parts = {own: 1.0} if own == split else {own: 0.75, split: 0.25}
        rows += [(merchant, category, name, int(units * cover * part), AS_OF) for name, part in parts.items()]
    columns = ["merchant_id", "category", "warehouse_id", "units", "as_of"]
    frame = pl.DataFrame(rows, schema=columns, orient="row").sort("merchant_id", "category", "warehouse_id")
    return _fit_storage(frame, warehouses)


def _fit_storage(stock: pl.DataFrame, warehouses: pl.DataFrame) -> pl.DataFrame:
    """Scale down what a warehouse holds above nine tenths of its room."""
    room = warehouses.select("warehouse_id", "storage_capacity")
    return (
        stock.join(room, on="warehouse_id", how="left", maintain_order="left")
        .with_columns(full=pl.col("units").sum().over("warehouse_id") / (0.9 * pl.col("storage_capacity")))
        .with_columns((pl.col("units") / pl.max_horizontal(pl.col("full"), 1.0)).floor().cast(pl.Int64))
        .select(stock.columns)
    )


def list_rates(network: Network, served: list[npt.NDArray[np.bool_]], seed: int) -> pl.DataFrame:
    """List price and promise of every route a courier serves: table ``courier_rates``.

    Parameters
    ----------
    network
        The network.
    served
        Hub pairs each courier serves, each of shape (hubs, hubs).
    seed
        Seed of the sample.
    """
    random = stream(seed, "rates")
    latitude, longitude = network.hubs["latitude"].to_numpy(), network.hubs["longitude"].to_numpy()
    ids = pl.Series(network.hub_ids)
    level = (2.45, 2.15, 2.60, 2.30)
    on_time = (0.955, 0.925, 0.965, 0.94)
    pieces = []
    for courier, (courier_id, _, _) in enumerate(COURIERS):
        origin, destination = np.nonzero(served[courier])
        distance = ground_km(latitude[origin], longitude[origin], latitude[destination], longitude[destination])
        noise = random.normal(0.0, 0.05, len(origin))
        hours = 14.0 + transit_hours(distance) + 0.15 * transit_hours(distance)
        pieces.append(
            pl.DataFrame(
                {
                    "courier_id": pl.repeat(courier_id, len(origin), eager=True),
                    "origin_hub_id": ids.gather(origin),
                    "destination_hub_id": ids.gather(destination),
                    "price": (level[courier] + 0.00055 * distance + noise).round(2),
                    "promised_hours": np.ceil(hours / 12.0) * 12.0,
                    "on_time_rate": np.clip(on_time[courier] - 0.00001 * distance + 0.2 * noise, 0.6, 0.999).round(3),
                }
            )
        )
    return pl.concat(pieces).sort("courier_id", "origin_hub_id", "destination_hub_id")


def list_courier_capacity(daily: list[Floats], days: list[date], seed: int) -> pl.DataFrame:
    """List what each courier could carry a day by month: table ``courier_capacity``.

    Parameters
    ----------
    daily
        Parcels a day by courier, each of shape (days,).
    days
        The days.
    seed
        Seed of the sample.
    """
    random = stream(seed, "courier-capacity")
    months = sorted({day.replace(day=1) for day in days})
    number = np.array([months.index(day.replace(day=1)) for day in days])
    rows = []
    for courier, (courier_id, _, _) in enumerate(COURIERS):
        for month in range(len(months)):
            top = np.quantile(daily[courier][number == month], 0.95)
            level = float(np.median(daily[courier][max(0, month * 30 - 60) : month * 30 + 30]))
            capacity = max(1.12 * top, 1.35 * level) * float(random.uniform(0.97, 1.03))
            rows.append((courier_id, months[month], int(round(capacity, -3))))
    return pl.DataFrame(rows, schema=["courier_id", "month", "parcels_per_day"], orient="row").sort(
        "courier_id", "month"
    )
