"""Work that is shared out to threads, one for each core, with the same results in the same order whatever their number.

Threads are enough, since the libraries of boosters and of matrices let others run while they compute. Fits that are shared
out within a share stay in its thread: there are never more threads than cores. Rows of a matrix are shared out where there
are enough of them.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats

__all__ = ["cores", "in_threads", "shared_out", "threads"]

THREADING_ROWS = 10_000
"""Rows from which more than one thread pays."""

THREADS_FROM = 300
"""Rows from which fits gain by running side by side where a model says nothing else."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Share(threading.local):
    """What a thread knows of the pool that it belongs to."""

    stopped: threading.Event | None = None
    """Set when nobody waits for its results any more; None in a thread that belongs to no pool."""


_share = _Share()


def cores() -> int:
    """Returns the number of cores that this process may use; 1 in a thread that has its share of them already."""
    if _share.stopped is not None:
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def in_threads(
    compute: Callable[[Item], Result],
    items: Sequence[Item],
    is_worth: bool = True,
    arrived: Callable[[int], None] = lambda done: None,
) -> list[Result]:
    """Computes the result of each item.

    The error of the first item that has one is raised. An interruption, like an error, ends the others as soon as each has
    done what it is at.

    Args:
        compute: Function of an item, which may call this one in turn.
        items: The items.
        is_worth: Whether more than one thread pays.
        arrived: Callback in the caller's thread, with the number of items whose results are there.

    Returns:
        One result for each item, in their order.
    """
    count = min(cores(), len(items)) if is_worth else 1
    if count <= 1:
        return _one_by_one(compute, items, arrived)
    from concurrent.futures import ThreadPoolExecutor

    stopped = threading.Event()

    def join() -> None:
        _share.stopped = stopped

    def work(item: Item) -> Result:
        _check()
        return compute(item)

    with ThreadPoolExecutor(count, initializer=join) as pool:
        futures = [pool.submit(work, item) for item in items]
        found: list[Result] = []
        try:
            for future in futures:
                found.append(future.result())
                arrived(len(found))
        finally:
            stopped.set()
    return found


def _one_by_one(
    compute: Callable[[Item], Result], items: Sequence[Item], arrived: Callable[[int], None]
) -> list[Result]:
    found: list[Result] = []
    for item in items:
        _check()
        found.append(compute(item))
        arrived(len(found))
    return found


def _check() -> None:
    """Raises CancelledError in a thread whose results nobody waits for any more."""
    if _share.stopped is not None and _share.stopped.is_set():
        from concurrent.futures import CancelledError

        raise CancelledError


def threads(rows: int) -> int:
    """Returns the number of threads that pay for a matrix with so many rows."""
    return 1 if rows < THREADING_ROWS else len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def shared_out(predict: Callable[[Any], Floats], columns: NDArray[Any]) -> Floats:
    """Predicts rows (n, k) in as many threads as pay, each a part of the rows; returns shape (n,)."""
    count = threads(len(columns))
    if count == 1:
        return predict(columns)
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(count) as pool:
        return np.concatenate(list(pool.map(predict, np.array_split(columns, count))))
