"""A space of gates of which some are worth their cost and the others are not: a sparse search must tell them apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Codes, Floats
from hwcost.objectives.objective import Minimize
from hwcost.spaces.base import Architecture, Gene, SearchSpace

LEVEL = 2.0
"""Loss of the whole net, far from 0 as a language model's is: an estimator without baseline sees little else."""
WORTH = (0.06, 0.15)
"""Least and largest increase of the loss when a gate that matters is closed."""
PENALTY = 0.5
"""Weight of the cost, which is 1 for the whole net; each of 24 gates then costs 0.021 of loss."""


class Gates(SearchSpace):
    """Gates, each closed (0) or open (1).

    Args:
        number: Number of gates.
    """

    name = "gates"

    def __init__(self, number: int = 24) -> None:
        self.number = number
        self.genes = tuple(Gene(f"g{index}", (0, 1)) for index in range(1, number + 1))

    def options(self) -> dict[str, Any]:
        """Returns ``{"number": ...}``."""
        return {"number": self.number}


@dataclass(frozen=True)
class Planted:
    """A problem in which a third of the gates matters.

    Args:
        seed: Seed of the choice of gates, of their worth, and of the noise of losses.
        number: Number of gates.
        noise: Standard deviation of a loss's noise.
    """

    seed: int = 0
    number: int = 24
    noise: float = 0.02

    @cached_property
    def space(self) -> Gates:
        """The gates."""
        return Gates(self.number)

    @cached_property
    def worth(self) -> Floats:
        """What closing each gate adds to the loss, shape (gates,)."""
        rng = np.random.default_rng([self.seed, 0])
        worth = np.zeros(self.number)
        matters = rng.permutation(self.number)[: self.number // 3]
        worth[matters] = rng.uniform(*WORTH, size=len(matters))
        return worth

    @cached_property
    def answer(self) -> NDArray[np.bool_]:
        """Which gates should be open, shape (gates,)."""
        return self.worth > PENALTY / self.number

    def objectives(self) -> tuple[Minimize, Minimize]:
        """Returns the noisy loss and the cost; the same noise comes in the same order."""
        return Minimize(_Loss(self), "loss"), Minimize(_Cost(self.number), "cost")


class _Loss:
    def __init__(self, planted: Planted) -> None:
        self._planted = planted
        self._rng = np.random.default_rng([planted.seed, 1])

    def __call__(self, arch: Architecture) -> float:
        return float(self.predict_codes(np.array([arch.genes]))[0])

    def predict_codes(self, codes: Codes) -> Floats:
        clean = LEVEL + (1 - codes) @ self._planted.worth
        return np.asarray(clean + self._rng.normal(0, self._planted.noise, len(codes)))


class _Cost:
    def __init__(self, number: int) -> None:
        self._number = number

    def __call__(self, arch: Architecture) -> float:
        return sum(map(float, arch.genes)) / self._number

    def predict_codes(self, codes: Codes) -> Floats:
        return np.asarray(codes.sum(axis=1) / self._number, dtype=np.float64)
