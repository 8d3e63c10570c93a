"""Importing the package, and asking the command line for help, load nothing heavy."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"torch", "sqlalchemy", "alembic", "matplotlib", "onnx", "onnxruntime", "openvino", "lightgbm", "xgboost", "scipy"}


def modules_after(code: str) -> set[str]:
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.strip().splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    [
        "import hwcost",
        "import hwcost; hwcost.space('supershaper')",
        "from hwcost.cli.main import invoke; invoke(['--help'])",
        "from hwcost.cli.main import invoke; invoke(['measure', '--help'])",
        "from hwcost.cli.main import invoke; invoke(['measure', '--device', 'k80'])",
    ],
)
def test_nothing_heavy_is_loaded(code: str) -> None:
    assert not HEAVY & modules_after(code)


def test_import_loads_no_numpy_either() -> None:
    assert "numpy" not in modules_after("import hwcost")
