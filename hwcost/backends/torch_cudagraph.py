"""PyTorch through CUDA graphs: all launches of a call are captured once, and replayed as one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hwcost.agent.errors import is_out_of_memory
from hwcost.backends import options as read
from hwcost.backends import torch_place
from hwcost.backends.base import Runner
from hwcost.backends.causes import plain_cause
from hwcost.backends.torch_eager import TorchEager, build_on_device
from hwcost.backends.torch_runner import TorchRunner, as_array, torch_facts
from hwcost.errors import MeasurementError
from hwcost.workloads.component import ComponentWorkload

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hwcost.backends.cuda_stream import CudaStream
    from hwcost.devices.handle import DeviceHandle
    from hwcost.workloads.base import Workload
    from hwcost.workloads.built import Built

MOST_COPIES = 10
"""Most sets of inputs that the calls of a component take in turn, so that a graph holds so many calls."""

CACHES = 5
"""Sizes of the last cache that the inputs of a component fill together before one of them is read again."""

WARM_CALLS = 3
"""Calls before a capture, in which libraries take the memory that they keep."""

TOLERANCES = {"float32": 1e-4, "tfloat32": 1e-2, "bfloat16": 5e-2, "float16": 1e-2}
"""Largest difference between a replay and an ordinary call, relative to the largest output, by number format."""


class TorchCudaGraph(TorchEager):
    """Captures a module's launches into CUDA graphs while it is prepared.

    A whole model is one graph of one call. The calls of a component take copies of its inputs in turn, so that they do not
    lie in the cache only because the call before used the same ones.

    Options:
        copies: Sets of inputs that are taken in turn; 0 is one for a model, and up to ten for a component (0).
        fallback: Whether a workload that cannot be captured runs operator by operator, which its record says (false).
    """

    name = "torch-cudagraph"
    kinds = ("cuda",)
    fork_imports = None
    option_names = ("copies", "fallback")

    def __init__(self, threads: int = 1, options: dict[str, Any] | None = None) -> None:
        super().__init__(threads, options)
        self.copies = read.integer(self.options, "copies", 0)
        self.fallback = read.switch(self.options, "fallback", False)
        self._pool: Any = None

    def prepare(self, workload: Workload, handle: DeviceHandle) -> Runner:
        """See the base class; captures the graphs, and compares a replay with an ordinary call.

        Raises:
            MeasurementError: When the launches cannot be captured, or a replay gives other numbers.
        """
        built, stream = build_on_device(self, workload, handle), self.stream(handle)
        assert stream is not None
        facts = torch_facts(built, workload.dtype)
        copies = self.copies or _copies(workload, built, stream.cache_bytes())
        try:
            return self._captured(workload, built, stream, facts | {"executed": "graph", "input_copies": copies})
        except (RuntimeError, MeasurementError) as error:
            if is_out_of_memory(error):
                raise
            cause = str(error) if isinstance(error, MeasurementError) else plain_cause(_first(error))
            if not self.fallback:
                raise MeasurementError(
                    f"'{workload.name}' cannot be captured into a CUDA graph: {cause}. Take --backend torch, or let such "
                    "workloads run operator by operator with --backend-option fallback=true."
                ) from None
        stream.synchronize()
        return TorchRunner(built, facts | {"executed": "eager", "not_captured": cause}, stream, workload.dtype)

    def _captured(self, workload: Workload, built: Built, stream: CudaStream, facts: dict[str, Any]) -> GraphRunner:
        if self._pool is None:
            self._pool = torch_place.cuda().graph_pool_handle()
        runner = GraphRunner(built, facts, stream, workload.dtype, self._pool)
        try:
            facts["difference"] = runner.verify(TOLERANCES.get(workload.dtype, TOLERANCES["float16"]))
        except BaseException:
            runner.close()
            raise
        return runner


class GraphRunner(TorchRunner):
    """Replays graphs: of one call with each set of inputs, and of one call with every set.

    Args:
        built: The module and its inputs, on the device.
        facts: Facts about what really runs, with ``input_copies``.
        stream: Stream of the GPU.
        dtype: Number format of the workload.
        pool: Memory that all graphs of the process share, since they never run at once.
    """

    def __init__(self, built: Built, facts: dict[str, Any], stream: CudaStream, dtype: str, pool: Any) -> None:
        super().__init__(built, facts, stream, dtype)
        sets = [built, *(built.with_tensors(lambda one: one.clone()) for _ in range(facts["input_copies"] - 1))]
        calls = [_call(built.module, one) for one in sets]
        self._next = 0
        with self._mode():
            _warm_up(calls)
            graphs = [_capture([one], pool) for one in calls]
            self._singles = [graph for graph, _ in graphs]
            self._output = graphs[0][1]
            self._ring = self._singles[0] if len(calls) == 1 else _capture(calls, pool)[0]

    def _issue(self, n: int) -> None:
        """Replays graphs of every set of inputs, and for what is left of n those of single ones."""
        rings, left = divmod(n, len(self._singles))
        for _ in range(rings):
            self._ring.replay()
        for _ in range(left):
            self._singles[self._next].replay()
            self._next = (self._next + 1) % len(self._singles)

    def outputs(self) -> list[NDArray[Any]]:
        """See the base class; those of the graph whose inputs are the workload's own."""
        from hwcost.workloads.flat_call import flat_tensors

        with self._mode():
            self._singles[0].replay()
            return [as_array(tensor) for tensor in flat_tensors(self._output)]

    def verify(self, tolerance: float) -> float:
        """Returns the largest difference between a replay and an ordinary call, relative to the largest output.

        Raises:
            MeasurementError: When it is above the tolerance: values were fixed while the graph was captured.
        """
        import numpy as np

        from hwcost.backends.reference import difference, largest

        pairs = list(zip(self.outputs(), super().outputs(), strict=True))
        size = max((largest(theirs) for _, theirs in pairs), default=0.0)
        apart = float(np.max([difference(mine, theirs) for mine, theirs in pairs], initial=0.0))  # NaN where one is NaN
        found = apart / size if size else apart
        if not found <= tolerance:
            raise MeasurementError(f"a replay differs from an ordinary call by {found:.2g} of the largest output")
        return found

    def close(self) -> None:
        """See the base class."""
        self._singles, self._ring, self._output = [], None, None
        super().close()


def _first(error: BaseException) -> BaseException:
    """Returns the error that spoiled a capture, and not the one that ending it then gives."""
    return error.__context__ if isinstance(error.__context__, RuntimeError) else error


def _copies(workload: Workload, built: Built, cache_bytes: int) -> int:
    """Returns how many sets of inputs fill the caches several times, for a component; 1 for a whole model."""
    if not isinstance(workload, ComponentWorkload):
        return 1
    size = sum(int(one.numel() * one.element_size()) for one in built.flat().values())
    return max(1, min(MOST_COPIES, math.ceil(CACHES * cache_bytes / max(1, size))))


def _call(module: Callable[..., Any], built: Built) -> Callable[[], Any]:
    args, kwargs = built.args, built.kwargs
    return lambda: module(*args, **kwargs)


def _warm_up(calls: list[Callable[[], Any]]) -> None:
    """Makes some calls on another stream, as a capture is made on one."""
    cuda = torch_place.cuda()
    side = cuda.Stream()
    side.wait_stream(cuda.current_stream())
    with cuda.stream(side):
        for call in (*calls[:1] * WARM_CALLS, *calls[1:]):
            call()
    cuda.current_stream().wait_stream(side)


def _capture(calls: list[Callable[[], Any]], pool: Any) -> tuple[Any, Any]:
    """Returns a graph of calls, and the output of the first, which every replay writes anew."""
    cuda = torch_place.cuda()
    graph = cuda.CUDAGraph()
    with cuda.graph(graph, pool=pool):
        first, *_ = [call() for call in calls]
    return graph, first

