"""Caches are emptied on every CPU that a process may use: each core has some for itself."""

from __future__ import annotations

import os
from types import ModuleType

import pytest

from hwcost.agent import sweep as of_runner
from hwcost.backends import sweep


@pytest.mark.parametrize("module", [sweep, of_runner])
def test_every_cpu_is_swept_and_the_process_is_bound_as_before(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound: list[set[int]] = []

    def bind(pid: int, cpus: set[int]) -> None:
        if cpus == {4}:
            raise OSError("turned off")
        bound.append(set(cpus))

    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {2, 4, 7})
    monkeypatch.setattr(os, "sched_setaffinity", bind)
    assert module.empty_host_caches(1 << 20)
    assert bound == [{2}, {7}, {2, 4, 7}]
    bound.clear()
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {2})
    assert module.empty_host_caches(1 << 20)
    assert bound == []


def test_the_runner_reads_memory_that_is_there() -> None:
    """Pages that nobody wrote to are all one page, and reading them empties nothing."""
    of_runner.empty_host_caches(3 << 20)
    ((size, kept),) = of_runner._kept.items()
    assert size == len(kept) == of_runner.SWEEP * (3 << 20)
    assert bytes(kept) == b"\1" * size
