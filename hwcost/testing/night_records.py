"""The campaigns of simulated nights, with the records of their visits: as many, and as large, as a real night leaves.

Every round is a process that measures its workloads in turn, pass after pass, so that each visit has the start and the pass
of its blocks, what the backend reported, and the conditions of the machine meanwhile. The audit of each campaign is kept, as
a run of a suite does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from hwcost._types import Floats
from hwcost.auditing.campaign import audit_campaign
from hwcost.auditing.kept import kept
from hwcost.campaign.plans.plan import Item, Plan
from hwcost.stores.base import Store
from hwcost.stores.environment import Environment
from hwcost.stores.schema import Campaign, Record, WorkloadInfo
from hwcost.stores.series import Estimate, Series
from hwcost.testing.nights import SimNights, workload_of
from hwcost.timing.measurement import Flag, Visit
from hwcost.timing.protocol import PROTOCOL_ID, PROTOCOL_VERSION, protocol

BLOCK_S = 0.02
"""Seconds of a block, with the switch to its workload."""

SECONDS: dict[str, Any] = {"cpu_s": 0.6, "prepare_s": 0.02, "first_run_s": 0.01, "warmup_s": (0.012,)}
"""Further times of a visit."""


@dataclass(frozen=True)
class NightRecords:
    """The campaigns of simulated nights, one a device.

    Attributes:
        sim: The nights.
        rounds: Visits of a workload in a night.
        blocks: Blocks of a visit.
        group: Workloads that a process measures in turn.
        noise: Standard deviation of the log of a block.
    """

    sim: SimNights
    rounds: int = 4
    blocks: int = 30
    group: int = 40
    noise: float = 0.01

    def write(self, store: Store, night: int) -> None:
        """Writes the campaigns of a night into a store, group after group, as they were measured.

        Args:
            store: The store.
            night: Number of the night.
        """
        estimates = {one.series_key: one for one in self.sim.estimates(night)}
        for device in self.sim.devices:
            own = [one for one in self.sim.series if one.device == device and one.series_key in estimates]
            self._write(store, night, own, [estimates[one.series_key] for one in own])

    def _write(self, store: Store, night: int, series: list[Series], estimates: list[Estimate]) -> None:
        run, first, made = self.sim.run(night), estimates[0], list[Visit]()
        plan, campaign_id = self._plan(series), str(first.campaign_id)
        campaign = Campaign(
            campaign_id=campaign_id, created_at=first.measured_at, status="done", run_id=run.run_id, plan=plan.to_dict()
        )
        store.add_campaign(campaign)
        infos = {one.workload_key: _info(one) for one in series}
        values = {one.workload_key: estimate for one, estimate in zip(series, estimates, strict=True)}
        place = self.sim.devices.index(series[0].device)
        began = datetime.fromisoformat(first.measured_at)
        for number in range(self.rounds):
            order = store.add_round(campaign_id, number, plan.order(number, list(values)))
            environment = _environment(series[0], number)
            for start in range(0, len(order), self.group):
                keys = order[start : start + self.group]
                rng = np.random.default_rng([self.sim.seed, 5, night, place, number, start])
                offset_s = BLOCK_S * self.blocks * (number * len(order) + start)
                starts = _starts(rng, len(keys), self.blocks)
                visits = [
                    self._visit(rng, values[key], key, number, start + turn, began, offset_s, starts[turn])
                    for turn, key in enumerate(keys)
                ]
                made += visits
                store.close_group(
                    [
                        Record.from_visit(
                            visit, campaign_id=campaign_id, run_id=f"{campaign_id}-{number}",
                            workload=infos[visit.workload_key], environment=environment,
                        )
                        for visit in visits
                    ]
                )  # fmt: skip

        store.add_entry(kept(audit_campaign(plan, made, campaign_id), campaign_id, run.run_id))

    def _plan(self, series: list[Series]) -> Plan:
        """Returns the plan of a night's campaign on one device."""
        items = tuple(Item(workload_of(one)) for one in series)
        return Plan(items, series[0].device, series[0].backend, protocol("standard", rounds=self.rounds))

    def _visit(
        self, rng: np.random.Generator, estimate: Estimate, key: str, number: int, position: int, began: datetime,
        offset_s: float, starts: Floats,
    ) -> Visit:  # fmt: skip
        first_s = offset_s + float(starts[0])
        at: dict[str, Any] = {
            "started_at": (began + timedelta(seconds=first_s)).isoformat(),
            "started_s": began.timestamp() + first_s,
        }
        if estimate.value is None:
            flag = Flag("E_FAILED", estimate.reason, "Look at its log.")
            return Visit(key, number, position, status="failed", flags=(flag,), **at)
        samples = estimate.value * np.exp(rng.normal(0.0, self.noise, self.blocks))
        calls = max(1, round(BLOCK_S / estimate.value))
        return Visit(
            key, number, position, samples_s=tuple(samples.tolist()), steady="flat", calls_per_block=calls,
            ended_s=at["started_s"] + float(starts[-1] - starts[0]) + BLOCK_S,
            block_starts_s=tuple((starts - starts[0]).tolist()), passes=tuple(range(1, self.blocks + 1)),
            conditions=_conditions(rng, self.blocks), facts=dict(FACTS), **at, **SECONDS,
        )  # fmt: skip


FACTS: dict[str, Any] = {
    "attention_kernels": ["flash", "math"], "dtype": "float32", "inputs": ["input_0 1x128 int64"], "mkldnn": True,
    "parameters": 12_345_678, "threads": 1, "torch": "2.13.0",
}  # fmt: skip
"""Facts that a backend reports of a visit."""


def _info(one: Series) -> WorkloadInfo:
    """Returns what records say of a workload."""
    return WorkloadInfo(
        name=one.name, kind=one.kind, spec=one.spec, search_space=one.search_space, component=one.component, arch=one.arch,
        batch_size=one.batch_size, seq_len=one.seq_len, precision=one.precision, backend=one.backend, params=12_345_678,
    )  # fmt: skip


def _starts(rng: np.random.Generator, workloads: int, blocks: int) -> Floats:
    """Returns when each block of each workload began, seconds, shape (workloads, blocks): in turn, in a random order."""
    places = np.array([rng.permutation(workloads) for _ in range(blocks)]).T
    return np.asarray(BLOCK_S * (places + workloads * np.arange(blocks)))


def _conditions(rng: np.random.Generator, blocks: int) -> dict[str, Any]:
    """Returns what was seen of the machine during a visit."""
    return {
        "block_clock_hz": (1.6e9 - 5e6 * rng.random(blocks)).tolist(), "clock_hz": 1.6e9, "clock_ratio": 0.997,
        "temperature_celsius": {"hottest": float(rng.normal(61.0, 2.0))}, "load_avg_1min": float(rng.uniform(0.9, 1.2)),
        "cpu_steal_fraction": 0.0, "cpu_fraction": 1.0, "cpu_wait_fraction": 0.0, "disturbed_blocks": 0,
        "involuntary_switches": 27.0, "left_out_s": {}, "major_faults": 0.0, "run_queue_wait_s": 0.0006,
        "sibling_busy_fraction": 0.002, "switch_ratio": 1.12, "uptime_s": 25_963.0, "warmup_calls": 2,
    }  # fmt: skip


def _environment(one: Series, number: int) -> Environment:
    """Returns the environment of a process; those of a campaign differ in the CPU that they were bound to."""
    return Environment(
        tool={"hwcost_version": "0.1.0", "seed": 0},
        device={"device_name": one.device, "device_key": f"key of {one.device}", "kind": "cpu", "product": "simulated"},
        host={
            "arch": "x86_64", "os": "Linux", "kernel": "6.1.0", "cpu_model": "simulated", "cpu_core_count": 8,
            "cpu_thread_count": 8, "memory_bytes": 2**35, "numa_nodes": 1, "boot_id": "5d76d93e",
        },
        software={"framework": {"torch": "2.13.0"}, "python_version": "3.11.7", "env": {"OMP_NUM_THREADS": "1"}},
        settings={"aslr": True, "cpu_affinity": [number], "exclusive": True, "smt": False, "governor": "performance"},
        protocol={
            "protocol_id": PROTOCOL_ID, "protocol_version": PROTOCOL_VERSION, "threads": one.threads, "tier": "standard",
            "arrival": "back-to-back", "cache_state": "hot", "order": "random passes", "timer": "perf_counter_ns",
        },
    )  # fmt: skip
