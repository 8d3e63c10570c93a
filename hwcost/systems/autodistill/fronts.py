"""Fronts of measured latency and quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hwcost.pareto import dominates, front, hypervolume
from hwcost.systems.autodistill.results import Evaluated, Search, Searched, Student


def points(nets: Mapping[str, Student], keys: Sequence[str], quality: str) -> NDArray[np.float64]:
    """Returns latency and loss, an accuracy with its sign changed, of those students that were measured, shape (n, 2)."""
    found = [(nets[key].measured_s, nets[key].loss(quality)) for key in keys if nets[key].measured_s is not None]
    return np.array(found, dtype=np.float64).reshape(-1, 2)


def areas(nets: Mapping[str, Student], search: Search) -> tuple[dict[str, float], dict[str, float] | None]:
    """Returns the area that each search's measured front covers, as a share of a rectangle that begins at the best values.

    Args:
        nets: Measured students by key, the reference among them.
        search: Both searches.

    Returns:
        The areas below the worst measured values, and those beyond the reference; the latter are None where the reference
        was not measured.
    """
    every, reference = (points(nets, keys, search.quality) for keys in (list(nets), [search.reference]))
    if not len(every):
        return {}, None
    fronts = {name: points(nets, one.front, search.quality) for name, one in search.by_name.items()}
    low = every.min(axis=0)
    whole = {name: _area(one, low, every.max(axis=0)) for name, one in fronts.items()}
    if not len(reference):
        return whole, None
    return whole, {name: _area(one, low, reference[0]) for name, one in fronts.items()}


def searched(trials: Sequence[Evaluated], quality: str) -> Searched:
    """Returns a search with its front, what dominates its first student (the reference), and its progress beyond that one.

    Args:
        trials: Evaluated students in order, the reference first.
        quality: Name of the quality that counts beside latency.
    """
    values = np.array([(one.latency_s, one.loss(quality)) for one in trials], dtype=np.float64)
    reference = values[0]
    kept, better = front(values), dominates(values, reference)
    return Searched(
        list(trials),
        [one.arch for one, is_kept in zip(trials, kept, strict=True) if is_kept],
        [one.arch for one, is_better in zip(trials, better, strict=True) if is_better],
        [float(hypervolume(values[: count + 1], reference)) for count in range(len(trials))],
    )


def _area(found: NDArray[np.float64], low: NDArray[np.float64], corner: NDArray[np.float64]) -> float:
    if not len(found):
        return 0.0
    spread = np.where(corner > low, corner - low, 1.0)
    return float(hypervolume((found - low) / spread, np.ones(2)))


def is_better(one: Student, other: Student, quality: str) -> bool:
    """Says whether a student dominates another one as measured."""
    if one.measured_s is None or other.measured_s is None:
        return False
    return bool(dominates([one.measured_s, one.loss(quality)], [other.measured_s, other.loss(quality)]))
