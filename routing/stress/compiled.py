"""How functions are compiled that only compiled functions call: without a door for Python, which would double the time it takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])

# Numba's types do not list these two options.
_NO_DOORS: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def inner(function: F) -> F:
    """Compile a function for callers that are compiled themselves."""
    compiled: F = numba.njit(cache=True, **_NO_DOORS)(function)
    return compiled
