"""The most memory that torch's allocator held on a GPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def watched_cuda_allocator(cuda: Any, place: Any) -> Callable[[], int]:
    """Begins to watch torch's allocator.

    Args:
        cuda: The module ``torch.cuda``.
        place: torch's name of the GPU.

    Returns:
        Function that returns the most bytes of tensors since, beyond those of now.
    """
    before = int(cuda.memory_allocated(place))
    cuda.reset_peak_memory_stats(place)
    return lambda: int(cuda.max_memory_allocated(place)) - before
