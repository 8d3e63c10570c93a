"""Every stopping criterion keeps the promises of the contract, and so does one that somebody adds."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import pytest

from hwcost.errors import UsageError
from hwcost.testing.stopping import CriterionSuite
from hwcost.timing import stopping
from hwcost.timing.stopping import CRITERIA, StoppingCriterion


class TestMedianError(CriterionSuite):
    name = "median-error"
    parameters: ClassVar = {"most": 0.01}
    refused = ({"most": 0.0}, {"most": 1.0})


class TestFixedCount(CriterionSuite):
    name = "fixed-count"
    parameters: ClassVar = {"blocks": 7}
    refused = ({"blocks": 0},)


@dataclass(frozen=True, slots=True)
class Spread(StoppingCriterion):
    """Enough once the middle half of the blocks lies close together."""

    name: ClassVar[str] = "spread"
    title: ClassVar[str] = "distance of the quartiles"

    most: float = 0.1
    blocks: int = 4

    def __post_init__(self) -> None:
        if self.most <= 0 or self.blocks < 4:
            raise UsageError(f"stopping criterion 'spread': most is positive, and blocks at least 4, got {self}")

    def is_met(self, samples: Sequence[float]) -> bool:
        if len(samples) < self.blocks:
            return False
        low, middle, high = statistics.quantiles(samples, n=4)
        return high - low <= self.most * middle


class TestSpread(CriterionSuite):
    name = "spread"
    refused = ({"most": -1.0}, {"blocks": 1})

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _added(cls) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(stopping, "CRITERIA", {**CRITERIA, "spread": Spread})
            yield


def test_every_criterion_has_a_suite() -> None:
    assert set(CRITERIA) <= {one.name for one in CriterionSuite.__subclasses__()}
