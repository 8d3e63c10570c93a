"""Candidates: many architectures as one matrix of codes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.errors import ArchitectureError, UsageError
from hwcost.spaces import Candidates, space
from hwcost.spaces.candidates import codes_of, key_of
from hwcost.spaces.encoding import encoding_of

SPACES = ["supershaper", "supershaper:merged=true", "autodistil:subspace=tiny", "autodistill", "components:grid=mini",
          "transformer:elastic=per_layer"]  # fmt: skip
SHAPER = space("supershaper", scale="mini")
TINY = "transformer:layers=[1,2],hidden=[8,16],ffn_ratio=[2,4],heads=[1],elastic=per_layer"


@pytest.mark.parametrize("name", SPACES)
def test_candidates_are_the_architectures_they_are_made_of(name) -> None:
    of = space(name)
    archs = of.sample(20, seed=1)
    candidates = Candidates.of(of, archs)
    assert list(candidates) == candidates.architectures == archs
    assert [Candidates(of, candidates.codes)[row] for row in range(20)] == archs, "one by one"
    assert candidates[np.int64(3)] == archs[3]
    assert candidates[-1] == archs[-1]
    assert archs[7] in candidates
    assert np.array_equal(Candidates(of, candidates.codes).genes, of.encode(archs))
    assert len(set(candidates.keys)) == 20
    assert [key_of(codes_of(key)) for key in candidates.keys] == candidates.keys
    assert Candidates(of, [codes_of(key) for key in candidates.keys]) == candidates


@pytest.mark.parametrize("name", ["supershaper", TINY])
@given(data=st.data())
def test_rows_are_selected_and_joined_as_lists_are(name, data) -> None:
    of = space(name)
    archs = of.sample(9, seed=2)
    candidates = Candidates.of(of, archs)
    rows = data.draw(st.lists(st.integers(0, 8), max_size=12))
    mask = data.draw(st.lists(st.booleans(), min_size=9, max_size=9))
    start, stop = data.draw(st.tuples(st.integers(-9, 9), st.integers(-9, 9)))
    assert list(candidates[rows]) == [archs[row] for row in rows]
    assert list(candidates[mask]) == [arch for arch, is_kept in zip(archs, mask, strict=True) if is_kept]
    assert list(candidates[start:stop]) == archs[start:stop]
    joined = candidates[rows] + candidates[start:stop]
    assert list(joined) == [archs[row] for row in rows] + archs[start:stop]
    assert list(joined.unique()) == list(dict.fromkeys(joined))


@pytest.mark.parametrize("name", ["autodistill", TINY])
def test_all_is_every_architecture_once(name) -> None:
    of = space(name)
    assert list(Candidates.all(of)) == list(of.architectures())


def test_points_of_one_net_become_one_candidate() -> None:
    of = space(TINY)
    sizes = [len(gene.choices) for gene in of.genes]
    every = Candidates(of, np.indices(sizes).reshape(len(sizes), -1).T)
    assert len(every.unique()) == len(set(every.keys)) == len(list(of.architectures())) < len(every)
    assert [of.canonical(arch.genes) for arch in every] == [arch.genes for arch in every]


ISOMORPHS = ["components:grid=mini", "components:grid=bert-base-halves", "components:grid=minibert-connected",
             "transformer:layers=[3,1,2],hidden=[16,8],ffn_ratio=[4,2],heads=[2,1],elastic=per_layer"]  # fmt: skip


@pytest.mark.parametrize("name", ISOMORPHS)
@pytest.mark.parametrize("share", [0.5, 0.15])
def test_points_of_one_net_are_found_at_once_as_one_by_one(name, share) -> None:
    """Few open gates: heads without values, layers without pieces, and connectors behind nothing."""
    of, rng = space(name), np.random.default_rng(3)
    sizes = np.array([len(gene.choices) for gene in of.genes])
    codes = np.minimum((rng.random((200, len(sizes))) ** (np.log(share) / np.log(0.5)) * sizes).astype(int), sizes - 1)
    choices = encoding_of(of).ordered_choices
    singly = [
        of.canonical(tuple(own[code] for own, code in zip(choices, row, strict=True))) for row in codes.tolist()
    ]
    assert of.canonical_codes(codes) is not None
    assert [arch.genes for arch in Candidates(of, codes)] == singly
    assert any(one != two for one, two in zip(Candidates(of, codes).codes.tolist(), codes.tolist(), strict=True))


def test_candidates_never_change() -> None:
    codes = np.zeros((2, len(SHAPER.genes)), dtype=int)
    candidates = Candidates(SHAPER, codes)
    codes[:] = 1
    assert not candidates.codes.any()
    for one in (candidates, candidates[:1], candidates[[0]], candidates + candidates):
        with pytest.raises(ValueError, match="read-only"):
            one.codes[0, 0] = 1


def test_what_makes_no_candidates_is_refused() -> None:
    other = space("autodistill")
    with pytest.raises(ArchitectureError, match=r"belongs to space 'supershaper' \(.*\), not to space 'autodistill'"):
        Candidates.of(other, SHAPER.sample(1))
    with pytest.raises(UsageError, match="cannot be joined"):
        _ = Candidates.none(other) + Candidates.none(SHAPER)
    with pytest.raises(UsageError, match=r"have shape \(n, 4\), got \(1, 3\)"):
        Candidates(SHAPER, [[0, 1, 2]])
    data = space("hat")
    with pytest.raises(UsageError, match="describes data only"):
        Candidates(data, np.zeros((1, len(data.genes)), dtype=int))


def test_a_gene_may_have_more_choices_than_16_bits_number() -> None:
    rows = space("custom", genes={"row": list(range(70_000))})
    codes = np.array([[1], [65_537], [69_999]])
    candidates = Candidates(rows, codes)
    assert len(set(candidates.keys)) == 3
    assert [codes_of(key) for key in candidates.keys] == codes.tolist()
