"""Files of random numbers that the weights of exported nets lie in, once for all nets.

The library's own nets take their matrices from one pool of random numbers, :mod:`hwcost.workloads.weights`. Their ONNX
files name places in a file of these numbers instead of holding them, so that a BERT-base takes 1 MB and not 440: forty of
them are written, kept and read from memory as one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from hwcost.workloads.weights import Pool

SUFFIX = ".weights"

KEY_BYTES = 64
"""Bytes at the beginning of a matrix by which its place is found; all of its bytes are compared then."""


def store_transposed(module: torch.nn.Module) -> None:
    """Lets the weights of linear layers lie in memory as an exported graph holds them: one row for each input.

    The exporter folds the transposition that a linear layer computes, and what was one piece of a pool would be none. Shapes
    and places stay as they are; which number stands where in a weight changes.

    Args:
        module: Module whose weights are changed.
    """
    import torch

    for one in module.modules():
        if isinstance(one, torch.nn.Linear) and one.weight.is_contiguous():
            one.weight.data = one.weight.data.view(one.in_features, one.out_features).t()


def refer(model: Any, module: torch.nn.Module, pools: Mapping[torch.dtype, Pool], folder: Path) -> dict[str, int]:
    """Lets a model's weights lie in files of numbers, as far as they are pieces of a pool, and fills these files so far.

    Args:
        model: An ``onnx_ir.Model``, which is changed.
        module: Module that it was exported from.
        pools: Pools by number format.
        folder: Folder of the files, in which the model's own file is to lie too.

    Returns:
        Bytes that are needed of each file, by its name.

    Raises:
        OSError: When a file cannot be written.
    """
    import onnx_ir

    from hwcost.workloads.weights import SHARED_NUMBERS, buffer

    pieces = dict(_pieces(module, pools))
    names: dict[torch.dtype, str] = {}
    needed: dict[str, int] = {}
    for name, value in model.graph.initializers.items():
        held = value.const_value
        if held is None or held.size < SHARED_NUMBERS:
            continue
        data = held.tobytes()
        dtype, place = pieces.get(data[:KEY_BYTES], (None, 0))
        if dtype is None or as_bytes(pools[dtype].piece(place, held.size)) != data:
            continue
        file = names.setdefault(dtype, f"{hashlib.sha256(as_bytes(buffer().to(dtype))).hexdigest()[:16]}{SUFFIX}")
        start = place * dtype.itemsize
        value.const_value = onnx_ir.ExternalTensor(
            file, start, len(data), held.dtype, shape=held.shape, name=name, base_dir=str(folder)
        )
        needed[file] = max(needed.get(file, 0), start + len(data))
    for dtype, file in names.items():
        fill(folder / file, as_bytes(buffer().to(dtype)), needed[file])
    return needed


def _pieces(module: torch.nn.Module, pools: Mapping[torch.dtype, Pool]) -> Iterator[tuple[bytes, tuple[torch.dtype, int]]]:
    """Yields how the numbers of each matrix begin in memory, with its pool and its place there."""
    for one in module.parameters():
        place = None if (pool := pools.get(one.dtype)) is None else pool.place(one)
        if pool is not None and place is not None:
            yield bytes(as_bytes(pool.piece(place, KEY_BYTES // one.element_size()))), (one.dtype, place)


def as_bytes(numbers: torch.Tensor) -> memoryview:
    """Returns the bytes of a tensor, whatever its format."""
    import torch

    return memoryview(numbers.contiguous().view(torch.uint8).numpy())


def fill(path: Path, period: memoryview, n_bytes: int) -> None:
    """Writes a file so far that it holds so many bytes: the same ones again and again.

    Several processes may do that at once, and others read meanwhile: all write the same, one byte after another from where
    the file ended, so that whatever a file holds is right.

    Args:
        path: The file; it is made when it is not there.
        period: Bytes that are repeated.
        n_bytes: Bytes that the file is to hold at least.

    Raises:
        OSError: When it cannot be written.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
    try:
        at = os.fstat(file).st_size
        while at < n_bytes:
            start = at % len(period)
            at += os.pwrite(file, period[start : start + n_bytes - at], at)
    finally:
        os.close(file)


def are_there(needed: Mapping[str, int], folder: Path) -> bool:
    """Says whether the files hold as many bytes as are needed of them."""
    try:
        return all((folder / name).stat().st_size >= n_bytes for name, n_bytes in needed.items())
    except FileNotFoundError:
        return False
