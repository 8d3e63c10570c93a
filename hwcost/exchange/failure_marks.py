"""Latencies that stand for a failure or a timeout: 99999, 1e9, or one largest value in several rows."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

import numpy as np

from hwcost._types import Floats
from hwcost.exchange.sheet import Sheet

LEAST, EXACT = 1e3, 15
"""Powers of ten above this one, and nines only such as 9999, are marks; nines up to this many digits are exact numbers."""

LIMITS = frozenset((*(2.0**bits - shift for bits in (15, 16, 31, 32, 63, 64) for shift in (0, 1)), sys.float_info.max))
"""Largest values of number formats."""

FAR = 10.0
"""A mark is at least so many times the largest latency that is none."""

SAME, SAME_FAR = 3, 4.5
"""A largest value that stands in so many rows, so many times above all others, is the limit of a timeout."""


def refuse_marks(sheet: Sheet, name: str, values: Sequence[float]) -> None:
    """Refuses a column of latencies some of which stand for a failure.

    Args:
        sheet: The table.
        name: Name of the column.
        values: Numbers of the column in its own unit, all positive and finite.

    Raises:
        DataError: When there are such rows; names all of them.
    """
    rows = failure_marks(np.asarray(values, dtype=np.float64))
    if not rows:
        return
    cells = sorted({sheet.columns[name][row] for row in rows})
    what = f"'{cells[0]}' stands for a failure or a timeout rather than for a latency" + (
        f", as do {', '.join(cells[1:4])}" if len(cells) > 1 else ""
    )
    more = f" (such values are in {len(rows)} of {len(sheet)} rows: {sheet.at(rows)})" if len(rows) > 1 else ""
    high = max(value for row, value in enumerate(values) if row not in set(rows))
    advice = (
        f"It is far above all other latencies, the largest of which is {high:g}. Delete "
        f"{'the line' if len(rows) == 1 else 'these lines'}; a net that failed has no latency."
    )
    raise sheet.error(rows[0], name, what + more, advice)


def failure_marks(values: Floats) -> list[int]:
    """Returns the rows, ascending, whose value stands for a failure.

    Args:
        values: Positive numbers, shape (n,).
    """
    different, counts = np.unique(values, return_counts=True)
    largest = len(different)
    while largest > 1 and _is_mark(different[largest - 1]):
        largest -= 1
    if largest < len(different) and different[largest] >= FAR * different[largest - 1]:
        return np.flatnonzero(values >= different[largest]).tolist()
    if len(different) > SAME and counts[-1] >= SAME and different[-1] >= SAME_FAR * different[-2]:
        return np.flatnonzero(values == different[-1]).tolist()
    return []


def _is_mark(value: float) -> bool:
    """Whether a number is one that programs write in place of a missing one."""
    if value in LIMITS:
        return True
    if value <= LEAST or not value.is_integer():
        return False
    power = round(math.log10(value))
    return value == float(f"1e{power}") or (power <= EXACT and value == 10.0**power - 1.0)
