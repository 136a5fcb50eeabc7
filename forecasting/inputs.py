"""What a forecast is made from and how it is set."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl


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


def no_promotions() -> pl.DataFrame:
    """Return an empty table ``promotions``."""
    texts = (
        "promotion_id",
        "scope",
        "region_id",
        "hub_id",
        "outlet_id",
        "merchant_id",
        "category",
        "event_id",
        "venue",
    )
    return _empty(
        **dict.fromkeys(texts, pl.String),
        date_from=pl.Date,
        date_to=pl.Date,
        discount=pl.Float64,
        strength=pl.Float64,
        written_at=pl.Datetime("us", "UTC"),
    )


def no_sales() -> pl.DataFrame:
    """Return an empty table ``sales``."""
    return _empty(
        date=pl.Date,
        merchant_id=pl.String,
        category=pl.String,
        destination_region_id=pl.String,
        units=pl.Int64,
        parcels=pl.Int64,
    )


def no_plans() -> pl.DataFrame:
    """Return an empty table ``merchant_plans``."""
    return _empty(
        merchant_id=pl.String,
        category=pl.String,
        date_from=pl.Date,
        date_to=pl.Date,
        units=pl.Int64,
        growth=pl.Float64,
        change=pl.String,
        hub_id=pl.String,
        sd=pl.Float64,
        written_at=pl.Datetime("us", "UTC"),
    )


@dataclass(frozen=True)
class ForecastInputs:
    """The tables a forecast reads, with the columns of their contracts.

    Only ``route_volumes``, or ``outlets`` and ``outlet_volumes``, must hold rows; each other table may be empty or have its columns only.
    A backtest hands in a view that ends on its as-of date (:mod:`forecasting.history.as_of_view`). ``timezone`` is the one of
    business dates: it says when the as-of day ends for rows with a time.
    """

    route_volumes: pl.DataFrame
    hubs: pl.DataFrame = field(default_factory=lambda: _empty(hub_id=pl.String, region_id=pl.String))
    events: pl.DataFrame = field(default_factory=no_events)
    network_changes: pl.DataFrame = field(default_factory=no_changes)
    outlets: pl.DataFrame = field(
        default_factory=lambda: _empty(outlet_id=pl.String, courier_id=pl.String, hub_id=pl.String)
    )
    outlet_volumes: pl.DataFrame = field(
        default_factory=lambda: _empty(date=pl.Date, outlet_id=pl.String, direction=pl.String, parcels=pl.Int64)
    )
    promotions: pl.DataFrame = field(default_factory=no_promotions)
    sales: pl.DataFrame = field(default_factory=no_sales)
    merchants: pl.DataFrame = field(default_factory=lambda: _empty(merchant_id=pl.String, hub_id=pl.String))
    merchant_plans: pl.DataFrame = field(default_factory=no_plans)
    waybills: pl.DataFrame | None = None
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
    closed
        First and last day of times in which the whole network rested, so that its days without rows mean zero.
    bridge
        Whether to forecast although more than a week before the as-of date holds no rows.
    """

    event_priors: Mapping[str, EventPrior] = field(default_factory=dict)
    use_prophet: bool = True
    use_trees: bool = True
    inner_cutoffs: int = 8
    pooling: float = 10.0
    closed: tuple[tuple[dt.date, dt.date], ...] = ()
    bridge: bool = False
