"""How many days after its pick-up a parcel goes out to its receiver."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl

from data.arrays import Matrix
from data.constants import constant
from forecasting.inputs import ForecastInputs

LONGEST_TRANSIT = 10
"""Days after which a parcel counts as delivered at the latest."""


@dataclass(frozen=True)
class TransitRules:
    """How days from pick-up to delivery are learnt."""

    pseudo_waybills: float = constant(50.0, "waybills", "of the lanes' hours in a route's transit time", "judgement")
    fewest_waybills: int = constant(100, "waybills", "from which transit times are learnt at all", "judgement")
    out_from_due: tuple[float, ...] = constant(
        (0.65, 0.27, 0.08), "share of parcels", "out for delivery on the day due, one and two days later", "judgement"
    )
    same_hub: float = constant(12.0, "hours", "between outlets of one hub", "judgement")
    unknown: float = constant(36.0, "hours", "of a route no lanes lead along", "judgement")
    days_to_align: int = constant(28, "days", "of deliveries from which a shift is looked for", "judgement")
    most_shift: int = constant(3, "days", "that transit times are moved, either way", "judgement")
    worth_shifting: float = constant(0.2, "1", "part of the squared error that a shift must take off", "judgement")


TRANSIT = TransitRules()


def learn_transit_times(inputs: ForecastInputs, as_of: dt.date, routes: pl.DataFrame) -> Matrix:
    """Return how the parcels of each route spread over the days after their pick-up.

    Parameters
    ----------
    inputs
        Waybills, if there are any, lanes, if there are any, and the time zone.
    as_of
        Last known day. Waybills of the last ten days are left out: of those only the quick ones have come.
    routes
        courier_id, origin_hub_id, destination_hub_id, one row a route.

    Returns
    -------
    NDArray[np.float64]
        [routes x 11] share delivered 0, 1, ... 10 days after pick-up; rows sum to 1.

    Notes
    -----
    A route's own waybills are mixed with 50 pseudo-waybills of its parent: all waybills within one hub, or all between
    hubs. Under 100 waybills in all, the parent is the lanes' quickest way in days, with 65, 27 and 8 % out on the due
    day and the two after it; a route without a way counts as 36 hours.
    """
    prior = _from_hours(_quickest_hours(inputs.lanes, routes))
    counted = _count_days(inputs.waybills, inputs.timezone, as_of)
    if counted is None:
        return prior
    local = (routes["origin_hub_id"] == routes["destination_hub_id"]).to_numpy()
    own = np.zeros((routes.height, LONGEST_TRANSIT + 1))
    keys = ["origin_hub_id", "destination_hub_id"]
    spread = routes.with_row_index("route").join(counted, on=keys, how="inner")
    own[spread["route"].to_numpy(), spread["days"].to_numpy()] = spread["waybills"].to_numpy()
    is_local = pl.col("origin_hub_id") == pl.col("destination_hub_id")
    for within in (True, False):
        pooled = np.zeros(LONGEST_TRANSIT + 1)
        sums = counted.filter(is_local == within).group_by("days").agg(pl.col("waybills").sum())
        pooled[sums["days"].to_numpy()] = sums["waybills"].to_numpy()
        if pooled.sum() >= TRANSIT.fewest_waybills:
            prior[local == within] = pooled / pooled.sum()
    mixed = own + TRANSIT.pseudo_waybills * prior
    shares: Matrix = mixed / mixed.sum(axis=1, keepdims=True)
    return shares


def spread_arrivals(volume: Matrix, shares: Matrix) -> Matrix:
    """Lay a volume by day of pick-up out over the days of delivery.

    Parameters
    ----------
    volume
        [routes x days] parcels by day of pick-up.
    shares
        [routes x 11] as :func:`learn_transit_times` gives them.

    Returns
    -------
    NDArray[np.float64]
        [routes x days] parcels by day of delivery; what comes after the last day is left out, and the first ten days
        lack what was picked up before them.
    """
    days = volume.shape[1]
    arrived = np.zeros((volume.shape[0], days))
    for lag in range(min(shares.shape[1], days)):
        if shares[:, lag].any():
            arrived[:, lag:] += shares[:, lag : lag + 1] * volume[:, : days - lag]
    return arrived


def align_to_deliveries(shares: Matrix, volume: Matrix, delivered: Matrix, first_day: int) -> Matrix:
    """Shift transit times by whole days where deliveries in the past say so.

    Volumes may be dated by their arrival rather than their pick-up, and lanes may be slower than they say. A shift is
    made only when it takes a fifth off the squared error of the sum of deliveries.

    Parameters
    ----------
    shares
        [routes x 11] transit times.
    volume
        [routes x past days] parcels by day, of routes to the outlets' hubs.
    delivered
        [past days] deliveries of all outlets.
    first_day
        Column from which deliveries are known.

    Returns
    -------
    NDArray[np.float64]
        [routes x 11] transit times.
    """
    start = max(first_day, LONGEST_TRANSIT)
    if delivered.size - start < TRANSIT.days_to_align or volume[:, start:].sum() <= 0 or delivered[start:].sum() <= 0:
        return shares

    def miss(candidate: Matrix) -> float:
        arrived = spread_arrivals(volume, candidate).sum(axis=0)[start:]
        known = delivered[start:]
        return float(((arrived * (known.sum() / arrived.sum()) - known) ** 2).sum())

    error = {days: miss(_shift(shares, days)) for days in range(-TRANSIT.most_shift, TRANSIT.most_shift + 1)}
    best = min(error, key=lambda days: (error[days], abs(days)))
    return _shift(shares, best) if error[best] < (1.0 - TRANSIT.worth_shifting) * error[0] else shares


def _shift(shares: Matrix, days: int) -> Matrix:
    moved = np.zeros_like(shares)
    for lag in range(shares.shape[1]):
        moved[:, min(max(lag + days, 0), LONGEST_TRANSIT)] += shares[:, lag]
    return moved


def _count_days(waybills: pl.DataFrame | None, zone: str, as_of: dt.date) -> pl.DataFrame | None:
    """Count waybills by route and days from pick-up to the day they leave for the receiver."""
    if waybills is None or waybills.is_empty():
        return None

    def local_day(moment: pl.Expr) -> pl.Expr:
        return moment.dt.convert_time_zone(zone).dt.date()

    picked = local_day(pl.coalesce("picked_up_at", "ordered_at"))
    out = local_day(pl.coalesce("out_for_delivery_at", "delivered_at"))
    known = waybills.select("origin_hub_id", "destination_hub_id", picked.alias("picked"), out.alias("out"))
    known = known.drop_nulls().filter(pl.col("picked") <= as_of - dt.timedelta(days=LONGEST_TRANSIT))
    if known.height < TRANSIT.fewest_waybills:
        return None
    days = (pl.col("out") - pl.col("picked")).dt.total_days().clip(0, LONGEST_TRANSIT)
    keys = ["origin_hub_id", "destination_hub_id", "days"]
    return known.with_columns(days.alias("days")).group_by(keys).agg(pl.len().alias("waybills")).sort(keys)


def _from_hours(hours: Matrix) -> Matrix:
    due = np.clip(np.ceil(hours / 24.0), 1, LONGEST_TRANSIT - len(TRANSIT.out_from_due) + 1).astype(np.int64)
    shares = np.zeros((hours.size, LONGEST_TRANSIT + 1))
    for late, share in enumerate(TRANSIT.out_from_due):
        shares[np.arange(hours.size), due + late] = share
    return shares


def _quickest_hours(lanes: pl.DataFrame | None, routes: pl.DataFrame) -> Matrix:
    """Hours of the quickest way over lanes, from the origin of each route to its destination."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import dijkstra

    local = (routes["origin_hub_id"] == routes["destination_hub_id"]).to_numpy()
    hours = np.where(local, TRANSIT.same_hub, TRANSIT.unknown)
    if lanes is None or lanes.is_empty() or routes.is_empty():
        return hours
    ends = ["origin_hub_id", "destination_hub_id"]
    quickest = lanes.group_by(ends).agg(pl.col("transit_hours").min()).sort(ends)
    names = sorted({*lanes["origin_hub_id"], *lanes["destination_hub_id"], *routes[ends[0]], *routes[ends[1]]})
    number = {name: at for at, name in enumerate(names)}
    row = [number[name] for name in quickest["origin_hub_id"]]
    column = [number[name] for name in quickest["destination_hub_id"]]
    # A lane of 0 hours would read as no lane in a sparse matrix.
    graph = csr_array((quickest["transit_hours"].to_numpy() + 1e-6, (row, column)), shape=(len(names), len(names)))
    origins = np.array([number[name] for name in routes["origin_hub_id"]], dtype=np.int64)
    destinations = np.array([number[name] for name in routes["destination_hub_id"]], dtype=np.int64)
    starts, at = np.unique(origins, return_inverse=True)
    reached = dijkstra(graph, indices=starts)[at, destinations]
    return np.where(~local & np.isfinite(reached), reached, hours)
