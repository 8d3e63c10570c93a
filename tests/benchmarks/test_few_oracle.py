"""The rule that knows the noise of few rows: its answers where these tell the source, and where they do not."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.once

RNG = np.random.default_rng(0)
KNOWN = np.stack([np.zeros(60), np.linspace(-0.1, 0.1, 60)])
"""Log latencies of two sources, at architectures of ascending size."""


@pytest.fixture
def oracle(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(sys, "path", [str(ROOT / "benchmarks"), *sys.path])
    return import_module("few_oracle")


def test_rows_of_little_noise_tell_the_source(oracle: Any) -> None:
    noise = oracle.Noise.of(RNG.normal(0.0, 0.002, 2000))
    kept, held = np.array([2, 30, 55]), np.arange(3, 30)
    rule, likeliest, wrong, right = oracle.drawn(KNOWN, KNOWN[1] + 0.7, kept, held, noise)
    assert max(rule, likeliest) < 0.1
    assert right < 1e-9 < 1.0 < wrong


def test_rows_that_do_not_tell_it_are_answered_in_between(oracle: Any) -> None:
    noise = oracle.Noise.of(RNG.normal(0.0, 0.1, 4000))
    kept = np.array([29, 30, 31])
    rule, likeliest = oracle.answers(KNOWN[:, kept], KNOWN[0, kept], KNOWN[:, [0, 59]], noise)
    assert rule == pytest.approx([-0.05, 0.05], abs=0.01)
    assert min(abs(float(likeliest[0] - source[0])) for source in KNOWN) < 0.01


def test_the_rule_errs_no_less_than_a_source_that_is_known(oracle: Any) -> None:
    """Its likeliest source errs more than its answer for both sources together."""
    noise = oracle.Noise.of(RNG.normal(0.0, 0.03, 4000))
    rule, likeliest = oracle.simulated(KNOWN, noise, 3, 60)
    assert 1.0 < rule < likeliest < 1.5
