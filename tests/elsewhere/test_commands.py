"""``hwcost plan``, ``hwcost import`` of a job, and ``hwcost measure --on``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from hwcost.cli.main import invoke
from hwcost.elsewhere import JobFolder
from tests.elsewhere.jobs import run

SMALL = ["--backend", "null", "--space", "autodistil:subspace=tiny", "-n", "3", "--seq-len", "32", "--rounds", "2", "-q"]


def test_a_job_goes_from_plan_to_cost_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, store = tmp_path / "plan", str(tmp_path / "k80.db")
    assert invoke(["plan", "--device", "cpu", *SMALL, "--out", str(folder), "--json", "-"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["workloads"], said["rounds"], said["device"]) == (3, 2, "cpu")
    assert run(JobFolder(folder), "--quiet").returncode == 0
    assert invoke(["import", str(folder), "--store", store, "--json", "-"]) == 0
    assert len(json.loads(capsys.readouterr().out)["measurements"]) == 3
    assert invoke(["import", str(folder / "results.jsonl"), "--store", store]) == 0
    assert "6 were already there" in capsys.readouterr().err
    assert invoke(["plan", *SMALL, "--out", str(folder)]) == 2
    assert "holds something already" in capsys.readouterr().err


def test_the_headline_plans_a_device_that_is_not_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["measure", "--device", "k80", "--space", "supershaper"]) == 3
    error = capsys.readouterr().err
    assert "hwcost measure --device k80 --on ssh://HOST" in error
    assert "hwcost plan --device k80 --out plan/" in error
    assert invoke(["plan", "--device", "k80", *SMALL, "--out", str(tmp_path / "plan")]) == 0
    job = json.loads((tmp_path / "plan" / "job.json").read_text(encoding="utf-8"))
    assert job["device"] | {"cache_bytes": 0} == {
        "name": "k80", "kind": "cuda", "index": None, "cache_bytes": 0, "stall_s": 600.0,
        "match": {"cuda": ["K80"], "not": [], "compute_capability": "3.7"},
    }  # fmt: skip
    workload = next(iter(json.loads(json.dumps(job["campaign"]))["plan"]["items"]))["workload"]
    assert workload["batch_size"] == 128, "the profile's own protocol"
    done = run(JobFolder(tmp_path / "plan"))
    assert (done.returncode, "NVIDIA" in done.stderr or "'k80' is not here" in done.stderr) == (3, True)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--lock-clocks"], "clocks are not locked there"),
        (["--quantity", "energy_j"], "energy and memory are not measured there"),
    ],
)
def test_what_the_runner_does_not_do_is_refused(
    option: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    on = f"local://{tmp_path}/there?python={sys.executable}"
    assert invoke(["measure", *SMALL, "--on", on, "--store", str(tmp_path / "a.db"), *option]) == 2
    assert f"the runner on another machine measures latency alone: {message}" in capsys.readouterr().err


def test_measure_on_another_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    on, store = f"local://{tmp_path}/there?python={sys.executable}", str(tmp_path / "a.db")
    assert invoke(["measure", *SMALL, "--on", on, "--store", store, "--json", "-"]) == 0
    assert len(json.loads(capsys.readouterr().out)["measurements"]) == 3
    assert invoke(["measure", "--resume", "--on", on, "--store", store, "-q"]) == 0
    assert invoke(["measure", *SMALL, "--on", "carrier-pigeon://coop"]) == 2
    assert "Known: local, ray, slurm, ssh" in capsys.readouterr().err
    assert invoke(["measure", *SMALL[2:], "--backend", "openvino", "--on", on, "--store", store]) == 2
    assert "no runtime for backend 'openvino'" in capsys.readouterr().err
