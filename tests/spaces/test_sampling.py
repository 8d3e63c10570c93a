"""Samples: any number of distinct architectures up to what a space holds, in either design, and whatever the space is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.errors import ArchitectureError, UsageError
from hwcost.spaces import SearchSpace, space
from hwcost.spaces.listed import spread
from hwcost.spaces.sampling import LISTED

DESIGNS: tuple[Any, ...] = ("uniform", "spread")


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("supershaper:merged=true", "components:grid=minibert")]


@pytest.mark.parametrize("name", ["supershaper", *SLOW])
def test_many_nets_spread_over_a_large_space(name: str) -> None:
    """The outermost strata hold less than one net each; a uniform draw has four of five nets in the middle ones."""
    of = space(name)
    archs = of.sample(400, seed=0, design="spread")
    assert len(set(archs)) == 400
    sizes = np.array([of.params(arch) for arch in archs])
    shares = np.histogram(sizes, bins=4)[0] / 400
    assert shares[1:3] == pytest.approx([0.25, 0.25], abs=0.07)
    assert shares.min() > 0.1


def custom(choices: Sequence[int]) -> SearchSpace:
    genes = [[f"g{place}", list(range(count))] for place, count in enumerate(choices)]
    return space("custom", genes=genes)


def encoders(layers: Sequence[int], hidden: Sequence[int], elastic: str) -> SearchSpace:
    return space(
        "transformer", layers=list(layers), hidden=list(hidden), heads=[2], ffn_ratio=[1, 2], elastic=elastic, head="none",
        vocabulary=100, positions=16,
    )  # fmt: skip


SPACES = st.one_of(
    st.builds(custom, st.lists(st.integers(1, 6), min_size=1, max_size=6)),
    st.builds(
        encoders, st.lists(st.integers(1, 4), min_size=1, max_size=3, unique=True),
        st.lists(st.sampled_from([16, 32, 48, 64]), min_size=1, max_size=3, unique=True),
        st.sampled_from(["homogeneous", "per_layer"]),
    ),
)  # fmt: skip


def distinct(of: SearchSpace) -> int:
    """The number of nets, as far as they are counted: points, less those that stand for the same one."""
    return len(list(of.architectures())) if of.size <= 3000 else 3000


@given(SPACES, st.sampled_from(DESIGNS), st.integers(0, 5), st.data())
@settings(max_examples=40)
def test_whatever_a_space_holds_can_be_drawn(of: SearchSpace, design: Any, seed: int, data: Any) -> None:
    """All of it, too; one more is an error that says how many there are."""
    holds = distinct(of)
    n = data.draw(st.integers(0, min(holds, 300)) | st.just(holds) if holds <= 500 else st.integers(0, 60))
    archs = of.sample(n, seed=seed, design=design)
    assert len(set(archs)) == len(archs) == n
    assert [of.architecture(arch.genes) for arch in archs] == archs
    if of.size <= 3000:
        with pytest.raises(UsageError, match=rf"(holds|gave only) {holds}|holds {of.size} "):
            of.sample(holds + 1, design=design)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("left", [0, 1, 2200])
def test_a_space_that_is_not_small_can_be_drawn_whole(design: Any, left: int) -> None:
    """Where a good part of it is asked for it is listed, as chance would not bring the last ones."""
    of = custom([7, 7, 7, 7])
    assert of.size > LISTED
    n = of.size - left
    assert len(set(of.sample(n, design=design))) == n


def test_neighbours_are_taken_where_chance_brings_nothing_new(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a space that is not listed, down to its last net; within a range, only nets of that range."""
    monkeypatch.setattr("hwcost.spaces.sampling.LISTED", 0)
    monkeypatch.setattr("hwcost.spaces.sampling.PART", 0)
    monkeypatch.setattr("hwcost.spaces.sampling.TRIES", 3)
    of = encoders([1, 2, 3], [16, 32, 48, 64], "homogeneous")
    every = sorted(of.architectures(), key=of.params)
    for design in DESIGNS:
        assert set(of.sample(of.size, design=design)) == set(every)
        lo, hi = of.params(every[5]), of.params(every[15])
        within = [arch for arch in every if lo <= of.params(arch) <= hi]
        assert set(of.sample(8, design=design, params=(lo, hi))) <= set(within)
        with pytest.raises(UsageError, match=rf"gave only \d+ of the {len(within) + 1} distinct architectures"):
            of.sample(len(within) + 1, design=design, params=(lo, hi))


def by_widening(rows: np.ndarray[Any, Any], counts: Any, edges: Any, rng: np.random.Generator) -> list[int]:
    """The same draws by another way: windows that widen by a stratum on both sides until they hold a free row."""
    free, chosen, n = np.ones(len(rows), dtype=bool), [], len(edges) - 1
    for index in range(n):
        for wider in range(n):
            low, high = edges[max(0, index - wider)], edges[min(n, index + 1 + wider)]
            near = np.flatnonzero(free & (counts >= low) & (counts <= high))
            if len(near):
                break
        taken = int(rng.choice(near))
        chosen.append(int(rows[taken]))
        free[taken] = False
    return chosen


@given(st.lists(st.integers(0, 40), min_size=1, max_size=40), st.data())
def test_strata_of_a_list_are_those_of_widening_windows(sizes: list[int], data: Any) -> None:
    counts, rows = np.array(sizes), np.arange(len(sizes)) * 3
    n = data.draw(st.integers(1, len(sizes)))
    edges = np.linspace(counts.min(), counts.max(), n + 1)
    one, other = (way(rows, counts, edges, np.random.default_rng(n)) for way in (spread, by_widening))
    assert one == other
    assert len(set(one)) == n


NAMES = [
    "supershaper:scale=mini", "supershaper:merged=true", "autodistil", "autodistill", "components:grid=mini", "transformer",
    'custom:genes=[["layers",[1,2]],["act",["a,b","c"]]]', "hat", 'table:columns=[{"name":"w"}]',
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("wrong", [3, None, math.nan, object()])
def test_what_is_no_architecture_is_a_typed_error(name: str, wrong: Any) -> None:
    of, rng = space(name), np.random.default_rng(0)
    calls: dict[str, Any] = {
        "key": of.key, "named": of.named, "architecture": of.architecture, "as_architecture": of.as_architecture,
        "mutate": lambda one: of.mutate(one, rng), "cross": lambda one: of.cross(one, one, rng),
        "encode": lambda one: of.encode([one]), "parse": of.parse,
    }  # fmt: skip
    if of.is_buildable:
        calls |= {"params": of.params, "flops": of.flops, "work": of.work}
        calls |= {"components": of.components} if wrong is not None else {}
    for what, call in calls.items():
        with pytest.raises((ArchitectureError, UsageError)):
            pytest.fail(f"{what}: {call(wrong)!r}")
