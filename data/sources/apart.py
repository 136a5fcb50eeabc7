"""Reading in a process of its own: what a library does to it there, the command outlives and tells in one sentence.

Packed containers say little of what they hold. A few thousand bytes of Parquet or Excel may stand for terabytes of text, and a
library at work in its own language can be neither interrupted nor asked how far it is; some abort the whole process. So such
files are taken apart by a helper process. The command waits for it piece by piece, looks at its time and memory meanwhile, and
ends it when one of the limits of the load is passed.
"""

from __future__ import annotations

import atexit
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from data.errors import RadarError
from data.sources.guarding import one_sentence
from data.sources.load_limits import check_limits, memory_in_use, seconds_left

Piece = TypeVar("Piece")
_LOOK_SECONDS = 0.1
_AHEAD = 2  # pieces the helper may be ahead of who takes them (judgement: one on its way, one waiting)
_START = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); from data.sources.apart import serve; serve()"
)
_CPU_SECONDS_MORE = 60.0
_OUT_OF_MEMORY = 1000  # the highest score: the system takes the helper's memory before anybody else's


def read_apart(
    work: Callable[..., Iterator[Piece]], *arguments: object, name: str, kind: str
) -> Generator[Piece, None, None]:
    """Let a helper process do the work and pass on what it yields.

    Parameters
    ----------
    work
        A function of a module; what it takes and yields can be pickled.
    arguments
        What it takes.
    name
        The file, for errors.
    kind
        What it is, for errors: Excel, Parquet, JSON, GeoJSON.

    Yields
    ------
    Piece
        What the work yields, in its order.

    Raises
    ------
    RadarError
        What the work raised, that it passed a limit of the load, or that its process died.
    """
    helper = _IDLE.pop() if _IDLE else _Helper()
    try:
        yield from helper.do(work, arguments, name, kind)
    except RadarError:
        if helper.busy:
            helper.end()
        else:
            _IDLE.append(helper)
        raise
    except BaseException:  # also when nobody wants the rest
        helper.end()
        raise
    _IDLE.append(helper)


@dataclass
class _Helper:
    """One helper process; ``busy`` from a task to the last word about it."""

    busy: bool = False
    pieces: queue.Queue[tuple[str, Any]] = field(default_factory=lambda: queue.Queue(_AHEAD))
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        command = [sys.executable, "-I", "-c", _START]
        self.process = subprocess.Popen(  # noqa: S603 - our own code
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        threading.Thread(target=self._listen, daemon=True).start()
        self._send(sys.path)

    def do(
        self, work: Callable[..., Iterator[Piece]], arguments: tuple[object, ...], name: str, kind: str
    ) -> Iterator[Piece]:
        """Give it a task, and pass on its pieces as they come."""
        self.busy = True
        before = memory_in_use(self.process.pid)
        self._send((work, arguments, name, kind, seconds_left()))
        while True:
            try:
                word, piece = self.pieces.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                check_limits(memory_in_use(self.process.pid) - before)
                continue
            if word == "piece":
                check_limits(memory_in_use(self.process.pid) - before)
                yield piece
                continue
            if word == "died":
                raise _died(self.process.wait(), name, kind)
            self.busy = False
            if word == "error":
                raise RadarError(piece[0], piece[1], piece[2], file=piece[3], row=piece[4], column=piece[5])
            return

    def end(self) -> None:
        """End the process, whatever it does."""
        self.process.kill()
        self.process.wait()
        with suppress(queue.Empty):
            while True:  # its listener may wait for room
                self.pieces.get_nowait()
        for stream in (self.process.stdin, self.process.stdout):
            with suppress(OSError, ValueError, RuntimeError):
                stream.close()  # type: ignore[union-attr]

    def _send(self, answer: object) -> None:
        with suppress(OSError):  # that it died is told by its listener
            pickle.dump(answer, self.process.stdin)  # type: ignore[arg-type]
            self.process.stdin.flush()  # type: ignore[union-attr]

    def _listen(self) -> None:
        try:
            while True:
                self.pieces.put(pickle.load(self.process.stdout))  # type: ignore[arg-type]  # noqa: S301 - of our own helper
        except (EOFError, OSError, ValueError, pickle.UnpicklingError):
            self.pieces.put(("died", None))


_IDLE: list[_Helper] = []


@atexit.register
def _end_idle() -> None:
    while _IDLE:
        _IDLE.pop().end()


def _died(code: int, name: str, kind: str) -> RadarError:
    if code == -signal.SIGKILL:
        return RadarError(f"a {kind} file that needs more memory than there is", "a smaller one", "part it", file=name)
    ending = f"signal {-code}" if code < 0 else f"exit code {code}"
    return RadarError(
        f"a {kind} file over which its reader died ({ending})", "a whole one", "write or export it again", file=name
    )


def serve() -> None:
    """Do tasks as the helper: they come on stdin, pieces go to stdout, until there is no more to do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who interrupts the command ends the helper through it
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(_OUT_OF_MEMORY), encoding="ascii")
    with suppress(EOFError, OSError):
        while True:
            work, arguments, name, kind, seconds = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own command
            _limit_processor(seconds)
            _answer(answers, work, arguments, name, kind)


def _answer(
    answers: BinaryIO, work: Callable[..., Iterator[Any]], arguments: tuple[object, ...], name: str, kind: str
) -> None:
    try:
        with one_sentence(name, kind):
            for piece in work(*arguments):
                _tell(answers, "piece", piece)
    except RadarError as error:
        place = None if error.file is None else str(error.file)
        _tell(answers, "error", (error.found, error.expected, error.action, place, error.row, error.column))
    else:
        _tell(answers, "done", None)


def _tell(answers: BinaryIO, word: str, piece: object) -> None:
    pickle.dump((word, piece), answers, protocol=pickle.HIGHEST_PROTOCOL)
    answers.flush()


def _limit_processor(seconds: float) -> None:
    """Let the system end this helper when nobody is left to do it; and no image of its memory is written where it dies."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
        most = used + (seconds + _CPU_SECONDS_MORE) * (os.cpu_count() or 1)
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        soft = hard if most == float("inf") else int(most)
        resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
