"""Every stopping criterion keeps the promises of the contract, and so does one that somebody adds."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from hwcost.testing.stopping import CriterionSuite
from hwcost.timing import stopping
from hwcost.timing.stopping import CRITERIA, StoppingCriterion

CHECKS: dict[str, dict[str, Any]] = {
    "fixed-count": {"parameters": {"blocks": 7}, "refused": ({"blocks": 0},)},
    "median-error": {"parameters": {"most": 0.01}, "refused": ({"most": 0.0}, {"most": 1.0})},
}
"""Parameters to test a criterion with beside its defaults, and those that it refuses; a further criterion needs none."""


for index, name in enumerate(CRITERIA):
    about = {"name": name, **CHECKS.get(name, {}), "__doc__": name}
    globals()[f"TestCriterion{index}"] = type(f"TestCriterion{index}", (CriterionSuite,), about)


@dataclass(frozen=True, slots=True)
class RelativeSpread(StoppingCriterion):
    """Enough once the middle half of the blocks lies close together."""

    name: ClassVar[str] = "relative-spread"
    title: ClassVar[str] = "relative interquartile range"

    most: float = 0.05

    def is_met(self, samples: Sequence[float]) -> bool:
        low, middle, high = statistics.quantiles(samples, n=4)
        return high - low <= self.most * middle


class TestRelativeSpread(CriterionSuite):
    """The criterion that the documentation adds."""

    name = "relative-spread"

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _added(cls) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(stopping, "CRITERIA", {**CRITERIA, RelativeSpread.name: RelativeSpread})
            yield
