"""Sizes as cost functions: one by one, for many at once, and by the accounting of a paper."""

from __future__ import annotations

import pytest

from hwcost.errors import UsageError
from hwcost.objectives import Flops, Memory, Params
from hwcost.objectives.sizes import SIZES, Size
from hwcost.spaces import Candidates, space
from hwcost.testing.sizes import SPACES, SizeSuite

SHAPER = space("supershaper")


@pytest.mark.parametrize("name", SPACES)
def test_sizes_of_candidates_are_those_of_each(name) -> None:
    of = space(name)
    archs = of.sample(12, seed=2)
    codes = Candidates.of(of, archs).codes
    for size, one in (
        (Params(of), of.params), (Flops(of, seq_len=32, batch_size=2), lambda arch: of.flops(arch, 32, 2)),
        (Memory(of, "bfloat16"), lambda arch: 2 * of.params(arch)),
    ):  # fmt: skip
        assert [size(arch) for arch in archs] == [one(arch) for arch in archs]
        assert size.predict_codes(codes).tolist() == [one(arch) for arch in archs]


class Parts(Size):
    """A size that is counted one architecture at a time, as a new one may be."""

    kind = "parts"

    def __call__(self, arch) -> float:
        return float(len(self.space.components(arch)))


GROW = (Params, Flops, Memory)
"""Sizes that never fall as a gene grows with which no architecture gets faster."""


for kind in (*SIZES.values(), Parts):
    about = {"size": kind, "grows": kind in GROW, "__doc__": kind.kind}
    globals()[f"Test{kind.__name__}"] = type(f"Test{kind.__name__}", (SizeSuite,), about)


@pytest.mark.parametrize("name", ["supershaper", "autodistil:subspace=tiny"])
def test_a_papers_accounting_counts_as_the_space_does(name) -> None:
    of = space(name)
    archs = of.sample(12, seed=2)
    codes = Candidates.of(of, archs).codes
    for size, one in (
        (Params(of, accounting="paper"), lambda arch: of.params(arch, "paper")),
        (Flops(of, accounting="paper"), lambda arch: of.flops(arch, accounting="paper")),
        (Memory(of, accounting="paper"), lambda arch: 4 * of.params(arch, "paper")),
    ):
        assert [size(arch) for arch in archs] == size.predict_codes(codes).tolist() == [one(arch) for arch in archs]
    assert Params(of, accounting="paper").name == "params:paper"
    assert Params(of).name == "params"


def test_what_has_no_size_is_refused() -> None:
    with pytest.raises(UsageError, match="describes data only"):
        Params(space("hat"))
    with pytest.raises(UsageError, match=r"unknown dtype 'float9'. Known: float32"):
        Memory(SHAPER, "float9")
    with pytest.raises(UsageError, match="has no accounting 'papr'. Known: built, paper"):
        Params(SHAPER, accounting="papr")
