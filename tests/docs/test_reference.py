"""The generated pages are fresh, and every table and command stands in them."""

from __future__ import annotations

import pytest

from data.contracts import TABLES
from scripts.docs import FOLDER, pages


@pytest.mark.parametrize("name", ["tables.md", "commands.md", "rooms.md"])
def test_page_is_fresh(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == pages()[name], "run `make docs`"


def test_every_column_says_what_it_means() -> None:
    silent = [
        f"{table.name}.{column.name}" for table in TABLES.values() for column in table.columns if not column.meaning
    ]
    assert silent == []


def test_every_command_shows_an_example() -> None:
    page = pages()["commands.md"]
    sections = page.split("\n## ")[1:]
    leaves = [section for section in sections if "\nCommands:" not in section]
    assert len(leaves) > 20
    assert [section.splitlines()[0] for section in leaves if "Example: `radar" not in " ".join(section.split())] == []
