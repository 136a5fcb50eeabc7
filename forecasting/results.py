"""What a forecast gives: the routes as matrices, and the tables of every level."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.intervals.spread import Doubt, Spread
from forecasting.intervals.to_tables import publish_calibration
from forecasting.series.panel import Panel, to_date


@dataclass(frozen=True)
class RouteForecast:
    """The forecast of all routes as matrices, before it becomes tables.

    Attributes
    ----------
    panel
        The history it was made from; its routes are the rows. Routes that a network change opens stand in it
        with an empty history.
    dates
        [horizon] days ahead, the first is the day after the as-of date.
    mean
        [routes x horizon] parcels, not rounded.
    event
        [routes x horizon] factor of the events in ``mean``.
    override
        [routes x horizon] factor of planners' overrides in ``mean``.
    member_means
        Name -> [routes x horizon] the forecast of each member of the combination.
    doubt
        Whether what is found closed stays so; None where nothing is.
    earlier
        Days before the as-of date -> [routes x days] what would have been forecast then, with events.
    """

    panel: Panel
    dates: NDArray[np.datetime64]
    mean: NDArray[np.float64]
    event: NDArray[np.float64]
    override: NDArray[np.float64]
    member_means: Mapping[str, NDArray[np.float32]]
    doubt: Doubt | None = None
    earlier: Mapping[int, NDArray[np.float64]] = field(default_factory=dict)


@dataclass(frozen=True)
class Forecasts:
    """Forecast tables of one run, with the columns of their contracts less ``run_id``.

    Attributes
    ----------
    as_of
        The last day whose volumes were known.
    network, region, hub, route, outlet
        The five result tables. Every published sum is the sum of its parts.
    merchant
        The demand cube, ``merchant_forecasts``; no rows without sales.
    matrices
        The route level as matrices.
    spread
        Quantiles of routes and of their sums at any level.
    notes
        Sentences a planner should read: members left out, dates past the calendar, short history.
    """

    as_of: dt.date
    network: pl.DataFrame
    region: pl.DataFrame
    hub: pl.DataFrame
    route: pl.DataFrame
    outlet: pl.DataFrame
    matrices: RouteForecast
    spread: Spread
    notes: tuple[str, ...] = ()
    merchant: pl.DataFrame = field(default_factory=pl.DataFrame)

    @property
    def calibration(self) -> pl.DataFrame:
        """How often what came lay below each quantile in backtests: the table ``forecast_calibration`` less ``run_id``."""
        return publish_calibration(self.spread.intervals)

    @property
    def known_until(self) -> dt.date:
        """Last day with volumes: the as-of date, or earlier where the forecast bridges days without rows."""
        return to_date(self.matrices.panel.dates[-1])
