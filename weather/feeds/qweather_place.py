"""Of what and when an answer of QWeather speaks: its place, which it does not carry, and when it was made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any, Final

from data.errors import RadarError
from weather.feeds.reading import Place
from weather.feeds.rows import moment_of

PROVIDER: Final = "qweather"


def location_of(answer: Mapping[str, Any]) -> str | None:
    """Return the id of the place an answer speaks of, as its link tells (``…/beijing-101010100.html``)."""
    found = re.search(r"-(\d{6,})\.html", str(answer.get("fxLink", "")))
    return found[1] if found else None


def need_place(answer: Mapping[str, Any], place: Place | None, file: str) -> Place:
    """Return the place an answer was asked for.

    Raises
    ------
    RadarError
        Without one: the answer names an id at most.
    """
    if place is None:
        location = location_of(answer)
        raise RadarError(
            "an answer without coordinates" + (f" (place {location})" if location else ""),
            "its place",
            "give --place LAT,LON, or --places FILE with location_id, latitude, longitude",
            file=file,
        )
    return place


def update_time(answer: Mapping[str, Any], zone: tzinfo, file: str) -> datetime | None:
    """Return when an answer was made, where it tells."""
    return moment_of(answer, "updateTime", zone, file=file, row=1) if answer.get("updateTime") else None
