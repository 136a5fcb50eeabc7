"""``radar runs``: what was run, on what, when, and how it ended."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.console import known_errors, out_rows, workspace_of
from cli.options import Json
from cli.translation import head_of

_LISTED = ("run_id", "command", "started_at", "seconds", "outcome", "seed", "forecast_run", "as_of", "message")


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

    A run that is at work shows as running, one whose process died as killed; what it had begun is not seen by readers
    and is taken back by the next command that writes.

    Example: `radar runs plan-trunk-0007`
    """
    import polars as pl

    from data.errors import RadarError
    from data.spelling import ask_near

    workspace = workspace_of(context)
    frame = workspace.runs()
    zone = workspace.settings.workspace.zone.key
    alive = workspace.writer_lives()
    outcome = (
        pl.when((pl.col("outcome") == "running") & ~pl.lit(alive)).then(pl.lit("killed")).otherwise(pl.col("outcome"))
    )
    times = pl.col("started_at", "ended_at", "withdrawn_at").dt.convert_time_zone(zone)
    frame = frame.with_columns(outcome.alias("outcome"), times)
    if run_id is None:
        seconds = (pl.col("ended_at") - pl.col("started_at")).dt.total_milliseconds() / 1000
        withdrawn = pl.col("withdrawn_at").is_not_null()
        shown = frame.with_columns(
            seconds.alias("seconds"),
            pl.col("started_at").dt.strftime("%Y-%m-%d %H:%M:%S%:z"),
            pl.when(withdrawn).then(pl.lit("withdrawn")).otherwise(pl.col("outcome")).alias("outcome"),
        )
        out_rows(shown.select(_LISTED), json=json)
        return
    chosen = frame.filter(pl.col("run_id") == run_id)
    if chosen.is_empty():
        near = ask_near(run_id, frame["run_id"])
        raise RadarError(
            f"run {run_id}{f' ({near})' if near else ''}", f"one of the {frame.height} runs kept", "see `radar runs`"
        )
    if json:
        out_rows(chosen, json=True)
        return
    facts = [
        {"what": head_of(name), "value": str(value)}
        for name, value in chosen.row(0, named=True).items()
        if value is not None
    ]
    out_rows(pl.DataFrame(facts), json=False)
