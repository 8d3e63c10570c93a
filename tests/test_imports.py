"""Where the processes that hwcost starts find modules."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hwcost._imports import interpreter, module_paths


def run(code: str) -> str:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(module_paths())}
    done = subprocess.run([*interpreter(), "-c", code], env=environment, text=True, capture_output=True, check=False)
    return done.stdout.strip() or done.stderr


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 always looks into the current folder first")
def test_a_file_in_the_current_folder_hides_no_module_of_pythons_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A measuring process imports ``numbers`` and many others; nobody keeps their folder free of such names."""
    (tmp_path / "numbers.py").write_text("raise RuntimeError('of the user')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    assert run("import numbers; print(numbers.Integral.__name__)") == "Integral"


def test_other_modules_of_the_current_folder_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "module_of_a_user.py").write_text("value = 7")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    assert module_paths()[-1] == os.getcwd()
    assert run("import module_of_a_user; print(module_of_a_user.value)") == "7"


def test_the_current_folder_keeps_its_place_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", "/elsewhere"])
    assert module_paths() == [os.getcwd(), "/elsewhere"]
