"""Clocks are locked only where that is asked for, and reset however a campaign ends; nothing here locks a real one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hwcost.campaign.options import MeasureOptions
from hwcost.campaign.processes import clocks
from hwcost.devices import DeviceHandle, load
from hwcost.errors import DeviceError, UsageError
from hwcost.workloads import SyntheticWorkload
from tests.conftest import PATIENCE_S, ROOT

CARD = DeviceHandle(load("h100"), 1, "GPU-1")
MODULE = """
from tests.timing.fake_nvml import FakeNvml, NVMLError
class Nvml(FakeNvml):
    def __setattr__(self, name, value):
        super().__setattr__(name, value if name != "calls" else Log())
class Log(list):
    def append(self, call):
        with open({log!r}, "a") as file:
            file.write(" ".join(map(str, call)) + "\\n")
made = Nvml(may_lock={may_lock})
globals().update({{name: getattr(made, name) for name in dir(made) if name.startswith(("nvml", "NVML"))}})
"""
LOCKED, RESET = "locked GPU-1 1575 1575", "reset GPU-1"


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return with_nvml(tmp_path, monkeypatch)


def with_nvml(folder: Path, monkeypatch: pytest.MonkeyPatch, may_lock: bool = True) -> Path:
    """Puts a module ``pynvml`` first on the path of programs that are started; returns the file that it writes to."""
    log = folder / "calls"
    (folder / "pynvml.py").write_text(MODULE.format(log=str(log), may_lock=may_lock))
    monkeypatch.syspath_prepend(str(folder))
    return log


def lines(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.exists() else []


def test_the_clock_is_locked_near_four_fifths_and_reset_at_the_end(log: Path) -> None:
    with clocks.locked(CARD) as clock_hz:
        assert clock_hz == 1.575e9  # the highest of its steps below 0.8 x 1980 MHz
        assert lines(log) == [LOCKED]
    assert lines(log) == [LOCKED, RESET]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_it_is_reset_after_an_error_and_ctrl_c(error: type[BaseException], log: Path) -> None:
    with pytest.raises(error), clocks.locked(CARD):
        raise error
    assert lines(log) == [LOCKED, RESET]


def test_it_is_reset_when_the_campaign_is_killed(log: Path) -> None:
    script = (
        "import sys, time; from tests.campaign.processes.test_clock_lock import *\n"
        "with clocks.locked(CARD): print('ready', flush=True); time.sleep(60)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(log.parent), str(ROOT)])}
    campaign = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment)
    assert campaign.stdout is not None
    assert campaign.stdout.readline() == "ready\n"
    campaign.send_signal(signal.SIGKILL)
    campaign.wait()
    campaign.stdout.close()
    for _ in range(PATIENCE_S * 20):
        if RESET in lines(log):
            break
        time.sleep(0.05)
    assert lines(log) == [LOCKED, RESET]


def test_a_refusal_ends_the_campaign_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = with_nvml(tmp_path, monkeypatch, may_lock=False)
    refused = "clock of h100:1 .* cannot be locked: Insufficient Permissions. Ask"
    with pytest.raises(DeviceError, match=refused), clocks.locked(CARD):
        pytest.fail("it was not locked")
    assert lines(log) == []


def test_what_has_no_clock_to_lock_is_refused_before_anything_is_measured() -> None:
    with pytest.raises(UsageError, match="locks no clock of a device of kind cpu; leave out --lock-clocks"):
        MeasureOptions(backend="null", lock_clocks=True).plan([SyntheticWorkload("w", flops=10**9)])
    assert not MeasureOptions(backend="null").plan([SyntheticWorkload("w", flops=10**9)]).lock_clocks
