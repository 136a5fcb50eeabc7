"""Numbers of a column whose header names a unit other than the contract's."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import polars as pl

from data.contracts import ColumnContract
from data.ingest.numbers import wholes_of
from data.ingest.units import Conversion
from data.ingest.values import Style, read_values

# 12.3456 万件 is 123,456 parcels; what is farther from a whole number than this is none.
_WHOLE_TOLERANCE = 1e-6
_OWN_SCALE = r"[万亿%％]\s*$"


def read_measure(
    values: pl.Series, column: ColumnContract, conversion: Conversion, style: Style, zone: ZoneInfo
) -> tuple[pl.Series, pl.Series]:
    """Read one numeric column and convert it; see ``values.read_values`` for what is given and returned.

    A cell that names its own scale (1.2万, 85 %) has said it all: the header's is not put on top.
    """
    numbers, rules = read_values(values, replace(column, dtype=pl.Float64()), style, zone)
    converted = numbers * conversion.factor + conversion.offset
    if values.dtype == pl.String:
        own = values.str.contains(_OWN_SCALE).fill_null(False)
        if own.any():
            converted = converted.zip_with(~own, numbers)
    if column.dtype != pl.Int64:
        return converted, rules
    rounded = converted.round()
    near = ((converted - rounded).abs() <= _WHOLE_TOLERANCE * converted.abs().clip(1.0)).fill_null(False)
    wholes, broken = wholes_of(converted.zip_with(~near, rounded))
    return wholes, rules.zip_with(rules.is_not_null(), broken)
