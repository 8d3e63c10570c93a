"""Several measurements of one architecture in one row: a list in its cell, or a column for each."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from hwcost._types import Floats
from hwcost.errors import DataError
from hwcost.exchange.numerals import is_number, number
from hwcost.exchange.sheet import Sheet
from hwcost.spaces.nested import read_nested

MOST_IN_LISTS, MOST_IN_COLUMNS = 0.25, 0.1
"""Typical deviation of measurements from their row's median, as a share of it, above which they are not of one thing."""

_COUNTED = re.compile(r"\d+")


def merged(sheet: Sheet, columns: Collection[str]) -> Sheet:
    """Returns the sheet with the median in place of every list of measurements.

    Args:
        sheet: The table.
        columns: Columns that may hold latencies.

    Raises:
        DataError: When the entries of lists differ by more than repeats of one measurement do.
    """
    held, remarks = dict(sheet.columns), []
    for name in columns:
        lists = _lists(sheet.columns[name])
        if lists is None:
            continue
        if (off := typical_deviation(lists)) > MOST_IN_LISTS:
            raise DataError(
                f"{sheet.head}: the entries of a list in the column '{name}' lie {100 * off:.0f} % from their median "
                "typically, so they are not measurements of one thing. Give the latency of each row as one number."
            )
        held[name] = [repr(float(np.median(one))) if one else "" for one in lists]
        sizes = sorted({len(one) for one in lists})
        count = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
        remarks.append(f"column '{name}' holds {count} measurements in a row, of which the median is taken.")
    return replace(sheet, columns=held).remarking(*remarks)


def are_numbered(names: Sequence[str]) -> bool:
    """Whether names differ in one number only, which counts from 0 or 1 without a gap: ``run1_ms``, ``run2_ms``."""
    parts = {tuple(_COUNTED.split(name)) for name in names}
    counts = [list(map(int, _COUNTED.findall(name))) for name in names]
    if len(names) < 2 or len(parts) != 1 or not counts[0]:
        return False
    varied = [sorted(values) for values in zip(*counts, strict=True) if len(set(values)) > 1]
    return len(varied) == 1 and varied[0] in (list(range(len(names))), list(range(1, len(names) + 1)))


def typical_deviation(rows: Sequence[Sequence[float]] | Floats) -> float:
    """Returns how far the measurements of a row lie from their median, as a share of it; the median over all rows."""
    several = [np.asarray(one, dtype=np.float64) for one in rows if len(one) > 1]
    off = [float(np.median(np.abs(one / np.median(one) - 1.0))) for one in several]
    return float(np.median(off)) if off else 0.0


def _lists(texts: Sequence[str]) -> list[list[float]] | None:
    """Reads cells that are lists of positive numbers, or empty; None where any cell holds something else."""
    if not any(text[:1] in ("[", "(") for text in texts):
        return None
    rows = []
    for text in texts:
        cell = read_nested(text) if text else []
        if not isinstance(cell, list) or not all(is_number(str(one)) for one in cell):
            return None
        rows.append([float(number(str(one)) or 0.0) for one in cell])
    return rows if all(one > 0 for row in rows for one in row) else None
