"""The contract of a search space: genes, architectures, sizes and the components that are priced.

A space is pure arithmetic: it knows shapes and counts, never torch, weights or devices. Every count is per call of the
built inference module; the papers' own ways of counting are named ``accounting``s.
"""

from __future__ import annotations

import itertools
import json
import math
import re
import reprlib
from abc import ABC
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from hwcost._arguments import COUNT, check
from hwcost._cached import cached_property
from hwcost._types import Codes
from hwcost.errors import ArchitectureError, UsageError
from hwcost.spaces.accounting import Work
from hwcost.spaces.layers import Layers
from hwcost.spaces.points import Architecture, Component, Gene, GeneValue, listed, plain
from hwcost.spaces.reading import as_architecture, parse, several
from hwcost.spaces.sampling import sample
from hwcost.spaces.variation import crossed, mutated

__all__ = ["Architecture", "Component", "Design", "Gene", "GeneValue", "SearchSpace"]

Design = Literal["uniform", "spread"]

REMEMBERED = 10_000
"""Components of a space whose work is remembered."""

_SIGNS = re.compile(r"[_,=\[\]{}]|^\s|\s$|^$")
"""Characters that no text holds which stands among others with underscores between them."""


class SearchSpace(ABC):
    """A set of architectures with exact sizes.

    Subclasses give ``genes`` and, where the space can be built and measured, ``components`` and ``component_work``;
    everything else follows from these.
    """

    name: ClassVar[str]
    accountings: ClassVar[tuple[str, ...]] = ("built",)
    """Ways of counting sizes: the module that is built, and figures that follow a paper's table."""

    genes: tuple[Gene, ...]

    # -- identity ------------------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        given = "".join(f", {name}={reprlib.repr(value)}" for name, value in self.options().items())
        return f"space('{self.name}'{given})"

    def options(self) -> dict[str, Any]:
        """Returns the keyword arguments that rebuild this space (plain JSON)."""
        return {}

    def identity_options(self) -> dict[str, Any]:
        """Returns what of the options decides which net the genes of an architecture stand for; here all of them.

        Spaces of one name that differ in other options, such as in the values that may be chosen, share their architectures.
        """
        return self.options()

    def with_options(self, options: Mapping[str, Any]) -> SearchSpace:
        """Returns the space of this class that options make, which :meth:`options` of it returned."""
        return type(self)(**options)

    @cached_property
    def options_text(self) -> str:
        """The options as JSON, which every architecture of this space carries; one text for all of them."""
        return json.dumps(self.options())

    def architecture(self, genes: Iterable[GeneValue]) -> Architecture:
        """Checks gene values and makes an architecture of them.

        Raises:
            ArchitectureError: When the count or a value is outside the space; says which one and what is allowed.
        """
        values = tuple(self._plain(value) for value in self.listed(genes))
        if len(values) != len(self.genes):
            raise ArchitectureError(
                f"space '{self.name}' has {len(self.genes)} genes ({self.genes[0].name}..{self.genes[-1].name}), "
                f"got {len(values)}: {list(values)}"
            )
        for gene, value in zip(self.genes, values, strict=True):
            if isinstance(value, float) and not math.isfinite(value):
                raise ArchitectureError(f"gene '{gene.name}' of space '{self.name}' is a finite number, got {value!r}")
            if gene.choices and value not in gene.choices:
                raise ArchitectureError(
                    f"gene '{gene.name}' of space '{self.name}' cannot be {value!r}. Allowed: {listed(gene.choices)}"
                )
        return self.made(values)

    def listed(self, genes: Iterable[GeneValue]) -> list[GeneValue]:
        """Returns values as a list.

        Raises:
            ArchitectureError: When they are not a sequence; says how many are expected.
        """
        if not isinstance(genes, Iterable):
            raise ArchitectureError(f"an architecture is made of {len(self.genes)} values in a sequence, got {genes!r:.60}")
        return list(genes)

    def as_architecture(self, value: Any) -> Architecture:
        """Makes an architecture of an architecture, a text, a mapping, a row, or a sequence of values.

        Args:
            value: An architecture of this space; a text that :meth:`parse` reads; a mapping, a named tuple or a row of a
                data frame with a value for every gene by name, also within dictionaries and lists (other names are passed
                over, such as a row's name or latency); or the values of all genes in order.

        Raises:
            ArchitectureError: When it is none of these, lacks a gene, lies outside the space, or was made by this space with
                options that build other nets.
        """
        return as_architecture(self, value)

    def made(self, genes: Iterable[GeneValue]) -> Architecture:
        """Makes an architecture of gene values known to be allowed, in their canonical form."""
        return Architecture(self.name, self.canonical(tuple(genes)), self.options_text)

    def canonical(self, genes: tuple[GeneValue, ...]) -> tuple[GeneValue, ...]:
        """Returns the gene values that stand for every point with the same net; most spaces have one point per net."""
        return genes

    def canonical_codes(self, codes: Codes) -> Codes | None:
        """Returns what :meth:`canonical` does of many points at once, by their codes (n, genes); None where it goes by one.

        Searchers make thousands of candidates for every one that they ask for: a space that overrides ``canonical`` is
        searched faster where it overrides this too.
        """
        return None

    @property
    def has_isomorphs(self) -> bool:
        """Whether several points stand for the same net, so that ``canonical`` changes some."""
        return type(self).canonical is not SearchSpace.canonical

    @staticmethod
    def _plain(value: Any) -> GeneValue:
        """Turns scalars of NumPy and torch into Python's, whole floats into ints; refuses all but numbers and texts."""
        found = plain(value)
        if isinstance(found, (int, float, str)) and not isinstance(found, bool):
            return found
        raise ArchitectureError(f"a gene is a number or a text, got {value!r}")

    def named(self, arch: Architecture) -> dict[str, GeneValue]:
        """Returns the values of an architecture's genes by the genes' names, in order."""
        genes = self.as_architecture(arch).genes
        return {gene.name: value for gene, value in zip(self.genes, genes, strict=True)}

    def parse(self, text: str) -> Architecture:
        """Reads an architecture from its key (``360_360_...``), values with commas, a JSON list, or genes by name.

        Genes by name are ``l1=360,l2=360,...`` or a JSON object.

        Raises:
            ArchitectureError: When the text is none of these or lies outside the space.
        """
        return parse(self, text)

    def key(self, arch: Architecture) -> str:
        """Returns the canonical text of an architecture, which ``parse`` reads back.

        Values with underscores between them; a JSON list where a choice is a text that would not be read back then.
        """
        found = self.as_architecture(arch)
        return str(found) if self._has_plain_choices else json.dumps(list(found.genes), ensure_ascii=False)

    @cached_property
    def _has_plain_choices(self) -> bool:
        """Whether every choice is read back from its text among those of other genes."""
        texts = [(gene, choice) for gene in self.genes for choice in gene.choices if isinstance(choice, str)]
        return all(not _SIGNS.search(choice) and gene.read(choice) == choice for gene, choice in texts)

    # -- listing -------------------------------------------------------------------------------------------------------

    @cached_property
    def size(self) -> int:
        """Number of points; where several stand for the same net, there are fewer architectures.

        Raises:
            UsageError: When the space describes data only, so that any number may stand in it.
        """
        if not all(gene.choices for gene in self.genes):
            raise UsageError(
                f"space '{self.name}' describes data only: its architectures cannot be listed or sampled. Declare a space "
                "whose genes have choices, for example with 'hwcost spaces from-table FILE.csv --out myspace.toml', "
                "and give it as --space ./myspace.toml"
            )
        return math.prod(len(gene.choices) for gene in self.genes)

    def architectures(self) -> Iterator[Architecture]:
        """Yields every architecture once, the last gene moving fastest.

        Raises:
            UsageError: When the space describes data only.
        """
        _ = self.size
        for genes in itertools.product(*(gene.choices for gene in self.genes)):
            if self.canonical(genes) == genes:
                yield Architecture(self.name, genes, self.options_text)

    # -- drawing -------------------------------------------------------------------------------------------------------

    def sample(
        self, n: int, seed: int = 0, design: Design = "uniform", params: tuple[float, float] | None = None
    ) -> list[Architecture]:
        """Draws distinct architectures.

        Args:
            n: Number of architectures.
            seed: Seed of the draws; equal seeds give equal architectures.
            design: Way to draw: ``uniform`` draws every gene by itself; ``spread`` is stratified evenly over the range of
                parameter counts, which suits the fit of a cost model.
            params: Closed range of parameter counts within which architectures are kept; None for any.

        Raises:
            UsageError: When the space is too small for ``n`` distinct architectures or the range cannot be met.
        """
        return sample(self, n, seed, design, params)

    def mutate(self, arch: Any, rng: np.random.Generator, probability: float = 0.1) -> Architecture:
        """Draws each gene anew with a probability; at least one gene changes.

        Raises:
            ArchitectureError: When it is not an architecture of this space.
            UsageError: When ``rng`` is not a generator of numpy.
        """
        return mutated(self, arch, rng, probability)

    def cross(self, one: Any, other: Any, rng: np.random.Generator) -> Architecture:
        """Takes each gene from either parent with equal probability (uniform crossover).

        Raises:
            ArchitectureError: When a parent is not an architecture of this space.
            UsageError: When ``rng`` is not a generator of numpy.
        """
        return crossed(self, one, other, rng)

    def encode(self, archs: Sequence[Architecture]) -> NDArray[np.float64]:
        """Encodes architectures as numbers.

        Returns:
            Shape ``(len(archs), len(genes))``: the value of a numeric gene, the index of a categorical one.
        """
        archs = [self.as_architecture(arch) for arch in several(archs)]
        columns = [
            [gene.choices.index(arch.genes[i]) if gene.categorical else arch.genes[i] for arch in archs]
            for i, gene in enumerate(self.genes)
        ]
        return np.array(columns, dtype=np.float64).reshape(len(self.genes), len(archs)).T

    # -- what is known of cost ----------------------------------------------------------------------------------------

    def terms(self, genes: NDArray[np.float64]) -> tuple[list[str], NDArray[np.float64]] | None:
        """Returns columns in which cost is linear by construction, where the space knows such columns.

        Args:
            genes: Encoded architectures, shape (n, genes).

        Returns:
            Names and columns (n, k), in the genes' own units, which differ by orders of magnitude, and possibly constant
            over the rows; None for a space that knows none.
        """
        return None

    def fillers(self) -> dict[str, GeneValue]:
        """The values of genes that an architecture given as a list may lack, by name; none by default."""
        return {}

    def increasing(self) -> tuple[int, ...]:
        """Returns, per encoded gene, 1 where latency cannot fall as the gene grows and 0 where that is unknown."""
        return (0,) * len(self.genes)

    def independent_genes(self) -> tuple[tuple[tuple[int, ...], ...], ...]:
        """Returns the genes, by their numbers, in groups: what components a group brings does not depend on other groups.

        Groups that bring the same components in the same way stand together; here all genes are one group.
        """
        return ((tuple(range(len(self.genes))),),)

    def layers_of_genes(self) -> Layers | None:
        """Returns which genes belong to which layer, where layers have choices of their own beside a depth; else None.

        Bounds on costs that are sums over layers are then proved, and drawn from. What is said here is tried on random
        architectures before it is used.
        """
        return None

    # -- sizes ---------------------------------------------------------------------------------------------------------

    @property
    def is_buildable(self) -> bool:
        """Whether architectures can be built and measured; spaces that only describe data cannot."""
        return self._has_components

    @cached_property
    def _has_components(self) -> bool:
        return bool(self.components())

    def components(self, arch: Architecture | None = None) -> tuple[Component, ...]:
        """Returns what is priced: the components of one architecture in order (with repeats), or all distinct ones."""
        return ()

    def parts(self) -> tuple[Component, ...]:
        """Returns finer components than are priced, for measuring where the time goes; none unless a space has some."""
        return ()

    def component_work(self, component: Component, batch_size: int = 1, seq_len: int = 128) -> Work:
        """Returns the exact parameters, FLOPs and element traffic of one component.

        Raises:
            UsageError: When the space has no such component.
        """
        raise UsageError(f"space '{self.name}' describes data only: it has no component '{component}'")

    def work(self, arch: Any, batch_size: int = 1, seq_len: int = 128) -> Work:
        """Returns the summed work of an architecture's components.

        Raises:
            ArchitectureError: When it is not an architecture of this space.
            UsageError: When the space only describes data, or a size is not a whole number from 1.
        """
        if not self.is_buildable:
            raise UsageError(f"space '{self.name}' describes data only: parameters and FLOPs are not known")
        check({"seq_len": seq_len, "batch_size": batch_size}, seq_len=COUNT, batch_size=COUNT)
        parts = [self._work_of(part, batch_size, seq_len) for part in self.components(self.as_architecture(arch))]
        return Work(sum(one.params for one in parts), sum(one.flops for one in parts), sum(one.elements for one in parts))

    def _work_of(self, part: Component, batch_size: int, seq_len: int) -> Work:
        """Remembers what components do: a few of them make up all architectures."""
        key = part, batch_size, seq_len
        found = self._works.get(key)  # looked up once: another thread may clear them
        if found is None:
            if len(self._works) >= REMEMBERED:
                self._works.clear()
            found = self._works[key] = self.component_work(*key)
        return found

    @cached_property
    def _works(self) -> dict[tuple[Component, int, int], Work]:
        return {}

    def params(self, arch: Any, accounting: str = "built") -> int:
        """Counts parameters.

        Args:
            arch: Architecture, or anything that :meth:`as_architecture` takes.
            accounting: Way of counting: ``built`` counts the module that is built and measured; others, which a space may
                have, follow a paper's table.

        Raises:
            ArchitectureError: When it is not an architecture of this space.
            UsageError: When the accounting is unknown.
        """
        self.check_accounting(accounting)
        return self._params(self.as_architecture(arch), accounting)

    def _params(self, arch: Architecture, accounting: str) -> int:
        """Counts parameters in a known accounting."""
        return self.work(arch).params

    def flops(self, arch: Any, seq_len: int = 128, batch_size: int = 1, accounting: str = "built") -> int:
        """Counts operations of matrix products and attention; one multiply-add is 2.

        Args:
            arch: Architecture, or anything that :meth:`as_architecture` takes.
            seq_len: Tokens per sequence.
            batch_size: Sequences.
            accounting: Way of counting, as in :meth:`params`.

        Raises:
            ArchitectureError: When it is not an architecture of this space.
            UsageError: When the accounting is unknown, or a size is not a whole number from 1.
        """
        self.check_accounting(accounting)
        check({"seq_len": seq_len, "batch_size": batch_size}, seq_len=COUNT, batch_size=COUNT)
        return self._flops(self.as_architecture(arch), accounting, seq_len, batch_size)

    def _flops(self, arch: Architecture, accounting: str, seq_len: int, batch_size: int) -> int:
        """Counts operations in a known accounting."""
        return self.work(arch, batch_size, seq_len).flops

    def check_accounting(self, accounting: str) -> None:
        """Raises UsageError when the space knows no such accounting; lists the known ones."""
        if accounting not in self.accountings:
            known = ", ".join(self.accountings)
            raise UsageError(f"space '{self.name}' has no accounting '{accounting}'. Known: {known}")
