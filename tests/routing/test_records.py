"""What compiling kernels without reference counts rests on: an option of numba that its documents do not name."""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from routing.trunk.task.network import Floats
from routing.trunk.task.records import UNCOUNTED


class _Pair(NamedTuple):
    left: Floats
    right: Floats


def _add(pair: _Pair, at: int) -> float:
    return float(pair.left[at] + pair.right[at])


def _compile(options: dict[str, Any]) -> tuple[float, str]:
    compiled = numba.njit(**options | {"cache": False})(_add)
    value = float(compiled(_Pair(np.array([1.0, 2.0]), np.array([10.0, 20.0])), 1))
    (code,) = compiled.inspect_llvm().values()
    return value, code


def test_records_are_read_without_counting_references() -> None:
    counted, plain = _compile({}), _compile(UNCOUNTED)
    assert counted[0] == plain[0] == 22.0
    assert "NRT_decref" in counted[1]
    assert "NRT_decref" not in plain[1]
    assert "NRT_incref" not in plain[1]
