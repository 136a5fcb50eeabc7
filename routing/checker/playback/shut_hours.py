"""Minutes in which lanes are shut, and how long that stops what is on the road."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from routing.checker.playback.clock import to_minutes

Spans = Sequence[tuple[int, int]]


def list_spans(closures: pl.DataFrame) -> dict[str, Spans]:
    """Minutes from and to which each lane is shut, rising; what overlaps or touches is one span."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for row in closures.sort("lane_id", "starts_at").iter_rows(named=True):
        begin, end = to_minutes(row["starts_at"]), to_minutes(row["ends_at"])
        mine = spans.setdefault(row["lane_id"], [])
        if mine and begin <= mine[-1][1]:
            mine[-1] = (mine[-1][0], max(mine[-1][1], end))
        elif begin < end:
            mine.append((begin, end))
    return dict(spans)


def stop_on_road(spans: Spans, leaves: int, minutes: float) -> tuple[bool, float]:
    """Say whether a departure is lost, and for how many minutes it stands still on the road."""
    lost, arrives = False, leaves + minutes
    for begin, end in spans:
        lost = lost or begin <= leaves < end
        if leaves < begin < arrives:
            arrives += end - begin
    return lost, arrives - leaves - minutes
