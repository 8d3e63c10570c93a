"""Relation distillation, the transfers of flash distillation, and fine-tuning, against sums written out."""

# ruff: noqa: E402 - nothing below can be imported without the optional package

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hwcost.errors import DataError, UnknownNameError, UsageError
from hwcost.spaces.autodistill import AutoDistill
from hwcost.supernets.distillation import SCHEDULES, Distillation, Schedule, attention_transfer, feature_transfer, schedule
from hwcost.supernets.finetuning import STARTS, prepare
from hwcost.supernets.masked_lm import SupernetLm
from hwcost.supernets.recipe import Recipe, recipe
from hwcost.supernets.registry import supernet
from hwcost.supernets.relations import RelationDistillation, relation_loss, resplit
from hwcost.supernets.sampling import Sandwich
from hwcost.supernets.student import student, teacher
from hwcost.supernets.training import Phase, moved, train
from tests.supernets.nets import shaken
from tests.supernets.test_training import SMOKE, words

pytestmark = pytest.mark.torch

MINI = AutoDistill(scale="mini")
NAMES = ("query", "key", "value")


def pairs(step: int) -> dict[str, np.ndarray]:
    return {**words(step), "is_next": np.arange(SMOKE.batch_size) % 2}


def by_hand(wanted, given, mask, heads, kind) -> float:
    """Equations 1 to 3 of AutoDistil, one pair of tokens at a time."""
    total = 0.0
    for name in NAMES:
        apart, count = 0.0, 0
        for row in range(mask.shape[0]):
            length = int(mask[row].sum())
            for head in range(heads):
                related = []
                for side in (wanted, given):
                    size = side[name].shape[-1] // heads
                    part = side[name][row, :length, head * size : (head + 1) * size]
                    score = part @ part.T / math.sqrt(size)
                    related.append(score if kind == "logits-mse" else score.softmax(-1))
                if kind == "softmax-kl":
                    apart += float((related[0] * (related[0].log() - related[1].log())).sum())
                    count += length
                else:
                    apart += float((related[0] - related[1]).square().sum())
                    count += length * length
        total += apart / count
    return total


@pytest.mark.parametrize("kind", ["softmax-mse", "logits-mse", "softmax-kl"])
@pytest.mark.parametrize("channels", [24, 26])
def test_relation_losses_are_the_sums_of_the_paper(kind, channels) -> None:
    """Unequal widths and heads: 26 channels in 4 relation heads leave two channels out."""
    generator = torch.Generator().manual_seed(1)
    wanted = {name: torch.randn(3, 5, 16, generator=generator) for name in NAMES}
    given = {name: torch.randn(3, 5, channels, generator=generator) for name in NAMES}
    mask = torch.tensor([[1] * 5, [1, 1, 1, 0, 0], [1, 1, 1, 1, 0]])
    expected = by_hand(wanted, given, mask, 4, kind)
    assert float(relation_loss(wanted, given, mask, 4, kind)) == pytest.approx(expected, rel=1e-5)


def test_each_relation_has_its_weight() -> None:
    wanted, given = ({name: torch.randn(2, 6, 8) for name in NAMES} for _ in range(2))
    mask = torch.ones(2, 6)
    alone = [float(relation_loss(wanted, given, mask, 2, weights=one)) for one in ((1, 0, 0), (0, 1, 0), (0, 0, 1))]
    assert len(set(alone)) == 3
    expected = 2 * alone[0] + 0.5 * alone[1] + alone[2]
    assert float(relation_loss(wanted, given, mask, 2, weights=(2, 0.5, 1))) == pytest.approx(expected, rel=1e-6)
    for weights in ((0, 0, 0), (1, -1, 1), (1, 1, float("nan")), (1, 1)):
        with pytest.raises(UsageError, match="three finite numbers from 0 up"):
            Recipe(steps=1, relation_weights=weights)


def test_any_layer_of_the_teacher_is_learnt_from() -> None:
    """By its own layer a net loses nothing, by another one it does."""
    net = shaken("autodistil", subspace="reference", scale="mini")
    arch = net.space.architecture((6, 96, 4, 12))
    own = net.extract(arch, "none")
    losses = {}
    for layer in (-1, 6, 1, -6):
        objective = RelationDistillation(net, own, 12, words, Sandwich(net), layer=layer)
        losses[layer] = objective.loss(arch, objective.targets([words(500)]))
    assert losses[-1] == losses[6] == pytest.approx(0, abs=1e-12)
    assert losses[1] == losses[-6] > 1e-6
    with pytest.raises(UsageError, match="a net of 6 layers with attention has no layer 7"):
        RelationDistillation(net, own, 12, words, Sandwich(net), layer=7)
    with pytest.raises(UsageError, match="counts from 1 for the first layer"):
        Recipe(steps=1, relation_layer=0)


def test_padding_changes_no_relation() -> None:
    wanted, given = ({name: torch.randn(2, 6, 8) for name in NAMES} for _ in range(2))
    mask = torch.tensor([[1] * 4 + [0] * 2] * 2)
    before = [relation_loss(wanted, given, mask, 2, kind) for kind in ("softmax-mse", "logits-mse", "softmax-kl")]
    for side in (wanted, given):
        for name in NAMES:
            side[name][:, 4:] = 100.0
    after = [relation_loss(wanted, given, mask, 2, kind) for kind in ("softmax-mse", "logits-mse", "softmax-kl")]
    torch.testing.assert_close(after, before)


def test_a_net_relates_as_itself() -> None:
    same = {name: torch.randn(2, 6, 8) for name in NAMES}
    assert float(relation_loss(same, same, torch.ones(2, 6), 2, "softmax-kl")) == pytest.approx(0, abs=1e-7)


def test_relating_all_tokens_alike_has_the_loss_of_equal_shares() -> None:
    net, taught = shaken("autodistil:subspace=tiny,scale=mini"), student(MINI, MINI.mobilebert)
    objective = RelationDistillation(net, taught, 2, words, Sandwich(net, 1, 0))
    targets = objective.targets([words(0), words(1)])
    apart = []
    for batch, wanted in targets:
        none = {name: torch.zeros_like(one) for name, one in wanted.items()}
        apart.append(by_hand(wanted, none, batch["attention_mask"], 2, "softmax-mse"))
    assert objective.alike(targets) == pytest.approx(np.mean(apart), rel=1e-4)


def test_channels_are_divided_anew_among_relation_heads() -> None:
    projected = torch.arange(10.0).expand(1, 1, 10)
    assert resplit(projected, 3)[0, :, 0].tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    with pytest.raises(UsageError, match="10 channels cannot be divided among 12 relation heads"):
        resplit(projected, 12)
    with pytest.raises(UsageError, match="unknown relation loss 'cosine'. Known: softmax-mse, logits-mse, softmax-kl"):
        relation_loss({}, {}, torch.ones(1, 1), 2, "cosine")


@pytest.mark.parametrize("kind", ["softmax-mse", "logits-mse", "softmax-kl"])
def test_relation_distillation_lowers_the_loss_of_all_sizes(kind) -> None:
    net = shaken("autodistil", subspace="tiny", scale="mini")
    whole = shaken("autodistil", seed=1, subspace="reference", scale="mini")
    own = whole.extract(whole.space.architecture((6, 96, 4, 12)), "none")
    objective = RelationDistillation(net, own, 12, words, Sandwich(net, 1), kind)
    targets = objective.targets([words(500)])
    archs = [net.smallest(), net.largest(), net.space.sample(1, seed=4)[0]]
    before = [objective.loss(arch, targets) for arch in archs]
    train(net, [Phase("relations", objective, replace(SMOKE, steps=12, learning_rate=3e-3))])
    after = [objective.loss(arch, targets) for arch in archs]
    assert all(late < early for late, early in zip(after, before, strict=True))


def test_steps_by_relations_are_as_long_as_their_rate() -> None:
    """Adam's first step is the rate for every weight, unless its epsilon is larger than the gradients."""
    whole = shaken("autodistil", seed=1, subspace="reference", scale="mini")
    own = whole.extract(whole.space.architecture((6, 96, 4, 12)), "none")
    steps = {}
    for name, epsilon in (("recipe", recipe("autodistil-paper").epsilon), ("larger", 1e-6)):
        net = shaken("autodistil", subspace="tiny", scale="mini")
        before = [one.detach().clone() for one in net.parameters()]
        objective = RelationDistillation(net, own, 12, words, Sandwich(net, 1))
        how = replace(SMOKE, steps=1, warmup_steps=0, learning_rate=1e-3, weight_decay=0.0, epsilon=epsilon)
        train(net, [Phase("relations", objective, how)])
        apart = torch.cat([(one.detach() - old).abs().flatten() for one, old in zip(net.parameters(), before, strict=True)])
        steps[name] = float(apart[apart > 0].median())
    assert steps["recipe"] == pytest.approx(1e-3, rel=0.1)
    assert steps["larger"] < 0.8e-3


def test_relations_are_refused_where_there_may_be_none() -> None:
    net = supernet("components:grid=mini")
    with pytest.raises(UsageError, match="may end in a block without queries and keys"):
        RelationDistillation(net, net.extract(net.largest(), "none"), 4, words, Sandwich(net))


def test_transfers_are_the_sums_of_the_paper() -> None:
    """Equations 1 and 2 of AutoDistill: the mean divergence over heads and tokens, the mean squared difference."""
    wanted, given = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4)
    keep = torch.ones(2, 4, dtype=torch.bool)
    p, q = wanted.softmax(-1), given.softmax(-1)
    expected = (p * (p.log() - q.log())).sum() / (2 * 3 * 4)
    torch.testing.assert_close(attention_transfer(wanted, given, keep), expected)
    one, other = torch.randn(2, 4, 5), torch.randn(2, 4, 5)
    torch.testing.assert_close(feature_transfer(one, other, keep), (one - other).square().mean())


@pytest.fixture
def pair():
    arch = MINI.architecture((32, 24, 2, 64, 2))
    return Distillation(student(MINI, arch, seed=1), teacher(MINI, seed=2))


def test_phases_freeze_what_came_before(pair) -> None:
    """Stage k trains block k; the last phase trains the student and its next-sentence layer (section 3.3.3)."""
    phases = pair.phases(pairs, Schedule(2, 3, 1), Recipe(steps=1, batch_size=4, seq_len=16))
    assert [phase.name for phase in phases] == ["block 1", "block 2", "block 3", "block 4", "pre-training"]
    assert [phase.recipe.steps for phase in phases] == [2, 2, 2, 2, 3]
    names = [name for name, _ in pair.named_parameters()]
    for index, phase in enumerate(phases[:-1]):
        trained = {".".join(name.split(".")[:3]) for name in names if phase.trained(name)}
        expected = {f"student.blocks.{index}", f"widen.{index}.weight", f"widen.{index}.bias", f"mix.{index}.weight"}
        embeddings = {one for one in trained if one.startswith("student.embeddings.")}
        assert trained - embeddings == expected
        assert bool(embeddings) == (index == 0)
    assert {name.split(".")[0] for name in names if phases[-1].trained(name)} == {"student", "next_sentence"}


def test_distillation_brings_the_student_near(pair) -> None:
    batch = moved(pairs(900), "cpu")
    before = [sum(pair.block_losses(batch, block)).item() for block in range(4)]
    text_before = pair.pretraining_losses(batch)["mlm"].item()
    kept = {name: tensor.clone() for name, tensor in pair.teacher.state_dict().items()}
    how = Recipe(steps=1, batch_size=4, seq_len=16, learning_rate=3e-3)
    train(pair, pair.phases(pairs, Schedule(15, 40, 4), how))
    assert sum(pair.block_losses(batch, 0)).item() < before[0]
    assert pair.pretraining_losses(batch)["mlm"].item() < text_before - 0.5
    assert all(torch.equal(kept[name], tensor) for name, tensor in pair.teacher.state_dict().items())
    assert not any(name.startswith("teacher") for name, _ in pair.named_parameters())


@pytest.mark.parametrize("heads", [1, 2, 4, 8])
def test_padding_changes_no_transfer(heads) -> None:
    """Whatever the numbers of heads: what stands behind the mask is related to by none, and the losses are numbers."""
    net = student(MINI, MINI.architecture((32, 24, heads, 64, 2)), seed=heads)
    pair = Distillation(net, teacher(MINI, seed=2))
    batch = moved(pairs(3), "cpu")
    batch["attention_mask"][:, 10:] = 0
    other = {**batch, "input_ids": batch["input_ids"].clone()}
    other["input_ids"][:, 11:] = 77
    for block in range(4):
        losses = pair.block_losses(batch, block)
        assert all(torch.isfinite(loss) for loss in losses)
        torch.testing.assert_close(losses, pair.block_losses(other, block))


def test_the_teacher_moves_along(pair) -> None:
    assert pair.double().teacher.embeddings.word.weight.dtype == torch.float64


def test_nets_of_other_depths_do_not_fit() -> None:
    net, own = student(MINI, MINI.sample(1)[0]), teacher(MINI)
    del own.blocks[-1]
    with pytest.raises(UsageError, match="the student has 4 of them, the teacher 3"):
        Distillation(net, own)


@pytest.mark.parametrize("stop", [1, 4, 6, 9])
def test_interrupted_distillations_resume_bit_by_bit(tmp_path, stop) -> None:
    def interrupt(state) -> None:
        if state.done == stop:
            raise KeyboardInterrupt

    def run(folder, **options):
        pair = Distillation(student(MINI, MINI.architecture((32, 24, 2, 64, 2)), seed=1), teacher(MINI, seed=2))
        phases = pair.phases(pairs, Schedule(2, 3, 1), Recipe(steps=1, batch_size=4, seq_len=16))
        train(pair, phases, folder, save_every=2, **options)
        return pair.state_dict()

    whole = run(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "parts", progress=interrupt)
    resumed = run(tmp_path / "parts")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_another_alpha_is_another_training(pair, tmp_path) -> None:
    how = Recipe(steps=1, batch_size=4, seq_len=16)
    train(pair, pair.phases(pairs, Schedule(1, 1, 0), how, alpha=0.5), tmp_path)
    with pytest.raises(DataError, match="it has alpha=0.5, and alpha=0.9 was given"):
        train(pair, pair.phases(pairs, Schedule(1, 1, 0), how, alpha=0.9), tmp_path)


def test_equal_sizes_need_nothing_between_them() -> None:
    arch = MINI.architecture((64, 24, 4, 64, 2))
    pair = Distillation(student(MINI, arch), teacher(MINI))
    assert not [name for name, _ in pair.named_parameters() if name.startswith(("widen", "mix"))]
    assert torch.equal(pair.student.embeddings.word.weight, pair.teacher.embeddings.word.weight)


@pytest.mark.parametrize("hidden", [one for one in MINI.genes[0].choices if one != MINI.sizes.teacher[0]])
def test_embeddings_of_another_width_are_the_teachers_resampled_linearly(hidden: int) -> None:
    """AutoDistill, section 3.3.2: channel by channel between the teacher's first one and its last one."""
    pair = Distillation(student(MINI, MINI.architecture((hidden, *MINI.mobilebert.genes[1:]))), teacher(MINI))
    theirs, changed = dict(pair.teacher.embeddings.named_parameters()), []
    for name, own in pair.student.embeddings.named_parameters():
        given = theirs[name].detach().numpy()
        for axis, size in enumerate(own.shape):
            if given.shape[axis] != size:
                changed.append(name)
                places, known = np.linspace(0, given.shape[axis] - 1, size), np.arange(given.shape[axis])
                given = np.apply_along_axis(lambda row: np.interp(places, known, row), axis, given)  # noqa: B023
        np.testing.assert_allclose(own.detach().numpy(), given, atol=1e-5)
    assert {"project.weight", "position.weight", "token_type.weight"} <= set(changed)


def test_schedules_are_as_printed() -> None:
    """Section 4.1 and 4.7: 37,000 and 740,000 steps for 24 blocks, the same shares, a twentieth."""
    flash, regular = schedule("flash"), schedule("regular")
    assert [24 * one.block_steps + one.pretraining_steps for one in (flash, regular)] == [37_000, 740_000]
    assert regular.scaled(0.05) == flash
    with pytest.raises(UnknownNameError, match="unknown schedule of distillation 'fast'"):
        schedule("fast")
    assert set(SCHEDULES) == {"flash", "regular"}


def test_nets_are_prepared_for_fine_tuning_in_three_ways() -> None:
    """Directly a net is what it inherits; partial training goes on from that, scratch from the initial weights."""
    net = supernet("supershaper:scale=mini", seed=5)
    arch = net.smallest()
    fresh = net.extract(arch, "mlm").state_dict()
    train(net, [Phase("mlm", SupernetLm(net, words, Sandwich(net)), SMOKE)])
    inherited = net.extract(arch, "mlm").state_dict()
    still = replace(SMOKE, learning_rate=1e-30)
    found = {start: prepare(net, arch, start, words, still).state_dict() for start in STARTS}
    for start, wanted in (("direct", inherited), ("partial", inherited), ("scratch", fresh)):
        assert all(torch.allclose(found[start][name], wanted[name], atol=1e-20) for name in wanted), start
    with pytest.raises(UsageError, match="direct, partial, scratch; got 'later'"):
        prepare(net, arch, "later", words, SMOKE)
