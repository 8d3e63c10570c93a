"""Candidates: many architectures of one space as one matrix of codes.

This is the form in which a search holds architectures from the moment they are proposed until their results are learned.
Encoded genes, for cost models, and :class:`~hwcost.spaces.base.Architecture` objects, for people, are made when they are
first asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwcost._cached import cached_property
from hwcost._types import Codes, Floats
from hwcost.errors import UsageError
from hwcost.spaces.base import Architecture, SearchSpace
from hwcost.spaces.encoding import encoding_of
from hwcost.spaces.reading import several

KEY = np.dtype(np.uint32)
"""Type of a code in a key: a gene may have more choices than 16 bits can number, such as the rows of a table of nets."""


class Candidates(Sequence[Architecture]):
    """n architectures of one space; immutable.

    A code is the index of a gene's value among its choices, in ascending order where they are numbers. In a space where
    several points stand for one net, every row holds the codes of the point that stands for all of them.

    Candidates are a sequence of architectures: ``candidates[3]`` is an architecture, ``candidates[2:5]`` and
    ``candidates[mask]`` are candidates again.

    Args:
        space: A space whose architectures can be listed.
        codes: Matrix of codes, shape (n, genes).

    Raises:
        UsageError: When the space describes data only, the matrix has no column for each gene, or it holds anything but
            indices of choices.
    """

    def __init__(self, space: SearchSpace, codes: ArrayLike) -> None:
        _ = space.size
        matrix = np.array(codes)
        if matrix.size and (matrix.ndim != 2 or matrix.shape[1] != len(space.genes)):
            raise UsageError(f"codes of space '{space.name}' have shape (n, {len(space.genes)}), got {matrix.shape}")
        matrix = _indices(space, matrix)
        self.space = space
        self.codes: Codes = _frozen(matrix.reshape(-1, len(space.genes)))
        if space.has_isomorphs and len(self.codes):
            self.codes = _frozen(self._canonical())

    # -- making --------------------------------------------------------------------------------------------------------

    @classmethod
    def of(cls, space: SearchSpace, archs: Iterable[Architecture]) -> Candidates:
        """Makes candidates of architectures; candidates of the same space are returned as they are.

        Raises:
            ArchitectureError: When one belongs to another space, lies outside its space, or is not an architecture.
            UsageError: When it is neither a list of architectures nor a single one.
        """
        if isinstance(archs, Candidates) and archs.space is space:
            return archs
        encoding, held = encoding_of(space), several(archs)
        _ = space.size
        try:
            genes = encoding.encode(held)
        except AttributeError:  # one of them has yet to be made an architecture
            genes = encoding.encode([space.as_architecture(one) for one in held])
        return cls(space, encoding.codes(genes))

    @classmethod
    def none(cls, space: SearchSpace) -> Candidates:
        """Returns candidates without a row."""
        return cls(space, np.empty((0, len(space.genes)), dtype=np.intp))

    @classmethod
    def all(cls, space: SearchSpace) -> Candidates:
        """Returns every architecture of a space once, the last gene moving fastest."""
        _ = space.size
        rows = np.indices([len(gene.choices) for gene in space.genes]).reshape(len(space.genes), -1).T
        whole = cls(space, rows)
        return whole if not space.has_isomorphs else whole[(whole.codes == rows).all(axis=1)]

    @classmethod
    def _trusted(cls, space: SearchSpace, codes: Codes) -> Candidates:
        """Makes candidates of codes that other candidates hold."""
        made = cls.__new__(cls)
        made.space, made.codes = space, _frozen(codes)
        return made

    def _canonical(self) -> Codes:
        """Returns the codes of the points that stand for the nets; one by one where the space does not know faster."""
        found = self.space.canonical_codes(self.codes)
        if found is None:
            encoding = encoding_of(self.space)
            found = encoding.codes(encoding.encode(self.architectures))
        return found.astype(np.intp, copy=False)

    # -- forms ---------------------------------------------------------------------------------------------------------

    @cached_property
    def genes(self) -> Floats:
        """Encoded genes, shape (n, genes); the form that cost models take."""
        return encoding_of(self.space).genes_of(self.codes)

    @cached_property
    def architectures(self) -> list[Architecture]:
        """The architectures, in order."""
        choices, made = encoding_of(self.space).ordered_choices, self.space.made
        return [
            made(values[code] for values, code in zip(choices, row, strict=True)) for row in self.codes.tolist()
        ]

    @cached_property
    def keys(self) -> list[bytes]:
        """A short hashable key of every row, equal where architectures are."""
        return keys_of(self.codes)

    # -- rows ----------------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[Architecture]:
        return iter(self.architectures)

    @overload
    def __getitem__(self, rows: int | np.integer) -> Architecture: ...
    @overload
    def __getitem__(self, rows: slice | ArrayLike) -> Candidates: ...
    def __getitem__(self, rows: int | np.integer | slice | ArrayLike) -> Architecture | Candidates:
        """Returns one architecture by its row, or the candidates that a slice, a mask or row numbers select."""
        if isinstance(rows, (int, np.integer)):
            return self._architecture(int(rows))
        if isinstance(rows, slice):
            return self._trusted(self.space, self.codes[rows])
        selected = np.asarray(rows)
        return self._trusted(self.space, self.codes[selected if selected.dtype == bool else selected.astype(np.intp)])

    def _architecture(self, row: int) -> Architecture:
        if "architectures" in self.__dict__:
            return self.architectures[row]
        choices = encoding_of(self.space).ordered_choices
        return self.space.made(values[code] for values, code in zip(choices, self.codes[row].tolist(), strict=True))

    def unique(self) -> Candidates:
        """Returns every distinct architecture once, in the order of its first row."""
        return self[list(first_rows(self.keys).values())]

    def __add__(self, other: Candidates) -> Candidates:
        """Returns the rows of both, one after the other.

        Raises:
            UsageError: When they are of different spaces.
        """
        if not is_same(self.space, other.space):
            raise UsageError(f"candidates of space '{self.space.name}' and of '{other.space.name}' cannot be joined")
        return self._trusted(self.space, np.concatenate([self.codes, other.codes]))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Candidates):
            return NotImplemented
        return is_same(self.space, other.space) and np.array_equal(self.codes, other.codes)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Candidates({self.space.name}, {len(self)} architectures)"


def _indices(space: SearchSpace, matrix: NDArray[Any]) -> Codes:
    """Returns a matrix as codes.

    Raises:
        UsageError: When one of its numbers is not the index of a choice of its gene.
    """
    if not matrix.size:
        return matrix.astype(np.intp)
    sizes = [len(gene.choices) for gene in space.genes]
    if matrix.dtype == np.intp and (matrix.view(np.uintp).max(axis=0) < sizes).all():  # negative ones are very large there
        return matrix
    is_index = (matrix >= 0) & (matrix < sizes) if matrix.dtype.kind in "biuf" else np.zeros(matrix.shape, dtype=bool)
    if matrix.dtype.kind == "f":
        is_index &= matrix == np.floor(matrix)
    if not is_index.all():
        row, column = np.argwhere(~is_index)[0].tolist()
        gene = space.genes[column]
        raise UsageError(
            f"codes of space '{space.name}' are indices of choices: that of gene '{gene.name}' is a whole number from 0 to "
            f"{sizes[column] - 1}, got {matrix[row, column].item()!r:.40} in row {row}"
        )
    return matrix.astype(np.intp, copy=False)


def is_same(one: SearchSpace, other: SearchSpace) -> bool:
    """Whether two spaces have the same name, genes and options, so that codes of one are codes of the other."""
    return one is other or (one.name, one.genes, one.options()) == (other.name, other.genes, other.options())


def _frozen(codes: Codes) -> Codes:
    """Returns a matrix that cannot be written through: a view, where it can be."""
    if not codes.flags.writeable:
        return codes
    view: Codes = codes.view()
    view.flags.writeable = False
    return view


def keys_of(codes: Codes) -> list[bytes]:
    """Returns the key of every row of codes (n, genes), as in :attr:`Candidates.keys`."""
    plain = np.ascontiguousarray(codes, dtype=KEY)
    if not plain.size:
        return [b""] * len(codes)
    found: list[bytes] = plain.view(f"V{KEY.itemsize * codes.shape[1]}").ravel().tolist()
    return found


def first_rows(keys: Sequence[bytes]) -> dict[bytes, int]:
    """Returns the first row of every distinct key, in ascending order."""
    first: dict[bytes, int] = {}
    for row, key in enumerate(keys):
        first.setdefault(key, row)
    return first


def key_of(codes: ArrayLike) -> bytes:
    """Returns the key of one row of codes (genes,), as in :attr:`Candidates.keys`."""
    return np.asarray(codes, dtype=KEY).tobytes()


def codes_of(key: bytes) -> list[int]:
    """Returns the codes that a key stands for."""
    return [int(code) for code in np.frombuffer(key, dtype=KEY)]
