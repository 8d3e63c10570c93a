"""The latest values of a history, as tools take them that keep the history themselves."""

from __future__ import annotations

from hwcost.errors import UsageError
from hwcost.exchange.benchmarks.base import History
from hwcost.stores.series import Estimate, Series

_LARGER_IS_BETTER = ("_per_s", "_utilisation")
"""Ends of the names of quantities of which more is better."""


def latest_values(history: History, *, smaller_is_better: bool = False) -> list[tuple[Series, Estimate]]:
    """Returns the latest estimate of every series where it has a value; a missing one is left out, never zero.

    Args:
        history: Measurements that are exported.
        smaller_is_better: Whether quantities of which more is better are left out.

    Raises:
        UsageError: When no series has a latest value.
    """
    found = [
        (history.series[key], one)
        for key, one in history.latest.items()
        if one.value is not None and not (smaller_is_better and is_larger_better(history.series[key]))
    ]
    if not found:
        raise UsageError(
            "there is nothing to export: no series has a latest value. 'hwcost import FILE' or a campaign adds some; "
            "'hwcost export' without --format writes campaigns with their raw samples"
        )
    return sorted(found, key=lambda pair: (described(pair[0]), pair[0].series_key))


def is_larger_better(series: Series) -> bool:
    """Whether more of a series' quantity is better, such as of a rate."""
    return series.quantity.endswith(_LARGER_IS_BETTER)


def left_out(history: History, found: list[tuple[Series, Estimate]]) -> tuple[str, ...]:
    """Returns a remark on series that are not exported."""
    count = len(history.latest) - len(found)
    return (f"{count} series without a latest value, or of which more is better, are left out.",) if count else ()


def described(series: Series, *, is_with_quantity: bool = True) -> str:
    """Returns a name that tells a series from the others of a suite."""
    parts = [series.name]
    parts += [series.component] if series.component else []
    sizes = (("batch", series.batch_size), ("seq", series.seq_len), ("threads", series.threads))
    parts += [f"{name} {size}" for name, size in sizes if size is not None]
    parts += [series.precision] if series.precision else []
    parts += [f"on {series.device} by {series.backend}"]
    parts += [series.quantity] if is_with_quantity else []
    return ", ".join(parts)
