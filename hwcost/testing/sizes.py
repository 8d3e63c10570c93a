"""The conformance suite of sizes: what every size promises, as tests.

::

    class TestMySize(SizeSuite):
        size = MySize

Constraints and objectives take any size; so the suite bounds one too.
"""

from __future__ import annotations

from abc import ABC
from typing import ClassVar

import numpy as np
import pytest

from hwcost.errors import UsageError
from hwcost.objectives import Constraint
from hwcost.objectives.sizes import BUILT, Size
from hwcost.spaces import Architecture, Candidates, SearchSpace, space

SPACES = (
    "supershaper", "supershaper:merged=true", "autodistil:subspace=tiny", "autodistill", "components:grid=mini",
    "transformer:elastic=per_layer",
)  # fmt: skip


class SizeSuite(ABC):
    """Subclass it as ``Test...`` and name the class.

    Attributes:
        size: Class of the size.
        spaces: Spaces on which it is tested, as a user types them; with components.
        seq_len: Tokens per sequence.
        samples: Number of architectures that are looked at.
        grows: Whether it never falls as a gene grows of which latency does not fall either.
    """

    size: ClassVar[type[Size]]
    spaces: ClassVar[tuple[str, ...]] = SPACES
    seq_len: ClassVar[int] = 32
    samples: ClassVar[int] = 12
    grows: ClassVar[bool] = False

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Runs each test on every space."""
        if "of" in metafunc.fixturenames:
            metafunc.parametrize("of", [space(text) for text in self.spaces], ids=self.spaces)

    @pytest.fixture
    def archs(self, of: SearchSpace) -> list[Architecture]:
        """Some architectures of the space."""
        return of.sample(self.samples, seed=2)

    def made(self, of: SearchSpace, accounting: str = BUILT) -> Size:
        """Makes the size of a space."""
        return self.size.of(of, self.seq_len, accounting)

    def test_it_has_a_name(self, of: SearchSpace) -> None:
        """Studies keep values by it."""
        assert self.made(of).name == self.size.kind

    def test_sizes_are_numbers(self, of: SearchSpace, archs: list[Architecture]) -> None:
        """None is negative, and equal architectures have equal ones."""
        values = [self.made(of)(arch) for arch in archs]
        assert all(isinstance(value, float) and 0 <= value < float("inf") for value in values)
        assert [self.made(of)(of.architecture(arch.genes)) for arch in archs] == values

    def test_many_are_valued_as_each_is(self, of: SearchSpace, archs: list[Architecture]) -> None:
        """Bit for bit, in the order of the codes."""
        size, codes = self.made(of), Candidates.of(of, archs).codes
        found = size.predict_codes(codes)
        assert found.shape == (len(archs),)
        assert found.tolist() == [size(arch) for arch in archs]
        assert size.predict_codes(codes[::-1]).tolist() == found.tolist()[::-1]

    def test_it_never_falls_as_a_gene_grows(self, of: SearchSpace, archs: list[Architecture]) -> None:
        """The genes are those with which, as the space says, no architecture gets faster."""
        if not self.grows or len(of.increasing()) != len(of.genes):
            return
        size, codes = self.made(of), Candidates.of(of, archs).codes
        for gene in np.flatnonzero(of.increasing()):
            steps = []
            for code in range(len(of.genes[gene].choices)):
                changed = codes.copy()
                changed[:, gene] = code
                steps.append(size.predict_codes(changed))
            assert (np.diff(steps, axis=0) >= 0).all(), of.genes[gene].name

    def test_a_constraint_on_it_is_checked_for_all_at_once(self, of: SearchSpace, archs: list[Architecture]) -> None:
        """Before anything is evaluated."""
        size = self.made(of)
        limit = Constraint(size, most=size(archs[0]))
        assert limit.is_vectorised
        assert limit.feasible(archs).tolist() == [size(arch) <= size(archs[0]) for arch in archs]

    def test_an_unknown_accounting_is_refused(self, of: SearchSpace) -> None:
        """The error lists those that the space knows."""
        with pytest.raises(UsageError, match="has no accounting 'no-such'. Known: built"):
            self.made(of, "no-such")

    def test_a_space_that_describes_data_has_no_sizes(self) -> None:
        """Its nets cannot be counted."""
        with pytest.raises(UsageError, match="describes data only"):
            self.made(space("hat"))
