"""Warnings that act: which were issued by a moment, what updates and cancellations left of them, and where they stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from data.areas import read_area
from data.errors import RadarError
from weather.feeds.alerts import PART

if TYPE_CHECKING:
    import geopandas as gpd

_ABSENT: dict[str, pl.DataType] = {
    "issued_at": pl.Datetime("us", "UTC"),
    "status": pl.String(),
    "message_type": pl.String(),
    "supersedes": pl.String(),
}


@dataclass(frozen=True)
class ActingWarnings:
    """Warnings that act, and those that do not, with the reason.

    Parameters
    ----------
    frame
        Rows of ``weather_warnings`` that act, sorted by onset and id; ``expires`` is cut where an update or a cancellation
        came before.
    areas
        Their areas, row by row, index 0.., column ``warning``, WGS 84.
    set_apart
        Warning id -> why it cannot be read.
    notes
        Warning id -> what was done to its area.
    """

    frame: pl.DataFrame
    areas: gpd.GeoDataFrame
    set_apart: Mapping[str, str]
    notes: Mapping[str, str]


def acting_warnings(warnings: pl.DataFrame, as_of: datetime | None = None) -> ActingWarnings:
    """Choose the warnings that act, by what was known at a moment.

    Parameters
    ----------
    warnings
        Table ``weather_warnings``.
    as_of
        What was issued later is not known; a warning without time of issue always is. None knows everything.

    Returns
    -------
    ActingWarnings
        Only actual messages act. A warning that an update or a cancellation names ends when that was issued (it never was,
        where the time of issue is unknown). Of warnings that say the same of the same area one stays. A warning whose area
        cannot be read is set apart; the others stay.
    """
    import geopandas as gpd

    known = _actual_by(warnings, as_of)
    standing = _end_superseded(known).filter(
        (pl.col("message_type").fill_null("alert") != "cancel") & (pl.col("onset") <= pl.col("expires"))
    )
    shapes, valid, set_apart, notes = [], [], dict[str, str](), dict[str, str]()
    seen: set[tuple[object, ...]] = set()
    for number, row in enumerate(standing.sort("onset", "warning_id").iter_rows(named=True)):
        try:
            area = read_area(row["area"])
        except RadarError as error:
            set_apart[row["warning_id"]] = error.found
            continue
        same = (row["kind"].strip().lower(), row["severity"], row["onset"], row["expires"], area.shape.normalize().wkb)
        if same in seen:
            continue
        seen.add(same)
        if area.notes:
            notes[row["warning_id"]] = ", ".join(area.notes)
        valid.append(number)
        shapes.append(area.shape)
    frame = standing.sort("onset", "warning_id")[valid]
    areas = gpd.GeoDataFrame({"warning": range(len(shapes))}, geometry=shapes, crs="EPSG:4326")
    return ActingWarnings(frame, areas, set_apart, notes)


def _actual_by(warnings: pl.DataFrame, as_of: datetime | None) -> pl.DataFrame:
    absent = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in _ABSENT.items() if name not in warnings.columns]
    known = warnings.with_columns(absent).filter(pl.col("status").fill_null("actual") == "actual")
    if as_of is not None:
        known = known.filter(pl.col("issued_at").is_null() | (pl.col("issued_at") <= as_of))
    return known


def _end_superseded(known: pl.DataFrame) -> pl.DataFrame:
    """Cut the warnings that later messages name: they end when the first of those was issued, or never began."""
    named = (
        known.filter(pl.col("message_type").fill_null("alert") != "alert")
        .select(by="warning_id", ended="issued_at", superseded=pl.col("supersedes").str.split("|"))
        .explode("superseded")
        .with_columns(pl.col("superseded").str.strip_chars())
        .filter(pl.col("superseded").fill_null("") != "")
    )
    if named.is_empty():
        return known
    message = pl.col("warning_id").str.replace(f"{PART}[^{PART}]*$", "")
    both = known.with_columns(message=message)
    ends = pl.concat(
        [
            both.join(named, left_on=column, right_on="superseded").select("warning_id", "ended", "by")
            for column in ("warning_id", "message")
        ]
    ).filter(pl.col("by") != pl.col("warning_id"))
    first = ends.group_by("warning_id").agg(
        ended=pl.col("ended").min(), never=pl.col("ended").is_null().any(), named=pl.lit(True)
    )
    cut = both.drop("message").join(first, on="warning_id", how="left", maintain_order="left")
    gone = pl.col("named").fill_null(False) & (pl.col("never") | (pl.col("ended") <= pl.col("onset")))
    return cut.filter(~gone).with_columns(expires=pl.min_horizontal("expires", "ended")).drop("ended", "never", "named")
