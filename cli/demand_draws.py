"""Draws of the demand of a trunk plan, from the forecast run it came from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from forecasting.intervals.sample_paths import PathModel

LEVELS = ("network", "hub", "route")
FRESH = 1_000_003  # added to the seed of draws to judge on (judgement: far from seeds a planner types)


@dataclass
class DemandSource:
    """Draws of all couriers together, by day and pair of hubs.

    Attributes
    ----------
    model
        Cut to the days of the demand.
    routes
        date, origin_hub_id, destination_hub_id: the columns of the draws.
    most, seed
        Draws it can give, and their seed.
    """

    model: PathModel
    routes: pl.DataFrame
    pair: NDArray[np.int64]
    pairs: int
    most: int
    seed: int
    _paths: Iterator[NDArray[np.int64]] | None = field(default=None)
    _given: int = 0

    @classmethod
    def open(cls, forecasts: dict[str, pl.DataFrame], first: date, last: date, most: int, seed: int) -> DemandSource:
        """Fit a forecast's paths and cut them to the days of a plan's demand.

        Raises
        ------
        RadarError
            When there is no forecast or it does not cover the days.
        """
        import polars as pl

        from forecasting.intervals.sample_paths import fit_paths
        from forecasting.intervals.stratified_paths import cut_days

        model = cut_days(fit_paths(forecasts["network"], forecasts["hub"], forecasts["route"]), first, last)
        ends = ["origin_hub_id", "destination_hub_id"]
        pairs = model.routes.select(ends).unique().sort(ends)
        pair = model.routes.join(pairs.with_row_index("pair"), on=ends, how="left", maintain_order="left")["pair"]
        days = pl.DataFrame({"date": pl.Series(model.dates).cast(pl.Date)})
        routes = days.join(pairs, how="cross", maintain_order="left_right").select("date", *ends)
        return cls(model, routes, pair.to_numpy().astype("int64"), pairs.height, most, seed)

    def draw(self, start: int, end: int) -> NDArray[np.int64]:
        """Give draws ``start`` to before ``end`` as [draws x routes] parcels; they can only be drawn in their order."""
        import numpy as np

        from forecasting.intervals.stratified_paths import draw_strata

        if self._paths is None or start < self._given:
            self._paths, self._given = draw_strata(self.model, self.most, self.seed), 0
        drawn = np.zeros((end - start, self.model.dates.size, self.pairs), dtype=np.int64)
        while self._given < end:
            path = next(self._paths)
            if self._given >= start:
                np.add.at(drawn[self._given - start].T, self.pair, path)
            self._given += 1
        return drawn.reshape(end - start, -1)

    def draw_fresh(self, draws: int, turn: int = 1) -> NDArray[np.int64]:
        """Give draws of another seed, to judge on what was not used to choose; each turn is another."""
        fresh = replace(self, most=draws, seed=self.seed + turn * FRESH, _paths=None, _given=0)
        return fresh.draw(0, draws)

    def share_of_couriers(self) -> dict[str, NDArray[np.float64]]:
        """Return by courier the [routes] share of each demand's median that is its."""
        import numpy as np

        middle = self.model.knots[:, :, self.model.scores.size // 2].astype(np.float64)
        total = np.zeros((self.pairs, middle.shape[1]))
        np.add.at(total, self.pair, middle)
        shares = {}
        couriers = self.model.routes["courier_id"].to_numpy()
        for courier in np.unique(couriers):
            own = np.zeros_like(total)
            np.add.at(own, self.pair[couriers == courier], middle[couriers == courier])
            shares[str(courier)] = np.divide(own, total, out=np.zeros_like(own), where=total > 0).T.reshape(-1)
        return shares
