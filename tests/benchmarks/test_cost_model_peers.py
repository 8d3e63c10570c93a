"""Cost models beside libraries of boosted trees: the table of ratios, and the command line."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.once


def test_questions_are_compared_as_multiples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "benchmarks"), *sys.path])
    cost_models = import_module("peer_tools.cost_models")
    own = {"compiled us": 2.0, "compiled ns": 100.0, "library one us": 30.0, "library ns": 5000.0}
    found = {"xgboost": own | {"treelite one us": 50.0, "treelite ns": 900.0}, "hybrid": own | {"lleaves one us": 8.0}}
    table = cost_models.query_table(found).splitlines()
    assert table[0].startswith("| model | one, hwcost | one, library | one, treelite | one, lleaves | of a batch, hwcost |")
    assert table[2] == "| xgboost (XGBoost) | 2 us | 15.0 x | 25.0 x | – | 100 ns | 50.0 x | 9.0 x | – |"
    assert table[3] == "| hybrid (LightGBM) | 2 us | 15.0 x | – | 4.0 x | 100 ns | 50.0 x | – | – |"
    assert "needs llvmlite below 0.45" in list(cost_models.left_out(None))[-1]
    assert list(cost_models.left_out("python"))[-1] == "lleaves reads LightGBM's trees only"


def test_the_help_names_what_compares_cost_models() -> None:
    done = subprocess.run([sys.executable, str(ROOT / "benchmarks" / "peers.py"), "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    assert all(option in done.stdout for option in ("--queries", "--fits DATA", "--few DATA", "--lleaves PYTHON"))
