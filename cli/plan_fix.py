"""``radar plan trunk --write-fix``: what would carry what is short, as files to load and plan again with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import say
from cli.words import word
from data.errors import RadarError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from routing.trunk.plan import TrunkPlan

WriteFix = Annotated[
    Path | None,
    typer.Option(
        "--write-fix",
        metavar="FOLDER",
        help="Write the verified fixes of shortfalls there, a CSV a table: look them over, `radar load --folder FOLDER`, plan again.",
    ),
]


def refuse_full_folder(folder: Path | None) -> None:
    """Refuse a folder that holds something: rows of two plans would be loaded together."""
    if folder is None:
        return
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise RadarError(f"--write-fix {folder}, which holds something", "a new or an empty folder", "name another")


def write_fixes(plan: TrunkPlan, folder: Path, zone: ZoneInfo) -> None:
    """Write the fix tables of a plan, a CSV a table, and say which; or that there is nothing to fix, or no fix that is verified."""
    from data.exports import write_table

    if not plan.fix_tables:
        say(word("fix.nothing_short" if not plan.short else "fix.none"))
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RadarError(f"{folder} cannot be made ({error.strerror})", action="choose another --write-fix") from error
    for name, frame in plan.fix_tables.items():
        file = folder / f"{name}.csv"
        write_table(frame, file, "csv", zone)
        say(word("fix.written", rows=f"{frame.height:,}", table=name, file=file))
    if plan.fixes_left:
        say(word("fix.left", count=f"{plan.fixes_left:,}"))
