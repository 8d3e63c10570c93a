"""Programs of the environment that ``make test-tools`` makes: other tools, which hwcost itself does not need."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

FOLDER = "HWCOST_TOOLS"
"""Variable that names the folder of the environment's programs; without it those on PATH are taken."""


def tool(name: str) -> str:
    """Returns the path of a program; skips without it, but fails where the full test run was asked for."""
    folder = os.environ.get(FOLDER)
    found = (shutil.which(name, path=folder) if folder else None) or shutil.which(name)
    return found if found is not None else missing(f"the program '{name}'")


def python_with(package: str) -> str:
    """Returns an interpreter that has a package; skips without it, but fails where the full test run was asked for."""
    folder = os.environ.get(FOLDER)
    python = str(Path(folder) / "python") if folder else sys.executable
    found = shutil.which(python) is not None and subprocess.run([python, "-c", f"import {package}"], capture_output=True)
    return python if found and found.returncode == 0 else missing(f"the package '{package}' of {python}")


def missing(what: str) -> NoReturn:
    """Skips a test for lack of a tool, but fails where the full test run was asked for."""
    message = f"{what} is missing; packages.txt or 'make test-tools' brings it"
    if os.environ.get("HWCOST_REQUIRE") == "system":
        pytest.fail(message)
    pytest.skip(message)
