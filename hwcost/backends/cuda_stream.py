"""A GPU's stream as a clock: seconds of calls by events on the device, and by the host's clock from enqueue to synchronise.

Calls that are launched more slowly than they run leave the device waiting, and events then time the host. Such calls are
timed once more behind a gate (``kernels/gate.py``): all of them are queued before the first one begins.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hwcost.backends.base import BlockTiming
from hwcost.errors import MeasurementError

LAUNCH_SHARE = 0.8
"""Seconds to launch a call, over the device's own, from which events do not time the device alone."""

GATED_CALLS = (8, 4, 2, 1)
"""Numbers of calls that are tried behind the gate; the queue of a device holds about a thousand launches."""

SAMPLE_CALLS = 4
"""Calls whose launches are timed to find out whether they keep the device waiting."""

Issue = Callable[[int], None]
"""A function that launches a number of calls without waiting for them."""

Clock = Callable[[], int]
"""A function that returns nanoseconds."""


class CudaStream:
    """The present stream of one GPU.

    Args:
        cuda: The module ``torch.cuda``.
        device: Number of the GPU among those that CUDA shows.
        make_gate: Function that makes the gate when it is first needed.
        empty: Function that makes a tensor of so many bytes on the GPU.
    """

    def __init__(self, cuda: Any, device: int, make_gate: Callable[[], Any], empty: Callable[[int], Any]) -> None:
        self._cuda, self._device, self._make_gate, self._empty = cuda, device, make_gate, empty
        self._first, self._last = cuda.Event(enable_timing=True), cuda.Event(enable_timing=True)
        self._gate: Any = None
        self._sweep: Any = None
        self._without_gate = ""

    def synchronize(self) -> None:
        """Waits until the device is done."""
        self._cuda.synchronize(self._device)

    def time(self, issue: Issue, n: int, clock: Clock) -> BlockTiming:
        """Launches calls and waits for them."""
        start = clock()
        self._first.record()
        issue(1)
        returned = clock()
        if n > 1:
            issue(n - 1)
        self._last.record()
        self._last.synchronize()
        ended = clock()
        return BlockTiming((ended - start) * 1e-9, self._first.elapsed_time(self._last) * 1e-3, (returned - start) * 1e-9)

    def gated_s(self, issue: Issue, n: int) -> float | None:
        """Returns the device's seconds of calls that were all queued before the first began; None where that failed."""
        gate = self.gate()
        if gate is None:
            return None
        gate.shut()
        try:
            self._first.record()
            issue(n)
            self._last.record()
        finally:
            gate.open()
        self._last.synchronize()
        return None if gate.gave_up else self._first.elapsed_time(self._last) * 1e-3

    def gated_calls(self, issue: Issue, clock: Clock) -> int:
        """Returns how many calls are timed behind the gate; 0 where events alone time the device, or the gate is of no use.

        Args:
            issue: Function that launches calls that are warm.
            clock: Host's clock.
        """
        found = self.time(issue, SAMPLE_CALLS, clock)
        assert found.device_s is not None
        assert found.enqueue_s is not None
        if found.enqueue_s <= LAUNCH_SHARE * found.device_s / SAMPLE_CALLS:
            return 0
        return next((n for n in GATED_CALLS if self.gated_s(issue, n) is not None), 0)

    def gate(self) -> Any:
        """Returns the gate; None where it cannot be made, with the reason in ``without_gate``."""
        if self._gate is None and not self._without_gate:
            try:
                self._gate = self._make_gate()
            except MeasurementError as error:
                self._without_gate = str(error)
        return self._gate

    @property
    def without_gate(self) -> str:
        """Reason for which there is no gate; empty where there is one, or none was needed so far."""
        return self._without_gate

    def cache_bytes(self) -> int:
        """Returns the size of the device's last cache, as CUDA reports it; 0 where it does not."""
        return int(getattr(self._cuda.get_device_properties(self._device), "L2_cache_size", 0))

    def flush(self, cache_bytes: int) -> None:
        """Overwrites the last cache, all of it and no more, and waits until that is done.

        Args:
            cache_bytes: Size of the cache where CUDA does not report it.
        """
        if self._sweep is None:
            self._sweep = self._empty(self.cache_bytes() or cache_bytes)
        self._sweep.zero_()
        self.synchronize()
