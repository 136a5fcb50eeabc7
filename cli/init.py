"""``radar init``: an empty workspace."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.console import known_errors, out_text, say


class Calendar(StrEnum):
    """Countries whose calendar is known."""

    CN = "CN"
    BR = "BR"
    US = "US"


def register(app: typer.Typer) -> None:
    """Add ``radar init``."""
    app.command("init")(init)


@known_errors
def init(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder to make; it may exist but be no workspace yet.")
    ],
    calendar: Annotated[
        Calendar,
        typer.Option("--calendar", help="Whose holidays and shopping events to fill in.", case_sensitive=False),
    ] = Calendar.CN,
    store: Annotated[
        str,
        typer.Option(
            "--store",
            metavar="URL",
            help="s3://BUCKET/PREFIX where the tables are to stand; one that holds a workspace already is joined.",
        ),
    ] = "",
) -> None:
    """Make an empty workspace: `radar.toml` with every setting explained, and a template file for each table.

    Example: `radar init peak-2026 --calendar CN`
    """
    from data.new_workspace import make_workspace

    workspace = make_workspace(directory, calendar.value, store)
    say("Fill the templates with your data, or map your own files; then `radar load TABLE FILE` and `radar check`.")
    out_text(str(workspace.folder))
