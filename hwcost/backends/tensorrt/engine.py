"""An engine that is loaded: its context, its inputs and outputs on the GPU, and one call of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hwcost.agent.errors import is_out_of_memory
from hwcost.backends.tensorrt.gpu import Gpu, Memory
from hwcost.backends.tensorrt.log import log_of, started
from hwcost.errors import MeasurementError

if TYPE_CHECKING:
    from numpy.typing import NDArray

DTYPES = {
    "FLOAT": "float32", "HALF": "float16", "BF16": "bfloat16", "INT64": "int64", "INT32": "int32", "INT8": "int8",
    "UINT8": "uint8", "BOOL": "bool",
}  # fmt: skip
"""Formats of tensors, by TensorRT's names."""


class Engine:
    """An engine with memory of its own for every input and output.

    Args:
        trt: TensorRT's module.
        data: Bytes of the engine.
        gpu: GPU that it runs on.
        inputs: Arrays that it is run with, by name.
        name: Name of the workload in messages.

    Raises:
        DeviceError: When CUDA does not start.
        MeasurementError: When TensorRT does not take the bytes (:class:`Unreadable`), memory runs out, or an input or output
            lies in memory of the host.
    """

    def __init__(self, trt: Any, data: bytes, gpu: Gpu, inputs: dict[str, NDArray[Any]], name: str) -> None:
        self._log, self._gpu, self._name = log_of(trt), gpu, name
        self._log.forget()
        self._runtime = started(trt.Runtime, self._log)
        self.engine = self._runtime.deserialize_cuda_engine(data)
        if self.engine is None:
            raise self._failed("load an engine", Unreadable)
        self.context = self.engine.create_execution_context()
        if self.context is None:
            raise self._failed("make a context for the engine")
        self._tensors: dict[str, Memory] = {}
        self.output_names: list[str] = []
        self._bind(trt, inputs)

    @property
    def memory_bytes(self) -> int | None:
        """Bytes of activations on the GPU; None where this version does not tell."""
        found = getattr(self.engine, "device_memory_size_v2", None)
        return None if found is None else int(found)

    def enqueue(self) -> None:
        """Puts one call on the stream.

        Raises:
            MeasurementError: When TensorRT refuses it.
        """
        if not self.context.execute_async_v3(self._gpu.stream):
            raise self._failed("run an engine")

    def outputs(self) -> list[NDArray[Any]]:
        """Copies the outputs of the last call."""
        return [self._gpu.download(self._tensors[name]) for name in self.output_names]

    def _bind(self, trt: Any, inputs: dict[str, NDArray[Any]]) -> None:
        """Allocates all inputs and outputs; shapes of outputs are known once those of inputs are."""
        names = [self.engine.get_tensor_name(index) for index in range(self.engine.num_io_tensors)]
        taken = [name for name in names if self.engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT]
        self.output_names = [name for name in names if name not in taken]
        on_host = [name for name in names if self.engine.get_tensor_location(name) == trt.TensorLocation.HOST]
        if on_host:
            raise MeasurementError(
                f"TensorRT takes '{on_host[0]}' of '{self._name}' as a shape, which it reads and writes on the host. Take "
                "--backend onnxruntime or torch."
            )
        for name in taken:
            self.context.set_input_shape(name, inputs[name].shape)
            self._place(name, self._gpu.upload(inputs[name], self._dtype(name)))
        for name in self.output_names:
            shape = tuple(self.context.get_tensor_shape(name))
            if any(size < 0 for size in shape):
                raise MeasurementError(f"the output '{name}' of '{self._name}' has a shape that depends on values: {shape}")
            self._place(name, self._gpu.empty(shape, self._dtype(name)))

    def _place(self, name: str, memory: Memory) -> None:
        self._tensors[name] = memory
        self.context.set_tensor_address(name, memory.address)

    def _dtype(self, name: str) -> str:
        return DTYPES[self.engine.get_tensor_dtype(name).name]

    def _failed(self, what: str, kind: type[MeasurementError] = MeasurementError) -> MeasurementError:
        """Makes the error for something that TensorRT did not do; running out of memory is its cause where it is that."""
        reason = self._log.reason()
        if is_out_of_memory(RuntimeError(reason)):
            error = MeasurementError(f"TensorRT cannot {what} of '{self._name}': {reason}")
            error.__cause__ = MemoryError(reason)
            return error
        return kind(f"TensorRT cannot {what} of '{self._name}': {reason}")


class Unreadable(MeasurementError):  # noqa: N818 - the bytes are what is unreadable
    """TensorRT does not take the bytes as an engine."""
