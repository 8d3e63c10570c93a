"""Folds side by side, and errors that are remembered, give what folds one after the other and computed anew give."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

from hwcost.cost_models import cost_model
from hwcost.cost_models.data import Data, read
from hwcost.cost_models.evaluation import evaluate as module
from hwcost.cost_models.evaluation.evaluate import Fitted, evaluate
from hwcost.cost_models.features.groups import Groups
from hwcost.cost_models.training import remembered
from hwcost.cost_models.training.folds import folds, out_of_fold, side_by_side
from hwcost.cost_models.training.intervals import left_out_errors
from hwcost.cost_models.training.remembered import Memory, remembering
from hwcost.cost_models.workers import THREADS_FROM
from tests.cost_models.planted import SPACE, noisy
from tests.cost_models.test_one_way import from_child


def planted(n: int) -> tuple[np.ndarray, np.ndarray]:
    archs = SPACE.sample(n, seed=1)
    return cost_model("lut", SPACE).features.encode(archs), noisy(archs)


@pytest.mark.parametrize("n", [40, THREADS_FROM])
def test_folds_in_threads_are_those_one_after_the_other(n, monkeypatch):
    groups, values = Groups(np.arange(n) % (n - 5)), np.random.default_rng(0).random(n)
    parts = list(folds(groups, 7))
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2}, raising=False)

    def predict(kept, left):
        return values[left] * values[kept].sum()

    expected = np.empty(n)
    for kept, left in parts:
        expected[left] = predict(kept, left)
    np.testing.assert_array_equal(out_of_fold(groups, 7, predict), expected)
    found = np.concatenate(side_by_side(predict, parts))
    np.testing.assert_array_equal(found, np.concatenate([predict(*part) for part in parts]))


def test_an_error_of_a_fold_in_a_thread_is_raised():
    def refuse(kept, left):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        out_of_fold(Groups(np.arange(THREADS_FROM)), 3, refuse)


def test_boosters_in_threads_give_the_same_bits(monkeypatch):
    genes, values = planted(THREADS_FROM)
    model = cost_model("lightgbm", SPACE, rounds=15).fit(genes, values)
    found = []
    for cores in ({0}, {0, 1, 2}):
        monkeypatch.setattr(os, "sched_getaffinity", lambda process, own=cores: own, raising=False)
        found.append(left_out_errors(model, genes, values, np.ones(len(genes))))
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize(("name", "options"), [("lightgbm", {"rounds": 15}), ("hybrid", {"rounds": 15, "base": "lut"})])
def test_a_model_that_is_asked_once_answers_as_one_that_stays(name, options):
    genes, values = planted(60)
    even = np.ones(len(genes))
    stays = cost_model(name, SPACE, **options).fit(genes, values, even)
    brief = cost_model(name, SPACE, **options).fit_briefly(genes, values, even)
    assert brief.booster_.num_trees() == stays.booster_.num_trees() == 15
    np.testing.assert_array_equal(brief.predict_encoded(genes), stays.predict_encoded(genes))


def test_remembered_errors_are_those_computed_anew_and_are_forgotten(monkeypatch):
    genes, values = planted(60)
    even = np.ones(len(genes))
    auto = cost_model("auto", SPACE, candidates=["ridge", "lut", "hybrid"]).fit(genes, values)
    anew = left_out_errors(auto, genes, values, even)
    counted = []
    monkeypatch.setattr(remembered, "_digest", lambda rows, real=remembered._digest: counted.append(1) or real(rows))
    with remembering():
        first = left_out_errors(auto, genes, values, even)
        first[:] = 0.0  # somebody's own copy
        assert len(remembered._memory.get().known) == 1
        with remembering():
            again = left_out_errors(auto.model_, genes, values, even)
        assert len(remembered._memory.get().known) == 1
        left_out_errors(auto.model_, genes, values * np.linspace(1, 2, len(values)), even)
        assert len(remembered._memory.get().known) == 2
    np.testing.assert_array_equal(again, anew)
    assert remembered._memory.get() is None
    assert counted


def test_a_hybrid_without_trees_has_the_errors_of_its_base():
    genes, values = planted(60)
    even = np.ones(len(genes))
    hybrid = cost_model("hybrid", SPACE, rounds=0).fit(genes, values)
    assert hybrid.plain is hybrid.base_
    by_hand = folded(hybrid, genes, values)
    np.testing.assert_allclose(left_out_errors(hybrid, genes, values, even), by_hand, rtol=1e-9, atol=1e-12)


def folded(model, genes, values):
    def predict(kept, left):
        return model.clone_with_hyperparameters().fit(genes[kept], values[kept]).predict_encoded(genes[left])

    return np.log(values / out_of_fold(Groups.of(model.features, genes), 10, predict))


def test_what_recalling_saves_is_what_computing_took():
    ticks = iter(range(100))
    memory = Memory(lambda: float(next(ticks)))
    one = np.ones(3)
    assert memory.errors("a", lambda: one).tolist() == [1.0] * 3
    memory.errors("a", lambda: one)
    assert memory.saved_s == 0.0  # the same training computed it
    memory.next_training()
    memory.errors("a", lambda: one)
    memory.errors("a", lambda: one)
    memory.errors("b", lambda: one)
    assert memory.saved_s == 1.0
    memory.next_training()
    assert memory.saved_s == 0.0


def table_of(folder, n: int) -> Data:
    archs = SPACE.sample(n, seed=3)
    names = [gene.name for gene in SPACE.genes]
    rows = [",".join([*map(str, arch.genes), f"{value:.6g}"]) for arch, value in zip(archs, noisy(archs), strict=True)]
    (folder / "rows.csv").write_text("\n".join([",".join([*names, "latency_s"]), *rows]))
    return read(folder / "rows.csv", SPACE)


def without_times(document: dict[str, Any]) -> dict[str, Any]:
    for report in document["models"].values():
        del report["seconds_fit"]
    return document


def test_an_evaluation_says_how_far_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "asked", lambda model, space: [model, "lut"])
    for cores in ({0}, {0, 1, 2}):
        monkeypatch.setattr(os, "sched_getaffinity", lambda process, own=cores: own, raising=False)
        said: list[Fitted] = []
        evaluate(table_of(tmp_path, 40), "ridge", seeds=2, progress=said.append)
        assert [one[1:] for one in said] == [(i, 4) for i in range(1, 5)]
        assert sorted(one.model for one in said) == ["lut", "lut", "ridge", "ridge"]


@pytest.mark.parametrize("split", ["random", "ordered"])
def test_splits_side_by_side_are_judged_as_one_after_the_other(split, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "asked", lambda model, space: [model, "ridge"])
    found = []
    for cores in ({0}, {0, 1, 2}):
        monkeypatch.setattr(os, "sched_getaffinity", lambda process, own=cores: own, raising=False)
        found.append(without_times(evaluate(table_of(tmp_path, 50), "lut", 30, split, 3)))
    assert found[0] == found[1]


@pytest.mark.slow
def test_what_one_model_found_out_changes_no_other_model(tmp_path, monkeypatch):
    data = table_of(tmp_path, 45)
    monkeypatch.setattr(module, "asked", lambda model, space: ["lut", "polynomial", "ridge"])
    together = without_times(evaluate(data, "lut", seeds=2))["models"]
    for name in together:
        monkeypatch.setattr(module, "asked", lambda model, space: [model])
        assert without_times(evaluate(data, name, seeds=2))["models"] == {name: together[name]}


def test_uneven_weights_are_scaled_by_every_layer_as_ever():
    genes, values = planted(60)
    weights = np.linspace(0.5, 1.5, len(genes))
    hybrid = cost_model("hybrid", SPACE, rounds=0).fit(genes, values, weights)

    def predict(kept, left):
        one = hybrid.clone_with_hyperparameters()
        return one.fit(genes[kept], values[kept], weights[kept]).predict_encoded(genes[left])

    by_hand = np.log(values / out_of_fold(Groups.of(hybrid.features, genes), 10, predict))
    np.testing.assert_array_equal(left_out_errors(hybrid, genes, values, weights), by_hand)


def errors_of_few_trees() -> list[float]:
    genes, values = planted(THREADS_FROM)
    model = cost_model("lightgbm", SPACE, rounds=5).fit(genes, values)
    return left_out_errors(model, genes, values, np.ones(len(genes))).tolist()


def send_errors(channel):
    channel.send(errors_of_few_trees())


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_fits_folds_in_threads_of_its_own():
    here = errors_of_few_trees()
    assert from_child("fork", send_errors) == here
