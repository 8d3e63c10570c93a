"""Simulated nights: a suite's history with a known truth, written into a store as the estimates of campaigns.

The log of a value is that of its workload, plus what the workload's shifts add, plus the level of its device on that night,
plus noise that may be correlated from night to night.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from hwcost._cached import cached_property
from hwcost._types import Floats
from hwcost.stores.base import Store
from hwcost.stores.runs import Code, Run
from hwcost.stores.series import Estimate, Series
from hwcost.workloads import SyntheticWorkload, from_dict
from hwcost.workloads.base import Workload

FIRST_NIGHT = datetime(2025, 1, 1, 3, tzinfo=timezone.utc)
HALF_WIDTH = 1.96
"""Half-width of a 95 % interval over the standard deviation."""

COMPONENTS = ("attention", "feed-forward", "norm", "embedding")
SPACES = ("supershaper", "autodistil", "autodistill")


@dataclass(frozen=True)
class Shift:
    """A lasting change of some workloads.

    Attributes:
        night: First night on which it is there, from 0.
        ratio: Value after it over value before it.
        workload: Pattern of the names of workloads.
        device: Pattern of the names of devices.
    """

    night: int
    ratio: float
    workload: str = "*"
    device: str = "*"


@dataclass(frozen=True)
class SimNights:
    """The history of a suite.

    Attributes:
        seed: Seed of everything that is drawn.
        nights: Number of nights.
        workloads: Number of workloads, half of them architectures and half components.
        devices: Names of the devices.
        noise: Standard deviation of a value's log, night by night.
        correlation: Correlation of the noise of one night with that of the night before.
        level: Standard deviation of the log level of a device; as correlated as the noise.
        shifts: Changes.
        missing: Share of estimates that are absent.
        failed: Share of estimates that failed.
        suite: Name of the suite.
        spacing: Time from one night to the next.
        campaigns: Whether estimates have campaigns of their own, see :mod:`hwcost.testing.night_records`.
    """

    seed: int = 0
    nights: int = 60
    workloads: int = 12
    devices: tuple[str, ...] = ("cpu", "t4")
    noise: float = 0.01
    correlation: float = 0.0
    level: float = 0.0
    shifts: tuple[Shift, ...] = ()
    missing: float = 0.0
    failed: float = 0.0
    suite: str = "nightly"
    spacing: timedelta = timedelta(days=1)
    campaigns: bool = True

    @cached_property
    def series(self) -> list[Series]:
        """The series, device by device."""
        return [_series(number, device) for device in self.devices for number in range(self.workloads)]

    @cached_property
    def truth(self) -> Floats:
        """Log of the true value of each series on each night, levels left out, shape (series, nights)."""
        rng = np.random.default_rng([self.seed, 1])
        workload = rng.normal(-4.5, 0.8, self.workloads)
        device = rng.normal(0.0, 1.0, len(self.devices))
        base = (device[:, None] + workload).ravel()[:, None] + np.zeros(self.nights)
        for shift in self.shifts:
            rows = [fnmatchcase(one.name, shift.workload) and fnmatchcase(one.device, shift.device) for one in self.series]
            base[np.array(rows), shift.night :] += np.log(shift.ratio)
        return base

    @cached_property
    def logs(self) -> Floats:
        """Log of the values that are measured, shape (series, nights)."""
        rng = np.random.default_rng([self.seed, 2])
        noise = _correlated(rng.normal(0.0, 1.0, self.truth.shape), self.correlation)
        levels = _correlated(rng.normal(0.0, 1.0, (len(self.devices), self.nights)), self.correlation)
        return self.truth + self.noise * noise + self.level * np.repeat(levels, self.workloads, axis=0)

    def run(self, night: int) -> Run:
        """Returns the run of a night; its commit is that of the night."""
        at = FIRST_NIGHT + night * self.spacing
        commit = hashlib.sha1(f"{self.seed}/{night}".encode(), usedforsecurity=False).hexdigest()
        return Run(
            run_id=f"{self.suite}-{night:05d}", suite=self.suite, started_at=at.isoformat(), status="done",
            ended_at=(at + timedelta(minutes=45)).isoformat(), argv=["hwcost", "run", self.suite],
            code=Code(repository="https://example.org/models", commit=commit, branch="main", is_dirty=False),
        )  # fmt: skip

    def estimates(self, night: int) -> list[Estimate]:
        """Returns what a night measured, without what is missing."""
        rng = np.random.default_rng([self.seed, 3, night])
        is_missing, is_failed = (rng.random(len(self.series)) < share for share in (self.missing, self.failed))
        at = {device: self._begin(night, place) for place, device in enumerate(self.devices)}
        values = np.exp(self.logs[:, night]).tolist()
        return [
            self._estimate(one, night, at[one.device], None if is_failed[index] else values[index])
            for index, one in enumerate(self.series)
            if not is_missing[index]
        ]

    def _begin(self, night: int, place: int) -> str:
        return (FIRST_NIGHT + night * self.spacing + timedelta(minutes=1 + 10 * place)).isoformat()

    def _estimate(self, one: Series, night: int, at: str, value: float | None) -> Estimate:
        run_id = f"{self.suite}-{night:05d}"
        campaign = f"{run_id}-{one.device}" if self.campaigns else None
        if value is None:
            return Estimate(
                one.series_key, campaign, run_id, at, None, None, status="failed", reason="RuntimeError: out of memory"
            )
        return Estimate(one.series_key, campaign, run_id, at, value, HALF_WIDTH * self.noise, n_rounds=4)

    def write(self, store: Store, nights: Sequence[int] | None = None) -> None:
        """Writes nights into a store, one after another.

        Args:
            store: The store.
            nights: Numbers of the nights; None for all.
        """
        for night in range(self.nights) if nights is None else nights:
            run = self.run(night)
            store.add_run(run)
            store.add_estimates(self.series, self.estimates(night))
            store.end_run(run.run_id, run.status, run.ended_at)


def _series(number: int, device: str) -> Series:
    """Returns a series of the simulated suite: even numbers are architectures, odd ones components."""
    space = SPACES[number // 2 % len(SPACES)]
    shape: dict[str, Any] = {
        "precision": "float32",
        "batch_size": 1,
        "seq_len": 128,
        "threads": 1,
        "device": device,
        "backend": "torch",
    }
    if number % 2 == 0:
        arch = [120 * (1 + (number + layer) % 5) for layer in range(4)]
        name, component = f"{space} {'_'.join(map(str, arch))} no. {number}", None
    else:
        arch, component = None, COMPONENTS[number // 2 % len(COMPONENTS)]
        name = f"{space} {component} no. {number}"
    workload = SyntheticWorkload(name, flops=10**6 * (number + 1), seq_len=128)
    return Series(
        workload_key=workload.key, name=name, kind="sim", search_space=space, component=component, arch=arch,
        spec=workload.as_dict(), **shape,
    )  # fmt: skip


def workload_of(one: Series) -> Workload:
    """Returns the workload of a series of the simulated suite: an amount of work, whose key is that of the series."""
    return from_dict(one.spec)


def _correlated(noise: Floats, correlation: float) -> Floats:
    """Returns noise of the same variance that is correlated along its last axis."""
    found = np.array(noise)
    for night in range(1, found.shape[-1]):
        found[..., night] = correlation * found[..., night - 1] + np.sqrt(1 - correlation**2) * noise[..., night]
    return found
