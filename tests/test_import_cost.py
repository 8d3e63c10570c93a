"""Importing the package, and asking the command line for help, load nothing heavy."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from hwcost import _extras
from hwcost.registry import has_members_of_others
from tests.cost_models.planted import SPACE, noisy

pytestmark = pytest.mark.once

HEAVY = {"torch", "sqlalchemy", "alembic", "matplotlib", "onnx", "onnxruntime", "openvino", "lightgbm", "xgboost", "scipy"}


ABSENT = "from hwcost.cli.main import invoke; assert invoke(['measure', '--device', 'k80']) == 3"
HELP = "from hwcost.cli.main import invoke; invoke(['--help'])"


@cache
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
        ABSENT,
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
    loaded = modules_after(ABSENT)
    assert not {"numpy", "hwcost.campaign", "hwcost.stores", "hwcost.workloads"} & loaded


def test_a_command_is_imported_without_the_others() -> None:
    loaded = modules_after("from hwcost.cli.main import invoke; assert invoke(['version']) == 0")
    assert "hwcost.cli.version" in loaded
    assert not {"hwcost.cli.measure", "hwcost.cli.search", "hwcost.cli.supernet"} & loaded


def modules_after_fit(model: str, folder: Path) -> set[str]:
    """Returns what is loaded once a process has fitted a model to planted rows, by the command line."""
    table = folder / "rows.csv"
    archs = SPACE.sample(40, seed=0)
    rows = [",".join([*map(str, arch.genes), f"{value:.6g}"]) for arch, value in zip(archs, noisy(archs), strict=True)]
    table.write_text("\n".join([",".join([*(gene.name for gene in SPACE.genes), "latency_s"]), *rows]))
    options = ["--space", "supershaper", "--model", model, "--out", str(folder / "model"), "--no-plot"]
    given = f"import sys\nfrom hwcost.cli.main import run\nsys.argv = {['hwcost', 'fit', str(table), *options]}"
    return modules_after(f"{given}\ntry: run()\nexcept SystemExit as end: assert end.code == 0")


def test_fitting_a_lookup_table_loads_nothing_that_it_does_not_use(tmp_path) -> None:
    loaded = modules_after_fit("lut", tmp_path)
    assert not {"scipy", "lightgbm", "xgboost", "pandas", "matplotlib", "pydantic"} & loaded


@pytest.mark.parametrize("library", ["lightgbm", "xgboost"])
def test_fitting_trees_by_a_command_loads_the_library_without_what_it_finds_installed(library: str, tmp_path) -> None:
    pytest.importorskip(library)
    loaded = modules_after_fit(library, tmp_path)
    assert library in loaded
    assert has_members_of_others() or not {"sklearn", "pandas", "dask", "xgboost.sklearn", "scipy.special"} & loaded


def test_knowing_what_can_be_compared_loads_no_model_of_other_devices() -> None:
    code = "import hwcost; from hwcost.cost_models.registry import candidates; candidates(hwcost.space('supershaper'))"
    assert not {"hwcost.cost_models.priors.model", "scipy", "lightgbm"} & modules_after(code)


def test_spared_packages_are_missing_for_what_is_imported_sparingly_only(monkeypatch) -> None:
    monkeypatch.setattr(_extras, "_spared", set())
    for name in ("wave", "colorsys"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import colorsys

    _extras.spare("wave", "colorsys")
    with _extras.sparing():
        assert importlib.import_module("colorsys") is colorsys
        with pytest.raises(ImportError):
            importlib.import_module("wave")
    assert importlib.import_module("wave").__name__ == "wave"


def test_building_a_net_needs_no_compiler_of_torch() -> None:
    pytest.importorskip("torch")
    build = "import hwcost; from hwcost.workloads import models; space = hwcost.space('supershaper', scale='mini')"
    loaded = modules_after(f"{build}\nmodels(space, space.sample(1, seed=0))[0].built()")
    assert not {"torch._dynamo", "sympy"} & loaded
