"""How large the nets of a paper's space are built: at the paper's size, or small enough to train on a processor.

A space of scale ``mini`` has the same kinds of genes at about an eighth of the width, with a vocabulary that a small corpus
can fill. It exists to be trained; no figure of a paper is about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from hwcost.errors import UsageError

MINI_VOCABULARY = 2048
MINI_POSITIONS = 128

SizesT = TypeVar("SizesT")


def sizes_of(scale: str, scales: Mapping[str, SizesT], space: str) -> SizesT:
    """Returns the sizes that a scale of a space stands for.

    Raises:
        UsageError: When the space has no such scale; lists those that it has.
    """
    if scale not in scales:
        raise UsageError(f"space '{space}' has no scale '{scale}'. Known: {', '.join(scales)}")
    return scales[scale]


def scale_option(scale: str) -> dict[str, str]:
    """Returns the option as it is kept: left out at the paper's scale."""
    return {} if scale == "paper" else {"scale": scale}
