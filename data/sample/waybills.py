"""Waybills of the last weeks: a sample of the parcels, each with the times of its way and what went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import numpy as np
import polars as pl

from data.arrays import Floats, Ints
from data.geography import ground_km, transit_hours
from data.sample.network import COURIERS, Network
from data.sample.outlets import OutletPlan
from data.sample.scale import AS_OF, Scale, stream

WEEKS = 4
# Share of parcels with an exception, by kind; bad weather at either end adds to it.
_EXCEPTIONS = ("delayed", "address", "refused", "damaged", "lost")
_EXCEPTION_SHARE = np.array([0.016, 0.008, 0.005, 0.002, 0.001])


@dataclass(frozen=True)
class Senders:
    """Who hands parcels in.

    Attributes
    ----------
    items
        Items of the merchants.
    parcels
        Parcels of theirs by route and day (``sales.list_senders``): a waybill names the merchant whose parcel it is, or none.
    """

    items: pl.DataFrame
    parcels: pl.DataFrame


def list_waybills(
    network: Network,
    plan: OutletPlan,
    volumes: pl.DataFrame,
    rates: pl.DataFrame,
    senders: Senders,
    slow: Floats,
    scale: Scale,
    seed: int,
) -> pl.DataFrame:
    """Draw waybills from the parcels of the last four weeks, as they stand at the end of the as-of date.

    Parameters
    ----------
    network, plan, scale, seed
        The network and its outlets.
    volumes
        Rows of ``route_volumes``, the day after the as-of date included: its parcels are ordered the evening before.
    rates
        Table ``courier_rates``, for the promise.
    senders
        Merchants' parcels among them.
    slow
        Hours a day's weather adds at a hub over those of a clear day, shape (hubs, days of the four weeks and one more).

    Returns
    -------
    pl.DataFrame
        Table ``waybills``: one parcel in so many, about ``scale.waybills`` in all, sorted by id.
    """
    random = stream(seed, "waybills")
    first = AS_OF - timedelta(days=7 * WEEKS - 1)
    recent = volumes.filter(pl.col("date").is_between(first, AS_OF + timedelta(days=1))).join(
        rates.select("courier_id", "origin_hub_id", "destination_hub_id", "promised_hours"),
        on=["courier_id", "origin_hub_id", "destination_hub_id"],
        how="left",
        maintain_order="left",
    )
    parcels = recent["parcels"].to_numpy().astype(np.float64)
    row = np.searchsorted(np.cumsum(parcels) / parcels.sum(), np.sort(random.random(scale.waybills)))
    drawn = recent[np.minimum(row, recent.height - 1)]
    hub_number = {hub: number for number, hub in enumerate(network.hub_ids)}
    origin = drawn["origin_hub_id"].replace_strict(hub_number, return_dtype=pl.Int64).to_numpy()
    destination = drawn["destination_hub_id"].replace_strict(hub_number, return_dtype=pl.Int64).to_numpy()
    courier_number = {row[0]: number for number, row in enumerate(COURIERS)}
    courier = drawn["courier_id"].replace_strict(courier_number, return_dtype=pl.Int64).to_numpy()
    day = (drawn["date"] - first).dt.total_days().to_numpy()
    serving = network.hubs_on(AS_OF)[plan.catchment]
    times = _way(network, origin, destination, courier, day, slow, random)
    picked_up = times[1]
    promised_hours = drawn["promised_hours"].fill_null(72.0).to_numpy()
    exception = _exceptions(random, slow[origin, day] + slow[destination, np.minimum(day + 1, slow.shape[1] - 1)])
    late = np.where(exception == 0, random.gamma(2.0, 14.0, len(day)), 0.0)
    stuck = exception >= 3
    times[2:] = [moment + late for moment in times[2:]]
    times[4] = np.where(stuck | (exception == 2), np.inf, times[4])
    times[3] = np.where(stuck, np.inf, times[3])
    # The as-of date ends at midnight in China.
    now = 24.0 * (slow.shape[1] - 1) - 8.0
    known = [np.where(moment <= now, moment, np.nan) for moment in times]
    reached = np.maximum(np.sum([~np.isnan(moment) for moment in known], axis=0), 1)
    # Between pick-up and arrival a parcel is on its way after some hours.
    moving = (reached == 2) & (known[1] + 5.0 < now)
    status = np.array(["created", "picked_up", "arrived", "out_for_delivery", "delivered", "in_transit"], dtype=object)
    merchant, category = _name_senders(
        random, volumes, senders.items, senders.parcels, day, origin, destination, hub_number
    )
    start = datetime.combine(first, time(), UTC)
    names = ("ordered_at", "picked_up_at", "arrived_at", "out_for_delivery_at", "delivered_at")
    exception_seen = np.where(
        np.isnan(known[4]) & ~np.isnan(known[1]) & ((exception != 2) | ~np.isnan(known[3])), exception, -1
    )
    waybills = pl.DataFrame(
        {
            "waybill_id": [f"P{AS_OF.year % 100}{number:010d}" for number in range(1, len(day) + 1)],
            "courier_id": drawn["courier_id"],
            "merchant_id": merchant,
            "category": category,
            "origin_hub_id": drawn["origin_hub_id"],
            "destination_hub_id": drawn["destination_hub_id"],
            "origin_outlet_id": _outlets(plan, serving, plan.send, courier, origin, random),
            "destination_outlet_id": _outlets(plan, serving, plan.receive, courier, destination, random),
        }
        | {name: _moments(start, series) for name, series in zip(names, known, strict=True)}
        | {
            "promised_at": _moments(start, picked_up + promised_hours),
            "status": status[np.where(moving, 5, reached - 1)].tolist(),
            "exception": pl.Series(
                np.array([*_EXCEPTIONS, None], dtype=object)[exception_seen].tolist(), dtype=pl.String
            ),
        }
    )
    return waybills.filter(pl.col("ordered_at").is_not_null())


def _way(
    network: Network,
    origin: Ints,
    destination: Ints,
    courier: Ints,
    day: Ints,
    slow: Floats,
    random: np.random.Generator,
) -> list[Floats]:
    """Hours since the first day at which each parcel is ordered, picked up, arrived, out for delivery, delivered."""
    count = len(origin)
    latitude, longitude = network.hubs["latitude"].to_numpy(), network.hubs["longitude"].to_numpy()
    distance = ground_km(latitude[origin], longitude[origin], latitude[destination], longitude[destination])
    pace = np.array([1.0, 1.08, 0.95, 1.04])[courier]
    # The business day is China's, eight hours ahead; orders come in the evening before, pick-up in the afternoon.
    picked_up = 24.0 * day - 8.0 + np.clip(random.normal(16.5, 2.5, count), 1.0, 23.5)
    ordered = picked_up - random.gamma(2.2, 4.5, count) - 0.5
    weather = slow[origin, day] + slow[destination, np.minimum(day + 1, slow.shape[1] - 1)]
    travel = np.where(origin == destination, 8.0, 5.0 + transit_hours(distance)) * pace
    arrived = picked_up + travel + weather + random.gamma(2.0, 2.0, count)
    # Vans leave at eight in the morning or at two in the afternoon, China time.
    local = arrived + 8.0 + 1.5
    hour = local % 24.0
    leaves = np.where(hour <= 8.0, 8.0, np.where(hour <= 14.0, 14.0, 32.0)) - hour
    out = local + leaves - 8.0 + random.uniform(0.0, 0.8, count)
    delivered = out + np.clip(random.gamma(2.5, 1.3, count), 0.3, 11.0)
    return [ordered, picked_up, arrived, out, delivered]


def _exceptions(random: np.random.Generator, weather_hours: Floats) -> Ints:
    """Number of the exception of each parcel, -1 for none."""
    share = np.tile(_EXCEPTION_SHARE, (len(weather_hours), 1))
    share[:, 0] += np.clip(weather_hours / 60.0, 0.0, 0.3)
    edges = np.cumsum(share, axis=1)
    drawn = random.random(len(weather_hours))
    kind = (drawn[:, None] >= edges).sum(axis=1)
    return np.where(kind == len(_EXCEPTIONS), -1, kind).astype(np.int64)


def _outlets(
    plan: OutletPlan, serving: Ints, share: Floats, courier: Ints, hub: Ints, random: np.random.Generator
) -> pl.Series:
    """Outlet of each parcel among those of its courier at its hub; empty where the hub has none left."""
    couriers = len(COURIERS)
    key = serving * couriers + plan.courier
    order = np.argsort(key, kind="stable")
    running = np.cumsum(share[order])
    sorted_key = key[order]
    wanted = hub * couriers + courier
    first = np.searchsorted(sorted_key, wanted, side="left")
    last = np.searchsorted(sorted_key, wanted, side="right")
    begin = np.where(first > 0, running[np.maximum(first - 1, 0)], 0.0)
    end = np.where(last > 0, running[np.maximum(last - 1, 0)], 0.0)
    position = np.searchsorted(running, begin + (end - begin) * random.random(len(hub)), side="right")
    position = np.clip(position, first, np.maximum(last - 1, first))
    ids = [*plan.outlets["outlet_id"].gather(order), None]
    return pl.Series(ids, dtype=pl.String).gather(np.where(last > first, position, len(order)))


def _name_senders(
    random: np.random.Generator,
    volumes: pl.DataFrame,
    items: pl.DataFrame,
    senders: pl.DataFrame,
    day: Ints,
    origin: Ints,
    destination: Ints,
    hub_number: dict[str, int],
) -> tuple[pl.Series, pl.Series]:
    """Whose parcel each waybill is: each parcel of its day and route is as likely as any other."""
    hubs = len(hub_number)
    sums = volumes.group_by("date", "origin_hub_id", "destination_hub_id").agg(pl.col("parcels").sum())
    ends = [
        sums[name].replace_strict(hub_number, return_dtype=pl.Int64).to_numpy()
        for name in ("origin_hub_id", "destination_hub_id")
    ]
    since = (sums["date"] - senders["first"][0]).dt.total_days().to_numpy()
    totals = dict(zip(((since * hubs + ends[0]) * hubs + ends[1]).tolist(), sums["parcels"].to_list(), strict=True))
    key = (senders["day"].to_numpy() * hubs + senders["origin"].to_numpy()) * hubs + senders["destination"].to_numpy()
    running = np.concatenate([[0], np.cumsum(senders["parcels"].to_numpy())])
    wanted = (day * hubs + origin) * hubs + destination
    first, last = np.searchsorted(key, wanted, side="left"), np.searchsorted(key, wanted, side="right")
    drawn = running[first] + random.random(len(day)) * np.array([totals[k] for k in wanted.tolist()])
    row = np.searchsorted(running, drawn, side="right") - 1
    item = np.append(senders["item"].to_numpy(), items.height)[np.where(drawn < running[last], row, senders.height)]
    nobody = pl.Series([None], dtype=pl.String)
    return (
        pl.concat([items["merchant_id"], nobody]).gather(item),
        pl.concat([items["category"], nobody]).gather(item),
    )


def _moments(start: datetime, hours: Floats) -> pl.Series:
    """Timestamps, to the second, of hours since ``start``; empty where the hours are not a number."""
    known = np.isfinite(hours)
    microseconds = np.where(known, np.floor(np.where(known, hours, 0.0) * 3600.0) * 1e6, 0.0).astype(np.int64)
    epoch = int(start.timestamp()) * 1_000_000
    moments = pl.Series(microseconds + epoch).cast(pl.Datetime("us", "UTC"))
    return pl.select(pl.when(pl.Series(known)).then(moments)).to_series()
