"""Fronts of measured latency and quality, and of peak memory where that is an objective."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hwcost.pareto import dominates, front, hypervolume
from hwcost.systems.autodistill.results import Evaluated, Search, Searched, Student


def points(nets: Mapping[str, Student], keys: Sequence[str], search: Search) -> NDArray[np.float64]:
    """Returns what is minimised of those students that were measured.

    Args:
        nets: Students by key.
        keys: Keys of the students to take.
        search: Searches, which say what the objectives are.

    Returns:
        Latency and loss, an accuracy with its sign changed, and peak memory where it is an objective, shape (n, 2 or 3).
    """
    found = [_point(nets[key], search) for key in keys]
    kept = [one for one in found if None not in one]
    return np.array(kept, dtype=np.float64).reshape(-1, 2 + search.has_memory)


def _point(net: Student, search: Search) -> list[float | None]:
    return [net.measured_s, net.loss(search.quality), *([net.peak_memory_bytes] if search.has_memory else [])]


def areas(nets: Mapping[str, Student], search: Search) -> tuple[dict[str, float], dict[str, float] | None]:
    """Returns the area that each search's measured front covers, as a share of a rectangle that begins at the best values.

    Where there are three objectives it is a volume, as a share of a box.

    Args:
        nets: Measured students by key, the reference among them.
        search: Both searches.

    Returns:
        The areas below the worst measured values, and those beyond the reference; the latter are None where the reference
        was not measured. They are 0 where the rectangle has no extent: nothing is beyond a reference with the best value.
    """
    every, reference = (points(nets, keys, search) for keys in (list(nets), [search.reference]))
    if not len(every):
        return {}, None
    fronts = {name: points(nets, one.front, search) for name, one in search.by_name.items()}
    low = every.min(axis=0)
    whole = {name: _area(one, low, every.max(axis=0)) for name, one in fronts.items()}
    if not len(reference):
        return whole, None
    return whole, {name: _area(one, low, reference[0]) for name, one in fronts.items()}


def searched(trials: Sequence[Evaluated], quality: str, has_memory: bool = False) -> Searched:
    """Returns a search with its front, what dominates its first student (the reference), and its progress beyond that one.

    Args:
        trials: Evaluated students in order, the reference first.
        quality: Name of the quality that counts beside latency.
        has_memory: Whether peak memory counts too.
    """
    rows = [(one.latency_s, one.loss(quality), *([one.memory_bytes] if has_memory else [])) for one in trials]
    values = np.array(rows, dtype=np.float64)
    reference = values[0]
    kept, better = front(values), dominates(values, reference)
    return Searched(
        list(trials),
        [one.arch for one, is_kept in zip(trials, kept, strict=True) if is_kept],
        [one.arch for one, is_better in zip(trials, better, strict=True) if is_better],
        [float(hypervolume(values[: count + 1], reference)) for count in range(len(trials))],
    )


def _area(found: NDArray[np.float64], low: NDArray[np.float64], corner: NDArray[np.float64]) -> float:
    spread = corner - low
    if not len(found) or not np.all(spread > 0):
        return 0.0
    return float(hypervolume((found - low) / spread, np.ones(found.shape[1])))


def is_better(one: Student, other: Student, search: Search) -> bool:
    """Says whether a student dominates another one as measured."""
    own, beside = _point(one, search), _point(other, search)
    if None in own or None in beside:
        return False
    return bool(dominates(np.array(own, dtype=np.float64), np.array(beside, dtype=np.float64)))
