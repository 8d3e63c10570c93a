"""Architectures together with the shape of their input: a point is an architecture, a batch size and a sequence length.

Whatever learns from architectures learns from such points in the same way. A table of one's own that has columns for batch
size and sequence length is such a space already.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwcost._arguments import COUNT, TEXT, check
from hwcost.errors import ArchitectureError, UsageError
from hwcost.spaces.accounting import Work
from hwcost.spaces.base import Architecture, Gene, GeneValue, SearchSpace

__all__ = ["SHAPE_GENES", "Shape", "Shaped", "split", "unshaped"]

SHAPE_GENES = ("batch_size", "seq_len")
"""Names of the two genes that follow those of the architecture."""


class Shape(NamedTuple):
    """Shape of the input of a call.

    Attributes:
        batch_size: Sequences per call.
        seq_len: Tokens per sequence.
    """

    batch_size: int
    seq_len: int

    def __str__(self) -> str:
        """For example ``8x256``, as in the names of workloads."""
        return f"{self.batch_size}x{self.seq_len}"

    @classmethod
    def of(cls, batch_size: Any, seq_len: Any) -> Shape:
        """Checks both sizes.

        Raises:
            UsageError: When one is not a whole number from 1.
        """
        check({"batch_size": batch_size, "seq_len": seq_len}, batch_size=COUNT, seq_len=COUNT)
        return cls(int(batch_size), int(seq_len))


class Shaped(SearchSpace):
    """The architectures of a space at any batch size and sequence length.

    Args:
        base: Space of the architectures.

    Attributes:
        base: That space.

    Raises:
        UsageError: When the space has a gene of one of these names itself.
    """

    name = "shaped"

    def __init__(self, base: SearchSpace) -> None:
        taken = [gene.name for gene in base.genes if gene.name in SHAPE_GENES]
        if isinstance(base, Shaped) or taken:
            raise UsageError(f"space '{base.name}' has the gene '{SHAPE_GENES[0] if not taken else taken[0]}' already")
        self.base = base
        self.genes = (*base.genes, *(Gene(name) for name in SHAPE_GENES))

    def __repr__(self) -> str:
        return f"<{self.base!r} at any batch size and sequence length>"

    def options(self) -> dict[str, Any]:
        """Returns the space of the architectures, by name and options."""
        return {"space": self.base.name, "options": self.base.options()}

    def identity_options(self) -> dict[str, Any]:
        """Returns what decides about the nets of the space of the architectures."""
        return {"space": self.base.name, **self.base.identity_options()}

    def with_options(self, options: Mapping[str, Any]) -> Shaped:
        """See the base class.

        Raises:
            UsageError: When the options are those of a space of other architectures.
        """
        if options["space"] != self.base.name:
            raise UsageError(f"architectures of space '{options['space']}' are none of space '{self.base.name}'")
        return Shaped(self.base.with_options(options["options"]))

    # -- points --------------------------------------------------------------------------------------------------------

    def at(self, arch: Architecture, shape: Shape) -> Architecture:
        """Returns the point of an architecture of the base space at a shape."""
        return self.made((*self.base.as_architecture(arch).genes, *shape))

    def architecture_of(self, point: Architecture) -> Architecture:
        """Returns the architecture of a point, without its shape."""
        return self.base.made(self.as_architecture(point).genes[: -len(SHAPE_GENES)])

    @staticmethod
    def shape_of(point: Architecture) -> Shape:
        """Returns the shape of a point."""
        return Shape(*(int(size) for size in point.genes[-len(SHAPE_GENES) :]))

    def architecture(self, genes: Iterable[GeneValue]) -> Architecture:
        """Checks the values of an architecture's genes, then batch size and sequence length.

        Raises:
            ArchitectureError: When a value is outside the base space, or a size is not a whole number from 1.
        """
        point = super().architecture(genes)
        for name, size in zip(SHAPE_GENES, point.genes[-len(SHAPE_GENES) :], strict=True):
            if not COUNT.holds(size):
                raise ArchitectureError(f"{name} is {COUNT.noun}; got {size!r}")
        return point

    def canonical(self, genes: tuple[GeneValue, ...]) -> tuple[GeneValue, ...]:
        """Returns the base space's values, and the shape as it is."""
        own = len(genes) - len(SHAPE_GENES)
        return (*self.base.canonical(genes[:own]), *genes[own:])

    @property
    def has_isomorphs(self) -> bool:
        """Whether the base space has several points for one net."""
        return self.base.has_isomorphs

    def key(self, arch: Architecture) -> str:
        """Returns the architecture's key and the shape, for example ``360_360@8x256``."""
        return f"{self.base.key(self.architecture_of(arch))}@{self.shape_of(arch)}"

    def parse(self, text: str) -> Architecture:
        """Reads what :meth:`key` returns, or whatever the general reader takes.

        Raises:
            ArchitectureError: When the text is neither.
        """
        check({"text": text}, text=TEXT)
        own, at, shape = text.strip().rpartition("@")
        sizes = shape.split("x")
        if not at or len(sizes) != len(SHAPE_GENES) or not all(size.isdecimal() for size in sizes):
            return super().parse(text)
        return self.architecture((*self.base.parse(own).genes, *map(int, sizes)))

    # -- what is known of cost ----------------------------------------------------------------------------------------

    def increasing(self) -> tuple[int, ...]:
        """The base space's genes, and both sizes: more sequences, or longer ones, are more work."""
        return (*self.base.increasing(), 1, 1)

    def work(self, arch: Any, batch_size: int = 1, seq_len: int = 128) -> Work:
        """Returns the work of an architecture at the shape of its point; the other arguments do not count."""
        point = self.as_architecture(arch)
        return self.base.work(self.architecture_of(point), *self.shape_of(point))


def unshaped(space: SearchSpace) -> SearchSpace:
    """Returns the space of the architectures, without shapes."""
    return space.base if isinstance(space, Shaped) else space


def split(genes: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns the encoded genes of architectures (n, genes) and their shapes (n, 2) of encoded points."""
    return genes[:, : -len(SHAPE_GENES)], genes[:, -len(SHAPE_GENES) :]
