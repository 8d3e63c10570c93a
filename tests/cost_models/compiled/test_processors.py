"""Processors that lack instructions, as numba is told to compile for them: the same answers, and never a crash."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(find_spec("numba") is None, reason="numba is not installed")

ANSWERS = """
import numpy as np
from hwcost.cost_models import cost_model
from hwcost.spaces import Candidates, space
one = space("supershaper", scale="mini")
archs = one.sample(60, seed=0)
values = [1e-3 + 1e-9 * one.params(arch) ** 1.1 for arch in archs]
codes = Candidates.of(one, archs).codes.astype(np.uint8)
for name in ("lut", "lightgbm"):
    model = cost_model(name, one, **({"rounds": 30} if name == "lightgbm" else {})).fit(archs, values)
    before = model.predict(archs).values
    assert np.array_equal(model.compile().predict_codes(codes), before)
    assert [model(arch) for arch in archs] == before.tolist()
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() != "x86_64", reason="names of x86 processors")
@pytest.mark.parametrize(("name", "features"), [("x86-64", "+sse4.2"), ("haswell", "+avx2,+fma,+bmi,+bmi2")])
def test_a_processor_without_avx512_has_the_same_answers(name: str, features: str) -> None:
    told = {**os.environ, "NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features}
    done = subprocess.run([sys.executable, "-c", ANSWERS], env=told, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_instructions_that_numba_may_not_use_are_not_here(monkeypatch) -> None:
    from numba import config

    from hwcost.cost_models.compiled import avx512

    for features, is_here in (("+avx512f,+avx512bw,+avx512vbmi", True), ("+avx2,-avx512f,-avx512bw", False), ("", False)):
        monkeypatch.setattr(config, "CPU_FEATURES", features)
        assert avx512.has("avx512f", "avx512vbmi") == is_here
