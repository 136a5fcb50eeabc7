"""The plan a new one starts from and stays near to."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from data.runs import Run
    from data.workspace import Workspace
    from routing.trunk.replan.reference_plan import Reference


def find_reference(workspace: Workspace, word: str) -> str:
    """Run of a trunk plan by its name, or ``trunk`` for the latest.

    Raises
    ------
    RadarError
        For a plan of another kind.
    """
    from cli.past_plans import find_plan
    from data.errors import RadarError

    run_id, kind = find_plan(workspace, "trunk" if word == "latest" else word)
    if kind not in ("trunk", "joint"):
        raise RadarError(f"{run_id}, a {kind} plan, as a reference", "a trunk plan", "see `radar runs`")
    return run_id


def read_reference(run: Run | Workspace, run_id: str | None, max_changes: int | None) -> Reference | None:
    """Read a past plan as a reference; None where there is none, or it has no demand."""
    from routing.trunk.replan.reference_plan import Reference

    if run_id is None:
        return None
    days = run.results("route_demand", run_id)["date"]
    first, last = days.min(), days.max()
    if not isinstance(first, date) or not isinstance(last, date):
        return None
    departures, flows = run.results("trunk_departures", run_id), run.results("trunk_flows", run_id)
    return Reference(departures, flows, first, last, max_changes)


def read_changes(workspace: Workspace, run_id: str, reference: str | None) -> tuple[str, int] | None:
    """Return the plan another was made near to, and how many departures differ from it; None of a plan made anew, or near to one without demand."""
    from routing.trunk.replan.reference_plan import count_changes

    near = read_reference(workspace, reference, None)
    if reference is None or near is None:
        return None
    days = workspace.results("route_demand", run_id)["date"]
    first, last = days.min(), days.max()
    if not isinstance(first, date) or not isinstance(last, date):
        return None
    return reference, count_changes(near.compare(workspace.results("trunk_departures", run_id), first, last))
