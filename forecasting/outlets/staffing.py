"""Staffing: for how many parcels to staff an outlet."""

from __future__ import annotations

import numpy as np
import polars as pl

from data.errors import RadarError
from data.quantiles import QUANTILE_COLUMNS, QUANTILE_LEVELS


def staff_outlets(outlets: pl.DataFrame, understaffing_cost: float, overstaffing_cost: float) -> pl.DataFrame:
    """Say for how many parcels to staff each outlet and day.

    Parameters
    ----------
    outlets
        Table ``outlet_forecasts``.
    understaffing_cost, overstaffing_cost
        Cost of a parcel too many for the staff, and of staff for a parcel that does not come [CNY/parcel].

    Returns
    -------
    pl.DataFrame
        date, outlet_id, direction, mean, level (of the quantile), staffed_for [parcels].

    Raises
    ------
    RadarError
        When a cost is not above 0.

    Notes
    -----
    The newsvendor's quantile under / (under + over) (Arrow, Harris and Marschak, 1951), read between the published
    quantiles and no further out than these.
    """
    if understaffing_cost <= 0 or overstaffing_cost <= 0:
        raise RadarError("a staffing cost that is not above 0", "costs above 0", "correct [forecast] in radar.toml")
    level = understaffing_cost / (understaffing_cost + overstaffing_cost)
    values = outlets.select(QUANTILE_COLUMNS).to_numpy().astype(np.float64)
    at = float(np.interp(level, QUANTILE_LEVELS, np.arange(len(QUANTILE_LEVELS))))
    below, above = int(np.floor(at)), int(np.ceil(at))
    staffed = values[:, below] + (at - below) * (values[:, above] - values[:, below])
    return outlets.select("date", "outlet_id", "direction", "mean").with_columns(
        pl.lit(level).alias("level"), pl.Series("staffed_for", np.ceil(staffed - 1e-9).astype(np.int64))
    )
