"""The lane weather that a plan stands on, told in sentences: which run read it, how old its forecast was, which days it does not know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from reports.formats import Formats
from reports.messages import Messages
from reports.weather_age import WeatherAge


@dataclass(frozen=True)
class WeatherBasis:
    """What a plan knew of the weather.

    Parameters
    ----------
    run
        Run that wrote its lane weather; None of a plan that read none.
    left_out
        Whether it was asked to leave the weather out.
    age
        How old the weather forecast was; None where that was not kept.
    unknown
        Days of the plan on which no lane weather is known.
    touched
        Lane-days of the plan that the weather touches.
    """

    run: str | None
    left_out: bool
    age: WeatherAge | None
    unknown: Sequence[date]
    touched: int

    def tell(self, time_zone: str, t: Messages, f: Formats) -> list[Markup]:
        """Tell it in sentences, the first of which names the run or says that there is none."""
        if self.run is None:
            return [t("weather.left_out" if self.left_out else "weather.none")]
        told = [t("weather.run", run=self.run)]
        told.append(t("weather.age_unknown") if self.age is None else self.age.tell(time_zone, t, f))
        if self.unknown:
            first, last = min(self.unknown), max(self.unknown)
            span = f.full_day(first) if first == last else f.full_day(first) + " – " + f.full_day(last)
            told.append(t("weather.unknown", n=f.count(len(self.unknown)), days=span))
        if not self.touched:
            told.append(t("weather.untouched"))
        return told

    def facts(self) -> dict[str, object]:
        """List it as ``--json`` says it."""
        return {
            "run_id": self.run,
            "left_out": self.left_out,
            "issued_at": None if self.age is None or self.age.issued_at is None else self.age.issued_at.isoformat(),
            "known_until": None if self.age is None else self.age.known_until.isoformat(),
            "unknown_days": [day.isoformat() for day in self.unknown],
            "lane_days": self.touched,
        }


NO_WEATHER = WeatherBasis(None, left_out=False, age=None, unknown=(), touched=0)
"""Of a plan that read none."""
