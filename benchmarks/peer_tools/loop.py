"""The plainest loop: five warm-up calls, then the mean of as many as fit into a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

WARM_UP_CALLS = 5


def mean_s(call: Callable[[], Any], seconds: float) -> float:
    """Returns the mean seconds of a call over so many seconds, one call at least."""
    end = time.perf_counter() + seconds
    for _ in range(WARM_UP_CALLS):
        call()
    n, start = 0, time.perf_counter()
    while True:
        call()
        n, now = n + 1, time.perf_counter()
        if now >= end:
            return (now - start) / n
