"""The archive of a searcher: evaluated candidates as arrays that grow, to breed from or to learn a model of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Codes, Floats, Indices
from hwcost.searchers.problem import Problem


class Archive:
    """Evaluated candidates with their losses and violations.

    Args:
        problem: Problem that gives the number of genes and of objectives.

    Attributes:
        codes: Codes of the candidates, shape (n, genes).
        losses: Losses, shape (n, objectives); infinite for trials that failed.
        violations: Violations of measured constraints, shape (n,).
    """

    def __init__(self, problem: Problem) -> None:
        self._genes, self._objectives = len(problem.sizes), len(problem.objectives)
        self.codes: Codes = np.empty((0, self._genes), dtype=np.intp)
        self.losses: Floats = np.empty((0, self._objectives))
        self.violations: Floats = np.empty(0)

    def __len__(self) -> int:
        return len(self.codes)

    def add(self, codes: Codes, losses: Floats, violations: Floats) -> None:
        """Appends rows."""
        self.codes = np.concatenate([self.codes, codes])
        self.losses = np.concatenate([self.losses, losses])
        self.violations = np.concatenate([self.violations, violations])

    def keep(self, rows: Indices) -> None:
        """Keeps the given rows, in their order, and drops all others."""
        self.codes, self.losses, self.violations = self.codes[rows], self.losses[rows], self.violations[rows]

    @property
    def have_values(self) -> NDArray[np.bool_]:
        """Which rows did not fail, shape (n,)."""
        return np.asarray(np.isfinite(self.losses).all(axis=1))

    def state(self) -> dict[str, Any]:
        """Returns plain JSON; numbers are texts, so that infinity has its place and every bit is kept."""
        return {
            "codes": self.codes.tolist(), "losses": list(map(repr, self.losses.ravel().tolist())),
            "violations": list(map(repr, self.violations.tolist())),
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """Reads what :meth:`state` returned."""
        self.codes = np.array(state["codes"], dtype=np.intp).reshape(-1, self._genes)
        self.losses = np.array(state["losses"], dtype=np.float64).reshape(-1, self._objectives)
        self.violations = np.array(state["violations"], dtype=np.float64).reshape(-1)
