"""The user's own ONNX file, identified by its content."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hwcost.errors import DataError, MissingExtraError, UsageError
from hwcost.workloads.base import ITEMSIZES, Workload, check_shape, digest
from hwcost.workloads.builder import Input, draw_inputs
from hwcost.workloads.input_option import InputShape
from hwcost.workloads.onnx_checks import check_outputs, check_weights, instead
from hwcost.workloads.onnx_ports import Port, ports

_PASSED_ON = ("Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten")
"""Operators behind which ids still are ids."""
_FIXED = "fixes_seq_len"
BYTES = 128
"""Upper bound of integers of 8 bits, such as those of images."""


@dataclass(frozen=True, slots=True)
class OnnxWorkload(Workload):
    """An ONNX graph with its dynamic dimensions filled in.

    Two files with the same content are the same workload, wherever they lie.

    Attributes:
        path: Path of the file.
        sha256: Hex digest of the file, checked when it is used.
        batch_size: Size of dynamic dimensions whose name holds ``batch``, and of unnamed first ones; else the one that the
            graph fixes, None where that is unknown.
        seq_len: Size of dynamic dimensions whose name holds ``seq`` or ``len``, and of unnamed second ones; else the one
            that the graph fixes, None where that is unknown.
        dtype: Floating-point format of the file's weights, or the one that a runtime was asked to compute in instead.
        fixes_seq_len: Whether the graph fixes the sequence length, so that it does not belong to the identity.
        sizes: Sizes of the other dynamic dimensions by name, or by input and place (``pixels.2``).
    """

    kind: ClassVar[str] = "onnx"
    runtimes: ClassVar[tuple[str, ...]] = ("onnxruntime", "openvino", "tensorrt")

    path: str = field(compare=False)
    sha256: str
    batch_size: int | None = 1
    seq_len: int | None = None
    dtype: str = "float32"
    fixes_seq_len: bool = False
    sizes: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        check_shape(self.batch_size, self.seq_len, self.dtype if self.dtype in ITEMSIZES else "float32")

    @classmethod
    def of(
        cls,
        path: str | Path,
        batch_size: int | None = None,
        seq_len: int | None = None,
        *,
        dtype: str | None = None,
        inputs: Mapping[str, InputShape | Sequence[int]] | None = None,
        default: tuple[int, int] = (1, 128),
    ) -> OnnxWorkload:
        """Reads a file and makes its workload.

        Args:
            path: The file.
            batch_size: Batch size that is asked for; None takes the one that the file or ``inputs`` fix, else the default.
            seq_len: Sequence length, likewise.
            dtype: Format that a runtime is asked to compute in; None takes the file's own.
            inputs: Shapes of inputs by name. Dimensions of other inputs that have the same names follow.
            default: Batch size and sequence length of dynamic dimensions where nothing else determines them.

        Raises:
            DataError: When the file is missing or no ONNX model, or its outputs are constants.
            UsageError: When the graph fixes other sizes, has a dynamic dimension of unknown size, or no such input.
        """
        check_shape(batch_size, seq_len, dtype or "float32")
        made = cls(str(Path(path).resolve()), _file_digest(path))
        graph = made.graph()
        found = ports(graph)
        check_outputs(graph, [port.name for port in found], path)
        own = _file_dtype(graph, found)
        if dtype not in (None, own, "bfloat16"):
            raise UsageError(
                f"'{path}' holds {own} numbers, and {dtype} was asked for. A runtime computes in the file's own format: "
                f"convert the file, or ask for no dtype."
            )
        given = _given(found, {name: _input_shape(one) for name, one in (inputs or {}).items()})
        roles = dict(pair for port in found for pair in port.roles())
        fixed = _fixed(found)

        def filled(role: str, asked: int | None, start: int) -> int | None:
            shaped = [given[key] for key, of in roles.items() if of == role and key in given]
            return _filled(role, asked, shaped, fixed[role], start if role in roles.values() else None, path)

        sizes = {
            "batch_size": filled("batch_size", batch_size, default[0]),
            "seq_len": filled("seq_len", seq_len, default[1]),
        }
        others = {key: size for key, size in given.items() if key not in roles or size != sizes[roles[key]]}
        made = replace(
            made, batch_size=sizes["batch_size"], seq_len=sizes["seq_len"], dtype=dtype or own,
            fixes_seq_len=sizes["seq_len"] is not None and "seq_len" not in roles.values(),
            sizes=tuple(sorted(others.items())),
        )  # fmt: skip
        for port in sorted(found, key=lambda port: port.has_sums):
            port.shape(made._sizes())
        return made

    @property
    def name(self) -> str:
        """Name for people, for example ``bert.onnx@1x128``; sizes of further dimensions follow."""
        further = "".join(f",{name}={size}" for name, size in self.sizes)
        return self._described(Path(self.path).name) + further

    @property
    def key(self) -> str:
        """SHA-256 over everything but the path, and but the sequence length where the content fixes it."""
        found = {name: value for name, value in self.as_dict().items() if name not in ("path", _FIXED)}
        return digest(found | ({"seq_len": None} if self.fixes_seq_len else {}))

    def as_dict(self) -> dict[str, Any]:
        """See the base class; what is not used is left out."""
        found = {"kind": self.kind, **asdict(self), "sizes": dict(self.sizes)}
        return {name: value for name, value in found.items() if value or name not in (_FIXED, "sizes")}

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> OnnxWorkload:
        """See the base class."""
        return cls(**{**fields, "sizes": tuple(sorted(fields.get("sizes", {}).items()))})

    def graph(self) -> Any:
        """Reads the graph (an ``onnx.GraphProto``), without weights that lie in other files.

        Raises:
            DataError: When the file is missing, has changed, or is not an ONNX model.
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
            raise DataError(f"'{self.path}' is not an ONNX model{instead(self.path)}")
        check_weights(graph, Path(self.path).parent)
        return graph

    def file_dtype(self) -> str:
        """Returns the floating-point format of most of the file's weights, of its inputs where it has none."""
        graph = self.graph()
        return _file_dtype(graph, ports(graph))

    def inputs(self, seed: int = 0) -> dict[str, NDArray[Any]]:
        """See the base class; in the graph's own formats. Ids stay within the table that the graph looks them up in."""
        graph = self.graph()
        found = ports(graph)
        specs = {port.name: Input(port.shape(self._sizes()), *_bounds(port, graph)) for port in found}
        drawn = draw_inputs(specs, seed)
        return {port.name: drawn[port.name].astype(port.dtype) for port in found}

    def _sizes(self) -> dict[str, int]:
        roles = {"batch_size": self.batch_size, "seq_len": self.seq_len}
        return {name: size for name, size in roles.items() if size is not None} | dict(self.sizes)


def _input_shape(given: InputShape | Sequence[int]) -> InputShape:
    return given if isinstance(given, InputShape) else InputShape(tuple(given))


def _given(inputs: list[Port], shapes: Mapping[str, InputShape]) -> dict[str, int]:
    """Returns the sizes that the given shapes fix, by the names of dimensions."""
    known = {port.name: port for port in inputs}
    found: dict[str, int] = {}
    for name, shape in shapes.items():
        if name not in known:
            listed = "; ".join(f"{port.name}: {port.described()}" for port in inputs)
            raise UsageError(f"the graph has no input '{name}'. It has {listed}")
        if shape.dtype not in (None, known[name].dtype.name):
            raise UsageError(
                f"input '{name}' holds {known[name].dtype}, and {shape.dtype} was given. The graph fixes the format."
            )
        for key, size in known[name].bind(shape.dims).items():
            if found.setdefault(key, size) != size:
                raise UsageError(f"the dimension '{key}' was given both as {found[key]} and as {size}")
    for name, shape in shapes.items():
        found |= known[name].solve(shape.dims, found)
    return found


def _filled(
    role: str, asked: int | None, given: list[int], fixed: list[int], start: int | None, path: str | Path
) -> int | None:
    """Returns a batch size or sequence length: what is asked for, what shapes or the graph fix, or the default.

    Raises:
        UsageError: When what is asked for cannot be applied.
    """
    what = {"batch_size": "batch size", "seq_len": "sequence length"}[role]
    if given:
        if asked is not None and asked not in given:
            raise UsageError(f"the given shapes have the {what} {given[0]}, and {asked} was asked for. Ask for one of them.")
        return asked or given[0]
    if start is not None:
        return start if asked is None else asked
    if asked is not None and asked not in fixed:
        has = f"fixes the {what} {fixed[0]}" if fixed else f"has no {what}"
        remedy = f"Ask for {fixed[0]}" if fixed else f"Ask for no {what}"
        advice = f"{remedy}, or export the model with dynamic dimensions."
        raise UsageError(f"'{path}' {has}, and {asked} was asked for. {advice}")
    return asked if asked is not None else (fixed[0] if len(set(fixed)) == 1 else None)


def _fixed(inputs: list[Port]) -> dict[str, list[int]]:
    """Returns the sizes that fixed dimensions mean, by role: only ids and masks have a sequence length."""
    dims = [port.dims or () for port in inputs]
    ids = [port.dims or () for port in inputs if port.is_sequence]
    batches = ids or [one for one in dims if len(one) > 1] or [one for one in dims if one]
    return {
        "batch_size": [one[0] for one in batches if isinstance(one[0], int)],
        "seq_len": [one[1] for one in ids if isinstance(one[1], int)],
    }


def _file_dtype(graph: Any, inputs: list[Port]) -> str:
    from onnx import helper

    counts: Counter[str] = Counter()
    for tensor in graph.initializer:
        dtype = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type))
        if dtype.kind == "f" or dtype.name == "bfloat16":
            counts[dtype.name] += int(np.prod(tensor.dims, dtype=np.int64))
    if not counts:
        counts.update(port.dtype.name for port in inputs if port.is_float)
    return counts.most_common(1)[0][0] if counts else "float32"


def _bounds(port: Port, graph: Any) -> tuple[int | None, int]:
    """Returns the number that an input's integers stay below, None for floating-point numbers, and their least value."""
    if port.is_float:
        return None, 0
    if "mask" in port.name.lower() or port.dtype.kind == "b":
        return 2, 1
    return _rows_looked_up(graph, port.name) or (BYTES if port.is_bytes else 2), 0


def _rows_looked_up(graph: Any, name: str) -> int | None:
    """Returns the rows of the smallest constant table that a graph looks an input up in; None when there is none."""
    rows = {tensor.name: tensor.dims[0] for tensor in graph.initializer if tensor.dims}
    aliases, found = {name}, []
    for node in graph.node:  # nodes are in topological order
        table, *looked_up = node.input or [""]
        if node.op_type in _PASSED_ON and table in aliases:
            aliases.update(node.output)
        if node.op_type == "Gather" and aliases.intersection(looked_up) and table in rows:
            found.append(rows[table])
    return min(found, default=None)


def _file_digest(path: str | Path) -> str:
    if Path(path).exists() and not Path(path).is_file():
        raise DataError(f"cannot read '{path}': it is not a plain file. Give the file of an ONNX model")
    try:
        with open(path, "rb") as file:
            found = hashlib.sha256()
            while block := file.read(1 << 20):
                found.update(block)
    except OSError as error:
        raise DataError(f"cannot read '{path}': {error.strerror}") from None
    return found.hexdigest()
