"""A training as a folder: what it begins with, and what it needs later."""

# ruff: noqa: E402 - nothing below can be imported without the optional packages

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("tokenizers")
pytest.importorskip("safetensors")

from hwcost.errors import DataError, InterruptedRunError
from hwcost.spaces import space
from hwcost.supernets.recipe import recipe
from hwcost.supernets.registry import supernet
from hwcost.supernets.run import Run, Settings
from tests.supernets.nets import batch, shaken

pytestmark = pytest.mark.torch

SMOKE = recipe("smoke")


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    folder = tmp_path_factory.mktemp("text")
    for number in range(20):
        lines = [f"Layer {number} of width {line} takes {line * number} units on device {line % 7}." for line in range(40)]
        (folder / f"{number}.txt").write_text("\n".join(lines))
    return str(folder)


def settings(text, name="supershaper:scale=mini", **changes):
    of = space(name)
    return Settings(of.name, of.options(), SMOKE, text, **changes)


def test_equal_settings_open_the_same_run(text, tmp_path) -> None:
    run = Run.start(tmp_path, settings(text))
    assert Run.open(tmp_path).settings == run.settings == settings(text)
    assert Run.start(tmp_path, settings(text)).settings == run.settings
    with pytest.raises(DataError, match="it has seed=0, and seed=1 was given. Give the same settings to resume it"):
        Run.start(tmp_path, settings(text, seed=1))


def test_constraints_of_version_0_1_0_are_read(text, tmp_path) -> None:
    now = settings(text, constraints=("params<=1M",))
    former = now.as_dict()
    former["limits"] = former.pop("constraints")
    assert Settings.from_dict(former) == Settings.from_dict(now.as_dict()) == now


def sequences(batches) -> set[tuple[int, ...]]:
    """The sequences of batches as they stood before any word was masked."""
    rows = [np.where(one["labels"] >= 0, one["labels"], one["input_ids"]) for one in batches]
    return {tuple(row) for row in np.concatenate(rows).tolist()}


@pytest.mark.parametrize("seq_len", [8, 16])
def test_nets_are_selected_on_other_text_than_they_are_evaluated_on(text, tmp_path, caplog, seq_len: int) -> None:
    """Of short text, both parts have fewer batches, or smaller ones; where there is enough, they are those of before."""
    how = settings(text)
    run = Run.start(tmp_path / "run", replace(how, recipe=replace(how.recipe, seq_len=seq_len)))
    first, second = run.held_out_parts(50)
    own, others = sequences(first), sequences(second)
    assert not own & others
    assert len(own) == len(others) == sum(len(one["labels"]) for one in first) < 50 * 32
    assert f"selected on {len(own)} sequences, not 1600" in caplog.text
    if len(own) >= 32:
        one, other = run.held_out_parts(1)
        assert sequences(one + other) == sequences(run.held_out(2))


def test_saved_nets_are_backbones(text, tmp_path) -> None:
    net = shaken("supershaper:scale=mini")
    net.save(net.largest(), tmp_path / "net", "mlm")
    run = Run.start(tmp_path / "run", settings(text, backbone=str(tmp_path / "net")))
    _ = run.objective
    ours, theirs = run.supernet.weights.layers[2].feed_forward, net.weights.layers[2].feed_forward
    assert torch.equal(ours.grow.weight, theirs.grow.weight)


def test_a_training_with_a_teacher_of_its_own_is_resumed_where_it_was_moved_to(text, tmp_path) -> None:
    """The teacher lies beside it, so that its path is another one then; so it is from another working folder."""

    def how(folder):
        asked = settings(text, "autodistil:scale=mini,subspace=tiny", teacher=str(folder / "teacher"))
        return replace(asked, recipe=replace(SMOKE, steps=1))

    whole = shaken("autodistil", subspace="reference", scale="mini")
    whole.save(whole.space.architecture((12, 96, 4, 12)), tmp_path / "run" / "teacher", "mlm")
    run = Run.start(tmp_path / "run" / "superlm", how(tmp_path / "run"), has_own_teacher=True)
    assert run.train().steps == 1
    moved = (tmp_path / "run").rename(tmp_path / "moved")
    again = Run.start(moved / "superlm", how(moved), has_own_teacher=True)
    assert again.train().steps == 0
    assert again.objective is not None
    with pytest.raises(DataError, match="it has teacher="):
        Run.start(moved / "superlm", how(moved))


def test_the_super_lm_starts_from_its_teacher(text, tmp_path) -> None:
    """AutoDistil, section 3.2: the largest net of the SuperLM is the teacher before the first step."""
    whole = shaken("autodistil", subspace="reference", scale="mini")
    arch = whole.space.architecture((12, 96, 4, 12))
    whole.save(arch, tmp_path / "teacher", "mlm")
    how = settings(text, "autodistil:scale=mini,subspace=tiny", teacher=str(tmp_path / "teacher"))
    run = Run.start(tmp_path / "run", how)
    _ = run.objective
    for index in (0, 11):
        ours, theirs = run.supernet.weights.parts[index].attention, whole.weights.parts[index].attention
        assert torch.equal(ours.query.weight, theirs.query.weight)


def test_alternate_top_trains_by_one_rule_of_layers_and_extracts_by_the_other(text, tmp_path) -> None:
    """AutoDistil, Table 8: with "Alternate+Top", weights are those of alternate dropping, and nets have the first layers."""
    found = {}
    for rule in ("alternate", "top", "alternate-top"):
        how = settings(text, "autodistil:scale=mini,subspace=tiny")
        run = Run.start(tmp_path / rule, replace(how, recipe=replace(how.recipe, layers=rule)))
        run.train()
        found[rule] = Run.open(tmp_path / rule).trained()
    alternate, top, mixed = (found[rule] for rule in ("alternate", "top", "alternate-top"))
    assert all(torch.equal(one, other) for one, other in zip(mixed.parameters(), alternate.parameters(), strict=True))
    assert not all(torch.equal(one, other) for one, other in zip(top.parameters(), alternate.parameters(), strict=True))
    arch = mixed.smallest()
    own, second = mixed.extract(arch).parts[1], alternate.weights.parts[1]
    assert torch.equal(own.feed_forward.grow.weight, second.feed_forward.grow.weight[:32, :16])
    assert (mixed.layer_rule, top.layer_rule, alternate.layer_rule) == ("top", "top", "alternate")


def test_backbones_of_another_size_are_refused_before_anything_is_written(text, tmp_path) -> None:
    net = supernet("autodistil", subspace="tiny", scale="mini")
    net.save(net.smallest(), tmp_path / "net", "mlm")
    with pytest.raises(DataError, match="has 4 layers of 7 heads, the supernet of space 'autodistil' needs 12 of 12 heads"):
        Run.start(tmp_path / "run", settings(text, "autodistil:scale=mini", backbone=str(tmp_path / "net")))
    assert not (tmp_path / "run").exists()


def test_trained_runs_need_no_backbone_any_more(text, tmp_path) -> None:
    net = shaken("supershaper:scale=mini")
    net.save(net.largest(), tmp_path / "net", "mlm")
    run = Run.start(tmp_path / "run", settings(text, backbone=str(tmp_path / "net")))
    run.train()
    expected = run.supernet.set(net.smallest())(*batch())
    shutil.rmtree(tmp_path / "net")
    again = Run.open(tmp_path / "run").trained()
    assert torch.equal(again.set(net.smallest())(*batch()), expected)


def test_a_run_without_checkpoint_has_no_trained_supernet(text, tmp_path) -> None:
    Run.start(tmp_path, settings(text))
    with pytest.raises(DataError, match="there are no weights at"):
        Run.open(tmp_path).trained()


def test_interrupted_runs_say_where_they_stand(text, tmp_path) -> None:
    def interrupt(state) -> None:
        if state.done == 3:
            raise KeyboardInterrupt

    run = Run.start(tmp_path, settings(text))
    assert run.steps_done() == 0
    with pytest.raises(InterruptedRunError, match="stands at step 2 of 4. The same command resumes there"):
        run.train(interrupt, save_every=2)
    again = Run.start(tmp_path, settings(text))
    assert again.steps_done() == 2
    assert again.train().steps == 2
    assert again.steps_done() == 4
