"""How old the weather forecast is that a page stands on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from markupsafe import Markup

from reports.formats import Formats
from reports.messages import Messages

STALE_HOURS = 24.0
"""An older weather forecast is told as old (judgement)."""


@dataclass(frozen=True)
class WeatherAge:
    """When the weather forecast was issued, and up to when anything was known.

    Parameters
    ----------
    issued_at
        Of the newest weather forecast; None where there was none.
    known_until
        Up to when the impact was allowed to know, or the beginning of its first day.
    """

    issued_at: datetime | None
    known_until: datetime

    def tell(self, time_zone: str, t: Messages, f: Formats) -> Markup:
        """Tell it in a sentence: old where it is more than a day old; that there is none where there is none."""
        if self.issued_at is None:
            return t("weather.no_forecast")
        hours = (self.known_until - self.issued_at).total_seconds() / 3600.0
        key = "weather.stale" if hours > STALE_HOURS else "weather.age"
        issued = f"{self.issued_at.astimezone(ZoneInfo(time_zone)):%Y-%m-%d %H:%M}"
        return t(key, issued=issued, hours=f.count(max(round(hours), 0)))
