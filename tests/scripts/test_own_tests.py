"""Every file of the two big rooms is imported by a test of its own, not only reached through a whole plan or forecast."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.conftest import LONG_FILES

ROOT = Path(__file__).resolve().parents[2]


def _imported() -> set[str]:
    found: set[str] = set()
    for file in (ROOT / "tests").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                found |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
            elif isinstance(node, ast.Import):
                found |= {one.name for one in node.names}
    return found


@pytest.mark.parametrize("room", ["routing/trunk", "forecasting"])
def test_every_file_is_imported_by_a_test(room: str) -> None:
    files = [file for file in (ROOT / room).rglob("*.py") if file.name != "__init__.py"]
    assert len(files) > 30
    modules = {".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files}
    assert sorted(modules - _imported()) == []


def test_files_that_go_first_are_there() -> None:
    assert len(set(LONG_FILES)) == len(LONG_FILES)
    assert [file for file in LONG_FILES if not (ROOT / file).is_file()] == []
