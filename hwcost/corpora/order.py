"""The order in which rows are visited: a fresh permutation for each epoch, found for any step without the ones before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwcost.errors import UsageError


class Order:
    """Draws of rows without end: every row once, in random order, then every row once again.

    A step takes the next ``batch_size`` of these draws, so that no row is left out where an epoch is not a whole number of
    steps.

    Args:
        rows: Number of rows.
        seed: Seed of the order, not negative.

    Raises:
        UsageError: When the seed is negative.
    """

    def __init__(self, rows: int, seed: int) -> None:
        if seed < 0:
            raise UsageError(f"a seed must not be negative, got {seed}")
        self.rows = rows
        self.seed = seed
        self._latest: tuple[int, NDArray[np.int64]] = (-1, np.empty(0, dtype=np.int64))

    def step(self, step: int, batch_size: int) -> NDArray[np.int64]:
        """Returns the rows of a step; follows from the seed and the arguments alone.

        Args:
            step: Number of the step, from 0.
            batch_size: Rows a step.

        Raises:
            UsageError: When the step is negative.
        """
        if step < 0:
            raise UsageError(f"a step must not be negative, got {step}")
        draws = np.arange(step * batch_size, (step + 1) * batch_size)
        epochs, places = np.divmod(draws, self.rows)
        rows = np.empty_like(draws)
        for epoch in np.unique(epochs):
            rows[epochs == epoch] = self._permutation(int(epoch))[places[epochs == epoch]]
        return rows

    def _permutation(self, epoch: int) -> NDArray[np.int64]:
        if self._latest[0] != epoch:
            rng = np.random.default_rng([self.seed, epoch])
            self._latest = (epoch, rng.permutation(self.rows))
        return self._latest[1]
