"""The map of the weather: lanes by their worst day over the areas under warnings, for forecast and plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from reports.cause_words import CauseWords
from reports.formats import Formats
from reports.maps import AreaMark, HubMark, LaneMark, draw_map
from reports.messages import Messages
from reports.page import Legend
from reports.tables import Names

_FAIR = 0.98  # of a fair day's speed or capacity: less is told (judgement)
_TONES = {"red": "bad", "orange": "warn", "yellow": "warn", "blue": "accent", "none": "accent"}
_ORDER = ("none", "blue", "yellow", "orange", "red")  # the worst is drawn last and lies on top


@dataclass(frozen=True)
class WeatherMap:
    """What the map shows.

    Parameters
    ----------
    lanes
        ``lane_id``, ``origin_hub_id``, ``destination_hub_id``, ``mode``, ``severity``, ``cause``, ``loss``, as ``find_worst`` gives them.
    warnings
        ``weather_warnings`` that are the cause.
    hubs
        Table ``hubs``.
    outlines
        GeoJSON text of the regions for the background, or none.
    outlets
        ``hub_id``, ``severity`` (the worst over its outlets), ``outlets`` (touched); empty where outlets are not shown.
    """

    lanes: pl.DataFrame
    warnings: pl.DataFrame
    hubs: pl.DataFrame
    outlines: str | None
    outlets: pl.DataFrame

    def draw(self, t: Messages, f: Formats) -> dict[str, object]:
        """Draw it: ``weather_map``, ``weather_legend`` and ``weather_caption`` for the template."""
        names, cause = Names(self.hubs, "hub_id"), CauseWords(t)
        lanes = [
            LaneMark(
                row["origin_hub_id"], row["destination_hub_id"], f"{row['mode']} {_TONES[row['severity']]}", row["loss"],
                f"{names.text(row['origin_hub_id'])} → {names.text(row['destination_hub_id'])}: {cause(row['cause'])}",
            )
            for row in self.lanes.iter_rows(named=True)
        ]  # fmt: skip
        areas = [
            AreaMark(
                row["area"],
                _TONES[row["severity"]],
                f"{t.term('warning_kind', row['kind'])} {t.term('severity', row['severity'])} ({row['warning_id']})",
            )
            for row in sorted(
                self.warnings.to_dicts(), key=lambda row: (_ORDER.index(row["severity"]), row["warning_id"])
            )
        ]
        legend = [
            Legend("bad", "line", t("weather.legend_red")),
            Legend("warn", "line", t("weather.legend_orange")),
            Legend("accent", "line", t("weather.legend_other")),
        ]
        drawing = draw_map(self._hubs(t), lanes, self.outlines, t.plain("weather.map_label"), areas)
        caption = t("weather.map_caption", lanes=f.count(len(lanes)), warnings=f.count(len(areas)))
        return {"weather_map": drawing, "weather_legend": legend, "weather_caption": caption}

    def _hubs(self, t: Messages) -> Sequence[HubMark]:
        touched = {row["hub_id"]: row for row in self.outlets.iter_rows(named=True)}
        placed = self.hubs.select("hub_id", "name", "latitude", "longitude").drop_nulls().sort("hub_id")
        marks = []
        for hub, name, latitude, longitude in placed.iter_rows():
            row, tone, tip = touched.get(hub), "plain", name
            if row is not None:
                tone = _TONES[row["severity"]]
                tip = f"{name}: {t('weather.outlets_tip', n=row['outlets'])}"
            outlets = 0.0 if row is None else float(row["outlets"])
            marks.append(HubMark(hub, name, latitude, longitude, outlets, tone, overloaded=False, tip=tip))
        return marks


def find_worst(lane_weather: pl.DataFrame, lanes: pl.DataFrame, days: Sequence[date] | pl.Series) -> pl.DataFrame:
    """Find for each lane that the weather touches on some days its worst one.

    Returns
    -------
    pl.DataFrame
        ``lane_id``, ``origin_hub_id``, ``destination_hub_id``, ``mode``, ``severity``, ``cause``, ``loss`` (share of speed times
        capacity that is lost, or the probability of a closure where that is more), the least touched first.
    """
    ends = lanes.select("lane_id", "origin_hub_id", "destination_hub_id", "mode")
    return (
        lane_weather.filter(is_touched() & pl.col("date").is_in(list(days)))
        .with_columns(lost_share().alias("loss"))
        .sort("loss", "date", descending=[True, False])
        .unique("lane_id", keep="first", maintain_order=True)
        .join(ends, on="lane_id", how="inner")
        .select("lane_id", "origin_hub_id", "destination_hub_id", "mode", "severity", "cause", "loss")
        .sort("loss", "lane_id")
    )


def find_worst_outlets(outlet_weather: pl.DataFrame, outlets: pl.DataFrame, days: Sequence[date]) -> pl.DataFrame:
    """Find the hubs whose outlets the weather touches: ``hub_id``, ``severity`` (the worst), ``outlets`` (how many), by hub."""
    rank = pl.col("severity").replace_strict({name: at for at, name in enumerate(_ORDER)}, return_dtype=pl.Int64)
    found = (
        outlet_weather.filter(is_touched() & pl.col("date").is_in(list(days)))
        .join(outlets.select("outlet_id", "hub_id"), on="outlet_id", how="inner")
        .group_by("hub_id")
        .agg(rank.max().alias("rank"), outlets=pl.col("outlet_id").n_unique())
    )
    return found.select(
        "hub_id",
        severity=pl.col("rank").replace_strict(dict(enumerate(_ORDER)), return_dtype=pl.String),
        outlets="outlets",
    ).sort("hub_id")


def is_touched() -> pl.Expr:
    """Whether weather matters on a row: a closure is possible, a warning stands, or more than 2 % are lost."""
    return (
        (pl.col("speed_factor") < _FAIR)
        | (pl.col("capacity_factor") < _FAIR)
        | (pl.col("closure_probability") > 0)
        | (pl.col("severity") != "none")
    )


def lost_share() -> pl.Expr:
    """Share of speed times capacity that is lost, or the probability of a closure where that is more."""
    slowed = 1 - pl.col("speed_factor") * pl.col("capacity_factor")
    return pl.max_horizontal(slowed, pl.col("closure_probability"))
