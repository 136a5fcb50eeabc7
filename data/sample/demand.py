"""Parcels of every route and day: who sends to whom, which routes live when, and what chance adds."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from data.arrays import Floats, Ints
from data.constants import constant
from data.sample.network import COURIERS, Network, hub_distances
from data.sample.scale import AS_OF, Scale, all_days, history_length, stream
from data.sample.seasons import DayFactors, autoregressive

Singles = npt.NDArray[np.float32]


@dataclass(frozen=True)
class GravityRules:
    """Where parcels go."""

    same_city: float = constant(0.10, "1", "of all parcels that stay in their city", "judgement")
    scale_km: float = constant(1400.0, "km", "over which the pull of a place falls to 1 / e", "judgement")
    much_of_a_hub: float = constant(0.14, "1", "of a hub's parcels from which a route is steady", "judgement")


GRAVITY = GravityRules()
_COURIER_GROWTH = np.array([0.03, 0.00, -0.03, 0.08])
_COURIER_SPIKE = np.array([1.0, 1.1, 0.9, 1.05])


@dataclass(frozen=True)
class Influences:
    """What weather, merchants and promotions do to the parcels of routes.

    Parameters
    ----------
    weather_out, weather_in
        Factor on what a hub sends and receives, shape (hubs, days).
    merchants
        Factor on each route by merchants' lives and promotions, shape (catchments, catchments, days).
    promotions
        Factor on what each catchment sends of each courier by promotions of regions and outlets, shape (couriers, catchments, days).
    """

    weather_out: Floats
    weather_in: Floats
    merchants: Singles
    promotions: Floats


@dataclass(frozen=True)
class Routes:
    """What a courier's routes between catchments are like, each of shape (catchments, catchments).

    Parameters
    ----------
    base
        Parcels of a normal day at the as-of date [parcels/day]; 0 where the courier never goes.
    opens, closes
        Number of the first day, and of the day after the last.
    seasonal
        Whether the route lives in shopping seasons only.
    resting
        Share of the fortnights in which the route rests.
    spike
        Its part in the shopping waves against the network's.
    growth
        Its growth above the network's [log units a year].
    """

    base: Floats
    opens: Ints
    closes: Ints
    seasonal: npt.NDArray[np.bool_]
    resting: Floats
    spike: Floats
    growth: Floats


def build_routes(network: Network, scale: Scale, seed: int, courier: int) -> Routes:
    """Draw the routes of one courier.

    Volumes follow gravity (parcels sent times received, falling with distance) with a long-tailed multiplier, so
    that few routes carry most parcels; routes open, close, rest and live for a season as in a real network, where
    only a part of the routes is at work on a day.
    """
    random = stream(seed, f"routes-{courier}")
    count = len(network.home)
    distance = hub_distances(network.hubs)[np.ix_(network.home, network.home)]
    same = network.home[:, None] == network.home[None, :]
    gravity = network.send[:, None] * network.receive[None, :] * np.exp(-distance / GRAVITY.scale_km)
    gravity = np.where(same, 0.0, gravity)
    gravity *= (1.0 - GRAVITY.same_city) / gravity.sum()
    local = np.diag(np.sqrt(network.send * network.receive))
    share = gravity + GRAVITY.same_city * local / local.sum()
    sent = network.send * random.lognormal(0.0, 0.2, count)
    received = network.receive * random.lognormal(0.0, 0.15, count)
    share = share * np.where(same, 1.0, random.lognormal(-0.6, 1.1, share.shape))
    # Thin routes are the ones a courier leaves out.
    wanted = random.random(share.shape) < np.clip(scale.route_share * (0.55 + 0.45 * _rank(share)) / 0.775, 0.0, 1.0)
    wanted |= np.eye(count, dtype=bool)
    base = _fit_sums(np.where(wanted, share, 0.0), sent / sent.sum(), received / received.sum())
    base *= scale.parcels_per_day * COURIERS[courier][2] / base.sum()
    return _with_lives(network, random, base)


def _fit_sums(matrix: Floats, rows: Floats, columns: Floats) -> Floats:
    """Scale rows and columns in turn, so that hubs send and receive their share whatever the draws were."""
    fitted = matrix.copy()
    for _ in range(20):
        fitted *= (rows / np.maximum(fitted.sum(axis=1), 1e-300))[:, None]
        fitted *= (columns / np.maximum(fitted.sum(axis=0), 1e-300))[None, :]
    return fitted


def _rank(values: Floats) -> Floats:
    """Rank of each value among all, 0 the smallest, 1 the largest."""
    order = np.argsort(np.argsort(values, axis=None, kind="stable"), kind="stable")
    return order.reshape(values.shape) / max(values.size - 1, 1)


def _with_lives(network: Network, random: np.random.Generator, base: Floats) -> Routes:
    shape, days = base.shape, len(all_days())
    history = history_length()
    size = _rank(base)
    fate = random.random(shape) + 0.25 * size
    # What carries much of a hub's parcels stays, as does what never leaves the city.
    steady = np.eye(shape[0], dtype=bool)
    for axis in (0, 1):
        steady |= base > GRAVITY.much_of_a_hub * base.sum(axis=axis, keepdims=True)
    late, early = fate < 0.20, (fate >= 0.20) & (fate < 0.34)
    brief = (fate >= 0.34) & (fate < 0.74) & (size < 0.9)
    seasonal = (fate >= 0.74) & (fate < 0.90) & (size < 0.75)
    change = random.integers(20, history - 15, shape)
    length = 4 + random.exponential(70.0, shape).astype(np.int64)
    opens = np.where((late | brief) & ~steady, change, 0)
    closes = np.where(early & ~steady, change, np.where(brief & ~steady, change + length, days))
    resting = np.where((random.random(shape) < 0.65) & (size < 0.9) & ~steady, random.uniform(0.15, 0.8, shape), 0.0)
    origin_spike: Floats = np.asarray(np.clip(0.8 + 0.12 * network.send / network.receive, 0.75, 1.4))
    spike = origin_spike[:, None] * random.lognormal(0.0, 0.18, shape)
    growth = random.normal(0.0, 0.08, shape) + random.normal(0.0, 0.04, (len(base), 1))
    return Routes(base, opens, closes, seasonal & ~steady, resting, spike, growth)


def expect_parcels(
    network: Network,
    scale: Scale,
    seed: int,
    courier: int,
    factors: DayFactors,
    influences: Influences,
) -> Singles:
    """Compute the parcels expected on every route and day, before chance.

    Parameters
    ----------
    network, scale, seed, courier
        The network and the number of the courier.
    factors
        Factors of the days.
    influences
        What weather, merchants and promotions do.

    Returns
    -------
    numpy.ndarray
        Shape (catchments, catchments, days) [parcels].
    """
    routes = build_routes(network, scale, seed, courier)
    random = stream(seed, f"expectation-{courier}")
    count, days = routes.base.shape[0], len(factors.days)
    years = (np.arange(days) - factors.days.index(AS_OF)) / 365.25
    hub_noise = np.exp(autoregressive(random, (count, days), 0.8, 0.05))
    day = (factors.normal * np.exp(_COURIER_GROWTH[courier] * years)).astype(np.float32)
    expected = np.exp(routes.growth[:, :, None].astype(np.float32) * years[None, None, :].astype(np.float32))
    expected *= routes.base[:, :, None].astype(np.float32) * day[None, None, :]
    excess = (_COURIER_SPIKE[courier] * factors.excess).astype(np.float32)
    expected *= 1.0 + routes.spike[:, :, None].astype(np.float32) * excess[None, None, :]
    sent = hub_noise * influences.weather_out[network.home] * influences.promotions[courier]
    expected *= sent[:, None, :].astype(np.float32)
    expected *= influences.weather_in[network.home][None, :, :].astype(np.float32)
    # A parcel that stays in its city meets the weather once, where it is sent.
    once = influences.weather_in[network.home].astype(np.float32)
    same = network.home[:, None] == network.home[None, :]
    expected[same] /= once[np.nonzero(same)[0]]
    expected *= influences.merchants
    expected *= _alive(routes, factors, random)
    _switch(network, scale, stream(seed, f"switches-{courier}"), expected)
    # Restore the level a courier loses by routes that rest or are closed near the end.
    recent = slice(factors.days.index(AS_OF) - 55, factors.days.index(AS_OF) - 27)
    level = expected[:, :, recent].sum(axis=(0, 1)).mean() / np.mean(day[recent])
    return expected * np.float32(scale.parcels_per_day * COURIERS[courier][2] / level)


def _alive(routes: Routes, factors: DayFactors, random: np.random.Generator) -> Singles:
    """Which routes are at work on which day, shape (catchments, catchments, days)."""
    days = len(factors.days)
    number = np.arange(days)
    alive = (number >= routes.opens[:, :, None]) & (number < routes.closes[:, :, None])
    season = np.convolve(factors.excess > 0.15, np.ones(9, dtype=int), mode="same") > 0
    alive &= season[None, None, :] | ~routes.seasonal[:, :, None]
    fortnights = -(-days // 14)
    rests = random.random((*routes.base.shape, fortnights), dtype=np.float32) < routes.resting[:, :, None]
    alive &= ~np.repeat(rests, 14, axis=2)[:, :, :days]
    return alive.astype(np.float32)


def _switch(network: Network, scale: Scale, random: np.random.Generator, expected: Singles) -> None:
    """Pass some routes to a neighbouring hub of origin for good: the senders moved."""
    distance = hub_distances(network.hubs)[np.ix_(network.home, network.home)]
    distance[network.home[:, None] == network.home[None, :]] = np.inf
    count, days = expected.shape[0], expected.shape[2]
    alive = np.nonzero((expected.mean(axis=2) > 1.0) & ~np.eye(count, dtype=bool))
    chosen = random.choice(len(alive[0]), size=min(scale.switches, len(alive[0])), replace=False)
    for origin, destination in zip(alive[0][chosen].tolist(), alive[1][chosen].tolist(), strict=True):
        near = [k for k in np.argsort(distance[origin], kind="stable").tolist()[:4] if k != destination]
        new_origin = near[int(random.integers(0, 2))]
        start = int(random.integers(60, days - 60))
        expected[new_origin, destination, start:] += expected[origin, destination, start:]
        expected[origin, destination, start:] = 0.0


def draw_parcels(expected: Singles, random: np.random.Generator) -> npt.NDArray[np.int32]:
    """Draw whole parcels: noise that remembers yesterday and grows on thin routes, then Poisson counts.

    Parameters
    ----------
    expected
        Parcels expected, shape (catchments, catchments, days).
    random
        Source of the draws.
    """
    size = expected.mean(axis=2, keepdims=True)
    deviation = np.clip(0.65 * (size + 1.0) ** -0.16, 0.07, 0.6)
    noise = autoregressive(random, expected.shape, 0.45, deviation)
    rate = expected * np.exp(noise - np.float32(0.5) * (deviation**2).astype(np.float32))
    # Above a thousand parcels the normal law stands in for Poisson's: the same to a part in thirty, and faster.
    counts = np.empty(rate.shape, dtype=np.int32)
    thin = rate < 1000.0
    counts[thin] = random.poisson(rate[thin])
    thick = rate[~thin]
    counts[~thin] = np.rint(thick + np.sqrt(thick) * random.standard_normal(thick.shape, dtype=np.float32))
    return counts


def gather_by_hub(network: Network, parcels: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Sum catchments to the hubs that serve them on each day.

    Parameters
    ----------
    network
        The network.
    parcels
        Shape (catchments, catchments, days).

    Returns
    -------
    numpy.ndarray
        Shape (hubs, hubs, days); the same parcels in all.
    """
    days = all_days()
    hubs = network.hubs.height
    bounds = sorted({0, len(days), *(days.index(change.day) for change in network.changes)})
    pieces = []
    for start, end in itertools.pairwise(bounds):
        piece = parcels[:, :, start:end].copy()
        serving = network.hubs_on(days[start])
        for catchment in np.nonzero(serving != np.arange(len(serving)))[0].tolist():
            piece[serving[catchment]] += piece[catchment]
            piece[catchment] = 0
        for catchment in np.nonzero(serving != np.arange(len(serving)))[0].tolist():
            piece[:, serving[catchment]] += piece[:, catchment]
            piece[:, catchment] = 0
        pieces.append(piece[:hubs, :hubs])
    return np.concatenate(pieces, axis=2)


def list_volumes(network: Network, courier: int, parcels: npt.NDArray[np.int32]) -> pl.DataFrame:
    """Turn parcels by hub, hub and day into rows of ``route_volumes``, zeros left out, sorted by the key."""
    day_last = np.ascontiguousarray(np.moveaxis(parcels, 2, 0))
    day, origin, destination = np.nonzero(day_last)
    days = pl.Series("date", all_days())
    ids = pl.Series("hub_id", network.hub_ids)
    return pl.DataFrame(
        {
            "date": days.gather(day),
            "courier_id": pl.repeat(COURIERS[courier][0], len(day), eager=True),
            "origin_hub_id": ids.gather(origin),
            "destination_hub_id": ids.gather(destination),
            "parcels": day_last[day, origin, destination].astype(np.int64),
        }
    )
