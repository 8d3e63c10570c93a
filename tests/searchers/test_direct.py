"""DO: gates under a penalty reach exactly zero where they are worth nothing, and the weights take over what is left."""

# ruff: noqa: E402 - nothing below can be imported without torch

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hwcost.errors import UsageError
from hwcost.searchers.direct import THRESHOLD, Direct

pytestmark = pytest.mark.torch


def regression(seed: int, gates: int = 24, matters: int = 8):
    """Returns a loss of gates and weights, the weights, and which gates matter: a sum of features, most redundant."""
    random = torch.Generator().manual_seed(seed)
    answer = torch.zeros(gates, dtype=torch.bool)
    answer[torch.randperm(gates, generator=random)[:matters]] = True
    truth = answer * (0.5 + torch.rand(gates, generator=random))
    weights = torch.ones(gates, requires_grad=True)

    def loss(open_gates, step):
        batch = torch.Generator().manual_seed(1000 * seed + step)
        x = torch.randn(64, gates, generator=batch)
        y = x @ truth + 0.1 * torch.randn(64, generator=batch)
        return (x @ (open_gates * weights) - y).square().mean()

    return loss, weights, answer.numpy()


@pytest.mark.parametrize("seed", range(3))
def test_redundant_gates_close(seed) -> None:
    loss, weights, answer = regression(seed)
    direct = Direct(np.full(24, 1 / 24), penalty=1.0).minimize(loss, [weights], steps=1500, rate=0.05)
    assert np.array_equal(direct.kept(), answer)
    assert (direct.gates.detach().numpy()[~answer] == 0).all()


@pytest.mark.parametrize(("penalty", "is_closed"), [(1.95, False), (2.0, True)])
def test_a_gate_of_no_use_closes_by_penalty_cost_and_the_sum_of_rates(penalty, is_closed) -> None:
    """Rates of 0.1 that decay over 100 steps sum up to 5.05, and a cost of 0.1 asks for a penalty of 1.98."""
    direct = Direct([0.1], penalty=penalty).minimize(lambda gates, step: 0 * gates.sum(), steps=100, rate=0.1)
    assert direct.kept().tolist() == [not is_closed]


def test_a_rate_that_decays_gets_below_the_threshold_and_a_constant_one_does_not() -> None:
    """The paper's rule on one gate that is worth nothing and one that is; why a rate must decay to 0."""

    def loss(gates, step):
        return (gates[1] - 0.3).square()

    direct = Direct([1.0, 1.0], penalty=0.1, mode="decay", start=[0.2, 0.2]).minimize(loss, steps=2000, rate=1e-3)
    assert direct.kept().tolist() == [False, True]
    assert 0 < abs(float(direct.gates[0].detach())) < THRESHOLD or float(direct.gates[0].detach()) == 0
    constant = Direct([1.0, 1.0], penalty=0.1, mode="decay", start=[0.2, 0.2])
    optimizer = torch.optim.Adam([constant.gates], lr=1e-3)
    for step in range(2000):
        optimizer.zero_grad()
        (loss(constant.gates, step) + constant.penalty()).backward()
        optimizer.step()
    assert constant.kept().all()
    with pytest.raises(UsageError, match="keep stepping over 0"):
        Direct([1.0], mode="decay").minimize(loss, steps=100, rate=1e-2)


def test_a_proximal_step_is_soft_thresholding() -> None:
    direct = Direct([1.0, 2.0, 0.0], penalty=0.1, start=[0.5, -0.5, 1e-9])
    direct.shrink(1.0)
    assert direct.gates.detach().numpy() == pytest.approx([0.4, -0.3, 1e-9])
    direct.shrink(4.0)
    assert direct.gates.detach().numpy().tolist() == pytest.approx([0.0, 0.0, 1e-9])
    assert float(direct.penalty()) == 0.0
    assert float(Direct([1.0, 2.0], 0.1, "decay", [3.0, -1.0]).penalty().detach()) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0], 1e-3, "fast"), "unknown mode 'fast'"),
        (([-1.0],), "not negative"),
        (([1.0], -1.0), "not negative"),
        (([1.0, 2.0], 1e-3, "decay", [1.0]), "a cost for every gate"),
    ],
)
def test_settings_that_make_no_sense_are_told(arguments, message) -> None:
    with pytest.raises(UsageError, match=message):
        Direct(*arguments)
