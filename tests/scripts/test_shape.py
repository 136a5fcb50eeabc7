"""The gate of shape finds what it should: long functions, long lists of parameters, kernels held to less."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.shape import COMPILED, MOST_LINES, ORDINARY, find_circles, measure_file


def _write(folder: Path, head: str, lines: int, parameters: int) -> Path:
    names = ", ".join(f"p{number}" for number in range(parameters))
    body = "\n".join("    x = 1" for _ in range(lines - 1))
    path = folder / "module.py"
    path.write_text(f"{head}def work({names}):\n{body}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(("head", "limits"), [("", ORDINARY), ("@njit(cache=True)\n", COMPILED)])
def test_a_function_at_its_limits_passes_and_one_beyond_each_is_named(
    tmp_path: Path, head: str, limits: object
) -> None:
    most = COMPILED if head else ORDINARY
    assert limits == most
    assert measure_file(_write(tmp_path, head, most.lines, most.parameters)) == []
    broken = measure_file(_write(tmp_path, head, most.lines + 1, most.parameters + 1))
    assert [f"has {most.lines + 1} lines" in broken[0], f"takes {most.parameters + 1} parameters" in broken[1]] == [
        True,
        True,
    ]


def test_a_command_may_take_many_parameters_but_not_many_lines(tmp_path: Path) -> None:
    broken = measure_file(_write(tmp_path, "@known_errors\n", ORDINARY.lines + 1, 30))
    assert len(broken) == 1
    assert "lines" in broken[0]


def test_a_file_beyond_its_limit_is_named(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text("x = 1\n" * MOST_LINES, encoding="utf-8")
    assert measure_file(path) == []
    path.write_text("x = 1\n" * (MOST_LINES + 1), encoding="utf-8")
    assert measure_file(path) == [
        f"{path} has {MOST_LINES + 1} lines, at most {MOST_LINES} are allowed: divide it by idea"
    ]


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert find_circles() == []
