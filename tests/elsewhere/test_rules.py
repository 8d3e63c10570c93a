"""The runner's rules are those of hwcost.timing: equal numbers in, equal decisions out."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from hwcost.agent import rules
from hwcost.timing.arrival import Arrival
from hwcost.timing.execution import visit_end
from hwcost.timing.protocol import Protocol, protocol
from hwcost.timing.stopping import FixedCount

SECONDS = st.floats(1e-4, 1.0)
PROTOCOLS = st.sampled_from([
    protocol("standard"), protocol("quick", "cuda"), protocol("strict", blocks=5),
    protocol("standard", arrival="gap=200ms"), replace(protocol("standard"), stopping=FixedCount(7)),
])  # fmt: skip


@given(st.lists(SECONDS, min_size=1, max_size=60), st.floats(0, 20), PROTOCOLS, st.one_of(st.none(), st.just(0)))
def test_a_visit_ends_at_the_same_block(blocks: list[float], spent_s: float, how: Protocol, start: int | None) -> None:
    decided = visit_end.decide(blocks, spent_s, how, start)
    assert rules.decide(blocks, spent_s, how.to_dict(), start) == (decided.finished, decided.warmup)


@given(SECONDS, PROTOCOLS)
def test_visits_are_as_long(call_s: float, how: Protocol) -> None:
    assert rules.visit_s(how.to_dict(), call_s, Arrival.parse(how.arrival).wall_s(call_s)) == how.visit_s(call_s)
    assert rules.cap_s(how.to_dict(), call_s) == how.cap_s(call_s)
