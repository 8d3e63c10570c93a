"""Campaigns that measure alarms again, on a simulated device whose speed and power depend on the code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hwcost.backends.base import Runner
from hwcost.campaign.rounds import round as campaign_round
from hwcost.devices import DeviceHandle, load
from hwcost.testing import in_process
from hwcost.testing.faults import Faults
from hwcost.testing.in_process import InProcess
from hwcost.testing.sim_device import SimDevice, SimTelemetry
from hwcost.workloads import SyntheticWorkload
from hwcost.workloads.base import Workload

XEON = DeviceHandle(load("xeon"))
FAULTS = Faults(noise=0.004, process=0.002)
WORKS = [SyntheticWorkload(f"net{i:03d}", flops=int(3e9 * 1.1**i)) for i in range(12)]

Slow = Callable[[Path | None, Workload], float]
"""Factor by which a workload is slower, or takes more power, in a working tree."""


def simulated(monkeypatch: pytest.MonkeyPatch, slow: Slow, power: Slow | None = None) -> None:
    """Lets rounds run on a simulated device.

    Args:
        monkeypatch: The test's patches.
        slow: Factor on the latency.
        power: Factor on the power, of which there is a counter then; None for no counter.
    """
    law_s = SimDevice().law_s
    seeds: dict[Path | None, int] = {}

    def worker(job: Any, server: object = None, tree: Any = None) -> InProcess:
        place = None if tree is None else Path(tree.folder)
        options = {"seed": seeds.setdefault(place, len(seeds))}
        given: dict[str, Any] = {"options": options, "faults": FAULTS, "law": lambda work: law_s(work) * slow(place, work)}
        device = SimDevice(**given) if power is None else Metered(lambda work: power(place, work), **given)
        return InProcess(job, device, XEON)

    monkeypatch.setattr(campaign_round, "WorkerProcess", worker)
    if power is not None:
        monkeypatch.setattr(in_process, "telemetry_of", lambda device, handle: device.telemetry(handle))


def factor(place: Path | None, work: Workload) -> float:
    """Reads the factor of a workload in a tree."""
    assert place is not None
    found = dict(line.split() for line in (place / "slow.txt").read_text().splitlines())
    return float(found.get(work.name, 1.0))


class Metered(SimDevice):
    """A device with a counter of energy, which takes 100 W times a factor of the workload."""

    def __init__(self, power: Callable[[Workload], float], **given: Any) -> None:
        super().__init__(**given)
        self.power, self.watts = power, 0.0

    def prepare(self, workload: Workload, handle: DeviceHandle) -> Runner:
        self.watts = 100.0 * self.power(workload)
        return super().prepare(workload, handle)

    def telemetry(self, handle: DeviceHandle) -> SimTelemetry:
        return Counter(handle, self)


class Counter(SimTelemetry):
    """Its counter; the workload that was prepared last is the one that runs without a pause."""

    def __init__(self, handle: DeviceHandle, device: Metered) -> None:
        super().__init__(handle, device)
        self.device, self.begun = device, 0

    def begin(self) -> None:
        self.begun = self.device.time()

    def end(self) -> dict[str, Any]:
        return {"visit_energy_j": self.device.watts * (self.device.time() - self.begun) * 1e-9}
