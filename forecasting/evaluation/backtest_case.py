"""One cut-off of a backtest: each model's forecast beside the actuals, level by level."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.quantiles import QUANTILE_COLUMNS
from forecasting.evaluation.error_causes import split_error
from forecasting.evaluation.scores import Scored
from forecasting.evaluation.structural_breaks import find_breaks
from forecasting.inputs import ForecastInputs
from forecasting.results import Forecasts
from forecasting.series.baselines import day_of_week_mean, seasonal_naive
from forecasting.series.panel import ROUTE_KEYS, Level, Panel, aggregate

RADAR = "radar"
"""Name of the published forecast among the models."""

NAIVE_MODELS = ("seasonal_naive", "day_of_week_mean")
"""Always scored beside the others."""

_SUMMED_LEVELS: tuple[tuple[str, Level], ...] = (
    ("network", "network"),
    ("region/out", "region_out"),
    ("region/in", "region_in"),
    ("hub/out", "hub_out"),
    ("hub/in", "hub_in"),
)

Matrix = NDArray[np.floating]


class Case:
    """One cut-off: forecasts and actuals on the routes of both.

    Parameters
    ----------
    inputs
        All tables, for the actuals.
    view
        What the forecast was made from.
    forecasts
        The forecast.
    as_of, horizon
        Last known day and days ahead.
    """

    def __init__(
        self, inputs: ForecastInputs, view: ForecastInputs, forecasts: Forecasts, as_of: dt.date, horizon: int
    ) -> None:
        self.as_of, self.horizon = as_of, horizon
        self.forecasts = forecasts
        self._inputs, self._view = inputs, view
        first, last = as_of + dt.timedelta(days=1), as_of + dt.timedelta(days=horizon)
        self._regions: dict[str, str | None] = dict(inputs.hubs.select("hub_id", "region_id").iter_rows())
        after = Panel.from_route_volumes(inputs.route_volumes, first, last)
        past = forecasts.matrices.panel
        self._routes = pl.concat([past.routes, after.routes, view.route_volumes.select(ROUTE_KEYS).unique()])
        self._routes = self._routes.unique().sort(ROUTE_KEYS)
        self._panel = Panel(self._routes, after.dates, self._spread(after.routes, after.parcels).astype(np.float32))
        # The history as it was, not as a network change has moved it: the naive models know of no change.
        before = Panel.from_route_volumes(view.route_volumes, None, as_of)
        self._history = self._spread(before.routes, before.parcels)

    def _spread(self, routes: pl.DataFrame, values: Matrix) -> NDArray[np.float64]:
        place = self._place(routes)
        spread = np.zeros((self._routes.height, values.shape[1]))
        spread[place] = values
        return spread

    def _place(self, routes: pl.DataFrame) -> NDArray[np.int64]:
        numbered = self._routes.with_row_index("place")
        joined = routes.select(ROUTE_KEYS).join(numbered, on=list(ROUTE_KEYS), how="left", maintain_order="left")
        return joined["place"].to_numpy().astype(np.int64)

    def _published(self) -> dict[str, NDArray[np.float64]]:
        """Return mean and quantiles of the published routes as [routes x days] matrices."""
        return _matrices(self.forecasts.route, self._place(self.forecasts.route), self._routes.height, self)

    def scored(self, chosen: Sequence[str]) -> Iterator[Scored]:
        """Give every model on every level, beside the actuals."""
        past = self._history.astype(np.float32)
        members: dict[str, NDArray[np.float64]] = {
            "seasonal_naive": seasonal_naive(past, self.horizon).astype(np.float64),
            "day_of_week_mean": day_of_week_mean(past, self.horizon).astype(np.float64),
        }
        matrices = self.forecasts.matrices
        routes = matrices.panel.routes
        for name in chosen:
            if name != RADAR:
                # A member forecasts days without events and overrides; what they add is common to all.
                members[name] = self._spread(routes, matrices.member_means[name] * matrices.event * matrices.override)
        for level, grouping in (*_SUMMED_LEVELS, ("route", "route")):
            yield from self._scored_level(level, grouping, members, RADAR in chosen)
        yield from self._scored_outlets(RADAR in chosen)

    def _scored_level(
        self, level: str, grouping: Level, members: Mapping[str, NDArray[np.float64]], with_radar: bool
    ) -> Iterator[Scored]:
        membership = self._panel.membership(grouping, self._regions)
        # Hubs without a region are in no region's forecast.
        named = np.array([label != "" for label in membership.labels])
        if not named.any():
            return

        def sums(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
            return matrix if level == "route" else aggregate(matrix, membership)[named]

        actual, history = sums(self._panel.parcels.astype(np.float64)), sums(self._history)
        for name, mean in members.items():
            yield Scored(level, name, self.as_of, actual, sums(mean), history)
        if with_radar:
            published = (
                self._published()
                if level == "route"
                else self._published_sums(level, tuple(label for label in membership.labels if label))
            )
            quantiles = np.stack([published[name] for name in QUANTILE_COLUMNS], axis=2)
            yield Scored(level, RADAR, self.as_of, actual, published["mean"], history, quantiles)

    def _published_sums(self, level: str, labels: tuple[str, ...]) -> dict[str, NDArray[np.float64]]:
        kind, _, direction = level.partition("/")
        if kind == "network":
            table = self.forecasts.network
            return _matrices(table, np.zeros(table.height, dtype=np.int64), 1, self)
        table = self.forecasts.region if kind == "region" else self.forecasts.hub
        table = table.filter(pl.col("direction") == direction, pl.col(f"{kind}_id").is_in(labels))
        position = {label: at for at, label in enumerate(labels)}
        place = np.fromiter((position[name] for name in table[f"{kind}_id"]), dtype=np.int64, count=table.height)
        return _matrices(table, place, len(labels), self)

    def _scored_outlets(self, with_radar: bool) -> Iterator[Scored]:
        volumes = self._inputs.outlet_volumes
        if volumes.is_empty() or self.forecasts.outlet.is_empty():
            return
        days = np.arange(self.horizon)
        first = self.as_of + dt.timedelta(days=1)
        for direction in ("pickup", "delivery"):
            table = self.forecasts.outlet.filter(pl.col("direction") == direction)
            outlets = table["outlet_id"].unique().sort()
            known = volumes.filter(pl.col("direction") == direction, pl.col("outlet_id").is_in(outlets.implode()))
            position = {name: at for at, name in enumerate(outlets)}

            def place(frame: pl.DataFrame, position: Mapping[str, int] = position) -> NDArray[np.int64]:
                return np.fromiter((position[name] for name in frame["outlet_id"]), dtype=np.int64, count=frame.height)

            before = known.filter(pl.col("date") <= self.as_of)
            if before.is_empty():
                continue
            after = known.filter(pl.col("date") > self.as_of, pl.col("date") <= self.as_of + dt.timedelta(self.horizon))
            actual = _matrix(after, "parcels", place(after), len(outlets), first, days.size)
            start: dt.date = before["date"].sort()[0]
            past = _matrix(before, "parcels", place(before), len(outlets), start, (first - start).days)
            level = f"outlet/{direction}"
            naive = seasonal_naive(past.astype(np.float32), self.horizon).astype(np.float64)
            yield Scored(level, "seasonal_naive", self.as_of, actual, naive, past)
            weekday = day_of_week_mean(past.astype(np.float32), self.horizon).astype(np.float64)
            yield Scored(level, "day_of_week_mean", self.as_of, actual, weekday, past)
            if with_radar:
                published = _matrices(table, place(table), len(outlets), self)
                quantiles = np.stack([published[name] for name in QUANTILE_COLUMNS], axis=2)
                yield Scored(level, RADAR, self.as_of, actual, published["mean"], past, quantiles)

    def causes(self) -> pl.DataFrame:
        """Split the published routes' error by cause."""
        steps = split_error(
            self._panel.parcels.astype(np.float64),
            self._published()["mean"],
            self._panel.membership("hub_out").index,
            self._panel.membership("hub_in").index,
        )
        return steps.select(pl.lit(self.as_of).alias("as_of"), pl.lit(RADAR).alias("model"), pl.all())

    def breaks(self) -> pl.DataFrame:
        """Find the hubs that changed in the window without anybody having said so."""
        breaks = find_breaks(
            self._panel.parcels.astype(np.float64),
            self._published()["mean"],
            self.as_of + dt.timedelta(days=1),
            self._panel.membership("hub_out"),
            self._panel.membership("hub_in"),
            self._view.network_changes,
        )
        return breaks.select(pl.lit(self.as_of).alias("as_of"), pl.all())


def _matrices(table: pl.DataFrame, place: NDArray[np.int64], series: int, case: Case) -> dict[str, NDArray[np.float64]]:
    first = case.as_of + dt.timedelta(days=1)
    return {name: _matrix(table, name, place, series, first, case.horizon) for name in ("mean", *QUANTILE_COLUMNS)}


def _matrix(
    table: pl.DataFrame, column: str, place: NDArray[np.int64], series: int, first: dt.date, days: int
) -> NDArray[np.float64]:
    day = (table["date"].to_numpy().astype("datetime64[D]") - np.datetime64(first, "D")).astype(np.int64)
    matrix = np.zeros((series, days))
    matrix[place, day] = table[column].to_numpy()
    return matrix
