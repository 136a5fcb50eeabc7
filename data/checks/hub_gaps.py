"""Days on which a hub that otherwise always has rows has none: unknown, not zero, and told however few they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from data.checks.coverage import FINDING_SCHEMA
from data.silent_days import Silence

SAME_DAYS = 3
"""So many hubs silent on the same days are one finding: mostly a part of an export (judgement)."""
MOST_NAMED = 20
"""Findings of single hubs listed; the others are counted in one (judgement)."""
_NAMES = 5


def find_hub_gaps(silences: Sequence[Silence], changes: pl.DataFrame) -> pl.DataFrame:
    """List the days on which hubs are silent and nobody knows why, the longest first.

    Parameters
    ----------
    silences
        Of the whole history, see ``silent_days.find_silences``; only hubs' unknown days count: a longer silence is a
        suspected closing, and a finding of its own.
    changes
        ``network_changes``: days on which it says that a hub is closed are no gaps.

    Returns
    -------
    pl.DataFrame
        Findings of kind ``gap``. Hubs silent on the same days are one, and so are those beyond ``MOST_NAMED``.
    """
    shut = _closed_spans(changes)
    unknown = [
        silence
        for silence in silences
        if (silence.scope, silence.meaning) == ("hub", "unknown")
        and not any(
            first <= silence.date_from and silence.date_to <= last for first, last in shut.get(silence.subject, ())
        )
    ]
    spans: dict[tuple[date, date], list[str]] = {}
    for silence in unknown:
        spans.setdefault((silence.date_from, silence.date_to), []).append(silence.subject)
    together = {span: hubs for span, hubs in spans.items() if len(hubs) >= SAME_DAYS}
    rows = [
        _finding(f"{len(hubs)} hubs", span, f"{_days(span)} without a row at {_names(hubs)}")
        for span, hubs in sorted(together.items())
    ]
    single: dict[str, list[tuple[date, date]]] = {}
    for silence in unknown:
        if (silence.date_from, silence.date_to) not in together:
            single.setdefault(silence.subject, []).append((silence.date_from, silence.date_to))
    ordered = sorted(single.items(), key=lambda item: (-len(item[1]), item[0]))
    for hub, gaps in ordered[:MOST_NAMED]:
        span = (min(first for first, _ in gaps), max(last for _, last in gaps))
        days = sum((last - first).days + 1 for first, last in gaps)
        detail = f"{days} day(s) without a row" + (
            f" in {len(gaps)} gaps: {_names([str(first) for first, _ in gaps])}" if len(gaps) > 1 else ""
        )
        rows.append(
            _finding(f"origin_hub {hub}", span, f"{detail}, though it otherwise always has rows: unknown, not 0")
        )
    rest = ordered[MOST_NAMED:]
    if rest:
        gaps = [gap for _, more in rest for gap in more]
        span = (min(first for first, _ in gaps), max(last for _, last in gaps))
        rows.append(_finding(f"{len(rest)} more hubs", span, f"{len(gaps)} gaps of single days like these"))
    return pl.DataFrame(rows, schema=FINDING_SCHEMA, orient="row")


def _closed_spans(changes: pl.DataFrame) -> dict[str, list[tuple[date, date]]]:
    shut: dict[str, list[tuple[date, date]]] = {}
    for row in changes.filter(pl.col("change") != "opens").iter_rows(named=True):
        shut.setdefault(row["hub_id"], []).append((row["date"], row["until"] or date.max))
    return shut


def _finding(subject: str, span: tuple[date, date], detail: str) -> tuple[object, ...]:
    return ("gap", "route_volumes", subject, *span, None, detail)


def _days(span: tuple[date, date]) -> str:
    return f"{(span[1] - span[0]).days + 1} day(s)"


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMES]) + (f" and {len(names) - _NAMES} more" if len(names) > _NAMES else "")
