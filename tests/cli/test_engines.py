"""The engines through the command: the same bytes from one process and from several, and bad names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_playbook import scenarios
from tests.cli.test_stress import folder, planned, radar

__all__ = ["folder", "planned", "scenarios"]


def answer(folder: Path, *arguments: str) -> dict[str, Any]:
    result = radar(folder, *arguments, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return {name: value for name, value in found.items() if name not in ("run_id", "cards")}


def with_engine(settings: str, engine: str) -> str:
    """Give ``radar.toml`` with an engine."""
    return settings.replace('# engine = "local"', f'engine = "{engine}"').replace("# workers = 0", "workers = 2")


def test_several_processes_give_the_bytes_of_one(folder: Path, planned: dict[str, Any], scenarios: Path) -> None:
    # more draws than a block has, so that blocks are put together
    stress = ("stress", planned["run_id"], "--scenarios", str(scenarios), "--draws", "300", "--policy", "spot")
    playbook = ("playbook", planned["run_id"], "--scenarios", str(scenarios), "--draws", "30", "--max-changes", "0")
    settings = folder / "radar.toml"
    before = settings.read_text("utf-8")
    here = [answer(folder, *command, "--engine", "local") for command in (stress, playbook)]
    try:
        settings.write_text(with_engine(before, "processes"), encoding="utf-8")
        there = [answer(folder, *command) for command in (stress, playbook)]
    finally:
        settings.write_text(before, encoding="utf-8")
    assert json.dumps(here) == json.dumps(there)


@pytest.mark.parametrize("command", ["stress", "playbook", "drill"])
def test_an_engine_there_is_none_of_is_told(
    folder: Path, planned: dict[str, Any], scenarios: Path, command: str
) -> None:
    result = radar(folder, command, planned["run_id"], "--scenarios", str(scenarios), "--engine", "spark")
    assert result.exit_code == 1
    assert "engine 'spark'" in result.output
    assert "ray://HOST:PORT" in result.output


def test_a_setting_that_is_no_engine_is_told(folder: Path, planned: dict[str, Any]) -> None:
    settings = folder / "radar.toml"
    before = settings.read_text("utf-8")
    try:
        settings.write_text(with_engine(before, "spark"), encoding="utf-8")
        result = radar(folder, "stress", planned["run_id"])
    finally:
        settings.write_text(before, encoding="utf-8")
    assert result.exit_code == 1
    assert "stress.engine" in result.output
