"""Which blocks ran uncontended: at the usual clock, and without losing the processor to others."""

from __future__ import annotations

import statistics
from dataclasses import replace
from typing import List, Sequence

from . import processors
from .blocks import Block, BlockReading

SLOW_CLOCK = 0.75
"""A block whose mean clock is below this part of the visit's usual one was throttled."""

DISTURBED_SHARE = 0.97
"""A block whose CPU share is below this part of the visit's usual one was kept off the processor."""

BLOCK_WAIT = 1 - DISTURBED_SHARE
"""Share of a block's time without a CPU, by the kernel's account, from which it was kept off the processor."""


def uncontended(blocks: Sequence[Block]) -> int:
    """Counts the blocks that ran at the usual clock and kept the processor."""
    return sum(not (slow or lost) for slow, lost in zip(slowed(blocks), disturbed(blocks)))


def disturbed(blocks: Sequence[Block]) -> List[bool]:
    """Says for each block whether the process was kept off the processor in it.

    It was when the kernel says so, whatever the visit's other blocks were like; or when its CPU seconds over its wall
    seconds are below the visit's usual ones, its upper quartile. Workloads that sleep, wait for a device, or run on a
    virtual clock have no usable share, and the kernel counts no wait for a CPU while they do.
    """
    shares = [0.0 if block.cpu_s is None else block.cpu_s / block.seconds for block in blocks]
    common = usual(shares)
    waits = [(block.wait_s or 0.0) > BLOCK_WAIT * block.seconds for block in blocks]
    return [wait or (common >= 0.5 and share < DISTURBED_SHARE * common) for wait, share in zip(waits, shares)]


def slowed(blocks: Sequence[Block]) -> List[bool]:
    """Says for each block whether the processor's clock was far below the visit's usual one, its upper quartile."""
    common = usual([block.clock_hz for block in blocks if block.clock_hz is not None])
    return [block.clock_hz is not None and block.clock_hz < SLOW_CLOCK * common for block in blocks]


def usual(values: Sequence[float]) -> float:
    """Returns the upper quartile; 0 for too few values."""
    return statistics.quantiles(values, n=4)[2] if len(values) >= 4 else 0.0


def with_counters(block: Block, read: BlockReading) -> Block:
    """Returns a block with its counters.

    Threads that wait for one another on CPUs that are all the process's own lost nothing to others, so of the seconds
    without a CPU no more count than the process left unused of its CPUs.
    """
    wait_s = None
    if read.wait_s is not None and read.cpu_s is not None:
        unused_s = len(processors.allowed()) * block.seconds - read.cpu_s
        wait_s = max(0.0, min(read.wait_s, unused_s))
    return replace(block, cpu_s=read.cpu_s, clock_hz=read.clock_hz, wait_s=wait_s)
