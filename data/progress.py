"""How long work tells how far it is, without printing."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives how far a step is; the command line draws it, the core never prints."""

    def step(self, done: float, total: float, note: str = "") -> None:
        """Say that ``done`` of ``total`` units are through; ``note`` is a short word on what is going on."""
        ...


class _Silent:
    def step(self, done: float, total: float, note: str = "") -> None:
        """Say nothing."""


SILENT: Progress = _Silent()
