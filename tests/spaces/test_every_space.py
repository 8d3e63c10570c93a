"""Every space and builder passes the suite; sizes can be asked for; equal nets are one architecture."""

from __future__ import annotations

import itertools

import pytest

from hwcost.errors import UsageError
from hwcost.spaces import SearchSpace, space
from hwcost.spaces.connectors import canonical_connectors, layers_of
from hwcost.testing.spaces import SpaceSuite

TEXTS = [
    "supershaper", "supershaper:merged=true", "supershaper:scale=mini", "supershaper:scale=mini,merged=true",
    "supershaper:scale=small",
    "autodistil:subspace=tiny", "autodistil:subspace=base,heads=scaled", "autodistil:scale=mini,subspace=base",
    "autodistil:scale=mini,subspace=small,heads=scaled,activation=relu",
    "autodistill", "autodistill:printed=true", "autodistill:scale=mini",
    "components", "components:grid=bert-base-halves", "components:grid=minibert", "components:grid=mini",
    "components:grid=mini-connected",
    "transformer", "transformer:elastic=per_layer,layers=[2,4],head=pooler",
    "transformer:elastic=per_layer,layers=[2,3],hidden=[64,96],heads=[2,3],head_width=32",
    "transformer:elastic=per_layer,layers=[1,2],hidden=[64,128],heads=[2],head=pooler",
]  # fmt: skip
SMALL = "transformer:layers=[2,3,4],hidden=[64],heads=[2],head=none,positions=64"


for index, text in enumerate([*TEXTS, SMALL]):
    about = {"name": text, "samples": 6 if "mini" in text else 3, "__doc__": text}
    globals()[f"TestSpace{index}"] = type(f"TestSpace{index}", (SpaceSuite,), about)


class TestCustom(SpaceSuite):
    name = 'custom:genes=[["layers",[1,2,3]],["width",[8,16]],["act",["relu","gelu"]]],increasing=["layers"]'


@pytest.fixture(params=TEXTS)
def of(request: pytest.FixtureRequest) -> SearchSpace:
    return space(request.param)


def test_spread_reaches_further_than_uniform(of: SearchSpace) -> None:
    reach = {}
    for design in ("uniform", "spread"):
        sizes = [of.params(arch) for arch in of.sample(12, seed=3, design=design)]  # type: ignore[arg-type]
        reach[design] = max(sizes) - min(sizes)
    assert reach["spread"] >= 0.9 * reach["uniform"]


def test_sizes_within_a_range_are_found(of: SearchSpace) -> None:
    sizes = sorted(of.params(arch) for arch in of.sample(40, seed=5))
    lo, hi = sizes[10], sizes[30]
    for arch in of.sample(8, seed=6, params=(lo, hi)):
        assert lo <= of.params(arch) <= hi


@pytest.mark.parametrize("text", TEXTS)
def test_a_range_without_any_net_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="reaches from"):
        space(text).sample(1, params=(1, 2))


@pytest.mark.parametrize("text", ["autodistil:subspace=tiny", "autodistill", "transformer:layers=[2],hidden=[64],heads=[2]"])
def test_a_small_space_can_be_drawn_whole(text: str) -> None:
    of = space(text)
    everything = list(of.architectures())
    assert len(everything) == of.size
    for design in ("uniform", "spread"):
        assert set(of.sample(of.size, design=design)) == set(everything)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="holds"):
        of.sample(of.size + 1)


def test_spaces_that_describe_data_have_no_size() -> None:
    with pytest.raises(UsageError, match="describes data only"):
        list(space("hat").architectures())


def test_depth_hides_the_genes_behind_it() -> None:
    of = space("transformer:elastic=per_layer,layers=[1,2],hidden=[64,128],ffn_ratio=[2],heads=[2]")
    assert of.size == 2 * 4
    assert len(list(of.architectures())) == 2 + 4
    assert of.architecture([1, 64, 2, 2, 128, 2, 2]) == of.architecture([1, 64, 2, 2, 64, 2, 2])


def test_gates_without_effect_are_closed() -> None:
    of = space("components", grid="minibert")
    open_ = list(of.base().genes)
    names = [gene.name for gene in of.genes]
    without_heads = [0 if name.startswith("b1.head") else gate for name, gate in zip(names, open_, strict=True)]
    canonical = of.architecture(without_heads)
    assert [gate for name, gate in zip(names, canonical.genes, strict=True) if name.startswith(("b1.qk", "b1.v"))] == [0] * 4
    assert canonical == of.architecture(
        [0 if name.startswith(("b1.head", "b1.qk", "b1.v")) else gate for name, gate in zip(names, open_, strict=True)]
    )


def test_connectors_group_what_is_kept() -> None:
    """Figure 5 of Finding Fast Transformers: three pieces, then two, as two layers."""
    assert layers_of([1, 1, 1, 1, 1], [0, 0, 1, 0]) == [[0, 1, 2], [3, 4]]
    assert layers_of([1, 0, 0, 1], [1, 1, 0]) == [[0], [3]]
    assert layers_of([0, 0], [1]) == []
    assert canonical_connectors([1, 0, 0, 1], [0, 1, 1]) == (1, 0, 0)


def test_canonical_connectors_form_the_same_layers() -> None:
    """Five pieces, all 2^5 ways to keep some and all 2^4 ways to join them; where all are kept no two ways are the same."""
    layouts: dict[tuple[int, ...], set[tuple[int, ...]]] = {}
    for kept, joints in itertools.product(itertools.product((0, 1), repeat=5), itertools.product((0, 1), repeat=4)):
        canonical = canonical_connectors(kept, joints)
        assert layers_of(kept, canonical) == layers_of(kept, joints)
        assert canonical_connectors(kept, canonical) == canonical
        layouts.setdefault(kept, set()).add(canonical)
    assert {kept: len(found) for kept, found in layouts.items()} == {
        kept: 2 ** max(0, sum(kept) - 1) for kept in layouts
    }
