"""Draws a new memory layout in a forked process, which has its parent's to begin with.

Where stack, heap and mapped memory lie changes latencies by a percent or so. The system draws these places anew for every
program that it starts, so that the layouts of processes are independent; forked children share them. What is drawn here is
where the memory lies that is taken from now on. Code that is loaded already stays where it is.
"""

from __future__ import annotations

import mmap
import random
from collections.abc import Callable
from typing import TypeVar

MAPPED_PAGES = 1 << 14
"""Most pages by which large mapped memory moves; they are never touched, so that they take no memory."""

BLOCKS, BLOCK_BYTES = 64, 1 << 16
"""Number and largest size of the blocks by which the heap of the C library, and memory mapped into gaps, moves."""

SMALL_BYTES, SMALL_OBJECTS = 512, 512
"""Largest size of Python's small objects, and most objects of a size by which the next ones move."""

STACK_FRAMES = 64
"""Most calls by which the stack moves, several hundred bytes each."""

T = TypeVar("T")

_kept: list[object] = []
"""Memory that was taken to move the rest; it stays until the process ends."""


def with_new_layout(run: Callable[[], T]) -> T:
    """Calls a function with stack, heap, small objects and mapped memory at places that are drawn anew."""
    drawn = random.SystemRandom()
    for most in (*[BLOCK_BYTES // mmap.PAGESIZE] * BLOCKS, MAPPED_PAGES):
        _kept.append(mmap.mmap(-1, drawn.randint(1, most) * mmap.PAGESIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
    _kept.extend(bytearray(drawn.randint(SMALL_BYTES + 1, BLOCK_BYTES)) for _ in range(BLOCKS))
    for size in range(16, SMALL_BYTES, 16):
        _kept.extend(bytes(size - 16) for _ in range(drawn.randint(0, SMALL_OBJECTS)))
    return _deeper(drawn.randint(0, STACK_FRAMES), run)


def _deeper(frames: int, run: Callable[[], T]) -> T:
    """Calls a function so many calls further down the stack; each goes through C, since Python's own calls take none."""
    if not frames:
        return run()
    return next(map(lambda left: _deeper(left, run), (frames - 1,)))  # noqa: C417 - the call through C is what counts
