"""Tables with a column of latencies for each device: where one is named, the others look like features."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from hwcost._types import Floats
from hwcost.exchange.column_names import is_latency_name
from hwcost.exchange.numerals import number
from hwcost.exchange.sheet import Sheet, for_shell

FEWEST_ROWS = 10
"""Rows below which numbers that differ are chance."""

DECIMALS, DIFFERENT = 0.5, 0.8
"""Shares of the rows that hold decimals, and of different values, from which a column may have been measured."""

APART, LEAST_AGREEMENT = 1e3, 0.3
"""Largest typical ratio to the latency, and least correlation of logs with it, of what may be another latency."""

_OF_WORK = re.compile(r"flop|mac|param|byte|ops|work|size|mem|ratio", re.IGNORECASE)


def remarks_on_other_devices(sheet: Sheet, columns: Sequence[str], latency: str | None) -> list[str]:
    """Returns the remark on features that may be latencies of other devices; none where the name of the latency says one.

    Args:
        sheet: The table, the latency included.
        columns: Names of the features.
        latency: Name of the column that was asked for as the latency; None where none was.
    """
    if latency is None or latency not in sheet.columns or is_latency_name(latency) or len(sheet) < FEWEST_ROWS:
        return []
    own = _measured(sheet.columns[latency])
    found = [name for name in columns if own is not None and _may_be_one(name, sheet.columns.get(name, []), own)]
    if not found:
        return []
    quoted = ", ".join(f"'{name}'" for name in found)
    are = "are features that look" if len(found) > 1 else "is a feature that looks"
    return [
        f"{quoted} {are} as '{latency}' does: decimals that differ from row to row. Where these are latencies too, of "
        f"other devices or runs, a new net has none: --drop {for_shell(*found)} leaves them out."
    ]


def _may_be_one(name: str, texts: Sequence[str], latency: Floats) -> bool:
    values = None if _OF_WORK.search(name) else _measured(texts)
    if values is None:
        return False
    logs, own = np.log(values), np.log(latency)
    is_near = abs(float(np.median(logs - own))) <= math.log(APART)
    return is_near and float(np.corrcoef(logs, own)[0, 1]) >= LEAST_AGREEMENT


def _measured(texts: Sequence[str]) -> Floats | None:
    """Returns the numbers of a column where all are positive and most are decimals that differ; None for any other."""
    found = [number(text) for text in texts]
    values = np.array([math.nan if one is None else one for one in found], dtype=np.float64)
    if not len(values) or not bool(np.all(np.isfinite(values) & (values > 0))):
        return None
    is_varied = len(np.unique(values)) >= DIFFERENT * len(values)
    return values if is_varied and float(np.mean(values != np.round(values))) >= DECIMALS else None
