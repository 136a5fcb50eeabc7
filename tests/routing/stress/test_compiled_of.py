"""What is compiled of several files is compiled anew when any of them changes: numba looks at the file of the function alone."""

from __future__ import annotations

import hashlib
from pathlib import Path

import routing.stress.play
from routing.stress.play import COMPILED_OF


def test_the_play_names_the_text_of_the_files_it_is_compiled_of() -> None:
    *names, told = COMPILED_OF
    room = Path(routing.stress.play.__file__).parent
    texts = [(room / f"{name}.py").read_text(encoding="utf-8") for name in names]
    found = hashlib.sha256("".join(texts).encode()).hexdigest()[:16]
    assert told == found, f"write {found!r} in place of {told!r} in COMPILED_OF of routing/stress/play.py"


def test_every_file_with_inner_functions_is_named() -> None:
    room = Path(routing.stress.play.__file__).parent
    inner = {path.stem for path in room.glob("*.py") if "@inner" in path.read_text(encoding="utf-8")} - {"play"}
    assert inner <= set(COMPILED_OF)
