"""What was known on a day: the only view of the tables a backtest may forecast from."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

import polars as pl

from forecasting.inputs import ForecastInputs

_HISTORY_TIMES = ("ordered_at", "picked_up_at", "arrived_at", "out_for_delivery_at", "delivered_at")


def restrict(inputs: ForecastInputs, as_of: dt.date) -> ForecastInputs:
    """Leave out everything that happened or was written after ``as_of``.

    Volumes and waybills after the day are gone; a waybill under way keeps its row with the later timestamps empty and
    its outcome unknown. Events and network changes stay: they are planned and known ahead. Overrides,
    promotions and merchants' plans stay when they had been written.
    """
    end = _end_of(as_of, inputs.timezone)
    return replace(
        inputs,
        route_volumes=_until(inputs.route_volumes, as_of),
        outlet_volumes=_until(inputs.outlet_volumes, as_of),
        sales=_until(inputs.sales, as_of),
        waybills=None if inputs.waybills is None else _waybills_known(inputs.waybills, end),
        promotions=inputs.promotions.filter(pl.col("written_at").is_null() | (pl.col("written_at") < end)),
        merchant_plans=inputs.merchant_plans.filter(pl.col("written_at") < end),
        overrides=None if inputs.overrides is None else _written_by(inputs.overrides, end),
    )


def _until(frame: pl.DataFrame, as_of: dt.date) -> pl.DataFrame:
    latest = frame["date"].max()
    if isinstance(latest, dt.date) and latest <= as_of:
        return frame  # nothing to hide, nothing to copy
    return frame.filter(pl.col("date") <= as_of)


def _end_of(as_of: dt.date, timezone: str) -> pl.Expr:
    """Give the first instant after the day."""
    end = dt.datetime.combine(as_of + dt.timedelta(days=1), dt.time(), ZoneInfo(timezone))
    return pl.lit(end.astimezone(dt.UTC)).cast(pl.Datetime("us", "UTC"))


def _waybills_known(waybills: pl.DataFrame, end: pl.Expr) -> pl.DataFrame:
    known = waybills.filter(pl.col("ordered_at") < end)
    later = [name for name in _HISTORY_TIMES if name in known.columns]
    open_yet = pl.any_horizontal(pl.col(later) >= end)
    changes = [pl.when(pl.col(name) < end).then(pl.col(name)).otherwise(None).alias(name) for name in later]
    for name in ("status", "exception"):
        if name in known.columns:
            unknown = pl.lit("in_transit" if name == "status" else None, dtype=pl.String)
            changes.append(pl.when(open_yet).then(unknown).otherwise(pl.col(name)).alias(name))
    return known.with_columns(changes)


def _written_by(overrides: pl.DataFrame, end: pl.Expr) -> pl.DataFrame:
    return overrides.filter(pl.col("created_at") < end)
