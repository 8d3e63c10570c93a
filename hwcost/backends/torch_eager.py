"""PyTorch, operator by operator."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar

from hwcost.backends import precision, tf32, torch_place
from hwcost.backends.base import Backend, Runner
from hwcost.backends.cuda_allocator import free_cuda_bytes, watched_cuda_allocator
from hwcost.backends.cuda_stream import CudaStream
from hwcost.backends.torch_runner import TorchRunner, torch_facts
from hwcost.errors import UsageError

if TYPE_CHECKING:
    import torch

    from hwcost.devices.handle import DeviceHandle
    from hwcost.workloads.base import Workload
    from hwcost.workloads.built import Built


class TorchEager(Backend):
    """Runs modules as they are, in inference mode."""

    name = "torch"
    kinds: ClassVar[tuple[str, ...]] = ("cpu", "cuda")
    extra = "torch"
    runs_modules_only = True
    fork_imports: ClassVar[tuple[str, ...] | None] = ("torch",)

    def __init__(self, threads: int = 1, options: dict[str, Any] | None = None) -> None:
        super().__init__(threads, options)
        self._stream: CudaStream | None = None

    @classmethod
    def availability(cls) -> tuple[bool, str]:
        """See the base class."""
        return (True, "") if find_spec("torch") else (False, "torch is missing")

    def version(self) -> dict[str, str]:
        """Version of torch, and of CUDA and cuDNN where it was built with them."""
        import torch

        built = {"torch": torch.__version__, "cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}
        return {name: str(version) for name, version in built.items() if version is not None}

    def watched_allocator(self, handle: DeviceHandle) -> Callable[[], int] | None:
        """See the base class; torch counts a GPU's memory, and none of a CPU's."""
        return allocator_of(handle)

    def prepare(self, workload: Workload, handle: DeviceHandle) -> Runner:
        """See the base class."""
        built = build_on_device(self, workload, handle)
        return TorchRunner(built, torch_facts(built, workload.dtype), self.stream(handle), workload.dtype)

    def stream(self, handle: DeviceHandle) -> CudaStream | None:
        """Returns the stream of a GPU, which all workloads of this process share; None on a CPU."""
        if handle.kind != "cuda":
            return None
        if self._stream is None:
            place = torch_place.torch_device(handle)
            torch_place.cuda().set_device(place)  # events and kernels go to the present device
            empty = partial(device_bytes, place=place)
            self._stream = CudaStream(torch_place.cuda(), place.index or 0, _make_gate, empty)
        return self._stream

    def free_bytes(self) -> int | None:
        """See the base class."""
        return free_cuda_bytes(torch_place.cuda())

    def check_alive(self, handle: DeviceHandle) -> None:
        """See the base class."""
        torch_place.check_cuda(handle)


def _make_gate() -> Any:
    from hwcost.kernels.gate import Gate

    return Gate()


def device_bytes(size: int, place: torch.device) -> torch.Tensor:
    """Returns memory of a device, so many bytes."""
    import torch

    return torch.empty(size, dtype=torch.uint8, device=place)


def build_on_device(backend: Backend, workload: Workload, handle: DeviceHandle) -> Built:
    """Sets torch's threads, builds a workload and moves it and its inputs to the device.

    Nets of the library's own spaces have matrices in common on a CPU, so that many of them fit into memory.

    Raises:
        UsageError: When the backend does not run this kind of device, or the device does not compute in this dtype.
        DeviceError: When this torch sees no CUDA device.
        MeasurementError: When torch does not see this very device.
    """
    backend.check_kind(handle.kind)
    if handle.kind == "cpu" and workload.dtype in ("float16", precision.REDUCED):
        raise UsageError(f"{workload.dtype} is for GPUs; on a CPU take float32 or bfloat16")
    if workload.dtype == precision.REDUCED:
        tf32.check(handle)
    place = torch_place.torch_device(handle)
    set_threads(backend.threads)
    from hwcost.workloads.weights import shared_weights

    with shared_weights() if backend.shares_weights else nullcontext():
        built = workload.built()
    built.module.to(place)
    return built.with_tensors(lambda one: one.to(place))


def allocator_of(handle: DeviceHandle) -> Callable[[], int] | None:
    """Begins to watch torch's allocator on a GPU; None for other devices. See :meth:`Backend.watched_allocator`."""
    if handle.kind != "cuda":
        return None
    return watched_cuda_allocator(torch_place.cuda(), torch_place.torch_device(handle))


def set_threads(threads: int) -> None:
    """Sets threads within an operator; between operators there is one, which can be set only once in a process."""
    import torch

    torch.set_num_threads(threads)
    if torch.get_num_interop_threads() != 1:
        try:
            torch.set_num_interop_threads(1)
        except RuntimeError:  # work between operators has begun already; eager inference starts none
            return
