# mypy: allow-subclassing-any, allow-untyped-decorators
"""Modules that run the kernels in Triton. To torch.compile each is one operator, which it leaves as it is."""

from __future__ import annotations

import torch
from torch import nn

from hwcost.kernels.bottleneck_norm import bottleneck_norm
from hwcost.kernels.uncentred_norm import uncentred_norm
from hwcost.workloads.modules import EPSILON


@torch.library.custom_op("hwcost::uncentred_norm", mutates_args=())
def _uncentred_norm(hidden: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    result: torch.Tensor = uncentred_norm(hidden, weight, bias, EPSILON)
    return result


@_uncentred_norm.register_fake
def _(hidden: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(hidden, memory_format=torch.contiguous_format)


@torch.library.custom_op("hwcost::bottleneck_norm", mutates_args=())
def _bottleneck_norm(
    hidden: torch.Tensor,
    matrix: torch.Tensor,
    shift: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor,
    centred: bool,
    precision: str,
) -> torch.Tensor:
    result: torch.Tensor = bottleneck_norm(hidden, matrix, shift, weight, bias, EPSILON, centred, precision)
    return result


@_bottleneck_norm.register_fake
def _(
    hidden: torch.Tensor,
    matrix: torch.Tensor,
    shift: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor,
    centred: bool,
    precision: str,
) -> torch.Tensor:
    return hidden.new_empty((*hidden.shape[:-1], matrix.shape[0]))


class UncentredNormKernel(nn.Module):
    """:class:`hwcost.workloads.components_model.UncentredNorm` as one kernel: (..., h) -> (..., h)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """See the class."""
        result: torch.Tensor = _uncentred_norm(hidden, self.weight, self.bias)
        return result


class BottleneckNormKernel(nn.Module):
    """A dense layer and the layer norm behind it as one kernel: (..., D) -> (..., h).

    Args:
        inputs: Width D.
        outputs: Width h.
        centred: Whether the norm subtracts the mean.
        precision: Way of multiplying float32, see :mod:`hwcost.kernels.bottleneck_norm`.
    """

    def __init__(self, inputs: int, outputs: int, centred: bool = True, precision: str = "ieee") -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, outputs)
        self.weight = nn.Parameter(torch.ones(outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.centred, self.precision = centred, precision

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """See the class."""
        result: torch.Tensor = _bottleneck_norm(
            hidden, self.dense.weight, self.dense.bias, self.weight, self.bias, self.centred, self.precision
        )
        return result
