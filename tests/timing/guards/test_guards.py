from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hwcost.agent import contention
from hwcost.timing.guards import guards
from hwcost.timing.guards.cache import hot_cache
from hwcost.timing.guards.duplicates import duplicates, samples_digest
from hwcost.timing.guards.modes import bands, bands_beyond, modes
from hwcost.timing.guards.null_effect import null_effect
from hwcost.timing.guards.work import check_async
from hwcost.timing.timer import Block


def codes(flags: list[guards.Flag]) -> set[str]:
    return {flag.code for flag in flags}


def test_a_quiet_visit_has_no_doubts() -> None:
    samples = list(np.random.default_rng(0).normal(1, 0.005, 50))
    assert not guards.of_visit(samples, {"cpu_steal_fraction": 0.0})


@pytest.mark.parametrize(
    ("conditions", "more", "code", "numbers"),
    [
        ({}, {"compiled": 2, "name": "bert@1x128"}, "E_COMPILE", ["2", "bert@1x128"]),
        ({"cpu_steal_fraction": 0.2}, {}, "W_DISTURBED", ["20 %"]),
        ({"foreign_pids": [4711]}, {}, "E_FOREIGN", ["4711"]),
        ({"thermal_throttle_events": 2.0, "temperature_celsius": {"cpu": 91.0}}, {}, "E_THROTTLED", ["2 thermal", "91 °C"]),
        ({"cgroup_throttled_s": 0.1}, {}, "W_DISTURBED", ["100 ms"]),
        ({"throttle_reasons": ["hw_slowdown", "sw_power_cap"]}, {}, "E_THROTTLED", ["reasons hw_slowdown."]),
        ({"clock_ratio": 0.7}, {"left_out": {"throttled": [1.4] * 20}}, "E_THROTTLED", ["33 %", "70 %"]),
        ({}, {"left_out": {"disturbed": [1.4] * 30}}, "W_DISTURBED", ["43 %"]),
        ({"enqueue_s": 9e-4, "device_s": 1e-3}, {}, "W_LAUNCH_BOUND", ["900 µs", "1.00 ms"]),
    ],
)
def test_each_fault_has_its_code(conditions: dict[str, Any], more: dict[str, Any], code: str, numbers: list[str]) -> None:
    flags = guards.of_visit([1.0] * 40, conditions, **more)
    assert codes(flags) == {code}
    assert all(number in flags[0].text for number in numbers)
    assert flags[0].remedy
    assert code in guards.CODES


@pytest.mark.parametrize(
    "conditions",
    [
        {"cpu_steal_fraction": None, "thermal_throttle_events": None, "cgroup_throttled_s": None, "clock_ratio": None},
        {"throttle_reasons": ["sw_power_cap"], "foreign_pids": []},
        {"enqueue_s": 1e-4, "device_s": 1e-3},
    ],
)
def test_unknown_and_harmless_conditions_are_no_doubt(conditions: dict[str, Any]) -> None:
    assert not guards.of_visit([1.0] * 20, conditions, left_out={"throttled": [1.4] * 2})


def test_blocks_without_the_processor_are_found() -> None:
    blocks = [Block(0.1, 1, 0.0999)] * 18 + [Block(0.14, 1, 0.1), Block(0.1, 1, 0.05)]
    assert [i for i, mark in enumerate(contention.disturbed(blocks)) if mark] == [18, 19]


@pytest.mark.parametrize("cpu_s", [None, 0.0001])
def test_sleepers_and_virtual_clocks_are_never_disturbed(cpu_s: float | None) -> None:
    assert not any(contention.disturbed([Block(0.1, 1, cpu_s)] * 20))


def test_blocks_at_a_low_clock_are_found() -> None:
    blocks = [Block(0.1, 1, 0.1, 3e9)] * 18 + [Block(0.14, 1, 0.1, 2.1e9), Block(0.1, 1, 0.1, 2.4e9)]
    assert [i for i, mark in enumerate(contention.slowed(blocks)) if mark] == [18]
    assert guards.clock_ratio(blocks) == pytest.approx(0.7)
    assert not any(contention.slowed([Block(0.1, 1, 0.1)] * 20))
    assert guards.clock_ratio([Block(0.1, 1, 0.1)] * 20) is None


def test_two_groups_are_told_from_one() -> None:
    rng = np.random.default_rng(1)
    one = rng.normal(1, 0.01, 100)
    quick, slow = modes(list(np.where(rng.random(100) < 0.3, one * 1.3, one)))
    assert (quick.latency_s, slow.latency_s) == pytest.approx((1.0, 1.3), rel=0.01)
    assert slow.share == pytest.approx(0.3, abs=0.1)
    flag = guards.of_visit([*one, *(one[:40] * 1.3)], {})[0]
    assert flag.code == "W_MULTIMODAL"
    assert "1.30 s (29 %)" in flag.text


@pytest.mark.parametrize(("share", "n"), [(0.1, 60), (0.1, 200), (0.5, 20)])
def test_a_rare_second_group_is_found_too(share: float, n: int) -> None:
    rng = np.random.default_rng(2)
    slow = np.arange(n) < share * n
    assert sum(len(modes(list(rng.normal(1, 0.01, n) * (1 + 0.3 * slow)))) == 2 for _ in range(50)) >= 47


@pytest.mark.parametrize("n", [10, 30, 100, 200])
def test_one_group_is_hardly_ever_called_two(n: int) -> None:
    rng = np.random.default_rng(3)
    draws = {
        "normal": lambda: rng.normal(1, 0.02, n),
        "heavy tails": lambda: 1 + 0.01 * rng.standard_t(3, n),
        "skewed": lambda: 1 + rng.exponential(0.02, n),
        "spikes": lambda: rng.normal(1, 0.01, n) + np.where(rng.random(n) < 0.04, rng.exponential(0.5, n), 0),
    }
    for name, draw in draws.items():
        assert sum(bool(modes(list(draw()))) for _ in range(200)) <= 8, name


def test_processes_in_bands_are_found() -> None:
    rng = np.random.default_rng(4)
    visits = [list(level * rng.normal(1, 0.003, 20)) for level in (1, 1.001, 1.06, 1.0, 1.061, 0.999)]
    assert [mode.share for mode in bands(visits)] == pytest.approx([2 / 3, 1 / 3])
    flag = guards.of_item(visits)
    assert flag is not None
    assert (flag.code, "processes" in flag.text) == ("W_MULTIMODAL", True)
    assert not bands(visits[:4])


def test_few_processes_are_told_apart_by_how_those_of_other_workloads_scatter() -> None:
    assert [mode.share for mode in bands_beyond([1.0, 1.15, 1.001, 1.149], 0.005)] == [0.5, 0.5]
    assert [mode.share for mode in bands_beyond([1.0, 1.15, 1.001, 0.999], 0.005)] == [0.75, 0.25]
    assert not bands_beyond([1.0, 1.15, 1.001, 1.149], 0.03)  # as far as others
    assert not bands_beyond([1.0, 1.02, 1.05, 1.08], 0.005)  # no gap
    assert not bands_beyond([1.0, 1.15], 0.005)
    assert not bands_beyond([1.0, 1.0, 1.0, 1.005], 0.0)
    rng = np.random.default_rng(6)
    heavy = math.sqrt(5 / 3)  # standard deviation of t with five degrees of freedom
    for draw in (lambda: rng.normal(0, 1, 4), lambda: rng.standard_t(5, 4) / heavy):
        assert sum(bool(bands_beyond(list(np.exp(0.005 * draw())), 0.005)) for _ in range(1000)) <= 5


def test_processes_that_merely_vary_are_no_bands() -> None:
    rng = np.random.default_rng(5)
    found = 0
    for _ in range(400):
        found += bool(bands([list(np.exp(rng.normal(0, 0.01)) * rng.normal(1, 0.003, 15)) for _ in range(6)]))
    assert found <= 20


def test_configurations_that_were_never_applied_are_found() -> None:
    rng = np.random.default_rng(2)
    same = [[0.03 * np.exp(rng.normal(0, 0.01)) for _ in range(4)] for _ in range(30)]
    flag = null_effect(same)
    assert flag is not None
    assert flag.code == "E_NULL_EFFECT"
    assert "30 configurations" in flag.text
    different = [[(0.03 + 0.001 * i) * np.exp(rng.normal(0, 0.01)) for _ in range(4)] for i in range(30)]
    assert null_effect(different) is None
    assert null_effect([[1.0, 1.1]]) is None


def test_a_level_that_moves_from_round_to_round_hides_no_difference_and_makes_none() -> None:
    rng = np.random.default_rng(3)
    rounds = [[0, 1, 2][: 2 + i % 2] for i in range(30)]  # every other configuration was not seen in the last round
    levels = (1.0, 1.4, 0.9)

    def visited(latencies_s: Sequence[float]) -> list[list[float]]:
        pairs = zip(latencies_s, rounds, strict=True)
        return [[latency_s * levels[one] * np.exp(rng.normal(0, 0.04)) for one in own] for latency_s, own in pairs]

    different = visited([0.010 + 0.0002 * i for i in range(30)])
    assert null_effect(different) is not None, "the levels alone are larger than the differences"
    assert null_effect(different, rounds=rounds) is None
    wrong = sum(null_effect(visited([0.010] * 30), rounds=rounds) is None for _ in range(200))
    assert wrong <= 2, "p <= 0.001 is chance"
    assert null_effect([[0.01 * levels[one] for one in own] for own in rounds], rounds=rounds) is not None
    alone = [[float(i), float(i)] for i in range(1, 31)]
    assert null_effect(alone, rounds=[[i, i] for i in range(30)]) is None, "rounds of one configuration say nothing"


def test_one_way_analysis_is_that_of_scipy() -> None:
    rng = np.random.default_rng(4)
    groups = [list(0.01 * np.exp(rng.normal(0, 0.01, 3))) for _ in range(25)]
    flag = null_effect(groups)
    assert flag is not None
    assert f"p = {stats.f_oneway(*map(np.log, groups)).pvalue:.2g}" in flag.text


def test_latency_that_does_not_follow_size_is_found() -> None:
    rng = np.random.default_rng(6)
    flops = list(rng.uniform(1e9, 4e9, 60))
    shuffled = [[0.03 * f / 1e9 * np.exp(rng.normal(0, 0.001)) for _ in range(4)] for f in rng.permutation(flops)]
    flag = null_effect(shuffled, flops)
    assert flag is not None
    assert "60 configurations (tau" in flag.text
    honest = [[0.03 * f / 1e9 * np.exp(rng.normal(0, 0.1)) for _ in range(4)] for f in flops]
    assert null_effect(honest, flops) is None
    assert null_effect(shuffled[:49], flops[:49]) is None
    assert null_effect(shuffled, [1e9 * (1 + 0.1 * i / 60) for i in range(60)]) is None
    assert null_effect(shuffled, [None] * 60) is None


def test_a_neighbour_that_hides_differences_is_no_null_effect_where_larger_ones_take_longer() -> None:
    rng = np.random.default_rng(8)

    def visited(latencies_s: Sequence[float]) -> list[list[float]]:
        """Five visits of each, of which a third met a neighbour that tripled the latency."""
        slowed = [np.where(rng.random(5) < 0.3, 3.0, 1.0) * np.exp(rng.normal(0, 0.05, 5)) for _ in latencies_s]
        return [(one * factors).tolist() for one, factors in zip(latencies_s, slowed, strict=True)]

    flops = rng.uniform(1e9, 2e9, 26).tolist()
    disturbed = visited(flops)
    assert null_effect(disturbed) is not None, "the F test alone tells no difference"
    assert null_effect(disturbed, flops) is None
    wrong = sum(null_effect(visited([1e9] * 26), flops) is None for _ in range(200))
    assert wrong <= 3, "one in a thousand each is chance"


def test_one_latency_of_all_sizes_is_said_in_words() -> None:
    flag = null_effect([[0.03]] * 60, [1e9 * (1 + i / 60) for i in range(60)])
    assert flag is not None
    assert flag.text == "latency does not follow the operations of 60 configurations (it never varies)."


@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=6, unique=True), st.integers(2, 4))
def test_one_content_under_several_labels_is_named(labels: list[str], contents: int) -> None:
    pairs = [(label, f"{i % contents:064d}") for i, label in enumerate(labels)]
    flags = duplicates([*pairs, *pairs, ("d", None), ("e", None)])
    assert len(flags) == sum(len(range(i, len(labels), contents)) > 1 for i in range(contents))
    assert all(flag.code == "E_DUPLICATE" for flag in flags)


def test_timings_are_equal_bit_for_bit_only_when_copied() -> None:
    samples = list(np.random.default_rng(7).normal(1, 0.01, 12))
    assert samples_digest(samples) == samples_digest(list(samples)) is not None
    assert samples_digest(samples) != samples_digest([*samples[:-1], np.nextafter(samples[-1], 2)])
    assert samples_digest(samples[:9]) is None
    assert samples_digest([1.0] * 50) is None


@pytest.mark.parametrize(
    ("latency_s", "bound_s", "ratio", "says"),
    [(1, 0.5, 1.1, "1.10 times"), (1, 0.5, 2.0, None), (1, 2.5, 2.0, "40 %"), (1, 1.5, None, None), (1, None, None, None)],
)
def test_missing_work_is_found(latency_s: float, bound_s: float | None, ratio: float | None, says: str | None) -> None:
    flag = check_async(latency_s, bound_s, ratio)
    assert (flag is None) == (says is None)
    if flag is not None and says is not None:
        assert flag.code == "E_ASYNC"
        assert says in flag.text


def test_components_from_the_cache_are_named_with_their_ratio() -> None:
    flag = hot_cache("layer_norm", 2_000_000, 32_000_000, 1e-3, 2e-3)
    assert flag is not None
    assert (flag.code, "hot/cold ratio 0.50" in flag.text, "2.00 MB" in flag.text) == ("W_HOT_CACHE", True, True)
    assert "not measured" in str(hot_cache("x", 1, 2, 1.0, None))
    assert hot_cache("head", 94_000_000, 32_000_000, 1e-3, 2e-3) is None


@pytest.mark.parametrize(("half_width", "says"), [(0.0141, "about 8"), (0.01, None), (None, None)])
def test_an_imprecise_interval_says_what_it_would_take(half_width: float | None, says: str | None) -> None:
    flag = guards.imprecise(half_width, 0.01, 8)
    assert (flag is None) == (says is None)
    assert says is None or says in str(flag)


def test_a_machine_is_doubted_for_what_it_says_of_itself() -> None:
    assert not guards.of_machine(None, None)
    assert not guards.of_machine(None, "performance", True)
    assert codes(guards.of_machine("hypervisor", "powersave", False)) == {"W_VIRTUAL", "W_GOVERNOR", "W_UNLOCKED"}


def test_environments_that_differ_are_named_by_fact() -> None:
    assert guards.mismatch({}) is None
    assert "cpu_model: A and B" in str(guards.mismatch({"cpu_model": ("A", "B")}))


def test_every_code_is_described() -> None:
    assert all(code.startswith(("E_", "W_", "I_")) and text for code, text in guards.CODES.items())


def blocks(n: int, cpu: float, wait: float | None, seconds: float = 0.02) -> list[Block]:
    return [Block(seconds, 1, cpu * seconds, wait_s=None if wait is None else wait * seconds) for _ in range(n)]


def test_a_wait_for_the_cpu_disturbs_a_block_however_usual_it_is() -> None:
    assert contention.disturbed(blocks(12, 0.25, 0.75)) == [True] * 12
    assert contention.disturbed(blocks(12, 0.25, 0.0)) == [False] * 12  # it sleeps
    assert contention.disturbed(blocks(12, 0.25, None)) == [False] * 12
    assert contention.disturbed(blocks(8, 1.0, 0.001) + blocks(2, 0.9, 0.1)) == [False] * 8 + [True] * 2
    assert guards.wait_fraction(blocks(3, 0.25, 0.75)) == pytest.approx(0.75)
    assert guards.cpu_fraction(blocks(3, 0.25, None)) == pytest.approx(0.25)
    assert guards.wait_fraction(blocks(3, 0.25, None)) is None


@pytest.mark.parametrize(
    ("conditions", "taken", "is_much"),
    [
        ({}, 0.0, False),
        ({"cpu_steal_fraction": None, "cgroup_throttled_s": None}, 0.0, False),
        ({"cpu_steal_fraction": 0.05}, 0.05, False),
        ({"cpu_steal_fraction": 0.04, "cgroup_throttled_s": 0.2}, 0.14, True),
        ({"cpu_wait_fraction": 0.5, "disturbed_blocks": 0}, 0.0, False),
        ({"cpu_wait_fraction": 0.25, "disturbed_blocks": 3}, 0.0, True),
    ],
)
def test_time_that_counters_say_was_lost_is_much_or_little(conditions: dict[str, Any], taken: float, is_much: bool) -> None:
    assert guards.taken_fraction(conditions, 2.0) == pytest.approx(taken)
    assert guards.has_lost_much(conditions, 2.0) == is_much


@pytest.mark.parametrize(
    ("conditions", "code", "numbers"),
    [
        ({"cpu_wait_fraction": 0.75, "disturbed_blocks": 40}, "W_DISTURBED", ["40 of the 40", "75.0 %"]),
        ({"cpu_wait_fraction": 0.1, "disturbed_blocks": 9}, "W_DISTURBED", ["9 of the 40", "10.0 %"]),
        ({"cpu_wait_fraction": 0.02, "disturbed_blocks": 0}, "W_DISTURBED", ["2.0 %"]),
        ({"cpu_wait_fraction": 0.002, "cpu_fraction": 0.4, "involuntary_switches": 900.0}, None, []),
        ({"cpu_fraction": 0.25, "involuntary_switches": 300.0}, "W_DISTURBED", ["25 % of a CPU"]),
        ({"cpu_fraction": 0.25, "involuntary_switches": 3.0}, None, []),
        ({"cpu_fraction": 0.99, "involuntary_switches": 300.0}, None, []),
        ({"cpu_fraction": 0.25, "involuntary_switches": None}, None, []),
        ({"sibling_busy_fraction": 0.8}, "W_DISTURBED", ["80 %", "shares its core"]),
        ({"sibling_busy_fraction": 0.02}, None, []),
    ],
)
def test_what_else_ran_is_told_from_sleep(conditions: dict[str, Any], code: str | None, numbers: list[str]) -> None:
    flags = guards.of_visit([1.0] * 40, conditions, span_s=2.0)
    assert codes(flags) == ({code} if code else set())
    assert all(number in flags[0].text for number in numbers)
