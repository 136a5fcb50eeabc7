"""The chain of commands: what a step prints, how it ends, and what stops the chain."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import pytest
import typer

from cli.app import app as radar
from cli.pipeline import Peak, Step, list_peak_steps, run_steps
from data.errors import RadarError

PEAK = Peak(date(2025, 10, 31), 16, date(2025, 11, 8), date(2025, 11, 14), 25.0, 7)


def _small_app() -> typer.Typer:
    app = typer.Typer()

    @app.callback()
    def start(workspace: Annotated[Path, typer.Option("--workspace")]) -> None:
        typer.echo(f"in {workspace.name}")

    @app.command()
    def end(code: int) -> None:
        typer.echo("told")
        raise typer.Exit(code)

    return app


def _steps(*codes: int) -> list[Step]:
    return [Step(("end", str(code)), f"ends with {code}") for code in codes]


def _hide(text: str) -> None:
    """Show nothing."""


def test_what_steps_print_is_kept_and_leaves_stdout_free(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    shown: list[str] = []
    ends = list(run_steps(_small_app(), tmp_path / "peak", _steps(0, 0), shown.append))
    assert [end.printed for end in ends] == shown == ["in peak\ntold\n"] * 2
    assert capsys.readouterr().out == ""


def test_a_failed_step_is_shown_all_the_same(tmp_path: Path) -> None:
    shown: list[str] = []
    with pytest.raises(RadarError):
        list(run_steps(_small_app(), tmp_path / "peak", _steps(1), shown.append))
    assert shown == ["in peak\ntold\n"]


def test_shortfalls_do_not_end_the_chain(tmp_path: Path) -> None:
    ends = list(run_steps(_small_app(), tmp_path, _steps(3, 0), _hide))
    assert [end.exit_code for end in ends] == [3, 0]


def test_a_failed_step_ends_the_chain_and_is_named(tmp_path: Path) -> None:
    chain = run_steps(_small_app(), tmp_path, _steps(0, 1, 0), _hide)
    assert next(chain).exit_code == 0
    with pytest.raises(RadarError, match=r"`radar end 1` ended with exit code 1"):
        next(chain)


def test_an_interrupted_step_interrupts_the_chain(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        list(run_steps(_small_app(), tmp_path, _steps(130), _hide))


def test_a_step_is_written_as_it_is_typed() -> None:
    assert Step(("plan", "trunk", "--seed", "7"), "").line == "radar plan trunk --seed 7"


def test_every_step_of_the_peak_plan_is_a_command_of_radar() -> None:
    from typer.main import get_command

    for step in list_peak_steps(PEAK):
        command = get_command(radar)
        for word in step.words:
            found = getattr(command, "commands", {}).get(word)
            if found is None:
                break
            command = found
        options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        wanted = {word for word in step.words if word.startswith("--")}
        assert wanted <= options, step.line
        assert not hasattr(command, "commands") or step.words[0] == "forecast", step.line
