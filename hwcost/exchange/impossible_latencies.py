"""Latencies that no net has: a limit at which those that take longer were cut off, and numbers in another unit by far."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence

import numpy as np

from hwcost._stats import median
from hwcost._types import Floats
from hwcost.errors import DataError
from hwcost.exchange.sheet import Sheet, for_shell

AT_LIMIT, CROWDED, FEWEST_OTHERS = 4, 3, 10
"""Architectures that share the largest latency, how many times as many as share any other, and different latencies beside
it, from which on it is a limit."""

SHORTEST_S, LONGEST_S = 1e-9, 1e5
"""Seconds that a call takes at least, and at most: a clock tick, and a day or so."""


def refuse_limit(sheet: Sheet, name: str, architectures: Sequence[Hashable], latency: Floats) -> None:
    """Refuses latencies that were cut off at a limit, which the nets that take longer all have.

    Args:
        sheet: The table.
        name: Name of the column of latencies.
        architectures: Architecture of every row.
        latency: Latencies in any unit, shape (n,).

    Raises:
        DataError: When there is a limit; names all rows at it.
    """
    rows = rows_at_limit(architectures, latency)
    if rows:
        what = f"'{sheet.columns[name][rows[0]]}' is the largest latency, and {len(rows)} rows share it ({sheet.at(rows)})"
        why = "whose architectures differ, while hardly any other latency occurs twice: it is the limit of a timeout"
        advice = f"Delete these lines; --latency {for_shell(name)} takes them as measured."
        raise sheet.error(rows[0], name, f"{what}, {why}", advice)


def rows_at_limit(architectures: Sequence[Hashable], latency: Floats) -> list[int]:
    """Returns the rows, ascending, of the largest latency, where far more architectures share it than any other.

    The others are the larger half of the different latencies, since small ones repeat where they are rounded.

    Args:
        architectures: Architecture of every row.
        latency: Latencies in any unit, shape (n,).
    """
    sharing: defaultdict[float, set[Hashable]] = defaultdict(set)
    for arch, value in zip(architectures, latency.tolist(), strict=True):
        sharing[value].add(arch)
    *others, largest = sorted(sharing) or [0.0]
    if len(others) < FEWEST_OTHERS:
        return []
    most = max(len(sharing[value]) for value in others[len(others) // 2 :])
    is_limit = len(sharing[largest]) >= max(AT_LIMIT, CROWDED * most)
    return np.flatnonzero(latency == largest).tolist() if is_limit else []


def refuse_wrong_unit(sheet: Sheet, columns: Sequence[str], latency_s: Floats) -> None:
    """Refuses latencies that are typically longer than a day or shorter than a tick of any clock: they are in another unit.

    Args:
        sheet: The table.
        columns: Names of the columns of latencies.
        latency_s: Latencies, shape (n,), seconds.

    Raises:
        DataError: When they are.
    """
    typical = median(latency_s)
    if SHORTEST_S <= typical <= LONGEST_S:
        return
    named = " + ".join(f"'{name}'" for name in columns)
    shown = sheet.columns[columns[0]][int(np.argmin(np.abs(latency_s - typical)))]
    raise DataError(
        f"{sheet.head}: half of the latencies are {'above' if typical > 1 else 'below'} {typical:.3g} s as {named} is read, "
        f"such as '{shown}'. No call takes that: say in which unit they are with --unit s, ms, us, ns or min."
    )
