"""Sample paths: whole futures of all routes that share the network's, the hubs' and the events' shocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.errors import RadarError
from forecasting.panel import ROUTE_KEYS

Matrix = NDArray[np.float64]

_EIGHTY = 2.0 * 1.2815515655446004
_EVENT_STEP = 0.05
_MOST_VARIANCE = 2.0


@dataclass(frozen=True)
class PathModel:
    """Means and shocks that sample paths are drawn from.

    Attributes
    ----------
    routes
        courier_id, origin_hub_id, destination_hub_id: one row a route, sorted.
    dates
        [days].
    mean
        [routes x days] parcels.
    origin
        [routes] number of the origin hub.
    event
        [days] relative variance of the shock all days of one event share.
    event_run
        [days] number of the event a day belongs to; -1 on other days.
    network
        [days] relative variance of the network's own shock.
    hub
        [hubs x days] relative variance of each origin hub's own shock.
    route
        [routes x days] relative variance of each route's own noise, beside the counting noise.
    persistence
        Correlation of a shock from one day to the next.
    """

    routes: pl.DataFrame
    dates: NDArray[np.datetime64]
    mean: Matrix
    origin: NDArray[np.int64]
    event: Matrix
    event_run: NDArray[np.int64]
    network: Matrix
    hub: Matrix
    route: Matrix
    persistence: float


def fit_paths(network: pl.DataFrame, hub: pl.DataFrame, route: pl.DataFrame, persistence: float = 0.7) -> PathModel:
    """Read the shocks off the published intervals.

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
    The width of the 80 % interval gives each series its relative variance beyond counting noise, ``a``. It is divided
    so that routes keep their own spread and sums theirs: with s the shares in the sum, the route's own part is
    ``a_route - a_hub``, the hub's own ``a_hub - a_network - sum s^2 route parts``, and the network's
    ``a_network - sum s^2 hub parts - sum s^2 route parts``, none below 0. On event days what the network has above
    its median normal day is one shock for the whole event.
    """
    if network.is_empty() or hub.is_empty() or route.is_empty():
        raise RadarError("no forecast to draw from", action="run `radar forecast` first")
    if not 0 <= persistence < 1:
        raise RadarError(f"a persistence of {persistence}", "0 to below 1")
    dates = network["date"].unique().sort().to_numpy().astype("datetime64[D]")
    routes = route.select(ROUTE_KEYS).unique().sort(ROUTE_KEYS)
    hubs = routes["origin_hub_id"].unique().sort()
    origin = routes.join(
        pl.DataFrame({"origin_hub_id": hubs}).with_row_index("hub"),
        on="origin_hub_id",
        how="left",
        maintain_order="left",
    )["hub"]
    index = origin.to_numpy().astype(np.int64)
    out = hub.filter(pl.col("direction") == "out").rename({"hub_id": "origin_hub_id"})
    mean, of_route = _spread(route, routes, ROUTE_KEYS, dates)
    _, of_hub = _spread(out, pl.DataFrame({"origin_hub_id": hubs}), ("origin_hub_id",), dates)
    total, of_network = _spread(network.with_columns(one=pl.lit(0)), pl.DataFrame({"one": [0]}), ("one",), dates)
    factors = network.sort("date")["event"].to_numpy()
    hub_part, route_part = np.maximum(of_hub - of_network, 0.0), np.maximum(of_route - of_hub[index], 0.0)
    hub_sum = _sum(mean, index, len(hubs))
    share_in_hub = np.divide(mean, hub_sum[index], out=np.zeros_like(mean), where=hub_sum[index] > 0)
    share = np.divide(hub_sum, total, out=np.zeros_like(hub_sum), where=total > 0)
    noise_of_hub = _sum(share_in_hub**2 * route_part, index, len(hubs))
    hub_part = np.maximum(hub_part - noise_of_hub, 0.0)
    shared = np.maximum(of_network[0] - (share**2 * (hub_part + noise_of_hub)).sum(axis=0), 0.0)
    route_part = np.maximum(of_route - shared - hub_part[index], 0.0)
    on_event = np.abs(factors - 1.0) > _EVENT_STEP
    usual = float(np.median(shared[~on_event])) if (~on_event).any() else 0.0
    event = np.where(on_event, np.maximum(shared - usual, 0.0), 0.0)
    starts = on_event & ~np.r_[False, on_event[:-1]]
    run = np.where(on_event, np.cumsum(starts) - 1, -1)
    return PathModel(routes, dates, mean, index, event, run, shared - event, hub_part, route_part, persistence)


def draw_paths(model: PathModel, draws: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Draw futures of all routes.

    Parameters
    ----------
    model
        What :func:`fit_paths` gives.
    draws
        How many.
    seed
        The same seed gives the same paths; the first paths of a longer run are those of a shorter one.

    Yields
    ------
    NDArray[np.int64]
        [routes x days] parcels.

    Notes
    -----
    parcels = Poisson(mean x event x network x hub x route shock), each shock log-normal with mean 1; those of network,
    hubs and routes follow a first-order autoregression from day to day.
    """
    if draws < 1:
        raise RadarError(f"{draws} draws", "1 or more")
    rho = model.persistence
    runs = int(model.event_run.max(initial=-1)) + 1
    for number in range(draws):
        random = np.random.default_rng([seed, number])
        shock = random.standard_normal(max(runs, 1))[np.maximum(model.event_run, 0)]
        common = _factor(shock, model.event) * _factor(_walk(random, (1, model.dates.size), rho)[0], model.network)
        at_hub = _factor(_walk(random, model.hub.shape, rho), model.hub)
        own = _factor(_walk(random, model.mean.shape, rho), model.route)
        yield random.poisson(model.mean * common * at_hub[model.origin] * own).astype(np.int64)


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
    """Return means and relative variances beyond counting noise as [series x days] matrices."""
    numbered = table.join(series.with_row_index("series"), on=list(keys), how="inner")
    row = numbered["series"].to_numpy().astype(np.int64)
    day = np.searchsorted(dates, numbered["date"].to_numpy().astype("datetime64[D]"))
    if numbered.height != series.height * dates.size:
        raise RadarError("forecast tables of different days or series", "tables of one forecast run")
    mean = np.zeros((series.height, dates.size))
    width = np.zeros_like(mean)
    mean[row, day] = numbered["mean"].to_numpy()
    width[row, day] = (numbered["q90"] - numbered["q10"]).to_numpy() / _EIGHTY
    variance = np.divide(width**2 - mean, mean**2, out=np.zeros_like(mean), where=mean > 0)
    # Of a handful of parcels the width says little, and a wild factor would draw a flood.
    return mean, np.clip(variance, 0.0, _MOST_VARIANCE)


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


def _factor(shock: Matrix, variance: Matrix) -> Matrix:
    spread = np.log1p(variance)
    factor: Matrix = np.exp(np.sqrt(spread) * shock - spread / 2.0)
    return factor
