from __future__ import annotations

import numpy as np
import pytest

from hwcost.measure import guards
from hwcost.measure.timer import Block


def codes(flags: list[guards.Flag]) -> set[str]:
    return {flag.code for flag in flags}


def test_a_quiet_visit_has_no_doubts() -> None:
    samples = list(np.random.default_rng(0).normal(1, 0.005, 50))
    assert not guards.of_visit(samples, 0, {"cpu_steal_fraction": 0.0}, 0)


@pytest.mark.parametrize(
    ("conditions", "left_out", "compiled", "code"),
    [
        ({}, 0, 1, "E_COMPILE"),
        ({"cpu_steal_fraction": 0.2}, 0, 0, "E_FOREIGN"),
        ({"thermal_throttle_events": 2.0}, 0, 0, "E_THROTTLED"),
        ({"cgroup_throttled_s": 0.1}, 0, 0, "E_THROTTLED"),
        ({}, 30, 0, "W_DISTURBED"),
    ],
)
def test_each_fault_has_its_code(conditions: dict[str, float], left_out: int, compiled: int, code: str) -> None:
    flags = guards.of_visit([1.0] * 40, left_out, conditions, compiled)
    assert codes(flags) == {code}
    assert all(flag.text and flag.remedy for flag in flags)
    assert code in guards.CODES


def test_unknown_conditions_are_no_doubt() -> None:
    unknown = {"cpu_steal_fraction": None, "thermal_throttle_events": None, "cgroup_throttled_s": None}
    assert not guards.of_visit([1.0] * 20, 0, unknown, 0)


def test_blocks_without_the_processor_are_found() -> None:
    blocks = [Block(0.1, 1, 0.0999)] * 18 + [Block(0.14, 1, 0.1), Block(0.1, 1, 0.05)]
    assert [i for i, mark in enumerate(guards.disturbed(blocks)) if mark] == [18, 19]


@pytest.mark.parametrize("cpu_s", [None, 0.0001])
def test_sleepers_and_virtual_clocks_are_never_disturbed(cpu_s: float | None) -> None:
    assert not any(guards.disturbed([Block(0.1, 1, cpu_s)] * 20))


def test_two_groups_are_told_from_one() -> None:
    rng = np.random.default_rng(1)
    one = rng.normal(1, 0.01, 100)
    two = np.where(rng.random(100) < 0.5, one, one * 1.3)
    assert guards.is_multimodal(list(two))
    assert sum(guards.is_multimodal(list(rng.normal(1, 0.01, 100))) for _ in range(100)) <= 2


def test_configurations_that_were_never_applied_are_found() -> None:
    rng = np.random.default_rng(2)
    same = [[0.03 * np.exp(rng.normal(0, 0.01)) for _ in range(4)] for _ in range(30)]
    flag = guards.null_effect(same)
    assert flag is not None
    assert flag.code == "E_NULL_EFFECT"
    different = [[(0.03 + 0.001 * i) * np.exp(rng.normal(0, 0.01)) for _ in range(4)] for i in range(30)]
    assert guards.null_effect(different) is None
    assert guards.null_effect([[1.0, 1.1]]) is None


def test_a_machine_is_doubted_for_what_it_says_of_itself() -> None:
    assert not guards.of_machine(None, None)
    assert not guards.of_machine(None, "performance")
    assert codes(guards.of_machine("hypervisor", "powersave")) == {"W_VIRTUAL", "W_GOVERNOR"}
