"""Importing the package, and asking the command line for help, load nothing heavy."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.once

HEAVY = {"torch", "sqlalchemy", "alembic", "matplotlib", "onnx", "onnxruntime", "openvino", "lightgbm", "xgboost", "scipy"}


HELP = "from hwcost.cli.main import invoke; invoke(['--help'])"


def modules_after(code: str) -> set[str]:
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.strip().splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    [
        "import hwcost",
        "import hwcost; hwcost.space('supershaper')",
        HELP,
        "from hwcost.cli.main import invoke; invoke(['measure', '--help'])",
        "from hwcost.cli.main import invoke; invoke(['measure', '--device', 'k80'])",
    ],
)
def test_nothing_heavy_is_loaded(code: str) -> None:
    assert not HEAVY & modules_after(code)


def test_import_loads_next_to_nothing() -> None:
    assert not {"numpy", "logging", "dataclasses", "importlib.metadata"} & modules_after("import hwcost")


@pytest.mark.parametrize("code", ["import hwcost; hwcost.space('supershaper')", HELP])
def test_distributions_that_add_nothing_are_not_asked(code: str) -> None:
    assert "importlib.metadata" not in modules_after(code)


def test_the_command_line_needs_no_log_unless_it_shows_one() -> None:
    assert "logging" not in modules_after("import hwcost.cli.main; hwcost.cli.console.reset()")


def test_an_absent_device_ends_the_command_before_the_modules_that_measure() -> None:
    loaded = modules_after("from hwcost.cli.main import invoke; assert invoke(['measure', '--device', 'k80']) == 3")
    assert not {"numpy", "hwcost.campaign", "hwcost.stores", "hwcost.workloads"} & loaded


def test_building_a_net_needs_no_compiler_of_torch() -> None:
    pytest.importorskip("torch")
    build = "import hwcost; from hwcost.workloads import models; space = hwcost.space('supershaper', scale='mini')"
    loaded = modules_after(f"{build}\nmodels(space, space.sample(1, seed=0))[0].built()")
    assert not {"torch._dynamo", "sympy"} & loaded
