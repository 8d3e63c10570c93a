"""The user's own ONNX file, identified by its content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hwcost.errors import DataError, MissingExtraError, UsageError
from hwcost.workloads.base import Workload, check_shape, digest
from hwcost.workloads.builder import Input, draw_inputs

_PASSED_ON = ("Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten")
"""Operators behind which ids still are ids."""


@dataclass(frozen=True, slots=True)
class OnnxWorkload(Workload):
    """An ONNX graph with its dynamic dimensions filled in.

    Two files with the same content are the same workload, wherever they lie.

    Attributes:
        path: Where the file lies.
        sha256: Hex digest of the file, checked when it is used.
        batch_size: Fills dynamic dimensions whose name holds ``batch``, and unnamed first ones.
        seq_len: Fills dynamic dimensions whose name holds ``seq`` or ``len``, and other second ones; None when no
            dimension takes it.
    """

    kind: ClassVar[str] = "onnx"

    path: str = field(compare=False)
    sha256: str
    batch_size: int = 1
    seq_len: int | None = None
    dtype: str = "float32"

    def __post_init__(self) -> None:
        check_shape(self.batch_size, self.seq_len, self.dtype)

    @classmethod
    def of(cls, path: str | Path, batch_size: int = 1, seq_len: int = 128) -> OnnxWorkload:
        """Reads a file and makes its workload.

        Raises:
            DataError: When the file is missing or no ONNX model.
            UsageError: When the graph fixes another batch size, or has a dynamic dimension that nothing fills.
        """
        made = cls(str(Path(path).resolve()), _file_digest(path), batch_size, seq_len)
        ports = _ports(made.graph())
        for port in ports:
            port.shape(batch_size, seq_len)
            fixed = port.dims[0] if len(port.dims) > 1 else batch_size
            if isinstance(fixed, int) and fixed != batch_size:
                raise UsageError(
                    f"input '{port.name}' of '{path}' has the fixed batch size {fixed}, {batch_size} was asked for. "
                    f"Ask for {fixed}, or export the model with a dynamic batch."
                )
        takes_seq_len = any(_role(i, d) == "seq_len" for port in ports for i, d in enumerate(port.dims))
        return made if takes_seq_len else replace(made, seq_len=None)

    @property
    def name(self) -> str:
        """For example ``bert.onnx@1x128``."""
        return self._described(Path(self.path).name)

    @property
    def key(self) -> str:
        """SHA-256 over everything but the path."""
        return digest({name: value for name, value in self.as_dict().items() if name != "path"})

    def graph(self) -> Any:
        """Reads the graph (an ``onnx.GraphProto``), without weights that lie in other files.

        Raises:
            DataError: When the file is missing, has changed, or is no ONNX model.
            MissingExtraError: When onnx is not installed.
        """
        try:
            import onnx
            from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
        except ImportError:
            raise MissingExtraError("onnx", "onnx") from None
        if _file_digest(self.path) != self.sha256:
            raise DataError(f"'{self.path}' is not the file that the workload was made of. Make the workload anew.")
        try:
            graph = onnx.load(self.path, load_external_data=False).graph
        except DecodeError:
            graph = None
        if graph is None or not graph.node:
            raise DataError(f"'{self.path}' is not an ONNX model")
        return graph

    def inputs(self, seed: int = 0) -> dict[str, NDArray[Any]]:
        """See the base class; ids stay within the table that the graph looks them up in, masks are ones."""
        graph = self.graph()
        ports = _ports(graph)
        specs = {p.name: Input(p.shape(self.batch_size, self.seq_len), *p.bounds(graph)) for p in ports}
        drawn = draw_inputs(specs, seed)
        return {p.name: drawn[p.name] if p.is_float else drawn[p.name].astype(p.dtype) for p in ports}


@dataclass(frozen=True, slots=True)
class _Port:
    """One input of a graph; a dynamic dimension is its name, which may be empty."""

    name: str
    dtype: np.dtype[Any]
    dims: tuple[int | str, ...]

    @property
    def is_float(self) -> bool:
        # Formats that numpy lacks (bfloat16, 8-bit floats) come as structured or custom types: not integer, not bool.
        return self.dtype.kind not in "iub"

    def shape(self, batch_size: int, seq_len: int | None) -> tuple[int, ...]:
        """Fills the dynamic dimensions."""
        fillers = {"batch_size": batch_size, "seq_len": seq_len}
        sizes = [dim if isinstance(dim, int) else fillers.get(_role(i, dim)) for i, dim in enumerate(self.dims)]
        for dim, size in zip(self.dims, sizes, strict=True):
            if size is None:
                raise UsageError(
                    f"input '{self.name}' has a dynamic dimension '{dim}' that neither the batch size nor the sequence "
                    f"length fills: {list(self.dims)}. Export the model with that dimension fixed."
                )
        return tuple(size for size in sizes if size is not None)

    def bounds(self, graph: Any) -> tuple[int | None, int]:
        """Returns what integers stay below, and the least; None for floating-point numbers."""
        if self.is_float:
            return None, 0
        if "mask" in self.name.lower() or self.dtype.kind == "b":
            return 2, 1
        return _rows_looked_up(graph, self.name) or 2, 0


def _role(index: int, dim: int | str) -> str:
    """Says what fills a dimension: ``batch_size``, ``seq_len``, or nothing (an empty text)."""
    if isinstance(dim, int):
        return ""
    if "batch" in dim.lower():
        return "batch_size"
    if "seq" in dim.lower() or "len" in dim.lower():
        return "seq_len"
    return ("batch_size", "seq_len")[index] if index < 2 else ""


def _ports(graph: Any) -> list[_Port]:
    """Returns the graph's inputs that no initializer fills."""
    from onnx import helper

    constants = {tensor.name for tensor in graph.initializer}
    tensors = [(value.name, value.type.tensor_type) for value in graph.input if value.name not in constants]
    return [
        _Port(
            name,
            np.dtype(helper.tensor_dtype_to_np_dtype(tensor.elem_type)),
            tuple(dim.dim_value if dim.HasField("dim_value") else dim.dim_param for dim in tensor.shape.dim),
        )
        for name, tensor in tensors
    ]


def _rows_looked_up(graph: Any, name: str) -> int | None:
    """Returns the rows of the smallest constant table that a graph looks an input up in; None when there is none."""
    rows = {tensor.name: tensor.dims[0] for tensor in graph.initializer if tensor.dims}
    aliases, found = {name}, []
    for node in graph.node:  # nodes are in topological order
        if node.op_type in _PASSED_ON and node.input[0] in aliases:
            aliases.update(node.output)
        if node.op_type == "Gather" and node.input[1] in aliases and node.input[0] in rows:
            found.append(rows[node.input[0]])
    return min(found, default=None)


def _file_digest(path: str | Path) -> str:
    try:
        with open(path, "rb") as file:
            found = hashlib.sha256()
            while block := file.read(1 << 20):
                found.update(block)
    except OSError as error:
        raise DataError(f"cannot read '{path}': {error.strerror}") from None
    return found.hexdigest()
