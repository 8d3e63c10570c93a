"""Compiled trees: the library's own answers to the last bit, by every engine, before and after compiling."""

from __future__ import annotations

import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.cost_models import compiled, cost_model, load
from hwcost.cost_models.compiled import ONE, CompiledForest, OnDemand, engines
from hwcost.cost_models.forest import Forest, read_lightgbm_forest, read_xgboost_forest
from hwcost.cost_models.ranks import OneByOne, Ranks
from hwcost.errors import ArchitectureError, NotFittedError
from hwcost.spaces import Candidates, space
from tests.conftest import require_package

SPACES = {
    "supershaper": space("supershaper", scale="mini"),
    "merged": space("supershaper", scale="mini", merged=True),
    "autodistil": space("autodistil", scale="mini"),
    "autodistill": space("autodistill", scale="mini"),
}
NAMES = ("xgboost", "lightgbm", "hybrid")


def fitted(which: str, name: str, n: int = 120, **options):
    """A model with trees of some depth, fitted on values that no sum over genes explains."""
    if name == "xgboost":
        require_package("xgboost")
    one = SPACES[which]
    archs = one.sample(n, seed=0)
    rng = np.random.default_rng(0)
    values = np.array([1e-3 + 1e-9 * one.params(arch) ** 1.1 for arch in archs]) * np.exp(0.05 * rng.standard_normal(n))
    given = {"rounds": 70, **({} if name == "hybrid" else {"depth": 4, "monotone": False}), **options}
    return cost_model(name, one, **given).fit(archs, values)


def forest_of(model) -> Forest:
    text = model.files()["booster.txt"]
    found = read_xgboost_forest(text) if model.name == "xgboost" else read_lightgbm_forest(text)
    assert found is not None
    return found


def sums_of(model, codes):
    """What the library that grew the trees sums to."""
    from hwcost.cost_models.boosters import predict_lightgbm, predict_xgboost

    columns = model.features.learner_columns(model.features.genes_of(codes))
    return (predict_xgboost if model.name == "xgboost" else predict_lightgbm)(model.booster_, columns)


def codes_of(which: str, n: int, seed: int = 1):
    return Candidates.of(SPACES[which], SPACES[which].sample(n, seed=seed)).codes


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("which", SPACES)
def test_every_engine_has_the_library_s_bits(which: str, name: str) -> None:
    model, codes = fitted(which, name), codes_of(which, 150)
    forest, wanted = forest_of(model), sums_of(model, codes)
    ranks = Ranks.of(forest, model.features)
    assert ranks is not None
    padded = np.pad(ranks(codes), ((0, 0), (0, -len(codes) % 64)))
    row = OneByOne(ranks)
    archs = Candidates(SPACES[which], codes).architectures
    for engine in (make(forest) for make in engines(forest)):
        assert np.array_equal(engine.many(padded, len(codes)), wanted), engine.name
        assert [engine.one(row(arch.genes)) for arch in archs[:40]] == wanted[:40].tolist(), engine.name


@pytest.mark.parametrize("depth", [1, 2, 3, 5, 6])
@pytest.mark.parametrize("name", ["xgboost", "lightgbm"])
def test_trees_of_any_depth(name: str, depth: int) -> None:
    model, codes = fitted("supershaper", name, n=200, depth=depth, rounds=33), codes_of("supershaper", 70)
    forest = forest_of(model)
    assert forest.depth <= depth
    made = CompiledForest.of(forest, model.features)
    assert made is not None
    wanted = sums_of(model, codes)
    assert np.array_equal(made.many(codes), wanted)
    assert [made.one(arch.genes) for arch in Candidates(model.space, codes)] == wanted.tolist()


def test_ranks_by_a_loop_are_those_by_numpy() -> None:
    if find_spec("numba") is None:
        pytest.skip("numba is not installed")
    from hwcost.cost_models.forest_loops import ranks_by_loop

    for which in SPACES:
        model, codes = fitted(which, "lightgbm"), codes_of(which, 130)
        ranks = Ranks.of(forest_of(model), model.features)
        assert ranks is not None
        found = ranks_by_loop(ranks, codes)
        assert found.shape[1] % 64 == 0
        assert np.array_equal(found[:, : len(codes)], ranks(codes))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("which", ["supershaper", "autodistil"])
def test_compiling_changes_no_answer(which: str, name: str, tmp_path) -> None:
    model = fitted(which, name)
    archs, codes = SPACES[which].sample(60, seed=3), codes_of(which, 60, seed=3)
    before = model.predict(archs).values
    one, many = model(archs[0]), model.predict_codes(codes)
    assert model.compile() is model
    kept = load(model.save(tmp_path / "model")).compile()
    for other in (model, kept, pickle.loads(pickle.dumps(model)), pickle.loads(pickle.dumps(model)).compile()):
        assert np.array_equal(other.predict(archs).values, before)
        assert np.array_equal(other.predict_codes(codes), many)
        assert [other(arch) for arch in archs] == before.tolist()
    assert one == before[0]
    assert np.array_equal(many, before)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(model, archs * 5)) == before.tolist() * 5


def test_a_refitted_model_forgets_its_trees() -> None:
    model = fitted("supershaper", "lightgbm").compile()
    archs = SPACES["supershaper"].sample(40, seed=4)
    model.fit(archs, np.linspace(1.0, 2.0, 40))
    assert [model(arch) for arch in archs] == model.predict(archs).values.tolist()
    fresh = cost_model("lightgbm", model.space, rounds=70, depth=4, monotone=False).fit(archs, np.linspace(1.0, 2.0, 40))
    assert np.array_equal(fresh.predict(archs).values, model.compile().predict(archs).values)


def test_what_is_wrong_is_said_as_before() -> None:
    model = fitted("supershaper", "lightgbm").compile()
    strange = SPACES["merged"].sample(1, seed=0)[0]
    wrong = type(strange)("supershaper", (7, 8, 16, 24), SPACES["supershaper"].options_text)
    with pytest.raises(ArchitectureError, match="7"):
        model(wrong)
    with pytest.raises(NotFittedError):
        cost_model("xgboost", SPACES["supershaper"]).compile()
    with pytest.raises(NotFittedError):
        cost_model("ridge", SPACES["supershaper"]).compile()


def test_trees_that_are_too_deep_stay_with_their_library() -> None:
    model = fitted("supershaper", "lightgbm", n=400, depth=9)
    if read_lightgbm_forest(model.files()["booster.txt"]) is not None:
        pytest.skip("no tree grew deep enough")
    archs = SPACES["supershaper"].sample(20, seed=5)
    before = model.predict(archs).values
    assert np.array_equal(model.compile().predict(archs).values, before)
    assert [model(arch) for arch in archs] == before.tolist()


def test_a_forest_is_compiled_once_it_pays() -> None:
    made = []
    lazy = OnDemand(lambda: made.append(1))  # type: ignore[func-returns-value,arg-type]
    for _ in range(compiled.ENOUGH // ONE - 1):
        lazy.when_it_pays(ONE)
    assert made == []
    lazy.when_it_pays(ONE)
    lazy.when_it_pays(ONE)
    assert lazy.now() is None
    assert made == [1]


@settings(max_examples=10)
@given(st.integers(2**24, 2**31), st.booleans())
def test_whole_numbers_pass_thresholds_as_the_library_compares(number: int, is_single: bool) -> None:
    threshold = float(np.float32(number)) if is_single else number + 0.5
    empty = np.zeros((1, 1), dtype=np.uint8)
    forest = Forest((0,), (np.array([threshold]),), is_single, empty, empty, np.zeros((1, 2)))
    (least,) = forest.least_whole(0).tolist()
    near = np.arange(number - 150, number + 150, dtype=np.float64)
    assert np.array_equal(forest.ranks(0, near), near >= least)


def test_a_leaf_alone_is_a_tree() -> None:
    text = json.dumps({"learner": {"gradient_booster": {"model": {"trees": [
        {"split_conditions": [0.5], "split_indices": [0], "left_children": [-1], "right_children": [-1]},
        {"split_conditions": [2.0, 1.0, 3.0], "split_indices": [1, 0, 0], "left_children": [1, -1, -1],
         "right_children": [2, -1, -1]},
    ]}}}})  # fmt: skip
    forest = read_xgboost_forest(text)
    assert forest is not None
    assert forest.leaves.tolist() == [[0.5, 0.5], [1.0, 3.0]]
    assert read_xgboost_forest(json.dumps({"learner": {"gradient_booster": {"model": {"trees": []}}}})) is None
