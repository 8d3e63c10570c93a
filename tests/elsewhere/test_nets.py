"""The runner's nets compute what hwcost's own modules compute, for every space, component and head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwcost.agent.torch_runtime import TorchRuntime
from hwcost.campaign.options import JobOptions
from hwcost.elsewhere import write_folder
from hwcost.errors import UsageError
from hwcost.spaces import space
from hwcost.workloads import SyntheticWorkload, Workload, component_stacks, models
from tests.conftest import ROOT

pytestmark = pytest.mark.torch
pytest.importorskip("torch")

SPACES = (
    ("supershaper", {"scale": "mini"}), ("supershaper", {"scale": "mini", "merged": True}),
    ("autodistil", {"subspace": "tiny", "activation": "relu"}), ("autodistill", {"scale": "mini"}), ("components", {}),
    ("components", {"grid": "mini-connected"}),
    ("transformer", {"layers": [2], "hidden": [64], "heads": [2]}),
)  # fmt: skip
TOLERANCE = 1e-5


class Cpu:
    kind = "cpu"


def workloads(name: str, options: dict[str, Any]) -> list[Workload]:
    made = space(name, **options)
    whole = models(made, made.sample(2, seed=0), seq_len=16, batch_size=2)
    every = [*made.components(), *made.parts()]
    parts = [next(one for one in every if one.kind == kind) for kind in dict.fromkeys(one.kind for one in every)]
    return [*whole, *component_stacks(made, 2, 16, depths=(1, 2), components=parts)]


@pytest.mark.parametrize(("name", "options"), SPACES, ids=lambda value: str(value)[:40])
def test_outputs_are_equal(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    import json

    made = {one.key: one for one in workloads(name, options)}
    plan = JobOptions().plan(made.values())
    folder = write_folder(tmp_path / "job", plan)
    job = json.loads((folder.path / "job.json").read_text(encoding="utf-8"))
    import torch

    threads = torch.get_num_threads()
    runtime = TorchRuntime(job, str(folder.path), Cpu())
    torch.set_num_threads(threads)
    for key, workload in made.items():
        runner = runtime.prepare({**job["workloads"][key], "key": key})
        built = workload.built()
        with torch.inference_mode():
            own = built.module(*built.args).numpy()
        mine = np.array(runner.outputs()[0], dtype=np.float32)
        assert np.abs(mine - own).max() <= TOLERANCE * max(1.0, float(np.abs(own).max())), workload.name


def test_what_cannot_be_described_is_refused(tmp_path: Path) -> None:
    plan = JobOptions().plan([SyntheticWorkload("w", flops=1)])
    with pytest.raises(UsageError, match="a job folder cannot describe it"):
        write_folder(tmp_path / "job", plan)


def test_every_module_of_hwcost_has_a_twin() -> None:
    """A module that is added to a space's file must be added to the runner's too."""
    from hwcost.agent.nets import KINDS

    files = ("modules", "supershaper_model", "transformer_model", "autodistill_model", "components_model")
    text = "".join((ROOT / "hwcost" / "workloads" / f"{name}.py").read_text(encoding="utf-8") for name in files)
    classes = {line.split()[1].split("(")[0] for line in text.splitlines() if line.startswith("class ")}
    assert classes - {"Encoder"} <= set(KINDS)


def test_onnx_files_share_the_weights_and_are_compared_with_torch(tmp_path: Path) -> None:
    import json

    for package in ("onnx", "onnxruntime"):
        pytest.importorskip(package)
    from hwcost.agent.errors import MeasurementError
    from hwcost.agent.onnx_runtime import OnnxRuntime

    made = space("supershaper", scale="mini")
    plan = JobOptions(backend="onnxruntime").plan(models(made, made.sample(1, seed=0), seq_len=16))
    folder = write_folder(tmp_path / "job", plan)
    job = json.loads((folder.path / "job.json").read_text(encoding="utf-8"))
    ((key, described),) = job["workloads"].items()
    workload = next(iter(plan.by_key.values())).workload
    weights = 4 * (workload.work().params if workload.work() else 0)
    assert (folder.path / described["onnx"]).stat().st_size < weights / 2
    runtime = OnnxRuntime(job, str(folder.path), Cpu())
    runner = runtime.prepare({**described, "key": key})
    assert runner.facts["difference"] <= TOLERANCE
    runner.close()
    described["reference"]["values"][7] += 1.0
    with pytest.raises(MeasurementError, match="computes something else than torch"):
        runtime.prepare({**described, "key": key})
