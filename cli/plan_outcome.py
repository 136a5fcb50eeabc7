"""A trunk plan's outcome on the console: parcels short come first, in red, with hub and day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from cli.console import say
from cli.words import money, word

if TYPE_CHECKING:
    from data.plan_outcome import PlanOutcome
    from data.workspace import Workspace

_MOST_LINES = 20  # hub-days shown


def tell_outcome(outcome: PlanOutcome) -> str:
    """Tell an outcome in a sentence: cost, parcels short, gap."""
    parts = [word("outcome.cost", cost=money(outcome.cost))]
    if outcome.short:
        key = "outcome.short_all" if outcome.unavoidable >= outcome.short else "outcome.short"
        parts.append(word(key, short=f"{outcome.short:,}", unavoidable=f"{outcome.unavoidable:,}"))
    if outcome.late:
        parts.append(word("outcome.late", late=f"{outcome.late:,}"))
    key = "outcome.gap_carried" if outcome.short else "outcome.gap"
    if outcome.short and outcome.cost > outcome.bound <= 0:
        key = "outcome.gap_unproven"  # the bound is less than the price of what is short: of carrying it says nothing
    return word("outcome.comma").join([*parts, word(key, gap=f"{outcome.gap:.2%}")])


def tell_ended(ended_by: str) -> str:
    """Tell what ended a search, from its certificate's ``ended_by``: the effort, or the clock or the planner and what they left undone."""
    end, _, undone = ended_by.partition(": ")
    return word("outcome.ended_" + end.replace(" ", "_"), undone=undone)


def read_plan_outcome(workspace: Workspace, run_id: str) -> PlanOutcome:
    """Read what a trunk plan of the workspace comes to."""
    from cli.past_plans import read_trunk_plan
    from data.plan_outcome import read_outcome

    tables, options = read_trunk_plan(workspace, run_id)
    return read_outcome(tables, float(options.get("short_cost", 0.0)))


def list_facts(outcome: PlanOutcome) -> dict[str, float]:
    """List an outcome's numbers by name, for a table or JSON; costs in CNY, the gap as a share."""
    return {
        "carrying_cost": outcome.cost,
        "carrying_bound": outcome.bound,
        "carrying_gap": outcome.gap,
        "parcels_demanded": outcome.demanded,
        "parcels_short": outcome.short,
        "parcels_short_unavoidable": outcome.unavoidable,
        "shortage_price": outcome.short_price,
    }


def warn_of_shortfalls(outcome: PlanOutcome) -> None:
    """Write to stderr, in red, what is short, and each hub and day with the parcels waiting in front of it; nothing is said of no shortfall."""
    if not outcome.short:
        return
    rows = outcome.waiting
    head = word("outcome.warning", short=f"{outcome.short:,}", demanded=f"{outcome.demanded:,}")
    typer.secho(head, fg=typer.colors.RED, bold=True, err=True)
    for row in rows.head(_MOST_LINES).iter_rows(named=True):
        line = word(
            "outcome.waiting",
            hub=row["hub_id"],
            day=row["date"],
            waiting=f"{row['waiting']:,}",
            short=f"{row['short']:,}",
        )
        typer.secho(line, fg=typer.colors.RED, err=True)
    if rows.height > _MOST_LINES:
        say(word("outcome.more", n=f"{rows.height - _MOST_LINES:,}"))
