"""A trunk plan played by the clock, as ``radar verify`` tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cli.console import out_rows, say
from cli.trunk_task import list_hours, read_rules
from cli.words import term, word

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from data.workspace import Workspace
    from routing.checker.playback.clock import ClockRules
    from routing.checker.playback.playback import Playback

_READ_LATER = ("delivery_waves", "departure_locks")


def read_hours_of(
    workspace: Workspace, run_id: str, tables: Mapping[str, pl.DataFrame]
) -> tuple[dict[str, pl.DataFrame], ClockRules]:
    """Add to a plan's tables the hours of its hubs as they stood when it was made; return them with the settings of time."""
    from cli.past_plans import read_as_planned, read_run

    run = read_run(workspace, run_id)
    versions = run["tables_read"]
    # lateness was told by the hour before delivery waves were read, and locks were not heeded: such a plan is judged as it was made
    names = [
        name
        for name in list_hours(run["options"].get("by", "sorts"))
        if name not in tables and (name in versions or name not in _READ_LATER)
    ]
    hours = {name: read_as_planned(workspace, name, versions.get(name), run) for name in names}
    rules = read_rules(run["options"], workspace.settings.workspace.timezone)
    return {**hours, **tables}, rules


def play_run(tables: Mapping[str, pl.DataFrame], rules: ClockRules) -> Playback:
    """Play a plan by the clock of its hubs."""
    from routing.checker.playback.playback import play_plan
    from routing.checker.tables import read_tables

    return play_plan(read_tables(tables)[0], rules)


def list_playback(playback: Playback) -> dict[str, Any]:
    """Figures of a playback and what does not hold, as JSON takes them."""
    from dataclasses import asdict

    facts = asdict(playback)
    return facts | {"violations": [violation.as_row() for violation in playback.violations]}


def tell_playback(playback: Playback) -> str:
    """Tell a playback in one or two sentences."""
    counts = {
        "boardings": playback.boardings,
        "missed": playback.boardings_missed,
        "arrivals": playback.arrivals,
        "arrivals_missed": playback.arrivals_missed,
        "sorts": playback.sorts,
        "sorts_over": playback.sorts_over,
        "buffers": playback.buffers_over + playback.stagings_over,
        "vehicles": playback.vehicles_over,
    }
    numbers = {name: f"{count:,}" for name, count in counts.items()}
    text = word("playback.missed" if playback.violations else "playback.clean", **numbers)
    if playback.violations and not playback.by_clock:
        text += word("playback.by_days", hired=f"{playback.hired:,}")
    if playback.promised:
        late, hours = f"{playback.parcels_late:,}", f"{playback.parcel_hours_late:,.0f}"
        text += word("playback.late", late=late, promised=f"{playback.promised:,}", hours=hours)
    return text


def print_playback(playback: Playback, top: int) -> None:
    """Print what does not hold by the clock, most parcels first."""
    import polars as pl

    found = sorted(playback.violations, key=lambda v: (-float(v.found), v.rule, v.where))
    if found:
        rows = [
            {"rule": term("playback_rule", v.rule.removeprefix("playback.")), "where": v.where, "date": v.date}
            | {"found": int(float(v.found)), "allowed": int(float(v.allowed))}
            for v in found[:top]
        ]
        out_rows(pl.DataFrame(rows, infer_schema_length=None), json=False)
    if len(found) > top:
        say(word("playback.more", n=f"{len(found) - top:,}"))
