"""Seeded weights, filled fast: one buffer of normal numbers, tiled into every parameter at a drawn offset.

Where several modules are held at once, their matrices can be views of one pool of the same numbers. Those of one module
never overlap, so that a call reads as many bytes from memory as with weights of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Literal

import torch
from torch.overrides import TorchFunctionMode

from hwcost._dtypes import stored

BUFFER = 1_000_003
"""Numbers in the buffer; a prime, so that no row of a weight matrix repeats where the buffer does."""
STD = 0.02
"""Standard deviation of the weights, as BERT's initialisation has it; the scales of layer norms lie around 1."""
ALIGNED = 128
"""Numbers to a multiple of which each view begins: in every format aligned for the widest loads, and at equal numbers."""
SHARED_NUMBERS = 4096
"""Least numbers of a matrix that becomes a view."""

Role = Literal["matrix", "scale", "vector"]
"""Role of a tensor in the rule that gives it its numbers."""


class Pool:
    """Normal numbers of one format, the buffer again and again, from which modules take their matrices.

    It grows by being made anew, at least twice as large: modules that are there keep the pool that they were made of.

    Args:
        dtype: Number format.
    """

    def __init__(self, dtype: torch.dtype) -> None:
        self._normal = _normal().to(dtype)
        self._numbers = torch.empty(0, dtype=dtype)
        self._filled = 0

    def reserve(self, size: int) -> None:
        """Makes so many numbers ready."""
        if size > len(self._numbers):
            self._numbers = torch.empty(1 << (size - 1).bit_length(), dtype=self._normal.dtype)  # untouched until filled
            self._filled = 0
        if size > self._filled:
            _tile(self._numbers[self._filled : size], self._normal, self._filled % BUFFER)
            self._filled = size

    def view(self, start: int, shape: torch.Size) -> torch.Tensor:
        """Returns the numbers from ``start`` on as a tensor of a shape."""
        return self.piece(start, math.prod(shape)).view(shape)

    def piece(self, start: int, size: int) -> torch.Tensor:
        """Returns so many numbers from ``start`` on, fewer where the pool ends."""
        return self._numbers[start : min(start + size, self._filled)]

    def place(self, tensor: torch.Tensor) -> int | None:
        """Returns where in the pool the numbers of a tensor begin; None for a tensor with memory of its own."""
        is_view = tensor.untyped_storage().data_ptr() == self._numbers.untyped_storage().data_ptr()
        return int(tensor.storage_offset()) if is_view else None


_pools: dict[torch.dtype, Pool] | None = None
"""Pools of this process by number format; None where weights are not shared."""


@contextmanager
def shared_weights() -> Iterator[dict[torch.dtype, Pool]]:
    """Lets the modules that are built meanwhile have matrices in common, which nothing may write to.

    Yields:
        The pools by number format; one appears, or takes another's place, when a module needs it.
    """
    global _pools
    before, _pools = _pools, _kept()
    try:
        yield _pools
    finally:
        _pools = before


@lru_cache(maxsize=1)
def _kept() -> dict[torch.dtype, Pool]:
    return {}


class Uninitialised(TorchFunctionMode):  # type: ignore[misc]  # torch has no types for it
    """Skips the functions of ``torch.nn.init``: others fill the weights, and on ``meta`` they import torch's compiler."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Calls a function of torch; one that initialises returns its tensor as it is."""
        given = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            return given["tensor"] if "tensor" in given else args[0]
        return func(*args, **given)


def materialize(make: Callable[[], torch.nn.Module], dtype: str, seed: int) -> torch.nn.Module:
    """Builds a module without initialising it, then fills its parameters once.

    Args:
        make: Makes the module; called with torch's default device set to ``meta``.
        dtype: Number format of the parameters.
        seed: Equal seeds give equal weights.

    Returns:
        The module on the CPU, in eval mode, without gradients.
    """
    with torch.device("meta"), Uninitialised():
        module = make()
    unfilled: Any = module.to(getattr(torch, stored(dtype)))
    module = unfilled._apply(_empty).eval().requires_grad_(False)
    fill(module, seed, _pools)
    return module


def _empty(tensor: torch.Tensor) -> torch.Tensor:
    """Returns memory for a tensor, as ``to_empty`` does by way of torch's compiler, which it would import."""
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="cpu")


def fill(module: torch.nn.Module, seed: int, pools: dict[torch.dtype, Pool] | None = None) -> None:
    """Overwrites all parameters and buffers, in their order, with seeded normal numbers.

    Matrices take theirs one after another from a seeded place on, the other tensors each from a place of its own.

    Args:
        module: Module whose tensors are overwritten.
        seed: Equal seeds give equal numbers.
        pools: Pools by number format of which the matrices become views; None where they keep memory of their own.
    """
    normals: dict[torch.dtype, torch.Tensor] = {}
    tensors = [*module.parameters(), *module.buffers()]
    rule = places(module, seed)
    if pools is not None:
        _share([(one, start) for one, (role, start) in zip(tensors, rule, strict=True) if role == "matrix"], pools)
    with torch.no_grad():
        for tensor, (role, place) in zip(tensors, rule, strict=True):
            if role == "matrix" and pools is not None:
                continue
            normal = normals.setdefault(tensor.dtype, _normal().to(tensor.dtype))
            _tile(tensor.view(-1), normal, place % BUFFER)
            if role == "scale":
                tensor.add_(1)


def places(module: torch.nn.Module, seed: int) -> list[tuple[Role, int]]:
    """Returns where the numbers of each parameter and buffer begin, in their order; tensors may lie on ``meta``.

    A ``matrix`` has its place in the buffer repeated without end, so that none overlaps another; a ``scale`` of a norm has
    numbers with 1 added.
    """
    generator = torch.Generator().manual_seed(seed)
    matrices = _places(module, seed)
    scales = {id(one) for name, one in module.named_parameters() if name.endswith("weight") and one.ndim == 1}
    found: list[tuple[Role, int]] = []
    for tensor in [*module.parameters(), *module.buffers()]:
        drawn = int(torch.randint(BUFFER, (1,), generator=generator))
        role: Role = "matrix" if id(tensor) in matrices else "scale" if id(tensor) in scales else "vector"
        found.append((role, matrices.get(id(tensor), drawn)))
    return found


def buffer() -> Any:
    """Returns the numbers that all weights are taken from, float32 of shape (BUFFER,)."""
    return _normal()


def _places(module: torch.nn.Module, seed: int) -> dict[int, int]:
    """Returns where the numbers of each matrix begin, by its identity: one matrix after another, from a seeded place on."""
    offset = int(torch.randint(BUFFER, (1,), generator=torch.Generator().manual_seed(seed)))
    found: dict[int, int] = {}
    ends: dict[torch.dtype, int] = {}
    for one in module.parameters():
        if one.ndim > 1 and one.numel() >= SHARED_NUMBERS:
            found[id(one)] = -(-ends.get(one.dtype, offset) // ALIGNED) * ALIGNED
            ends[one.dtype] = found[id(one)] + one.numel()
    return found


def _share(matrices: list[tuple[torch.Tensor, int]], pools: dict[torch.dtype, Pool]) -> None:
    """Makes matrices, each with its place, views of the pools."""
    for one, place in reversed(matrices):  # the last one ends last, so that a pool grows once
        pool = pools.setdefault(one.dtype, Pool(one.dtype))
        pool.reserve(place + one.numel())
        one.data = pool.view(place, one.shape)


@lru_cache(maxsize=1)
def _normal() -> Any:
    return torch.randn(BUFFER, generator=torch.Generator().manual_seed(0)) * STD


def _tile(flat: torch.Tensor, normal: torch.Tensor, offset: int) -> None:
    """Copies the buffer, from ``offset`` on and as often as needed, into a flat tensor."""
    head = min(len(flat), BUFFER - offset)
    flat[:head] = normal[offset : offset + head]
    for start in range(head, len(flat), BUFFER):
        stop = min(start + BUFFER, len(flat))
        flat[start:stop] = normal[: stop - start]


def count_parameters(module: torch.nn.Module) -> int:
    """Counts parameters; one that is shared counts once, and a buffer not at all."""
    return sum(math.prod(parameter.shape) for parameter in module.parameters())
