"""How functions are compiled that only compiled functions call: into their callers, without a door for Python, and not kept by themselves.

A play hands all its arrays on in records. A call that stays one copies a hundred arrays and counts who holds them, which took ten times what the
function did: 38 draws a CPU second of the sample by sorts with calls, 350 to 450 without (`python -m benchmarks.risk`).

What numba keeps of a function it takes again while that function's own file is the same, so that one kept by itself would go on calling what another
file no longer says. Only the play is kept, and it names the files it is compiled of (``COMPILED_OF``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])

# Numba's types do not list these options. Functions that make an array cannot be compiled uncounted (`_nrt`); none here does.
_INTO_CALLERS: dict[str, Any] = {
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
    "forceinline": True,
    "_nrt": False,
}


def inner(function: F) -> F:
    """Compile a function for callers that are compiled themselves."""
    compiled: F = numba.njit(**_INTO_CALLERS)(function)
    return compiled
