"""Stores for the tests of the dashboard: simulated nights with records, checks of a cost model, and the log of a study."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from hwcost.campaign.plans.plan import Item, Plan
from hwcost.stores import open_store
from hwcost.stores.base import Store
from hwcost.stores.entries import Acceptance, Confirmation, ModelCheck
from hwcost.stores.environment import Environment
from hwcost.stores.schema import Campaign, Record, WorkloadInfo
from hwcost.stores.series import Series
from hwcost.testing.nights import Shift, SimNights, workload_of
from hwcost.timing.measurement import Flag, Visit
from hwcost.timing.protocol import protocol

NIGHTS = SimNights(
    nights=44,
    workloads=12,
    level=0.004,
    correlation=0.3,
    failed=0.002,
    shifts=(
        Shift(34, 1.08, "*no. 4"),
        Shift(35, 0.9, "*no. 8", "cpu"),
        Shift(15, 1.12, "*no. 6"),
        Shift(36, 1.07, "*no. 3", "t4"),
    ),
)
"""Nights with known changes: some of the code, on every device or on one."""


def write_nights(store: Store, sim: SimNights = NIGHTS) -> None:
    """Writes nights, of which the last one lacks a workload, with everything that a dashboard shows beside them."""
    gone = sim.series[5]
    sim.write(store, range(sim.nights - 1))
    last = sim.nights - 1
    store.add_run(sim.run(last))
    store.add_estimates(sim.series, [one for one in sim.estimates(last) if one.series_key != gone.series_key])
    write_records(store, sim)
    write_entries(store, sim)


def write_records(store: Store, sim: SimNights) -> None:
    """Writes the records of one workload on the latest nights of every device; the driver changes on the way."""
    for night in range(sim.nights - 8, sim.nights):
        for device in sim.devices:
            campaign = f"{sim.suite}-{night:05d}-{device}"
            at, plan = sim.run(night).started_at, _plan(sim, device)
            store.add_campaign(Campaign(campaign_id=campaign, created_at=at, status="done", plan=plan.to_dict()))
            driver = "550.54" if night < sim.nights - 5 else "560.28"
            environment = Environment(
                software={"driver_version": driver, "python_version": "3.11.7"}, device={"device_name": device},
                protocol={"protocol_id": "rounds", "threads": 1, "tier": "standard"},
            )  # fmt: skip
            rows = [i for i, one in enumerate(sim.series) if one.device == device and one.arch is not None]
            for row in rows if night == sim.nights - 1 else rows[:1]:
                _write_visits(store, campaign, sim, sim.series[row], float(np.exp(sim.logs[row, night])), environment)


def _plan(sim: SimNights, device: str) -> Plan:
    items = [Item(workload_of(one)) for one in sim.series if one.device == device]
    return Plan(tuple(items), device, "torch", protocol("standard"))


def _write_visits(store: Store, campaign: str, sim: SimNights, one: Series, value: float, environment: Environment) -> None:
    rng = np.random.default_rng(7)
    info = WorkloadInfo(
        name=one.name, kind=one.kind, search_space=one.search_space, arch=one.arch, batch_size=1, seq_len=128,
        precision="float32", backend=one.backend, params=12_345_678,
    )  # fmt: skip
    for number in range(4):
        samples = tuple((value * np.exp(rng.normal(0.004 * number, 0.006, 40))).tolist())
        flags = (Flag("W_THROTTLED", "The clock fell by 12 %.", "Cool the device."),) if number == 3 else ()
        visit = Visit(
            one.workload_key, number, 0, samples_s=samples, steady="flat", flags=flags, status="warn" if flags else "ok",
            started_at=sim.run(sim.nights - 1).started_at, started_s=10.0 * number, ended_s=10.0 * number + 1,
            conditions={
                "block_clock_hz": tuple((1.6e9 - 5e6 * rng.random(40)).tolist()), "clock_hz": 1.6e9,
                "temperature_celsius": {"hottest": 61.5 + number}, "load_avg_1min": 0.25,
            },
        )  # fmt: skip
        store.append(
            Record.from_visit(
                visit, campaign_id=campaign, run_id=f"process-{number}", workload=info, environment=environment
            )
        )


def write_entries(store: Store, sim: SimNights) -> None:
    """Writes checks of a cost model, which no longer holds in the end, a confirmation, and an accepted change."""
    rng = np.random.default_rng(3)
    rows = [i for i, one in enumerate(sim.series) if one.device == sim.devices[0]]
    for night in range(sim.nights - 20, sim.nights):
        error = 0.015 if night < sim.nights - 6 else 0.06
        measured = np.exp(sim.logs[rows, night])
        predicted = measured * np.exp(rng.normal(error, 0.01, len(rows)))
        points = [
            [sim.series[i].series_key, float(p), float(p * 0.97), float(p * 1.03), float(m)]
            for i, p, m in zip(rows, predicted, measured, strict=True)
        ]
        store.add_entry(
            ModelCheck(
                run_id=sim.run(night).run_id, created_at=sim.run(night).started_at, model="hybrid supershaper",
                quantity="latency_s", device=sim.devices[0], n=len(rows), mape=100 * error, median_ape=100 * error,
                kendall_tau=0.97, coverage_90=0.9 if error < 0.02 else 0.4, level=error, holds=error < 0.02,
                age_s=86_400.0 * (night + 3), points=points,
                reason="Its errors are usual." if error < 0.02 else "Its mean error rose from 1.5 % to 6.0 %.",
                importance={"hidden size": 0.52, "heads": 0.21, "feed-forward size": 0.19, "layers": 0.08},
            )
        )  # fmt: skip
    shifted = next(one for one in sim.series if one.name.endswith("no. 4"))
    store.add_entry(
        Confirmation(
            series_key=shifted.series_key, run_id=sim.run(34).run_id, before_run_id=sim.run(33).run_id, outcome="confirmed",
            log_ratio=0.075, half_width=0.004, how="worktree",
        )
    )  # fmt: skip
    store.add_entry(
        Acceptance(workload="*no. 3", device="t4", run_id=sim.run(36).run_id, author="ana", reason="The norm is exact now.")
    )


def write_study(path: Path, space: str = "supershaper", n: int = 300, best: str | None = None) -> Path:
    """Writes the log of a study with two objectives, whose quickest architecture may be given."""
    rng = np.random.default_rng(5)
    objectives = [
        {"name": "latency_s", "direction": "minimize", "reference": None, "model": None},
        {"name": "perplexity", "direction": "minimize", "reference": None, "model": None},
    ]
    lines = [
        {"event": "study", "schema_version": 2, "space": space, "searcher": "evolution", "seed": 0, "objectives": objectives}
    ]
    for number in range(n):
        arch = "_".join(str(120 * int(gene)) for gene in rng.integers(1, 6, 4))
        latency = float(rng.uniform(0.004, 0.02))
        if best is not None and number == 0:
            arch, latency = best, 0.003
        values = [latency, float(12 + 0.08 / latency + rng.exponential(3.0))]
        lines.append({"event": "tell", "arch": arch, "values": values, "status": "completed", "number": number})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def make_store(folder: Path, name: str = "nights.db") -> Path:
    """Makes the store of :data:`NIGHTS` in a folder."""
    path = folder / name
    with open_store(path) as store:
        write_nights(store)
    return path
