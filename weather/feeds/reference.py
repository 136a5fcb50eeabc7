"""What each feed reads, as the page docs/reference/weather-feeds.md tells it: made from the feeds' own tables."""

from __future__ import annotations

from weather.feeds import alerts, cap, csv_points, open_meteo, openweather, qweather, qweather_place, station_csv
from weather.feeds.rows import COLUMNS
from weather.feeds.units import UNITS

_ABOUT = {
    "open-meteo": "JSON: `hourly`, `daily`, `current`; one place or several. Units stand in the answer.",
    "qweather": "JSON: v7 (now, hourly, daily, grid, warnings, storms) and the new API (hours, days, alerts). Places by `--place` or `--places`.",
    "openweather": "JSON: One Call with current, hourly, daily, alerts. Kelvin and °C are told apart by their size.",
    "cap": "XML: one CAP 1.2 alert a file, checked against a schema; entities are never resolved.",
    "inmet": "CSV: eight lines of preamble, `;`, decimal comma, UTC hours, -9999 for missing.",
    "beijing": "CSV: date in four columns, hours of Beijing. Places by `--place` or `--places`.",
    "csv": "CSV: one row a place and hour, the unit behind each measure's name.",
}


def write_page() -> str:
    """Return the reference of weather feeds as Markdown."""
    lines = [
        "# Weather feeds",
        "",
        "Made from the feeds by `make docs`; do not edit. `radar weather load FILE…` tells them apart by what stands in them.",
        "",
    ]
    lines += ["Every feed gives the same columns: " + ", ".join(f"`{column}`" for column in COLUMNS.values()) + ".", ""]
    lines += ["| feed | what it reads |", "|---|---|"]
    lines += [f"| {name} | {about} |" for name, about in _ABOUT.items()]
    for name, rows in _fields().items():
        lines += ["", f"## {name}", "", "| field | unit | becomes |", "|---|---|---|"]
        lines += [f"| `{field}` | {unit} | {column} |" for field, unit, column in rows]
    lines += ["", "## Units known", "", "| measure | units |", "|---|---|"]
    lines += [f"| {quantity} | {', '.join(units)} |" for quantity, units in UNITS.items()]
    lines += ["", "## Colours of warnings", "", "| CAP severity | colour |", "|---|---|"]
    lines += [
        f"| {severity} | {alerts.colour_of('', severity)} |"
        for severity in ("Extreme", "Severe", "Moderate", "Minor", "Unknown")
    ]
    lines += [
        "",
        "A colour that the message tells (in a parameter, its headline, or in Chinese 蓝 黄 橙 红) counts before its severity.",
    ]
    return "\n".join(lines) + "\n"


def _fields() -> dict[str, list[tuple[str, str, str]]]:
    v7 = [(name, unit, COLUMNS[quantity]) for quantity, (name, unit) in qweather.V7_FIELDS.items()]
    days = [(name, unit, "spread over the hours of the day") for name, unit in qweather.V7_DAY_FIELDS.items()]
    new = [
        (".".join(path), "told beside the value", COLUMNS[quantity]) for quantity, path in qweather.NEW_FIELDS.items()
    ]
    return {
        open_meteo.PROVIDER: [
            (name, "`*_units` of the answer", column) for name, (column, _) in open_meteo.HOURLY.items()
        ],
        f"{qweather_place.PROVIDER}, v7": v7,
        f"{qweather_place.PROVIDER}, v7 daily": days,
        f"{qweather_place.PROVIDER}, new API": new,
        openweather.PROVIDER: [
            (name, unit, COLUMNS[quantity]) for name, (quantity, unit) in openweather.FIELDS.items()
        ],
        station_csv.INMET: [(name, unit, column) for name, column, _, unit in station_csv.INMET_FIELDS],
        station_csv.BEIJING: [(name, unit, column) for name, column, _, unit in station_csv.BEIJING_FIELDS],
        csv_points.PROVIDER: [(words[0], "behind the name", column) for column, words in csv_points.MEASURES.values()],
        cap.PROVIDER: [(name, unit, column) for name, unit, column in cap.FIELDS],
    }
