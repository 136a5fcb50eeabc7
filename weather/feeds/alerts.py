"""What every feed of warnings has in common: colours, and the shape of ``weather_warnings``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from data.areas import area_text, read_area
from data.errors import RadarError

CHINESE_COLOURS = {"蓝": "blue", "黄": "yellow", "橙": "orange", "红": "red"}
# colours of other countries' services, by the grade they stand for there
_COLOURS = {
    "blue": "blue", "green": "blue", "white": "blue", "gray": "blue", "grey": "blue",
    "yellow": "yellow", "amber": "orange", "orange": "orange", "red": "red", "purple": "red", "black": "red",
}  # fmt: skip
_SEVERITIES = {"minor": "blue", "moderate": "yellow", "severe": "orange", "extreme": "red"}
WORST_UNKNOWN = "blue"
"""A warning of which neither colour nor severity is told is taken as the mildest (judgement)."""

PART = "#"
"""One message of a service may hold several warnings: their ids are the message's, this mark and a number."""

WARNING_SCHEMA: dict[str, pl.DataType] = {
    "warning_id": pl.String(),
    "issued_at": pl.Datetime("us", "UTC"),
    "status": pl.String(),
    "message_type": pl.String(),
    "supersedes": pl.String(),
    "kind": pl.String(),
    "severity": pl.String(),
    "onset": pl.Datetime("us", "UTC"),
    "expires": pl.Datetime("us", "UTC"),
    "area": pl.String(),
    "source": pl.String(),
    "certainty": pl.String(),
    "urgency": pl.String(),
    "text": pl.String(),
}


def colour_of(colour: str, severity: str = "", words: str = "") -> str:
    """Return the colour of a warning: as told, else as its headline says, else by the CAP severity.

    Examples
    --------
    >>> colour_of("Blue"), colour_of("", "Severe"), colour_of("", "", "发布大风蓝色预警"), colour_of("", "Unknown")
    ('blue', 'orange', 'blue', 'blue')
    """
    for level in (colour, severity):
        folded = level.strip().lower()
        if folded in _COLOURS:
            return _COLOURS[folded]
        if folded[:1] in CHINESE_COLOURS:
            return CHINESE_COLOURS[folded[:1]]
    for letter, name in CHINESE_COLOURS.items():
        if f"{letter}色" in words:
            return name
    found = re.search(r"\b(blue|yellow|amber|orange|red)\b", words.lower())
    if found:
        return _COLOURS[found[1]]
    return _SEVERITIES.get(severity.strip().lower(), WORST_UNKNOWN)


def warnings_frame(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Return warnings in the shape of ``weather_warnings``; of doubled ids the last stays; actual where nothing else is told."""
    full = [
        {name: row.get(name) for name in WARNING_SCHEMA} | {"status": row.get("status") or "actual"} for row in rows
    ]
    frame = pl.DataFrame(full, schema=WARNING_SCHEMA)
    return frame.unique("warning_id", keep="last", maintain_order=True)


def join_warnings(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Join the warnings of several answers: each id once.

    A service without areas tells one warning at every place it is asked for, and its area is round the place: of rows that differ
    in their area alone the areas are united. Otherwise the last row stays.
    """
    every = pl.concat(frames)
    rest = [name for name in every.columns if name != "area"]
    merged = every.drop_nulls("area").group_by(rest).agg(areas=pl.col("area").unique(maintain_order=True))
    merged = merged.filter(pl.col("areas").list.len() > 1)
    united = [_unite(areas) for areas in merged["areas"].to_list()]
    last = every.unique("warning_id", keep="last", maintain_order=True)
    whole = merged.select(*rest, united=pl.Series(united, dtype=pl.String))
    joined = last.join(whole, on=rest, how="left", nulls_equal=True, maintain_order="left")
    return joined.with_columns(area=pl.coalesce("united", "area")).select(every.columns)


def _unite(areas: Sequence[str]) -> str | None:
    """Unite areas; None where one cannot be read, which is told where warnings are read."""
    import shapely

    try:
        return area_text(shapely.union_all([read_area(text).shape for text in areas]))
    except RadarError:
        return None
