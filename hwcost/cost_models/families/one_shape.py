"""Refuses measurements at several batch sizes or lengths for a model that knows neither."""

from __future__ import annotations

from hwcost.cost_models.registry import candidates
from hwcost.errors import UsageError
from hwcost.spaces.base import SearchSpace
from hwcost.spaces.shaped import Shaped

__all__ = ["refuse_shapes"]


def refuse_shapes(model: str, space: SearchSpace, why: str) -> None:
    """Refuses a space of architectures with their shapes.

    Args:
        model: Name of the cost model.
        space: The space that it was asked for.
        why: Clause that says why it is of one shape.

    Raises:
        UsageError: When the space is one; says which models there are for it, and how to keep one shape.
    """
    if not isinstance(space, Shaped):
        return
    raise UsageError(
        f"the cost model '{model}' is of one batch size and sequence length, because {why}, and it was given architectures "
        f"of space '{space.base.name}' at several. Models over several: {', '.join(['auto', *candidates(space)])}. Take one "
        "of these, or keep the measurements at one shape (--batch-size 1 --seq-len 128)"
    )
