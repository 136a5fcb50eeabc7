"""Holds the shape of the code: how long files and functions may be, how many parameters these take, no circle of imports.

``python -m scripts.shape`` prints every place that breaks a limit and ends with 1 if there is one. Compiled functions are
held to less than others, because a reader cannot step through them. Typer commands take one parameter an option and may
have as many as they need; tests are left out.
"""

from __future__ import annotations

import ast
import graphlib
import sys
from dataclasses import dataclass
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("data", "forecasting", "weather", "routing", "operations", "reports", "cli", "parcelradar")


@dataclass(frozen=True)
class Limits:
    """What a function may measure (judgement: what a reader holds in the head)."""

    lines: int
    parameters: int


MOST_LINES = 500
"""Of a file (judgement: one idea on a few screens)."""

ORDINARY = Limits(lines=100, parameters=8)
COMPILED = Limits(lines=60, parameters=10)
_COMPILERS = ("njit", "jit", "vectorize", "guvectorize")


def main() -> int:
    """Print what breaks a limit; returns the exit code."""
    broken = [line for path in _source_files() for line in measure_file(path)] + find_circles()
    for line in broken:
        print(line, file=sys.stderr)
    return 1 if broken else 0


def _source_files() -> list[Path]:
    return sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def measure_file(path: Path) -> list[str]:
    """Return one sentence if a file is too long, and one for each of its functions that is too long or takes too much."""
    text = path.read_text(encoding="utf-8")
    lines = text.count("\n")
    broken = [f"{_place(path)} has {lines} lines, at most {MOST_LINES} are allowed: divide it by idea"] * (
        lines > MOST_LINES
    )
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            broken += _measure_function(path, node)
    return broken


def _measure_function(path: Path, node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    limits = COMPILED if _is_compiled(node) else ORDINARY
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    arguments = node.args
    parameters = len(arguments.posonlyargs) + len(arguments.args) + len(arguments.kwonlyargs)
    place = f"{_place(path)}:{node.lineno} {node.name}"
    broken = []
    if lines > limits.lines:
        broken.append(f"{place} has {lines} lines, at most {limits.lines} are allowed: divide it")
    if parameters > limits.parameters and not _is_command(node):
        broken.append(
            f"{place} takes {parameters} parameters, at most {limits.parameters} are allowed: give it a record"
        )
    return broken


def _place(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def _is_compiled(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    words = " ".join(ast.unparse(decorator) for decorator in node.decorator_list)
    return any(compiler in words for compiler in _COMPILERS)


def _is_command(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Tell a Typer command: it stands behind its decorator or behind the one that turns known errors into one sentence."""
    words = [ast.unparse(decorator) for decorator in node.decorator_list]
    return any(".command" in word or ".callback" in word or word == "known_errors" for word in words)


def find_circles() -> list[str]:
    """Return a sentence when modules of the rooms import each other in a circle."""
    rooms = [room for room in ROOMS if (ROOT / room / "__init__.py").exists()]
    graph = grimp.build_graph(*rooms, include_external_packages=False, cache_dir=None)
    order = graphlib.TopologicalSorter(
        {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    )
    try:
        order.prepare()
    except graphlib.CycleError as circle:
        return [f"a circle of imports: {' -> '.join(circle.args[1])}"]
    return []


if __name__ == "__main__":
    sys.exit(main())
