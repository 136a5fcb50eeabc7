"""What solvers print does not get between a command's results."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_PROGRAM = """
import ctypes
from routing.solvers import results_alone
print("first")
with results_alone():
    ctypes.CDLL(None).puts(b"noise")
print("last")
"""


@pytest.mark.skipif(os.name != "posix", reason="descriptors are kept apart on POSIX only")
def test_a_line_printed_by_compiled_code_goes_to_stderr() -> None:
    ran = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True)
    assert ran.stdout == "first\nlast\n"
    assert ran.stderr == "noise\n"
