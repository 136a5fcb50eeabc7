"""How functions are compiled that only compiled functions call: without a door for Python, which would double the time it takes."""

from __future__ import annotations

import numba

inner = numba.njit(cache=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
