"""Planners' overrides: factors on a part of the forecast, with author and reason."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Matrix
from data.errors import RadarError

_NEEDED: dict[str, tuple[str, ...]] = {
    "network": (),
    "region": ("region_id",),
    "hub": ("hub_id",),
    "route": (),
    "outlet": ("outlet_id",),
}
_ENDS = {"out": "origin_hub_id", "in": "destination_hub_id"}


def check_overrides(overrides: pl.DataFrame) -> None:
    """Refuse overrides that cannot be meant.

    Parameters
    ----------
    overrides
        Table ``forecast_overrides``.

    Raises
    ------
    RadarError
        For a factor that is negative or no number, an author or reason that is missing, a last day before the first,
        or a row that does not say which part of its level it corrects.
    """
    for number, row in enumerate(overrides.iter_rows(named=True), start=1):
        name, level = row["override_id"], row["level"]
        factor = row["factor"]
        if factor is None or not np.isfinite(factor) or factor < 0:
            raise RadarError(
                f"override {name} with factor {factor}",
                "a factor of 0 or more",
                "correct forecast_overrides",
                row=number,
            )
        for column in ("author", "reason"):
            if not (row[column] or "").strip():
                raise RadarError(f"override {name} without {column}", f"who decided and why: {column}", row=number)
        if row["date_to"] < row["date_from"]:
            raise RadarError(f"override {name} that ends before it starts", "dates in order", row=number)
        if level not in _NEEDED:
            raise RadarError(f"override {name} of level {level}", f"one of {', '.join(_NEEDED)}", row=number)
        missing = [column for column in _NEEDED[level] if row.get(column) is None]
        if missing:
            raise RadarError(f"override {name} of level {level} without {missing[0]}", missing[0], row=number)
        ends = ("origin_hub_id", "destination_hub_id", "courier_id")
        if level == "route" and all(row.get(column) is None for column in ends):
            raise RadarError(f"override {name} of level route without an end", f"one of {', '.join(ends)}", row=number)


def override_factors(
    overrides: pl.DataFrame,
    routes: pl.DataFrame,
    dates: NDArray[np.datetime64],
    region_of_hub: dict[str, str | None],
) -> Matrix:
    """Return what planners multiply each route and day by.

    Parameters
    ----------
    overrides
        Table ``forecast_overrides``; rows of level ``outlet`` are left to :func:`outlet_override_factors`.
    routes
        courier_id, origin_hub_id, destination_hub_id, one row a route.
    dates
        [days] days ahead.
    region_of_hub
        hub_id -> region_id.

    Returns
    -------
    NDArray[np.float64]
        [routes x days] factors; where several hit, their product. A hub or region without direction means the parcels
        that leave it.

    Raises
    ------
    RadarError
        As :func:`check_overrides`.
    """
    check_overrides(overrides)
    factors = np.ones((routes.height, dates.size))
    for row in overrides.filter(pl.col("level") != "outlet").sort("override_id").iter_rows(named=True):
        hit = _routes_hit(row, routes, region_of_hub)
        factors[np.ix_(hit, _days_hit(row["date_from"], row["date_to"], dates))] *= row["factor"]
    return factors


def outlet_override_factors(
    overrides: pl.DataFrame, outlet_ids: list[str], dates: NDArray[np.datetime64], direction: str
) -> Matrix:
    """Return what planners multiply each outlet and day by, beside what they did to its hub.

    Parameters
    ----------
    overrides
        Table ``forecast_overrides``; rows of other levels are left out.
    outlet_ids
        The outlets, in the order wanted.
    dates
        [days] days ahead.
    direction
        pickup or delivery; a row without direction corrects both.

    Returns
    -------
    NDArray[np.float64]
        [outlets x days] factors.
    """
    check_overrides(overrides)
    position = {name: at for at, name in enumerate(outlet_ids)}
    factors = np.ones((len(outlet_ids), dates.size))
    for row in overrides.filter(pl.col("level") == "outlet").sort("override_id").iter_rows(named=True):
        if row["outlet_id"] in position and row["direction"] in (None, direction):
            days = _days_hit(row["date_from"], row["date_to"], dates)
            factors[position[row["outlet_id"]], days] *= row["factor"]
    return factors


def _days_hit(date_from: dt.date, date_to: dt.date, dates: NDArray[np.datetime64]) -> NDArray[np.int64]:
    first, last = np.datetime64(date_from, "D"), np.datetime64(date_to, "D")
    return np.flatnonzero((dates >= first) & (dates <= last))


def _routes_hit(row: dict[str, str], routes: pl.DataFrame, region_of_hub: dict[str, str | None]) -> NDArray[np.int64]:
    level = row["level"]
    chosen = pl.lit(True)
    if level == "route":
        for column in ("courier_id", "origin_hub_id", "destination_hub_id"):
            if row[column] is not None:
                chosen = chosen & (pl.col(column) == row[column])
    elif level in ("hub", "region"):
        end = _ENDS["in" if row["direction"] == "in" else "out"]
        if level == "hub":
            chosen = pl.col(end) == row["hub_id"]
        else:
            hubs = [hub for hub, region in region_of_hub.items() if region == row["region_id"]]
            chosen = pl.col(end).is_in(hubs)
    return routes.with_row_index("place").filter(chosen)["place"].to_numpy().astype(np.int64)
