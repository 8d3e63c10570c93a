"""Tests of everything. Their processes run beside each other, so each computes on one thread unless told otherwise."""

import os

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
