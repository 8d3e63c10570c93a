"""A GPU that is not here, as torch shows it: a stream on a virtual clock, events, graphs, a gate, and injected faults.

Modules compute on the CPU, and each part of them counts as a kernel of the GPU. So outputs are real, and times follow from
two numbers: how long the host takes to launch a kernel, and how long the GPU takes to run it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

QUEUE = 1024
"""Launches that wait behind a kernel before the host has to wait too."""

GIB = 1024**3

NO_DRIVER = "The NVIDIA driver on your system is too old (found version 12060). Please update your GPU driver\n"
"""Reason for which CUDA shows no GPU."""


class FakeEvent:
    """A moment on the stream.

    Args:
        cuda: GPU that the stream belongs to.
    """

    def __init__(self, cuda: FakeCuda) -> None:
        self._cuda, self.at_s = cuda, 0.0

    def record(self) -> None:
        """Takes its place in the stream."""
        self._cuda.queue(self)

    def synchronize(self) -> None:
        """Lets the host wait for it."""
        self._cuda.synchronize()

    def elapsed_time(self, other: FakeEvent) -> float:
        """Returns the milliseconds to another event."""
        return 1e3 * (other.at_s - self.at_s)


class FakeGraph:
    """Kernels that were captured.

    Args:
        cuda: GPU that runs them.
    """

    def __init__(self, cuda: FakeCuda) -> None:
        self._cuda, self.kernels = cuda, list[float]()

    def replay(self) -> None:
        """Launches all of them as one."""
        self._cuda.launch(sum(self.kernels))


class FakeCuda:
    """Stands in for ``torch.cuda``; a callable that returns the nanoseconds of its clock.

    Args:
        launch_s: Seconds that the host takes to launch a kernel.
        kernel_s: Seconds that the GPU takes to run one.
        uuids: UUIDs of the GPUs that CUDA shows, without what they are of.
        l2_bytes: Size of the last cache.
        fault: Function that is called with the number of each launch, and may raise what CUDA would.
        captures: Whether launches can be captured into graphs.
        has_compiler: Whether kernels of CUDA source can be compiled.
    """

    def __init__(
        self,
        launch_s: float = 5e-6,
        kernel_s: float = 50e-6,
        *,
        uuids: tuple[str, ...] = ("0",),
        l2_bytes: int = 50 * 1024**2,
        fault: Callable[[int], None] = lambda launch: None,
        captures: bool = True,
        has_compiler: bool = True,
    ) -> None:
        self.launch_s, self.kernel_s, self.uuids, self.l2_bytes = launch_s, kernel_s, uuids, l2_bytes
        self.fault, self.captures, self.has_compiler = fault, captures, has_compiler
        self.launches, self.flushed = 0, list[int]()
        self._now_s = self._ready_s = 0.0
        self._waiting: list[float | FakeEvent] = []
        self._gate: tuple[Any, float] | None = None
        self._captured: FakeGraph | None = None

    def __call__(self) -> int:
        """Returns the host's time in nanoseconds."""
        return round(self._now_s * 1e9)

    # -- the stream ------------------------------------------------------------------------------------------------------

    def launch(self, seconds: float | None = None) -> None:
        """Launches a kernel, or captures it."""
        seconds = self.kernel_s if seconds is None else seconds
        if self._captured is not None:
            self._captured.kernels.append(seconds)
            return
        self.launches += 1
        self.fault(self.launches)
        self._now_s += self.launch_s
        self.queue(seconds)
        if len(self._waiting) > QUEUE:
            self.synchronize()

    def queue(self, what: float | FakeEvent) -> None:
        """Lets a kernel, by its seconds, or an event take its place in the stream."""
        if self._gate is not None:
            self._waiting.append(what)
        elif isinstance(what, FakeEvent):
            what.at_s = max(self._ready_s, self._now_s)
        else:
            self._ready_s = max(self._ready_s, self._now_s) + what

    def synchronize(self, device: int = 0) -> None:
        """Lets the host wait for the stream; a gate that nobody opened gives up first."""
        if self._gate is not None:
            (flags, until_s), self._gate = self._gate, None
            if not flags[0]:
                flags[1], self._now_s = 1, until_s
            self._ready_s = max(self._ready_s, self._now_s)
            waiting, self._waiting = self._waiting, []
            for what in waiting:
                if isinstance(what, FakeEvent):
                    what.at_s = self._ready_s
                else:
                    self._ready_s += what
        self._now_s = max(self._now_s, self._ready_s)

    def wait_for_host(self, grid: tuple[int, ...], block: tuple[int, ...], args: list[Any]) -> None:
        """Holds the stream back, as the kernel of that name does."""
        flags, most_ms = args
        self._gate = flags, max(self._ready_s, self._now_s) + most_ms * 1e-3

    # -- what torch.cuda has ---------------------------------------------------------------------------------------------

    def Event(self, enable_timing: bool = False) -> FakeEvent:  # noqa: N802
        """Makes an event."""
        return FakeEvent(self)

    def CUDAGraph(self) -> FakeGraph:  # noqa: N802
        """Makes an empty graph."""
        return FakeGraph(self)

    @contextmanager
    def graph(self, graph: FakeGraph, pool: Any = None) -> Iterator[None]:
        """Captures what is launched meanwhile."""
        if not self.captures:
            raise RuntimeError("CUDA error: operation not permitted when stream is capturing")
        self._captured = graph
        try:
            yield
        finally:
            self._captured = None

    def graph_pool_handle(self) -> tuple[int, int]:
        """Returns the name of a pool of memory."""
        return (0, 1)

    def Stream(self) -> Any:  # noqa: N802
        """Makes another stream, which is the same one here."""
        return SimpleNamespace(wait_stream=lambda other: None)

    def current_stream(self) -> Any:
        """Returns the stream."""
        return self.Stream()

    @contextmanager
    def stream(self, stream: Any) -> Iterator[None]:
        """Launches on another stream meanwhile."""
        yield

    def is_available(self) -> bool:
        """Whether CUDA shows any GPU."""
        return bool(self.uuids)

    def init(self) -> None:
        """Starts CUDA, which tells why it shows no GPU.

        Raises:
            RuntimeError: When it shows none.
        """
        if not self.uuids:
            raise RuntimeError(NO_DRIVER)

    def set_device(self, device: Any) -> None:
        """Makes a GPU the present one, which there is only one of."""

    def is_initialized(self) -> bool:
        """Whether this process uses CUDA."""
        return True

    def device_count(self) -> int:
        """Number of GPUs."""
        return len(self.uuids)

    def get_device_properties(self, index: int) -> Any:
        """Returns UUID and size of the last cache."""
        return SimpleNamespace(uuid=self.uuids[index], L2_cache_size=self.l2_bytes)

    def get_device_capability(self, index: int) -> tuple[int, int]:
        """Returns the compute capability of a GPU."""
        return (9, 0)

    def get_arch_list(self) -> list[str]:
        """Returns what torch's kernels were compiled for."""
        return ["sm_80", "sm_90"]

    def get_device_name(self, index: int) -> str:
        """Returns the name of a GPU."""
        return f"Fake GPU {index}"

    def mem_get_info(self) -> tuple[int, int]:
        """Returns free and total bytes."""
        return 80 * GIB, 80 * GIB

    def memory_reserved(self) -> int:
        """Returns the bytes that torch holds."""
        return 0

    def memory_allocated(self) -> int:
        """Returns the bytes of tensors."""
        return 0

    def empty_cache(self) -> None:
        """Has nothing to give back."""

    # -- in place of the real one ----------------------------------------------------------------------------------------

    def install(self, monkeypatch: pytest.MonkeyPatch) -> FakeCuda:
        """Puts this GPU in the place of torch's, until the test ends; returns itself."""
        import torch

        from hwcost.backends import torch_eager, torch_place
        from hwcost.errors import MeasurementError
        from hwcost.kernels import gate

        def load(name: str) -> Callable[..., None]:
            if not self.has_compiler:
                raise MeasurementError("torch 2.6.0 cannot compile CUDA source")
            return self.wait_for_host

        monkeypatch.setattr(torch_place, "cuda", lambda: self)
        monkeypatch.setattr(torch_place, "_cuda_device", lambda index: torch.device("cpu"))
        monkeypatch.setattr(torch_eager, "device_bytes", self._bytes)
        monkeypatch.setattr(gate, "load", load)
        monkeypatch.setattr(gate, "_pinned", lambda: torch.zeros(2, dtype=torch.int32))
        monkeypatch.setattr(torch.nn.Module, "__call__", self._counted(torch.nn.Module.__call__))
        return self

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Returns a call of modules that launches a kernel for each part without parts."""

        def counted(module: Any, *args: Any, **kwargs: Any) -> Any:
            if not any(True for _ in module.children()):
                self.launch()
            return call(module, *args, **kwargs)

        return counted

    def _bytes(self, size: int, place: Any) -> Any:
        return SimpleNamespace(zero_=lambda: self.flushed.append(size))
