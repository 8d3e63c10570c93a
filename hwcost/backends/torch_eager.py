"""PyTorch, operator by operator."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from hwcost.backends.base import Backend, Runner
from hwcost.errors import UsageError

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from hwcost.devices.profile import DeviceProfile
    from hwcost.workloads.base import Workload
    from hwcost.workloads.built import Built


class TorchEager(Backend):
    """Runs modules as they are, in inference mode."""

    name = "torch"
    kinds = ("cpu", "cuda")
    extra = "torch"

    @classmethod
    def availability(cls) -> tuple[bool, str]:
        """See the base class."""
        return (True, "") if find_spec("torch") else (False, "torch is missing")

    def version(self) -> dict[str, str]:
        """Version of torch."""
        import torch

        return {"torch": str(torch.__version__)}

    def prepare(self, workload: Workload, device: DeviceProfile) -> Runner:
        """See the base class."""
        built = build_on_device(self, workload, device)
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
        self._wait = torch.cuda.synchronize if any(one.is_cuda for one in built.flat().values()) else None
        self.facts = facts

    def run(self, n: int) -> None:
        """See the base class."""
        call, args, kwargs = self._call, self._args, self._kwargs
        with self._inference_mode():
            for _ in range(n):
                call(*args, **kwargs)
        if self._wait is not None:
            self._wait()

    def outputs(self) -> list[NDArray[Any]]:
        """See the base class."""
        from hwcost.workloads.flat_call import flat_tensors

        with self._inference_mode():
            return [_as_array(tensor) for tensor in flat_tensors(self._call(*self._args, **self._kwargs))]

    def close(self) -> None:
        """See the base class."""
        import torch

        self._call, self._args, self._kwargs = _closed, (), {}
        if self._wait is not None:
            torch.cuda.empty_cache()


def _closed(*values: object) -> None:
    raise RuntimeError("the runner is closed")


def build_on_device(backend: Backend, workload: Workload, device: DeviceProfile) -> Built:
    """Sets torch's threads, builds a workload and moves it and its inputs to the device.

    Raises:
        UsageError: When the backend does not run this kind of device, or the device lacks this dtype.
    """
    import torch

    if device.kind not in backend.kinds:
        raise UsageError(f"backend '{backend.name}' runs on {' and '.join(backend.kinds)}, not on {device.kind}")
    if device.kind == "cuda" and not torch.cuda.is_available():
        raise UsageError(f"this torch ({torch.__version__}) sees no CUDA device, so it cannot run on '{device.name}'")
    if device.kind == "cpu" and workload.dtype == "float16":
        raise UsageError("float16 is for GPUs; on a CPU take float32 or bfloat16")
    set_threads(backend.threads)
    built = workload.built()
    built.module.to(device.kind)
    return built.with_tensors(lambda one: one.to(device.kind))


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
    device = next(iter(values.values())).device.type if values else "cpu"
    kernels = ("flash", "mem_efficient", "math") if device == "cuda" else ("flash", "math")
    return {
        "torch": str(torch.__version__),
        "device": torch.cuda.get_device_name() if device == "cuda" else "cpu",
        "dtype": built.dtype(),
        "inputs": [described(name, tuple(one.shape), dtype_name(one)) for name, one in values.items()],
        "threads": torch.get_num_threads(),
        "interop_threads": torch.get_num_interop_threads(),
        "attention_kernels": [kernel for kernel in kernels if getattr(torch.backends.cuda, f"{kernel}_sdp_enabled")()],
        "mkldnn": bool(torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled),
        "mkl": bool(torch.backends.mkl.is_available()),
        "parameters": sum(parameter.numel() for parameter in built.module.parameters()),
    }


def _as_array(tensor: torch.Tensor) -> NDArray[Any]:
    tensor = tensor.detach().cpu()
    array: NDArray[Any] = (tensor.float() if tensor.is_floating_point() else tensor).numpy()
    return array
