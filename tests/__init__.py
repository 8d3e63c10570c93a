"""Tests of everything. Their processes run beside each other, so each computes on one thread unless told otherwise.

Programs that they start keep the bytecode of what they import, as Python does by default: to compile all of it anew takes
about a quarter of the time of a short one.
"""

import os

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
