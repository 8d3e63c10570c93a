"""DO and SDO as trainings: what they find, that they resume bit by bit, and that folding changes nothing."""

# ruff: noqa: E402 - nothing below can be imported without the optional packages

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from hwcost.errors import UsageError
from hwcost.objectives import Minimize
from hwcost.searchers.direct import Direct
from hwcost.searchers.problem import Problem
from hwcost.searchers.sampling import Sampling
from hwcost.spaces.components import Components
from hwcost.supernets.components import ComponentSupernet, folded
from hwcost.supernets.masked_lm import inputs
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.training import Phase, train
from hwcost.systems.components import PAPER_SHARES, GateCosts
from hwcost.systems.components.gate_training import DirectTraining, Gated, SampledTraining

pytestmark = pytest.mark.torch

SPACE = Components("mini")
RECIPE = Recipe(steps=6, batch_size=2, seq_len=8, learning_rate=1e-3)
COST = GateCosts(SPACE, PAPER_SHARES["bert-base"])


def batch(number: int) -> dict[str, Any]:
    rng = np.random.default_rng(number)
    ids = rng.integers(5, 2000, size=(2, 8))
    return {
        "input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids),
        "labels": np.where(rng.random(ids.shape) < 0.5, ids, -100),
    }  # fmt: skip


def direct(penalty: float = 1.0) -> tuple[Gated, DirectTraining]:
    begun = np.array(SPACE.base().genes, dtype=np.float64).reshape(SPACE.grid.layers, -1)
    costs = COST.of_gates().reshape(begun.shape)
    gated = Gated(ComponentSupernet(SPACE), Direct(costs, penalty, start=begun))
    return gated, DirectTraining(gated, batch, RECIPE, 0.5)


def sampled(folder: Path) -> tuple[ComponentSupernet, Sampling, SampledTraining]:
    net = ComponentSupernet(SPACE)
    goals = [Minimize(lambda arch: 0.0, "loss"), Minimize(COST, "cost")]
    policy = Sampling(Problem(SPACE, goals), samples=3, rate=5.0, start=SPACE.base().genes)
    return net, policy, SampledTraining(net, policy, COST, batch, folder)


def stopped_after(steps: int) -> Any:
    def tell(state: Any) -> None:
        if state.step == steps:
            raise KeyboardInterrupt

    return tell


@pytest.mark.parametrize("steps", [1, 3])
def test_do_resumes_bit_by_bit(tmp_path: Path, steps: int) -> None:
    def run(folder: Path | None, tell: Any = lambda state: None) -> Gated:
        gated, objective = direct()
        train(gated, [Phase("do", objective, RECIPE, lambda name: name.startswith("supernet."))], folder, {}, 2, tell)
        return gated

    whole = run(None)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "run", stopped_after(steps))
    again = run(tmp_path / "run")
    for (name, one), (_, other) in zip(whole.named_parameters(), again.named_parameters(), strict=True):
        assert torch.equal(one, other), name
    assert torch.equal(whole.direct.gates, again.direct.gates)
    assert torch.equal(again.direct.gates, again.gates)


@pytest.mark.parametrize("steps", [1, 3])
def test_sdo_resumes_bit_by_bit(tmp_path: Path, steps: int) -> None:
    def run(folder: Path, tell: Any = lambda state: None) -> tuple[ComponentSupernet, Any]:
        net, policy, objective = sampled(folder)
        train(net, [Phase("sdo", objective, RECIPE)], folder, {}, 2, tell)
        objective.catch_up(RECIPE.steps)
        return net, policy.state()

    whole, expected = run(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "run", stopped_after(steps))
    again, state = run(tmp_path / "run")
    assert state == expected
    assert all(torch.equal(one, other) for one, other in zip(whole.parameters(), again.parameters(), strict=True))
    assert run(tmp_path / "run")[1] == expected  # finished: nothing is trained, and the policy follows from the log


def test_an_expensive_gate_closes_and_a_free_one_stays(tmp_path: Path) -> None:
    gated, objective = direct(penalty=1000.0)
    train(gated, [Phase("do", objective, RECIPE, lambda name: name.startswith("supernet."))])
    kept, costs = gated.direct.kept(), COST.of_gates().reshape(SPACE.grid.layers, -1)
    base = np.array(SPACE.base().genes, dtype=bool).reshape(kept.shape)
    assert not kept[costs > 0.005].any()
    free, objective = direct(penalty=0.0)
    train(free, [Phase("do", objective, RECIPE, lambda name: name.startswith("supernet."))])
    assert free.direct.kept()[base].all()


def test_folding_gates_changes_nothing() -> None:
    """The plain net with folded weights computes what the weighed supernet did; joints and means are 0 or 1."""
    rng = torch.Generator().manual_seed(1)
    for trial in range(4):
        net = ComponentSupernet(SPACE, seed=trial)
        with torch.no_grad():
            for parameter in net.parameters():
                parameter += 0.05 * torch.randn(parameter.shape, generator=rng)
        gates = 0.2 + torch.rand(SPACE.grid.layers, len(SPACE.genes) // SPACE.grid.layers, generator=rng)
        gates *= torch.rand(gates.shape, generator=rng) > 0.3
        sizes = [size for _, size in SPACE.grid.sizes]
        for first, size in ((sizes[0], sizes[1]), (sum(sizes[:4]), sizes[4])):
            gates[:, first : first + size] = (gates[:, first : first + size] > 0.5).float()
        one = {name: torch.from_numpy(array) for name, array in batch(trial).items()}
        with torch.no_grad():
            expected = net.weigh(gates, *inputs(one))
            arch = folded(net, gates)
            found = net.set(arch, "none")(*inputs(one))
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_what_cannot_be_trained_is_an_error(tmp_path: Path) -> None:
    gated, _ = direct()
    with pytest.raises(UsageError, match="one micro batch a step"):
        DirectTraining(gated, batch, replace(RECIPE, accumulate=2), 0.5)
    with pytest.raises(UsageError, match="one micro batch a step"):
        next(sampled(tmp_path)[2].passes(1, 2))
