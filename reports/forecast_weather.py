"""The weather in the forecast report: what it moved, day by day, over a map of warnings, lanes and outlets, and how old it is."""

from __future__ import annotations

import polars as pl
from markupsafe import Markup

from reports.forecast_inputs import ForecastInputs, WeatherSeen
from reports.formats import Formats
from reports.messages import Messages
from reports.tables import Column, Table, tabulate
from reports.weather_map import WeatherMap, find_worst, find_worst_outlets


def tell_weather(inputs: ForecastInputs, t: Messages, f: Formats) -> dict[str, object]:
    """Tell the weather of a forecast: values of the template's section; where no weather is in it, that it is not."""
    seen = inputs.weather
    if seen is None:
        return {"weather_notes": [t("forecast_weather.none")]}
    days = inputs.network["date"].to_list()
    lanes = find_worst(seen.lane_weather, seen.lanes, days)
    outlets = find_worst_outlets(seen.outlet_weather, inputs.outlets, days)
    moved = move_by_day(inputs.network)
    drawing = WeatherMap(lanes, seen.warnings, inputs.hubs, inputs.outlines, outlets).draw(t, f)
    lead = t(
        "forecast_weather.lead",
        moved=f.count(int(moved["held"].sum())),
        lanes=f.count(lanes.height),
        outlets=f.count(int(outlets["outlets"].sum() or 0)),
    )
    return {
        "weather_lead": lead,
        "weather_notes": list_notes(inputs, seen, t, f),
        "weather_table": _write_days(moved, t, f),
        **drawing,
    }


def move_by_day(network: pl.DataFrame) -> pl.DataFrame:
    """Say what the weather does to the network day by day.

    Returns
    -------
    pl.DataFrame
        ``date``, ``fair`` (baseline x event x override), ``mean``, ``weather`` (the factor), ``held`` and ``added`` [parcels].
    """
    fair = (pl.col("baseline") * pl.col("event") * pl.col("override")).round(0).cast(pl.Int64)
    change = pl.col("mean") - fair
    return network.sort("date").select(
        "date",
        "weather",
        mean=pl.col("mean"),
        fair=fair,
        held=(-change).clip(lower_bound=0),
        added=change.clip(lower_bound=0),
    )


def list_notes(inputs: ForecastInputs, seen: WeatherSeen, t: Messages, f: Formats) -> list[Markup]:
    """List what must be said of the weather's age, and of days of which nothing is known."""
    notes = [] if seen.age is None else [seen.age.tell(inputs.time_zone, t, f)]
    known = set(seen.lane_weather["date"]) | set(seen.outlet_weather["date"])
    unknown = [day for day in sorted(inputs.network["date"].to_list()) if day not in known]
    if unknown:
        span = f.full_day(unknown[0]) if len(unknown) == 1 else f.full_day(unknown[0]) + " – " + f.full_day(unknown[-1])
        notes.append(t("forecast_weather.unknown", n=f.count(len(unknown)), days=span))
    return notes


def _write_days(moved: pl.DataFrame, t: Messages, f: Formats) -> Table:
    rows = moved.filter((pl.col("held") > 0) | (pl.col("added") > 0))
    columns = [
        Column(t("column.date"), lambda row: f.day(row["date"]), numeric=False),
        Column(t("column.fair"), lambda row: f.count(row["fair"])),
        Column(t("column.mean"), lambda row: f.count(row["mean"])),
        Column(t("column.weather"), lambda row: f.factor(row["weather"])),
        Column(t("column.held_back"), lambda row: f.count(row["held"])),
        Column(t("column.caught_up"), lambda row: f.count(row["added"])),
    ]
    return tabulate(
        "weather-days", rows, columns, top=rows.height, command="radar export network_forecasts --format xlsx",
        note=t("forecast_weather.note"),
    )  # fmt: skip
