"""The wheel holds what it should and nothing else, and works from a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT

PROBE = """
import hwcost, json, sys
from hwcost import devices
from hwcost.kernels import matmul_probe
print(json.dumps([hwcost.__file__, devices.load("k80").kind, matmul_probe.__file__]))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Builds from a copy of what git would ship, so that no build folder is left in the checkout."""
    source = tmp_path_factory.mktemp("source") / "hwcost"
    leave_out = shutil.ignore_patterns(".git", ".venv", "runs", "models", "*.egg-info", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, source, ignore=leave_out)
    out = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(out), str(source)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return next(out.glob("*.whl"))


def test_everything_is_shipped(wheel: Path) -> None:
    shipped = set(zipfile.ZipFile(wheel).namelist())
    wanted = {str(path.relative_to(ROOT)) for path in (ROOT / "hwcost").rglob("*.py")} | {"hwcost/py.typed"}
    for kind in ("devices", "kernels"):
        kept = [path for path in (ROOT / kind).iterdir() if path.suffix in (".toml", ".py", ".cpp", ".cu", ".h")]
        assert kept
        wanted |= {f"hwcost/_share/{kind}/{path.name}" for path in kept}
    assert wanted <= shipped


def test_nothing_else_is_shipped(wheel: Path) -> None:
    roots = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in roots if not name.endswith(".dist-info")} == {"hwcost"}


def test_the_wheel_works_in_a_folder_of_its_own(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(site), str(wheel)],
        check=True,
    )
    environment = os.environ | {"PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, cwd=tmp_path, env=environment, check=True
    )
    import json

    package, kind, kernel = json.loads(done.stdout)
    assert Path(package).is_relative_to(site)
    assert Path(kernel).is_relative_to(site)
    assert kind == "cuda"
    said = subprocess.run(
        [sys.executable, "-m", "hwcost", "spaces", "list"], capture_output=True, text=True, cwd=tmp_path, env=environment
    )
    assert said.returncode == 0, said.stderr
    assert "supershaper" in said.stdout
