"""Which candidates of a listed space are left: known at every ask without going through all of them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import numpy as np

from hwcost.spaces.candidates import Candidates


class Unasked:
    """Candidates of a list that were neither asked for nor evaluated.

    Args:
        listed: Different candidates.
    """

    def __init__(self, listed: Candidates) -> None:
        self._listed = listed
        self._rows = {key: row for row, key in enumerate(listed.keys)}
        self._evaluated: dict[bytes, None] = {}
        self._begin(self._evaluated)

    def _begin(self, evaluated: dict[bytes, None]) -> None:
        self._evaluated, self._counted = evaluated, 0
        self._is_left = np.ones(len(self._listed), dtype=bool)

    def __call__(self, evaluated: dict[bytes, None], pending: Iterable[bytes]) -> Candidates:
        """Returns the candidates that are left, in the order of the list.

        Args:
            evaluated: Keys of what was evaluated; a dictionary that only grows is looked through once.
            pending: Keys of what was asked for besides.
        """
        if evaluated is not self._evaluated:
            self._begin(evaluated)
        self._is_left[self._places(islice(evaluated, self._counted, None))] = False
        self._counted = len(evaluated)
        is_left = self._is_left.copy()
        is_left[self._places(pending)] = False
        return self._listed[is_left]

    def _places(self, keys: Iterable[bytes]) -> list[int]:
        return [self._rows[key] for key in keys if key in self._rows]
