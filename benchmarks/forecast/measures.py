"""Figures of one forecast against what came."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.quantiles import QUANTILE_LEVELS as QUANTILES
from forecasting.intervals.interval_model import CALIBRATED_LEVELS as ALL_LEVELS
from forecasting.results import Forecasts
from forecasting.series.panel import ROUTE_KEYS, Level, Panel, aggregate
from forecasting.series.volume_classes import CLASS_LABELS, volume_class

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """What came, and what the history had been.

    Attributes
    ----------
    panel
        All routes and days; the routes are the rows of every matrix here.
    known
        How many days were known.
    horizon, skip
        Days ahead, and leads at the front that are not scored.
    """

    panel: Panel
    known: int
    horizon: int
    skip: int

    @property
    def actual(self) -> Matrix:
        """[routes x scored days]."""
        return self.panel.parcels[:, self.known + self.skip : self.known + self.horizon].astype(np.float64)

    @property
    def recent(self) -> Matrix:
        """[routes] parcels a day in the four weeks before."""
        return np.asarray(self.panel.parcels[:, max(0, self.known - 28) : self.known].mean(axis=1, dtype=np.float64))


def wape(actual: Matrix, mean: Matrix) -> float:
    """Return the sum of absolute errors over the sum of actuals."""
    return float(np.abs(actual - mean).sum() / max(float(actual.sum()), 1e-9))


def by_week(matrix: Matrix) -> Matrix:
    """Sum whole weeks of seven days; the days left over at the end are left out."""
    weeks = matrix.shape[1] // 7
    return np.asarray(matrix[:, : weeks * 7].reshape(matrix.shape[0], weeks, 7).sum(axis=2))


def point_figures(truth: Truth, mean: Matrix) -> dict[str, float]:
    """Score means [routes x horizon] at every level.

    The sums of all forecasts here are sums of their routes, so the bias of the whole is that of every level; the bias of
    trunk routes and of the rest stand beside it.
    """
    ahead, actual = mean[:, truth.skip :].astype(np.float64), truth.actual
    out, into = truth.panel.membership("hub_out"), truth.panel.membership("hub_in")
    history = truth.panel.parcels[:, : truth.known].astype(np.float64)
    seasonal = (
        np.sqrt(np.mean((history[:, 7:] - history[:, :-7]) ** 2, axis=1)) if truth.known > 7 else np.ones(len(history))
    )
    error = np.sqrt(np.mean((actual - ahead) ** 2, axis=1))
    moving = (seasonal > 0) & (truth.recent >= 1)
    whole_weeks = actual.shape[1] >= 7
    figures = {
        "network": wape(actual.sum(axis=0), ahead.sum(axis=0)),
        "hub out": wape(aggregate(actual, out), aggregate(ahead, out)),
        "hub in": wape(aggregate(actual, into), aggregate(ahead, into)),
        "route": wape(actual, ahead),
        "route weekly": wape(by_week(actual), by_week(ahead)) if whole_weeks else float("nan"),
        "bias": float(ahead.sum() / actual.sum() - 1),
        "RMSSE": float((error[moving] / seasonal[moving]).mean()) if moving.any() else float("nan"),
    }
    classes = volume_class(truth.recent)
    for number, label in enumerate(CLASS_LABELS):
        rows = classes == number
        if actual[rows].sum() > 0:
            figures[f"class {label}"] = wape(actual[rows], ahead[rows])
            figures[f"bias {label}"] = float(ahead[rows].sum() / actual[rows].sum() - 1)
            figures[f"share {label}"] = float(actual[rows].sum() / actual.sum())
            if whole_weeks:
                figures[f"weekly {label}"] = wape(by_week(actual[rows]), by_week(ahead[rows]))
    return figures


def interval_figures(truth: Truth, found: Forecasts) -> dict[str, float]:
    """Score the quantiles of routes of one parcel a day and more, of hubs and of the network: coverage and width."""
    rows = truth.recent >= 1
    routes = _placed(truth.panel, found, found.spread.quantiles("route", ALL_LEVELS))[:, truth.skip :]
    figures = {"WQL": quantile_loss(truth.actual, routes)}
    figures |= coverages("", truth.actual[rows], routes[rows])
    classes = volume_class(truth.recent)
    for number, label in enumerate(CLASS_LABELS):
        if truth.actual[classes == number].sum() > 0:
            figures |= coverages(f"{label} ", truth.actual[classes == number], routes[classes == number])
    panel = found.matrices.panel
    sums: dict[str, tuple[Level, ...]] = {"network": ("network",), "hub": ("hub_out", "hub_in")}
    for level, names in sums.items():
        actual, quantiles = [], []
        for name in names:
            theirs = panel.membership(name)
            said = found.spread.quantiles(name, ALL_LEVELS, theirs)[:, truth.skip :].astype(np.float64)
            ours = truth.panel.membership(name)
            came = dict(zip(ours.labels, aggregate(truth.actual, ours), strict=True))
            before = dict(zip(ours.labels, aggregate(truth.recent[:, None], ours)[:, 0], strict=True))
            kept = [at for at, label in enumerate(theirs.labels) if before.get(label, 0.0) >= 1]
            actual += [came[theirs.labels[at]] for at in kept]
            quantiles.append(said[kept])
        figures |= coverages(f"{level} ", np.array(actual), np.concatenate(quantiles))
    return figures


def peer_interval_figures(truth: Truth, quantiles: Matrix) -> dict[str, float]:
    """Score a peer's quantiles [routes x horizon x levels] of :data:`ALL_LEVELS` like ours."""
    rows = truth.recent >= 1
    scored = quantiles[:, truth.skip :]
    return {"WQL": quantile_loss(truth.actual, scored)} | coverages("", truth.actual[rows], scored[rows])


def quantile_loss(actual: Matrix, quantiles: Matrix) -> float:
    """Return the weighted quantile loss over the seven published levels."""
    loss = 0.0
    for at, level in enumerate(QUANTILES, start=1):
        gap = actual - quantiles[:, :, at]
        loss += float(np.maximum(level * gap, (level - 1) * gap).sum())
    return 2 * loss / len(QUANTILES) / float(actual.sum())


def coverages(name: str, actual: Matrix, quantiles: Matrix) -> dict[str, float]:
    """Return coverage and width of the 80, 90 and 95 % interval, bounds included."""
    figures = {}
    for percent, low, high in ((80, 2, 6), (90, 1, 7), (95, 0, 8)):
        below, above = quantiles[:, :, low], quantiles[:, :, high]
        figures[f"{name}cover {percent}"] = float(((actual >= below) & (actual <= above)).mean())
        figures[f"{name}width {percent}"] = float((above - below).sum() / actual.sum())
    return figures


def day_figures(found: Forecasts, truth: Truth, day: dt.date) -> dict[str, float]:
    """Return the network's forecast of one day, its 80 % interval and what came [parcels]."""
    row = found.network.filter(pl.col("date") == day).row(0, named=True)
    place = int(np.searchsorted(truth.panel.dates, np.datetime64(day, "D")))
    came = float(truth.panel.parcels[:, place].sum(dtype=np.float64))
    return {
        "day came": came,
        "day mean": float(row["mean"]),
        "day q10": float(row["q10"]),
        "day q90": float(row["q90"]),
    }


def route_places(panel: Panel, routes: pl.DataFrame) -> NDArray[np.int64]:
    """Return the rows that some routes have in the panel; -1 for routes that it lacks."""
    numbered = panel.routes.with_row_index("row")
    joined = routes.join(numbered, on=list(ROUTE_KEYS), how="left", maintain_order="left")
    return joined["row"].cast(pl.Int64).fill_null(-1).to_numpy()


def _placed(panel: Panel, found: Forecasts, matrix: NDArray[np.generic]) -> Matrix:
    place = route_places(panel, found.matrices.panel.routes)
    placed = np.zeros((panel.size, *matrix.shape[1:]))
    placed[place[place >= 0]] = matrix[place >= 0]
    return placed


def published(panel: Panel, found: Forecasts, column: str) -> Matrix:
    """Lay a column of the published route table out as [routes of the panel x horizon]; routes not published are 0."""
    days = found.route["date"].unique().sort()
    place = panel.routes.with_row_index("row")
    first = days[0]
    keyed = found.route.join(place, on=list(ROUTE_KEYS), how="inner").select(
        "row", (pl.col("date") - first).dt.total_days().alias("day"), column
    )
    matrix = np.zeros((panel.size, days.len()))
    matrix[keyed["row"].to_numpy().astype(np.int64), keyed["day"].to_numpy().astype(np.int64)] = keyed[
        column
    ].to_numpy()
    return matrix
