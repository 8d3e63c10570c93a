"""A neighbour that computes in bursts: matrix products on one core for 0.5 to 3 s, then nothing for 0.5 to 4 s."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

BUSY_S, IDLE_S = (0.5, 3.0), (0.5, 4.0)
MATRIX = 300
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def compute(seed: int, most_s: float) -> None:
    """Computes in bursts; equal seeds give equal bursts and pauses.

    Args:
        seed: Seed of the bursts.
        most_s: Seconds after which it ends by itself; it ends before that when its parent is gone. A parent that is stopped
            cannot end it.
    """
    rng, parent, last = np.random.default_rng(seed), os.getppid(), time.monotonic() + most_s
    matrix = rng.random((MATRIX, MATRIX), dtype=np.float32)
    product = np.empty_like(matrix)
    while os.getppid() == parent and time.monotonic() < last:
        end = time.monotonic() + rng.uniform(*BUSY_S)
        while time.monotonic() < end:
            np.matmul(matrix, matrix, out=product)
        time.sleep(rng.uniform(*IDLE_S))


@contextmanager
def neighbour(seed: int | None, most_s: float) -> Iterator[None]:
    """Lets the neighbour compute beside what is done within, for so many seconds at most; none where the seed is None."""
    if seed is None:
        yield
        return
    command = [sys.executable, str(Path(__file__)), str(seed), str(most_s)]
    process = subprocess.Popen(command, env=os.environ | ONE_THREAD)
    try:
        yield
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    compute(int(sys.argv[1]), float(sys.argv[2]))
