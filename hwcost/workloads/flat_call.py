# mypy: allow-subclassing-any
"""A module that takes and returns only tensors, around one that takes and returns nested ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import torch

from hwcost.workloads.built import PLAIN, Built, mapped


class FlatCall(torch.nn.Module):
    """Calls a module with the tensors of ``Built.flat()`` by position, and returns the tensors of its result.

    Args:
        built: The module with its inputs, whose nesting and plain values are kept.
    """

    def __init__(self, built: Built) -> None:
        super().__init__()
        self.module = built.module
        self._built = built

    def forward(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Takes one tensor per input, and returns one per output."""
        left = iter(tensors)
        inputs = {name: mapped(value, lambda _: next(left)) for name, value in self._built.inputs.items()}
        result = self.module(**inputs) if self._built.by_name else self.module(*inputs.values())
        return tuple(flat_tensors(result))


def flat_tensors(result: Any) -> list[torch.Tensor]:
    """Collects the tensors of a result: a tensor, or tensors in tuples, lists, mappings and dataclasses.

    Other objects, such as caches of keys and values, are left out.
    """
    if isinstance(result, torch.Tensor):
        return [result]
    return [tensor for part in _parts(result) or [] for tensor in flat_tensors(part)]


def left_out(result: Any) -> list[str]:
    """Names the kinds of objects that :func:`flat_tensors` leaves out."""
    if isinstance(result, (torch.Tensor, *PLAIN)):
        return []
    parts = _parts(result)
    if parts is None:
        return [type(result).__name__]
    return sorted({kind for part in parts for kind in left_out(part)})


def _parts(result: Any) -> list[Any] | None:
    """Returns the values in a mapping, a dataclass, a tuple or a list; None for any other object."""
    if isinstance(result, Mapping):
        return list(result.values())
    if dataclasses.is_dataclass(result):
        return [getattr(result, field.name) for field in dataclasses.fields(result)]
    return list(result) if isinstance(result, (tuple, list)) else None
