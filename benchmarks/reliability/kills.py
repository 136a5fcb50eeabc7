"""Commands killed at random moments: readers see the old or the new and never half, and the next run works."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from benchmarks.reliability.outcomes import Trial
from data.contracts import TABLES
from data.errors import RadarError
from data.workspace import Workspace

_ROWS = 6_000
_DAY = date(2025, 11, 10)
State = tuple[int, int]


def try_kills(place: Path, kills: int, seed: int = 11) -> tuple[Trial, ...]:
    """Kill `radar load`, `radar remove` and `radar undo` a third of ``kills`` times each.

    Parameters
    ----------
    place
        An empty folder.
    kills
        How many commands are killed.
    seed
        Of the moments.

    Returns
    -------
    tuple of Trial
        One a kill; a command that had ended before the signal came is tried again.
    """
    folder, files = _prepare(place)
    commands: dict[str, tuple[list[str], Callable[[State], bool]]] = {
        "radar load": (
            ["load", "route_volumes", str(files[1]), *_FILL],
            lambda state: state in ((_ROWS, 1), (_ROWS, 2)),
        ),
        "radar remove": (
            ["remove", "route_volumes", "--where", "parcels >= 1 AND origin_hub_id = 'O0'", "--yes"],
            lambda state: state[0] in (_ROWS, _ROWS - 300),
        ),
        "radar undo": (["undo", "--yes"], lambda state: state[0] in (0, _ROWS, _ROWS - 300)),
    }
    chance = random.Random(seed)
    trials: list[Trial] = []
    for name, (words, lawful) in commands.items():
        copy = place / f"spare {name}"
        shutil.copytree(folder, copy)
        longest = _seconds(copy, words)
        hit = 0
        for _ in range(kills * 4):  # some end before the signal comes
            if hit * len(commands) >= kills:
                break
            killed = _kill(folder, words, longest, chance)
            hit += killed
            if killed:
                trials.append(_judge(name, folder, lawful))
            else:
                _run(folder, ["load", "route_volumes", str(files[0]), "--replace", *_FILL])
        ended = _run(folder, ["load", "route_volumes", str(files[0]), "--replace", *_FILL])
        if ended not in (0, 3):
            trials.append(Trial(name, "the next command failed", passed=False, detail=f"exit code {ended}"))
    return tuple(trials)


_FILL = ["--set", "courier_id=all", "--add-missing", "hubs,couriers"]


def _prepare(place: Path) -> tuple[Path, tuple[Path, Path]]:
    place.mkdir(parents=True, exist_ok=True)
    folder = place / "计划 2026"
    Workspace.create(folder)
    rows = [(_DAY + timedelta(days=n % 3), f"O{n // 300}", f"D{n // 3 % 100}") for n in range(_ROWS)]
    frame = pl.DataFrame(rows, schema=["date", "origin_hub_id", "destination_hub_id"], orient="row")
    files = place / "old.csv", place / "new.csv"
    for path, parcels in zip(files, (1, 2), strict=True):
        frame.with_columns(pl.lit(parcels).alias("parcels")).write_csv(path)
    _run(folder, ["load", "route_volumes", str(files[0]), "--allow-future", *_FILL])
    return folder, files


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


def _kill(folder: Path, words: list[str], longest: float, chance: random.Random) -> bool:
    process = subprocess.Popen(_radar(folder, words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(chance.uniform(0.4 * longest, longest))
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def _seconds(folder: Path, words: list[str]) -> float:
    started = time.perf_counter()
    _run(folder, words)
    return time.perf_counter() - started


def _run(folder: Path, words: list[str]) -> int:
    return subprocess.run(_radar(folder, words), capture_output=True, check=False).returncode


def _radar(folder: Path, words: list[str]) -> list[str]:
    return [str(Path(sys.executable).parent / "radar"), "--workspace", str(folder), *words]
