"""How many calls warm a block up, from a pilot."""

from __future__ import annotations

import numpy as np
import pytest

from hwcost.agent import warmup


@pytest.mark.parametrize(
    ("parts", "calls", "wanted"),
    [
        ([1.0, 1.0], 1, 0),  # as quick as in a loop
        ([1.1, 1.0], 1, 1),
        ([0.7, 1.0], 1, 1),  # something began within the look, which therefore proves nothing
        ([1.5, 1.2, 1.0, 1.0, 1.0, 1.0], 6, 2),
        ([1.5] * 6 + [1.0] * 4, 10, 3),  # bounded by a share of the block
        ([1.0] * 10, 10, 1),  # cheap, so in any case
        ([1.0] * 10, 400, 20),
        ([3.0, 1.1, *[1.0] * 8], 400, 40),
    ],
)
def test_warm_up_is_as_long_as_calls_are_slower_after_a_switch(parts: list[float], calls: int, wanted: int) -> None:
    assert warmup.warmup_calls(parts, 1.0, calls) == wanted


def test_a_slower_machine_needs_no_more_of_it() -> None:
    rng = np.random.default_rng(0)
    for calls in (1, 3, 12, 1000):
        parts = np.array([1.4, *[1.0] * (warmup.looks(calls) - 1)])
        for _ in range(50):
            noise = np.exp(rng.normal(0, 0.003, len(parts)))
            assert warmup.warmup_calls([1.7 * part for part in parts * noise], 1.7, calls) == warmup.chunk(calls)


@pytest.mark.parametrize("calls", [1, 2, 7, 20, 21, 100, 10**6])
def test_a_look_is_at_most_half_a_block_or_two_calls(calls: int) -> None:
    looked = warmup.chunk(calls) * warmup.looks(calls)
    assert looked <= max(2, calls / 2 + warmup.LOOK)
