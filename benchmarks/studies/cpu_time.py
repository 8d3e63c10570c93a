"""CPU time of calls, the least of some runs; needs nothing that another environment may lack."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

__all__ = ["each_us", "seconds"]


def seconds(work: Callable[[], Any], repeats: int = 5) -> float:
    """Returns the least CPU seconds of some runs."""
    spent = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent)


def each_us(function: Callable[[Any], Any], items: list[Any]) -> float:
    """Returns microseconds a call."""

    def work() -> None:
        for item in items:
            function(item)

    return seconds(work) / len(items) * 1e6
