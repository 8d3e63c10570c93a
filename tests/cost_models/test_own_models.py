"""Cost models of other people: slips are named, arguments survive copies and folders, and other models are not disturbed."""

from __future__ import annotations

import logging

import numpy as np
import pytest

import hwcost
from hwcost.cost_models import CostModel, cost_model
from hwcost.cost_models.training.intervals import calibrate
from hwcost.errors import ContractError, UsageError
from hwcost.objectives import Constraint
from hwcost.spaces import space as make_space
from hwcost.testing.plugins import registered

SPACE = make_space("supershaper", scale="mini")
ARCHS = SPACE.sample(24, seed=0, design="spread")
TIMES = np.array([1e-3 + 1e-5 * sum(arch.genes) for arch in ARCHS])
HERE = "tests.cost_models.test_own_models"


class Mean(CostModel):
    """The mean of all rows; a plain model that others here spoil."""

    name = "own-mean"
    complexity = 4

    def _fit(self, genes, values, weights):
        self.mean_ = float(values.mean())

    def _predict(self, genes):
        return np.full(len(genes), self.mean_)

    def _state(self):
        return {"mean": self.mean_}

    def _restore(self, state, files):
        self.mean_ = state["mean"]


class Power(Mean):
    """Multiplies the mean; its argument does not have to be given by name."""

    name = "own-power"

    def __init__(self, space, factor=1.0, **common):
        super().__init__(space, **common)
        self.factor = factor

    def _predict(self, genes):
        return np.full(len(genes), self.mean_ * self.factor)


class Forgetful(Power):
    """Keeps its argument under another name."""

    name = "own-forgetful"

    def __init__(self, space, rate=1.0, **common):
        super().__init__(space, **common)
        self._rate = rate


class Spoiled(Mean):
    """Does what a function says in place of its methods."""

    name = "own-spoiled"
    fitted = predicted = stated = None

    def _fit(self, genes, values, weights):
        super()._fit(genes, values, weights)
        if self.fitted:
            type(self).fitted(genes, values)

    def _predict(self, genes):
        return type(self).predicted(genes) if self.predicted else super()._predict(genes)

    def _state(self):
        return type(self).stated() if self.stated else super()._state()


def spoiled(**methods):
    return type("Spoiled", (Spoiled,), methods)(SPACE)


def test_an_argument_that_may_be_given_by_place_is_kept_by_copies_and_folders(tmp_path):
    model = Power(SPACE, 2.0).fit(ARCHS, TIMES)
    assert model.get_params()["factor"] == 2.0
    assert model.clone().factor == 2.0
    with registered("hwcost.cost_models", {"own-power": f"{HERE}:Power"}):
        assert hwcost.load(model.save(tmp_path))(ARCHS[0]) == model(ARCHS[0]) == pytest.approx(2 * TIMES.mean())


def test_an_argument_that_is_not_kept_is_named():
    with pytest.raises(ContractError, match="Forgetful does not keep its argument 'rate': .* store it as self.rate"):
        Forgetful(SPACE).get_params()


@pytest.mark.parametrize(
    ("predicted", "said"),
    [
        (lambda genes: 1e-3, r"shape \(\) from _predict for 2 architectures; expected .* shape \(2,\)"),
        (lambda genes: np.ones((len(genes), 1)), r"shape \(2, 1\) from _predict for 2 architectures"),
        (lambda genes: ["fast"] * len(genes), "failed in _predict: ValueError: could not convert"),
        (lambda genes: {}["k"], "'own-spoiled' failed in _predict: KeyError: 'k'"),
    ],
)
def test_answers_that_are_no_numbers_for_each_architecture_are_refused(predicted, said):
    with pytest.raises(ContractError, match=said):
        spoiled(predicted=predicted).fit(ARCHS, TIMES).predict(ARCHS[:2])


@pytest.mark.parametrize("wrong", [np.nan, -1.0, 0.0, np.inf])
def test_what_is_not_positive_is_unknown_and_no_interval_is_made_of_it(wrong):
    model = spoiled(predicted=lambda genes: np.where(genes[:, 0] > 40, wrong, 1e-3)).fit(ARCHS, TIMES)
    wide, narrow = SPACE.architecture([64, 8, 8, 8]), SPACE.architecture([8, 64, 64, 64])
    assert np.isnan(model(wide))
    assert model(narrow) == 1e-3
    assert Constraint(model, most=1.0, probability=0).feasible([wide, narrow]).tolist() == [False, True]
    with pytest.raises(ContractError, match=r"'own-spoiled' predicts no positive number for \d+ of 24 rows"):
        calibrate(model, ARCHS, TIMES)


def test_methods_may_change_their_arrays():
    def scale(genes, *rest):
        genes /= genes.max()
        return np.full(len(genes), 1e-3)

    genes, model = SPACE.encode(ARCHS), spoiled(fitted=scale, predicted=scale)
    before = genes.copy()
    assert model.fit(genes, TIMES).predict(genes).in_domain.all()
    assert np.array_equal(genes, before)


def test_a_fit_or_a_state_that_fails_is_named(tmp_path):
    def singular(genes, values):
        raise np.linalg.LinAlgError("Singular matrix")

    with pytest.raises(ContractError, match="'own-spoiled' failed in _fit: LinAlgError: Singular matrix"):
        spoiled(fitted=singular).fit(ARCHS, TIMES)
    for state in ({"a": np.ones(2)}, {"a": np.nan}):
        with pytest.raises(ContractError, match="what is not plain JSON from _state: .*Turn arrays into lists"):
            spoiled(stated=lambda state=state: state).fit(ARCHS, TIMES).save(tmp_path)


class Failing(Mean):
    """Fits nothing."""

    name = "own-failing"

    def _fit(self, genes, values, weights):
        raise np.linalg.LinAlgError("Singular matrix")


def test_a_model_that_fails_is_left_out_of_auto_and_of_evaluations_of_all(tmp_path, caplog):
    rows = [{"a": arch.genes[0], "b": sum(arch.genes), "latency_s": time} for arch, time in zip(ARCHS, TIMES, strict=True)]
    given = {"space": "table", "train": 0.8, "seeds": 1}
    with registered("hwcost.cost_models", {"own-failing": f"{HERE}:Failing", "own-mean": f"{HERE}:Mean"}):
        with caplog.at_level(logging.WARNING, "hwcost"):
            assert "own-failing" not in hwcost.fit(rows, "auto", space="table").plain.name
            found = hwcost.evaluate(rows, model="all", **given)["models"]
        assert {"auto", "own-mean"} <= set(found)
        assert "own-failing" not in found
        assert "left out: the cost model 'own-failing' failed in _fit" in caplog.text
        with pytest.raises(ContractError, match="own-failing"):
            hwcost.evaluate(rows, model="own-failing", **given)
        with pytest.raises(ContractError, match="own-failing"):
            hwcost.fit(rows, "auto", space="table", candidates=["own-failing", "own-mean"])


def test_a_class_under_another_name_than_its_own_is_told():
    with (
        registered("hwcost.cost_models", {"other": f"{HERE}:Mean"}),
        pytest.raises(UsageError, match="Mean is registered as cost model 'other', and its attribute name is 'own-mean'"),
    ):
        cost_model("other", SPACE)


def test_a_class_is_fitted_and_read_without_an_entry_point(tmp_path):
    rows = [{"a": arch.genes[0], "b": sum(arch.genes), "latency_s": time} for arch, time in zip(ARCHS, TIMES, strict=True)]
    model = hwcost.fit(rows, Power, space="table", factor=1.5)
    assert model.factor == 1.5
    assert model.log_interval_half_width_ is not None
    folder = model.save(tmp_path / "own")
    assert Power.load(folder).predict(rows[:3]).values.tolist() == model.predict(rows[:3]).values.tolist()
    with pytest.raises(UsageError, match="unknown cost model 'own-power'.* read by its class, MyModel.load"):
        hwcost.load(folder)
    with pytest.raises(UsageError, match="model= is the name of a cost model, or a class of your own"):
        hwcost.fit(rows, Power(SPACE), space="table")
