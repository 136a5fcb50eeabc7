"""Tasks that tests give to engines: functions of a module, so that other processes find them."""

from __future__ import annotations

import os
import signal
from pathlib import Path


def scale(shared: int, part: int) -> tuple[int, int]:
    """Multiply, and tell in which process."""
    return shared * part, os.getpid()


def die_once(shared: str, part: int) -> int:
    """Kill the worker the first time part 3 is done, as a machine that goes down would."""
    mark = Path(shared)
    if part == 3 and not mark.exists():
        mark.write_text("died")
        os.kill(os.getpid(), signal.SIGKILL)
    return part * part


def die_in_workers(shared: int, part: int) -> int:
    """Kill every worker, but not the process whose number is shared."""
    if os.getpid() != shared:
        os.kill(os.getpid(), signal.SIGKILL)
    return part


def kill_group(shared: tuple[int, int], part: int) -> int:
    """Kill a group of processes at part 3, unless in the process that may not be hurt."""
    group, spared = shared
    if part == 3 and os.getpid() != spared:
        os.killpg(group, signal.SIGKILL)
    return part * part


def fail(_shared: int, part: int) -> int:
    """Fail as a faulty task does."""
    if part == 2:
        raise ValueError("part 2")
    return part
