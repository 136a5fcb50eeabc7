"""Figures of one forecast against what came."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.inputs import Forecasts
from forecasting.panel import ROUTE_KEYS, Panel, aggregate
from forecasting.tables import QUANTILE_COLUMNS
from forecasting.volume_classes import CLASS_LABELS, volume_class

Matrix = NDArray[np.float64]
QUANTILES = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95)


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
    """Score means [routes x horizon] at every level."""
    ahead, actual = mean[:, truth.skip :].astype(np.float64), truth.actual
    out, into = truth.panel.membership("hub_out"), truth.panel.membership("hub_in")
    history = truth.panel.parcels[:, : truth.known].astype(np.float64)
    seasonal = (
        np.sqrt(np.mean((history[:, 7:] - history[:, :-7]) ** 2, axis=1)) if truth.known > 7 else np.ones(len(history))
    )
    error = np.sqrt(np.mean((actual - ahead) ** 2, axis=1))
    moving = (seasonal > 0) & (truth.recent >= 1)
    figures = {
        "network": wape(actual.sum(axis=0), ahead.sum(axis=0)),
        "hub out": wape(aggregate(actual, out), aggregate(ahead, out)),
        "hub in": wape(aggregate(actual, into), aggregate(ahead, into)),
        "route": wape(actual, ahead),
        "route weekly": wape(by_week(actual), by_week(ahead)) if actual.shape[1] >= 7 else float("nan"),
        "bias": float(ahead.sum() / actual.sum() - 1),
        "RMSSE": float((error[moving] / seasonal[moving]).mean()) if moving.any() else float("nan"),
    }
    classes = volume_class(truth.recent)
    for number, label in enumerate(CLASS_LABELS):
        rows = classes == number
        if actual[rows].sum() > 0:
            figures[f"class {label}"] = wape(actual[rows], ahead[rows])
    return figures


def interval_figures(truth: Truth, found: Forecasts) -> dict[str, float]:
    """Score the published quantiles of routes of one parcel a day and more, and of the network."""
    quantiles = [published(truth.panel, found, name)[:, truth.skip :] for name in QUANTILE_COLUMNS]
    actual = truth.actual
    rows = truth.recent >= 1
    loss = 0.0
    for level, quantile in zip(QUANTILES, quantiles, strict=True):
        gap = actual - quantile
        loss += float(np.maximum(level * gap, (level - 1) * gap).sum())
    low80, high80, low90, high90 = quantiles[1][rows], quantiles[5][rows], quantiles[0][rows], quantiles[6][rows]
    mine = actual[rows]
    network = found.network.sort("date")[truth.skip :]
    total = actual.sum(axis=0)
    return {
        "WQL": 2 * loss / len(QUANTILES) / float(actual.sum()),
        "cover 80": float(((mine >= low80) & (mine <= high80)).mean()),
        "width 80": float((high80 - low80).sum() / mine.sum()),
        "cover 90": float(((mine >= low90) & (mine <= high90)).mean()),
        "width 90": float((high90 - low90).sum() / mine.sum()),
        "network cover 80": float(((total >= network["q10"].to_numpy()) & (total <= network["q90"].to_numpy())).mean()),
        "network width 80": float((network["q90"] - network["q10"]).sum() / total.sum()),
    }


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
