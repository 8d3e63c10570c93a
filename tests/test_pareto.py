"""Dominance and volumes against their definitions, written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hwcost import pareto
from hwcost.errors import UsageError

POINTS = st.integers(1, 4).flatmap(
    lambda d: arrays(np.float64, st.tuples(st.integers(1, 14), st.just(d)), elements=st.integers(0, 5).map(float))
)


@given(POINTS)
def test_a_front_is_what_nothing_dominates(points) -> None:
    expected = [not any(pareto.dominates(other, point) for other in points) for point in points]
    assert pareto.front(points).tolist() == expected


@given(POINTS)
def test_ranks_are_fronts_taken_away_one_after_another(points) -> None:
    ranks = pareto.ranks(points)
    for rank in range(ranks.max() + 1):
        left = ranks >= rank
        assert (pareto.front(points[left]) == (ranks[left] == rank)).all()


@given(POINTS)
def test_volumes_are_counted_cells(points) -> None:
    """Points on whole numbers dominate whole cells."""
    corner = np.full(points.shape[1], 6.0)
    cells = np.indices((6,) * points.shape[1]).reshape(points.shape[1], -1).T
    counted = sum(bool((points <= cell).all(axis=1).any()) for cell in cells)
    assert pareto.hypervolume(points, corner) == pytest.approx(counted)


def test_infinite_values_have_their_place() -> None:
    assert pareto.front([[1.0, np.inf]]).tolist() == [True]
    assert pareto.ranks([[1.0, np.inf], [0.0, 1.0], [np.inf, np.inf]]).tolist() == [1, 0, 2]
    assert pareto.crowding(np.empty((0, 2))).tolist() == []


def test_points_beyond_the_reference_add_nothing() -> None:
    assert pareto.hypervolume([[1.0, 1.0], [0.0, 9.0]], [2.0, 2.0]) == 1.0
    assert pareto.hypervolume([[3.0, 1.0]], [2.0, 2.0]) == 0.0


def test_crowding_is_as_printed() -> None:
    """Deb et al., section III B: the sides of the cuboid to the neighbours, each in units of the front's reach."""
    crowd = pareto.crowding([[0.0, 4.0], [1.0, 2.0], [4.0, 0.0]])
    assert crowd.tolist() == [np.inf, 2.0, np.inf]


@pytest.mark.parametrize(
    ("points", "message"), [([1.0, 2.0], "n, objectives"), ([[np.nan, 1.0]], "leave failed trials out")]
)
def test_what_has_no_order_is_refused(points, message) -> None:
    with pytest.raises(UsageError, match=message):
        pareto.front(points)


def test_a_reference_point_has_a_number_per_objective() -> None:
    with pytest.raises(UsageError, match="needs 2 numbers"):
        pareto.hypervolume([[1.0, 2.0]], [3.0])


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=20))
def test_a_knee_is_on_the_front_and_no_other_point_is_closer_to_the_corner(points) -> None:
    values = np.array(points)
    values = values[pareto.front(values)]
    scaled = (values - values.min(axis=0)) / np.where(np.ptp(values, axis=0) > 0, np.ptp(values, axis=0), 1.0)
    assert scaled[pareto.knee(values)].sum() == scaled.sum(axis=1).min()


def test_the_knee_of_a_bend() -> None:
    assert pareto.knee([[0.0, 1.0], [0.1, 0.1], [1.0, 0.0]]) == 1
    with pytest.raises(UsageError, match="points \\(n, 2\\)"):
        pareto.knee([[1.0, 2.0, 3.0]])
