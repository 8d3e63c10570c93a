"""A workload on XLA's device, and how Python traces it."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hwcost.backends.base import BlockTiming, Runner
from hwcost.backends.sweep import empty_host_caches

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from hwcost.backends.xla_client import XlaClient
    from hwcost.workloads.built import Built

TRACES = 3
"""Times that a workload is traced to find how long that takes."""

Call = Callable[[], "list[torch.Tensor]"]
"""A function that returns outputs, which may not be computed yet."""


class XlaRunner(Runner):
    """Executes a workload on XLA's device.

    Args:
        xla: Client of this process.
        call: Function that starts one call.
        trace: Function that only traces one, of which nothing is executed.
    """

    def __init__(self, xla: XlaClient, call: Call, trace: Call) -> None:
        super().__init__()
        self._xla, self._call, self._trace = xla, call, trace
        self._kept: list[torch.Tensor] = []

    def run(self, n: int) -> None:
        """See the base class; the outputs of a call are kept until the next one has been started."""
        for _ in range(n):
            self._kept = self._call()
        self._xla.wait()

    def time_block(self, n: int) -> BlockTiming:
        """See the base class; the first time, it also finds how long tracing takes."""
        if "trace_s" not in self.facts:
            self.facts["trace_s"] = statistics.median(self._trace_s() for _ in range(TRACES))
        return super().time_block(n)

    def _trace_s(self) -> float:
        """Times how long Python traces a call for."""
        assert self.clock is not None
        start = self.clock()
        kept = self._trace()
        seconds = (self.clock() - start) * 1e-9
        del kept
        return seconds

    def outputs(self) -> list[NDArray[Any]]:
        """See the base class."""
        self.run(1)
        return arrays(self._kept)

    def compile_events(self) -> int:
        """Counts the compilations of this process."""
        return self._xla.compilations()

    def empty_caches(self, cache_bytes: int) -> bool:
        """See the base class; the memory on a TPU's chip is managed by XLA, and cannot be emptied."""
        return self._xla.kind == "cpu" and empty_host_caches(cache_bytes)

    def close(self) -> None:
        """See the base class."""
        self._kept, self._call, self._trace = [], _closed, _closed


def _closed() -> list[torch.Tensor]:
    raise RuntimeError("the runner is closed")


def traced(built: Built) -> list[torch.Tensor]:
    """Calls a module; on XLA's device that only notes down what is to be computed."""
    import torch

    from hwcost.workloads.flat_call import flat_tensors

    with torch.no_grad():
        return flat_tensors(built.module(*built.args, **built.kwargs))


def traced_and_started(built: Built) -> list[torch.Tensor]:
    """Traces a call and starts it: what is computed then is what is alive, which the outputs are."""
    import torch_xla

    outputs = traced(built)
    torch_xla.sync()
    return outputs


def moved(built: Built, xla: XlaClient) -> Built:
    """Moves a module and its inputs to XLA's device."""
    import torch_xla

    built.module.to(xla.device)
    there = built.with_tensors(lambda one: one.to(xla.device))
    torch_xla.sync()
    xla.wait()
    return there


def arrays(tensors: list[torch.Tensor]) -> list[NDArray[Any]]:
    """Copies tensors to the host, as float32 or integer arrays."""
    copies = [one.detach().cpu() for one in tensors]
    return [(one.float() if one.is_floating_point() else one).numpy() for one in copies]
