"""Models are held to what is certain about enlargements, and the report finds those that are not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.cost_models import cost_model, load
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.checks.sanity import enlargements
from hwcost.cost_models.data import Data, from_table
from hwcost.cost_models.training.metrics import metrics
from hwcost.cost_models.training.train import train
from hwcost.errors import HwcostError, UsageError
from hwcost.exchange.table import read_table
from hwcost.spaces import space
from hwcost.spaces.supershaper import WIDTHS
from tests.cost_models.planted import SPACE, noisy

BOOSTERS = ("lightgbm", "xgboost")
ARCHS = SPACE.sample(80, seed=0)
COLUMNS = [{"name": "n"}, {"name": "op", "categorical": True, "choices": ["a", "b"]}, {"name": "m"}]


def booster(name: str, of=SPACE, **options) -> CostModel:
    if name == "xgboost":
        pytest.importorskip("xgboost")
    return cost_model(name, of, **{"rounds": 60, **options})


class ByWidth(CostModel):
    """Seconds by the width of the first layer, and nothing else: an oracle for the report."""

    name = "constant"

    def __init__(self, seconds):
        super().__init__(SPACE)
        self.seconds = dict(zip(WIDTHS, seconds, strict=True))

    def _fit(self, genes, latency_s, weights):
        pass

    def _predict(self, genes):
        return np.array([self.seconds[int(width)] for width in genes[:, 0]])

    def _state(self):
        return {}

    def _restore(self, state, files):
        pass


def test_the_report_counts_the_steps_that_are_called_faster():
    model = ByWidth([1.0, 2.0, 1.999, 3.0, 1.5, 4.0, 5.0]).fit(ARCHS[:2], [1.0, 2.0])
    found = enlargements(model, n=20_000)
    step = 1 / 72  # twelve layers with six enlargements each
    assert found.n_steps == 20_000
    assert found.share_faster == pytest.approx(2 * step, rel=0.15)
    assert found.share_notable == pytest.approx(step, rel=0.2)
    assert found.worst == pytest.approx(0.5)


def test_the_report_is_clean_for_models_that_grow_or_stand_still():
    for seconds in ([1, 2, 3, 4, 5, 6, 7], [1] * 7):
        found = enlargements(ByWidth(seconds).fit(ARCHS[:2], [1.0, 2.0]))
        assert found.as_dict() == {"share_faster": 0.0, "share_notable": 0.0, "worst": 0.0, "n_steps": 500}


def test_the_report_is_repeatable_and_needs_a_fitted_model():
    model = booster("lightgbm", monotone=False).fit(ARCHS, noisy(ARCHS))
    assert enlargements(model, seed=3) == enlargements(model, seed=3)
    with pytest.raises(UsageError, match="must be positive"):
        enlargements(model, n=0)
    with pytest.raises(HwcostError, match="not fitted"):
        enlargements(booster("lightgbm"))


@pytest.mark.parametrize("name", BOOSTERS)
@settings(max_examples=8)
@given(seed=st.integers(0, 10**6), n=st.integers(5, 80), depth=st.integers(1, 6))
def test_held_boosters_never_call_an_enlargement_faster(name, seed, n, depth):
    """Whatever the latencies are, even none at all."""
    latency_s = np.exp(np.random.default_rng(seed).normal(0, 1, n))
    model = booster(name, depth=depth, rate=0.3).fit(ARCHS[:n], latency_s)
    assert enlargements(model, n=300, seed=seed).share_faster == 0.0


@pytest.mark.parametrize("name", BOOSTERS)
def test_boosters_left_alone_do(name):
    latency_s = np.exp(np.random.default_rng(0).normal(0, 0.3, len(ARCHS)))
    model = booster(name, monotone=False).fit(ARCHS, latency_s)
    found = enlargements(model)
    assert found.share_notable > 0.05
    assert found.worst > 0.05
    assert model.monotone_ == ()


@pytest.mark.parametrize("name", BOOSTERS)
def test_what_is_held_is_told_and_kept(name, tmp_path):
    model = booster(name).fit(ARCHS, noisy(ARCHS))
    assert model.monotone_ == (*(f"l{i}" for i in range(1, 13)), "params")
    model.save(tmp_path)
    again = load(tmp_path)
    assert again.monotone_ == model.monotone_
    assert again.get_params()["monotone"] is True
    assert enlargements(again) == enlargements(model)


def test_auto_hands_the_option_on_and_tells(tmp_path):
    latency_s = noisy(ARCHS)
    for monotone in (True, False):
        auto = cost_model("auto", SPACE, candidates=["lightgbm"], monotone=monotone).fit(ARCHS, latency_s)
        assert bool(auto.monotone_) is monotone
        auto.save(tmp_path / str(monotone))
        assert load(tmp_path / str(monotone)).monotone_ == auto.monotone_


def test_provenance_names_the_columns():
    data = Data(SPACE, ARCHS, noisy(ARCHS), np.ones(80), ("fit",) * 80, "planted", {}, {})
    assert "params" in train(data, "lightgbm", rounds=20).model.provenance["monotone"]
    assert "monotone" not in train(data, "lightgbm", rounds=20, monotone=False).model.provenance
    assert "monotone" not in train(data, "ridge").model.provenance


@pytest.mark.parametrize("name", BOOSTERS)
def test_tables_are_held_only_where_the_user_says(name):
    free, held = (space("table", columns=COLUMNS, increasing=chosen) for chosen in ([], ["m"]))
    rng = np.random.default_rng(0)
    rows = [[int(n), "ab"[i % 2], int(m)] for i, (n, m) in enumerate(rng.integers(1, 9, (120, 2)))]
    latency_s = np.exp(rng.normal(0, 0.3, 120))
    archs = [free.architecture(row) for row in rows]
    unheld = booster(name, free).fit(archs, latency_s)
    assert unheld.monotone_ == ()
    assert enlargements(unheld) is None
    model = booster(name, held).fit(archs, latency_s)
    assert model.monotone_ == ("m",)
    assert enlargements(model).share_faster == 0.0
    assert enlargements(booster(name, held, monotone=False).fit(archs, latency_s)).share_faster > 0.1


def test_steps_of_free_numbers_go_to_the_next_value_of_the_rows():
    table = space("table", columns=[{"name": "n"}], increasing=["n"])
    archs = [table.architecture([n]) for n in (1, 2, 10)]
    model = cost_model("lut", table).fit(archs, [1.0, 2.0, 10.0])
    assert enlargements(model, n=400).n_steps == pytest.approx(400 * 2 / 3, rel=0.15)
    model.measured_ = {}
    assert enlargements(model) is None


@pytest.mark.parametrize(
    ("file", "name", "rows", "broken", "relative"),
    [
        ("supershaper/1080ti_bs128.csv", "supershaper", 100, 0.02, 1.1),
        ("hat/wmt14ende_gpu_titanxp.csv", "hat", 700, 0.25, 1.0),
    ],
)
@pytest.mark.parametrize("model", BOOSTERS)
def test_holding_removes_all_and_costs_little_on_published_latencies(published, file, name, rows, broken, relative, model):
    data = from_table(read_table(published / file, name))
    order = np.random.default_rng(0).permutation(len(data))
    fit, (judges, truth_s, _) = data.take(order[:rows]), data.take(order[rows:])
    errors = []
    for monotone in (False, True):
        fitted = booster(model, data.space, rounds=400, monotone=monotone).fit(*fit)
        errors.append(metrics(truth_s, fitted.predict(judges).latency_s)["mape"])
        share = enlargements(fitted, 1000).share_faster
        assert share == 0.0 if monotone else share > broken
    assert errors[1] < relative * errors[0]
