"""Types of arrays, in one place; shapes stand in the docstrings of what takes and returns them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Codes = NDArray[np.integer]
"""Gene codes (n, genes): each is an index into the choices of its gene."""
