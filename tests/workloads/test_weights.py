"""Matrices in common: the same numbers in whatever order nets are built, none of them twice within a net."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

torch = pytest.importorskip("torch")

from hwcost.spaces import space  # noqa: E402
from hwcost.workloads import ModelWorkload, weights  # noqa: E402

SPACE = space("supershaper", scale="mini")


@pytest.fixture(autouse=True)
def no_pools() -> Iterator[None]:
    weights._kept.cache_clear()
    yield
    weights._kept.cache_clear()


def works(count: int, dtype: str = "float32") -> list[ModelWorkload]:
    return [ModelWorkload.of(SPACE, arch, seq_len=16, dtype=dtype) for arch in SPACE.sample(count, seed=0, design="spread")]


def matrices(module: torch.nn.Module) -> list[torch.Tensor]:
    return [one for one in module.parameters() if one.ndim > 1 and one.numel() >= weights.SHARED_NUMBERS]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_order_in_which_nets_are_built_does_not_matter(dtype: str) -> None:
    wanted = works(4, dtype)
    with weights.shared_weights():
        first = [work.build() for work in wanted]
    weights._kept.cache_clear()
    with weights.shared_weights():
        again = [work.build() for work in reversed(wanted)][::-1]
    for one, other in zip(first, again, strict=True):
        for name, value in one.state_dict().items():
            assert torch.equal(value, other.state_dict()[name])


def test_views_do_not_overlap_within_a_net_and_are_aligned() -> None:
    with weights.shared_weights():
        module = works(1)[0].build()
    places = sorted((one.data_ptr(), one.numel() * one.element_size()) for one in matrices(module))
    assert len(places) > 10
    for (start, size), (following, _) in itertools.pairwise(places):
        assert start + size <= following
    assert all(start % 64 == 0 for start, _ in places)
    assert len({one.untyped_storage().data_ptr() for one in matrices(module)}) == 1


def test_shared_weights_are_those_of_ones_own_memory_and_give_finite_outputs() -> None:
    work = works(1)[0]
    own = work.build()
    with weights.shared_weights():
        built = work.built()
    for one, other in zip(matrices(own), matrices(built.module), strict=True):
        assert other.std().item() == pytest.approx(weights.STD, rel=0.1)
        assert torch.equal(one, other)
    for name, value in own.state_dict().items():
        assert torch.equal(value, built.module.state_dict()[name])
    with torch.inference_mode():
        assert all(torch.isfinite(one).all() for one in [built.module(*built.args, **built.kwargs)])


def test_many_nets_take_the_memory_of_the_largest() -> None:
    with weights.shared_weights():
        modules = [work.build() for work in works(8)]
    storages = {one.untyped_storage().data_ptr(): one.untyped_storage().nbytes() for m in modules for one in matrices(m)}
    largest = max(sum(one.numel() * one.element_size() for one in matrices(m)) for m in modules)
    assert sum(storages.values()) <= 4 * largest + 4 * 2**20 * 4


def test_other_builders_get_weights_of_their_own() -> None:
    with weights.shared_weights():
        works(1)[0].build()
    module = works(1)[0].build()
    assert len({one.untyped_storage().data_ptr() for one in matrices(module)}) == len(matrices(module))
