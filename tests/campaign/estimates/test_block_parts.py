"""Long calls in parts: what their layers took within a call tells a neighbour from the net."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from hwcost.backends.base import BlockTiming, Runner
from hwcost.campaign.estimates.block_parts import LEAST_PART_S, in_parts
from hwcost.campaign.estimates.block_table import BlockTable
from hwcost.campaign.estimates.estimate import CampaignFit, fit_campaign
from hwcost.campaign.plans.plan import Item, Plan
from hwcost.devices import DeviceHandle, load
from hwcost.testing.faults import Faults
from hwcost.testing.in_process import run_rounds
from hwcost.testing.sim_device import SimDevice, SimRunner
from hwcost.timing.measurement import Visit
from hwcost.timing.protocol import protocol
from hwcost.workloads import SyntheticWorkload, Workload

XEON = DeviceHandle(load("xeon"))
LAYERS = 10
PLAN = Plan(
    tuple(Item(SyntheticWorkload(f"w{i}", flops=i + 1)) for i in range(6)), "cpu", "null", protocol("standard", blocks=4)
)
BESIDE = Faults(noise=0.005, process=0.003, neighbour=0.6, busy_s=0.3, idle_s=0.3)
"""A neighbour whose bursts are as long as calls."""


def law_s(work: Workload) -> float:
    found = work.work()
    assert found is not None
    return 0.12 + 0.04 * found.flops


class LayeredRunner(SimRunner):
    """Calls of several layers, which tell their times once asked."""

    tells = False

    def time_layers(self) -> None:
        self.tells = True

    def run(self, n: int) -> None:
        self._law_s /= LAYERS
        ends = [self._read()]
        for _ in range(LAYERS):
            super().run(n)
            ends.append(self._read())
        self._law_s *= LAYERS
        self._last = tuple(np.diff(ends) * 1e-9)

    def time_block(self, n: int) -> BlockTiming:
        found = super().time_block(n)
        return replace(found, layers_s=self._last) if self.tells and n == 1 else found


class Layered(SimDevice):
    """A device of such calls."""

    def prepare(self, workload: Workload, handle: DeviceHandle) -> Runner:
        super().prepare(workload, handle)
        return LayeredRunner(self, workload)


@pytest.fixture(scope="module")
def visits() -> list[Visit]:
    device = Layered(faults=BESIDE, law=law_s)
    return list(run_rounds(PLAN, device, XEON, device.telemetry(XEON)))


def errors(fit: CampaignFit) -> np.ndarray:
    return np.array([np.log(m.latency_s / law_s(m.workload)) for m in fit.measurements])  # type: ignore[operator]


def without_layers(visits: Sequence[Visit]) -> list[Visit]:
    return [
        replace(one, conditions={k: v for k, v in one.conditions.items() if k != "block_layers_s"}) for one in visits
    ]


def test_layers_of_long_calls_are_kept_block_by_block(visits: list[Visit]) -> None:
    for one in visits:
        layers = np.array(one.conditions["block_layers_s"])
        assert layers.shape == (len(one.samples_s), LAYERS)
        assert layers.sum(axis=1) == pytest.approx(one.samples_s)


def test_layers_tell_the_neighbour_that_every_call_meets(visits: list[Visit]) -> None:
    fit, whole = fit_campaign(PLAN, visits), fit_campaign(PLAN, without_layers(visits))
    assert all(m.is_confirmed for m in fit.measurements)
    half = np.array([m.half_width for m in fit.measurements])
    assert (np.abs(errors(fit)) <= half).all()
    assert np.abs(errors(fit)).max() < 0.015
    assert half.max() < 0.03
    doubt = [m.half_width for m in whole.measurements if m.half_width is not None]
    assert max(*doubt, *np.abs(errors(whole))) > 0.05  # whole calls do not tell


def test_a_workload_with_a_visit_that_lacks_layers_is_taken_in_whole_calls(visits: list[Visit]) -> None:
    """As after a campaign of an earlier version was resumed."""
    mixed = [*without_layers(visits[:6]), *visits[6:]]
    assert errors(fit_campaign(PLAN, mixed)) == pytest.approx(errors(fit_campaign(PLAN, without_layers(visits))), abs=1e-12)
    some = [*without_layers(visits[:1]), *visits[1:]]
    assert np.isfinite(errors(fit_campaign(PLAN, some))).all()


def test_lost_time_of_blocks_is_that_of_their_parts(visits: list[Visit]) -> None:
    lost = [
        replace(one, conditions=one.conditions | {"block_lost_fraction": [0.4] * len(one.samples_s)}) for one in visits
    ]
    fit, plain = fit_campaign(PLAN, lost), fit_campaign(PLAN, visits)
    for wider, m in zip(fit.measurements, plain.measurements, strict=True):
        assert wider.latency_s == m.latency_s
        assert wider.half_width > m.half_width + 0.1  # type: ignore[operator]


def test_parts_are_as_long_as_blocks_and_add_up_to_calls() -> None:
    layers = np.array([[0.004, 0.017, 0.012, 0.03, 0.025, 0.01], [0.004, 0.017, 0.012, 0.06, 0.05, 0.01]])
    y = np.log([*layers.sum(axis=1), 0.03])
    table = BlockTable(y, np.array([0, 0, 1]), np.zeros(3, dtype=np.intp), np.array([0.0, 1.0, 2.0]))
    parts, visit = in_parts(table, np.array([0, 0, 1]), [*layers, None])
    assert parts.whole is not None
    assert parts.call is not None
    assert parts.workload.tolist() == [0] * 6 + [1]
    assert visit.tolist() == [0] * 6 + [1]
    assert np.bincount(parts.call, np.exp(parts.y)) == pytest.approx(np.exp(y))
    assert np.exp(parts.y[:3]) == pytest.approx([0.021, 0.042, 0.035])
    assert np.exp(parts.y[:3]).min() >= LEAST_PART_S
    assert parts.time == pytest.approx([0, 0.021, 0.063, 1, 1.021, 1.093, 2])
    assert in_parts(table, np.array([0, 0, 1]), [None] * 3)[0] is table
