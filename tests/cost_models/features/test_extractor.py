from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.cost_models.features.extractor import WORK, Features
from hwcost.cost_models.features.tabulate import tabulate
from hwcost.errors import ArchitectureError
from hwcost.spaces import Architecture, space


@pytest.mark.parametrize("merged", [False, True])
def test_counts_and_work_agree_with_the_space(merged):
    made = space("supershaper", merged=merged)
    features = Features(made, batch_size=2, seq_len=64)
    archs = made.sample(40, seed=3)
    genes = features.encode(archs)
    assert features.tables is not None
    for row, arch in zip(features.counts(genes), archs, strict=True):
        parts = made.components(arch)
        assert {part.name: parts.count(part) for part in set(parts)} == {
            part.name: int(count) for part, count in zip(features.components, row, strict=True) if count
        }
    work = features.work(genes)
    assert [made.params(arch) for arch in archs] == work[:, WORK.index("params")].tolist()
    assert [made.flops(arch, 64, 2) for arch in archs] == work[:, WORK.index("flops")].tolist()
    assert [made.work(arch, 2, 64).elements for arch in archs] == work[:, WORK.index("elements")].tolist()
    assert features.work_tables is not None
    assert np.array_equal(np.stack([table(features.codes(genes)) for table in features.work_tables], axis=1), work)


def test_counts_without_tables_are_the_same():
    made = space("supershaper")
    quick, slow = Features(made), Features(made)
    slow.__dict__["tables"] = None
    genes = quick.encode([*made.sample(20, seed=1), *made.sample(20, seed=1)])
    np.testing.assert_array_equal(quick.counts(genes), slow.counts(genes))


def test_codes_are_undone_by_genes_of():
    features = Features(space("supershaper"))
    genes = features.encode(space("supershaper").sample(30, seed=0))
    np.testing.assert_array_equal(features.genes_of(features.codes(genes)), genes)


def test_categories_become_indices_and_columns_of_their_own():
    made = space("table", columns=[{"name": "op", "categorical": True, "choices": ["x", "y"]}, {"name": "n"}])
    features = Features(made)
    genes = features.encode([made.architecture(["y", 3]), made.architecture(["x", 0.5])])
    np.testing.assert_array_equal(genes, [[1, 3], [0, 0.5]])
    np.testing.assert_array_equal(features.one_hot(genes), [[0, 1, 3], [1, 0, 0.5]])
    assert features.one_hot_names == ["op=x", "op=y", "n"] == features.learner_names


@pytest.mark.parametrize(
    "wrong", [np.full((1, 12), 121.0), np.full((1, 12), np.nan), np.full((1, 12), 1e300), np.ones((1, 3))]
)
def test_refuses_arrays_outside_the_space(wrong):
    with pytest.raises(ArchitectureError):
        Features(space("supershaper")).check(wrong)


def test_refuses_architectures_of_other_spaces_and_hand_made_ones():
    features = Features(space("supershaper"))
    with pytest.raises(ArchitectureError, match="belongs to space 'other'"):
        features.encode([Architecture("other", (1,))])
    with pytest.raises(ArchitectureError, match="'l1'.*cannot be 7"):
        features.encode([Architecture("supershaper", (7,) * 12)])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=5), st.booleans(), st.integers(0, 1000))
def test_tables_are_exact_for_sums_over_genes_and_neighbours(sizes, with_pairs, seed):
    rng = np.random.default_rng(seed)
    single = [rng.integers(0, 50, size).astype(float) for size in sizes]
    pairs = [rng.integers(0, 50, (a, b)).astype(float) for a, b in pairwise(sizes)]

    def function(codes):
        total = sum(table[codes[:, i]] for i, table in enumerate(single))
        return total + (sum(pair[codes[:, i], codes[:, i + 1]] for i, pair in enumerate(pairs)) if with_pairs else 0)

    codes = np.stack([rng.integers(0, size, 30) for size in sizes], axis=1)
    np.testing.assert_array_equal(tabulate(function, sizes, with_pairs)(codes), function(codes))
