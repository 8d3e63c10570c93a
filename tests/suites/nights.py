"""Nights of a suite on a simulated device, whose processes run in this one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hwcost.backends.null import Null
from hwcost.campaign.rounds import round as campaign_round
from hwcost.configuration.table import checked
from hwcost.devices import require
from hwcost.stores import open_store
from hwcost.suites import RunOptions, RunResult, Suite, run_suite
from hwcost.testing.faults import Faults
from hwcost.testing.in_process import InProcess
from hwcost.testing.sim_device import SimDevice

SPACE = "supershaper:scale=mini"


def suite(**values: Any) -> Suite:
    """A suite of six small nets on the null backend."""
    sets = [{"name": "nets", "space": SPACE, "n": 6}]
    usual = {"name": "mine", "workloads": sets, "devices": ["cpu"], "backends": ["null"], "tier": "quick"}
    return checked(Suite, {**usual, **values}, "mine.toml")


def simulate(patch: pytest.MonkeyPatch, *, seed: int, factor: float = 1.0) -> None:
    """Lets campaigns measure a simulated device with noise.

    Args:
        patch: The test's patches.
        seed: Seed of the noise: one a night.
        factor: Factor by which the device is slower than its law.
    """
    device = SimDevice(
        options={"seed": seed}, faults=Faults(noise=0.01, process=0.01), law=lambda work: factor * Null().law_s(work)
    )
    patch.setattr(campaign_round, "WorkerProcess", lambda job, *_: InProcess(job, device, require("cpu")))


def night(store: Path, declared: Suite, **options: Any) -> RunResult:
    """Runs a suite."""
    with open_store(store) as opened:
        return run_suite(declared, opened, RunOptions(**options))


def latest(store: Path, run_id: str) -> Mapping[str, tuple[str, str]]:
    """Returns status and reason of the latest estimate of each workload of a run, by the workload's name."""
    with open_store(store) as opened:
        names = {key: one.name for key, one in opened.series().items()}
        return {names[one.series_key]: (one.status, one.reason) for one in opened.estimates(run_ids=[run_id]).estimates()}
