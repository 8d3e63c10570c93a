"""The wheel holds what it should and nothing else, and works from a folder of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_string
from email.message import Message
from pathlib import Path

import pytest

import hwcost
from tests.conftest import ROOT

pytestmark = pytest.mark.once

PROBE = """
import hwcost, json, sys
from hwcost import devices
from hwcost.kernels import matmul_probe
print(json.dumps([hwcost.__file__, devices.load("k80").kind, matmul_probe.__file__]))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Builds the source distribution, and the wheel from it, from a copy that leaves no build folder in the checkout."""
    source = tmp_path_factory.mktemp("source") / "hwcost"
    leave_out = shutil.ignore_patterns(".git", ".venv*", "runs", "models", "*.egg-info", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, source, ignore=leave_out)
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return out


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def sources(built: Path) -> set[str]:
    """Names of the files of the source distribution, without the folder that they lie in."""
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        return {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return message_from_string(archive.read(name).decode())


def test_the_source_distribution_holds_what_is_needed_and_no_tests(sources: set[str]) -> None:
    assert {"CHANGELOG.md", "LICENSE", "README.md", "pyproject.toml", "hwcost/py.typed"} <= sources
    roots = {name.partition("/")[0] for name in sources}
    assert not roots & {"tests", "benchmarks", "docs", "runs", "models"}


def test_the_version_has_one_source(metadata: Message) -> None:
    assert metadata["Version"] == hwcost.__version__
    assert not re.search(r'^version = "', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_metadata_is_complete(metadata: Message) -> None:
    for name in ("Author", "Summary", "License-Expression", "Requires-Python", "Keywords"):
        assert metadata[name], name
    urls = dict(url.split(", ", 1) for url in metadata.get_all("Project-URL") or [])
    assert {"Homepage", "Documentation", "Changelog"} <= set(urls)


def test_links_of_the_readme_work_from_anywhere() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", text)  # which a checkout shows, whether or not the site is there
    assert pictures
    for picture in pictures:
        assert (ROOT / picture).is_file(), f"'{picture}' is not in the checkout"
    for target in re.findall(r"(?<!!)\[[^]]+\]\(([^)]+)\)", text):
        assert target.startswith("https://"), f"'{target}' is broken on the package index"
        page = re.fullmatch(r"https://hwcost.readthedocs.io/en/latest/([\w-]+)/(?:#[\w-]+)?", target)
        assert page is None or (ROOT / "docs" / f"{page[1]}.md").exists(), f"'{target}' is no page of docs/"


def test_extras_that_texts_name_exist(metadata: Message) -> None:
    extras = set(metadata.get_all("Provides-Extra") or [])
    for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for names in re.findall(r"(?:hwcost|\.)\[([\w,-]+)\]", path.read_text(encoding="utf-8")):
            assert set(names.split(",")) <= extras, f"{path.name}: [{names}]"


def test_everything_is_shipped(wheel: Path) -> None:
    shipped = set(zipfile.ZipFile(wheel).namelist())
    wanted = {str(path.relative_to(ROOT)) for path in (ROOT / "hwcost").rglob("*.py")} | {"hwcost/py.typed"}
    pages = [path for path in (ROOT / "hwcost" / "report").rglob("*.*") if path.suffix not in (".py", ".pyc")]
    assert len(pages) > 20
    wanted |= {str(path.relative_to(ROOT)) for path in pages}
    for kind in ("devices", "kernels"):
        kept = [path for path in (ROOT / kind).iterdir() if path.suffix in (".json", ".toml", ".py", ".cpp", ".cu", ".h")]
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


def test_every_package_is_listed() -> None:
    """Quicker than building: names the package that pyproject.toml lacks."""
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "hwcost").rglob("__init__.py")}
    listed = set(re.findall(r'^ {4}"(hwcost[\w.]*)",$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE))
    assert listed - {"hwcost._share.devices", "hwcost._share.kernels"} == found
