"""``radar withdraw``: a run that is not to count any more, and back."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.console import known_errors, out_json, out_text, workspace_of
from cli.options import Json


def register(app: typer.Typer) -> None:
    """Add ``radar withdraw``."""
    app.command("withdraw")(withdraw)


@known_errors
def withdraw(
    context: typer.Context,
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="Run to take out (see `radar runs`).")],
    undo: Annotated[bool, typer.Option("--undo", help="Let the run count again.")] = False,
    json: Json = False,
) -> None:
    """Take a run out of what counts as the latest; its rows stay and can be named by --run or --forecast.

    Example: `radar withdraw forecast-0012`
    """
    from data.runs import withdraw as take_out

    workspace = workspace_of(context)
    with workspace.run("withdraw", {"run": run_id, "undo": undo}) as run:
        take_out(run, run_id, undo=undo)
        run.message = f"{run_id} {'counts again' if undo else 'no longer counts as the latest'}"
    if json:
        out_json({"run_id": run.run_id, "withdrawn": None if undo else run_id, "restored": run_id if undo else None})
        return
    out_text(f"{run.message}.")
