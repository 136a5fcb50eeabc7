"""What a joint plan says of the hubs it relieves and of what it saves, added up anew from its tables and those of the plan it is held against."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from routing.checker.violations import Violation, write_number

_TIGHT, _LEAST = (
    0.8,
    0.05,
)  # share of capacity: from where a hub-day counts as nearly full, and what counts as a difference
_CLOSE, _CNY = 1e-6, 1.0
_HubDay = tuple[date, str]


def check_relief(
    own: Mapping[str, pl.DataFrame],
    other: Mapping[str, pl.DataFrame],
    certificate: Mapping[str, Any],
    short_cost: float,
) -> list[Violation]:
    """Check the hub-days a joint plan says it relieves and burdens, and the cost it is held against.

    Parameters
    ----------
    own, other
        ``hub_loads``, ``shortfalls``, ``plan_certificates`` and ``route_demand`` of the joint plan and of the trunk plan with nothing ahead.
    certificate
        ``relieved`` and ``burdened`` (rows of date, hub_id, before, after) and ``against`` (cost, parcels_short) as the run keeps them.
    short_cost
        Price of a parcel not carried [CNY].
    """
    before, after = _add_up(other), _add_up(own)
    relieved = {key: (use, after.get(key, 0.0)) for key, use in before.items() if use >= _TIGHT - _CLOSE}
    burdened = {key: (before.get(key, 0.0), use) for key, use in after.items() if use >= _TIGHT - _CLOSE}
    found = _compare("relieved", certificate.get("relieved") or [], {k: v for k, v in relieved.items() if v[0] > v[1]})
    found += _compare("burdened", certificate.get("burdened") or [], {k: v for k, v in burdened.items() if v[1] > v[0]})
    return found + _check_same_parcels(own, other) + _check_against(other, certificate["against"], short_cost)


def _add_up(tables: Mapping[str, pl.DataFrame]) -> dict[_HubDay, float]:
    """Share of its sorting capacity asked of each hub and day, parcels short at the hub they wait at."""
    asked: dict[_HubDay, float] = defaultdict(float)
    limit: dict[_HubDay, float] = defaultdict(float)
    for day, hub, handled, capacity in tables["hub_loads"].select("date", "hub_id", "handled", "capacity").iter_rows():
        asked[day, hub] += handled
        limit[day, hub] += float("inf") if capacity is None else capacity
    for day, hub, parcels in tables["shortfalls"].select("date", "origin_hub_id", "parcels").iter_rows():
        asked[day, hub] += parcels
    return {key: asked[key] / most for key, most in limit.items() if 0 < most < float("inf")}


def _compare(
    word: str, rows: Sequence[Mapping[str, Any]], due: Mapping[_HubDay, tuple[float, float]]
) -> list[Violation]:
    """Hold the hub-days told against those the tables give; what is told must be so, and nothing clear may be left out."""
    claimed = {(date.fromisoformat(row["date"]), row["hub_id"]): (row["before"], row["after"]) for row in rows}
    found = []
    for key in sorted({*claimed, *due}):
        said, real = claimed.get(key), due.get(key)
        clear = real is not None and abs(real[0] - real[1]) >= _LEAST + _CLOSE
        same = said is not None and real is not None and max(abs(said[0] - real[0]), abs(said[1] - real[1])) <= _CLOSE
        if (said is not None and not same) or (said is None and clear):
            texts = ["nothing" if pair is None else f"{pair[0]:.4f} -> {pair[1]:.4f}" for pair in (said, real)]
            text = f"{key[1]} on {key[0]} is told as {word} {texts[0]}; the loads of both plans give {texts[1]}."
            found.append(Violation("joint.relief", key[1], key[0], texts[0], texts[1], text))
    return found


def _check_same_parcels(own: Mapping[str, pl.DataFrame], other: Mapping[str, pl.DataFrame]) -> list[Violation]:
    """Check that both plans were asked to carry the same before anything moved."""
    sums: dict[tuple[date, str, str], int] = defaultdict(int)
    for tables, column, sign in ((own, "base", 1), (other, "parcels", -1)):
        rows = tables["route_demand"].select("date", "origin_hub_id", "destination_hub_id", column)
        for day, start, end, parcels in rows.iter_rows():
            sums[day, start, end] += sign * (parcels or 0)
    wrong = sorted(key for key, left in sums.items() if left)
    return [
        Violation(
            "joint.against", f"{start} -> {end}", day, write_number(sums[day, start, end]), "0",
            f"{start} -> {end} on {day}: the plan it is held against carries {-sums[day, start, end]:+,} parcels beside those before anything moved.",
        )
        for day, start, end in wrong
    ]  # fmt: skip


def _check_against(other: Mapping[str, pl.DataFrame], against: Mapping[str, Any], short_cost: float) -> list[Violation]:
    """Check the cost and the parcels short it is held against."""
    row = other["plan_certificates"].row(by_predicate=pl.col("plan") == "trunk", named=True)
    due = {"cost": row["cost"] - short_cost * row["parcels_short"], "parcels_short": row["parcels_short"]}
    return [
        Violation(
            "joint.against", f"against.{name}", None, write_number(against[name]), write_number(value),
            f"The plan is held against {name} of {against[name]:,.2f}; the other's certificate gives {value:,.2f}.",
        )
        for name, value in due.items()
        if abs(against[name] - value) > _CNY
    ]  # fmt: skip
