"""Compiled functions that call those of other files are compiled anew when these change: numba looks at the file of the function alone."""

from __future__ import annotations

import ast
import hashlib
import importlib
from functools import cache
from pathlib import Path

import pytest

import routing

ROOM = Path(routing.__file__).parent
FILES = {
    ".".join(("routing", *path.relative_to(ROOM).with_suffix("").parts)): path
    for path in sorted(ROOM.rglob("*.py"))
    if "njit(" in path.read_text(encoding="utf-8")
}


@cache
def _parse(module: str) -> ast.Module:
    return ast.parse(FILES[module].read_text(encoding="utf-8"))


def _kernels(module: str) -> set[str]:
    """Names of the compiled functions of a module."""
    functions = [node for node in _parse(module).body if isinstance(node, ast.FunctionDef)]
    return {node.name for node in functions if any("njit" in ast.unparse(how) for how in node.decorator_list)}


def _called(module: str) -> set[str]:
    """Modules whose compiled functions those of a module may call, directly or not."""
    found: set[str] = set()
    for node in ast.walk(_parse(module)):
        if not isinstance(node, ast.ImportFrom) or node.module not in FILES or node.module in found:
            continue
        if {name.name for name in node.names} & _kernels(node.module):
            found |= {node.module, *_called(node.module)}
    return found


CALLERS = [module for module in FILES if _kernels(module) and _called(module)]


def test_there_are_files_whose_functions_call_those_of_others() -> None:
    assert len(CALLERS) >= 4


@pytest.mark.parametrize("module", CALLERS)
def test_a_file_names_the_text_of_those_its_functions_are_compiled_of(module: str) -> None:
    names = sorted(_called(module))
    text = "".join(FILES[name].read_text(encoding="utf-8") for name in names)
    wanted = (*(name.rpartition(".")[2] for name in names), hashlib.sha256(text.encode()).hexdigest()[:16])
    told = getattr(importlib.import_module(module), "COMPILED_OF", None)
    assert told == wanted, f"write COMPILED_OF = {wanted!r} in {module}: without it old code stays in use"
