"""Sample paths: whole futures of all routes whose sums have the published distributions of hubs and network too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from data.arrays import Matrix
from data.errors import RadarError
from data.quantiles import QUANTILE_COLUMNS, QUANTILE_LEVELS
from forecasting.intervals.path_rules import PATHS
from forecasting.series.panel import ROUTE_KEYS

Knots = NDArray[np.float32]
Index = NDArray[np.int64]

_TAIL = (2.0, 2.4, 2.8, 3.3)
"""Normal scores beyond the outermost quantile at which the upper tail is tabled, before the furthest."""


@dataclass(frozen=True)
class PathModel:
    """Distributions of routes, hubs and network, and which days share an event.

    Attributes
    ----------
    routes
        courier_id, origin_hub_id, destination_hub_id: one row a route, sorted.
    dates
        [days].
    scores
        [knots] standard normal scores at which distributions are tabled.
    knots
        [routes x days x knots] parcels of each route at the scores.
    network
        [days x knots] parcels of the network.
    hub_out, hub_in
        [hubs x days x knots] parcels of each hub as origin and as destination.
    origin, destination
        [routes] number of the hub at each end.
    shared_out, shared_in
        [hubs x days] correlation of a hub's score with the network's.
    weights
        [4 x routes x days] weights of the network's score, those of both hubs' own and of the route's own in a route's score: their squares sum
        to 1.
    event_run
        [days] number of the event a day belongs to; -1 on other days.
    """

    routes: pl.DataFrame
    dates: NDArray[np.datetime64]
    scores: Matrix
    knots: Knots
    network: Knots
    hub_out: Knots
    hub_in: Knots
    origin: Index
    destination: Index
    shared_out: Matrix
    shared_in: Matrix
    weights: Knots
    event_run: Index

    def correlation(self) -> Matrix:
        """Return the [days x days] correlation of the network's scores."""
        days = self.dates.size
        apart = np.abs(np.subtract.outer(np.arange(days), np.arange(days)))
        plain = PATHS.network_lasting + (1.0 - PATHS.network_lasting) * PATHS.network_persistence**apart
        own = np.sqrt(np.where(self.event_run >= 0, 1.0 - PATHS.event_share, 1.0))
        same = (self.event_run[:, None] == self.event_run[None, :]) & (self.event_run >= 0)[:, None]
        return np.asarray(own[:, None] * own[None, :] * plain + PATHS.event_share * same)


def fit_paths(network: pl.DataFrame, hub: pl.DataFrame, route: pl.DataFrame) -> PathModel:
    """Read the distributions off the published quantiles.

    Parameters
    ----------
    network, hub, route
        The tables ``network_forecasts``, ``hub_forecasts`` and ``route_forecasts`` of one run.

    Returns
    -------
    PathModel

    Raises
    ------
    RadarError
        When a table is empty or the tables are not of the same days.

    Notes
    -----
    A distribution is its published quantiles, joined by straight lines over the normal score. Below the outermost the slope is carried on;
    above it the slope of the logarithm: errors upwards are multiples. The network's of each day is scaled, by a quarter at most, so that its mean is
    the published one.

    What moves series together is a Gaussian copula (Nelsen 2006) whose parts come from the widths of the 80 % intervals as relative variances v. A hub's
    score is correlated with the network's by the root of ``v_network / v_hub``. In a route's score, with s its shares in a hub's sum, the part of a
    hub is ``(v_hub - v_network - sum s^2 (v_route - v_network)) / (1 - sum s^2)``, none below 0, that of the network ``v_network``, and what is
    left, a tenth at least, its own.
    """
    if network.is_empty() or hub.is_empty() or route.is_empty():
        raise RadarError("no forecast to draw from", action="run `radar forecast` first")
    dates = network["date"].unique().sort().to_numpy().astype("datetime64[D]")
    routes = route.select(ROUTE_KEYS).unique().sort(ROUTE_KEYS)
    scores = _scores()
    total = _read_knots(network.with_columns(one=pl.lit(0)), pl.DataFrame({"one": [0]}), ("one",), dates)[0]
    mean = network.sort("date")["mean"].to_numpy().astype(np.float64)
    total *= _correction(total, scores, mean)[:, None]
    sides: list[Knots] = []
    ends: list[Index] = []
    for direction, column in (("out", "origin_hub_id"), ("in", "destination_hub_id")):
        hubs = routes.select(column).unique().sort(column)
        index = routes.join(hubs.with_row_index("hub"), on=column, how="left", maintain_order="left")["hub"]
        ends.append(index.to_numpy().astype(np.int64))
        table = hub.filter(pl.col("direction") == direction).rename({"hub_id": column})
        sides.append(_read_knots(table, hubs, (column,), dates))
    knots = _read_knots(route, routes, ROUTE_KEYS, dates)
    on_event = np.abs(network.sort("date")["event"].to_numpy() - 1.0) > PATHS.event_step
    starts = on_event & ~np.r_[False, on_event[:-1]]
    run = np.where(on_event, np.cumsum(starts) - 1, -1).astype(np.int64)
    (hub_out, hub_in), (origin, destination) = sides, ends
    (shared_out, shared_in), weights = _share(knots, total, (hub_out, hub_in), (origin, destination))
    return PathModel(
        *(routes, dates, scores, knots, total, hub_out, hub_in, origin, destination, shared_out, shared_in, weights),
        run,
    )


def draw_paths(
    model: PathModel, draws: int, seed: int, levels: Sequence[float] | None = None
) -> Iterator[NDArray[np.int64]]:
    """Draw futures of all routes.

    Parameters
    ----------
    model
        What :func:`fit_paths` gives.
    draws
        How many.
    seed
        The same seed gives the same paths; the first paths of a longer run are those of a shorter one.
    levels
        [draws] normal scores at which the network lies, over the days and weighted by the parcels they are unsure by; None leaves
        them to chance.

    Yields
    ------
    NDArray[np.int64]
        [routes x days] parcels.

    Raises
    ------
    RadarError
        When no draws are asked for.

    Notes
    -----
    The network has a score a day, a hub's score is correlated with it, a route's is a sum of the network's, its hubs' and its own; each has a part that
    lasts all days and one that is forgotten from day to day. Each reads its own published distribution there. Then the hubs' sums are scaled to the
    network's, and the routes of the path to the hubs' (iterative proportional fitting, Deming and Stephan 1940), so that network, hubs and routes
    are of one future and each has its own distribution. Parcels are made whole along the routes of a day, which keeps the day's sum within one.
    """
    if draws < 1:
        raise RadarError(f"{draws} draws", "1 or more")
    root = np.linalg.cholesky(model.correlation() + 1e-9 * np.eye(model.dates.size))
    least = PATHS.least_share * model.knots[:, :, 1 : len(QUANTILE_LEVELS) + 1].mean(axis=2)
    by_origin = _summing(model.origin, model.hub_out.shape[0])
    by_destination = _summing(model.destination, model.hub_in.shape[0])
    for number in range(draws):
        random = np.random.default_rng([seed, number])
        network = root @ random.standard_normal(model.dates.size)
        if levels is not None:
            network = _steer(model, network, levels[number])
        out, into = (
            _walk(random, hubs.shape[:2], PATHS.hub_persistence, PATHS.hub_lasting)
            for hubs in (model.hub_out, model.hub_in)
        )
        own = _walk(random, (model.origin.size, model.dates.size), PATHS.route_persistence, PATHS.route_lasting)
        score = model.weights[0] * network + model.weights[3] * own
        score += model.weights[1] * out[model.origin] + model.weights[2] * into[model.destination]
        parcels = np.maximum(_read(model.knots, model.scores, score), least)
        total = _read(model.network[None], model.scores, network[None])[0]
        sent, received = (
            _to_total(_read(hubs, model.scores, shared * network + np.sqrt(1.0 - shared**2) * alone), total)
            for hubs, shared, alone in ((model.hub_out, model.shared_out, out), (model.hub_in, model.shared_in, into))
        )
        for _ in range(PATHS.rounds):
            parcels = _rake(parcels, by_destination, model.destination, received)
            parcels = _rake(parcels, by_origin, model.origin, sent)
        yield _make_whole(parcels, random.random(model.dates.size))


def tabulate_path(model: PathModel, path: NDArray[np.int64]) -> pl.DataFrame:
    """Lay a path out as rows.

    Parameters
    ----------
    model
        What it was drawn from.
    path
        [routes x days] parcels.

    Returns
    -------
    pl.DataFrame
        date, courier_id, origin_hub_id, destination_hub_id, parcels; rows of 0 parcels are left out.
    """
    row, day = np.nonzero(path)
    days = pl.Series("date", model.dates[day]).cast(pl.Date)
    table = model.routes[row].insert_column(0, days)
    return table.with_columns(pl.Series("parcels", path[row, day])).sort("date", *ROUTE_KEYS)


def _summing(group: Index, groups: int) -> csr_matrix:
    return csr_matrix((np.ones(group.size), (group, np.arange(group.size))), shape=(groups, group.size))


def _walk(random: np.random.Generator, shape: tuple[int, ...], persistence: float, lasting: float) -> Matrix:
    """Standard normal scores [series x days] of which a part lasts and the rest is correlated from day to day."""
    stays = random.standard_normal((shape[0], 1))
    steps = random.standard_normal(shape)
    for day in range(1, shape[1]):
        steps[:, day] = persistence * steps[:, day - 1] + np.sqrt(1.0 - persistence**2) * steps[:, day]
    return np.asarray(np.sqrt(lasting) * stays + np.sqrt(1.0 - lasting) * steps)


def _share(
    knots: Knots, total: Knots, sides: tuple[Knots, Knots], ends: tuple[Index, Index]
) -> tuple[list[Matrix], Knots]:
    """Return how far hubs move with the network, and the weights of the scores in a route's (:func:`fit_paths`)."""
    mean, of_route = _relative_variance(knots)
    of_network = _relative_variance(total[None])[1][0]
    left = np.maximum(of_route - of_network, 0.0)
    shared, parts = [], []
    for hubs, end in zip(sides, ends, strict=True):
        hub_mean, of_hub = _relative_variance(hubs)
        part = np.divide(of_network, of_hub, out=np.zeros_like(of_hub), where=of_hub > 0)
        shared.append(np.sqrt(np.clip(part, 0.0, PATHS.most_shared)))
        share = np.divide(mean, hub_mean[end], out=np.zeros_like(mean), where=hub_mean[end] > 0)
        summing = _summing(end, hubs.shape[0])
        alone = np.maximum(1.0 - summing @ share**2, PATHS.least_own)
        own = np.maximum(of_hub - of_network - summing @ (share**2 * left), 0.0) / alone
        parts.append(own[end])
    rest = np.maximum(of_route - of_network - parts[0] - parts[1], PATHS.least_own * of_route)
    squares = np.stack([np.broadcast_to(of_network, mean.shape), *parts, np.maximum(rest, 1e-12)])
    return shared, np.sqrt(squares / squares.sum(axis=0)).astype(np.float32)


def _relative_variance(knots: Knots) -> tuple[Matrix, Matrix]:
    """Return means and relative variances [series x days] of distributions, from their published quantiles."""
    from scipy.special import ndtri

    published = knots[:, :, 1 : len(QUANTILE_LEVELS) + 1].astype(np.float64)
    mean = published.mean(axis=2)
    low, high = QUANTILE_LEVELS.index(0.1), QUANTILE_LEVELS.index(0.9)
    width = (published[:, :, high] - published[:, :, low]) / (ndtri(0.9) - ndtri(0.1))
    # Of a handful of parcels the width says little; they vary by counting alone as much as they are.
    variance = np.divide(np.maximum(width**2, mean), mean**2, out=np.zeros_like(mean), where=mean > 0)
    return mean, variance


def _steer(model: PathModel, network: Matrix, level: float) -> Matrix:
    """Move the network's scores so that their sum over the days, weighted by parcels, has a normal score.

    With g = w . z, what is left of z given g is kept: z moves by its covariance with g over g's variance times the distance of g
    from the score (Glasserman 2003, section 4.3.2).
    """
    low, high = (int(np.searchsorted(model.scores, score)) for score in (-1.0, 1.0))
    weight = (model.network[:, high] - model.network[:, low]).astype(np.float64)
    reach = model.correlation() @ weight
    variance = float(weight @ reach)
    if variance <= 0:
        return network
    return np.asarray(network + reach * (level * np.sqrt(variance) - float(weight @ network)) / variance)


def _to_total(hubs: Matrix, total: Matrix) -> Matrix:
    now = hubs.sum(axis=0)
    return np.asarray(hubs * np.divide(total, now, out=np.ones_like(total), where=now > 0))


def _rake(parcels: Matrix, summing: csr_matrix, group: Index, wanted: Matrix) -> Matrix:
    """Scale the routes of each hub and day to the hub's sum."""
    now = summing @ parcels
    factor = np.divide(wanted, now, out=np.ones_like(now), where=now > 0)
    return np.asarray(parcels * np.clip(factor, 1.0 / PATHS.most_raking, PATHS.most_raking)[group])


def _make_whole(parcels: Matrix, start: Matrix) -> NDArray[np.int64]:
    """Round [routes x days] so that each is right on average and sums of neighbours stay within one."""
    reached = np.floor(np.cumsum(parcels, axis=0) + start).astype(np.int64)
    return np.asarray(np.diff(reached, axis=0, prepend=0))


def _scores() -> Matrix:
    from scipy.special import ndtri

    return np.concatenate([[-PATHS.furthest], ndtri(np.array(QUANTILE_LEVELS)), _TAIL, [PATHS.furthest]])


def _read_knots(table: pl.DataFrame, series: pl.DataFrame, keys: Sequence[str], dates: NDArray[np.datetime64]) -> Knots:
    """Lay the published quantiles over their normal scores [series x days x knots], and carry the outer slopes on."""
    scores = _scores()
    numbered = table.join(series.with_row_index("series"), on=list(keys), how="inner")
    if numbered.height != series.height * dates.size:
        raise RadarError("forecast tables of different days or series", "tables of one forecast run")
    row = numbered["series"].to_numpy().astype(np.int64)
    day = np.searchsorted(dates, numbered["date"].to_numpy().astype("datetime64[D]"))
    knots = np.zeros((series.height, dates.size, scores.size), dtype=np.float32)
    for at, column in enumerate(QUANTILE_COLUMNS, start=1):
        knots[row, day, at] = numbered[column].to_numpy()
    slope = (knots[:, :, 2] - knots[:, :, 1]) / (scores[2] - scores[1])
    knots[:, :, 0] = np.maximum(knots[:, :, 1] - slope * (scores[1] - scores[0]), 0.0)
    last = len(QUANTILE_COLUMNS)
    ratio = np.divide(
        knots[:, :, last], knots[:, :, last - 1], out=np.ones(knots.shape[:2]), where=knots[:, :, last - 1] > 0
    )
    steep = np.minimum(np.log(np.maximum(ratio, 1.0)) / (scores[last] - scores[last - 1]), PATHS.steepest)
    steep *= PATHS.heavier
    for at in range(last + 1, scores.size):
        knots[:, :, at] = knots[:, :, last] * np.exp(steep * (scores[at] - scores[last]))
    return knots


def _read(knots: Knots, scores: Matrix, score: Matrix) -> Matrix:
    """Read [series x days] parcels at normal scores."""
    inside = np.clip(score, scores[0], scores[-1])
    below = np.clip(np.searchsorted(scores, inside, side="right") - 1, 0, scores.size - 2)
    part = (inside - scores[below]) / np.diff(scores)[below]
    low = np.take_along_axis(knots, below[:, :, None], axis=2)[:, :, 0]
    high = np.take_along_axis(knots, below[:, :, None] + 1, axis=2)[:, :, 0]
    return np.asarray(low + part * (high - low), dtype=np.float64)


def _correction(knots: Knots, scores: Matrix, mean: Matrix) -> NDArray[np.float32]:
    """Return the [days] factor that gives distributions [days x knots] their published means."""
    from scipy.special import ndtri

    levels = ndtri((np.arange(PATHS.nodes) + 0.5) / PATHS.nodes)
    expected = np.zeros(mean.size)
    for level in levels:
        expected += _read(knots[None], scores, np.full((1, mean.size), level))[0] / PATHS.nodes
    factor = np.divide(mean, expected, out=np.ones_like(mean), where=expected > 0)
    return np.asarray(np.clip(factor, 1.0 / PATHS.largest_correction, PATHS.largest_correction), dtype=np.float32)
