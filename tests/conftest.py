"""What every test may use: real data beside the repo, and how a missing part is told."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# A slow machine is no defect: what a property test asserts does not depend on the clock. Examples repeat from run to run.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

ROOT = Path(__file__).resolve().parent.parent

# Two workers take whole files, so that what takes longest goes first: the end must not wait for one of them. The very first
# compiles the loops that most of the others need, and takes a minute and a half; those after it plan nothing, so that each loop
# is compiled once.
# CPU seconds of each, on a small machine, are told by `pytest --durations=0`; what is not here takes less than ten.
LONG_FILES = (
    "tests/routing/test_compiling.py",
    "tests/data/test_workspace.py",
    "tests/forecasting/test_forecast.py",
    "tests/cli/test_bad_forecast_inputs.py",
    "tests/cli/test_backtest.py",
    "tests/docs/test_tutorial.py",
    "tests/fuzz/test_every_command.py",
    "tests/end_to_end/test_kills.py",
    "tests/routing/stress/test_own_demand.py",
    "tests/routing/test_trunk_families.py",
    "tests/fuzz/test_chinese.py",
    "tests/routing/test_fixed_charge.py",
    "tests/routing/test_bound.py",
    "tests/routing/test_planner_and_checker.py",
    "tests/cli/test_engines.py",
    "tests/routing/test_plan.py",
    "tests/routing/test_departure_locks.py",
    "tests/cli/test_plan_weather.py",
    "tests/routing/test_replanning.py",
    "tests/routing/test_forced_shortfall.py",
    "tests/routing/test_sorts_in_tables.py",
    "tests/cli/test_forecast_choice.py",
    "tests/cli/test_playbook.py",
    "tests/routing/test_patches.py",
    "tests/routing/test_budget.py",
    "tests/end_to_end/test_interrupt.py",
    "tests/cli/test_plan_by_sorts.py",
    "tests/cli/test_plan_to_risk.py",
    "tests/routing/test_sorts.py",
    "tests/cli/test_bad_networks.py",
)

# Every test works below a folder such as planners have: with spaces, other scripts, and signs that addresses and patterns
# give a meaning to.
ODD_FOLDER = Path(tempfile.gettempdir()) / "计划 2026 [1] é#?%20"
ODD_FOLDER.mkdir(exist_ok=True)
os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(ODD_FOLDER))

# The command speaks its user's language; tests read it in English wherever they run, unless they ask for another.
os.environ["LC_ALL"] = "C.UTF-8"


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Keep the order of :func:`pytest_collection_modifyitems` where files are shared out among workers."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first."""
    rank = {file: number for number, file in enumerate(LONG_FILES)}
    items.sort(key=lambda item: rank.get(item.nodeid.split("::")[0], len(rank)))


def lacks(what: str, how: str) -> None:
    """Skip a test for a missing part and say what to install; under ``CI=true`` a missing part is a failure."""
    sentence = f"{what} is missing: {how}"
    if os.environ.get("CI") == "true":
        pytest.fail(sentence)
    pytest.skip(sentence)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with real data sets, beside the repo or named by PARCELRADAR_SHARED; tests skip where it is absent."""
    folder = Path(os.environ.get("PARCELRADAR_SHARED", ROOT.parent / "shared"))
    if not (folder / "real").is_dir():
        pytest.skip(f"no real data: {folder}/real is absent (set PARCELRADAR_SHARED)")
    return folder


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tester's own RADAR_WORKSPACE and RADAR_DEBUG out of the tests."""
    monkeypatch.delenv("RADAR_WORKSPACE", raising=False)
    monkeypatch.delenv("RADAR_DEBUG", raising=False)


@pytest.fixture(autouse=True)
def _commands_are_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tree of commands from call to call, as one process would: building it costs more than most answers do.

    Help in another language is written into the tree; the next call then gets a tree of its own.
    """
    app = sys.modules.get("cli.app")
    if app is None:
        return
    translate = app.translate_help

    def translate_and_forget(command: Any, path: tuple[str, ...] = ()) -> None:
        translate(command, path)
        _command_of.cache_clear()

    monkeypatch.setattr("typer.testing._get_command", _command_of)
    monkeypatch.setattr(app, "translate_help", translate_and_forget)


@cache
def _command_of(app: Any) -> Any:
    from typer.main import get_command

    return get_command(app)


@pytest.fixture(autouse=True)
def _answers_keep_their_documented_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold every answer in JSON that any test asks a command for against the schema of that command."""
    console = sys.modules.get("cli.console")
    if console is not None:
        monkeypatch.setattr(console, "json_text", _CheckedJson)


class _CheckedJson:
    """Writes JSON as ``json`` does, after a look at the command's documented keys."""

    @staticmethod
    def dumps(value: object, **options: Any) -> str:
        """Write a command's answer."""
        from jsonschema import validate  # type: ignore[import-untyped]
        from typer._click.globals import get_current_context

        from cli.answers import ANSWERS
        from tests.answers import find_answer

        text = json.dumps(value, **options)
        context = get_current_context(silent=True)
        if context is not None:
            words = context.command_path.split()[1:]
            named = {"load": "table", "tables": "name"}.get(" ".join(words))
            if named is not None and context.params.get(named) is not None:
                words.append({"load": "TABLE", "tables": "NAME"}[words[0]])
            known = {answer.command for answer in ANSWERS}
            assert " ".join(words) in known, f"the keys of `radar {' '.join(words)} --json` are not documented"
            validate(json.loads(text), find_answer(" ".join(words)).schema)
        return text
