"""Precision of the float32 matrix products of a GPU: the flags are set for a workload, recorded, and put back.

From release 2.9 on torch keeps each flag twice: as ``allow_tf32``, and as ``fp32_precision`` of every kind of operator that
it is about. Where only the second was set, by a user's module for instance, torch refuses to tell the first.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

REDUCED = "tfloat32"
"""Number format in which products of float32 may be rounded to the 10 bits of TF32."""

TF32, FULL = "tf32", "ieee"
"""torch's names of both precisions."""

State = tuple[bool, tuple[str, ...]]
"""Whether TF32 is allowed, and the precision of every kind of operator; none where torch has no such precisions."""


@contextmanager
def precision(dtype: str) -> Iterator[None]:
    """Lets torch multiply float32 matrices in TF32 for ``tfloat32`` alone, and puts the flags back afterwards.

    Args:
        dtype: Number format of the workload.
    """
    both = _flags()
    before = [flag.state() for flag in both]
    for flag in both:
        flag.allow(dtype == REDUCED)
    try:
        yield
    finally:
        for flag, state in zip(both, before, strict=True):
            flag.set(state)


class _Flag:
    """One flag of torch.

    Args:
        owner: Object with ``allow_tf32``.
        kinds: Objects with ``fp32_precision``, where this torch has any.
    """

    def __init__(self, owner: Any, *kinds: Any) -> None:
        self._owner = owner
        self._kinds = [one for one in kinds if hasattr(one, "fp32_precision")]

    def state(self) -> State:
        """Returns how it is set; where torch refuses to tell, ``allow_tf32`` is what the kinds are not."""
        precisions = tuple(str(one.fp32_precision) for one in self._kinds)
        try:
            return bool(self._owner.allow_tf32), precisions
        except RuntimeError:
            return TF32 not in precisions, precisions

    def allow(self, is_allowed: bool) -> None:
        """Allows TF32 or forbids it, to all kinds of operators."""
        _, precisions = self.state()
        self.set((is_allowed, tuple(TF32 if is_allowed else FULL if one == TF32 else one for one in precisions)))

    def set(self, state: State) -> None:
        """Sets it, and writes nothing where it is set like that: torch warns of ``allow_tf32``."""
        if self.state() == state:
            return
        is_allowed, precisions = state
        self._owner.allow_tf32 = is_allowed
        for one, wanted in zip(self._kinds, precisions, strict=True):
            if one.fp32_precision != wanted:
                one.fp32_precision = wanted


def _flags() -> tuple[_Flag, _Flag]:
    import torch

    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    return _Flag(matmul, matmul), _Flag(cudnn, *(getattr(cudnn, kind, None) for kind in ("conv", "rnn")))


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
