"""Answers in JSON keep their documented keys: every command has them, and what it really answers validates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import (  # type: ignore[import-untyped]
    Draft202012Validator,
    ValidationError,
    validate,
)
from typer.main import get_command
from typer.testing import CliRunner

from cli.answers import ANSWERS
from cli.app import app
from data.workspace import Workspace
from tests.answers import find_answer

RUNNER = CliRunner()


def _commands(command: Any, words: tuple[str, ...] = ()) -> set[str]:
    answers = {" ".join(words)} if any("--json" in option.opts for option in command.params) else set()
    return answers.union(
        *(_commands(inner, (*words, name)) for name, inner in getattr(command, "commands", {}).items())
    )


def test_every_command_with_json_has_documented_keys() -> None:
    assert _commands(get_command(app)) == {
        answer.command for answer in ANSWERS if not answer.command.split()[-1].isupper()
    }


def test_schemas_are_schemas_and_refuse_what_is_not_documented() -> None:
    for answer in ANSWERS:
        Draft202012Validator.check_schema(answer.schema)
    good = {"run_id": "undo-0003", "undone": "load-0002", "rows": {"hubs": 2}}
    validate(good, find_answer("undo").schema)
    for bad in ({**good, "more": 1}, {"run_id": "undo-0003"}, {**good, "rows": 3}):
        with pytest.raises(ValidationError):
            validate(bad, find_answer("undo").schema)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = Workspace.create(tmp_path_factory.mktemp("answers") / "peak 中文")
    hubs = [f"H{n},h," for n in range(40)]
    lines = ["hub_id,name,sort_capacity", "A,a,5", "B,b,", "C,c,x", *hubs]
    (workspace.folder / "hubs.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (workspace.folder / "couriers.csv").write_text("courier_id,name\nA,a\n", encoding="utf-8")
    (workspace.folder / "given.csv").write_text(
        "date,origin_hub_id,destination_hub_id,parcels\n2025-11-11,A,B,5\n", encoding="utf-8"
    )
    return workspace.folder


# In their order: each works on what the one before left.
REAL = [
    ("load TABLE", "load hubs {folder}/hubs.csv"),
    ("load TABLE", "load couriers {folder}/couriers.csv --dry-run"),
    ("load", "load --folder {folder}"),
    ("check", "check"),
    ("tables", "tables"),
    ("tables NAME", "tables hubs"),
    ("remove", "remove hubs --where hub_id='B' --yes"),
    ("undo", "undo --yes"),
    ("remove", "remove hubs --where hub_id='Z' --yes"),
    ("sql", "sql SELECT/**/count(*)/**/n/**/FROM/**/hubs"),
    ("load TABLE", "load route_demand {folder}/given.csv --add-missing hubs"),
    ("withdraw", "withdraw load-route_demand-0006"),
    ("withdraw", "withdraw load-route_demand-0006 --undo"),
    ("weather effects", "weather effects"),
    ("repair", "repair"),
    ("clean", "clean --dry-run"),
    ("runs", "runs"),
    ("runs", "runs load-hubs-0001"),
]


def test_real_answers_hold_the_documented_keys(folder: Path) -> None:
    for command, words in REAL:
        typed = [word.replace("{folder}", str(folder)) for word in words.split()]
        result = RUNNER.invoke(app, ["--workspace", str(folder), *typed, "--json"])
        assert result.exit_code in (0, 3), f"{words}: {result.output}"
        validate(json.loads(result.stdout), find_answer(command).schema)
