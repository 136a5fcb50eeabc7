"""Commands killed at random moments: readers see the old or the new and never half, and the next run works."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from benchmarks.reliability.outcomes import Trial
from benchmarks.reliability.small_network import AS_OF, write_small_network
from data.contracts import TABLES
from data.errors import RadarError
from data.workspace import Workspace

_ROWS = 6_000
_LONGEST = 1.5  # seconds of writing at first; shortened where commands end before the signal
_DAY = date(2025, 11, 10)
State = tuple[int, int]
_LONGEST_OF_MAKERS = 8.0
MAKERS: Mapping[str, list[str]] = {
    "radar forecast": ["forecast", "--as-of", str(AS_OF), "--horizon", "3"],
    "radar plan trunk": ["plan", "trunk", "--effort", "0.001"],
    "radar report forecast": ["report", "forecast", "--lang", "zh,en"],
}


LOADERS = ("radar load", "radar remove", "radar undo")


def try_kills(place: Path, names: Sequence[str], kills: int, seed: int = 11) -> tuple[Trial, ...]:
    """Kill commands, ``kills`` times each.

    Parameters
    ----------
    place
        An empty folder.
    names
        Of ``LOADERS`` and ``MAKERS``.
    kills
        How often each is killed.
    seed
        Of the moments.

    Returns
    -------
    tuple of Trial
        One a kill; a command that had ended before the signal came is tried again.
    """
    without = _ROWS - 300
    file = place / "new.csv"
    place.mkdir(parents=True, exist_ok=True)
    _volumes(2).drop("courier_id").write_csv(file)
    makes = any(name in MAKERS for name in names)
    planned = write_small_network(place / "planned" / "计划 2026") if makes else place
    commands: dict[str, tuple[list[str], Callable[[State], bool]]] = {
        "radar load": (["load", "route_volumes", str(file), *_FILL], lambda state: state in ((_ROWS, 1), (_ROWS, 2))),
        "radar remove": (
            ["remove", "route_volumes", "--where", "origin_hub_id = 'O0'", "--yes"],
            lambda state: state in ((_ROWS, 1), (without, 1)),
        ),
        "radar undo": (["undo", "--yes"], lambda state: state in ((_ROWS, 1), (without, 1))),
    }

    def try_one(name: str) -> list[Trial]:
        if name in MAKERS:
            return _kill_makers(name, planned, place / name, kills, random.Random(f"{seed} {name}"))
        folder = place / name / "计划 2026"
        Workspace.create(folder)
        return _kill_often(name, folder, *commands[name], kills, random.Random(f"{seed} {name}"))

    with ThreadPoolExecutor(len(names)) as pool:
        return tuple(trial for part in pool.map(try_one, names) for trial in part)


def _kill_often(
    name: str, folder: Path, words: list[str], lawful: Callable[[State], bool], kills: int, chance: random.Random
) -> list[Trial]:
    trials: list[Trial] = []
    longest = _LONGEST
    while len(trials) < kills:
        _reset(folder, removed=name == "radar undo")
        if _kill(folder, words, chance.uniform(0.0, longest)):
            trials.append(_judge(name, folder, lawful))
        else:
            longest *= 0.8  # it had ended before the signal
    _reset(folder, removed=name == "radar undo")
    ended = _run(folder, words)
    if ended not in (0, 3):
        trials.append(Trial(name, "the next command failed", passed=False, detail=f"exit code {ended}"))
    return trials


_FILL = ["--set", "courier_id=all", "--add-missing", "hubs,couriers"]


def _volumes(parcels: int) -> pl.DataFrame:
    rows = [(_DAY + timedelta(days=n % 3), f"O{n // 300}", f"D{n // 3 % 100}") for n in range(_ROWS)]
    frame = pl.DataFrame(rows, schema=["date", "origin_hub_id", "destination_hub_id"], orient="row")
    return frame.with_columns(courier_id=pl.lit("all"), parcels=pl.lit(parcels))


def _kill_makers(name: str, planned: Path, place: Path, kills: int, chance: random.Random) -> list[Trial]:
    """Kill a command that makes results, each time in a copy of a workspace that has a forecast and a plan already."""
    trials: list[Trial] = []
    longest, folder = _LONGEST_OF_MAKERS, place / planned.name
    while len(trials) < kills:
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(planned, folder)
        writes = name != "radar report forecast"
        if _kill(folder, MAKERS[name], chance.uniform(0.0, longest), writes=writes):
            trials.append(_judge_results(name, folder))
        else:
            longest *= 0.8
    ended = _run(folder, MAKERS[name])
    if ended not in (0, 3):
        trials.append(Trial(name, "the next command failed", passed=False, detail=f"exit code {ended}"))
    return trials


def _judge_results(name: str, folder: Path) -> Trial:
    try:
        workspace = Workspace.open(folder)
        for table in TABLES:
            workspace.read(table)
        runs = [set(workspace.writers(f"{level}_forecasts")) for level in ("network", "hub", "route")]
        plans = [set(workspace.writers(table)) for table in ("trunk_departures", "plan_certificates", "hub_loads")]
    except RadarError as error:
        return Trial(name, "a table cannot be read", passed=False, detail=str(error))
    if any(one != group[0] for group in (runs, plans) for one in group):
        return Trial(name, "half of a run stands", passed=False, detail=f"{runs} {plans}")
    pages = [page.read_text(encoding="utf-8").rstrip() for page in (folder / "reports").glob("*.html")]
    if any(not page.endswith("</html>") for page in pages):
        return Trial(name, "half of a page stands", passed=False)
    return Trial(name, "the old or the new, whole", passed=True)


def _reset(folder: Path, *, removed: bool) -> None:
    """Put the old rows back as a load; with ``removed`` take some out again, so that there is something to undo."""
    workspace, old = Workspace.open(folder), _volumes(1)
    with workspace.run("load route_volumes") as load:
        load.replace("route_volumes", old)
    if removed:
        with workspace.run("remove") as taken:
            taken.replace("route_volumes", old.filter(pl.col("origin_hub_id") != "O0"))


def _judge(name: str, folder: Path, lawful: Callable[[State], bool]) -> Trial:
    try:
        workspace = Workspace.open(folder)
        for table in TABLES:
            workspace.read(table)
        volumes = workspace.read("route_volumes")
        values = volumes["parcels"].unique().to_list()
    except RadarError as error:
        return Trial(name, "a table cannot be read", passed=False, detail=str(error))
    state = (volumes.height, values[0] if len(values) == 1 else -1 if values else 0)
    if not lawful(state):
        return Trial(name, "half of it stands", passed=False, detail=f"{volumes.height} rows with {values}")
    return Trial(name, "the old or the new, whole", passed=True)


def _kill(folder: Path, words: list[str], delay: float, *, writes: bool = True) -> bool:
    """Start a command, wait until it works as the writer and then ``delay`` seconds, and kill it; False when it had ended.

    One that only reads is killed ``delay`` seconds after its start.
    """
    process = subprocess.Popen(_radar(folder, words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while writes and process.poll() is None and not (folder / ".writer").exists():
        time.sleep(0.005)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    killed = process.wait() == -signal.SIGKILL
    (folder / ".writer").unlink(missing_ok=True)  # of the dead one: the next wait is for the next writer
    return killed


def _run(folder: Path, words: list[str]) -> int:
    return subprocess.run(_radar(folder, words), capture_output=True, check=False).returncode


def _radar(folder: Path, words: list[str]) -> list[str]:
    return [str(Path(sys.executable).parent / "radar"), "--workspace", str(folder), *words]
