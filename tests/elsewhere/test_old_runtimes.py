"""Job folders on the oldest runtimes that install: torch 1.4 on Python 3.8, torch 1.11 and ONNX Runtime 1.12 on 3.10.

Environments are made in ``HWCOST_RUNNER_VENVS``, and kept there, or in the folder of the test run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from hwcost.campaign.options import JobOptions
from hwcost.elsewhere import import_results, write_folder
from hwcost.spaces import space
from hwcost.stores import open_store
from hwcost.workloads import Workload, component_stacks, models
from tests.elsewhere.jobs import run

pytestmark = [pytest.mark.slow, pytest.mark.torch]
pytest.importorskip("torch")
pytest.importorskip("onnx")

OLDEST = {"3.8": ("torch==1.4.0", "numpy<2"), "3.10": ("torch==1.11.0", "onnxruntime==1.12.0", "numpy<2")}
OUTPUTS = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from hwcost_agent.worker import runtime_of
class Cpu: kind = "cpu"
job = json.load(open(os.path.join(sys.argv[1], "job.json")))
runtime = runtime_of(job, sys.argv[1], Cpu())
found = {key: runtime.prepare(dict(one, key=key)).outputs()[0] for key, one in job["workloads"].items()}
print(json.dumps(found))
"""
CASES = [("3.8", "torch"), ("3.10", "torch"), ("3.10", "onnxruntime")]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: "-".join(case))
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A Python with the oldest runtimes, and the backend to plan for."""
    version, backend = request.param
    base = os.environ.get("HWCOST_RUNNER_VENVS")
    folder = Path(base) if base else tmp_path_factory.getbasetemp() / "venvs"
    python = folder / f"py{version.replace('.', '')}" / "bin" / "python"
    if not python.exists():
        here = Path.home() / ".pyenv" / "versions"
        found = next(here.glob(f"{version}.*/bin/python"), None) or shutil.which(f"python{version}")
        if found is None or subprocess.run([str(found), "-c", ""], check=False).returncode:
            pytest.skip(f"python{version} is not here")
        subprocess.run([str(found), "-m", "venv", str(python.parent.parent)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *OLDEST[version]], check=True)
    return str(python), backend


def nets(backend: str) -> list[Workload]:
    spaces = [space("supershaper", scale="mini"), space("supershaper", scale="mini", merged=True)]
    spaces += [space("autodistil", subspace="tiny"), space("autodistill", scale="mini")]
    spaces += [space("components")] if backend == "torch" else []  # whose norm ONNX's older opsets do not have
    whole = [one for made in spaces for one in models(made, made.sample(1, seed=0), seq_len=16)]
    return [*whole, *component_stacks(spaces[0], 1, 16, depths=(2,))]


def test_outputs_are_those_of_hwcost(case: tuple[str, str], tmp_path: Path) -> None:
    python, backend = case
    made = {one.key: one for one in nets(backend)}
    folder = write_folder(tmp_path / "job", JobOptions(backend=backend).plan(made.values()))
    done = subprocess.run([python, "-c", OUTPUTS, str(folder.path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    import torch

    for key, found in json.loads(done.stdout).items():
        built = made[key].built()
        with torch.inference_mode():
            own = built.module(*built.args).numpy()
        difference = np.abs(np.array(found, dtype=np.float32) - own).max()
        assert difference <= 1e-5 * max(1.0, float(np.abs(own).max())), (made[key].name, difference)


def test_a_campaign_is_measured(case: tuple[str, str], tmp_path: Path) -> None:
    python, backend = case
    made = space("supershaper", scale="mini")
    options = JobOptions(backend=backend, rounds=2, tier="quick", blocks=4)
    folder = write_folder(tmp_path / "job", options.plan(models(made, made.sample(4, seed=0), seq_len=16)))
    done = run(folder, "--quiet", python=python)
    assert done.returncode == 0, done.stderr
    with open_store(str(tmp_path / "a.db")) as store:
        found = import_results(folder.path, store)
        assert (found.records, found.is_complete) == (8, True)
        record = next(store.records())
    assert record.environment.software["framework"][backend].startswith(("1.4", "1.11", "1.12"))
    assert record.visit.cpu_s is not None
