"""The rules that a job holds are those of its protocol: equal numbers in, equal decisions out."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from hwcost.agent import arrival
from hwcost.agent.rules import JobRules
from hwcost.timing.arrival import Arrival
from hwcost.timing.protocol import Protocol, protocol
from hwcost.timing.stopping import FixedCount

SECONDS = st.floats(1e-4, 1.0)
PROTOCOLS = st.sampled_from([
    protocol("standard"), protocol("quick", "cuda"), protocol("strict", blocks=5),
    protocol("standard", arrival="gap=200ms"), replace(protocol("standard"), stopping=FixedCount(7)),
    protocol("quick", arrival="poisson=20/s"), protocol("quick", cache="cold"),
])  # fmt: skip


def of_job(how: Protocol) -> JobRules:
    """The rules as a job folder's runner reads them."""
    return JobRules(how.to_dict(), arrival.Arrival(**Arrival.parse(how.arrival).to_dict()))


@given(st.lists(SECONDS, min_size=1, max_size=60), st.floats(0, 20), PROTOCOLS, st.one_of(st.none(), st.just(0)))
def test_a_visit_ends_at_the_same_block(blocks: list[float], spent_s: float, how: Protocol, start: int | None) -> None:
    assert of_job(how).decide(blocks, spent_s, start) == how.decide(blocks, spent_s, start)


@given(SECONDS, PROTOCOLS)
def test_visits_are_as_long(call_s: float, how: Protocol) -> None:
    assert of_job(how).visit_s(call_s) == how.visit_s(call_s)
    assert of_job(how).cap_s(call_s) == how.cap_s(call_s)
    assert of_job(how).times_single_calls == how.times_single_calls
