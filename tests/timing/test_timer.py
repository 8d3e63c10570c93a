from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.agent import errors
from hwcost.agent import timer as agent_timer
from hwcost.errors import MeasurementError
from hwcost.timing import timer


class FakeDevice:
    """Runs on a clock of its own: every call takes ``seconds`` and the clock moves in steps of ``tick_s``."""

    def __init__(self, seconds: float, tick_s: float = 1e-9) -> None:
        self.seconds, self.tick_ns, self.time_s, self.calls = seconds, tick_s * 1e9, 0.0, 0

    def run(self, n: int) -> None:
        self.calls += n
        self.time_s += n * self.seconds

    def clock(self) -> int:
        return int(self.time_s * 1e9 // self.tick_ns * self.tick_ns)


def _first(device: FakeDevice, clock: timer.Clock) -> timer.Block:
    return timer.first_block(clock.timing(device.run), 0.02, clock)


@given(st.floats(1e-8, 1.0))
def test_blocks_are_long_enough_and_not_much_longer(seconds: float) -> None:
    device = FakeDevice(seconds)
    clock = timer.Clock(device.clock)
    calls = timer.first_block(clock.timing(device.run), 0.02, clock).calls
    assert calls * seconds >= 0.02 * 0.999
    assert calls == 1 or calls * seconds <= 0.02 * 2.1


def test_one_slow_call_makes_no_block() -> None:
    """The second call of a TorchScript module compiles; blocks of one call would follow all through the visit."""
    device = FakeDevice(1e-4)
    clock = timer.Clock(device.clock)

    def timing(calls: int) -> Any:
        device.time_s += 0.06 if device.calls == 0 else 0.0
        return clock.timing(device.run)(calls)

    assert 200 <= timer.first_block(timing, 0.02, clock).calls <= 420


def test_what_takes_no_time_is_refused() -> None:
    device = FakeDevice(0.0)
    with pytest.raises(MeasurementError, match="E_RESOLUTION: .* Nothing seems to be executed"):
        _first(device, timer.Clock(device.clock))


def test_what_is_too_quick_for_the_clock_is_refused_with_a_way_out() -> None:
    device = FakeDevice(1e-9, tick_s=1e-4)
    for module, error in ((timer, MeasurementError), (agent_timer, errors.MeasurementError)):
        with pytest.raises(error, match="E_RESOLUTION: .*0.0001 s steps needs 0.1 s. .* at least 6 copies"):
            timer.first_block(timer.Clock(device.clock).timing(device.run), 0.02, module.Clock(device.clock, 1e-4))


@given(st.floats(1e-8, 1e-2), st.sampled_from([1e-6, 1e-5, 1e-4]))
def test_a_coarse_clock_gets_a_thousand_steps(seconds: float, tick_s: float) -> None:
    device = FakeDevice(seconds, tick_s)
    block = _first(device, timer.Clock(device.clock, tick_s))
    assert block.seconds >= 1000 * tick_s * 0.999
    assert block.per_call_s == pytest.approx(seconds, rel=0.002)


def test_the_latency_is_recovered() -> None:
    device = FakeDevice(0.003)
    times = timer.time_blocks(device.run, clock=device.clock)
    assert len(times.seconds_per_call) >= 10
    assert times.seconds_per_call == pytest.approx([0.003] * len(times.seconds_per_call))


def test_real_time_moves_forward() -> None:
    clock = timer.Clock()
    unix = clock.now_s()
    assert clock.resolution_s() > 0
    assert clock.now_s() > unix > 1.5e9


def test_blocks_keep_their_order_where_the_time_of_the_system_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    first = timer.Clock()
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 3600.0)
    assert 0.0 <= timer.Clock().now_s() - first.now_s() + 1.0 < 2.0


@pytest.mark.parametrize("step_s", [-3600.0, 3600.0])
def test_setting_the_systems_time_moves_neither_ages_nor_blocks(step_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
    timer.renew_epoch()
    began_s, age_s, real = timer.campaign_s(), timer.process_age_s(), time.time
    monkeypatch.setattr(time, "time", lambda: real() + step_s)
    assert 0 <= timer.process_age_s() - age_s < 60
    assert 0 <= timer.campaign_s() - began_s < 60
    assert abs(timer.Clock().now_s() - timer.campaign_s()) < 60
    timer.renew_epoch()  # the next campaign of this process reads the time anew
    assert timer.campaign_s() - began_s == pytest.approx(step_s, abs=60)
    monkeypatch.undo()
    timer.renew_epoch()


def test_a_worker_takes_over_the_time_line_of_its_campaign() -> None:
    timer.share_epoch(timer.epoch_s() + 7200.0)
    assert timer.campaign_s() - time.time() == pytest.approx(7200.0, abs=60)
    for module in (timer, agent_timer):
        assert module.Clock().now_s() - time.time() == pytest.approx(7200.0, abs=60)
    timer.share_epoch(timer.epoch_s() - 7200.0)
