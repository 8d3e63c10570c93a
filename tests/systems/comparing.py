"""Compares reports of runs of which one was interrupted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

SPENT = ("seconds", "campaign", "flags", "doubts")
"""What tells of the run, and of the machine meanwhile."""


SCORES = ("score", "quality", "pearson", "spearman", "average")
"""Correlations of what nets predict; those of nets that were hardly trained are near 0."""


def differing(one: Any, other: Any, place: str = "", scores: float = 0.0) -> Iterator[str]:
    """Yields where two results differ, but for the time they took.

    A campaign that was interrupted has another process, and so another clock: what is measured, and what follows from it,
    agrees to a thousandth; what is chosen is the same.

    Args:
        one: A result.
        other: The other one.
        place: Place of both in a report.
        scores: Absolute difference that two correlations may have.
    """
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for key in one:
            if key not in SPENT:
                yield from differing(one[key], other[key], f"{place}/{key}", scores)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, pair in enumerate(zip(one, other, strict=True)):
            yield from differing(*pair, f"{place}/{index}", scores)
    elif isinstance(one, float) and isinstance(other, float):
        if one != pytest.approx(other, rel=1e-3, abs=scores if place.endswith(SCORES) or "/scores/" in place else None):
            yield f"{place}: {one} and {other}"
    elif one != other:
        yield f"{place}: {one} and {other}"
