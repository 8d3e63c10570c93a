"""Compiled trees: the library's own answers to the last bit, by every engine, before and after compiling."""

from __future__ import annotations

import gc
import json
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.cost_models import cost_model, load, rowwise
from hwcost.cost_models.compiled import forest_planes
from hwcost.cost_models.compiled import models as compiled
from hwcost.cost_models.compiled.closing import Closing
from hwcost.cost_models.compiled.forest import Forest, read_lightgbm_forest, read_xgboost_forest
from hwcost.cost_models.compiled.models import ONE, CompiledForest, OnDemand, engines
from hwcost.cost_models.compiled.ranks import Ranks
from hwcost.cost_models.compiled.tabulated import finished
from hwcost.cost_models.features.joint import JointTables
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
    from hwcost.cost_models.families.boosters import predict_lightgbm, predict_xgboost

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
    found = ranks(codes)
    archs = Candidates(SPACES[which], codes).architectures
    for engine in every_engine(forest):
        question = engine.question(ranks)
        assert question is not None
        assert np.array_equal(engine.many(found, len(codes)), wanted), engine.name
        assert [question(arch.genes) for arch in archs[:40]] == wanted[:40].tolist(), engine.name


def every_engine(forest: Forest) -> list[compiled.Engine]:
    """The engines that can be had here, and machine code for other processors."""
    if find_spec("numba") is None:
        return engines(forest)
    from hwcost.cost_models.compiled.forest_kernels import KernelEngine

    return [*engines(forest), KernelEngine(forest, is_permuted=False)]


HUGE = (0.0, -0.0, 1e-45, -1e-39, 3e38, -3e38, 1e300, -1e300, 5e-324, np.inf, -np.inf, 2.0**24, 1.0, -1.0)
"""Leaves that a sum of 32 or of 64 bits may lose or never forget."""


def forest_drawn(rng: np.random.Generator, depth: int, is_single: bool, trees: int, columns: int) -> Forest:
    """Random trees: cuts that are never or always passed, ties, and leaves of every size."""
    kind = np.float32 if is_single else np.float64
    leaves = rng.standard_normal((trees, 2**depth))
    odd = rng.random(leaves.shape) < rng.choice([0.0, 0.1])
    with np.errstate(over="ignore"):
        leaves = np.where(odd, rng.choice(HUGE, leaves.shape), leaves).astype(kind)
    shape = (trees, 2**depth - 1)
    asked = rng.integers(0, columns, shape).astype(np.uint8)
    cuts = rng.choice([0, 1, 2, 3, 200, 255], shape).astype(np.uint8)
    return Forest(tuple(range(columns)), tuple(np.arange(255.0) for _ in range(columns)), is_single, asked, cuts, leaves)


def walked(forest: Forest, ranks: np.ndarray) -> np.ndarray:
    """The sums by definition: one tree after the other, in the numbers of its library."""
    sums, rows = np.zeros(ranks.shape[1], forest.leaves.dtype), np.arange(ranks.shape[1])
    with np.errstate(all="ignore"):
        for columns, cuts, leaves in zip(forest.columns, forest.cuts, forest.leaves, strict=True):
            node = np.zeros(len(rows), dtype=np.intp)
            for _ in range(forest.depth):
                node = 2 * node + 1 + (ranks[columns[node], rows] >= cuts[node])
            sums += leaves[node - len(columns)]
    return sums.astype(np.float64)


@pytest.mark.filterwarnings("ignore:(invalid value|overflow) encountered")
@settings(max_examples=14, deadline=None)
@given(
    shape=st.sampled_from([(3, False), (5, True)]), seed=st.integers(0, 2**32),
    trees=st.integers(1, 150), has_params=st.booleans(),
)  # fmt: skip
def test_random_trees_have_the_same_bits_by_every_engine(shape, seed, trees, has_params):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 6, rng.integers(1, 9)).tolist()
    genes = np.sort(rng.integers(0, len(sizes), rng.integers(1, 12)))
    tables = rng.integers(0, 256, (len(genes), max(sizes))).astype(np.uint8)
    groups = ((0,), (0, len(sizes) - 1), tuple(range(len(sizes)))[-3:])
    table = JointTables(0.5, groups, tuple(rng.standard_normal([sizes[gene] for gene in group]) for group in groups))
    whole = JointTables(7.0, groups, tuple(np.round(1e3 * one) for one in table.tables))
    passed = np.unique(rng.integers(-2000, 2000, rng.integers(1, 256))).astype(np.float64)
    choices = [tuple(rng.choice([3, 700, 2.5, "wide", None], size, replace=False).tolist()) for size in sizes]
    ranks = Ranks(genes, tables, whole if has_params else None, passed if has_params else np.empty(0), choices)
    forest = forest_drawn(rng, *shape, trees, len(ranks))
    codes = rng.integers(0, sizes, (int(rng.choice([1, 63, 64, 140, 513, 1100])), len(sizes)))
    found = ranks(codes)
    wanted = walked(forest, found)
    archs = [tuple(values[code] for values, code in zip(choices, row, strict=True)) for row in codes[:9].tolist()]
    for engine in every_engine(forest):
        assert engine.many(found, len(codes)).tobytes() == wanted.tobytes(), engine.name
        one = engine.question(ranks)
        assert np.array([one(arch) for arch in archs]).tobytes() == wanted[:9].tobytes(), engine.name
        for strange in ((*archs[0][:-1], "other"), archs[0][:-1], (*archs[0][:-1], []), ()):
            assert one(strange) is None
        for closing in (Closing(0.25), Closing(0.5, table, 3.0, 0.5), Closing(0.0, table, 1.5, 1e-3, is_log=True)):
            answer = engine.question(ranks, closing)
            if answer is not None:
                given = None if closing.table is None else closing.table(codes[:9])
                price = 1.0 if given is None else finished(given, closing.scale, closing.floor, closing.is_log)
                answers = price * rowwise.exp(wanted[:9] + closing.offset)
                assert np.array_equal([answer(arch) for arch in archs], answers, equal_nan=True)
                assert answer((*archs[0][:-1], "other")) is None


def test_values_are_compared_as_python_compares_them() -> None:
    choices = [(1, 3, 700), (0, 5000, 2), (2**70, 7), ("wide", 3)]
    tables = np.arange(12, dtype=np.uint8).reshape(4, 3)
    ranks = Ranks(np.arange(4), tables, None, np.empty(0), choices)
    rng = np.random.default_rng(0)
    forest = replace(forest_drawn(rng, 4, True, 130, 4), leaves=rng.standard_normal((130, 16)).astype(np.float32))
    first = tuple(values[0] for values in choices)
    wanted = walked(forest, ranks(np.zeros((1, 4), dtype=np.intp)))
    for engine in every_engine(forest):
        one = engine.question(ranks)
        for same in (first, (1.0, *first[1:]), (True, False, *first[2:]), (np.int64(1), np.int8(0), 2.0**70, "wide")):
            assert one(same) == wanted[0], same
        for place, strange in (*((0, other) for other in (2, 701, 0, -1, 10**30, -(10**30), 1.5)), (1, 1), (2, 2**70 + 1)):
            assert one((*first[:place], strange, *first[place + 1 :])) is None, strange
        assert one(first) == wanted[0]


@pytest.mark.skipif(find_spec("numba") is None, reason="numba is not installed")
def test_machine_code_has_numpy_s_exponential_or_leaves_it_to_numpy(monkeypatch) -> None:
    from hwcost.cost_models.compiled import native

    assert native._loop_of_exp() is not None
    monkeypatch.setattr(native, "_loop_of_exp", lambda: None)
    for name in ("lightgbm", "hybrid"):
        model, archs = fitted("supershaper", name).compile(), SPACES["supershaper"].sample(40, seed=3)
        assert [model(arch) for arch in archs] == model.predict(archs).values.tolist()


@pytest.mark.filterwarnings("ignore:(invalid value|overflow) encountered")
@pytest.mark.parametrize("depth", range(1, 7))
def test_batches_of_several_blocks_by_numpy(depth: int, monkeypatch) -> None:
    monkeypatch.setattr(forest_planes, "ROWS", 512)
    rng = np.random.default_rng(depth)
    for is_single, count in ((True, 1030), (False, 511), (True, 1), (False, 0)):
        forest = forest_drawn(rng, depth, is_single, 70, 4)
        ranks = rng.integers(0, 256, (4, count)).astype(np.uint8)
        assert forest_planes.Planes(forest)(ranks).tobytes() == walked(forest, ranks).tobytes()


def test_a_question_lives_as_long_as_somebody_holds_it() -> None:
    model = fitted("supershaper", "lightgbm").compile()
    arch = SPACES["supershaper"].sample(1, seed=6)[0]
    question, wanted = model._forest.now().one, model._forest.now().one(arch.genes)
    model.fit(SPACES["supershaper"].sample(40, seed=4), np.linspace(1.0, 2.0, 40))
    gc.collect()
    assert question(arch.genes) == wanted
    assert question([*arch.genes]) is None
    before = [sys.getrefcount(one) for one in (None, arch.genes, *arch.genes)]
    for _ in range(1000):
        question(arch.genes)
        question(())
    after = [sys.getrefcount(one) for one in (None, arch.genes, *arch.genes)]
    assert max(abs(one - other) for one, other in zip(before, after, strict=True)) < 500


@pytest.mark.parametrize("has_numba", [True, False])
def test_codes_that_are_none_are_refused_by_compiled_trees(has_numba: bool, monkeypatch) -> None:
    if has_numba and find_spec("numba") is None:
        pytest.skip("numba is not installed")
    if not has_numba:
        monkeypatch.setattr(compiled, "find_spec", lambda name: None)
        monkeypatch.setattr(compiled, "ARRAY_ROWS", 70)
    model, codes = fitted("supershaper", "lightgbm").compile(), np.tile(codes_of("supershaper", 70), (130, 1))
    wanted = model.predict_codes(codes)
    assert np.array_equal(model.predict_codes(codes.astype(np.uint8)), wanted)
    assert np.array_equal(model.predict_codes(np.asfortranarray(codes).astype(np.int16)), wanted)
    last = codes.copy()
    last[8500, 2] = -1
    for wrong, said in (
        (codes - 1, r"of gene \d+ in row \d+ is unknown"), (codes + 2**40, "is unknown"), (codes[:, :2], "columns"),
        (codes.astype(float), "whole numbers"), (codes.astype(np.uint8) + 250, "is unknown"),
        (last, "code -1 of gene 2 in row 8500 is unknown"),
    ):  # fmt: skip
        with pytest.raises(ArchitectureError, match=said):
            model.predict_codes(wrong)


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
    from hwcost.cost_models.compiled.code_loops import ranks_by_loop

    for which in SPACES:
        model, codes = fitted(which, "lightgbm"), codes_of(which, 130)
        ranks = Ranks.of(forest_of(model), model.features)
        assert ranks is not None
        assert np.array_equal(ranks_by_loop(ranks, codes), ranks(codes))


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
