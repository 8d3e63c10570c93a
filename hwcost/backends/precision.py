"""Precision of the float32 matrix products of a GPU: the flags are set for a workload, recorded, and put back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

REDUCED = "tfloat32"
"""Number format in which products of float32 may be rounded to the 10 bits of TF32."""


@contextmanager
def precision(dtype: str) -> Iterator[None]:
    """Lets torch multiply float32 matrices in TF32 for ``tfloat32`` alone, and puts the flags back afterwards.

    A flag is written only where it differs, since newer releases of torch keep it in several places.

    Args:
        dtype: Number format of the workload.
    """
    import torch

    owners = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [owner.allow_tf32 for owner in owners]
    _set(owners, [dtype == REDUCED] * len(owners))
    try:
        yield
    finally:
        _set(owners, before)


def _set(owners: tuple[Any, ...], wanted: list[bool]) -> None:
    for owner, value in zip(owners, wanted, strict=True):
        if owner.allow_tf32 != value:
            owner.allow_tf32 = value


def flags() -> dict[str, bool]:
    """Returns the flags by which torch chooses kernels of matrix products, as they are now."""
    import torch

    matmul = torch.backends.cuda.matmul
    return {
        "allow_tf32": bool(matmul.allow_tf32),
        "cudnn_allow_tf32": bool(torch.backends.cudnn.allow_tf32),
        "allow_bf16_reduced_precision_reduction": bool(matmul.allow_bf16_reduced_precision_reduction),
        "allow_fp16_reduced_precision_reduction": bool(matmul.allow_fp16_reduced_precision_reduction),
    }
