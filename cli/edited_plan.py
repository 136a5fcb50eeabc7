"""Departures of a plan as a file edited by hand says them, for ``radar verify --edited``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.console import out_json, out_rows, say
from cli.words import word

if TYPE_CHECKING:
    import polars as pl

    from data.workspace import Workspace
    from routing.checker.edited_plan import EditedCheck

_TABLE = "trunk_departures"


def read_edited(workspace: Workspace, run_id: str, file: Path) -> pl.DataFrame:
    """Read edited departures from an export of ``trunk_departures``: CSV, Excel, Parquet or JSON.

    Raises
    ------
    RadarError
        For a file that cannot be read as the table, and for its first bad row.
    """
    from data.contracts import contract
    from data.errors import RadarError
    from data.ingest.ingestion import Instructions, ingest
    from data.sources.opening import Layout, open_files

    sources = open_files([file], Layout(usual_sheet=_TABLE))
    how = Instructions(constants={"run_id": run_id})
    zone = workspace.settings.workspace.zone
    found = ingest(contract(_TABLE), sources, how, read_table=workspace.read, zone=zone)
    if found.rejected.height:
        bad = found.rejected.row(0, named=True)
        raise RadarError(
            str(bad["rule"]), "rows as `radar export trunk_departures` writes them", file=file, row=bad["row"]
        )
    return found.rows


def judge_edited(workspace: Workspace, run_id: str, file: Path) -> EditedCheck:
    """Judge a trunk plan whose departures are those of a file."""
    from cli.past_plans import read_trunk_plan
    from cli.playback import read_hours_of
    from cli.trunk_task import read_prices
    from routing.checker.edited_plan import check_edited

    tables, options = read_trunk_plan(workspace, run_id)
    tables, rules = read_hours_of(workspace, run_id, tables)
    return check_edited(tables, read_edited(workspace, run_id, file), read_prices(options), rules)


def print_edited(run_id: str, check: EditedCheck, top: int, *, json: bool) -> None:
    """Print what an edited plan breaks and what it costs."""
    rows: list[dict[str, Any]] = [violation.as_row() for violation in check.violations]
    if json:
        facts = {
            "cost": check.cost,
            "cost_before": check.cost_before,
            "added": check.added,
            "taken_out": check.taken_out,
        }
        out_json({"run_id": run_id, "plan": "trunk", "valid": not rows, "violations": rows, "edited": facts})
        return
    if rows:
        import polars as pl

        frame = pl.DataFrame(rows[:top], infer_schema_length=None)
        out_rows(frame.select("rule", "where", "date", "found", "allowed", "text"), json=False)
    counts = {"added": f"{check.added:,}", "out": f"{check.taken_out:,}"}
    say(word("verify.edited", run=run_id, **counts, cost=f"{check.cost:,.0f}", before=f"{check.cost_before:,.0f}"))
