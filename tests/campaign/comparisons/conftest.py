"""What the tests of comparisons share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from hwcost.campaign.estimates import interleaved
from hwcost.campaign.estimates.visit_values import VisitValues
from hwcost.timing.measurement import Visit


@pytest.fixture(autouse=True, scope="module")
def _fitted_once() -> Iterator[None]:
    """Lets blocks of the same visits be fitted once: tests of a file compare the same few campaigns again and again."""
    kept: dict[str, VisitValues] = {}

    def block_values(visits: Sequence[Visit]) -> VisitValues:
        key = repr(list(visits))
        if key not in kept:
            kept[key] = interleaved.block_values(visits)
        return kept[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hwcost.campaign.estimates.uncontended.block_values", block_values)
        yield
