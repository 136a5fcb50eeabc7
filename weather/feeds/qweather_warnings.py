"""Warnings, alerts and storms of QWeather (和风天气), v7 and the new API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta, tzinfo
from typing import Any

import numpy as np

from data.errors import RadarError
from weather.feeds.alerts import colour_of, warnings_frame
from weather.feeds.circles import circle_ring, circle_text
from weather.feeds.qweather_place import PROVIDER, need_place, update_time
from weather.feeds.reading import Place, Reading, join_readings
from weather.feeds.rows import moment_of, number_of, records_of
from weather.feeds.rules import FEEDS

_STORM_RADII = (("windRadius64", "red"), ("windRadius50", "orange"), ("windRadius30", "yellow"))


def read_warnings(answer: Mapping[str, Any], place: Place | None, zone: tzinfo, file: str) -> Reading:
    """Read the warnings of v7; those that cannot be read are set apart."""
    rows, apart = [], {}
    for number, record in enumerate(answer["warning"] or [], start=1):
        try:
            name = str(record["id"])
            issued = moment_of(record, "pubTime", zone, file=file, row=number)
            level = str(record.get("severityColor") or "") or str(record.get("level") or "")
            rows.append(
                {
                    "warning_id": name,
                    "issued_at": issued,
                    "message_type": "cancel" if record.get("status") == "cancel" else "alert",
                    "kind": str(record.get("typeName") or record.get("type") or "other"),
                    "severity": colour_of(level, str(record.get("severity") or ""), str(record.get("title") or "")),
                    "onset": moment_of(record, "startTime", zone, file=file, row=number)
                    if record.get("startTime")
                    else issued,
                    "expires": moment_of(record, "endTime", zone, file=file, row=number)
                    if record.get("endTime")
                    else issued + timedelta(hours=24),
                    "source": record.get("sender"),
                    "certainty": record.get("certainty") or None,
                    "urgency": record.get("urgency") or None,
                    "text": record.get("text"),
                    "supersedes": record.get("related") or None,
                }
            )
        except (RadarError, KeyError, TypeError, AttributeError) as error:
            apart[f"warning {number}"] = str(error)
    return _warning_reading(rows, apart, answer, place, file)


def read_alerts(answer: Mapping[str, Any], place: Place | None, zone: tzinfo, file: str) -> Reading:
    """Read the alerts of the new API; those that cannot be read are set apart."""
    rows, apart = [], {}
    for number, record in enumerate(answer["alerts"] or [], start=1):
        try:
            message = record.get("messageType") or {}
            colour = (record.get("color") or {}).get("code") or ""
            issued = moment_of(record, "issuedTime", zone, file=file, row=number)
            onset = next((name for name in ("onsetTime", "effectiveTime") if record.get(name)), "issuedTime")
            supersedes = "|".join(str(each) for each in message.get("supersedes") or [])
            rows.append(
                {
                    "warning_id": str(record["id"]),
                    "issued_at": issued,
                    # an update that names nothing stands by itself
                    "message_type": message.get("code", "alert") if supersedes else "alert",
                    "supersedes": supersedes or None,
                    "kind": str((record.get("eventType") or {}).get("name") or "other"),
                    "severity": colour_of(colour, str(record.get("severity") or ""), str(record.get("headline") or "")),
                    "onset": moment_of(record, onset, zone, file=file, row=number),
                    "expires": moment_of(record, "expireTime", zone, file=file, row=number),
                    "source": record.get("senderName"),
                    "certainty": record.get("certainty"),
                    "urgency": record.get("urgency"),
                    "text": record.get("description"),
                }
            )
        except (RadarError, KeyError, TypeError, AttributeError) as error:
            apart[f"alert {number}"] = str(error)
    return _warning_reading(rows, apart, answer, place, file)


def _warning_reading(
    rows: list[dict[str, Any]], apart: dict[str, str], answer: Mapping[str, Any], place: Place | None, file: str
) -> Reading:
    at = need_place(answer, place, file) if rows else None
    for row in rows:
        row["area"] = circle_text(at, FEEDS.place_radius) if at is not None else None
    return Reading(join_readings([]), PROVIDER, "forecasts", warnings=warnings_frame(rows), set_apart=apart)


def read_storm(answer: Mapping[str, Any], zone: tzinfo, file: str) -> Reading:
    """Storms become warnings of wind: the circles of 30, 50 and 64 knots, at each time until the next."""
    name = "track" if "track" in answer else "forecast"
    records = list(records_of(answer, name, file))
    current = answer.get("now")
    if isinstance(current, dict) and current:
        records.append(current | {"time": current.get("pubTime")})
    issued = update_time(answer, zone, file)
    field = "fxTime" if name == "forecast" else "time"
    placed = [
        (
            moment_of(record, field, zone, file=file, row=row),
            number_of(record, "lat", file=file, row=row),
            number_of(record, "lon", file=file, row=row),
            record,
        )
        for row, record in enumerate(records, start=1)
    ]
    placed.sort(key=lambda each: each[0])
    rows = []
    for number, (moment, latitude, longitude, record) in enumerate(placed):
        if not (abs(latitude) <= 90.0 and abs(longitude) <= 180.0):
            raise RadarError(
                f"place {latitude:g}, {longitude:g}", "degrees", "fetch it again", file=file, row=number + 1
            )
        until = placed[number + 1][0] if number + 1 < len(placed) else moment + timedelta(hours=12)
        for colour, radii in _storm_radii(record, file, number + 1):
            ring = circle_ring(latitude, longitude, radii)
            rows.append(
                {
                    "warning_id": f"storm {moment:%Y%m%d%H}Z {latitude:g},{longitude:g} {colour}",
                    "issued_at": issued,
                    "message_type": "alert",
                    "kind": "typhoon wind",
                    "severity": colour,
                    "onset": moment,
                    "expires": until,
                    "area": json.dumps({"type": "Polygon", "coordinates": [ring]}),
                    "text": f"{record.get('type')} {record.get('windSpeed')} m/s",
                }
            )
    return Reading(join_readings([]), PROVIDER, "forecasts", warnings=warnings_frame(rows))


def _storm_radii(record: Mapping[str, Any], file: str, row: int) -> list[tuple[str, list[float]]]:
    """Colour and 32 radii of each circle of wind; where none is told, 150 km by the speed at the centre."""
    found = []
    for name, colour in _STORM_RADII:
        block = record.get(name)
        if isinstance(block, dict):
            quarters = [number_of(block, f"{side}Radius", file=file, row=row) for side in ("ne", "se", "sw", "nw")]
            if all(np.isfinite(quarters)) and min(quarters) > 0.0:
                found.append((colour, [quarter for quarter in quarters for _ in range(8)]))
    if not found:
        speed = number_of(record, "windSpeed", file=file, row=row)
        steps = ((32.7, "red"), (24.5, "orange"), (17.2, "yellow"), (10.8, "blue"))
        found += [(name, [150.0] * 32) for least, name in steps if speed >= least][:1]
    return found
