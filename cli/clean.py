"""``radar clean``: room back from versions that nothing needs."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.console import known_errors, out_json, out_rows, out_text, workspace_of
from cli.options import Json
from cli.weather_tables import KEPT_ANSWERS


def register(app: typer.Typer) -> None:
    """Add ``radar clean``."""
    app.command("clean")(clean)


@known_errors
def clean(
    context: typer.Context,
    keep_days: Annotated[
        int,
        typer.Option("--keep-days", min=0, metavar="N", help="Keep all that runs of the last N days read or wrote."),
    ] = 90,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    json: Json = False,
) -> None:
    """Remove old versions of tables that no run within N days and no standing plan or forecast was made from, and answers of weather services kept longer.

    Nothing else ever removes a version. The newest version of every table stays, and so do all results.

    Example: `radar clean --keep-days 90 --dry-run`
    """
    from datetime import UTC, datetime, timedelta

    import polars as pl

    from data.cleaning import find_removable, remove
    from weather.fetch.fetching import find_old_answers

    workspace = workspace_of(context)
    now = datetime.now(UTC)
    with workspace.writing("clean"):
        found = find_removable(workspace, keep_days, now)
        answers = find_old_answers(workspace.folder / KEPT_ANSWERS, now - timedelta(days=keep_days))
        size_of_answers = sum(file.stat().st_size for file in answers)
        freed = 0 if dry_run else remove(workspace, found)
        if not dry_run:
            for file in answers:
                file.unlink(missing_ok=True)
            freed += size_of_answers
    size = sum(cleaning.size for cleaning in found) + size_of_answers
    rows = [
        {"table": each.table, "versions": len(each.versions), "files": len(each.files), "bytes": each.size}
        for each in found
        if each.versions or each.files
    ]
    if answers:
        rows.append({"table": KEPT_ANSWERS, "versions": 0, "files": len(answers), "bytes": size_of_answers})
    if json:
        out_json({"dry_run": dry_run, "bytes": size, "bytes_freed": freed, "tables": rows})
        return
    if rows:
        out_rows(pl.DataFrame(rows), json=False)
    out_text(f"{size:,} bytes would be freed." if dry_run else f"{freed:,} bytes freed.")
