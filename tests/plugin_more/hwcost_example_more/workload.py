"""The kind of workload ``product``: a batch of products of two matrices, neither a model nor a component of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from hwcost.errors import UsageError
from hwcost.spaces.accounting import Work
from hwcost.workloads import Workload
from hwcost.workloads.base import check_shape
from hwcost.workloads.builder import Input, draw_inputs

if TYPE_CHECKING:
    import numpy as np
    import torch


@dataclass(frozen=True)
class Product(Workload):
    """Products of (rows, inner) and (inner, columns).

    Attributes:
        rows: Rows of the left matrix.
        inner: Columns of the left matrix, and rows of the right one.
        columns: Columns of the right matrix.
        batch_size: Products per call.
        seq_len: None, since there are no sequences.
        dtype: Number format of the matrices.
    """

    kind: ClassVar[str] = "product"

    rows: int
    inner: int
    columns: int
    batch_size: int = 1
    seq_len: int | None = None
    dtype: str = "float32"

    def __post_init__(self) -> None:
        check_shape(self.batch_size, self.seq_len, self.dtype)
        if min(self.rows, self.inner, self.columns) < 1:
            raise UsageError(f"sizes of matrices are at least 1, got {self.rows}, {self.inner} and {self.columns}")

    @property
    def name(self) -> str:
        """For example ``64x32x64@1``."""
        return self._described(f"{self.rows}x{self.inner}x{self.columns}")

    def work(self) -> Work:
        """Counts a multiply-add as two operations, and every matrix once."""
        moved = self.rows * self.inner + self.inner * self.columns + self.rows * self.columns
        return Work(0, 2 * self.rows * self.inner * self.columns, moved).times(self.batch_size)

    def build(self) -> torch.nn.Module:
        """Makes the module, which has no weights."""
        from torch import nn

        class BatchProduct(nn.Module):
            def forward(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
                return left @ right

        return BatchProduct().eval()

    def inputs(self, seed: int = 0) -> dict[str, np.ndarray[Any, Any]]:
        """Draws both matrices."""
        shapes = {"left": (self.rows, self.inner), "right": (self.inner, self.columns)}
        return draw_inputs({name: Input((self.batch_size, *shape)) for name, shape in shapes.items()}, seed)
