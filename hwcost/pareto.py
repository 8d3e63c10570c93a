"""Dominance, fronts and the volume they cover. Everything is minimised; whoever maximises changes the sign first."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwcost._types import Floats
from hwcost.errors import UsageError

__all__ = ["crowding", "dominates", "front", "hypervolume", "knee", "ranks"]


def dominates(one: ArrayLike, other: ArrayLike) -> NDArray[np.bool_]:
    """Says where ``one`` is nowhere worse than ``other`` and somewhere better; the last axis holds the objectives."""
    a, b = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    return np.asarray((a <= b).all(axis=-1) & (a < b).any(axis=-1))


def front(values: ArrayLike) -> NDArray[np.bool_]:
    """Says which points no other point dominates; equal points all stay.

    Args:
        values: Shape (n, objectives).

    Returns:
        Shape (n,).
    """
    points = _checked(values)
    kept = np.ones(len(points), dtype=bool)
    if points.shape[1] == 2:
        return _front_of_two(points)
    for index in np.lexsort(points.T[::-1]):
        if kept[index]:
            kept &= ~dominates(points[index], points)
    return kept


def _front_of_two(points: Floats) -> NDArray[np.bool_]:
    order = np.lexsort((points[:, 1], points[:, 0]))
    first, second = points[order].T
    best = np.minimum.accumulate(second)
    start = np.searchsorted(first, first)  # where the run of equal first values begins
    kept = np.zeros(len(points), dtype=bool)
    kept[order] = (second == second[start]) & ((start == 0) | (second < best[np.maximum(start - 1, 0)]))
    return kept


def ranks(values: ArrayLike) -> NDArray[np.intp]:
    """Returns how many fronts must be taken away before a point is on one; 0 for the front, shape (n,)."""
    points = _checked(values)
    found = np.full(len(points), -1, dtype=np.intp)
    rank = 0
    while (left := np.flatnonzero(found < 0)).size:
        found[left[front(points[left])]] = rank
        rank += 1
    return found


def knee(values: ArrayLike) -> int:
    """Returns the point of a front of two objectives that lies furthest below the line through the front's ends.

    Args:
        values: Shape (n, 2), of one front.

    Raises:
        UsageError: Without any point, or when the objectives are not two.
    """
    points = _checked(values)
    if points.shape[1] != 2 or not len(points):
        raise UsageError(f"a knee is one of the points (n, 2) of a front, got an array of shape {points.shape}")
    low, spread = points.min(axis=0), np.ptp(points, axis=0)
    scaled = (points - low) / np.where(spread > 0, spread, 1.0)
    return int(np.argmin(scaled.sum(axis=1)))


def crowding(values: ArrayLike) -> Floats:
    """Returns the crowding distance of points of one front (Deb et al., NSGA-II), infinite at the ends; shape (n,)."""
    points = _checked(values)
    n = len(points)
    total = np.zeros(n)
    if not n:
        return total
    for column in points.T:
        order = np.argsort(column, kind="stable")
        spread = column[order[-1]] - column[order[0]]
        total[order[[0, -1]]] = np.inf
        if spread > 0 and n > 2:
            total[order[1:-1]] += (column[order[2:]] - column[order[:-2]]) / spread
    return total


def hypervolume(values: ArrayLike, reference: ArrayLike) -> float:
    """Returns the volume that points dominate below a reference point, exactly.

    By slicing along the last objective; meant for fronts of at most a few hundred points and a few objectives.

    Args:
        values: Shape (n, objectives).
        reference: Shape (objectives,); points that are not better in every objective add nothing.

    Raises:
        UsageError: When the shapes do not fit.
    """
    points, corner = _checked(values), np.asarray(reference, dtype=np.float64)
    if corner.shape != (points.shape[1],):
        raise UsageError(f"a reference point needs {points.shape[1]} numbers, got an array of shape {corner.shape}")
    points = points[(points < corner).all(axis=1)]
    return _volume(points[front(points)], corner) if len(points) else 0.0


def _volume(points: Floats, corner: Floats) -> float:
    if points.shape[1] == 1:
        return float(corner[0] - points.min())
    order = np.argsort(points[:, -1], kind="stable")
    points = points[order]
    depths = np.diff(np.append(points[:, -1], corner[-1]))
    if points.shape[1] == 2:
        return float((depths * (corner[0] - np.minimum.accumulate(points[:, 0]))).sum())
    total = 0.0
    for index, depth in enumerate(depths):
        if depth > 0:
            slab = points[: index + 1, :-1]
            total += depth * _volume(slab[front(slab)], corner[:-1])
    return total


def _checked(values: ArrayLike) -> Floats:
    points = np.asarray(values, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] < 1:
        raise UsageError(f"points are an array (n, objectives), got shape {points.shape}")
    if np.isnan(points).any():
        raise UsageError("a point with NaN has no place in an order; leave failed trials out")
    return points
