"""What arrays hold: one name for each kind of array that functions take and return; shapes stand in their docstrings."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
"""Numbers of any shape."""

Ints = npt.NDArray[np.int64]
"""Whole numbers, or places in other arrays."""

Flags = npt.NDArray[np.bool_]
"""Yes or no."""

Vector = npt.NDArray[np.float64]
"""Numbers in a row, one a day or one a series."""

Matrix = npt.NDArray[np.float64]
"""Numbers by series and day."""
