"""The synthetic law: exact without noise, deterministic with it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.backends import backend
from hwcost.errors import MeasurementError, UsageError
from hwcost.spaces import space
from hwcost.workloads import FactoryWorkload, SyntheticWorkload, models

CPU = SimpleNamespace(kind="cpu", name="cpu")


def latencies_s(count, workload, round=0, **options):
    made = backend("null", options=options)
    made.round = round
    runner = made.prepare(workload, CPU)
    times = [0]
    for _ in range(count):
        runner.run(1)
        times.append(runner.clock())
    return np.diff(times) / 1e9


@given(st.integers(0, 10**13), st.integers(0, 10**11), st.sampled_from(["float32", "bfloat16"]))
def test_without_noise_the_law_is_exact(flops, elements, dtype) -> None:
    workload = SyntheticWorkload("some", flops, elements, dtype=dtype)
    size = 4 if dtype == "float32" else 2
    expected = 2e-3 + max(flops / 1e12, elements * size / 1e10)
    options = {"noise": 0, "overhead_s": 2e-3, "flops_per_s": 1e12, "bytes_per_s": 1e10}
    assert latencies_s(2, workload, **options) == pytest.approx([expected] * 2, abs=2e-9)
    runner = backend("null", options=options).prepare(workload, CPU)
    runner.run(50)
    assert runner.clock() == pytest.approx(50 * expected * 1e9, abs=2)


def test_noise_is_log_normal_around_the_law() -> None:
    workload = SyntheticWorkload("some", 10**10)
    logs = np.log(latencies_s(4000, workload, noise=0.05) / 0.10001)
    assert logs.std() == pytest.approx(0.05, rel=0.05)
    assert abs(logs.mean()) < 0.005


def test_equal_seeds_and_rounds_give_equal_times_and_others_do_not() -> None:
    workload, other = SyntheticWorkload("some", 10**9), SyntheticWorkload("other", 10**9)
    first = latencies_s(5, workload)
    assert np.array_equal(first, latencies_s(5, workload))
    assert not np.isclose(first, latencies_s(5, workload, seed=1)).any()
    assert not np.isclose(first, latencies_s(5, workload, round=1)).any()
    assert not np.isclose(first, latencies_s(5, other)).any()


def test_process_noise_is_one_factor_per_workload_and_round() -> None:
    workload = SyntheticWorkload("some", 10**10)
    rounds = [latencies_s(3, workload, round=r, noise=0, process_noise=0.1) for r in range(400)]
    assert all(np.ptp(times) < 1e-8 for times in rounds)
    factors = np.log([times[0] / 0.10001 for times in rounds])
    assert factors.std() == pytest.approx(0.1, rel=0.15)


def test_visits_follow_each_other_on_one_clock() -> None:
    made = backend("null")
    first = made.prepare(SyntheticWorkload("some", 10**9), CPU)
    first.run(1)
    second = made.prepare(SyntheticWorkload("other", 10**9), CPU)
    assert second.clock() == first.clock() > 0


def test_real_models_follow_the_law_too() -> None:
    of = space("supershaper")
    workload = models(of, [of.architecture([120] * 12)])[0]
    law_s = backend("null", options={"noise": 0}).law_s(workload)
    assert law_s == 1e-5 + max(workload.work().flops / 1e11, workload.work().bytes() / 2e10)


def test_realtime_uses_the_real_clock() -> None:
    options = {"realtime": "true", "overhead_s": 0, "noise": 0}
    runner = backend("null", options=options).prepare(SyntheticWorkload("some"), CPU)
    assert runner.clock is None
    runner.run(3)


def test_a_workload_can_be_made_to_fail() -> None:
    made = backend("null", options={"fail": "bad"})
    made.prepare(SyntheticWorkload("good", 1), CPU)
    with pytest.raises(MeasurementError, match="'bad' failed, as option 'fail' asks for"):
        made.prepare(SyntheticWorkload("bad", 1), CPU)


def test_unknown_work_has_no_price() -> None:
    with pytest.raises(UsageError, match="needs to know the work of 'a:b', which is unknown"):
        backend("null").prepare(FactoryWorkload("a:b"), CPU)
