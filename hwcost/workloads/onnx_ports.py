"""The inputs of an ONNX graph, and the sizes of their dimensions, as far as names and places determine them.

A dimension is a number, or a text: a name such as ``batch``, a sum such as ``past_sequence_length + sequence_length``, or
empty. Numbers below one are what some exporters write for a dynamic dimension.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hwcost.errors import UsageError

ROLES = ("batch_size", "seq_len")
_ANONYMOUS = re.compile(r"\?|unk_*\d+|dynamic_axes_.*|s\d+|dim_?\d+|.*_dim_\d+|.*_dynamic_axes_\d+")
"""Names that exporters make up."""
_BATCH = re.compile(r".*batch.*|b|n|bs|bsz")
_SEQ = re.compile(r".*(seq|len).*|[slt]|tokens?|num_tokens|time(_?steps?)?")
_OTHER = re.compile(r".*(past|cache|prev|total|history|kv).*")
"""Lengths that are not the length of the sequence that is fed."""
_TERMS = re.compile(r"\s*(\+|\s-\s)\s*")
_FACTORS = re.compile(r"\s*\*\s*")

Sizes = Mapping[str, int]


@dataclass(frozen=True)
class Port:
    """One input of a graph.

    Attributes:
        name: Name of the input.
        elem_type: ONNX's number of the input's format.
        dtype: The format in numpy.
        dims: Dimensions of the input; None when even their number is unknown.
    """

    name: str
    elem_type: int
    dtype: np.dtype[Any]
    dims: tuple[int | str, ...] | None

    @property
    def is_float(self) -> bool:
        """Whether it holds floating-point numbers; formats that numpy lacks are neither integer nor boolean."""
        return self.dtype.kind not in "iub"

    @property
    def is_sequence(self) -> bool:
        """Whether it looks like ids or a mask: a table of integers or truth values, wider than the bytes of images."""
        return not self.is_float and not self.is_bytes and self.dims is not None and len(self.dims) == 2

    @property
    def is_bytes(self) -> bool:
        """Whether it holds integers of 8 bits, as images do."""
        return self.dtype.kind in "iu" and self.dtype.itemsize == 1

    @property
    def has_sums(self) -> bool:
        """Whether a dimension is computed from others."""
        return any(isinstance(dim, str) and _is_sum(dim) for dim in self.dims or ())

    def shape(self, sizes: Sizes) -> tuple[int, ...]:
        """Returns the sizes of all dimensions.

        Args:
            sizes: Sizes by role (``batch_size``, ``seq_len``), by the dimension's name, or by :meth:`place`.

        Raises:
            UsageError: When the size of a dimension is unknown; says how to give it.
        """
        if self.dims is None:
            given = [size for key, size in sizes.items() if re.fullmatch(re.escape(self.name) + r"\.\d+", key)]
            if not given:
                raise UsageError(f"input '{self.name}' has no shape. Give it, for example --input {self.name}=1x64.")
            return tuple(given)
        found = [self._size(index, sizes) for index in range(len(self.dims))]
        if None in found:
            unknown = str(self.dims[found.index(None)]) or f"number {found.index(None) + 1}"
            example = "x".join(str(size or sizes.get("seq_len") or 128) for size in found)
            raise UsageError(
                f"input '{self.name}' has a dynamic dimension '{unknown}' that neither the batch size nor the sequence "
                f"length determines: {self.described()}. Give its shape, for example --input {self.name}={example}; other "
                f"inputs with dimensions of the same names follow."
            )
        return tuple(size for size in found if size is not None)

    def bind(self, shape: Sequence[int]) -> dict[str, int]:
        """Returns the sizes that a shape determines: by name, or by place where a dimension has none.

        Raises:
            UsageError: When the shape contradicts the graph.
        """
        dims = tuple("" for _ in shape) if self.dims is None else self.dims
        fixed = [(dim, size) for dim, size in zip(dims, shape, strict=False) if isinstance(dim, int)]
        if len(dims) != len(shape) or any(dim != size for dim, size in fixed):
            given = "x".join(map(str, shape)) or "scalar"
            raise UsageError(f"input '{self.name}' is {self.described()}, and was given the shape {given}")
        pairs = zip(range(len(dims)), dims, shape, strict=True)
        return {self._key(index, dim): size for index, dim, size in pairs if isinstance(dim, str) and not _is_sum(dim)}

    def solve(self, shape: Sequence[int], known: Sizes) -> dict[str, int]:
        """Returns the sizes that the dimensions that are sums determine, given those that others have.

        Raises:
            UsageError: When the shape contradicts what is known.
        """
        found: dict[str, int] = {}
        for index, (dim, size) in enumerate(zip(self.dims or (), shape, strict=False)):
            if isinstance(dim, str) and _is_sum(dim):
                found |= _solved(dim, size, {**known, **found}, self, index)
        return found

    def roles(self) -> Iterator[tuple[str, str]]:
        """Yields the key and the role of each dimension that has one."""
        for index, dim in enumerate(self.dims or ()):
            if isinstance(dim, str):
                role = _role(index, dim)
                if role:
                    yield self._key(index, dim), role

    def described(self) -> str:
        """Returns the shape and format in words, for example ``1 x 4 x past_length x 16 float32``."""
        dims = "of unknown shape" if self.dims is None else " x ".join(str(dim) or "?" for dim in self.dims) or "scalar"
        return f"{dims} {self.dtype}"

    def _key(self, index: int, dim: str) -> str:
        return dim if dim and dim != "?" else f"{self.name}.{index}"

    def _size(self, index: int, sizes: Sizes) -> int | None:
        assert self.dims is not None
        dim = self.dims[index]
        if isinstance(dim, int):
            return dim
        for key in (self._key(index, dim), f"{self.name}.{index}"):
            if key in sizes:
                return sizes[key]
        if _is_sum(dim):
            return _sum(dim, sizes)
        return sizes.get(_role(index, dim))


def ports(graph: Any) -> list[Port]:
    """Returns the inputs of a graph that no initializer fills.

    Raises:
        UsageError: When an input is not a tensor of numbers.
    """
    from onnx import helper

    constants = {tensor.name for tensor in graph.initializer}
    found = []
    for value in graph.input:
        if value.name in constants:
            continue
        tensor = value.type.tensor_type
        dtype = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.elem_type)) if tensor.elem_type else np.dtype(object)
        if dtype.kind in "OUSc":
            kind = str(value.type.WhichOneof("value")).removesuffix("_type")
            what = f"a tensor of {dtype if dtype.kind == 'c' else 'texts'}" if tensor.elem_type else f"of type {kind}"
            raise UsageError(f"input '{value.name}' is {what}. Only tensors of numbers can be filled.")
        dims = tuple(map(_dim, tensor.shape.dim)) if tensor.HasField("shape") else None
        found.append(Port(value.name, tensor.elem_type, dtype, dims))
    return found


def _dim(dim: Any) -> int | str:
    if dim.HasField("dim_value") and dim.dim_value > 0:
        return int(dim.dim_value)
    return str(dim.dim_param).strip()


def _role(index: int, dim: str) -> str:
    """Returns the role that determines a dimension: ``batch_size``, ``seq_len``, or none (an empty text)."""
    name = dim.lower()
    if _is_sum(dim) or _OTHER.fullmatch(name):
        return ""
    if not name or _ANONYMOUS.fullmatch(name):
        return ROLES[index] if index < 2 else ""
    if _BATCH.fullmatch(name):
        return "batch_size"
    return "seq_len" if _SEQ.fullmatch(name) else ""


def _is_sum(dim: str) -> bool:
    return bool(_TERMS.search(dim) or _FACTORS.search(dim))


def _sum(dim: str, sizes: Sizes) -> int | None:
    """Works out a sum of products of names and numbers; None when a part is unknown."""
    total = 0
    for sign, term in _terms(dim):
        product = sign
        for factor in _FACTORS.split(term):
            size = int(factor) if factor.isdigit() else sizes.get(factor, sizes.get(_named_role(factor)))
            if size is None:
                return None
            product *= size
        total += product
    return total


def _solved(dim: str, size: int, known: Sizes, port: Port, index: int) -> dict[str, int]:
    """Returns the one unknown name of a sum, from the size of the whole.

    Raises:
        UsageError: When no size of it gives that whole.
    """
    names = [term for sign, term in _terms(dim) if sign > 0 and not term.isdigit() and not _FACTORS.search(term)]
    unknown = [name for name in names if name not in known]
    rest = _sum(dim, {**known, **dict.fromkeys(unknown, 0)})
    if len(unknown) == 1 and rest is not None and size > rest:
        return {unknown[0]: size - rest}
    if unknown or rest is None:
        return {f"{port.name}.{index}": size}
    if rest == size:
        return {}
    raise UsageError(f"input '{port.name}' is {port.described()}, so that '{dim}' is {rest}, and was given as {size}")


def _terms(dim: str) -> list[tuple[int, str]]:
    parts = _TERMS.split(dim.strip())
    signs = [1, *(1 if sign.strip() == "+" else -1 for sign in parts[1::2])]
    return [(sign, term.strip(" ()")) for sign, term in zip(signs, parts[::2], strict=True)]


def _named_role(name: str) -> str:
    """The role of a part of a sum, which has no place of its own."""
    return "" if _ANONYMOUS.fullmatch(name.lower()) else _role(2, name)
