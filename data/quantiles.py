"""The quantiles every forecast table holds: their columns and their levels, one beside the other."""

from __future__ import annotations

QUANTILE_COLUMNS = ("q05", "q10", "q25", "q50", "q75", "q90", "q95")
"""Columns of the published quantiles [parcels]."""

QUANTILE_LEVELS = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95)
"""Levels of :data:`QUANTILE_COLUMNS` [1]."""
