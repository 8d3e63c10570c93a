"""Operations that torch counts while a module runs on tensors without memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hwcost.workloads.builder import Input

if TYPE_CHECKING:
    import torch


def meta_inputs(inputs: Mapping[str, Input]) -> list[torch.Tensor]:
    """Returns tensors without memory that stand for the inputs of a module, in call order."""
    import torch

    dtypes = {True: torch.float32, False: torch.int64}
    return [torch.zeros(one.shape, dtype=dtypes[one.below is None], device="meta") for one in inputs.values()]


def counted_flops(module: torch.nn.Module, values: Sequence[torch.Tensor]) -> int:
    """Returns the operations of one call: matrix products and attention, one multiply-add is 2."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(*values)
    return int(counter.get_total_flops())
