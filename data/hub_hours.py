"""The clock of a hub: on which dates a row of its timetable runs, which moment it means, and when a shut hub opens again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from data.errors import RadarError

if TYPE_CHECKING:
    import polars as pl

Spans = list[tuple[float, float]]

_SECONDS = 3600.0


def read_hours(clock: str) -> float:
    """Return the hours of a clock time, which may pass 24:00.

    Examples
    --------
    >>> read_hours("26:30")
    26.5
    """
    hours, minutes = clock.split(":")
    return int(hours) + int(minutes) / 60.0


def runs_on(row: Mapping[str, Any], day: date) -> bool:
    """Say whether a row of ``hub_sorts`` or ``lane_departures`` holds on a business date: its season and its weekdays.

    Examples
    --------
    >>> runs_on({"weekdays": "67"}, date(2025, 11, 9)), runs_on({"date_to": date(2025, 11, 8)}, date(2025, 11, 9))
    (True, False)
    """
    first, last, weekdays = row.get("date_from"), row.get("date_to"), row.get("weekdays")
    in_season = (first is None or first <= day) and (last is None or day <= last)
    return in_season and (not weekdays or str(day.isoweekday()) in weekdays)


def read_zone(name: str | None, hub: str, default: ZoneInfo) -> ZoneInfo:
    """Return the time zone of a hub: its own, else that of the workspace.

    Raises
    ------
    RadarError
        When there is no such zone.
    """
    if not name:
        return default
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise RadarError(
            f"time zone {name} of hub {hub}", "an IANA name such as Asia/Urumqi", "correct hubs.time_zone"
        ) from None


def moment_at(day: date, hours: float, zone: ZoneInfo) -> datetime:
    """Return the moment [UTC] at which the wall clock of a zone shows some hours of a business date, which may pass 24.

    Examples
    --------
    >>> moment_at(date(2025, 11, 11), 32.0, ZoneInfo("Asia/Shanghai"))
    datetime.datetime(2025, 11, 12, 0, 0, tzinfo=datetime.timezone.utc)
    """
    # arithmetic on a moment with a zone is that of the wall clock
    local = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(minutes=round(hours * 60))
    return local.astimezone(UTC)


def read_closures(closures: pl.DataFrame, since: datetime) -> dict[str, list[tuple[float, float, float]]]:
    """Lay ``hub_closures`` out by hub: start and end [hours since a moment], and the share that stays open."""
    spans: dict[str, list[tuple[float, float, float]]] = {}
    since = since.astimezone(UTC)
    for row in closures.iter_rows(named=True):
        start, end = ((row[name] - since).total_seconds() / _SECONDS for name in ("starts_at", "ends_at"))
        spans.setdefault(row["hub_id"], []).append((start, end, float(row["open_share"])))
    return spans


def join_spans(spans: Iterable[tuple[float, float]]) -> Spans:
    """Make one of spans that touch or overlap; rising.

    Examples
    --------
    >>> join_spans([(4.0, 9.0), (1.0, 2.0), (3.0, 5.0)])
    [(1.0, 2.0), (3.0, 9.0)]
    """
    joined: Spans = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def reopen(spans: Sequence[tuple[float, float]], hour: float) -> float:
    """Return the hour itself, or the end of the span it falls into: what would leave a shut hub leaves when it opens.

    Examples
    --------
    >>> reopen([(3.0, 9.0)], 4.0), reopen([(3.0, 9.0)], 9.0)
    (9.0, 9.0)
    """
    return next((end for start, end in spans if start <= hour < end), hour)


def leave_open(capacity: float, opens: float, closes: float, spans: Iterable[tuple[float, float, float]]) -> float:
    """Return what closures leave of a sort's capacity: the share of its hours that stays open; of hours shut whole nothing, also without a bound.

    Parameters
    ----------
    capacity
        Parcels; ``inf`` without a bound.
    opens, closes
        Hours of the sort.
    spans
        Start, end and the share that stays open, as :func:`read_closures` gives them.

    Examples
    --------
    >>> leave_open(80.0, 16.0, 24.0, [(20.0, 30.0, 0.5)]), leave_open(float("inf"), 16.0, 24.0, [(10.0, 30.0, 0.0)])
    (60.0, 0.0)
    """
    length = max(closes - opens, 1.0 / 60.0)
    shut = sum(
        max(0.0, min(end, closes) - max(start, opens)) / length * (1.0 - min(share, 1.0)) for start, end, share in spans
    )
    return capacity if shut <= 0 else capacity * (1.0 - shut) if shut < 1 else 0.0
