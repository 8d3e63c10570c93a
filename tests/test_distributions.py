"""Entry points of installed distributions are found wherever ``importlib.metadata`` finds them, and cheaply."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from hwcost import registry
from hwcost._distributions import entry_points
from hwcost.registry import Registry
from tests.conftest import ROOT

GROUP = "hwcost.colours"
METADATA = "Metadata-Version: 2.1\nName: colours\nVersion: 1.0\n"
DECLARED = f"[console_scripts]\nred = math:pi\n\n[{GROUP}]\nred = math:tau\n"


def describe(folder: Path, declared: str = DECLARED) -> None:
    """Writes the description of a distribution."""
    folder.mkdir(parents=True)
    name = "METADATA" if folder.suffix == ".dist-info" else "PKG-INFO"
    (folder / name).write_text(METADATA, encoding="utf-8")
    (folder / "entry_points.txt").write_text(declared, encoding="utf-8")


def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Returns a list that grows whenever ``importlib.metadata`` is asked."""
    calls: list[int] = []
    ask = importlib.metadata.entry_points
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda: calls.append(1) or ask())
    return calls


def found() -> dict[str, str]:
    return {entry.name: entry.value for entry in entry_points("hwcost.").get(GROUP, [])}


@pytest.mark.parametrize("info", ["c-1.0.dist-info", "c.egg-info", "C-1.0.DIST-INFO", "c-1.0.egg/EGG-INFO"])
def test_folders_on_the_path(info: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    describe(tmp_path / info)
    monkeypatch.syspath_prepend(tmp_path / Path(info).parent)
    assert found() == {"red": "math:tau"}


def test_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    describe(tmp_path / "colours.egg-info")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    assert found() == {"red": "math:tau"}


@pytest.mark.parametrize("info", ["colours-1.0.dist-info", "EGG-INFO"])
def test_zip_files_on_the_path(info: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "colours-1.0-py3.egg"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{info}/PKG-INFO", METADATA)
        file.writestr(f"{info}/METADATA", METADATA)
        file.writestr(f"{info}/entry_points.txt", DECLARED)
    monkeypatch.syspath_prepend(path)
    assert found() == {"red": "math:tau"}


def test_import_hooks_that_find_distributions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    describe(tmp_path / "colours-1.0.dist-info")

    class Hook:
        @staticmethod
        def find_spec(*_: object) -> None:
            return None

        @staticmethod
        def find_distributions(*_: object) -> list[importlib.metadata.Distribution]:
            return [importlib.metadata.Distribution.at(tmp_path / "colours-1.0.dist-info")]

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Hook])
    assert found() == {"red": "math:tau"}


def test_the_first_on_the_path_hides_later_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, declared in (("later", DECLARED), ("first", DECLARED.replace("tau", "e"))):
        describe(tmp_path / name / "colours-1.0.dist-info", declared)
        monkeypatch.syspath_prepend(tmp_path / name)
    assert found() == {"red": "math:e"}


def test_others_are_passed_over_without_asking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    others = "[console_scripts]\nred = hwcost.cli.main:run\n\n[other.hwcost.colours]\na = b\n"
    describe(tmp_path / "colours-1.0.dist-info", others)
    (tmp_path / "file.egg-info").write_text(METADATA)
    (tmp_path / "empty.dist-info").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path), str(tmp_path / "absent")])
    calls = asked(monkeypatch)
    assert entry_points("hwcost.") == {}
    assert calls == []


def test_an_installation_while_the_process_runs_is_found_after_refresh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    colours = Registry(GROUP, "colour", {})
    registry.refresh()
    assert colours.names() == []
    describe(tmp_path / "colours-1.0.dist-info")
    assert colours.names() == []
    registry.refresh()
    try:
        assert (colours.names(), colours.origin("red")) == (["red"], "colours")
    finally:
        registry.refresh()


def test_editable_installs_are_found(tmp_path: Path) -> None:
    """What an editable install leaves: a description in site-packages, and a .pth file that names the project."""
    site, project = tmp_path / "site", tmp_path / "project"
    describe(site / "colours-1.0.dist-info", DECLARED.replace("math:tau", "palette:RED"))
    project.mkdir()
    (project / "palette.py").write_text("RED = 7\n")
    (site / "colours.pth").write_text(f"{project}\n")
    code = (
        f"import site; site.addsitedir({str(site)!r})\n"
        f"from hwcost.registry import Registry; print(Registry({GROUP!r}, 'colour', {{}}).load('red'))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "7\n"
