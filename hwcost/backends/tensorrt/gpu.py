"""The layer below an engine: memory, the stream, graphs and events of the GPU that a process was pinned to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hwcost.backends.sweep import SWEEP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hwcost.devices.handle import DeviceHandle


@dataclass(frozen=True)
class Memory:
    """A tensor on the GPU.

    Attributes:
        address: Address of its first number.
        owner: Object that keeps it allocated.
    """

    address: int
    owner: Any


class Gpu(ABC):
    """A GPU as an engine needs it.

    Attributes:
        identity: Name and compute capability; engines are kept by it.
        stream: Handle of the stream that everything runs on.
    """

    identity: str
    stream: int

    @abstractmethod
    def upload(self, array: NDArray[Any], dtype: str) -> Memory:
        """Copies an array to the GPU, in another format where asked for."""

    @abstractmethod
    def empty(self, shape: tuple[int, ...], dtype: str) -> Memory:
        """Allocates a tensor."""

    @abstractmethod
    def download(self, memory: Memory) -> NDArray[Any]:
        """Copies a tensor back, floating-point ones as float32."""

    @abstractmethod
    def synchronize(self) -> None:
        """Waits until the stream is done."""

    @abstractmethod
    def captured(self, call: Callable[[], None]) -> Callable[[], None]:
        """Records what a call puts on the stream as a CUDA graph, and returns a function that launches it."""

    @abstractmethod
    def timed(self, call: Callable[[], None]) -> float:
        """Returns the seconds between events before and after what a call puts on the stream, and waits for it."""

    @abstractmethod
    def sweep(self, cache_bytes: int) -> None:
        """Writes over a cache of that size, and waits."""


    def release(self) -> None:  # noqa: B027 - an allocator may keep nothing
        """Gives back memory that is kept for later, which TensorRT cannot take: it has an allocator of its own."""


class TorchGpu(Gpu):
    """A GPU by torch's allocator, streams and graphs.

    Args:
        handle: The device.

    Raises:
        DeviceError: When torch sees no GPU, or has no kernels for this one.
    """

    def __init__(self, handle: DeviceHandle) -> None:
        import torch

        from hwcost.backends.torch_place import torch_device

        self._torch, self._device = torch, torch_device(handle)
        torch.cuda.set_device(self._device)
        major, minor = torch.cuda.get_device_capability(self._device)
        self.identity = f"{torch.cuda.get_device_name(self._device)} sm{major}{minor}"
        self._stream = torch.cuda.Stream(self._device)
        self.stream = int(self._stream.cuda_stream)
        self._swept: Any = None

    def upload(self, array: NDArray[Any], dtype: str) -> Memory:
        """See the base class."""
        plain = array.astype(np.float32) if array.dtype.name in ("bfloat16", "float16") else np.ascontiguousarray(array)
        tensor = self._torch.from_numpy(plain.copy()).to(self._device, getattr(self._torch, dtype))
        self._torch.cuda.synchronize(self._device)
        return Memory(int(tensor.data_ptr()), tensor)

    def empty(self, shape: tuple[int, ...], dtype: str) -> Memory:
        """See the base class."""
        tensor = self._torch.empty(shape, dtype=getattr(self._torch, dtype), device=self._device)
        return Memory(int(tensor.data_ptr()), tensor)

    def download(self, memory: Memory) -> NDArray[Any]:
        """See the base class."""
        self.synchronize()
        tensor = memory.owner.cpu()
        found: NDArray[Any] = (tensor.float() if tensor.is_floating_point() else tensor).numpy()
        return found

    def synchronize(self) -> None:
        """See the base class."""
        self._stream.synchronize()

    def captured(self, call: Callable[[], None]) -> Callable[[], None]:
        """See the base class."""
        graph = self._torch.cuda.CUDAGraph()
        with self._torch.cuda.graph(graph, stream=self._stream):
            call()

        def launch() -> None:
            with self._torch.cuda.stream(self._stream):
                graph.replay()

        return launch

    def timed(self, call: Callable[[], None]) -> float:
        """See the base class."""
        first, last = (self._torch.cuda.Event(enable_timing=True) for _ in range(2))
        first.record(self._stream)
        call()
        last.record(self._stream)
        last.synchronize()
        return float(first.elapsed_time(last)) * 1e-3

    def sweep(self, cache_bytes: int) -> None:
        """See the base class."""
        if self._swept is None:
            self._swept = self._torch.empty(SWEEP * cache_bytes, dtype=self._torch.uint8, device=self._device)
        with self._torch.cuda.stream(self._stream):
            self._swept.zero_()
        self.synchronize()

    def release(self) -> None:
        """See the base class."""
        with suppress(RuntimeError):  # on a device that is lost
            self._torch.cuda.empty_cache()
