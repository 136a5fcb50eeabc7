"""Generates docs/reference: the tables from their contracts, the commands from Typer, the answers from their keys, the rooms from their imports; and the constants of the method pages.

``python -m scripts.docs`` writes the pages; with ``--check`` it fails when a page is stale.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from cli.answers import ANSWERS
from data.contracts import TABLES, ColumnContract, TableContract, links_of
from scripts.constant_tables import method_pages
from scripts.rooms import write_rooms

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"
_GROUP_TITLES = {
    "reference": "Reference tables: the network, its partners, its calendar",
    "history": "History tables: what was ordered, carried and measured",
    "results": "Result tables: what ParcelRadar computes",
    "records": "Records: what a workspace keeps of its own doing",
}


def main() -> int:
    """Write the pages or check them; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether the pages are fresh")
    check: bool = parser.parse_args().check
    stale = [name for name, text in pages().items() if not _is_fresh(FOLDER / name, text)]
    if check:
        for name in stale:
            print(f"docs/reference/{name} is stale: run `make docs`", file=sys.stderr)
        return 1 if stale else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


def pages() -> dict[str, str]:
    """Return every generated page by its file name."""
    from weather.feeds.reference import write_page

    feeds = {"weather-feeds.md": write_page()}
    made = {
        "tables.md": write_tables(),
        "commands.md": write_commands(),
        "json.md": write_answers(),
        "rooms.md": write_rooms(),
    }
    return {**made, **feeds, **method_pages()}


def _is_fresh(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


def write_tables() -> str:
    """Return the table reference as Markdown."""
    lines = [
        "# Tables",
        "",
        "Made from the contracts by `make docs`; do not edit. Names are the same in files, in the workspace, in `radar load`,",
        "`radar export` and `radar sql`. Files may use any of the other names as a header. Ids are text, money is CNY,",
        "timestamps are ISO 8601 with offset, coordinates WGS 84. **Bold** columns make the key.",
    ]
    for group, title in _GROUP_TITLES.items():
        lines += ["", f"## {title}"]
        for table in TABLES.values():
            if table.group == group:
                lines += _describe_table(table)
    return "\n".join(lines) + "\n"


def _describe_table(table: TableContract) -> list[str]:
    links = {link.column: f" → `{link.target}`" for link in links_of(table.name)}
    head = [
        "",
        f"### {table.name}",
        "",
        table.meaning,
        "",
        "| column | type | unit | may be empty | meaning | also read as |",
    ]
    rows = [_describe_column(column, links.get(column.name, "")) for column in table.columns]
    return [*head, "|---|---|---|---|---|---|", *rows]


def _describe_column(column: ColumnContract, link: str) -> str:
    name = f"**{column.name}**" if column.key else column.name
    empty = "yes" if column.nullable or column.default is not None else ""
    aliases = ", ".join(column.aliases)
    return f"| {name} | {column.type_word} | {column.unit or ''} | {empty} | {column.meaning}{link} | {aliases} |"


def write_commands() -> str:
    """Return the command reference as Markdown, from each command's own help."""
    os.environ["COLUMNS"] = "100"
    from typer.main import get_command
    from typer.testing import CliRunner

    from cli.app import app

    runner = CliRunner()
    lines = ["# Commands", "", "Made from `--help` by `make docs`; do not edit.", ""]
    lines += ["Exit codes: 0 done, 1 a known error, 2 wrong usage, 3 done with shortfalls or rows set apart."]
    for path in _command_paths(get_command(app), ()):
        text = runner.invoke(app, [*path, "--help"], prog_name="radar", color=False).stdout
        title = " ".join(("radar", *path))
        lines += ["", f"## {title}", "", "```text", *(line.rstrip() for line in text.strip().splitlines()), "```"]
    return "\n".join(lines) + "\n"


def write_answers() -> str:
    """Return what every command answers with --json as Markdown, with its JSON schema."""
    lines = [
        "# Answers in JSON",
        "",
        "Made from `cli/answers.py` by `make docs`; do not edit. With `--json` a command answers on stdout and says the rest on stderr.",
        "Keys and types stay as they are; further keys may join where it says so. Dates are ISO 8601, money is CNY, `?` may be null.",
        "No answer holds NaN or Infinity. `parcelradar` returns the same values.",
    ]
    for answer in ANSWERS:
        shape = "A list of records" if answer.rows else "One object"
        also = f" Beside the keys below: {answer.also}." if answer.also else ""
        lines += ["", f"## radar {answer.command}", "", f"{shape}.{also}"]
        if answer.keys:
            lines += ["", "| key | type | meaning |", "|---|---|---|"]
            lines += [f"| {key.name} | {key.kind} | {key.meaning} |" for key in answer.keys]
        lines += ["", "```json", json.dumps(answer.schema, ensure_ascii=False), "```"]
    return "\n".join(lines) + "\n"


def _command_paths(command: object, path: tuple[str, ...]) -> list[tuple[str, ...]]:
    subcommands: dict[str, object] = getattr(command, "commands", {})
    paths = [path]
    for name, subcommand in subcommands.items():
        paths += _command_paths(subcommand, (*path, name))
    return paths


if __name__ == "__main__":
    sys.exit(main())
