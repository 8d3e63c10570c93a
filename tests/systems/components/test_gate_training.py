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

from hwcost.cost_models import cost_model
from hwcost.errors import UsageError
from hwcost.objectives import Minimize
from hwcost.searchers.direct import Direct
from hwcost.searchers.problem import Problem
from hwcost.searchers.sampling import ESTIMATORS, Sampling
from hwcost.spaces import Candidates
from hwcost.spaces.components import Components
from hwcost.supernets.components import ComponentSupernet
from hwcost.supernets.folding import folded
from hwcost.supernets.masked_lm import inputs
from hwcost.supernets.objective import device_of
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.training import Phase, read_log, train
from hwcost.systems.components import PAPER_SHARES, GateCosts
from hwcost.systems.components.gate_training import DirectTraining, Gated, SampledTraining
from hwcost.systems.components.gated_distillation import WeighedTagger
from hwcost.systems.components.model_costs import ModelCosts
from hwcost.tasks import Tags

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


HALVED = replace(RECIPE, batch_size=4, accumulate=2)


def half(number: int) -> dict[str, Any]:
    """Both micro batches of a step are the batch of that step, so that their mean is its loss."""
    return batch(number // 2)


def direct(
    penalty: float = 1.0, recipe: Recipe = RECIPE, batches: Any = batch, prices: Any = None
) -> tuple[Gated, DirectTraining]:
    begun = np.array(SPACE.base().genes, dtype=np.float64).reshape(SPACE.grid.layers, -1)
    costs = COST.of_gates().reshape(begun.shape)
    gated = Gated(ComponentSupernet(SPACE), Direct(costs, penalty, start=begun))
    return gated, DirectTraining(gated, batches, recipe, 0.5, prices)


def sampled(
    folder: Path, batches: Any = batch, **options: Any
) -> tuple[ComponentSupernet, Sampling, SampledTraining]:
    net = ComponentSupernet(SPACE)
    goals = [Minimize(lambda arch: 0.0, "loss"), Minimize(COST, "cost")]
    policy = Sampling(Problem(SPACE, goals), samples=3, rate=5.0, start=SPACE.base().genes, scale=1.0, **options)
    return net, policy, SampledTraining(net, policy, COST, batches, folder)


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


@pytest.mark.parametrize(("steps", "options"), [(1, {}), (3, {"optimizer": "adam", "estimator": "score+ema"})])
def test_sdo_resumes_bit_by_bit(tmp_path: Path, steps: int, options: dict[str, str]) -> None:
    """Adam's moments, the running mean, and a rate that follows a schedule are found again from the log."""

    def run(folder: Path, tell: Any = lambda state: None) -> tuple[ComponentSupernet, Any]:
        net, policy, objective = sampled(folder, **options)
        objective.rate = RECIPE.rate if options else None
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


def test_a_gated_net_with_the_base_nets_gates_is_the_base_net() -> None:
    gated, _ = direct()
    one = {name: torch.from_numpy(array) for name, array in batch(0).items()}
    positions = torch.tensor([0, 3, 9])
    with torch.no_grad():
        expected = gated.supernet.set(SPACE.base(), "mlm")(*inputs(one), positions)
        torch.testing.assert_close(gated(*inputs(one), positions), expected, rtol=1e-4, atol=1e-5)


def test_do_accumulates() -> None:
    """Two micro batches that are equal are one batch, for weights and for gates."""
    found = []
    for recipe, batches in ((RECIPE, batch), (HALVED, half)):
        gated, objective = direct(recipe=recipe, batches=batches)
        train(gated, [Phase("do", objective, recipe, lambda name: name.startswith("supernet."))])
        found.append(gated)
    one, two = found
    torch.testing.assert_close(two.direct.gates, one.direct.gates, rtol=1e-5, atol=1e-6)
    for own, other in zip(two.parameters(), one.parameters(), strict=True):
        torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-5)


def test_sdo_accumulates_and_resumes(tmp_path: Path) -> None:
    def run(name: str, recipe: Recipe, batches: Any, tell: Any = lambda state: None) -> tuple[ComponentSupernet, Sampling]:
        net, policy, objective = sampled(tmp_path / name, batches)
        train(net, [Phase("sdo", objective, recipe)], tmp_path / name, {}, 2, tell)
        objective.catch_up(recipe.steps)
        return net, policy

    one, two = run("whole", RECIPE, batch), run("halves", HALVED, half)
    np.testing.assert_allclose(two[1].logits, one[1].logits, atol=1e-4)
    with pytest.raises(KeyboardInterrupt):
        run("broken", HALVED, half, stopped_after(3))
    again = run("broken", HALVED, half)
    assert again[1].state() == two[1].state()
    assert all(torch.equal(own, other) for own, other in zip(again[0].parameters(), two[0].parameters(), strict=True))


def test_a_cost_model_prices_gates_as_shares_do() -> None:
    """A table of a plain sum over gates is that sum again; where heads bring channels, prices follow the gates."""
    archs = SPACE.sample(120, seed=0)
    shares = GateCosts(SPACE, PAPER_SHARES["bert-base"], "linear")
    exact = cost_model("lut", SPACE, form="linear").fit(archs, [0.01 + shares(arch) for arch in archs])
    own = ModelCosts(exact)
    assert own(SPACE.base()) == pytest.approx(1.0)
    drawn = SPACE.sample(20, seed=1)
    assert own.predict_codes(Candidates.of(SPACE, drawn).codes) == pytest.approx([own(arch) for arch in drawn])
    gates = np.array(SPACE.base().genes, dtype=np.float64)
    assert own.expected(gates) == pytest.approx(1.0)
    step = 1e-3  # the mean is linear in each gate, so that a difference is its slope
    for gate in (0, 4, 9, 14):
        less = gates.copy()
        less[gate] -= step
        assert max(0.0, (own.expected(gates) - own.expected(less)) / step) == pytest.approx(own.of_gates()[gate], abs=1e-9)
    before, objective = direct(penalty=1000.0, prices=own.of_gates)
    train(before, [Phase("do", objective, RECIPE, lambda name: name.startswith("supernet."))])
    assert not before.direct.kept()[before.direct.costs.numpy() > 0.005].any()


def test_a_penalty_in_the_loss_moves_gates_by_its_slope() -> None:
    """Where the loss says nothing of a gate, a step of decay is the rate times lambda c, as a proximal one is."""
    moved = []
    for mode in ("decay", "proximal"):
        gates = Direct([0.2, 0.1], penalty=0.5, mode=mode)
        for rate in (1.0, 0.5):
            gates.update(rate)
        moved.append(gates.gates.detach().numpy())
    assert moved[0] == pytest.approx([1 - 1.5 * 0.1, 1 - 1.5 * 0.05])
    assert moved[1] == pytest.approx(moved[0])


@pytest.mark.parametrize("accumulate", [1, 2])
def test_do_trains_with_the_penalty_in_the_loss(accumulate: int) -> None:
    """It is added once a step, however many micro batches a step has; the gates' first step tells."""
    found = []
    recipe = replace(RECIPE, steps=1, batch_size=2 * accumulate, accumulate=accumulate)
    for penalty in (0.0, 1.0):
        base = np.array(SPACE.base().genes, dtype=np.float64).reshape(SPACE.grid.layers, -1)
        costs = COST.of_gates().reshape(base.shape)
        gated = Gated(ComponentSupernet(SPACE), Direct(costs, penalty, "decay", base))
        objective = DirectTraining(gated, half if accumulate == 2 else batch, recipe, 1e-5)
        train(gated, [Phase("do", objective, recipe, lambda name: name.startswith("supernet."))])
        found.append(gated.direct.gates.detach().double().numpy())
    step = np.where(base > 0, 1e-5 * costs, 0)
    assert found[0] - found[1] == pytest.approx(step, abs=2e-7)


def gated_on(device: str) -> Gated:
    begun = np.array(SPACE.base().genes, dtype=np.float64).reshape(SPACE.grid.layers, -1)
    return Gated(ComponentSupernet(SPACE).to(device), Direct(COST.of_gates().reshape(begun.shape), start=begun))


def test_gates_lie_where_the_weights_do() -> None:
    """Batches go where a module's first parameter is, which the gates are; tensors without values stand in for a GPU."""
    gated = gated_on("meta")
    tagger = WeighedTagger(ComponentSupernet(SPACE).to("meta"), Tags(("a", "b")), Direct(np.ones(gated.gates.shape)))
    for module in (gated, tagger):
        gates = module.direct.gates
        assert {device_of(module), gates.device, module.direct.costs.device} == {torch.device("meta")}
        assert gates.is_leaf
        assert gates.requires_grad
    again = gated_on("cpu")
    again.gates.data[0, 0] = 0.25  # one memory: what a checkpoint fills is what is trained
    assert float(again.direct.gates.detach()[0, 0]) == 0.25


@pytest.mark.gpu
def test_do_trains_and_folds_on_a_gpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    gated = gated_on("cuda")
    phase = Phase("do", DirectTraining(gated, batch, RECIPE, 0.5), RECIPE, lambda name: name.startswith("supernet."))
    train(gated, [phase])
    one = {name: torch.from_numpy(array).cuda() for name, array in batch(0).items()}
    with torch.no_grad():
        expected = gated.supernet.weigh(gated.direct.gates, *inputs(one))
        arch = folded(gated.supernet, gated.direct.gates.detach().clone(), is_scaled=True)
        found = gated.supernet.set(arch, "none")(*inputs(one))
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


def test_what_cannot_be_trained_is_an_error() -> None:
    gated, _ = direct()
    decaying = Gated(gated.supernet, Direct(COST.of_gates(), mode="decay"))
    with pytest.raises(UsageError, match="keep stepping over 0.*mode 'proximal'"):
        DirectTraining(decaying, batch, RECIPE, 500.0)


def test_sdo_trains_with_every_estimator(tmp_path: Path) -> None:
    """A step of the policy by the losses of the nets that it drew, written out (section 4.2 and appendix A.1)."""
    recipe = replace(RECIPE, steps=1)
    for estimator in ESTIMATORS:
        net, policy, objective = sampled(tmp_path / estimator, estimator=estimator)
        before, twin = policy.probabilities[:, 1], sampled(tmp_path / estimator, estimator=estimator)[1]
        drawn = twin.ask()
        train(net, [Phase("sdo", objective, recipe)], tmp_path / estimator, {}, 2)
        gates = np.array(twin.state()["own"]["rows"], dtype=np.float64)  # as drawn: a net has several rows of gates
        losses = np.array(list(next(iter(read_log(tmp_path / estimator))).losses.values()))
        totals = losses + [COST(arch) for arch in drawn]
        level = {"rloo": (totals.sum() - totals) / 2}.get(estimator, totals.mean() if "ema" in estimator else 0.0)
        score = 2 * gates - 1 if "literal" in estimator else gates - before
        expected = -5.0 * ((totals - level)[:, None] * score).mean(axis=0)
        assert policy.logits[:, 1] - np.log(before / (1 - before)) == pytest.approx(expected, abs=1e-9), estimator
