"""ONNX files whose dynamic dimensions are written as zeros, which runtimes take literally."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def loadable(path: Path) -> tuple[Path, bool]:
    """Returns a file in which dimensions of size zero are dynamic, as those who write them mean it.

    A file whose weights lie in other files stays as it is, since they are found from its own place.

    Args:
        path: The user's file.

    Returns:
        The path, and whether it is a copy that belongs to the caller.
    """
    import onnx

    model = onnx.load(str(path), load_external_data=False)
    zeros = list(_zeros(model.graph))
    is_split = any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in model.graph.initializer)
    if not zeros or is_split:
        return path, False
    for number, dim in enumerate(zeros):
        dim.Clear()
        dim.dim_param = f"dynamic_{number}"
    with tempfile.NamedTemporaryFile(suffix=".onnx", delete=False) as file:
        file.write(model.SerializeToString())
    return Path(file.name), True


def _zeros(graph: Any) -> Iterator[Any]:
    """Yields the dimensions of size zero of inputs that no initializer fills, and of outputs."""
    constants = {tensor.name for tensor in graph.initializer}
    for value in (*graph.input, *graph.output):
        if value.name not in constants:
            yield from (dim for dim in value.type.tensor_type.shape.dim if dim.HasField("dim_value") and dim.dim_value == 0)
