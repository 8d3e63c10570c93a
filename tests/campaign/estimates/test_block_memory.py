"""The block model of many blocks: the numbers are those of arrays of blocks x states, which memory need not hold."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hwcost._types import Floats
from hwcost.campaign.estimates import block_model, block_noise
from hwcost.campaign.estimates.block_delays import LEAST_DELAY, delays_from
from hwcost.campaign.estimates.block_table import BlockTable, segments
from hwcost.levels import state_chain

DELAYS = delays_from(LEAST_DELAY)
CORE = 1e-12
"""Largest difference: that of sums in another order."""


def table_of(n: int, items: int = 6) -> BlockTable:
    """Blocks of two processes beside a neighbour that computes for a second in three."""
    rng = np.random.default_rng(0)
    round, item = np.repeat([0, 1], n // 2), rng.integers(0, items, n)
    time = 0.05 * np.arange(n) + 5.0 * round
    y = 0.3 * item + rng.normal(0, 0.004, n) + (time % 3 < 1) * rng.uniform(0.1, 0.3, n)
    return BlockTable(y, item, round, time)


def begun(table: BlockTable) -> tuple[Any, Any]:
    segment = segments(table.time, table.round)
    item = np.array([np.quantile(table.y[table.item == i], 0.2) for i in range(table.items)])
    return segment, block_model._start(table, segment, item, DELAYS)


def dense(table: BlockTable, segment: Any, fit: Any, together: int) -> dict[str, Floats]:
    """The probabilities of a step with all blocks at once, and what they say of sensitivities."""
    residual, felt = block_model._residual(table, segment, fit), fit.sensitivity.factor[:, None] * DELAYS
    scale = np.hypot(fit.noise, block_model.SCATTER * felt)
    z = (residual[:, None] - felt[table.item]) / scale[table.item]
    starts = np.arange(0, len(residual), together)
    density = np.add.reduceat(block_noise._log_noise(z) - np.log(scale)[table.item], starts)
    gaps_s = np.diff(table.time[starts], prepend=table.time[0])
    chain = state_chain.fit_chain(density, np.exp(-gaps_s / fit.stay_s), fit.share)
    probability = np.repeat(chain.probability, np.diff(np.append(starts, len(residual))), axis=0)
    blocks, seen = np.zeros(felt.shape), np.zeros(felt.shape)
    np.add.at(blocks, table.item, probability)
    np.add.at(seen, table.item, residual[:, None] * probability)
    slowed = blocks[:, 1:].sum(axis=1)
    delay = np.maximum(blocks @ DELAYS / slowed, LEAST_DELAY)
    unsure = (fit.noise**2 / blocks[:, 0] + fit.layout_sd**2) / delay**2
    fitted = fit.sensitivity.fitted((seen / scale**2) @ DELAYS, (blocks / scale**2) @ DELAYS**2, unsure)
    return {
        "uncontended": probability[:, 0], "delay": probability @ DELAYS, "factor": fitted.factor,
        "log_likelihood": np.array(chain.log_likelihood),
    }  # fmt: skip


@pytest.mark.parametrize("together", [1, 3, 4])
def test_parts_give_the_numbers_of_the_whole(together: int, monkeypatch: pytest.MonkeyPatch) -> None:
    table = table_of(1202)
    segment, fit = begun(table)
    expected = dense(table, segment, fit, together)
    monkeypatch.setattr(block_noise, "PART", 7)
    monkeypatch.setattr(state_chain, "STRETCHES", 1)
    monkeypatch.setattr(block_model, "MOST_MOMENTS", math.ceil(len(table.y) / together))
    found = block_model._expected(table, segment, fit, DELAYS)
    assert found.uncontended == pytest.approx(expected["uncontended"], abs=CORE)
    assert found.delay == pytest.approx(expected["delay"], abs=CORE)
    assert found.sensitivity.factor == pytest.approx(expected["factor"], rel=CORE)
    assert found.log_likelihood == pytest.approx(float(expected["log_likelihood"]) + block_model._log_steps(fit), rel=CORE)


def peak_bytes(step: Callable[[], object]) -> int:
    step()  # imports
    tracemalloc.start()
    try:
        step()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_blocks_times_states(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_model, "MOST_MOMENTS", 500)
    table = table_of(40_000)
    segment, fit = begun(table)
    peak = peak_bytes(lambda: block_model._expected(table, segment, replace(fit), DELAYS))
    assert peak < 0.6 * 8 * len(table.y) * len(DELAYS)
