"""The best span of every window: one that begins before it ends, is short enough, and has the largest sum of scores.

Source: Devlin et al., "BERT", section 4.2: the score of a span is that of its start plus that of its end.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Found", "best_spans"]


class Found(NamedTuple):
    """The best span of each row; of equals the shorter one, then the earlier one.

    Attributes:
        first: Position of its first token, (n,).
        last: Position of its last token, (n,).
        score: Sum of the scores of both; minus infinity where no span is allowed, (n,).
    """

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    score: NDArray[np.float64]


def best_spans(
    scores: NDArray[np.floating], can_start: NDArray[np.bool_], can_end: NDArray[np.bool_], longest: int
) -> Found:
    """Searches all spans.

    Args:
        scores: Scores of starts and ends, (n, 2, S).
        can_start: Positions at which a span may begin, (n, S).
        can_end: Positions at which it may end, (n, S).
        longest: Number of tokens of a span, at most.
    """
    starts = np.where(can_start, scores[:, 0].astype(np.float64), -np.inf)
    ends = np.where(can_end, scores[:, 1].astype(np.float64), -np.inf)
    count, size = starts.shape
    rows = np.arange(count)
    best = Found(np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64), np.full(count, -np.inf))
    for more in range(min(longest, size)):
        sums = starts[:, : size - more] + ends[:, more:]
        first = sums.argmax(1)
        is_better = sums[rows, first] > best.score
        best = Found(
            np.where(is_better, first, best.first), np.where(is_better, first + more, best.last),
            np.where(is_better, sums[rows, first], best.score),
        )  # fmt: skip
    return best
