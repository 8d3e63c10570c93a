"""What rounds say of two codes: one value a round, whatever the machine does to both."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.history.evidence import Evidence, Seen, differences

ARMS = (("after", ("before",)),)


def rounds(before: list[float], after: list[float], weight: float = 1.0) -> Seen:
    values = {("before", number): (y, weight) for number, y in enumerate(before)}
    return {**values, **{("after", number): (y, weight) for number, y in enumerate(after)}}


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=20))
def test_what_the_machine_does_to_a_round_is_not_in_its_difference(levels: list[float]) -> None:
    found = differences(rounds(levels, [level + 0.06 for level in levels]), ARMS)
    assert found.differences == pytest.approx([0.06] * len(levels))
    assert found.weights == pytest.approx([1.0] * len(levels))


def test_a_round_that_lacks_an_arm_is_none() -> None:
    assert len(differences({("after", 0): (0.0, 1.0), ("before", 1): (0.0, 1.0)}, ARMS)) == 0
    assert math.isnan(differences({}, ARMS).interval()[0])


def test_rounds_without_the_uncontended_machine_count_only_where_most_are_so() -> None:
    seen = dict(rounds([0.0] * 6, [0.06] * 6))
    seen["after", 0] = (0.5, 0.0)
    found = differences(seen, ARMS)
    assert found.differences == pytest.approx([0.06] * 5)
    busy = differences({key: (y, 0.0) for key, (y, _) in seen.items()} | {("after", 5): (0.06, 1.0)}, ARMS)
    assert len(busy) == 6
    assert busy.weights == pytest.approx([1.0] * 6)


def test_the_vaguest_visit_of_a_round_decides_on_its_weight() -> None:
    seen = dict(rounds([0.0] * 4, [0.0] * 4))
    seen["before", 2] = (0.3, 0.01)
    found = differences(seen, ARMS)
    assert found.weights[2] == pytest.approx(2 / 101)
    mean, half = found.interval()
    assert abs(mean) < 0.3 * 2 / 101
    assert half < math.inf


def test_several_workloads_of_a_round_are_one_value() -> None:
    slower = {"a": 0.02, "b": 0.0}
    seen = {(f"{arm}{i}", number): (i * (0.1 + slower[arm]), 1.0) for arm in "ab" for i in (1, 3) for number in range(4)}
    found = differences(seen, (("a1", ("b1",)), ("a3", ("b3",))))
    assert found.differences == pytest.approx([0.04] * 4)
    assert found.weights == pytest.approx([1.0] * 4)


def test_beside_several_anchors_it_is_their_mean() -> None:
    seen = {("net", 0): (1.0, 1.0), ("x", 0): (0.2, 1.0), ("y", 0): (0.4, 1.0)}
    found = differences(seen, (("net", ("x", "y")),))
    assert found.differences == pytest.approx([0.7])


def test_rounds_of_two_nights_are_kept_and_joined() -> None:
    rng = np.random.default_rng(1)
    first, second = (Evidence(0.05 + 0.01 * rng.standard_normal(n), np.full(n, 0.5)) for n in (4, 6))
    both = Evidence.of(first.to_list()).joined(second)
    assert len(both) == 10
    assert both.differences[:4] == pytest.approx(first.differences, abs=1e-6)
    assert both.interval()[1] < second.interval()[1]
    assert len(Evidence.of()) == 0


def test_weights_of_one_scale_change_nothing_but_the_amount() -> None:
    y = np.random.default_rng(2).normal(0, 0.01, 12)
    full, vague = Evidence(y, np.ones(12)).interval(), Evidence(y, np.full(12, 0.5)).interval()
    assert vague[0] == pytest.approx(full[0])
    assert vague[1] == pytest.approx(full[1], rel=0.1)


def test_a_machine_that_moves_within_a_round_cancels_beside_workloads_without_a_difference() -> None:
    rng = np.random.default_rng(0)
    found: dict[tuple[str, int], tuple[float, float]] = {}
    steady = tuple((f"s{k} after", (f"s{k} before",)) for k in range(5))
    for number in range(12):
        for code, size in (("before", 0.0), ("after", 0.06)):
            moved = rng.normal(0.0, 0.15)  # of all that the process measures
            found[code, number] = size + moved + rng.normal(0.0, 0.01), 1.0
            found |= {(f"s{k} {code}", number): (moved + rng.normal(0.0, 0.01), 1.0) for k in range(5)}
    alone, beside = differences(found, ARMS), differences(found, ARMS, steady)
    assert alone.interval()[1] > 0.06
    mean, half = beside.interval()
    assert half < 0.03
    assert mean == pytest.approx(0.06, abs=0.015)
    assert beside.weights == pytest.approx(np.ones(12))


def test_rounds_count_as_little_as_the_workloads_beside_them_make_them() -> None:
    steady = (("s after", ("s before",)), ("t after", ("t before",)))
    full = {(f"{name} {code}".strip(), 0): (0.0, 1.0) for name in "st" for code in ("before", "after")}
    found: Seen = {**rounds([0.0], [0.1]), **full}
    assert differences(found, ARMS, steady).to_list() == [[0.1, 1.0]]
    vague = {**found, ("s after", 0): (0.02, 0.25), ("s before", 0): (0.0, 0.25)}
    (row,) = differences(vague, ARMS, steady).to_list()
    assert row == pytest.approx([0.1 - 0.02 * 0.25 / 1.25, 1.5 / (1 / 1.0 + 1 / 1.25)], abs=1e-6)


def test_without_any_workload_beside_them_rounds_are_taken_as_they_are() -> None:
    found = rounds([0.0, 0.1], [0.1, 0.2])
    assert differences(found, ARMS, (("lost", ("lost too",)),)).to_list() == differences(found, ARMS).to_list()
