"""Runs commands in a process of their own with a deadline, many after another: what hangs or dies is told, and the next goes on."""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

_DEADLINE = 180.0  # seconds of one command on one small file, the start of its process and a busy machine included


@dataclass(frozen=True)
class Answer:
    """How a command ended: its exit code (None when it hung or its process died), what it printed, a traceback or ``hung``/``died``."""

    code: int | None
    printed: str
    flaw: str


def _serve(pipe: Connection) -> None:
    import traceback

    from typer.testing import CliRunner

    from cli.app import app

    while True:
        words: list[str] | None = pipe.recv()
        if words is None:
            return
        result = CliRunner().invoke(app, words)
        raised = result.exception
        known = raised is None or isinstance(raised, SystemExit)
        flaw = "" if raised is None or known else "".join(traceback.format_exception(raised))
        pipe.send((result.exit_code, result.output, flaw))


class Commands:
    """A process that runs commands; it is started anew after one that hung or died."""

    def __init__(self) -> None:
        self._pipe: Connection | None = None
        self._process: BaseProcess | None = None

    def run(self, words: list[str]) -> Answer:
        """Run ``radar`` with these words."""
        pipe = self._open()
        pipe.send(words)
        if not pipe.poll(_DEADLINE):
            self._end()
            return Answer(None, "", "hung")
        try:
            code, printed, flaw = pipe.recv()
        except EOFError:
            self._end()
            return Answer(None, "", "died")
        return Answer(code, printed, flaw)

    def close(self) -> None:
        """End the process."""
        if self._pipe is not None:
            self._pipe.send(None)
        self._end()

    def _open(self) -> Connection:
        if self._pipe is None:
            context = multiprocessing.get_context("spawn")
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
            self._process.start()
            theirs.close()
        return self._pipe

    def _end(self) -> None:
        if self._process is not None:
            self._process.join(1.0)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
        self._pipe = self._process = None
