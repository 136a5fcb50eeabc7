"""What every feed returns, and the checks every feed's numbers pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.errors import RadarError
from weather.feeds.bad_rows import ENTRY, join_bad_rows

Kind = Literal["observations", "forecasts"]
Place = tuple[float, float]
"""Latitude and longitude [degrees]."""

MEASURES = ("temperature_c", "precipitation_mm", "snowfall_cm", "wind_speed_ms", "visibility_m")

SCHEMA: dict[str, pl.DataType] = {
    "issued_at": pl.Datetime("us", "UTC"),
    "valid_at": pl.Datetime("us", "UTC"),
    "latitude": pl.Float64(),
    "longitude": pl.Float64(),
    **{name: pl.Float64() for name in MEASURES},
}

# Bounds of what a sensor or model can say; outside them a unit has slipped or a filler value (-9999) got through.
_BOUNDS = {
    "temperature_c": (-90.0, 65.0),
    "precipitation_mm": (0.0, 500.0),
    "snowfall_cm": (0.0, 100.0),
    "wind_speed_ms": (0.0, 120.0),
    "visibility_m": (0.0, 200_000.0),
}


@dataclass(frozen=True)
class Reading:
    """What one file of a provider says.

    Parameters
    ----------
    frame
        Columns of ``SCHEMA``, sorted by place and time. ``issued_at`` is empty where the provider does not tell it.
    provider
        Name of the feed module that read it.
    kind
        ``observations`` or ``forecasts`` where the provider tells which, else None.
    ignored
        Columns of the file that ParcelRadar has no use for.
    warnings
        Rows of ``weather_warnings``; None where the file holds none.
    set_apart
        Warnings of the file that cannot be read -> why.
    bad_rows
        Rows of the file that cannot be read: ``file``, ``row``, ``column``, ``value``, ``rule``.
    entries
        Rows or entries the file holds, the bad ones among them.
    """

    frame: pl.DataFrame
    provider: str
    kind: Kind | None = None
    ignored: tuple[str, ...] = field(default=())
    warnings: pl.DataFrame | None = None
    set_apart: Mapping[str, str] = field(default_factory=dict)
    bad_rows: pl.DataFrame = field(default_factory=lambda: join_bad_rows([]))
    entries: int = 0


def check_place(latitude: float, longitude: float, *, file: str, row: int | None = None) -> None:
    """Raise RadarError unless the place lies on Earth (WGS 84 degrees)."""
    for name, value, limit in (("latitude", latitude, 90.0), ("longitude", longitude, 180.0)):
        if not np.isfinite(value) or abs(value) > limit:
            raise RadarError(
                f"{name} {value:g}",
                f"degrees between -{limit:g} and {limit:g}",
                "check the order of latitude and longitude",
                file=file,
                row=row,
                column=name,
            )


def outside_bounds(name: str, values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Mark where a measure leaves what is physically possible: a slipped unit, or a filler value that got through.

    Parameters
    ----------
    name
        One of ``MEASURES``.
    values
        In the workspace's unit; NaN is none.
    """
    low, high = _BOUNDS[name]
    return np.asarray((values < low) | (values > high) | np.isinf(values), dtype=np.bool_)


def bounds_rule(name: str) -> str:
    """Say what a measure outside its bounds breaks.

    Examples
    --------
    >>> bounds_rule("temperature_c")
    'is temperature_c outside -90 to 65: check the unit and the filler value of the provider'
    """
    low, high = _BOUNDS[name]
    return f"is {name} outside {low:g} to {high:g}: check the unit and the filler value of the provider"


def check_bounds(name: str, values: NDArray[np.float64], *, file: str, column: str) -> None:
    """Raise RadarError when a measure leaves what is physically possible: see ``outside_bounds``."""
    outside = outside_bounds(name, values)
    if bool(np.any(outside)):
        low, high = _BOUNDS[name]
        raise RadarError(
            f"{name} {values[int(np.argmax(outside))]:g}",
            f"a value between {low:g} and {high:g}",
            "check the unit and the filler value of the provider",
            file=file,
            column=column,
        )


def join_readings(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Return the rows of several frames in the one shape, sorted; of doubled keys the last one stays.

    Parameters
    ----------
    frames
        Each with columns of ``SCHEMA``; absent measures become empty. The column ``ENTRY`` stays where a frame has it.
    """
    if not frames:
        return pl.DataFrame(schema=SCHEMA)
    joined = pl.concat([arrange(frame) for frame in frames], how="diagonal")
    keys = ["issued_at", "valid_at", "latitude", "longitude"]
    return joined.unique(keys, keep="last", maintain_order=True).sort("latitude", "longitude", "valid_at", "issued_at")


def arrange(frame: pl.DataFrame) -> pl.DataFrame:
    """Return ``frame`` with the columns of ``SCHEMA``, NaN as empty, and ``ENTRY`` where it has that."""
    absent = [pl.lit(None, dtype=kind).alias(name) for name, kind in SCHEMA.items() if name not in frame.columns]
    wanted = [
        pl.col(name).cast(kind).fill_nan(None) if name in MEASURES else pl.col(name).cast(kind)
        for name, kind in SCHEMA.items()
    ]
    return frame.with_columns(absent).select(*wanted, *([pl.col(ENTRY)] if ENTRY in frame.columns else []))


def settle_kind(
    reading: Reading, kind: Kind | None, issued_at: datetime | None, *, file: str = "answer"
) -> tuple[Kind, pl.DataFrame]:
    """Say whether a reading is observation or forecast, and since when it was known.

    Providers answer past and future hours in one shape. What the caller says wins, then what the answer says; nothing is
    concluded from the file's own date, which a copy changes.

    Parameters
    ----------
    reading
        What a feed read.
    kind
        What the caller says it is, or None.
    issued_at
        When the caller says it was issued or fetched, with offset, or None.
    file
        Named in the error.

    Returns
    -------
    kind
        ``observations`` or ``forecasts``.
    frame
        Columns of ``SCHEMA``; ``issued_at`` is filled for forecasts where it was empty, and empty for observations.

    Raises
    ------
    RadarError
        When neither the answer nor the caller tells which it is, or when a forecast was issued.
    """
    frame = reading.frame
    settled = kind or reading.kind
    if settled is None and frame.is_empty():
        settled = "observations"  # of no row: either table stays as it is
    has_issue_time = frame["issued_at"].null_count() < frame.height
    if settled is None and has_issue_time:
        settled = "forecasts"
    if settled is None:
        if issued_at is None:
            raise RadarError(
                "an answer that does not tell whether it is forecast or observation",
                "one of them",
                "give --issued-at TIME for a forecast, or --as observations",
                file=file,
            )
        past = bool(frame.select((pl.col("valid_at") <= issued_at).all()).item())
        settled = "observations" if past else "forecasts"
    if settled == "forecasts":
        if issued_at is None and frame["issued_at"].null_count():
            raise RadarError(
                "a forecast that does not tell when it was issued",
                "its time of issue",
                "give --issued-at TIME",
                file=file,
            )
        return settled, frame.with_columns(
            pl.col("issued_at").fill_null(pl.lit(issued_at, dtype=pl.Datetime("us", "UTC")))
        )
    observed = frame.with_columns(pl.lit(None, dtype=pl.Datetime("us", "UTC")).alias("issued_at"))
    return settled, observed.unique(["valid_at", "latitude", "longitude"], keep="last", maintain_order=True)
