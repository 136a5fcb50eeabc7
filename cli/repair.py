"""``radar repair``: damaged tables go back to what is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import known_errors, out_json, out_text, progress, warn, workspace_of
from cli.options import Json

if TYPE_CHECKING:
    from data.integrity import Repair


def register(app: typer.Typer) -> None:
    """Add ``radar repair``."""
    app.command("repair")(repair)


@known_errors
def repair(
    context: typer.Context,
    table: Annotated[
        str | None, typer.Argument(metavar="TABLE", help="Table to repair; by default every damaged one.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is damaged.")] = False,
    json: Json = False,
) -> None:
    """Take damaged tables back to their newest whole version; where there is none, set the table aside.

    What cannot be read is kept beside the table under a name that ends with .damaged.

    Example: `radar repair route_volumes`
    """
    from dataclasses import asdict

    from data.contracts import TABLES, contract
    from data.integrity import find_damage
    from data.integrity import repair as take_back

    workspace = workspace_of(context)
    # the list of runs first: it says what the other tables lose
    names = sorted(TABLES, key=lambda name: name != "runs") if table is None else [contract(table).name]
    done: list[dict[str, object]] = []
    with progress("repair") as bar, workspace.writing("repair"):
        for number, name in enumerate(names):
            bar.step(number, len(names), name)
            damage = find_damage(workspace, name)
            if damage is None:
                continue
            repaired = None if dry_run else take_back(workspace, name)
            lost = list(repaired.lost) if repaired else []
            done.append({**asdict(damage), "repaired": repaired is not None, "runs_lost": lost})
            (warn if json else out_text)(
                f"{name}: {damage.sentence if repaired is None else _tell(damage.found, repaired)}"
            )
            if lost:
                warn(f"What {', '.join(lost)} wrote to {name} is lost: run it again.")
    if json:
        out_json(done)
    elif not done:
        out_text("Nothing is damaged.")


def _tell(found: str, repaired: Repair) -> str:
    if repaired.version is None:
        return f"a file {found}; no version was whole: set aside as {repaired.moved_to}, load the table again."
    return f"a file {found}; it stands again as in version {repaired.version}."
