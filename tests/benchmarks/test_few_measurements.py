"""The benchmark of few measurements: what it prints of its draws."""

from __future__ import annotations

import sys
from importlib import import_module

import numpy as np
import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.once


def test_a_single_draw_has_no_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "benchmarks"), *sys.path])
    doubt = import_module("few_measurements").doubt
    assert doubt(np.array([1.0]), 2) == "±    -"
    assert doubt(np.array([1.0, 2.0, 3.0]), 2) == f"± {1 / np.sqrt(3):.2f}"
