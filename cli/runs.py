"""``radar runs``: what was run, on what, when, and how it ended."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.console import known_errors, out_rows, workspace_of
from cli.options import Json


def register(app: typer.Typer) -> None:
    """Add ``radar runs``."""
    app.command("runs")(runs)


@known_errors
def runs(
    context: typer.Context,
    run_id: Annotated[
        str | None, typer.Argument(metavar="RUN", help="Show one run whole: options and versions read.")
    ] = None,
    json: Json = False,
) -> None:
    """List what was run, when, and how it ended; or show one run with its options and the table versions it read.

    Example: `radar runs plan-trunk-0007`
    """
    import polars as pl

    from data.errors import RadarError

    workspace = workspace_of(context)
    frame = workspace.read("runs").sort("started_at")
    zone = workspace.settings.workspace.zone.key
    frame = frame.with_columns(pl.col("started_at", "ended_at").dt.convert_time_zone(zone))
    if run_id is None:
        seconds = (pl.col("ended_at") - pl.col("started_at")).dt.total_milliseconds() / 1000
        shown = frame.with_columns(seconds.alias("seconds"), pl.col("started_at").dt.strftime("%Y-%m-%d %H:%M:%S%:z"))
        out_rows(shown.select("run_id", "command", "started_at", "seconds", "outcome", "seed", "message"), json=json)
        return
    chosen = frame.filter(pl.col("run_id") == run_id)
    if chosen.is_empty():
        raise RadarError(f"run {run_id}", f"one of the {frame.height} runs kept", "see `radar runs`")
    if json:
        out_rows(chosen, json=True)
        return
    facts = [
        {"what": name, "value": str(value)} for name, value in chosen.row(0, named=True).items() if value is not None
    ]
    out_rows(pl.DataFrame(facts), json=False)
