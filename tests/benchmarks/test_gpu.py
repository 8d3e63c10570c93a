"""The benchmark of real GPUs: its figures, its parts on a law in place of a GPU, and its error without one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

from hwcost.devices import present, require
from hwcost.errors import DataError
from tests.conftest import ROOT

pytestmark = pytest.mark.once

BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture(scope="module")
def parts() -> Iterator[SimpleNamespace]:
    """The modules of the benchmark by name."""
    sys.path.insert(0, str(BENCHMARKS))
    names = ("campaigns", "figure", "probes", "setting")
    yield SimpleNamespace(**{name: import_module(f"gpu_parts.{name}") for name in names})
    sys.path.remove(str(BENCHMARKS))


def test_a_figure_says_whether_it_meets_its_bar(parts: SimpleNamespace) -> None:
    Figure = parts.figure.Figure  # noqa: N806
    assert Figure("a", 60, ">=", 60).is_met
    assert not Figure("a", 1.6, "<=", 1.5).is_met
    assert Figure("a", None, "<=", 1.5).is_met is False
    assert Figure("a", 3.0).is_met is None
    assert "MISSED" in str(Figure("a", 1.6, "<=", 1.5))
    assert Figure("a", 60, ">=", 60).to_dict()["met"] is True


def test_shapes_are_spread_over_the_operations_of_the_published_file(parts: SimpleNamespace, tmp_path: Path) -> None:
    path = tmp_path / "gemm.csv"
    path.write_text("m,n,k,latency_s\n" + "".join(f"{i},2,3,{i}e-6\n" for i in range(100, 0, -1)))
    found = parts.probes.chosen(path)
    assert found[0] == (1, 2, 3, 1e-6)
    assert found[-1] == (100, 2, 3, 1e-4)
    assert len(found) == parts.probes.SHAPES
    with pytest.raises(DataError, match="cannot be read as a table of m, n, k and latency_s"):
        parts.probes.chosen(tmp_path / "none.csv")


def test_without_a_gpu_it_says_so() -> None:
    if any(one.kind == "cuda" for one in present()):
        pytest.skip("a GPU is here")
    command = [sys.executable, str(BENCHMARKS / "gpu.py"), "--part", "peak"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={"PYTHONPATH": str(ROOT)})
    assert done.returncode == 3
    assert "no GPU with a profile is here (no GPU)" in done.stderr


@pytest.mark.slow
def test_campaigns_run_on_a_law(parts: SimpleNamespace, tmp_path: Path) -> None:
    setting = parts.setting.Setting(require("cpu"), tmp_path / "s.db", 60.0, 30)
    figures = {one.name: one for one in parts.campaigns.supershaper(setting, "null")}
    assert figures["bfloat16: architectures to 1 %"].value == 30
    assert figures["float32: MAPE of the lookup table on 20 others, %"].is_met
    (apart,) = parts.campaigns.again(setting, "null")
    assert apart.is_met
