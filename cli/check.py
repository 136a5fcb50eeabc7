"""``radar check``: data quality, coverage, and what each later command would lack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from cli.console import known_errors, out_json, out_rows, out_text, progress, workspace_of
from cli.options import Json
from cli.translation import in_language
from cli.words import word
from data.language import current_language

if TYPE_CHECKING:
    import polars as pl

    from data.checks.checking import Check
    from data.workspace import Workspace

_SHOWN_A_KIND = 5


def register(app: typer.Typer) -> None:
    """Add ``radar check``."""
    app.command("check")(check)


@known_errors
def check(context: typer.Context, json: Json = False) -> None:
    """Say what is there and since when, what is missing or unusual, and what each later command would lack.

    Example: `radar check --json`
    """
    from data.checks.checking import check_workspace

    workspace = workspace_of(context)
    _refuse_damage(workspace, json=json)
    with progress("check") as bar:
        found = check_workspace(workspace, bar)
    if json:
        tables = {"tables": found.tables, "findings": found.findings, "commands": found.commands}
        out_json({"damaged": [], **{name: frame.to_dicts() for name, frame in tables.items()}})
    else:
        _print(found, _chinese_events(workspace))


def _chinese_events(workspace: Workspace) -> dict[str, str]:
    """Chinese names of events by their names, where Chinese is read."""
    import polars as pl

    if current_language() != "zh":
        return {}
    named = workspace.read("events").select("name", "name_zh").drop_nulls().unique().filter(pl.col("name") != "")
    return dict(named.iter_rows())


def _refuse_damage(workspace: Workspace, *, json: bool) -> None:
    """List every table that is not as it was written, and go no further on such a workspace."""
    from dataclasses import asdict

    from data.errors import RadarError
    from data.integrity import list_damage

    with progress("whole tables") as bar:
        damaged = list_damage(workspace, bar)
    if not damaged:
        return
    if json:
        out_json({"damaged": [asdict(damage) for damage in damaged], "tables": [], "findings": [], "commands": []})
    else:
        for damage in damaged:
            out_text(f"{damage.table}: {damage.sentence}.")
    raise RadarError(
        f"{len(damaged)} table{'s are' if len(damaged) > 1 else ' is'} damaged: {', '.join(d.table for d in damaged)}",
        action="`radar repair` takes each back to its newest whole version",
    )


def _print(found: Check, events: dict[str, str]) -> None:
    import polars as pl

    held = found.tables.filter(pl.col("rows") > 0)
    if held.height:
        out_rows(held, json=False, title="What is there")
    empty = found.tables.filter(pl.col("rows") == 0)["table"].to_list()
    if empty:
        out_text(f"Empty: {', '.join(empty)}.")
    for kind in found.findings["kind"].unique(maintain_order=True):
        _print_kind(kind, found.findings.filter(pl.col("kind") == kind), events)
    if not found.findings.height:
        out_text("Nothing stands out.")
    lacks = found.commands.with_columns(pl.col("lacks").list.join("\n"))
    out_rows(lacks, json=False, title="What each command would lack")


def _print_kind(kind: str, rows: pl.DataFrame, events: dict[str, str]) -> None:
    """Show the largest few of a kind; all of them stand in --json."""
    import polars as pl

    shown = rows.sort("parcels", "date_from", descending=[True, False], nulls_last=True, maintain_order=True)
    key = "check.kind" if rows.height <= _SHOWN_A_KIND else "check.largest"
    title = word(key, kind=in_language(kind), n=f"{rows.height:,}", shown=_SHOWN_A_KIND)
    details = [_name_events(detail, events) for detail in shown["detail"].head(_SHOWN_A_KIND)]
    shown = shown.head(_SHOWN_A_KIND).with_columns(detail=pl.Series(details, dtype=pl.String))
    out_rows(shown.drop("kind"), json=False, title=title)


def _name_events(detail: str | None, events: dict[str, str]) -> str | None:
    """Put Chinese names for the events a finding ends with, joined by strokes."""
    head, comma, named = (detail or "").rpartition("x), ")
    return detail if not comma else head + comma + " / ".join(events.get(name, name) for name in named.split(" / "))
