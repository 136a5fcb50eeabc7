"""Installed elsewhere, not from the clone: every room, message, template and outline is in the package, and the command runs."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
Radar = Callable[..., "subprocess.CompletedProcess[str]"]


def _run(*command: object, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env={**os.environ, **variables}, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of what is committed or stands to be, built from a copy: nothing is written into the clone."""
    clone = tmp_path_factory.mktemp("clone 克隆")
    listed = _run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).stdout
    for name in filter(None, listed.split("\0")):
        source, target = ROOT / name, clone / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    code = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    (clone / "out").mkdir()
    name = _run(sys.executable, "-c", code, clone / "out", cwd=clone).stdout.split()[-1]
    return clone / "out" / name


@pytest.fixture(scope="module")
def radar(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Radar:
    """The command out of the unpacked wheel, in an empty folder; what it stands on comes from the environment of the tests."""
    place = tmp_path_factory.mktemp("elsewhere 别处")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(place / "site")
    (place / "empty").mkdir()
    start = "import cli.app, sys; assert cli.app.__file__.startswith(sys.argv.pop(1)), cli.app.__file__; from parcelradar.command import main; main()"

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = (sys.executable, "-P", "-c", start, place / "site", *words)
        return _run(*command, cwd=place / "empty", PYTHONPATH=str(place / "site"))

    return run


def test_the_wheel_holds_every_file_that_is_no_code(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        held = set(packed.namelist())
    rooms = ("cli", "data", "forecasting", "operations", "parcelradar", "reports", "routing", "weather")
    listed = _run("git", "ls-files", "-z", *rooms, cwd=ROOT).stdout.split("\0")
    needed = {name for name in listed if name and (ROOT / name).is_file() and not name.endswith((".md", ".gitignore"))}
    assert needed - held == set()
    assert not [name for name in held if name.startswith(("tests/", "benchmarks/", "docs/", "scripts/"))]


def test_the_installed_command_runs_where_there_is_no_clone(radar: Radar) -> None:
    assert radar("--version").stdout.startswith("radar ")
    assert (Path(radar("init", "计划").stdout.strip()) / "radar.toml").is_file()
    assert "route_volumes" in radar("-w", "计划", "tables").stdout
    assert "干线" in radar("--lang", "zh", "plan", "--help").stdout
    assert "分拨中心" in radar("--lang", "zh", "-w", "计划", "tables").stdout


@pytest.mark.slow
def test_pip_installs_a_clone_into_a_fresh_environment(tmp_path: Path) -> None:
    """With all it stands on, from the package registry; then the sample's whole peak in an empty folder."""
    _run("git", "clone", "-q", ROOT, tmp_path / "clone", cwd=tmp_path)
    _run(sys.executable, "-m", "venv", tmp_path / "venv 一", cwd=tmp_path)
    _run(tmp_path / "venv 一/bin/pip", "install", "-q", tmp_path / "clone", cwd=tmp_path)
    (tmp_path / "空").mkdir()
    command = tmp_path / "venv 一/bin/radar"
    assert _run(command, "--version", cwd=tmp_path / "空").stdout.startswith("radar ")
    _run(command, "demo", cwd=tmp_path / "空")
    assert len(list((tmp_path / "空/radar-demo/reports").glob("*.html"))) == 4
