"""The documented answer of a command."""

from __future__ import annotations

from cli.answer_keys import Answer
from cli.answers import ANSWERS

_BY_COMMAND = {answer.command: answer for answer in ANSWERS}


def find_answer(command: str) -> Answer:
    """Return what a command answers as JSON; KeyError when it answers nothing."""
    return _BY_COMMAND[command]
