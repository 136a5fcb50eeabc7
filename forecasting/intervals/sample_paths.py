"""Sample paths: whole futures of all routes that share the network's, the hubs' and the events' shocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.constants import constant
from data.errors import RadarError
from data.quantiles import QUANTILE_COLUMNS, QUANTILE_LEVELS
from forecasting.series.panel import ROUTE_KEYS

Matrix = NDArray[np.float64]
Knots = NDArray[np.float32]


@dataclass(frozen=True)
class PathRules:
    """How sample paths read published quantiles."""

    eighty: float = constant(
        2.0 * 1.2815515655446004,
        "standard deviations",
        "between the 10 and the 90 % quantile of a normal distribution",
        "published: normal distribution",
    )
    event_step: float = constant(0.05, "1", "by which an event factor leaves 1 on an event day", "judgement")
    furthest: float = constant(4.0, "normal score", "to which the outer slopes are carried on", "judgement")
    nodes: int = constant(41, "levels", "at which a distribution's mean is read", "judgement")
    least_spread: float = constant(
        0.1, "1", "part of a hub's variance that is not its largest route's, at least", "judgement"
    )
    largest_correction: float = constant(1.25, "1", "of a day's distributions towards the published total", "judgement")


PATHS = PathRules()


@dataclass(frozen=True)
class PathModel:
    """Quantiles of the routes, and the shocks that move them together.

    Attributes
    ----------
    routes
        courier_id, origin_hub_id, destination_hub_id: one row a route, sorted.
    dates
        [days].
    knots
        [routes x days x knots] parcels at the standard normal scores ``scores``: the route's own distribution.
    scores
        [knots] normal scores of the published levels, and one beyond on each side.
    origin, destination
        [routes] number of the hub at each end.
    event
        [days] relative variance of the shock all days of one event share.
    event_run
        [days] number of the event a day belongs to; -1 on other days.
    network
        [days] relative variance of the network's own shock.
    hub_out, hub_in
        [hubs x days] relative variance of each hub's own shock, as origin and as destination.
    route
        [routes x days] relative variance of what is each route's own.
    persistence
        Correlation of a shock from one day to the next.
    """

    routes: pl.DataFrame
    dates: NDArray[np.datetime64]
    knots: Knots
    scores: Matrix
    origin: NDArray[np.int64]
    destination: NDArray[np.int64]
    event: Matrix
    event_run: NDArray[np.int64]
    network: Matrix
    hub_out: Matrix
    hub_in: Matrix
    route: Matrix
    persistence: float


def fit_paths(network: pl.DataFrame, hub: pl.DataFrame, route: pl.DataFrame, persistence: float = 0.7) -> PathModel:
    """Read distributions and shocks off the published quantiles.

    Parameters
    ----------
    network, hub, route
        The tables ``network_forecasts``, ``hub_forecasts`` and ``route_forecasts`` of one run.
    persistence
        Correlation of a shock from one day to the next, 0 to below 1.

    Returns
    -------
    PathModel

    Raises
    ------
    RadarError
        When a table is empty or the tables are not of the same days.

    Notes
    -----
    Each route keeps its published distribution: its quantiles, joined by straight lines over the normal score. What moves routes
    together is a Gaussian copula (Nelsen 2006) of shared shocks whose variances come from the widths of the 80 % intervals, as
    relative variances v. They are divided so that sums have the spread of their own intervals: with s the shares in a sum, a hub's own
    part is ``(v_hub - v_network - sum s^2 (v_route - v_network)) / (1 - sum s^2)``, and the network's ``v_network - sum s^2 (hub and route parts)``, none below 0; a
    route's own part is what is left of its variance. On event days what the network has above its median normal day is one shock
    for the whole event. Each day is scaled, by a quarter at most, so that the routes' distributions have the published total as their mean.
    """
    if network.is_empty() or hub.is_empty() or route.is_empty():
        raise RadarError("no forecast to draw from", action="run `radar forecast` first")
    if not 0 <= persistence < 1:
        raise RadarError(f"a persistence of {persistence}", "0 to below 1")
    dates = network["date"].unique().sort().to_numpy().astype("datetime64[D]")
    routes = route.select(ROUTE_KEYS).unique().sort(ROUTE_KEYS)
    mean, of_route = _spread(route, routes, ROUTE_KEYS, dates)
    total, of_network = _spread(network.with_columns(one=pl.lit(0)), pl.DataFrame({"one": [0]}), ("one",), dates)
    ends = []
    parts: list[Matrix] = []
    left = np.maximum(of_route - of_network, 0.0)
    for direction, column in (("out", "origin_hub_id"), ("in", "destination_hub_id")):
        hubs = routes.select(column).unique().sort(column)
        index = routes.join(hubs.with_row_index("hub"), on=column, how="left", maintain_order="left")["hub"]
        ends.append(index.to_numpy().astype(np.int64))
        table = hub.filter(pl.col("direction") == direction).rename({"hub_id": column})
        hub_mean, of_hub = _spread(table, hubs, (column,), dates)
        share = np.divide(mean, hub_mean[ends[-1]], out=np.zeros_like(mean), where=hub_mean[ends[-1]] > 0)
        noise = _sum(share**2 * left, ends[-1], hubs.height)
        alone = np.maximum(1.0 - _sum(share**2, ends[-1], hubs.height), PATHS.least_spread)
        parts.append(np.maximum(of_hub - of_network - noise, 0.0) / alone)
    origin, destination = ends
    hub_out, hub_in = parts
    own = np.maximum(of_route - of_network - hub_out[origin] - hub_in[destination], 0.0)
    share = np.divide(mean, total, out=np.zeros_like(mean), where=total > 0)
    apart = (share**2 * own).sum(axis=0)
    for part, end in ((hub_out, origin), (hub_in, destination)):
        apart += (_sum(share, end, part.shape[0]) ** 2 * part).sum(axis=0)
    shared = np.maximum(of_network[0] - apart, 0.0)
    own = np.maximum(of_route - shared - hub_out[origin] - hub_in[destination], 0.0)
    on_event = np.abs(network.sort("date")["event"].to_numpy() - 1.0) > PATHS.event_step
    usual = float(np.median(shared[~on_event])) if (~on_event).any() else 0.0
    event = np.where(on_event, np.maximum(shared - usual, 0.0), 0.0)
    starts = on_event & ~np.r_[False, on_event[:-1]]
    run = np.where(on_event, np.cumsum(starts) - 1, -1)
    scores, knots = _read_knots(route, routes, dates)
    knots *= _correction(knots, scores, mean)[None, :, None]
    return PathModel(
        *(routes, dates, knots, scores, origin, destination, event, run, shared - event, hub_out, hub_in, own),
        persistence,
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
        [draws] normal scores at which the shocks all routes share lie, over the days and weighted by their parcels; None leaves
        them to chance.

    Yields
    ------
    NDArray[np.int64]
        [routes x days] parcels.

    Notes
    -----
    A route's score is the sum of the shocks weighted by the roots of their parts in its variance, so it is standard normal; its
    parcels are its own quantile there, to the nearest whole. Shocks of network, hubs and routes follow a first-order
    autoregression from day to day. Sums of a path are sums of its routes.

    Raises
    ------
    RadarError
        For fewer draws than one.
    """
    if draws < 1:
        raise RadarError(f"{draws} draws", "1 or more")
    rho = model.persistence
    runs = int(model.event_run.max(initial=-1)) + 1
    parts = model.event + model.network + model.hub_out[model.origin] + model.hub_in[model.destination] + model.route
    root = np.sqrt(np.maximum(parts, 1e-12))
    # A route without any spread of its own moves with nothing: its score is its own noise.
    own = np.where(parts > 0, np.sqrt(model.route), root)
    for number in range(draws):
        random = np.random.default_rng([seed, number])
        shock = random.standard_normal(max(runs, 1))
        score = own * _walk(random, model.route.shape, rho)
        walk = _walk(random, (1, model.dates.size), rho)[0]
        if levels is not None:
            shock, walk = _steer(model, shock, walk, levels[number])
        score += np.sqrt(model.event) * shock[np.maximum(model.event_run, 0)]
        score += np.sqrt(model.network) * walk
        score += (np.sqrt(model.hub_out) * _walk(random, model.hub_out.shape, rho))[model.origin]
        score += (np.sqrt(model.hub_in) * _walk(random, model.hub_in.shape, rho))[model.destination]
        score /= root
        yield np.rint(_read(model.knots, model.scores, score)).astype(np.int64)


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


def _spread(
    table: pl.DataFrame, series: pl.DataFrame, keys: tuple[str, ...], dates: NDArray[np.datetime64]
) -> tuple[Matrix, Matrix]:
    """Return means and relative variances as [series x days] matrices."""
    numbered = table.join(series.with_row_index("series"), on=list(keys), how="inner")
    row = numbered["series"].to_numpy().astype(np.int64)
    day = np.searchsorted(dates, numbered["date"].to_numpy().astype("datetime64[D]"))
    if numbered.height != series.height * dates.size:
        raise RadarError("forecast tables of different days or series", "tables of one forecast run")
    mean = np.zeros((series.height, dates.size))
    width = np.zeros_like(mean)
    mean[row, day] = numbered["mean"].to_numpy()
    width[row, day] = (numbered["q90"] - numbered["q10"]).to_numpy() / PATHS.eighty
    # Of a handful of parcels the width says little; they vary by counting alone as much as they are.
    variance = np.divide(np.maximum(width**2, mean), mean**2, out=np.zeros_like(mean), where=mean > 0)
    return mean, variance


def _sum(matrix: Matrix, group: NDArray[np.int64], groups: int) -> Matrix:
    total = np.zeros((groups, matrix.shape[1]))
    np.add.at(total, group, matrix)
    return total


def _walk(random: np.random.Generator, shape: tuple[int, ...], rho: float) -> Matrix:
    """Standard normal shocks [series x days] with correlation ``rho`` from day to day."""
    steps = random.standard_normal(shape)
    for day in range(1, shape[1]):
        steps[:, day] = rho * steps[:, day - 1] + np.sqrt(1.0 - rho**2) * steps[:, day]
    return steps


def _steer(model: PathModel, shock: Matrix, walk: Matrix, level: float) -> tuple[Matrix, Matrix]:
    """Move the shared shocks so that their sum over the days, weighted by parcels, has a normal score.

    With g = a . shock + b . walk, what is left of the shocks given g is kept: each moves by its covariance with g over g's
    variance times the distance of g from the score (Glasserman 2003, section 4.3.2).
    """
    parcels = model.knots[:, :, model.scores.size // 2].sum(axis=0).astype(np.float64)
    of_events = np.zeros(shock.size)
    np.add.at(of_events, np.maximum(model.event_run, 0), parcels * np.sqrt(model.event))
    of_days = parcels * np.sqrt(model.network)
    apart = np.abs(np.subtract.outer(np.arange(walk.size), np.arange(walk.size)))
    reach = model.persistence**apart @ of_days
    variance = float(of_events @ of_events + of_days @ reach)
    if variance <= 0:
        return shock, walk
    move = (level * np.sqrt(variance) - of_events @ shock - of_days @ walk) / variance
    return shock + move * of_events, walk + move * reach


def _read_knots(table: pl.DataFrame, series: pl.DataFrame, dates: NDArray[np.datetime64]) -> tuple[Matrix, Knots]:
    """Lay the published quantiles over their normal scores, and carry the outer slopes on to a score of four."""
    from scipy.special import ndtri

    inner = ndtri(np.array(QUANTILE_LEVELS))
    scores = np.r_[-PATHS.furthest, inner, PATHS.furthest]
    numbered = table.join(series.with_row_index("series"), on=list(ROUTE_KEYS), how="inner")
    row = numbered["series"].to_numpy().astype(np.int64)
    day = np.searchsorted(dates, numbered["date"].to_numpy().astype("datetime64[D]"))
    knots = np.zeros((series.height, dates.size, scores.size), dtype=np.float32)
    for at, column in enumerate(QUANTILE_COLUMNS, start=1):
        knots[row, day, at] = numbered[column].to_numpy()
    slope = (knots[:, :, 2] - knots[:, :, 1]) / (scores[2] - scores[1])
    knots[:, :, 0] = np.maximum(knots[:, :, 1] - slope * (scores[1] - scores[0]), 0.0)
    slope = (knots[:, :, -2] - knots[:, :, -3]) / (scores[-2] - scores[-3])
    knots[:, :, -1] = knots[:, :, -2] + slope * (scores[-1] - scores[-2])
    return scores, knots


def _read(knots: Knots, scores: Matrix, score: Matrix) -> Matrix:
    """Read [routes x days] parcels at normal scores."""
    inside = np.clip(score, scores[0], scores[-1])
    below = np.clip(np.searchsorted(scores, inside, side="right") - 1, 0, scores.size - 2)
    part = (inside - scores[below]) / np.diff(scores)[below]
    low = np.take_along_axis(knots, below[:, :, None], axis=2)[:, :, 0]
    high = np.take_along_axis(knots, below[:, :, None] + 1, axis=2)[:, :, 0]
    return np.asarray(low + part * (high - low), dtype=np.float64)


def _correction(knots: Knots, scores: Matrix, mean: Matrix) -> NDArray[np.float32]:
    """Return the [days] factor that gives the routes' distributions the published total as their mean."""
    from scipy.special import ndtri

    expected = np.zeros(mean.shape[1])
    for level in (np.arange(PATHS.nodes) + 0.5) / PATHS.nodes:
        expected += np.rint(_read(knots, scores, np.full(mean.shape, ndtri(level)))).sum(axis=0) / PATHS.nodes
    total = mean.sum(axis=0)
    factor = np.divide(total, expected, out=np.ones_like(total), where=expected > 0)
    return np.asarray(np.clip(factor, 1.0 / PATHS.largest_correction, PATHS.largest_correction), dtype=np.float32)
