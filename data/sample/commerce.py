"""Merchants, what they sell and where it stands, and the couriers' prices and capacity."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from data.geography import ground_km, transit_hours
from data.sample.network import COURIERS, Network
from data.sample.scale import AS_OF, FIRST_DAY, Scale, history_length, stream
from data.sample.seasons import DayFactors

Floats = npt.NDArray[np.float64]

CATEGORIES = ("apparel", "beauty", "books", "electronics", "food", "home", "sports", "toys")
_SPIKE = np.array([1.2, 1.35, 0.7, 1.1, 0.8, 1.0, 0.95, 1.05])
_UNITS_A_PARCEL = np.array([1.3, 1.5, 1.8, 1.05, 1.6, 1.2, 1.1, 1.3])
# A merchant's part of all parcels of a normal day: together the listed merchants send a sixth of the network's.
_MERCHANT_SHARE = 1.0 / 6.0


def list_merchants(network: Network, scale: Scale, seed: int) -> pl.DataFrame:
    """List merchants at hubs in proportion to what is sent there: table ``merchants``. The names are invented."""
    random = stream(seed, "merchants")
    serving = network.hubs_on(AS_OF)
    sent = np.bincount(serving, network.send, minlength=network.hubs.height)
    hub = random.choice(network.hubs.height, size=scale.merchants, p=sent / sent.sum())
    growth = random.lognormal(np.log(1.15), 0.15, scale.merchants)
    return pl.DataFrame(
        {
            "merchant_id": [f"M{number:04d}" for number in range(1, scale.merchants + 1)],
            "name": [f"Merchant {number}" for number in range(1, scale.merchants + 1)],
            "hub_id": [network.hub_ids[number] for number in hub.tolist()],
            "growth": growth.round(3),
        }
    )


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


def list_assortment(merchants: pl.DataFrame, seed: int) -> pl.DataFrame:
    """List which categories each merchant sells and its part: ``merchant``, ``category`` (numbers), ``weight``."""
    random = stream(seed, "assortment")
    size = random.pareto(1.3, merchants.height) + 0.3
    merchant, category, weight = [], [], []
    for number in range(merchants.height):
        count = int(random.integers(1, 4))
        picked = np.sort(random.choice(len(CATEGORIES), size=count, replace=False))
        merchant += [number] * count
        category += picked.tolist()
        weight += (size[number] * random.dirichlet(np.full(count, 2.0))).tolist()
    weights = np.asarray(weight)
    return pl.DataFrame({"merchant": merchant, "category": category, "weight": weights / weights.sum()})


def list_sales(
    network: Network, assortment: pl.DataFrame, merchants: pl.DataFrame, factors: DayFactors, scale: Scale, seed: int
) -> pl.DataFrame:
    """List units sold a day by merchant, category and province of the buyer: table ``sales``, zeros left out."""
    random = stream(seed, "sales")
    days = slice(history_length() - scale.sales_days, history_length())
    receive = network.cities.group_by("province_id").agg(pl.col("receive").sum()).sort("province_id")
    share = receive["receive"].to_numpy() / receive["receive"].sum()
    category = assortment["category"].to_numpy()
    weight = assortment["weight"].to_numpy()
    growth = merchants["growth"].to_numpy()[assortment["merchant"].to_numpy()]
    taste = random.lognormal(0.0, 0.35, (len(category), len(share)))
    base = (
        scale.parcels_per_day
        * _MERCHANT_SHARE
        * weight[:, None]
        * share[None, :]
        * taste
        * _UNITS_A_PARCEL[category][:, None]
    )
    years = np.arange(-scale.sales_days + 1, 1) / 365.25
    level = (factors.normal / factors.growth)[days]
    spike = _SPIKE[category][:, None] * random.lognormal(0.0, 0.25, len(category))[:, None]
    event = 1.0 + spike * np.maximum(factors.excess[days], -0.4)[None, :]
    over_days = level[None, :] * event * np.exp(np.log(growth)[:, None] * years[None, :])
    noise = random.gamma(8.0, 1.0 / 8.0, (len(category), len(share), scale.sales_days))
    units = random.poisson(base[:, :, None] * over_days[:, None, :] * noise)
    day, item, region = np.nonzero(np.moveaxis(units, 2, 0))
    sold = units[item, region, day]
    parcels = np.maximum(np.rint(sold / _UNITS_A_PARCEL[category[item]]), 1.0).astype(np.int64)
    first = FIRST_DAY + timedelta(days=history_length() - scale.sales_days)
    dates = pl.Series([first + timedelta(days=number) for number in range(scale.sales_days)], dtype=pl.Date)
    names = pl.Series(CATEGORIES)
    return pl.DataFrame(
        {
            "date": dates.gather(day),
            "merchant_id": merchants["merchant_id"].gather(assortment["merchant"].to_numpy()[item]),
            "category": names.gather(category[item]),
            "destination_region_id": receive["province_id"].gather(region),
            "units": sold.astype(np.int64),
            "parcels": parcels,
        }
    ).sort("date", "merchant_id", "category", "destination_region_id")


def list_warehouses(network: Network, scale: Scale, seed: int) -> pl.DataFrame:
    """List warehouses at the hubs that receive and send most: table ``warehouses``."""
    random = stream(seed, "warehouses")
    serving = network.hubs_on(AS_OF)
    weight = np.bincount(serving, network.send + 2.0 * network.receive, minlength=network.hubs.height)
    hubs = np.argsort(-weight, kind="stable")[: min(max(scale.hubs // 2, 6), 30)]
    dispatch = (
        scale.parcels_per_day
        * _MERCHANT_SHARE
        * weight[hubs]
        / weight[hubs].sum()
        * random.uniform(2.8, 4.0, len(hubs))
    )
    names = network.hubs["name"].to_list()
    return pl.DataFrame(
        {
            "warehouse_id": [f"W-{network.hub_ids[hub]}" for hub in hubs.tolist()],
            "name": [names[hub].replace(" hub", " warehouse") for hub in hubs.tolist()],
            "hub_id": [network.hub_ids[hub] for hub in hubs.tolist()],
            "storage_capacity": np.ceil(dispatch * 16.0 / 1000.0).astype(np.int64) * 1000,
            "dispatch_capacity": np.ceil(dispatch / 100.0).astype(np.int64) * 100,
            "storage_cost": random.uniform(0.006, 0.015, len(hubs)).round(4),
            "opening_cost": (random.uniform(0.004, 0.01, len(hubs)) * dispatch).round(-2),
        }
    ).sort("warehouse_id")


def list_stock(warehouses: pl.DataFrame, merchants: pl.DataFrame, sales: pl.DataFrame, seed: int) -> pl.DataFrame:
    """List what stands in the warehouses on the as-of date: about ten days of sales, mostly near home: table ``stock``."""
    random = stream(seed, "stock")
    recent = sales.filter(pl.col("date") > AS_OF - timedelta(days=28))
    daily = recent.group_by("merchant_id", "category").agg(pl.col("units").sum() / 28.0).sort("merchant_id", "category")
    home = dict(warehouses.select("hub_id", "warehouse_id").iter_rows())
    hub_of = dict(merchants.select("merchant_id", "hub_id").iter_rows())
    ids = warehouses["warehouse_id"].to_list()
    rows = []
    for merchant, category, units in daily.iter_rows():
        own = home.get(hub_of[merchant], ids[int(random.integers(0, len(ids)))])
        others = [name for name in ids if name != own]
        second = others[int(random.integers(0, len(others)))]
        cover = float(random.uniform(6.0, 14.0))
        rows.append((merchant, category, own, int(units * cover * 0.75), AS_OF))
        rows.append((merchant, category, second, int(units * cover * 0.25), AS_OF))
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


def list_promotions(assortment: pl.DataFrame, merchants: pl.DataFrame, seed: int) -> pl.DataFrame:
    """List which merchants join the waves of the coming season and the last one: table ``promotions``."""
    random = stream(seed, "promotions")
    rows = []
    ids = merchants["merchant_id"].to_list()
    for merchant, category, _ in assortment.iter_rows():
        for year in (AS_OF.year - 1, AS_OF.year):
            for event in ("double-11-opening", "double-11"):
                venue = ("main", "branch", "none")[int(random.choice(3, p=[0.2, 0.5, 0.3]))]
                discount = round(float(random.uniform(0.1, 0.5)), 2) if venue != "none" else None
                rows.append((ids[merchant], CATEGORIES[category], f"{event}-{year}", venue, discount))
    columns = {
        "merchant_id": pl.String,
        "category": pl.String,
        "event_id": pl.String,
        "venue": pl.String,
        "discount": pl.Float64,
    }
    return pl.DataFrame(rows, schema=columns, orient="row").sort("merchant_id", "category", "event_id")


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
