"""What route forecasts are made from: the cleaned routes with the sums of their hubs, as any cut-off knew them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.arrays import Vector
from forecasting.history.cleaning import CleanHistory
from forecasting.routes.inner_backtests import recent_volume
from forecasting.routes.network_path import batched_path
from forecasting.series.panel import Membership, Panel, aggregate
from forecasting.series.volume_classes import volume_class

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class HubSums:
    """Sums of the history that routes are seen against.

    Attributes
    ----------
    out, into
        Membership of routes in their origin and destination hub.
    out_sums, into_sums
        [hubs x days].
    network
        [1 x days].
    """

    out: Membership
    into: Membership
    out_sums: Matrix
    into_sums: Matrix
    network: Matrix

    @classmethod
    def of(cls, parcels: Matrix, out: Membership, into: Membership) -> HubSums:
        """Sum a [routes x days] history by hub and over all."""
        return cls(
            out,
            into,
            aggregate(parcels, out).astype(np.float32),
            aggregate(parcels, into).astype(np.float32),
            parcels.sum(axis=0, keepdims=True, dtype=np.float64).astype(np.float32),
        )

    def until(self, day: int) -> HubSums:
        """Return the sums of the days before ``day`` only."""
        return HubSums(self.out, self.into, self.out_sums[:, :day], self.into_sums[:, :day], self.network[:, :day])


@dataclass(frozen=True)
class RouteHistory:
    """The history of all routes without events.

    Attributes
    ----------
    parcels
        [routes x days] cleaned parcels.
    dates
        [days].
    day_weight
        [days] how much a day counts as a witness of ordinary days; event days count less.
    filled
        [days] days filled because nothing was loaded for them.
    sums
        The hubs' and the network's sums.
    hidden
        [routes x days] cells that were put there and teach nothing; None where there are none.
    """

    parcels: Matrix
    dates: NDArray[np.datetime64]
    day_weight: Vector
    filled: NDArray[np.bool_]
    sums: HubSums
    hidden: NDArray[np.bool_] | None = None

    @classmethod
    def of(cls, panel: Panel, clean: CleanHistory) -> RouteHistory:
        """Take a cleaned history with the hubs of its panel."""
        sums = HubSums.of(clean.parcels, panel.membership("hub_out"), panel.membership("hub_in"))
        return cls(clean.parcels, panel.dates, clean.calmness[: clean.known], clean.filled, sums, clean.hidden)

    @property
    def days(self) -> int:
        """How many days are known."""
        return int(self.parcels.shape[1])

    @property
    def learnt_weight(self) -> Vector:
        """[days] how much a day teaches: as ``day_weight``, and nothing on filled days."""
        return np.where(self.filled, 0.0, self.day_weight)

    @property
    def total(self) -> Vector:
        """[days] parcels of the network."""
        return np.asarray(self.sums.network[0], dtype=np.float64)

    @property
    def classes(self) -> NDArray[np.int64]:
        """[routes] volume class on the last day."""
        return volume_class(recent_volume(self.parcels))

    def until(self, cutoff: int) -> RouteHistory:
        """Return what a cut-off of so many days knew."""
        return RouteHistory(
            self.parcels[:, :cutoff],
            self.dates[:cutoff],
            self.day_weight[:cutoff],
            self.filled[:cutoff],
            self.sums.until(cutoff),
            None if self.hidden is None else self.hidden[:, :cutoff],
        )

    def batched_path(self, horizon: int) -> Vector:
        """Return the [horizon] network path by the batched paths."""
        return batched_path(self.total, self.dates, horizon, self.learnt_weight)

    def days_after(self, cutoff: int, horizon: int) -> tuple[slice, Vector]:
        """Return the known days that a cut-off had ahead, and how much each counts; filled days count nothing."""
        ahead = slice(cutoff, min(cutoff + horizon, self.days))
        return ahead, self.learnt_weight[ahead]
