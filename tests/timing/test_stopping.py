"""Stopping criteria and protocols, made by name and read again, also as version 0.1.0 wrote them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from hwcost.backends.null import Null
from hwcost.devices import DeviceHandle, load
from hwcost.errors import UnknownNameError, UsageError
from hwcost.timing.execution.visit import VisitIndex, visit
from hwcost.timing.protocol import TIERS, Protocol, protocol
from hwcost.timing.stopping import CRITERIA, FixedCount, MedianError, criterion
from hwcost.workloads import SyntheticWorkload

OLD = {
    "tier": "quick", "half_width": 0.05, "rounds": 2, "max_rounds": 2, "min_block_s": 0.002, "min_blocks": 10,
    "max_blocks": 200, "min_visit_s": 0.25, "max_visit_s": 3.0, "steady_cap_s": 10.0, "steady_tolerance": 0.01,
    "visit_error": 0.02, "arrival": "back-to-back",
}  # fmt: skip
"""A protocol of version 0.1.0, for a CUDA device."""


def test_wrong_criteria_say_what_is_known() -> None:
    with pytest.raises(UnknownNameError, match=f"stopping criterion 'entropy'. Known: {', '.join(sorted(CRITERIA))}"):
        criterion("entropy")
    with pytest.raises(UsageError, match="'median-error' has no parameter 'least'. Known: most"):
        criterion("median-error", least=1)
    with pytest.raises(UsageError, match="most must lie between 0 and 1, got 2"):
        criterion("median-error", most=2)


@pytest.mark.parametrize("tier", list(TIERS))
def test_protocols_survive_json(tier: str) -> None:
    made = protocol(tier, "cuda", blocks=7, cache="cold", stopping=FixedCount(5))
    assert Protocol.from_dict(json.loads(json.dumps(made.to_dict()))) == made


def test_blocks_are_as_long_as_the_kind_of_device_says_and_older_plans_are_read() -> None:
    assert (protocol("quick", "cuda").min_block_s, protocol("quick").min_block_s) == (0.002, 0.020)
    assert Protocol.from_dict(OLD) == replace(protocol("quick", "cuda"), most_rounds=2)  # it knew no further rounds


@pytest.mark.parametrize("recorded", [{"name": "entropy", "bits": 3}, {"name": "median-error", "least": 1}])
def test_protocols_with_a_criterion_that_is_unknown_here_are_read_but_measure_nothing(recorded: dict[str, Any]) -> None:
    plain = protocol("quick").to_dict() | {"stopping": recorded}
    made = Protocol.from_dict(json.loads(json.dumps(plain)))
    assert made.to_dict() == plain
    with pytest.raises(UsageError, match="unknown stopping criterion 'entropy'|has no parameter 'least'"):
        made.stopping.is_met([1.0])


def test_a_visit_stops_by_its_criterion() -> None:
    def blocks(stopping: MedianError | FixedCount) -> int:
        how = protocol("standard", blocks=4, stopping=stopping)
        backend = Null(options={"noise": 0.05})
        work = SyntheticWorkload("x", flops=10**10)
        return len(visit(backend, work, DeviceHandle(load("xeon")), how, VisitIndex(0, 0)).samples_s)

    assert blocks(FixedCount(6)) == 6
    assert blocks(MedianError(0.3)) < blocks(MedianError(0.01))
