"""A session of ONNX Runtime that is run again and again, with inputs and outputs on the device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hwcost.backends.base import Runner
from hwcost.backends.sweep import empty_host_caches

if TYPE_CHECKING:
    from numpy.typing import NDArray

BFLOAT16 = 16
"""ONNX's number of that format."""


class OrtRunner(Runner):
    """Runs a session whose inputs and outputs are bound to the device, so that nothing is copied per call."""

    def __init__(self, session: Any, inputs: dict[str, NDArray[Any]], kind: str, facts: dict[str, Any]) -> None:
        super().__init__()
        self._session = session
        self._binding = session.io_binding()
        read = {port.name for port in session.get_inputs()}  # an input that the graph never reads is gone
        self._kept = {name: (array, _ort_value(array, kind)) for name, array in inputs.items() if name in read}
        for name, (_, value) in self._kept.items():  # on a CPU it reads the array, which not every release keeps
            self._binding.bind_ortvalue_input(name, value)
        self._kind = kind
        self._bind_outputs()
        self._misdeclared: list[str] = []
        self.facts = facts

    def _bind_outputs(self) -> None:
        for port in self._session.get_outputs():
            self._binding.bind_output(port.name, self._kind)

    def run(self, n: int) -> None:
        """See the base class."""
        run, binding = self._session.run_with_iobinding, self._binding
        for _ in range(n):
            if self._misdeclared:  # an output that is kept is checked against the graph's declaration, and refused
                binding.clear_binding_outputs()
                self._bind_outputs()
            run(binding)
        binding.synchronize_outputs()

    def outputs(self) -> list[NDArray[Any]]:
        """See the base class; also finds outputs whose shapes the graph declares wrongly."""
        self.run(1)
        found = list(self._binding.copy_outputs_to_cpu())
        pairs = zip(self._session.get_outputs(), found, strict=True)
        self._misdeclared = [port.name for port, array in pairs if _contradicts(port.shape, array.shape)]
        if self._misdeclared:
            self.facts["misdeclared_outputs"] = self._misdeclared
        return [array.astype(np.float32, copy=False) if array.dtype.kind == "f" else array for array in found]

    def empty_caches(self, cache_bytes: int) -> bool:
        """See the base class; those of a GPU are out of reach from here."""
        return self._kind == "cpu" and empty_host_caches(cache_bytes)

    def close(self) -> None:
        """See the base class."""
        self._session = self._binding = None
        self._kept = {}


def _ort_value(array: NDArray[Any], kind: str) -> Any:
    """Puts an array on the device; numpy's own formats and bfloat16 are known to ONNX Runtime."""
    import onnxruntime as ort

    if array.dtype.name == "bfloat16":
        return ort.OrtValue.ortvalue_from_numpy_with_onnx_type(array.view("uint16"), BFLOAT16)
    return ort.OrtValue.ortvalue_from_numpy(array, kind, 0)


def _contradicts(declared: list[int | str | None], shape: tuple[int, ...]) -> bool:
    """Says whether fixed sizes that a graph declares differ from the real ones; an undeclared shape is empty."""
    fixed = [(size, came) for size, came in zip(declared, shape, strict=False) if isinstance(size, int) and size > 0]
    return any(size != came for size, came in fixed)
