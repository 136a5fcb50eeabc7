"""What a forecast is made from, how it is set, and what it gives."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.panel import Panel
from forecasting.tables import Spread


def _empty(**columns: type[pl.DataType] | pl.DataType) -> pl.DataFrame:
    return pl.DataFrame(schema=dict(columns))


def no_events() -> pl.DataFrame:
    """Return an empty table ``events``."""
    return _empty(
        event_id=pl.String,
        name=pl.String,
        name_zh=pl.String,
        kind=pl.String,
        date_from=pl.Date,
        date_to=pl.Date,
        peak_date=pl.Date,
        edition=pl.String,
    )


def no_changes() -> pl.DataFrame:
    """Return an empty table ``network_changes``."""
    return _empty(
        change_id=pl.String,
        date=pl.Date,
        hub_id=pl.String,
        change=pl.String,
        successor_hub_id=pl.String,
        share=pl.Float64,
        reason=pl.String,
    )


@dataclass(frozen=True)
class ForecastInputs:
    """The tables a forecast reads, with the columns of their contracts.

    Only ``route_volumes`` must hold rows; each other table may be empty or have its columns only.
    A backtest hands in a view that ends on its as-of date (:mod:`forecasting.horizon_view`). ``timezone`` is the one of
    business dates: it says when the as-of day ends for rows with a time.
    """

    route_volumes: pl.DataFrame
    hubs: pl.DataFrame = field(default_factory=lambda: _empty(hub_id=pl.String, region_id=pl.String))
    regions: pl.DataFrame = field(default_factory=lambda: _empty(region_id=pl.String))
    events: pl.DataFrame = field(default_factory=no_events)
    network_changes: pl.DataFrame = field(default_factory=no_changes)
    outlets: pl.DataFrame = field(
        default_factory=lambda: _empty(outlet_id=pl.String, courier_id=pl.String, hub_id=pl.String)
    )
    outlet_volumes: pl.DataFrame = field(
        default_factory=lambda: _empty(date=pl.Date, outlet_id=pl.String, direction=pl.String, parcels=pl.Int64)
    )
    waybills: pl.DataFrame | None = None
    merchants: pl.DataFrame | None = None
    courier_preferences: pl.DataFrame | None = None
    overrides: pl.DataFrame | None = None
    lanes: pl.DataFrame | None = None
    timezone: str = "UTC"


@dataclass(frozen=True)
class EventPrior:
    """What a planner expects of an event on its main day.

    Attributes
    ----------
    multiple
        Parcels of the main day over those of a mean undisturbed day, whatever weekday it falls on [1]: the middle guess.
    spread
        How unsure the planner is: standard deviation of the logarithm of the multiple [1].
    weight
        How many such guesses this one counts for: the variance is ``spread**2 / weight``.
    """

    multiple: float
    spread: float = 0.3
    weight: float = 1.0


@dataclass(frozen=True)
class ForecastSettings:
    """What can be set about a forecast.

    Attributes
    ----------
    event_priors
        Event name -> prior, from ``[events]`` in radar.toml.
    use_prophet, use_trees
        Whether these members take part. A member that cannot run is left out with a note, never an error.
    inner_cutoffs
        How many rolling backtests inside the history weigh the members and calibrate the intervals.
    pooling
        Pseudo-occurrences of the parent in a hub's or route's own event multiple.
    understaffing_cost, overstaffing_cost
        Cost of a parcel too few and too many in an outlet's staffing; the newsvendor quantile is
        understaffing / (understaffing + overstaffing).
    """

    event_priors: Mapping[str, EventPrior] = field(default_factory=dict)
    use_prophet: bool = True
    use_trees: bool = True
    inner_cutoffs: int = 8
    pooling: float = 10.0
    understaffing_cost: float = 3.0
    overstaffing_cost: float = 1.0


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
    """

    panel: Panel
    dates: NDArray[np.datetime64]
    mean: NDArray[np.float64]
    event: NDArray[np.float64]
    override: NDArray[np.float64]
    member_means: Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Forecasts:
    """Forecast tables of one run, with the columns of their contracts less ``run_id``.

    Attributes
    ----------
    as_of
        The last day whose volumes were known.
    network, region, hub, route, outlet
        The five result tables. Every published sum is the sum of its parts.
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
