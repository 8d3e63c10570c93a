"""Sampling rules, recipes, the training loop, and that an interrupted training resumes bit by bit."""

# ruff: noqa: E402 - nothing below can be imported without the optional package

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from hwcost.errors import DataError, MeasurementError, UnknownNameError, UsageError
from hwcost.supernet.checkpoint import FILE, Checkpoint, describe
from hwcost.supernet.family import supernet
from hwcost.supernet.masked_lm import NetLm, SupernetLm, perplexity
from hwcost.supernet.optimizers import Lamb
from hwcost.supernet.recipe import RECIPES, Recipe, recipe
from hwcost.supernet.sampling import Sandwich, Uniform, rule
from hwcost.supernet.training import LOG, Phase, read_log, train
from tests.supernet.nets import shaken

pytestmark = pytest.mark.torch

SMOKE = recipe("smoke")


def words(step: int) -> dict[str, np.ndarray]:
    """A batch of made-up text in which every token follows from its neighbours: a function of the step."""
    rng = np.random.default_rng(step)
    starts = rng.integers(10, 30, size=(SMOKE.batch_size, 1))
    ids = starts + np.arange(SMOKE.seq_len)
    chosen = rng.random(ids.shape) < 0.2
    chosen[:, 0] = True
    return {
        "input_ids": np.where(chosen, 4, ids), "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids),
        "labels": np.where(chosen, ids, -100),
    }  # fmt: skip


def training(net, steps=SMOKE.steps, **changes):
    how = replace(SMOKE, steps=steps, **changes)
    objective = SupernetLm(net, words, rule(how.sampling, net, how.random), how.accumulate)
    return [Phase("mlm", objective, how)]


# -- sampling and recipes ----------------------------------------------------------------------------------------------


def test_a_sandwich_is_the_largest_the_smallest_and_random_ones() -> None:
    net = supernet("supershaper:scale=mini")
    drawn = Sandwich(net, 2, seed=3)(17)
    assert drawn[:2] == [net.largest(), net.smallest()]
    assert len(drawn) == 4
    assert drawn == Sandwich(net, 2, seed=3)(17)
    assert drawn[2:] != Sandwich(net, 2, seed=3)(18)[2:]
    assert drawn[2:] != Sandwich(net, 2, seed=4)(17)[2:]


def test_uniform_sampling_draws_every_choice_equally_often() -> None:
    net = supernet("supershaper:scale=mini")
    draw = Uniform(net, 4, seed=0)
    genes = np.array([arch.genes for step in range(500) for arch in draw(step)])
    for index, gene in enumerate(net.space.genes):
        shares = [np.mean(genes[:, index] == choice) for choice in gene.choices]
        assert np.abs(np.array(shares) - 1 / 6).max() < 0.035


@pytest.mark.parametrize(("name", "count", "message"), [("best", 1, "Known: sandwich, uniform"), ("uniform", 0, "at least")])
def test_wrong_rules_are_refused(name, count, message) -> None:
    with pytest.raises(UsageError, match=message):
        rule(name, supernet("supershaper:scale=mini"), count)


def test_rates_rise_and_fall_linearly() -> None:
    how = Recipe(steps=100, learning_rate=1.0, warmup_steps=10)
    rates = [how.rate(step) for step in range(100)]
    assert rates[:10] == pytest.approx(np.arange(1, 11) / 10)
    assert rates[10:] == pytest.approx(np.arange(90, 0, -1) / 90)


def test_papers_recipes_are_as_printed() -> None:
    """SuperShaper, section 4.1; AutoDistil, Algorithm 1 and section 4.1; Finding Fast Transformers, section 5.2."""
    shaper, released = recipe("supershaper-paper"), recipe("supershaper-released")
    assert (shaper.steps, shaper.batch_size, shaper.learning_rate, shaper.warmup_steps) == (175_000, 2048, 2e-5, 10_000)
    assert (released.learning_rate, released.weight_decay, released.accumulate) == (5e-5, 0.0, 2)
    distil, other = recipe("autodistil-paper"), recipe("autodistil-released")
    assert (distil.sampling, other.sampling, other.random, other.clip) == ("uniform", "sandwich", 2, 1.0)
    assert other.steps / distil.steps == pytest.approx(1.5, abs=1e-3)
    assert (recipe("components-paper").optimizer, recipe("components-paper").batch_size) == ("lamb", 4096)


def test_scaling_keeps_the_shares() -> None:
    scaled = recipe("supershaper-paper").scaled(0.01)
    assert (scaled.steps, scaled.warmup_steps) == (1750, 100)
    assert Recipe(steps=3).scaled(1e-9).steps == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "a recipe's steps is a positive number, got 0"),
        ({"batch_size": 10, "accumulate": 4}, "4 micro batches do not divide a batch of 10 sequences"),
        ({"optimizer": "sgd"}, "'sgd' is none of adamw, lamb"),
        ({"dtype": "float16"}, "'float16' is none of float32, bfloat16"),
    ],
)
def test_recipes_that_make_no_sense_are_refused(changes, message) -> None:
    with pytest.raises(UsageError, match=message):
        Recipe(**{"steps": 1, **changes})


def test_unknown_recipes_list_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="unknown recipe 'supershaper'.*Known: .*supershaper-paper"):
        recipe("supershaper")
    assert set(RECIPES) >= {"mini", "smoke"}


# -- the loop ----------------------------------------------------------------------------------------------------------


def test_training_lowers_the_perplexity_of_all_sizes() -> None:
    net = supernet("supershaper:scale=mini")
    archs = [net.smallest(), net.largest(), *net.space.sample(2, seed=1)]
    held_out = [words(step) for step in range(1000, 1003)]
    before = [perplexity(net.set(arch, "mlm"), held_out) for arch in archs]
    train(net, training(net, steps=30, learning_rate=3e-3))
    after = [perplexity(net.set(arch, "mlm"), held_out) for arch in archs]
    assert all(late < 0.2 * early for early, late in zip(before, after, strict=True))


def test_gradients_of_a_step_are_the_sum_over_its_subnets() -> None:
    """One step of plain gradient descent, taken apart."""
    net = shaken("supershaper:scale=mini")
    objective = SupernetLm(net, words, Sandwich(net, 1))
    total = sum(loss for _, loss in list(objective.passes(5)))
    summed = torch.autograd.grad(total, list(net.parameters()), allow_unused=True)
    net.zero_grad()
    for _, loss in objective.passes(5):
        loss.backward()
    for parameter, expected in zip(net.parameters(), summed, strict=True):
        if expected is not None:
            torch.testing.assert_close(parameter.grad, expected)


def test_micro_batches_of_a_step_run_the_same_subnets() -> None:
    net = supernet("supershaper:scale=mini")
    seen = []
    objective = SupernetLm(net, words, lambda step: seen.append(step) or [net.smallest()], accumulate=4)
    train(net, [Phase("mlm", objective, replace(SMOKE, steps=2, accumulate=4))])
    assert seen == [0, 0, 0, 0, 1, 1, 1, 1]


@pytest.mark.parametrize("optimizer", ["adamw", "lamb"])
@pytest.mark.parametrize("stop", [3, 4, 5])
def test_interrupted_trainings_resume_bit_by_bit(tmp_path, stop, optimizer) -> None:
    """Stopped anywhere, by an error that leaves a checkpoint behind: weights, losses and log end up the same."""

    class StopError(Exception):
        pass

    def interrupt(state) -> None:
        if state.done == stop:
            raise StopError

    def run(folder, **options):
        net = supernet("supershaper:scale=mini", seed=7)
        phases = training(net, steps=6, accumulate=2, batch_size=4, optimizer=optimizer)
        train(net, [*phases, *training(net, steps=3)], folder, {"what": "test"}, save_every=2, **options)
        return net.state_dict()

    whole = run(tmp_path / "whole")
    with pytest.raises(StopError):
        run(tmp_path / "parts", progress=interrupt)
    resumed = run(tmp_path / "parts")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert (tmp_path / "whole" / LOG).read_text() == (tmp_path / "parts" / LOG).read_text()
    assert [state.done for state in read_log(tmp_path / "parts")] == list(range(1, 10))


def test_finished_trainings_do_nothing_more(tmp_path) -> None:
    net = supernet("supershaper:scale=mini")
    train(net, training(net), tmp_path)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    again = supernet("supershaper:scale=mini", seed=1)
    assert train(again, training(again), tmp_path) == []
    assert all(torch.equal(before[name], tensor) for name, tensor in again.state_dict().items())


def test_frozen_parameters_stay(tmp_path) -> None:
    net = supernet("supershaper:scale=mini")
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    phase = replace(training(net)[0], trained=lambda name: ".layers.2." in name)
    train(net, [phase], tmp_path)
    changed = {name for name, tensor in net.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed
    assert all(".layers.2." in name for name in changed)


def test_a_loss_that_is_no_number_stops_the_training(tmp_path) -> None:
    net = supernet("supershaper:scale=mini")
    with pytest.raises(MeasurementError, match=r"loss of .* is nan in step \d+ of phase 'mlm'. A smaller learning rate"):
        train(net, training(net, steps=50, learning_rate=1e30), tmp_path)


def test_mixed_precision_trains() -> None:
    net = supernet("supershaper:scale=mini")
    found = train(net, training(net, steps=12, dtype="bfloat16", learning_rate=3e-3))
    assert found[-1].losses["largest"] < found[0].losses["largest"]
    assert all(parameter.dtype == torch.float32 for parameter in net.parameters())


def test_tokens_are_counted_for_every_pass() -> None:
    net = supernet("supershaper:scale=mini")
    found = train(net, training(net))
    assert {state.tokens for state in found} == {3 * SMOKE.batch_size * SMOKE.seq_len}


def test_lambs_first_step_is_a_share_of_every_tensors_length() -> None:
    """Algorithm 2 of LAMB: after one step a tensor has moved by the rate times its own norm."""
    parameter = torch.nn.Parameter(torch.randn(5, 4))
    start = parameter.detach().clone()
    parameter.grad = torch.randn(5, 4)
    Lamb([parameter], lr=0.01, betas=(0.9, 0.999), eps=1e-6).step()
    moved = (parameter.detach() - start).norm()
    torch.testing.assert_close(moved, 0.01 * start.norm(), rtol=1e-4, atol=0)


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.fixture
def trained(tmp_path):
    net = supernet("supershaper:scale=mini")
    train(net, training(net), tmp_path, {"space": "supershaper"})
    return tmp_path


def test_checkpoints_of_another_space_are_refused(trained) -> None:
    net = supernet("autodistil:scale=mini")
    with pytest.raises(DataError, match="is of another training: its space is supershaper, this one's is autodistil"):
        train(net, training(net), trained, {"space": "autodistil"})
    with pytest.raises(DataError, match="is of another net: '.*' differs"):
        train(net, training(net), trained, {"space": "supershaper"})


def test_checkpoints_of_other_recipes_are_refused(trained) -> None:
    net = supernet("supershaper:scale=mini")
    with pytest.raises(DataError, match="its phases is .* Give the same settings to go on, or another folder"):
        train(net, training(net, steps=9), trained, {"space": "supershaper"})


@pytest.mark.parametrize("kept", [0, 4, 100, 20_000, -1])
def test_truncated_checkpoints_are_refused(trained, kept) -> None:
    path = trained / FILE
    path.write_bytes(path.read_bytes()[:kept])
    net = supernet("supershaper:scale=mini")
    with pytest.raises(DataError, match="damaged"):
        train(net, training(net), trained, {"space": "supershaper"})


def test_files_of_another_kind_are_no_checkpoints(tmp_path) -> None:
    with pytest.raises(DataError, match="there is no checkpoint at"):
        describe(tmp_path)
    (tmp_path / FILE).write_text("not a checkpoint at all")
    with pytest.raises(DataError, match="damaged"):
        describe(tmp_path)
    with pytest.raises(DataError, match="damaged"):
        Checkpoint.load(tmp_path)


def test_perplexity_needs_something_to_predict() -> None:
    net = supernet("supershaper:scale=mini").set(supernet("supershaper:scale=mini").smallest(), "mlm")
    empty = {**words(0), "labels": np.full((SMOKE.batch_size, SMOKE.seq_len), -100)}
    with pytest.raises(DataError, match="needs held-out batches with masked tokens"):
        perplexity(net, [empty])


def test_nets_train_by_themselves_as_subnets_do() -> None:
    net = supernet("supershaper:scale=mini")
    own = net.extract(net.smallest(), "mlm")
    found = train(own, [Phase("scratch", NetLm(own, words), replace(SMOKE, steps=30, learning_rate=5e-3))])
    assert found[-1].losses["mlm"] < found[0].losses["mlm"] - 0.5
