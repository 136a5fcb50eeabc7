"""What solvers print does not get between a command's results."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse

from routing.solvers import LinearModel, solve_linear

_PROGRAM = """
import ctypes
from routing.solvers import results_alone
print("first")
with results_alone():
    ctypes.CDLL(None).puts(b"noise")
print("last")
"""


@pytest.mark.skipif(os.name != "posix", reason="descriptors are kept apart on POSIX only")
def test_a_line_printed_by_compiled_code_gets_in_nobodys_way() -> None:
    ran = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True)
    assert ran.stdout == "first\nlast\n"
    assert ran.stderr == ""


def test_a_model_is_left_as_it_was_so_that_threads_may_solve_one_side_by_side() -> None:
    # x0 + x1 >= 1 with its columns out of order, one of them in two parts, and a zero
    matrix = sparse.csr_matrix((np.array([0.5, 1.0, 0.5, 0.0]), np.array([1, 0, 1, 2]), np.array([0, 4])), shape=(1, 3))
    given = matrix.copy()
    unbounded = np.full(3, np.inf)
    found = solve_linear(
        LinearModel(np.array([2.0, 1.0, 1.0]), matrix, np.ones(1), unbounded[:1], np.zeros(3), unbounded)
    )
    assert found.values is not None
    assert found.values == pytest.approx([0.0, 1.0, 0.0])
    for name in ("data", "indices", "indptr"):
        assert (getattr(matrix, name) == getattr(given, name)).all()
