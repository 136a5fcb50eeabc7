"""``radar advise`` on a workspace with a stock plan."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from data.contracts import contract
from data.workspace import Workspace
from tests.routing.stock_cases import stock_tables

RUNNER = CliRunner()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = Workspace.create(tmp_path_factory.mktemp("advice") / "peak")
    with workspace.run("load") as run:
        for name, frame in stock_tables().items():
            if name == "merchant_forecasts":
                continue  # made by the command from the sales
            run.replace(name, contract(name).conform(frame))
    made = RUNNER.invoke(app, ["--workspace", str(workspace.folder), "plan", "stock"])
    assert made.exit_code == 0, made.output
    return workspace.folder


def advise(folder: Path, *arguments: str) -> Result:
    return RUNNER.invoke(app, ["--workspace", str(folder), "advise", *arguments])


def test_all_merchants_get_a_file_in_the_workspace(folder: Path) -> None:
    result = advise(folder, "--all", "--json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    assert [row["merchant_id"] for row in rows] == ["M1"]
    assert Path(rows[0]["file"]) == folder / "advice" / "advice_M1.xlsx"
    assert Path(rows[0]["file"]).is_file()


@pytest.mark.parametrize("form", ["xlsx", "csv", "json"])
def test_one_merchant_in_each_format(folder: Path, tmp_path: Path, form: str) -> None:
    result = advise(folder, "M1", "--format", form, "--out", str(tmp_path), "--lang", "en")
    assert result.exit_code == 0, result.output
    names = [f"advice_M1_{name}_en.csv" for name in ("advice", "parts", "totals")]
    for name in names if form == "csv" else [f"advice_M1.{form}"]:
        assert (tmp_path / name).stat().st_size > 100


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "neither a merchant nor --all"),
        (("M1", "--all"), "a merchant and --all"),
        (("M9",), "merchant M9"),
        (("M1", "--run", "plan-stock-9999"), "no finished run plan-stock-9999"),
        (("M1", "--lang", "fr"), "fr"),
    ],
)
def test_known_errors_are_one_sentence(folder: Path, arguments: tuple[str, ...], told: str) -> None:
    result = advise(folder, *arguments)
    assert result.exit_code == 1
    assert told in result.stderr
    assert result.stderr.count("\n") == 1


def test_no_plan_yet_is_told(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "empty")
    result = advise(workspace.folder, "--all")
    assert result.exit_code == 1
    assert "radar plan stock" in result.stderr
