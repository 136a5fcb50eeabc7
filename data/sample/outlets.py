"""Outlets of the couriers and the parcels they pick up and deliver."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from data.arrays import Floats, Ints
from data.sample.network import COURIERS, Network
from data.sample.scale import AS_OF, Scale, stream


@dataclass(frozen=True)
class OutletPlan:
    """Outlets with what shares the volume of their catchment out among them.

    Parameters
    ----------
    outlets
        ``outlet_id``, ``name``, ``courier_id``, ``hub_id``, ``latitude``, ``longitude``, one row an outlet.
    courier, catchment
        Number of the courier and of the catchment, shape (outlets,).
    send, receive
        Share of the catchment's parcels of that courier, shape (outlets,).
    """

    outlets: pl.DataFrame
    courier: Ints
    catchment: Ints
    send: Floats
    receive: Floats


def place_outlets(network: Network, scale: Scale, seed: int) -> OutletPlan:
    """Give every courier an outlet in every catchment and the rest to the cities with most parcels."""
    random = stream(seed, "outlets")
    catchments, couriers = len(network.home), len(COURIERS)
    weight = (network.send + network.receive)[:, None] * np.asarray([row[2] for row in COURIERS])[None, :]
    spare = scale.outlets - catchments * couriers
    counts = 1 + _apportion(weight.ravel(), max(spare, 0)).reshape(weight.shape)
    catchment, courier = (np.repeat(axis.ravel(), counts.ravel()) for axis in np.indices(counts.shape))
    number = len(catchment)
    city = np.empty(number, dtype=np.int64)
    home = network.home[catchment]
    city_home = network.cities["catchment"].to_numpy()
    city_weight = network.cities["receive"].to_numpy()
    for hub in np.unique(home).tolist():
        members, places = np.nonzero(home == hub)[0], np.nonzero(city_home == hub)[0]
        shares = city_weight[places] / city_weight[places].sum()
        # Every city has an outlet before one has many.
        first = places[np.argsort(-shares, kind="stable")]
        drawn = random.choice(places, size=max(len(members) - len(first), 0), p=shares)
        city[members] = random.permutation(np.concatenate([first, drawn])[: len(members)])
    latitude = network.cities["latitude"].to_numpy()[city] + random.normal(0.0, 0.06, number)
    longitude = network.cities["longitude"].to_numpy()[city] + random.normal(0.0, 0.06, number)
    size = random.lognormal(0.0, 0.6, number)
    serving = network.hubs_on(AS_OF)[catchment]
    cities, cities_zh = network.cities["name"].to_list(), network.cities["name_zh"].to_list()
    courier_ids = [COURIERS[c][0] for c in courier.tolist()]
    outlets = pl.DataFrame(
        {
            "outlet_id": [f"{c}-{n:04d}" for c, n in zip(courier_ids, range(1, number + 1), strict=True)],
            "name": [f"{cities[place]} outlet {n}" for n, place in enumerate(city.tolist(), start=1)],
            "name_zh": [f"{cities_zh[place]}{n}号网点" for n, place in enumerate(city.tolist(), start=1)],
            "courier_id": courier_ids,
            "hub_id": [network.hub_ids[hub] for hub in serving.tolist()],
            "latitude": latitude.round(4),
            "longitude": longitude.round(4),
        }
    )
    group = catchment * couriers + courier
    receive_weight = size * city_weight[city] ** 0.5
    send_weight = receive_weight * random.lognormal(0.0, 0.5, number)
    return OutletPlan(outlets, courier, catchment, _within(group, send_weight), _within(group, receive_weight))


def _apportion(weight: Floats, total: int) -> Ints:
    """Whole numbers in proportion to ``weight`` that sum to ``total`` (largest remainders)."""
    exact = weight / weight.sum() * total
    whole: Ints = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return whole


def _within(group: Ints, weight: Floats) -> Floats:
    shares: Floats = weight / np.bincount(group, weight)[group]
    return shares


def split_over_outlets(
    plan: OutletPlan, courier: int, volume: Ints, share: Floats, random: np.random.Generator
) -> tuple[Ints, Ints]:
    """Share a courier's daily parcels of each catchment out among its outlets, to the parcel.

    Parameters
    ----------
    plan
        The outlets.
    courier
        Number of the courier.
    volume
        Parcels, shape (catchments, days).
    share
        ``plan.send`` or ``plan.receive``, of every day alike with shape (outlets,), or by day with shape (outlets, days).
    random
        Source of the day-to-day noise of the shares.

    Returns
    -------
    outlets
        Numbers of the courier's outlets, shape (n,).
    parcels
        Shape (n, days); sums to ``volume`` over the outlets of each catchment.
    """
    members = np.nonzero(plan.courier == courier)[0]
    members = members[np.argsort(plan.catchment[members], kind="stable")]
    catchment = plan.catchment[members]
    starts = np.concatenate([[0], np.nonzero(np.diff(catchment))[0] + 1])
    noise = np.exp(random.normal(0.0, 0.08, (len(members), volume.shape[1])))
    weight = (share[members][:, None] if share.ndim == 1 else share[members]) * noise
    total = np.add.reduceat(weight, starts, axis=0)
    lengths = np.diff(np.append(starts, len(members)))
    running = np.cumsum(weight, axis=0)
    before = np.repeat(running[starts] - weight[starts], lengths, axis=0)
    # Whole parcels by rounding the running sums of each catchment: differences of whole numbers that end at the volume.
    upper = np.rint((running - before) / np.repeat(total, lengths, axis=0) * volume[catchment]).astype(np.int64)
    lower = np.vstack([np.zeros((1, volume.shape[1]), dtype=np.int64), upper[:-1]])
    lower[starts] = 0
    return members, upper - lower
