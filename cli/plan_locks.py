"""``radar plan locks``: departures of a plan edited by hand, locked for the next plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import known_errors, out_json, out_rows, say, workspace_of
from cli.options import Json
from cli.words import word

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from data.workspace import Workspace


def register(group: typer.Typer) -> None:
    """Add ``locks`` to the group ``radar plan``."""
    group.command("locks")(plan_locks)


@known_errors
def plan_locks(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An export of trunk_departures, edited by hand.")],
    plan: Annotated[
        str, typer.Option("--plan", metavar="RUN", help="The trunk plan; by default the latest.")
    ] = "trunk",
    every: Annotated[
        bool, typer.Option("--every", help="Fix the departures nobody changed as well, not only those edited.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the locks; write nothing.")] = False,
    json: Json = False,
) -> None:
    """Lock what was edited in the departures of a plan: a changed row at its new number, a row taken out at none.

    The rows go into departure_locks, those with the same lane, date, hour and type in place of the old; the next plan keeps them.
    Take them out with `radar remove departure_locks --where …`.

    Example: `radar plan locks edited.xlsx`
    """
    import polars as pl

    from cli.edited_plan import read_edited
    from cli.past_plans import find_plan, read_trunk_plan
    from data.errors import RadarError
    from routing.trunk.replan.edited_locks import lock_edits

    workspace = workspace_of(context)
    run_id, kind = find_plan(workspace, plan)
    if kind not in ("trunk", "joint"):
        raise RadarError(f"{run_id} is a {kind} plan", "a trunk plan", "name one with --plan")
    planned = read_trunk_plan(workspace, run_id)[0]["trunk_departures"]
    edited = read_edited(workspace, run_id, file)
    found = lock_edits(planned, edited, list_zones(workspace), every=every)
    if found.height and not dry_run:
        with workspace.run("plan locks", {"plan": run_id, "file": file.name, "every": every}) as run:
            reason = pl.lit(f"{file.name}: {run_id}")
            run.upsert("departure_locks", found.drop("before").with_columns(reason=reason))
            run.message = word("locks.written", rows=f"{found.height:,}", run=run_id)
    if json:
        out_json({"run_id": run_id, "written": bool(found.height) and not dry_run, "locks": found.to_dicts()})
        return
    if found.height:
        out_rows(found, json=False)
    key = "locks.none" if found.is_empty() else "locks.shown" if dry_run else "locks.written"
    say(word(key, rows=f"{found.height:,}", run=run_id))


def list_zones(workspace: Workspace) -> dict[str, ZoneInfo]:
    """Time zone of the origin of each lane."""
    from zoneinfo import ZoneInfo

    hubs = workspace.read("hubs")
    own = dict(hubs.select("hub_id", "time_zone").iter_rows()) if "time_zone" in hubs.columns else {}
    usual = workspace.settings.workspace.timezone
    lanes = workspace.read("lanes").select("lane_id", "origin_hub_id").iter_rows()
    return {lane: ZoneInfo(own.get(hub) or usual) for lane, hub in lanes}
