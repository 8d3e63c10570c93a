"""A torch module that is ready to run, on a CPU or a GPU, and the facts about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from hwcost.backends import precision, torch_place
from hwcost.backends.base import BlockTiming, Runner
from hwcost.backends.sweep import empty_host_caches
from hwcost.backends.torch_layers import LayerTimes

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from hwcost.backends.cuda_stream import CudaStream
    from hwcost.workloads.built import Built


class TorchRunner(Runner):
    """Calls a module as its user would; on a GPU it waits for the device after the last call.

    Args:
        built: The module and its inputs, on the device.
        facts: Facts about what really runs.
        stream: Stream of the GPU; None on a CPU.
        dtype: Number format of the workload, which decides how a GPU multiplies float32 matrices.
        call: Function that is called instead of the module, such as the compiled one.
    """

    def __init__(
        self,
        built: Built,
        facts: dict[str, Any],
        stream: CudaStream | None = None,
        dtype: str = "float32",
        call: Callable[..., Any] | None = None,
    ) -> None:
        import torch

        super().__init__()
        self._inference_mode = torch.inference_mode
        self._call: Callable[..., Any] = built.module if call is None else call
        self._args, self._kwargs = built.args, built.kwargs
        self._stream, self._dtype = stream, dtype
        self._module = built.module if call is None else None
        self._layers: LayerTimes | None = None
        self._gated: int | None = None
        self._is_warm, self._is_cold, self._cache_bytes = False, False, 0
        self.facts = facts

    def run(self, n: int) -> None:
        """See the base class."""
        if self._stream is None:
            with self._inference_mode():
                self._issue(n)
            return
        with self._mode():
            self._issue(n)
        self._stream.synchronize()

    def _issue(self, n: int) -> None:
        """Calls the module n times; on a GPU the calls may still run when this returns."""
        call, args, kwargs = self._call, self._args, self._kwargs
        for _ in range(n):
            call(*args, **kwargs)

    @contextmanager
    def _mode(self) -> Iterator[None]:
        """Holds while calls are made: no gradients are recorded, and a GPU multiplies in the workload's precision."""
        with self._inference_mode():
            if self._stream is None:
                yield
                return
            with precision.precision(self._dtype):
                yield

    def time_block(self, n: int) -> BlockTiming:
        """See the base class; a GPU's seconds are those between two events on its stream."""
        if self._stream is None:
            return self._time_on_host(n)
        assert self.clock is not None
        with self._mode():
            calls = self._gated_calls(self._stream)
            found = self._stream.time(self._issue, n, self.clock)
            gated_s = self._gated_s(self._stream, min(n, calls)) if calls else None
        self._is_cold = False
        return found if gated_s is None else BlockTiming(found.host_s, gated_s * n, found.enqueue_s)

    def _time_on_host(self, n: int) -> BlockTiming:
        """Times calls on a CPU: a single long one layer by layer, others slice by slice where that is asked for."""
        if self._layers is not None and n == 1:
            return self._layers.time(self.run, self.clock)
        if not self._is_sliced:
            return super().time_block(n)
        with self._inference_mode():
            return self._in_slices(self._issue, n)

    def time_layers(self) -> None:
        """See the base class; a GPU computes while the next layers are launched, so that only a CPU's layers are timed."""
        if self._stream is None and self._module is not None and self._layers is None:
            self._layers = LayerTimes.of(self._module)

    def _gated_calls(self, stream: CudaStream) -> int:
        """Returns how many calls are timed behind the gate; found out once the module has run, and kept as a fact."""
        if self._gated is None and self._is_warm:
            assert self.clock is not None
            self._gated = stream.gated_calls(self._issue, self.clock)
            how = {"device_s": "gated events" if self._gated else "events", "gated_calls": self._gated}
            self.facts["timing"] = how | ({"without_gate": stream.without_gate} if stream.without_gate else {})
            if self._is_cold:
                stream.flush(self._cache_bytes)
        self._is_warm = True
        return self._gated or 0

    def _gated_s(self, stream: CudaStream, calls: int) -> float | None:
        """Returns the device's seconds of a call that did not wait for the host; None where the gate gave up."""
        if self._is_cold:
            stream.flush(self._cache_bytes)
        seconds = stream.gated_s(self._issue, calls)
        return None if seconds is None else seconds / calls

    def empty_caches(self, cache_bytes: int) -> bool:
        """See the base class; a GPU's last cache is overwritten by the GPU itself, at its exact size."""
        if self._stream is None:
            return empty_host_caches(cache_bytes)
        self._stream.flush(cache_bytes)
        self._is_cold, self._cache_bytes = True, cache_bytes
        return True

    def outputs(self) -> list[NDArray[Any]]:
        """See the base class."""
        from hwcost.workloads.flat_call import flat_tensors

        with self._mode():
            return [as_array(tensor) for tensor in flat_tensors(self._call(*self._args, **self._kwargs))]

    def close(self) -> None:
        """See the base class."""
        self._call, self._args, self._kwargs = _closed, (), {}
        if self._layers is not None:
            self._layers.remove()
        self._module, self._layers = None, None
        if self._stream is not None:
            with suppress(RuntimeError):  # on a device that is lost
                torch_place.cuda().empty_cache()


def _closed(*values: object) -> None:
    raise RuntimeError("the runner is closed")


def torch_facts(built: Built, dtype: str) -> dict[str, Any]:
    """Returns the facts about what really runs: version, threads, attention kernels, libraries, precision, inputs.

    Args:
        built: The module and its inputs, on the device.
        dtype: Number format of the workload.
    """
    import torch

    from hwcost.workloads.built import described, dtype_name

    values = built.flat()
    device = next(iter(values.values())).device if values else torch.device("cpu")
    kernels = ("flash", "mem_efficient", "cudnn", "math") if device.type == "cuda" else ("flash", "math")
    return {
        "torch": str(torch.__version__),
        **_device_facts(device, dtype),
        "dtype": built.dtype(),
        "inputs": [described(name, tuple(one.shape), dtype_name(one)) for name, one in values.items()],
        "threads": torch.get_num_threads(),
        "interop_threads": torch.get_num_interop_threads(),
        "attention_kernels": [kernel for kernel in kernels if getattr(torch.backends.cuda, f"{kernel}_sdp_enabled")()],
        "mkldnn": bool(torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled),
        "mkl": bool(torch.backends.mkl.is_available()),
        "parameters": sum(parameter.numel() for parameter in built.module.parameters()),
    }


def _device_facts(device: torch.device, dtype: str) -> dict[str, Any]:
    """Returns which device the tensors lie on, and on a GPU its name and the precision of its matrix products."""
    if device.type != "cuda":
        return {"device": device.type}
    cuda, index = torch_place.cuda(), device.index or 0
    with precision.precision(dtype):
        matmul = precision.flags()
    found = {"device": cuda.get_device_name(index), "device_uuid": torch_place.cuda_uuid(cuda, index)}
    return found | {"precision": dtype, "matmul": matmul}


def as_array(tensor: torch.Tensor) -> NDArray[Any]:
    """Returns a tensor as an array on the host; floating-point numbers as float32."""
    tensor = tensor.detach().cpu()
    array: NDArray[Any] = (tensor.float() if tensor.is_floating_point() else tensor).numpy()
    return array
