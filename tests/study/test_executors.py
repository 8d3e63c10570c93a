"""Studies whose functions other engines run: the trials are those of a study that runs here."""

from __future__ import annotations

import os
from concurrent.futures import Executor
from pathlib import Path

import pytest

import hwcost as hc
from hwcost.errors import UsageError
from hwcost.study.executors import RayExecutor, SubmititExecutor
from tests.elsewhere.clusters import ray_alone

pytestmark = pytest.mark.once

SPACE = hc.space("supershaper")


class Width:
    """The sum of an architecture's genes; leaves a file with the name of the process that computed it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, arch: hc.Architecture) -> float:
        (self.folder / str(os.getpid())).touch()
        return float(sum(arch.genes))


def check(executor: Executor, folder: Path) -> None:
    """Fails unless a study through an executor is the one without, and other processes did the work."""
    found = []
    for one in (executor, None):
        objectives = [hc.Minimize(Width(folder), name="width")]
        study = hc.search(SPACE, objectives=objectives, searcher="random", evaluations=3, executor=one, seed=3)
        found.append([(SPACE.key(trial.architecture), trial.values) for trial in study.trials])
        assert (folder / str(os.getpid())).exists() == (one is None)
    assert found[0] == found[1]


def test_submitit_runs_a_study(tmp_path: Path) -> None:
    submitit = pytest.importorskip("submitit")
    engine = submitit.AutoExecutor(tmp_path / "jobs", cluster="local")
    with SubmititExecutor(engine) as executor:
        check(executor, tmp_path)
    assert len(list((tmp_path / "jobs").glob("*_result.pkl"))) == 3


def test_what_is_not_an_executor_of_submitit_is_refused() -> None:
    with pytest.raises(UsageError, match="expected an executor of submitit"):
        SubmititExecutor(3)


def test_ray_runs_a_study(tmp_path: Path) -> None:
    ray = pytest.importorskip("ray")
    with ray_alone():
        ray.init(num_cpus=2, include_dashboard=False, object_store_memory=80_000_000, log_to_driver=False, logging_level=40)
        try:
            check(RayExecutor(num_cpus=1), tmp_path)
        finally:
            ray.shutdown()
