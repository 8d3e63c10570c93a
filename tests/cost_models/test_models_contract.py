"""What every cost model does alike."""

from __future__ import annotations

import json
import pickle
from functools import cache

import numpy as np
import pytest

from hwcost.cost_models import COST_MODELS, CostModel, MeasuredFirst, cost_model, load
from hwcost.cost_models.families.roofline import Roofline
from hwcost.cost_models.training.intervals import calibrate
from hwcost.errors import ArchitectureError, DataError, NotFittedError, UnknownNameError, UsageError
from hwcost.spaces import Architecture, space
from hwcost.spaces.shaped import Shaped
from tests.cost_models.planted import SPACE, additive, noisy

FITTED = [name for name in COST_MODELS.names() if name not in ("prior", "roofline", "shapes")]
ARCHS = SPACE.sample(60, seed=0)
LATENCY_S = noisy(ARCHS)
NEW = SPACE.sample(25, seed=77)
TABLE = space("table", columns=[{"name": "n"}, {"name": "op", "categorical": True, "choices": ["a", "b"]}])


QUICKER = {
    "auto": {"candidates": ["constant", "ridge", "lut", "lightgbm"]},
    "hybrid": {"rounds": 40},
    "lightgbm": {"rounds": 40},
    "xgboost": {"rounds": 40},
}


def newly_fitted(name: str) -> CostModel:
    if name == "xgboost":
        pytest.importorskip("xgboost")
    return cost_model(name, SPACE, **QUICKER.get(name, {})).fit(ARCHS, LATENCY_S)


@cache
def fitted(name: str) -> CostModel:
    """Returns a model that tests share, which only ask it."""
    return newly_fitted(name)


@pytest.mark.parametrize("name", FITTED)
def test_genes_and_codes_are_answered_like_architectures(name):
    model = fitted(name)
    batch = model.predict(NEW).values
    genes = np.array([arch.genes for arch in NEW])
    np.testing.assert_array_equal(model.predict(genes).values, batch)
    np.testing.assert_array_equal(model.predict_codes(model.features.codes(genes.astype(float))), batch)


@pytest.mark.parametrize("name", FITTED)
def test_saving_and_loading_keeps_every_bit(name, tmp_path):
    model = calibrate(newly_fitted(name), ARCHS, LATENCY_S)
    model.provenance = {"device": "cpu", "note": "µs"}
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    before, after = model.predict(NEW), again.predict(NEW)
    for field in ("latency_s", "low_s", "high_s", "in_domain"):
        np.testing.assert_array_equal(getattr(after, field), getattr(before, field))
    assert again.provenance == model.provenance
    assert again.importance() == model.importance()
    assert type(model).load(tmp_path / "model").chosen == model.chosen
    assert "60 measurements" in (tmp_path / "model" / "README.md").read_text()


@pytest.mark.parametrize("name", FITTED)
def test_measured_values_answer_where_they_are_asked_for(name, tmp_path):
    model = fitted(name)
    for one in (model, load(model.save(tmp_path / "model"))):
        assert one(ARCHS[0]) == one.predict(ARCHS[:1]).latency_s[0] == model(ARCHS[0])
        measured = one.with_measured()
        assert isinstance(measured, MeasuredFirst)
        assert measured(ARCHS[0]) == measured.predict(ARCHS[:1]).latency_s[0] == LATENCY_S[0]
        assert measured.predict(np.array([ARCHS[0].genes])).latency_s[0] == LATENCY_S[0]
        assert measured(NEW[0]) == one(NEW[0])
        assert (measured.source(ARCHS[0]), measured.source(NEW[0])) == ("measured", name)
        assert (measured.quantity, measured.unit, measured.space) == ("latency_s", "s", one.space)


@pytest.mark.parametrize("name", FITTED)
def test_nothing_learned_exists_before_the_fit(name):
    model = cost_model(name, SPACE)
    assert not [attribute for attribute in vars(model) if attribute.endswith("_")]
    learned = [attribute for attribute in vars(fitted(name)) if attribute.endswith("_")]
    assert {"domain_", "measured_", "errors_"} < set(learned)
    for attribute in learned:
        assert not hasattr(model, attribute)
        with pytest.raises(NotFittedError, match=f"'{name}' is not fitted yet. Call fit"):
            getattr(model, attribute)


@pytest.mark.parametrize("name", FITTED)
def test_parameters_make_an_equal_model(name):
    model = cost_model(name, SPACE, batch_size=4, seq_len=32, **QUICKER.get(name, {}))
    assert model.get_params() == {**model.get_params(), "batch_size": 4, "seq_len": 32, "quantity": "latency_s"}
    assert model.clone().get_params() == model.get_params()
    again = pickle.loads(pickle.dumps(fitted(name)))
    np.testing.assert_array_equal(again.predict(NEW).values, fitted(name).predict(NEW).values)
    kept = fitted(name).clone_with_hyperparameters()
    assert type(kept) is type(model)
    assert not kept.is_fitted


def test_models_of_equal_spaces_share_their_features():
    one, other = (cost_model("lut", space("supershaper", merged=True)) for _ in range(2))
    assert one.space is not other.space
    assert one.features is other.features is not cost_model("lut", SPACE).features is not cost_model("lut", SPACE, seq_len=8)


@pytest.mark.parametrize("name", FITTED)
def test_fits_are_deterministic_and_leave_the_rows_alone(name):
    rows = LATENCY_S.copy()
    np.testing.assert_array_equal(newly_fitted(name).predict(NEW).latency_s, fitted(name).predict(NEW).latency_s)
    np.testing.assert_array_equal(rows, LATENCY_S)


@pytest.mark.parametrize("name", [name for name in FITTED if name != "constant"])
def test_shares_sum_to_one(name):
    model = fitted(name)
    assert sum(model.importance().values()) == pytest.approx(1.0)


@pytest.mark.parametrize("name", FITTED)
def test_a_clone_fits_alike(name):
    model = fitted(name)
    again = model.clone().fit(ARCHS, LATENCY_S)
    np.testing.assert_array_equal(again.predict(NEW).latency_s, model.predict(NEW).latency_s)
    json.dumps(model.get_params(), allow_nan=False)


@pytest.mark.parametrize("name", [name for name in FITTED if name != "params"])
def test_tables_without_components_work(name, tmp_path):
    if name == "xgboost":
        pytest.importorskip("xgboost")
    archs = [TABLE.architecture([n / 2, op]) for n in range(1, 25) for op in "ab"]
    latency_s = [0.01 * float(arch.genes[0]) + (0.05 if arch.genes[1] == "a" else 0.01) for arch in archs]
    model = cost_model(name, TABLE, **QUICKER.get(name, {})).fit(archs, latency_s)
    model.save(tmp_path)
    np.testing.assert_array_equal(load(tmp_path).predict(archs).latency_s, model.predict(archs).latency_s)


@pytest.mark.parametrize("name", FITTED)
def test_other_spaces_are_refused(name):
    model = fitted(name)
    stranger = Architecture("table", (1, 2))
    with pytest.raises(ArchitectureError, match="belongs to space 'table'"):
        model(stranger)
    with pytest.raises(ArchitectureError, match="belongs to space 'table'"):
        model.predict([stranger])


@pytest.mark.parametrize("name", FITTED)
def test_a_model_must_be_fitted_first(name, tmp_path):
    model = cost_model(name, SPACE)
    with pytest.raises(NotFittedError, match="not fitted"):
        model.predict(NEW)
    with pytest.raises(NotFittedError, match="not fitted"):
        model(NEW[0])
    with pytest.raises(NotFittedError, match="not fitted"):
        model.save(tmp_path)


@pytest.mark.parametrize(
    ("latency_s", "weights", "said"),
    [
        ([0.1], None, "at least 2"),
        ([0.1, 0.0], None, "row 1: the latency 0.0"),
        ([0.1, float("nan")], None, "row 1"),
        ([0.1, 0.2], [1.0, -1.0], "row 1: the weight"),
    ],
)
def test_bad_rows_are_refused(latency_s, weights, said):
    with pytest.raises(DataError, match=said):
        cost_model("constant", SPACE).fit(ARCHS[: len(latency_s)], latency_s, weights)


def test_lengths_must_agree():
    with pytest.raises(UsageError, match="for each of 3 architectures"):
        cost_model("constant", SPACE).fit(ARCHS[:3], [0.1, 0.2])


def test_weights_count():
    twice = [*ARCHS[:1], *ARCHS[:1]]
    assert cost_model("constant", SPACE).fit(twice, [1.0, 2.0], [3.0, 1.0]).predict(twice[:1]).latency_s[0] == 1.25


def test_unknown_models_and_options_are_refused():
    with pytest.raises(UnknownNameError, match="did you mean 'hybrid'|Did you mean 'hybrid'"):
        cost_model("hybird", SPACE)
    with pytest.raises(UsageError, match="does not take these options"):
        cost_model("lut", SPACE, depth=3)
    with pytest.raises(UsageError, match="rounds >= 1"):
        cost_model("lightgbm", SPACE, rounds=0)
    with pytest.raises(UsageError, match="no parameter counts"):
        cost_model("params", TABLE)


def test_auto_takes_the_plainest_of_the_good_ones():
    noise = np.exp(np.random.default_rng(0).normal(0, 0.05, 60))
    assert cost_model("auto", SPACE).fit(ARCHS, 0.1 * noise).chosen == "constant"
    auto = cost_model("auto", SPACE).fit(ARCHS, additive(ARCHS))
    assert auto.chosen == "lut"


def test_the_roofline_takes_the_slower_of_arithmetic_and_memory(tmp_path):
    arch = NEW[0]
    fast_memory = Roofline(SPACE, flops_per_s=1e12, bytes_per_s=1e30, batch_size=2, seq_len=64)
    assert fast_memory(arch) == pytest.approx(SPACE.flops(arch, 64, 2) / 1e12)
    fast_arithmetic = Roofline(SPACE, flops_per_s=1e30, bytes_per_s=1e9, itemsize=2)
    assert fast_arithmetic(arch) == pytest.approx(2 * SPACE.work(arch).elements / 1e9)
    assert np.isnan(fast_memory.predict([arch]).low_s).tolist() == [True]
    fast_memory.save(tmp_path)
    assert load(tmp_path)(arch) == fast_memory(arch)


def test_the_roofline_says_what_a_profile_lacks():
    from hwcost.devices import load as device

    model = Roofline.of_device(SPACE, device("a100"), "float16")
    assert model.provenance["label"].startswith("estimate")
    assert 0 < model(NEW[0]) < 0.1
    with pytest.raises(UsageError, match="k80.*bfloat16"):
        Roofline.of_device(SPACE, device("k80"), "bfloat16")
    with pytest.raises(UsageError, match="unknown dtype"):
        Roofline.of_device(SPACE, device("a100"), "int3")
    with pytest.raises(UsageError, match="needs components"):
        Roofline(TABLE, flops_per_s=1.0, bytes_per_s=1.0)


@pytest.mark.parametrize(("name", "options"), [("params", {}), ("roofline", {"flops_per_s": 1e12, "bytes_per_s": 1e9})])
def test_models_of_one_shape_name_those_over_several(name, options):
    with pytest.raises(UsageError, match=f"'{name}' is of one batch size .*'supershaper' at several.* shapes, "):
        cost_model(name, Shaped(SPACE), **options)


def test_a_roofline_without_peaks_says_where_they_come_from():
    with pytest.raises(UsageError, match="device's peaks .*not given.*predict --roofline --device"):
        cost_model("roofline", SPACE)
