"""The memory of a GPU that torch's allocator holds, and what is free of it."""

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


def free_cuda_bytes(cuda: Any) -> int | None:
    """Returns the free bytes of the present GPU, with those that torch has reserved and does not use.

    Args:
        cuda: The module ``torch.cuda``.

    Returns:
        None where this process does not use a GPU.
    """
    if not cuda.is_initialized():
        return None
    free, _ = cuda.mem_get_info()
    return int(free + cuda.memory_reserved() - cuda.memory_allocated())
