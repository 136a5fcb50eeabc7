"""What a trunk plan is asked to carry, from forecasts or as given."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from data.errors import RadarError
from data.keys import DAY_ROUTE
from data.quantiles import QUANTILE_LEVELS

if TYPE_CHECKING:
    import polars as pl

ROUTE = DAY_ROUTE
_LEVELS = QUANTILE_LEVELS


def demand_at_level(route_forecasts: pl.DataFrame, hub_forecasts: pl.DataFrame, service_level: float) -> pl.DataFrame:
    """Parcels by day and route such that each hub sends out its quantile of the forecast, all couriers together.

    The quantiles of routes do not come together: their sum is dearer than any day a hub will see. So each route carries
    its mean times what its hub of origin would send at the service level over what it is expected to send::

        parcels[d, o, e] = mean[d, o, e] x Q[d, o] / mean[d, o]

    with ``Q`` the quantile of the hub's outflow, interpolated linearly between the table's quantiles.

    Parameters
    ----------
    route_forecasts
        date, courier_id, origin_hub_id, destination_hub_id, mean.
    hub_forecasts
        date, hub_id, direction, mean, q05 to q95.
    service_level
        Quantile between 0.05 and 0.95.

    Returns
    -------
    polars.DataFrame
        date, origin_hub_id, destination_hub_id, parcels.

    Raises
    ------
    RadarError
        For a level outside the table's quantiles.
    """
    import polars as pl

    if not _LEVELS[0] <= service_level <= _LEVELS[-1]:
        raise RadarError(
            f"service level {service_level:g}",
            "a quantile from 0.05 to 0.95",
            "set --service-level or plan.service_level",
        )
    above = next(i for i, level in enumerate(_LEVELS) if level >= service_level - 1e-12)
    below = max(0, above - 1)
    span = _LEVELS[above] - _LEVELS[below]
    weight = 1.0 if span <= 0 else (service_level - _LEVELS[below]) / span
    low, high = (f"q{round(_LEVELS[i] * 100):02d}" for i in (below, above))
    level = pl.col(low) * (1 - weight) + pl.col(high) * weight
    sent = hub_forecasts.filter((pl.col("direction") == "out") & (pl.col("mean") > 0)).select(
        "date", pl.col("hub_id").alias("origin_hub_id"), ratio=level / pl.col("mean")
    )
    return (
        route_forecasts.group_by(ROUTE)
        .agg(pl.col("mean").sum())
        .join(sent, on=["date", "origin_hub_id"], how="left")
        .with_columns(parcels=(pl.col("mean") * pl.col("ratio").fill_null(1.0)).round().cast(pl.Int64))
        .filter(pl.col("parcels") > 0)
        .select(*ROUTE, "parcels")
        .sort(ROUTE)
    )


def take_days(demand: pl.DataFrame, first: date | None, last: date | None) -> pl.DataFrame:
    """Keep the demand of the days asked for.

    Raises
    ------
    RadarError
        When none is left.
    """
    import polars as pl

    kept = demand
    if first is not None:
        kept = kept.filter(pl.col("date") >= first)
    if last is not None:
        kept = kept.filter(pl.col("date") <= last)
    if kept.is_empty():
        days = (
            f"demand is known from {demand['date'].min()!s} to {demand['date'].max()!s}"
            if demand.height
            else "no demand is known"
        )
        raise RadarError(
            f"no demand in the days of the plan ({days})",
            action="forecast these days, load route_demand, or set --from and --to",
        )
    ready = [name for name in ("ready_at",) if name in kept.columns]
    return kept.select(*ROUTE, *ready, "parcels").sort(*ROUTE, *ready)
