"""The generated pages are fresh, and every table and command stands in them."""

from __future__ import annotations

import pytest

from data.contracts import TABLES
from scripts.docs import FOLDER, pages


@pytest.mark.parametrize("name", ["tables.md", "commands.md"])
def test_page_is_fresh(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == pages()[name], "run `make docs`"


def test_every_column_says_what_it_means() -> None:
    silent = [
        f"{table.name}.{column.name}" for table in TABLES.values() for column in table.columns if not column.meaning
    ]
    assert silent == []
