"""How long one load may read, and how much memory it may take: past that it ends in one sentence, and nothing is written."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from data.errors import RadarError

_LOOK_SECONDS = 0.5
_GIB = 1 << 30


def memory_in_use(process: int | None = None) -> int:
    """Return the memory of a process by its id, by default this one [bytes]; 0 where the system does not tell."""
    import os

    try:
        pages = int(Path(f"/proc/{process or 'self'}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def free_memory() -> float:
    """Return the memory the machine can still give [bytes]; infinite where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        memory = dict(line.split(":", 1) for line in lines)
        return float(memory["MemAvailable"].split()[0]) * 1024.0
    except (OSError, ValueError, KeyError, IndexError):
        return float("inf")


@dataclass
class LoadWatch:
    """Watches one load.

    Parameters
    ----------
    seconds
        Longest time of its reading.
    memory_bytes
        Most memory it may take beyond what the process had when it began.
    """

    seconds: float
    memory_bytes: float
    started: float = field(default_factory=time.monotonic)
    memory_before: int = field(default_factory=memory_in_use)

    def left(self) -> float:
        """Return the time left [s]."""
        return self.seconds - (time.monotonic() - self.started)

    def check(self, helper_bytes: int = 0) -> None:
        """Raise RadarError past one of the limits; ``helper_bytes`` of memory are counted besides this process's own."""
        if self.left() < 0.0:
            raise RadarError(
                f"a load that reads for more than {self.seconds:g} seconds",
                "time_limit_seconds under [load] in radar.toml",
                "part the files, or raise it; nothing was committed",
            )
        if memory_in_use() - self.memory_before + helper_bytes > self.memory_bytes:
            raise RadarError(
                f"a load that takes more than {self.memory_bytes / _GIB:.3g} GiB of memory",
                "memory_limit_gib under [load] in radar.toml",
                "part the files, or raise it; nothing was committed",
            )


_WATCH: ContextVar[LoadWatch | None] = ContextVar("watch", default=None)
"""The watch of the load that is being read."""


def check_limits(helper_bytes: int = 0) -> None:
    """Raise RadarError when the load being read is past one of its limits; see ``LoadWatch.check``."""
    watch = _WATCH.get()
    if watch is not None:
        watch.check(helper_bytes)


def seconds_left() -> float:
    """Return the time left to the load being read [s]; infinite where none is limited."""
    watch = _WATCH.get()
    return float("inf") if watch is None else watch.left()


@contextmanager
def stopping(stop: Callable[[], None]) -> Iterator[None]:
    """Ask a library at work inside to stop when the load being read passes a limit; ``check_limits`` then tells which.

    Parameters
    ----------
    stop
        Called from another thread, again and again until the library's call has ended.
    """
    watch = _WATCH.get()
    if watch is None:
        yield
        return
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(_LOOK_SECONDS):
            try:
                watch.check()
            except RadarError:
                stop()

    beside = threading.Thread(target=look, daemon=True)
    beside.start()
    try:
        yield
    finally:
        ended.set()
        beside.join()


def watch_load(seconds: float, memory_gib: float) -> LoadWatch:
    """Begin to watch a load.

    Parameters
    ----------
    seconds
        Longest time.
    memory_gib
        Most memory [GiB]; 0 is four fifths of what the machine has free now.
    """
    return LoadWatch(seconds, memory_gib * _GIB if memory_gib else 0.8 * free_memory())


@contextmanager
def limited(watch: LoadWatch | None) -> Iterator[None]:
    """Stop what happens inside past the limits: by itself in the main thread, elsewhere at its end; None limits nothing.

    A library at work in its own language ends its call first. So what it is given is small (``limits``), or it is asked to stop
    (``stopping``), or it works in a helper process, which is ended (``apart``).

    Raises
    ------
    RadarError
        Past one of the limits.
    """
    if watch is None:
        yield
        return
    token = _WATCH.set(watch)
    try:
        with _interrupting(watch):
            yield
    finally:
        _WATCH.reset(token)


@contextmanager
def _interrupting(watch: LoadWatch) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        watch.check()
        return

    def look(_number: int, _frame: FrameType | None) -> None:
        try:
            watch.check()
        except RadarError:
            signal.setitimer(signal.ITIMER_REAL, 0.0)  # told once: what tidies up after it is left alone
            raise

    before = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, min(_LOOK_SECONDS, max(watch.left(), 0.001)), _LOOK_SECONDS)
    try:
        yield
        watch.check()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
