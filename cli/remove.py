"""``radar remove`` and ``radar undo``: rows out of a table, and the last change taken back."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.console import ask, known_errors, out_json, out_rows, out_text, say, warn, workspace_of
from cli.options import Json

_SHOWN = 5
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def register(app: typer.Typer) -> None:
    """Add ``radar remove`` and ``radar undo``."""
    app.command("remove")(remove)
    app.command("undo")(undo)


@known_errors
def remove(
    context: typer.Context,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="A loaded table, e.g. route_volumes.")],
    where: Annotated[
        str,
        typer.Option("--where", metavar="SQL", help="Condition of the rows to take out, e.g. \"date > '2030-01-01'\"."),
    ],
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Take rows out of a loaded table, in a commit of its own; `radar undo` gives them back.

    Example: `radar remove route_volumes --where "date > '2030-01-01'"`
    """
    from data.errors import RadarError
    from data.undoing import count_naming, find_rows, remove_rows

    workspace = workspace_of(context)
    rows = find_rows(workspace, table, where)
    held = workspace.read(table).height
    naming = count_naming(workspace, table, rows) if rows.height else {}
    if naming:
        others = ", ".join(f"{name} {count:,}" for name, count in naming.items())
        warn(f"Rows of other tables name what is to go: {others}. Take them out too, or `radar check` tells of them.")
    if rows.height and not yes:
        (say if json else out_text)(f"{rows.height:,} of {held:,} rows of {table} hold {where}")
        if not json:
            out_rows(rows.head(_SHOWN), json=False, as_typed=True)
        if not ask("Take them out?"):
            raise RadarError("nothing was taken out", action="answer y, or add --yes")
    run_id = None
    if rows.height:
        with workspace.run("remove", {"table": table, "where": where}) as run:
            count = remove_rows(run, table, where)
            run.message = f"{count:,} rows of {table} taken out"
        run_id = run.run_id
    if json:
        out_json(
            {
                "run_id": run_id,
                "table": table,
                "rows_removed": rows.height,
                "rows_left": held - rows.height,
                "rows_naming": naming,
            }
        )
        return
    out_text(f"{table}: {rows.height:,} rows taken out, {held - rows.height:,} left.")


@known_errors
def undo(context: typer.Context, yes: Yes = False, json: Json = False) -> None:
    """Take back what the last `radar load` or `radar remove` changed; once more takes back the one before.

    Example: `radar undo`
    """
    from data.errors import RadarError
    from data.undoing import find_last_change, take_back

    workspace = workspace_of(context)
    change = find_last_change(workspace)
    tables = sorted(change.before)
    if not yes and not ask(f"Take back {change.run_id} ({', '.join(tables)})?"):
        raise RadarError("nothing was taken back", action="answer y, or add --yes")
    with workspace.run("undo", {"run": change.run_id}) as run:
        take_back(run, change)
        run.message = f"{change.run_id} taken back: {', '.join(tables)}"
    rows = {name: workspace.read(name).height for name in tables}
    if json:
        out_json({"run_id": run.run_id, "undone": change.run_id, "rows": rows})
        return
    out_text(
        f"{change.run_id} is taken back: "
        + ", ".join(f"{name} has {count:,} rows" for name, count in rows.items())
        + "."
    )
