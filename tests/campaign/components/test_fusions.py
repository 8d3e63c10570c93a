"""Fusion by timing: planted savings come back with their intervals, and the verdict follows."""

from __future__ import annotations

import numpy as np
import pytest

from hwcost.campaign.components.fusions import fusions, prices
from hwcost.errors import DataError
from hwcost.spaces import Component
from hwcost.spaces.accounting import Work
from hwcost.spaces.components import Components
from hwcost.timing.measurement import Measurement
from hwcost.workloads import ChainWorkload, ComponentWorkload

SPACE = Components("mini")
DENSE, GELU = SPACE.parts()
DEPTHS = (1, 2, 4)
OVERHEAD_S = 1e-5


def campaign(saved: float, half: float, noise: float = 0.0, seed: int = 0, level: float = 0.0, seq_len: int = 128):
    """Dense layers of 10 us and GELUs of 4 us; together they take less by a share of 4 us."""
    rng = np.random.default_rng(seed)
    costs_s = {(DENSE,): 10e-6, (GELU,): 4e-6, (DENSE, GELU): 14e-6 - saved * 4e-6}
    found = []
    for chain, cost_s in costs_s.items():
        for depth in DEPTHS:
            shape = {"depth": depth, "seq_len": seq_len}
            alone = len(chain) == 1
            work = ComponentWorkload.of(SPACE, *chain, **shape) if alone else ChainWorkload.of(SPACE, chain, **shape)
            latency_s = (OVERHEAD_S + depth * cost_s) * float(np.exp(noise * rng.standard_normal()))
            found.append(Measurement(work, "component", latency_s, half, 4, (), level_half_width=level))
    return found


@pytest.mark.parametrize(
    ("saved", "verdict"),
    [(0.8, "FUSED"), (0.0, "APART"), (-0.5, "APART"), (0.12, "AMBIGUOUS"), (1.6, "AMBIGUOUS")],
)
def test_what_is_saved_comes_back(saved: float, verdict: str) -> None:
    (found,) = fusions(campaign(saved, half=0.005))
    assert (found.first, found.second, found.verdict) == ("dense", "gelu", verdict)
    assert found.saved == pytest.approx(saved, abs=1e-9)
    assert found.first_s == pytest.approx(10e-6)


def test_intervals_hold_the_truth_and_leave_the_level_out() -> None:
    inside = 0
    for seed in range(200):
        (found,) = fusions(campaign(0.5, half=0.0196, noise=0.01, seed=seed))
        assert found.half_width is not None
        inside += abs(found.saved - 0.5) <= found.half_width
    assert 0.92 <= inside / 200 <= 0.995
    (paired,) = fusions(campaign(0.5, half=float(np.hypot(0.01, 0.2)), level=0.2))
    (plain,) = fusions(campaign(0.5, half=0.01))
    assert paired.half_width == pytest.approx(plain.half_width)


def test_pairs_that_lack_a_price_are_left_out() -> None:
    whole = campaign(0.5, half=0.01)
    lacking = [m for m in whole if getattr(m.workload, "part", None) != GELU]
    assert fusions(lacking) == []
    assert set(prices(lacking)) == {("dense",), ("dense", "gelu")}
    assert fusions([m for m in whole if m.workload.depth == 1]) == []
    (unsure,) = fusions([Measurement(m.workload, m.role, m.latency_s, None, 1, ()) for m in whole[:2] + whole[3:]])
    assert unsure.verdict == "AMBIGUOUS"


def test_shapes_are_never_mixed() -> None:
    both = campaign(0.8, half=0.005) + campaign(0.0, half=0.005, seq_len=32)
    with pytest.raises(DataError):
        fusions(both)
    (found,) = fusions(both, {"batch_size": 1, "seq_len": 32, "dtype": "float32"})
    assert found.verdict == "APART"


def test_a_chain_is_made_of_components_that_fit() -> None:
    pytest.importorskip("torch")
    chain = [Component("attention", (("heads", 4), ("key", 16), ("value", 16))), *SPACE.parts()]
    work = ChainWorkload.of(SPACE, chain, depth=2, seq_len=8)
    built = work.built()
    assert len(built.inputs) == 2
    assert built.module(*built.args).shape == (1, 8, 64)
    assert work.work() == sum((SPACE.component_work(one, 1, 8) for one in chain), start=Work()).times(2)
