"""Wrong usage points to the option a word was meant for."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.app import app
from data.workspace import Workspace

RUNNER = CliRunner()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("report plan plan-trunk-0005", "--run plan-trunk-0005"),
        ("report forecast forecast-0002", "--run forecast-0002"),
        ("plan explain plan-trunk-0005", "--plan plan-trunk-0005"),
        ("report plan zh,en", "--lang zh,en"),
        ("plan trunk 2025-11-03", "--from 2025-11-03"),
        ("report sheets WUH", "--hub WUH"),
        ("export hubs out.csv", "--out out.csv"),
    ],
)
def test_a_word_too_many_is_told_with_the_option_it_was_meant_for(typed: str, meant: str) -> None:
    word = typed.split()[-1]
    english = RUNNER.invoke(app, typed.split())
    assert english.exit_code == 2
    assert f"({word}): write it as {meant}" in english.stderr
    assert f"多余的参数：{word}；请写作 {meant}" in RUNNER.invoke(app, ["--lang", "zh", *typed.split()]).stderr


def test_a_word_that_fits_no_option_is_only_told() -> None:
    told = RUNNER.invoke(app, ["check", "something", "else"]).stderr
    assert "Got unexpected extra argument(s) (something else)" in told
    assert "write it as" not in told


@pytest.mark.parametrize("command", ["plan trunk", "plan stock", "track rates", "forecast staffing", "weather impact"])
def test_days_the_wrong_way_round_are_told_whichever_is_typed_first(command: str) -> None:
    days = ["--from", "2025-11-14", "--to", "2025-11-08"]
    for typed in (days, days[2:] + days[:2]):
        result = RUNNER.invoke(app, [*command.split(), *typed])
        assert result.exit_code == 2
        assert "--to 2025-11-08 lies before --from 2025-11-14" in result.stderr.replace("\n", " ")
    assert "早于 --from 2025-11-14" in RUNNER.invoke(app, ["--lang", "zh", *command.split(), *days]).stderr


@pytest.mark.parametrize("number", ["inf", "-inf", "nan", "1e400"])
@pytest.mark.parametrize("command", ["plan trunk --effort", "plan capacity --time-limit", "sql --timeout"])
def test_a_number_without_end_is_refused(command: str, number: str) -> None:
    words = [*command.split(), number, *(["select 1"] if command.startswith("sql") else [])]
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 2
    assert "finite number" in told.output or "greater than" in told.output


@pytest.mark.parametrize("rest", ["--folder .", "route_volumes --database postgresql://x@localhost/y --query Q"])
def test_a_profile_that_would_not_be_kept_is_refused(tmp_path: Path, rest: str) -> None:
    Workspace.create(tmp_path / "peak")
    told = RUNNER.invoke(app, ["-w", str(tmp_path / "peak"), "load", *rest.split(), "--profile", "daily"])
    assert told.exit_code == 2
    assert "--profile" in told.stderr
