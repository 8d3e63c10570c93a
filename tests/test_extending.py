"""Two plug-ins, installed as a user installs them: they pass the suites and are found wherever hwcost looks."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hwcost.stores import open_store
from tests.conftest import ROOT

pytestmark = pytest.mark.once

PAGE = ROOT / "docs" / "extending.md"
PLUGIN = ROOT / "tests" / "plugin"
MORE = ROOT / "tests" / "plugin_more"
FILES = [path.relative_to(PLUGIN).as_posix() for path in sorted(PLUGIN.rglob("*")) if path.suffix in (".py", ".toml")]


def blocks() -> dict[str, str]:
    """Returns the files of the page: code by the path that stands in bold above it."""
    return dict(re.findall(r"^\*\*`([^`]+)`\*\*\n\n```\w+\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S))


@pytest.mark.parametrize("name", FILES)
def test_the_page_shows_the_files_that_are_tested(name: str) -> None:
    assert blocks()[name] == (PLUGIN / name).read_text(encoding="utf-8")


def test_the_page_shows_no_other_files() -> None:
    assert sorted(blocks()) == FILES


def groups(folder: Path) -> set[str]:
    """Returns the groups of entry points that a distribution has members in."""
    return set(
        re.findall(r'^\[project.entry-points."(.+)"]$', (folder / "pyproject.toml").read_text(encoding="utf-8"), re.M)
    )


def test_every_family_has_a_member_of_another_distribution() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "hwcost").rglob("*.py"))
    families = set(re.findall(r'\bRegistry\(\s*"(hwcost\.\w+)"', sources))
    assert len(families) >= 12
    assert groups(PLUGIN) | groups(MORE) == families
    rows = re.findall(r"^\| `(hwcost\.\w+)` \|", PAGE.read_text(encoding="utf-8"), re.M)
    assert set(rows) == families


def test_the_page_names_every_suite() -> None:
    sources = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "hwcost" / "testing").glob("*.py")}
    suites = {
        f"hwcost.testing.{name}.{one}"
        for name, text in sources.items()
        for one in re.findall(r"^class (\w+Suite)\b", text, re.M)
    }
    assert set(re.findall(r"^\| `(hwcost\.testing\.[\w.]+)` \|", PAGE.read_text(encoding="utf-8"), re.M)) == suites


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both plug-ins installed; nothing is fetched, and nothing is left in the checkout."""
    pytest.importorskip("setuptools")
    sources, site = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("site")
    for folder in (PLUGIN, MORE):
        shutil.copytree(folder, sources / folder.name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build"))
    how = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *how, "--target", str(site), *map(str, sources.iterdir())]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return site


def run(site: Path, folder: Path, *arguments: str) -> str:
    """Runs Python where the plug-in is installed and returns what it prints."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(site), str(ROOT)]), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def hwcost(site: Path, folder: Path, *arguments: str) -> str:
    return run(site, folder, "-m", "hwcost", *arguments)


COMMANDS = """
import contextlib, io, json, sys
from hwcost.cli.main import invoke
printed = []
for arguments in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        code = invoke(arguments)
    if code:
        sys.exit(code)
    printed.append(out.getvalue())
print(json.dumps(printed))
"""


def in_turn(site: Path, folder: Path, *commands: list[str]) -> list[str]:
    """Runs commands one after the other in one process, and returns what each prints."""
    printed: list[str] = json.loads(run(site, folder, "-c", COMMANDS, json.dumps(commands)))
    return printed


@pytest.mark.torch
def test_they_pass_the_suites(site: Path, tmp_path: Path) -> None:
    for package in ("torch", "safetensors", "matplotlib"):
        pytest.importorskip(package)
    for folder in (PLUGIN, MORE):
        shutil.copytree(folder / "tests", tmp_path / folder.name)
    out = run(site, tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", PLUGIN.name, MORE.name)
    assert " passed" in out
    assert "skipped" not in out


def test_its_members_are_listed(site: Path, tmp_path: Path) -> None:
    point = ["ridge-point", "example-board", "--json", "-"]
    commands, spaces, devices, shown = in_turn(site, tmp_path, ["--help"], ["spaces", "list"], ["devices", "list"], point)
    assert "ridge-point" in commands
    assert "mlp" in spaces
    assert "example-board" in devices
    assert json.loads(shown) == {"schema_version": 1, "device": "example-board", "dtype": "float32", "flops_per_byte": 5.0}


@pytest.fixture(scope="module")
def work(site: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A folder in which the commands at the end of the page were run, one after the other, and what each printed."""
    folder = tmp_path_factory.mktemp("work")
    (last,) = re.findall(r"^## All together\n\n```\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    lines = [shlex.split(line)[1:] for line in last.splitlines() if line.startswith("hwcost ")]
    names = [arguments[0] for arguments in lines]
    return folder, dict(zip(names, in_turn(site, folder, *lines), strict=True))


def test_its_members_work_together_as_the_page_says(site: Path, work: tuple[Path, dict[str, str]]) -> None:
    folder, printed = work
    assert list(printed) == ["spaces", "ridge-point", "measure", "evaluate", "fit", "search"]
    assert "inner" in printed["spaces"]
    assert "flops-line" in printed["evaluate"]
    script = "import hwcost as hc; print(hc.load('models/mlp').name, *hc.fit('own.db', 'auto').candidate_errors_)"
    loaded, *tried = run(site, folder, "-c", script).split()
    assert loaded == "flops-line"
    assert {"flops-line", "ridge"} <= set(tried)


def test_a_device_of_another_distribution_is_measured_on(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in range(2):
        folder = tmp_path / "sys" / "class" / "example_npu" / f"npu{index}"
        folder.mkdir(parents=True)
        for name, text in {"uuid": f"NPU-{index}", "product": "Model 5", "clock_hz": "1e9", "energy_j": "10"}.items():
            (folder / name).write_text(text)
    monkeypatch.setenv("EXAMPLE_NPU_ROOT", str(tmp_path))
    detected = json.loads(hwcost(site, tmp_path, "devices", "detect", "--json", "-"))["devices"]
    assert [one["uuid"] for one in detected if one["kind"] == "npu"] == ["NPU-0", "NPU-1"]
    measure = ("measure", "--device", "example-npu:1", "--space", "mlp", "-n", "2", "--rounds", "1", "--backend", "null")
    hwcost(site, tmp_path, *measure, "--seq-len", "32", "--store", "npu.db", "-q")
    with open_store(tmp_path / "npu.db") as store:
        records = list(store.records())
    assert {(one.environment.device["uuid"], one.environment.device["device_name"]) for one in records} == {
        ("NPU-1", "example-npu")
    }
    assert {one.visit.conditions["visit_energy_j"] for one in records} == {0.0}
