"""What gates cost: shares of the whole net, as the paper sums them and without counting twice."""

from __future__ import annotations

import numpy as np
import pytest

from hwcost.errors import UsageError
from hwcost.spaces import Candidates, space
from hwcost.systems.components import FORMS, PAPER_SHARES, GateCosts

MINI = space("components", grid="mini")
SHARES = PAPER_SHARES["minibert"]


@pytest.mark.parametrize("form", FORMS)
def test_the_whole_net_costs_one_and_an_empty_one_nothing(form) -> None:
    cost = GateCosts(MINI, SHARES, form)
    assert cost(MINI.base()) == pytest.approx(1.0)
    assert cost(MINI.architecture([0] * len(MINI.genes))) == 0.0
    archs = MINI.sample(20, seed=1)
    assert cost.predict_codes(Candidates.of(MINI, archs).codes) == pytest.approx([cost(arch) for arch in archs])


def test_the_papers_sum_is_a_price_for_every_gate() -> None:
    cost = GateCosts(MINI, SHARES, "linear")
    for arch in MINI.sample(10, seed=2):
        assert cost(arch) == pytest.approx(float(np.array(arch.genes) @ cost.of_gates()))


def test_channels_cost_nothing_without_heads_where_nothing_counts_twice() -> None:
    cost = GateCosts(MINI, SHARES, "nested")
    sizes = MINI.grid.sizes
    block = [1 if kind in ("qk", "v") else 0 for kind, count in sizes for _ in range(count)]
    gates = np.array([block * MINI.grid.layers], dtype=float)
    assert cost.predict_codes(gates)[0] == 0.0
    assert GateCosts(MINI, SHARES, "linear").predict_codes(gates)[0] > 0.1


@pytest.mark.parametrize("form", FORMS)
def test_a_mean_cost_is_the_mean_of_costs(form) -> None:
    cost = GateCosts(MINI, SHARES, form)
    rng = np.random.default_rng(3)
    odds = rng.random(len(MINI.genes))
    drawn = (rng.random((200_000, len(odds))) < odds).astype(float)
    assert cost.expected(odds) == pytest.approx(cost.predict_codes(drawn).mean(), rel=3e-3)
    arch = MINI.sample(1, seed=4)[0]
    assert cost.expected(np.array(arch.genes, dtype=float)) == pytest.approx(cost(arch))


@pytest.mark.torch
@pytest.mark.parametrize("form", FORMS)
def test_gradients_reach_every_gate(form) -> None:
    torch = pytest.importorskip("torch")
    cost = GateCosts(MINI, SHARES, form)
    gates = torch.ones((MINI.grid.layers, len(MINI.genes) // MINI.grid.layers), dtype=torch.double, requires_grad=True)
    cost.expected(gates).backward()
    assert gates.grad.flatten().numpy() == pytest.approx(cost.of_gates())


def test_wrong_shares_are_errors() -> None:
    with pytest.raises(UsageError, match="a share for each of ff, joint"):
        GateCosts(MINI, {"ff": 1.0})
    with pytest.raises(UsageError, match="unknown form 'tree'"):
        GateCosts(MINI, SHARES, "tree")
    with pytest.raises(UsageError, match="one per gate, got 3"):
        GateCosts(MINI, SHARES).expected(np.ones(3))


@pytest.mark.parametrize("form", FORMS)
def test_in_percent_the_whole_net_costs_a_hundred(form) -> None:
    shares, percent = GateCosts(MINI, SHARES, form), GateCosts(MINI, SHARES, form, total=100.0)
    for arch in [MINI.base(), *MINI.sample(5, seed=5)]:
        assert percent(arch) == pytest.approx(100 * shares(arch))
    assert percent.of_gates() == pytest.approx(100 * shares.of_gates())
    with pytest.raises(UsageError, match="a positive cost"):
        GateCosts(MINI, SHARES, form, total=0.0)


@pytest.mark.torch
def test_the_papers_lambda_closes_gates_of_no_use_within_the_papers_steps() -> None:
    """Without a gradient of the loss a gate shrinks by its cost alone: from 1 to 0, whatever its kind."""
    pytest.importorskip("torch")
    from hwcost.systems.components.presets import PRESETS

    preset, paper = PRESETS["paper"], space("components", grid="bert-base")
    recipe = preset.direct
    steps = sum(recipe.rate(step) for step in range(recipe.steps)) / recipe.learning_rate
    prices = GateCosts(paper, PAPER_SHARES["bert-base"], total=preset.direct_whole_cost).of_gates()
    shrunk = preset.direct_rate * steps * preset.direct_penalty * prices
    kinds = [gene.name.partition(".")[2].rstrip("0123456789") for gene in paper.genes]
    closed = {kind for kind, by in zip(kinds, shrunk, strict=True) if by > 1}
    assert closed == {"ff", "joint", "qk", "v", "mean", "head"}
