"""Lookup tables over batches of codes: compiled loop, plain look-ups and single architectures have the same bits."""

from __future__ import annotations

import pickle
from importlib.util import find_spec
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.cost_models import cost_model
from hwcost.cost_models.compiled.models import batches
from hwcost.cost_models.features.tabulate import Tables, check_codes, in_ranges
from hwcost.errors import ArchitectureError
from hwcost.spaces import Candidates, space

COMPILED = pytest.mark.skipif(find_spec("numba") is None, reason="numba is not installed")
SHAPES = {
    "shaper": ([7] * 12, False),
    "neighbours": ([5, 3, 40, 200, 30, 7], True),
    "one gene": ([256], False),
    "uneven": ([3, 200, 100, 2, 128], False),
    "sixteen": ([8] * 16, False),
    "twenty": ([3] * 20, False),
    "twenty-four": ([7] * 24, False),
    "forty": ([2, 9] * 20, False),
    "fifty": ([9, 7] * 25, False),
}


def tables_of(which: str) -> Tables:
    sizes, with_pairs = SHAPES[which]
    rng = np.random.default_rng(0)
    single = [rng.standard_normal(size) for size in sizes]
    pairs = [rng.standard_normal(two) for two in pairwise(sizes)] if with_pairs else []
    return Tables(np.array(0.25), single, pairs)


TABLES = {which: tables_of(which) for which in SHAPES}
KERNELS = {which: batches(tables, 1.5, 0.5) for which, tables in TABLES.items()}


def codes_of(which: str, rows: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, SHAPES[which][0], (rows, len(SHAPES[which][0])))


def laid_out(codes: np.ndarray, layout: str) -> np.ndarray:
    """The same codes in another type or order in memory."""
    if layout == "every second row":
        return np.repeat(codes.astype(np.uint8), 2, axis=0)[::2]
    if layout == "backwards":
        return codes.astype(np.uint8)[::-1].copy()[::-1]
    if layout == "columns":
        return np.asfortranarray(codes.astype(np.uint8))
    return codes.astype(layout)


LAYOUTS = ("uint8", "columns", "every second row", "backwards", "int64", "uint16", "int8")


def same_bits(which: str, rows: int, seed: int, layout: str) -> None:
    codes = codes_of(which, rows, seed)
    if layout == "int8":
        codes = np.minimum(codes, 127)
    wanted = np.maximum(TABLES[which](codes) * 1.5, 0.5)
    assert np.array_equal(KERNELS[which](laid_out(codes, layout)), wanted)


ROWS = st.one_of(st.integers(0, 70), st.integers(1000, 2100))


@COMPILED
@settings(max_examples=30, deadline=None)
@given(st.sampled_from(["shaper", "neighbours", "one gene", "uneven"]), ROWS, st.integers(0, 99), st.sampled_from(LAYOUTS))
def test_the_loop_and_the_look_ups_have_the_same_bits(which, rows, seed, layout):
    same_bits(which, rows, seed, layout)


@COMPILED
@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from(["sixteen", "twenty", "twenty-four", "forty", "fifty"]), ROWS, st.integers(0, 99),
    st.sampled_from(LAYOUTS),
)  # fmt: skip
def test_many_genes_have_the_same_bits(which, rows, seed, layout):
    same_bits(which, rows, seed, layout)


@COMPILED
@settings(max_examples=30, deadline=None)
@given(
    which=st.sampled_from(["shaper", "neighbours", "uneven"]), rows=st.integers(1, 1100), seed=st.integers(0, 99),
    layout=st.sampled_from(LAYOUTS[:5]), data=st.data(),
)  # fmt: skip
def test_a_wrong_code_is_found_wherever_it_stands(which, rows, seed, layout, data):
    codes = codes_of(which, rows, seed)
    row, gene = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, codes.shape[1] - 1))
    codes[row, gene] = SHAPES[which][0][gene] if layout != "int64" else data.draw(st.sampled_from([-1, 300, 2**40]))
    with pytest.raises(ArchitectureError, match=f"code {codes[row, gene]} of gene {gene} in row {row} is unknown"):
        KERNELS[which](laid_out(codes, layout))


@COMPILED
@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_huge_prices_ties_and_negative_zeros_have_the_same_bits(seed):
    rng = np.random.default_rng(seed)
    prices = [rng.choice([0.0, -0.0, 1e300, -1e300, 5e-324, 1e-3, 0.1, 0.1, 0.3], 7) for _ in range(12)]
    tables, codes = Tables(np.array(-0.0), prices, []), codes_of("shaper", 40, seed % 99)
    kernel = batches(tables, 1e8, -1e308)
    with np.errstate(over="ignore"):
        wanted = np.maximum(tables(codes) * 1e8, -1e308)
    assert kernel(codes.astype(np.uint8)).tobytes() == wanted.tobytes()


@COMPILED
def test_batches_in_threads_are_answered_in_order(monkeypatch):
    monkeypatch.setattr("hwcost.cost_models.features.tabulate.SHARED", 10)
    monkeypatch.setattr("hwcost.cost_models.features.tabulate.threads", lambda rows: 3)
    codes = codes_of("shaper", 1000, 0)
    for layout in LAYOUTS[:5]:
        assert np.array_equal(KERNELS["shaper"](laid_out(codes, layout)), np.maximum(TABLES["shaper"](codes) * 1.5, 0.5))
    assert in_ranges(lambda start, end: (start, end), 10) == [(0, 3), (3, 6), (6, 10)]


@pytest.mark.parametrize("form", ["linear", "log"])
def test_a_lookup_table_answers_the_same_before_and_after_compiling(form):
    one = space("supershaper", scale="mini")
    archs = one.sample(60, seed=0)
    model = cost_model("lut", one, form=form).fit(archs, [1e-3 + 1e-9 * one.params(arch) for arch in archs])
    codes = Candidates.of(one, archs).codes
    before = model.predict_codes(codes)
    model.compile()
    assert np.array_equal(model.predict_codes(codes), before)
    assert np.array_equal(model.predict_codes(codes.astype(np.uint8)), before)
    assert before.tolist() == [model(arch) for arch in archs]
    assert model.predict_codes(codes[:0]).shape == (0,)
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict_codes(codes), before)


@pytest.mark.parametrize("is_compiled", [False, True])
def test_codes_that_are_none_are_refused(is_compiled):
    one = space("supershaper", scale="mini")
    archs = one.sample(20, seed=0)
    model = cost_model("lut", one).fit(archs, [1e-3 + 1e-9 * one.params(arch) for arch in archs])
    if is_compiled:
        model.compile()
    codes = Candidates.of(one, archs).codes
    for wrong, said in (
        (codes[:, :2], r"columns, got shape \(20, 2\)"),
        (codes[0], "one row an architecture"),
        (codes.astype(float), "whole numbers, got float64"),
        (codes - 1, r"of gene \d+ in row \d+ is unknown"),
        (codes + 250, "is unknown: codes of this gene are 0 to"),
    ):
        with pytest.raises(ArchitectureError, match=said):
            model.predict_codes(wrong)


def test_a_check_of_codes_takes_every_kind_of_whole_numbers():
    for kind in (np.int8, np.uint8, np.int32, np.uint64, np.intp):
        check_codes(np.array([[0, 2], [1, 0]], dtype=kind), [2, 3])
        with pytest.raises(ArchitectureError, match="code 2 of gene 0 in row 1"):
            check_codes(np.array([[0, 2], [2, 0]], dtype=kind), [2, 3])
