"""Counts what a module does, on tensors without memory."""

# ruff: noqa: E402 - nothing below can be imported without the optional package

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch.utils.flop_counter import FlopCounterMode


def meta_inputs(specs):
    kinds = {True: torch.float32, False: torch.int64}
    return [torch.zeros(spec.shape, dtype=kinds[spec.below is None], device="meta") for spec in specs.values()]


def counted_flops(module, values):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(*values)
    return counter.get_total_flops()
