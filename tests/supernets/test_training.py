"""Sampling rules, recipes, the training loop, and that an interrupted training resumes bit by bit."""

# ruff: noqa: E402 - nothing below can be imported without the optional package

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from hwcost.errors import DataError, MeasurementError, UnknownNameError, UsageError
from hwcost.supernets.checkpoint import FILE, Checkpoint, describe
from hwcost.supernets.masked_lm import NetLm, SupernetLm, perplexity
from hwcost.supernets.optimizers import Lamb, optimizer
from hwcost.supernets.recipe import RECIPES, RELATION_EPSILON, Recipe, recipe
from hwcost.supernets.registry import supernet
from hwcost.supernets.sampling import Sandwich, Uniform, rule
from hwcost.supernets.training import Phase, read_log, train
from hwcost.supernets.training_log import LOG
from tests.supernets.nets import shaken

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
    objective = SupernetLm(net, words, rule(how.sampling, net, how.random))
    return [Phase("mlm", objective, how)]


# -- sampling and recipes ----------------------------------------------------------------------------------------------


def test_a_sandwich_is_the_largest_the_smallest_and_random_ones() -> None:
    net = supernet("supershaper:scale=mini")
    drawn = Sandwich(net, 2, seed=3)(17)
    assert list(drawn) == ["largest", "smallest", "random 1", "random 2"]
    assert (drawn["largest"], drawn["smallest"]) == (net.largest(), net.smallest())
    assert drawn == Sandwich(net, 2, seed=3)(17)
    assert drawn["random 1"] != Sandwich(net, 2, seed=3)(18)["random 1"]
    assert drawn["random 1"] != Sandwich(net, 2, seed=4)(17)["random 1"]


def test_a_random_draw_of_an_end_is_told_apart_from_it() -> None:
    """In a space of one net every draw is the largest and the smallest: three losses, not a sum of them."""
    net = supernet("transformer:layers=[1],hidden=[32],heads=[2],ffn_ratio=[2],vocabulary=64,positions=32")
    passes = list(SupernetLm(net, words, Sandwich(net)).passes(0, 0))
    assert [one.name for one in passes] == ["largest", "smallest", "random 1"]
    assert len({float(one.loss.detach()) for one in passes}) == 1


def test_uniform_sampling_draws_every_choice_equally_often() -> None:
    net = supernet("supershaper:scale=mini")
    draw = Uniform(net, 4, seed=0)
    genes = np.array([arch.genes for step in range(500) for arch in draw(step).values()])
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
    common = {"seq_len": 128, "betas": (0.9, 0.999), "epsilon": 1e-6, "dtype": "float32", "weight_decay": 0.01}
    printed = {
        "supershaper-paper": {"steps": 175_000, "batch_size": 2048, "learning_rate": 2e-5, "warmup_steps": 10_000,
                              "clip": None, "sampling": "sandwich", "random": 1},
        "supershaper-released": {"steps": 175_000, "batch_size": 2048, "learning_rate": 5e-5, "warmup_steps": 0,
                                 "weight_decay": 0.0, "accumulate": 2, "sampling": "sandwich", "random": 1},
        "autodistil-paper": {"batch_size": 2048, "learning_rate": 4e-5, "warmup_steps": 0, "sampling": "uniform",
                             "relation": "softmax-mse", "clip": None, "epsilon": RELATION_EPSILON},
        "autodistil-released": {"batch_size": 2048, "learning_rate": 4e-5, "warmup_steps": 0, "sampling": "sandwich",
                                "random": 2, "relation": "logits-mse", "clip": 1.0, "epsilon": 1e-8},
        "components-paper": {"steps": 125_000, "batch_size": 4096, "learning_rate": 1.8e-3, "warmup_steps": 2500,
                             "optimizer": "lamb"},
        "autodistill-paper": {"steps": 37_000, "batch_size": 2048, "warmup_steps": 500, "optimizer": "lamb"},
    }  # fmt: skip
    for name, settings in printed.items():
        for setting, value in {**common, **settings}.items():
            assert getattr(recipe(name), setting) == value, (name, setting)
    epochs = [recipe(name).steps * 2048 / 203.7e6 for name in ("autodistil-paper", "autodistil-released")]
    assert epochs == pytest.approx([10, 15], rel=1e-3)


def test_scaling_keeps_the_shares() -> None:
    scaled = recipe("supershaper-paper").scaled(0.01)
    assert (scaled.steps, scaled.warmup_steps) == (1750, 100)
    assert Recipe(steps=3).scaled(1e-9).steps == 1
    for wrong in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="factor on a recipe's steps is a positive number"):
            Recipe(steps=3).scaled(wrong)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "a recipe's steps is a positive number, got 0"),
        ({"batch_size": 10, "accumulate": 4}, "4 micro batches do not divide a batch of 10 sequences"),
        ({"optimizer": "sgd"}, "unknown optimizer 'sgd' of a recipe. Known: adamw, lamb"),
        ({"dtype": "float16"}, "unknown dtype 'float16' of a recipe. Known: float32, bfloat16"),
        ({"sampling": "best"}, "unknown sampling 'best' of a recipe. Known: sandwich, uniform"),
        ({"relation": "cosine"}, "unknown relation 'cosine' of a recipe"),
        ({"learning_rate": -1.0}, "a recipe's learning_rate is a positive number, got -1.0"),
        ({"learning_rate": float("inf")}, "a recipe's learning_rate is a positive number, got inf"),
        ({"warmup_steps": 2}, "warms up for at most its 1 steps"),
        ({"clip": 0.0}, "a recipe's clip is a positive number"),
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
    total = sum(one.loss for one in list(objective.passes(5, 5)))
    summed = torch.autograd.grad(total, list(net.parameters()), allow_unused=True)
    net.zero_grad()
    for one in objective.passes(5, 5):
        one.loss.backward()
    for parameter, expected in zip(net.parameters(), summed, strict=True):
        if expected is not None:
            torch.testing.assert_close(parameter.grad, expected)


def test_micro_batches_of_a_step_run_the_same_subnets() -> None:
    net = supernet("supershaper:scale=mini")
    seen = []
    objective = SupernetLm(
        net,
        lambda number: seen.append(number) or words(number),
        lambda step: seen.append(f"step {step}") or {"smallest": net.smallest()},
    )
    train(net, [Phase("mlm", objective, replace(SMOKE, steps=2, accumulate=2))])
    assert seen == [0, "step 0", 1, "step 0", 2, "step 1", 3, "step 1"]


def in_two_phases(folder, changes, **options):
    net = supernet("supershaper:scale=mini", seed=7)
    first = training(net, steps=6, accumulate=2, batch_size=4, **changes)
    second = replace(training(net, steps=3, **changes)[0], name="frozen", trained=lambda name: ".layers.2." in name)
    train(net, [*first, second], folder, {"what": "test"}, save_every=2, **options)
    return net.state_dict()


@pytest.fixture(scope="module", params=[{}, {"optimizer": "lamb"}, {"dtype": "bfloat16"}], ids=["adamw", "lamb", "bfloat16"])
def whole(request, tmp_path_factory):
    """Changes of the recipe, and weights and log of a training that nothing interrupts."""
    folder = tmp_path_factory.mktemp("whole")
    return request.param, in_two_phases(folder, request.param), (folder / LOG).read_text()


@pytest.mark.parametrize("stop", [1, 4, 8, *(pytest.param(step, marks=pytest.mark.slow) for step in (3, 6, 7))])
def test_interrupted_trainings_resume_bit_by_bit(tmp_path, stop, whole) -> None:
    """Stopped anywhere, in either phase: weights, losses and log end up the same."""

    class StopError(Exception):
        pass

    def interrupt(state) -> None:
        if state.done == stop:
            raise StopError

    changes, weights, log = whole
    with pytest.raises(StopError):
        in_two_phases(tmp_path / "parts", changes, progress=interrupt)
    resumed = in_two_phases(tmp_path / "parts", changes)
    assert all(torch.equal(weights[name], resumed[name]) for name in weights)
    assert (tmp_path / "parts" / LOG).read_text() == log
    assert [state.done for state in read_log(tmp_path / "parts")] == list(range(1, 10))


def test_finished_trainings_do_nothing_more(tmp_path) -> None:
    net = supernet("supershaper:scale=mini")
    train(net, training(net), tmp_path)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    again = supernet("supershaper:scale=mini", seed=1)
    assert train(again, training(again), tmp_path).steps == 0
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
    assert found.last.losses["largest"] < found.first.losses["largest"]
    assert all(parameter.dtype == torch.float32 for parameter in net.parameters())


def test_tokens_are_counted_for_every_pass() -> None:
    net = supernet("supershaper:scale=mini")
    found = train(net, training(net))
    assert (found.steps, found.tokens) == (SMOKE.steps, SMOKE.steps * 3 * SMOKE.batch_size * SMOKE.seq_len)


def test_lamb_is_its_algorithm_written_out() -> None:
    """Algorithm 2 of LAMB, three steps with weight decay; a tensor of zeros takes Adam's own step."""
    rate, first, second, epsilon, decay = 0.01, 0.9, 0.999, 1e-6, 0.1
    parameters = [torch.nn.Parameter(torch.randn(5, 4)), torch.nn.Parameter(torch.zeros(3, 2))]
    optimizer = Lamb([{"params": parameters, "weight_decay": decay}], lr=rate, betas=(first, second), eps=epsilon)
    expected = [parameter.detach().clone().double() for parameter in parameters]
    moments = [(torch.zeros_like(one), torch.zeros_like(one)) for one in expected]
    for step in range(1, 4):
        gradients = [torch.randn(parameter.shape) for parameter in parameters]
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient.clone()
        optimizer.step()
        for index, gradient in enumerate(gradients):
            m = first * moments[index][0] + (1 - first) * gradient
            v = second * moments[index][1] + (1 - second) * gradient**2
            moments[index] = (m, v)
            update = (m / (1 - first**step)) / ((v / (1 - second**step)).sqrt() + epsilon) + decay * expected[index]
            norms = expected[index].norm(), update.norm()
            trust = norms[0] / norms[1] if norms[0] > 0 and norms[1] > 0 else 1.0
            expected[index] = expected[index] - rate * trust * update
    for parameter, wanted in zip(parameters, expected, strict=True):
        torch.testing.assert_close(parameter.detach().double(), wanted, rtol=1e-4, atol=1e-6)


def test_weight_decay_spares_biases_and_norms_whatever_their_shape() -> None:
    """The component supernet has biases of two dimensions: one for each piece."""
    net = supernet("components:grid=mini")
    groups = optimizer(dict(net.named_parameters()), replace(SMOKE, weight_decay=0.3)).param_groups
    decayed = {id(one) for group in groups if group["weight_decay"] for one in group["params"]}
    for name, parameter in net.named_parameters():
        is_spared = name.endswith("bias") or "norm" in name
        assert (id(parameter) not in decayed) == is_spared, name


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.fixture
def trained(tmp_path):
    net = supernet("supershaper:scale=mini")
    train(net, training(net), tmp_path, {"space": "supershaper"})
    return tmp_path


def test_checkpoints_of_another_space_are_refused(trained) -> None:
    net = supernet("autodistil:scale=mini")
    with pytest.raises(DataError, match="is of another training: it has space='supershaper', and space='autodistil' was"):
        train(net, training(net), trained, {"space": "autodistil"})
    with pytest.raises(DataError, match="is of another net: '.*' differs"):
        train(net, training(net), trained, {"space": "supershaper"})


def test_checkpoints_of_other_recipes_are_refused(trained) -> None:
    net = supernet("supershaper:scale=mini")
    with pytest.raises(DataError, match=r"it has steps=4, and steps=9 was given. Give the same settings to"):
        train(net, training(net, steps=9), trained, {"space": "supershaper"})


def test_checkpoints_of_a_later_version_are_refused(trained, monkeypatch) -> None:
    monkeypatch.setattr("hwcost.supernets.schema.VERSION", 0)
    with pytest.raises(DataError, match="has schema version 1; this hwcost reads 0. A later one wrote it"):
        describe(trained)


def test_checkpoints_lie_a_step_apart_at_least() -> None:
    net = supernet("supershaper:scale=mini")
    with pytest.raises(UsageError, match="at least one step apart, got 0"):
        train(net, training(net), save_every=0)


def test_phases_have_names_of_their_own() -> None:
    net = supernet("supershaper:scale=mini")
    with pytest.raises(UsageError, match="names of their own, .* got mlm, mlm"):
        train(net, [*training(net), *training(net)])


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
    assert found.last.losses["mlm"] < found.first.losses["mlm"] - 0.5


@pytest.mark.parametrize("name", ["uniform", "sandwich"])
@pytest.mark.parametrize("share", [0.5, 0.02])
def test_sampling_within_a_budget_draws_nothing_else(name, share) -> None:
    """Also where hardly any subnet keeps it; the ends of a sandwich are the largest and the smallest that do."""
    net = supernet("supershaper:scale=mini")
    sizes = np.sort([net.space.params(arch) for arch in net.space.sample(300)])
    most = float(sizes[int(share * len(sizes))])

    def allowed(archs):
        return np.array([net.space.params(arch) <= most for arch in archs])

    drawn = rule(name, net, 2, 3, allowed)
    for step in range(20):
        assert allowed(list(drawn(step).values())).all()
    assert drawn(7) == rule(name, net, 2, 3, allowed)(7)
    if name == "sandwich":
        assert drawn(0)["smallest"] == net.smallest()
        assert net.space.params(drawn(0)["largest"]) > 0.8 * most


def test_a_budget_that_nothing_keeps_is_told() -> None:
    net = supernet("supershaper:scale=mini")
    with pytest.raises(UsageError, match="no subnet of space 'supershaper' was found within the budget"):
        rule("uniform", net, 1, 0, lambda archs: np.zeros(len(archs), dtype=bool))(0)
