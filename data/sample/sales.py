"""Sales: the listed merchants' part of the parcels of every route and day, drawn from those parcels themselves."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from data.arrays import Ints
from data.constants import constant
from data.sample.merchants import UNITS_A_PARCEL, Trade
from data.sample.network import Network
from data.sample.promotions import Promoted
from data.sample.scale import AS_OF, FIRST_DAY, all_days, stream

Singles = npt.NDArray[np.float32]

# Most of a route's parcels of a day that listed merchants send.


@dataclass(frozen=True)
class SalesRules:
    """How sales fit into the parcels of routes."""

    most_of_a_route: float = constant(0.6, "1", "of a route's parcels that are sales, at most", "judgement")
    most_expected: float = constant(0.55, "1", "of them that are expected, at most", "judgement")
    noise_shape: float = constant(
        60.0, "1", "shape of the gamma noise of an item's day: standard deviation 1 / sqrt of it", "judgement"
    )


SALES = SalesRules()


def lift_routes(network: Network, trade: Trade, promoted: Promoted) -> Singles:
    """Compute what merchants' lives and promotions do to the parcels of each route: 1 + sum of share x taste x (factor - 1).

    Returns
    -------
    numpy.ndarray
        Shape (catchments, catchments, days).
    """
    count, days = len(network.home), trade.life.shape[1]
    lift = np.ones((count, count, days), dtype=np.float32)
    factor = trade.life * promoted.items[trade.item]
    for origin in np.unique(trade.catchment).tolist():
        here = trade.catchment == origin
        part = trade.share[here, None] * trade.taste[here]
        lift[origin] += np.einsum("pj,pt->jt", part, factor[here] - 1.0).astype(np.float32)
    return np.maximum(lift, np.float32(0.1))


def draw_shipments(
    trade: Trade, promoted: Promoted, lift: Singles, parcels: npt.NDArray[np.int64], first: int, seed: int
) -> npt.NDArray[np.int32]:
    """Draw which of the parcels of each route and day each item sends.

    Parameters
    ----------
    trade, promoted, lift
        The merchants, their promotions, and what both did to the routes (``lift_routes``).
    parcels
        Parcels over all couriers, shape (catchments, catchments, days).
    first
        Number of the first day wanted.
    seed
        Seed of the sample.

    Returns
    -------
    numpy.ndarray
        Shape (places, catchments, days from ``first`` on); no more than six tenths of any route and day is expected of all items.
    """
    random = stream(seed, "sales")
    days = parcels.shape[2] - first
    noise = random.gamma(SALES.noise_shape, 1.0 / SALES.noise_shape, (promoted.items.shape[0], days))
    factor = trade.life[:, first:] * promoted.items[trade.item][:, first:] * noise[trade.item]
    drawn = np.zeros((len(trade.item), parcels.shape[1], days), dtype=np.int32)
    for origin in np.unique(trade.catchment).tolist():
        here = np.nonzero(trade.catchment == origin)[0]
        part = (trade.share[here, None] * trade.taste[here])[:, :, None] * factor[here][:, None, :]
        part /= lift[origin][None, :, first:]
        part *= np.minimum(1.0, SALES.most_expected / np.maximum(part.sum(axis=0), 1e-12))[None, :, :]
        left, rest = parcels[origin, :, first:].copy(), np.ones(part.shape[1:])
        room = np.floor(SALES.most_of_a_route * left).astype(np.int64)
        for number, place in enumerate(here.tolist()):
            taken = np.minimum(random.binomial(left, np.clip(part[number] / rest, 0.0, 1.0)), room)
            drawn[place] = taken
            left, room, rest = left - taken, room - taken, np.maximum(rest - part[number], 1e-9)
    return drawn


def list_sales(network: Network, trade: Trade, shipments: npt.NDArray[np.int32], first: int, seed: int) -> pl.DataFrame:
    """List units and parcels by day, merchant, category and province of the buyer: columns of ``sales``, zeros left out.

    A buyer's province is that of the hub that delivers on the day, so that sales add up to parts of the routes' parcels.

    Parameters
    ----------
    network, trade
        The network and its merchants.
    shipments
        As ``draw_shipments`` returns them, or some days of it.
    first
        Number of its first day.
    seed
        Seed of the sample.
    """
    regions = network.hubs["region_id"].unique().sort()
    by_item = np.zeros((trade.items.height, regions.len(), shipments.shape[2]), dtype=np.int64)
    for start, end, serving in _periods(network, first, first + shipments.shape[2]):
        region = regions.search_sorted(network.hubs["region_id"].gather(serving)).to_numpy()
        np.add.at(by_item[:, :, start:end], (trade.item[:, None], region[None, :]), shipments[:, :, start:end])
    day, item, place = np.nonzero(np.moveaxis(by_item, 2, 0))
    parcels = by_item[item, place, day]
    extra = UNITS_A_PARCEL[trade.kind[item]] - 1.0
    units = parcels + stream(seed, f"units-{first}").poisson(parcels * extra)
    return pl.DataFrame(
        {
            "date": pl.Series(all_days()[first:]).gather(day),
            "merchant_id": trade.items["merchant_id"].gather(item),
            "category": trade.items["category"].gather(item),
            "destination_region_id": regions.gather(place),
            "units": units,
            "parcels": parcels,
        }
    ).sort("date", "merchant_id", "category", "destination_region_id")


def _periods(network: Network, first: int, last: int) -> list[tuple[int, int, Ints]]:
    """Runs of days between the network's changes, counted from ``first``, with the hub that serves each catchment in it."""
    days = all_days()
    turns = sorted({first, last, *(d for change in network.changes if first < (d := days.index(change.day)) < last)})
    return [(start - first, end - first, network.hubs_on(days[start])) for start, end in itertools.pairwise(turns)]


def list_senders(network: Network, trade: Trade, shipments: npt.NDArray[np.int32], first: int) -> pl.DataFrame:
    """List the merchants' parcels of recent days by route of hubs: ``day``, ``origin``, ``destination``, ``item``, ``parcels``.

    Parameters
    ----------
    network, trade
        The network and its merchants.
    shipments
        Shape (places, catchments, days), all days under the hubs of the as-of date.
    first
        Number of the first day, from which ``day`` counts.
    """
    serving = network.hubs_on(AS_OF)
    place, destination, day = np.nonzero(shipments)
    return (
        pl.DataFrame(
            {
                "day": day,
                "origin": serving[trade.catchment[place]],
                "destination": serving[destination],
                "item": trade.item[place],
                "parcels": shipments[place, destination, day].astype(np.int64),
            }
        )
        .group_by("day", "origin", "destination", "item")
        .agg(pl.col("parcels").sum())
        .sort("day", "origin", "destination", "item")
        .with_columns(pl.lit(FIRST_DAY + timedelta(days=first)).alias("first"))
    )


def list_sourcing(network: Network, trade: Trade, senders: pl.DataFrame) -> pl.DataFrame:
    """Count where each item's orders of a province leave from in recent weeks: rows of ``sourcing``, shares of 1."""
    hubs = network.hubs.select("hub_id", "region_id").with_row_index("number").cast({"number": pl.Int64})
    keys = ["merchant_id", "category", "region_id"]
    counted = (
        senders.filter(pl.col("first") + pl.duration(days="day") <= AS_OF)
        .join(hubs.select(destination="number", region_id="region_id"), on="destination")
        .join(hubs.select(origin="number", origin_hub_id="hub_id"), on="origin")
        .join(trade.items.with_row_index("item").cast({"item": pl.Int64}), on="item")
    )
    sums = counted.group_by(*keys, "origin_hub_id").agg(pl.col("parcels").sum())
    largest_last = sums.sort(*keys, "parcels", "origin_hub_id")
    share = (pl.col("parcels") / pl.col("parcels").sum().over(keys)).round(4)
    rest = 1.0 - (share.sum().over(keys) - share)
    is_last = pl.int_range(pl.len()).over(keys) == pl.len().over(keys) - 1
    return (
        largest_last.with_columns(share=pl.when(is_last).then(rest).otherwise(share).round(4))
        .filter(pl.col("share") > 0.0)
        .select(*keys, "origin_hub_id", date_from=pl.lit(AS_OF - timedelta(days=27)), share="share")
        .sort(*keys, "origin_hub_id")
    )
