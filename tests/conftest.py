"""What every test may use: real data beside the repo, and how a missing part is told."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# A slow machine is no defect: what a property test asserts does not depend on the clock. Examples repeat from run to run.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

ROOT = Path(__file__).resolve().parent.parent

# Every test works below a folder such as planners have: with spaces, other scripts, and signs that addresses and patterns
# give a meaning to.
ODD_FOLDER = Path(tempfile.gettempdir()) / "计划 2026 [1] é#?%20"
ODD_FOLDER.mkdir(exist_ok=True)
os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(ODD_FOLDER))

# The command speaks its user's language; tests read it in English wherever they run, unless they ask for another.
os.environ["LC_ALL"] = "C.UTF-8"


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

        from cli.answers import ANSWERS, find_answer

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
