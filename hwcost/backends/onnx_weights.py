"""Files of random numbers that the weights of exported nets lie in, once for all nets.

The library's own nets take their matrices from one pool of random numbers, :mod:`hwcost.workloads.weights`. Their ONNX
files name places in a file of these numbers instead of holding them, so that a BERT-base takes 1 MB and not 440: forty of
them are written, kept and read from memory as one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from hwcost.workloads.weights import Pool

SUFFIX = ".weights"


def refer(model: Any, module: torch.nn.Module, pools: Mapping[torch.dtype, Pool], folder: Path) -> dict[str, int]:
    """Lets a model's weights lie in files of numbers, as far as they are views of a pool, and fills these files so far.

    Args:
        model: An ``onnx_ir.Model``, which is changed.
        module: Module that it was exported from, by whose parameters its weights are named.
        pools: Pools by number format.
        folder: Folder of the files, in which the model's own file is to lie too.

    Returns:
        Bytes that are needed of each file, by its name.

    Raises:
        OSError: When a file cannot be written.
    """
    import onnx_ir

    from hwcost.workloads.weights import buffer

    parameters = dict(module.named_parameters())
    names: dict[torch.dtype, str] = {}
    needed: dict[str, int] = {}
    for name, value in model.graph.initializers.items():
        held = value.const_value
        raw = parameters.get(name)
        pool = None if raw is None else pools.get(raw.dtype)
        place = None if pool is None or raw is None else pool.place(raw)
        if held is None or raw is None or place is None or bytes(as_bytes(raw.view(-1))) != held.tobytes():
            continue
        numbers = as_bytes(buffer().to(raw.dtype))
        file = names.setdefault(raw.dtype, f"{hashlib.sha256(numbers).hexdigest()[:16]}{SUFFIX}")
        start, length = place * raw.element_size(), raw.numel() * raw.element_size()
        value.const_value = onnx_ir.ExternalTensor(
            file, start, length, held.dtype, shape=held.shape, name=name, base_dir=str(folder)
        )
        needed[file] = max(needed.get(file, 0), start + length)
    for dtype, file in names.items():
        fill(folder / file, as_bytes(buffer().to(dtype)), needed[file])
    return needed


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
