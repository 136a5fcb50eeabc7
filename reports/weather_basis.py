"""The lane weather that a plan stands on, told in sentences: which run read it, how old its forecast was, which days it does not know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from markupsafe import Markup

from reports.formats import Formats
from reports.messages import Messages
from reports.weather_age import WeatherAge


@dataclass(frozen=True)
class ShutLanes:
    """Lanes that are shut for hours of a plan's days.

    Parameters
    ----------
    lanes
        How many.
    first, last
        When the first of them is shut, and until when the last.
    """

    lanes: int
    first: datetime
    last: datetime

    def tell(self, time_zone: str, t: Messages, f: Formats) -> Markup:
        """Tell it in a sentence, by the workspace's clock."""
        first, last = (f"{at.astimezone(ZoneInfo(time_zone)):%Y-%m-%d %H:%M}" for at in (self.first, self.last))
        return t("weather.shut", lanes=f.count(self.lanes), first=first, last=last)


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
    shut
        Lanes that are shut for hours of the plan's days; None where none is.
    shut_days
        Lane-days of the plan that are shut whole.
    """

    run: str | None
    left_out: bool
    age: WeatherAge | None
    unknown: Sequence[date]
    touched: int
    shut: ShutLanes | None = None
    shut_days: int = 0

    def tell(self, time_zone: str, t: Messages, f: Formats) -> list[Markup]:
        """Tell it in sentences, the first of which names the run or says that there is none."""
        if self.run is None:
            return [t("weather.left_out" if self.left_out else "weather.none")]
        sentences = [t("weather.run", run=self.run)]
        sentences.append(t("weather.age_unknown") if self.age is None else self.age.tell(time_zone, t, f))
        if self.unknown:
            first, last = min(self.unknown), max(self.unknown)
            span = f.full_day(first) if first == last else f.full_day(first) + " – " + f.full_day(last)
            sentences.append(t("weather.unknown", n=f.count(len(self.unknown)), days=span))
        if self.shut is not None:
            sentences.append(self.shut.tell(time_zone, t, f))
        if self.shut_days:
            sentences.append(t("weather.shut_days", n=f.count(self.shut_days)))
        if not self.touched and self.shut is None:
            sentences.append(t("weather.untouched"))
        return sentences

    def facts(self) -> dict[str, object]:
        """List it as ``--json`` says it."""
        return {
            "run_id": self.run,
            "left_out": self.left_out,
            "issued_at": None if self.age is None or self.age.issued_at is None else self.age.issued_at.isoformat(),
            "known_until": None if self.age is None else self.age.known_until.isoformat(),
            "unknown_days": [day.isoformat() for day in self.unknown],
            "lane_days": self.touched,
            "lane_days_shut": self.shut_days,
            "lanes_shut": 0 if self.shut is None else self.shut.lanes,
            "shut_from": None if self.shut is None else self.shut.first.isoformat(),
            "shut_until": None if self.shut is None else self.shut.last.isoformat(),
        }


NO_WEATHER = WeatherBasis(None, left_out=False, age=None, unknown=(), touched=0)
"""Of a plan that read none."""
