"""Where ParcelRadar's own rooms are, and whether something else of the same name stands before them."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

ROOMS = ("data", "forecasting", "weather", "routing", "operations", "reports", "cli")
ROOT = Path(__file__).resolve().parent.parent


def find_shadow() -> tuple[str, str] | None:
    """Return the first room that an import would not find here, and what it would find in its place."""
    for room in ROOMS:
        module = sys.modules.get(room)
        spec = getattr(module, "__spec__", None) if module is not None else find_spec(room)
        origin = getattr(spec, "origin", None) or getattr(module, "__file__", None)
        if origin is None or Path(origin).resolve() != ROOT / room / "__init__.py":
            return room, str(origin or "nothing")
    return None


def require_own_rooms() -> None:
    """Say which module of the user's stands before which room; nobody's imports are changed.

    Raises
    ------
    ImportError
        When there is one.
    """
    shadow = find_shadow()
    if shadow is not None:
        room, origin = shadow
        raise ImportError(
            f"import {room} finds {origin} instead of ParcelRadar's room {ROOT / room}; rename it, or start Python where it is not on the path."
        )


def put_own_rooms_first() -> None:
    """Let the command, whose process is its own, find its rooms before anything on ``PYTHONPATH``."""
    sys.path.insert(0, str(ROOT))
