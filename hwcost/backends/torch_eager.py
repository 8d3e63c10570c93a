"""PyTorch, operator by operator."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from hwcost.backends.base import Backend, BlockTiming, Runner
from hwcost.backends.cuda_allocator import watched_cuda_allocator
from hwcost.backends.sweep import SWEEP, empty_host_caches
from hwcost.errors import MeasurementError, UsageError

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from hwcost.devices.handle import DeviceHandle
    from hwcost.workloads.base import Workload
    from hwcost.workloads.built import Built


class TorchEager(Backend):
    """Runs modules as they are, in inference mode."""

    name = "torch"
    kinds = ("cpu", "cuda")
    extra = "torch"
    fork_imports = ("torch",)

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
        return TorchRunner(built, torch_facts(built))


class TorchRunner(Runner):
    """Calls a module as its user would; on a GPU it waits for the device after the last call.

    Args:
        built: The module and its inputs, on the device.
        facts: Facts about what really runs.
        call: Function that is called instead of the module, such as the compiled one.
    """

    def __init__(self, built: Built, facts: dict[str, Any], call: Callable[..., Any] | None = None) -> None:
        import torch

        super().__init__()
        self._call: Callable[..., Any] = built.module if call is None else call
        self._args, self._kwargs = built.args, built.kwargs
        self._inference_mode = torch.inference_mode
        self._cuda = torch.cuda if any(one.is_cuda for one in built.flat().values()) else None
        self._sweep: torch.Tensor | None = None
        self.facts = facts

    def run(self, n: int) -> None:
        """See the base class."""
        self._issue(n)
        if self._cuda is not None:
            self._cuda.synchronize()

    def _issue(self, n: int) -> None:
        """Calls the module n times; on a GPU the calls may still run when this returns."""
        call, args, kwargs = self._call, self._args, self._kwargs
        with self._inference_mode():
            for _ in range(n):
                call(*args, **kwargs)

    def time_block(self, n: int) -> BlockTiming:
        """See the base class; a GPU's seconds are those between two events on its stream."""
        if self._cuda is None:
            return super().time_block(n)
        assert self.clock is not None
        first, last = self._cuda.Event(enable_timing=True), self._cuda.Event(enable_timing=True)
        start = self.clock()
        first.record()
        self._issue(n)
        last.record()
        last.synchronize()
        return BlockTiming((self.clock() - start) * 1e-9, first.elapsed_time(last) * 1e-3)

    def empty_caches(self, cache_bytes: int) -> bool:
        """See the base class; a GPU's are overwritten by the GPU itself."""
        if self._cuda is None:
            return empty_host_caches(cache_bytes)
        import torch

        if self._sweep is None:
            self._sweep = torch.empty(SWEEP * cache_bytes, dtype=torch.uint8, device="cuda")
        self._sweep.zero_()
        self._cuda.synchronize()
        return True

    def outputs(self) -> list[NDArray[Any]]:
        """See the base class."""
        from hwcost.workloads.flat_call import flat_tensors

        with self._inference_mode():
            return [_as_array(tensor) for tensor in flat_tensors(self._call(*self._args, **self._kwargs))]

    def close(self) -> None:
        """See the base class."""
        import torch

        self._call, self._args, self._kwargs, self._sweep = _closed, (), {}, None
        if self._cuda is not None:
            torch.cuda.empty_cache()


def _closed(*values: object) -> None:
    raise RuntimeError("the runner is closed")


def build_on_device(backend: Backend, workload: Workload, handle: DeviceHandle) -> Built:
    """Sets torch's threads, builds a workload and moves it and its inputs to the device.

    Nets of the library's own spaces have matrices in common on a CPU, so that many of them fit into memory.

    Raises:
        UsageError: When the backend does not run this kind of device, or the device lacks this dtype.
        MeasurementError: When torch does not see this very device.
    """
    backend.check_kind(handle.kind)
    place = torch_device(handle)
    if handle.kind == "cpu" and workload.dtype == "float16":
        raise UsageError("float16 is for GPUs; on a CPU take float32 or bfloat16")
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
    import torch

    return watched_cuda_allocator(torch.cuda, torch_device(handle))


def torch_device(handle: DeviceHandle) -> torch.device:
    """Returns torch's name of a device: the only GPU that a pinned process sees, else the one with the handle's UUID.

    Raises:
        UsageError: When this torch sees no CUDA device.
        MeasurementError: When it sees only others.
    """
    import torch

    if handle.kind != "cuda":
        return torch.device(handle.kind)
    if not torch.cuda.is_available():
        raise UsageError(f"this torch ({torch.__version__}) sees no CUDA device, so it cannot run on '{handle.name}'")
    uuids = [_cuda_uuid(index) for index in range(torch.cuda.device_count())]
    if handle.uuid in uuids and handle.uuid is not None:
        return torch.device("cuda", uuids.index(handle.uuid))
    if len(uuids) == 1 and None in (handle.uuid, uuids[0]):  # nothing to tell them apart by, and nothing else to take
        return torch.device("cuda", 0)
    seen = ", ".join(map(str, uuids))
    raise MeasurementError(f"torch sees the GPUs {seen}, and {handle} was to be measured. Unset CUDA_VISIBLE_DEVICES.")


def _cuda_uuid(index: int) -> str | None:
    """Returns the UUID of a GPU in the driver's form; None where this torch does not know it."""
    import torch

    uuid = getattr(torch.cuda.get_device_properties(index), "uuid", None)
    return None if uuid is None else f"GPU-{uuid}"


def set_threads(threads: int) -> None:
    """Sets threads within an operator; between operators there is one, which can be set only once in a process."""
    import torch

    torch.set_num_threads(threads)
    if torch.get_num_interop_threads() != 1:
        try:
            torch.set_num_interop_threads(1)
        except RuntimeError:  # work between operators has begun already; eager inference starts none
            return


def torch_facts(built: Built) -> dict[str, Any]:
    """Returns the facts about what really runs: version, threads, attention kernels, libraries, parameters, inputs."""
    import torch

    from hwcost.workloads.built import described, dtype_name

    values = built.flat()
    device = next(iter(values.values())).device if values else torch.device("cpu")
    kernels = ("flash", "mem_efficient", "math") if device.type == "cuda" else ("flash", "math")
    return {
        "torch": str(torch.__version__),
        **_device_facts(device),
        "dtype": built.dtype(),
        "inputs": [described(name, tuple(one.shape), dtype_name(one)) for name, one in values.items()],
        "threads": torch.get_num_threads(),
        "interop_threads": torch.get_num_interop_threads(),
        "attention_kernels": [kernel for kernel in kernels if getattr(torch.backends.cuda, f"{kernel}_sdp_enabled")()],
        "mkldnn": bool(torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled),
        "mkl": bool(torch.backends.mkl.is_available()),
        "parameters": sum(parameter.numel() for parameter in built.module.parameters()),
    }


def _device_facts(device: torch.device) -> dict[str, Any]:
    """Returns which device the tensors lie on, and on a GPU whether products of float32 may be computed in tfloat32."""
    import torch

    if device.type != "cuda":
        return {"device": device.type}
    index = device.index or 0
    allowed = {"matmul": torch.backends.cuda.matmul.allow_tf32, "cudnn": torch.backends.cudnn.allow_tf32}
    return {"device": torch.cuda.get_device_name(index), "device_uuid": _cuda_uuid(index), "allow_tf32": allowed}


def _as_array(tensor: torch.Tensor) -> NDArray[Any]:
    tensor = tensor.detach().cpu()
    array: NDArray[Any] = (tensor.float() if tensor.is_floating_point() else tensor).numpy()
    return array
