"""Tabulates functions of gene codes that are sums over genes, or over genes and pairs of neighbours.

``f(codes) = base + sum_i single_i[code_i] + sum_i pair_i[code_i, code_i+1]``. The tables are exact when ``f`` is such a sum.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost._cached import cached_property
from hwcost._types import Codes, Floats
from hwcost.cost_models.workers import threads
from hwcost.errors import ArchitectureError

BLOCK = 16_384
"""Rows looked up at a time, so that sums stay in the cache."""
JOINED = 4096
"""Numbers of a table of several genes at the most, so that it stays in the cache."""
SHARED = 500_000
"""Rows from which the look-ups of a batch pay for more than one thread."""


@dataclass(frozen=True)
class Tables:
    """The tabulated function; its values may have any trailing shape.

    Attributes:
        base: Value at the all-first codes.
        single: Per gene, what each choice adds, shape (choices, ...).
        pairs: Per pair of neighbouring genes, what both add beyond that, shape (choices, choices, ...); or empty.
    """

    base: Floats
    single: list[Floats]
    pairs: list[Floats]

    def __call__(self, codes: Codes) -> Floats:
        """Evaluates codes of shape (n, genes); returns shape (n, ...)."""
        total = np.empty((len(codes), *self.base.shape), dtype=self.base.dtype)
        total[...] = self.base
        for start in range(0, len(codes), BLOCK):
            part, rows = total[start : start + BLOCK], codes[start : start + BLOCK]
            for first, sizes, table in self._flattened:
                part += table.take(_flat(rows, first, sizes), axis=0)
        return total

    def least(self) -> float:
        """Returns the least value of all codes, of a scalar function."""
        lowest = self.single[0]
        for gene, own in enumerate(self.single[1:]):
            beside = self.pairs[gene] if self.pairs else 0.0
            lowest = (lowest[:, None] + beside).min(axis=0) + own
        return float(self.base + lowest.min())

    @cached_property
    def _flattened(self) -> list[tuple[int, tuple[int, ...], Floats]]:
        """What ``spans`` has: the first gene, the numbers of choices, and the table with one axis for all of them."""
        trailing, axes = self.base.shape, self.base.ndim
        return [(first, table.shape[: table.ndim - axes], table.reshape(-1, *trailing)) for first, table in self.spans]

    @property
    def spans(self) -> list[tuple[int, Floats]]:
        """What is added, in this order: the first gene of a table, and the table with an axis for each of its genes."""
        return [*self._joined, *((left, self.pairs[left]) for left in self._between)]

    @cached_property
    def _joined(self) -> list[tuple[int, Floats]]:
        """Tables of several neighbouring genes: the first gene, and a table with an axis for each.

        One look-up then answers for as many genes as fit into ``JOINED`` numbers.
        """
        found: list[tuple[int, Floats]] = []
        for gene, own in enumerate(self.single):
            if found and found[-1][1].size * len(own) <= JOINED:
                first, table = found[-1]
                axes = table.ndim - self.base.ndim
                joined = np.expand_dims(table, axes) + own
                if self.pairs:
                    joined = joined + self.pairs[gene - 1]
                found[-1] = first, joined
            else:
                found.append((gene, own))
        return found

    @cached_property
    def _between(self) -> list[int]:
        """The pairs of neighbours that stand in two joined tables, by their left gene."""
        return [first - 1 for first, _ in self._joined[1:]] if self.pairs else []


@dataclass(frozen=True)
class Quick:
    """Scalar tables as dictionaries, for one architecture at a time; adds the same numbers in the same order as ``Tables``.

    Attributes:
        base: Value at the all-first codes.
        parts: Neighbouring genes from a first one to an end, and what each combination of their values adds.
    """

    base: float
    parts: tuple[tuple[slice, dict[tuple[Any, ...], float]], ...]

    @classmethod
    def of(cls, tables: Tables, choices: Sequence[Sequence[Any]]) -> Quick:
        """Takes over scalar tables, for genes with these choices in the order of their codes."""
        parts = []
        for first, table in tables.spans:
            width = table.ndim
            is_last = first + width == len(choices)
            keys = itertools.product(*choices[first : first + width])
            adds = dict(zip(keys, table.ravel().tolist(), strict=True))
            parts.append((slice(first, None if is_last else first + width), adds))
        return cls(float(tables.base), tuple(parts))

    def __call__(self, genes: tuple[Any, ...]) -> float:
        """Evaluates one architecture's values.

        Raises:
            KeyError: When a gene has another value, or there are more genes or fewer.
        """
        total = self.base
        for span, adds in self.parts:
            total += adds[genes[span]]
        return total


def _flat(rows: Codes, first: int, sizes: tuple[int, ...]) -> NDArray[np.intp]:
    """Returns where genes of these numbers of choices, from the first one on, stand in a flattened table; shape (n,)."""
    index = rows[:, first].astype(np.intp)
    for gene, size in enumerate(sizes[1:], first + 1):
        index *= size
        index += rows[:, gene]
    return index


def check_codes(codes: Codes, sizes: Sequence[int]) -> None:
    """Checks codes (n, genes) of genes with these numbers of choices.

    Raises:
        ArchitectureError: When there are more genes or fewer, or a code is not one of its gene's.
    """
    if codes.ndim != 2 or codes.shape[1] != len(sizes):
        raise ArchitectureError(f"codes must have one row an architecture and {len(sizes)} columns, got shape {codes.shape}")
    if not np.issubdtype(codes.dtype, np.integer):
        raise ArchitectureError(f"codes must be whole numbers, got {codes.dtype}")
    unsigned = codes.view(codes.dtype.str.replace("i", "u"))  # what is negative is then very large
    if len(codes) and (unsigned.max(axis=0) >= np.array(sizes, dtype=np.uint64)).any():
        row, gene = np.argwhere(unsigned >= np.array(sizes, dtype=np.uint64))[0].tolist()
        raise ArchitectureError(
            f"code {codes[row, gene]} of gene {gene} in row {row} is unknown: codes of this gene are 0 to {sizes[gene] - 1}"
        )


def in_ranges(work: Callable[[int, int], Any], count: int) -> list[Any]:
    """Calls a function for ranges from a first row to an end, in as many threads as pay; returns what it returned."""
    cores = threads(count) if count >= SHARED else 1
    ends = np.linspace(0, count, cores + 1).astype(int).tolist()
    if cores == 1:
        return [work(0, count)]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(cores) as pool:
        return list(pool.map(work, ends[:-1], ends[1:]))


def tabulate(function: Callable[[Codes], Floats], sizes: Sequence[int], with_pairs: bool) -> Tables:
    """Makes tables from what single genes, and pairs of neighbours, add to the all-first codes.

    Args:
        function: Maps codes (n, genes) to values (n, ...).
        sizes: Number of choices per gene.
        with_pairs: Whether neighbours interact.
    """
    alone = [_with(sizes, {i: np.arange(size)}) for i, size in enumerate(sizes)]
    beside = [
        _with(sizes, dict(zip((i, i + 1), np.indices(sizes[i : i + 2]).reshape(2, -1), strict=True)))
        for i in range(len(sizes) - 1 if with_pairs else 0)
    ]
    asked = [np.zeros((1, len(sizes)), dtype=np.intp), *alone, *beside]
    (first,), *added = np.split(function(np.concatenate(asked)), np.cumsum([len(codes) for codes in asked])[:-1])
    single = [values - first for values in added[: len(sizes)]]
    pairs = [
        (values - first).reshape(*sizes[i : i + 2], *first.shape) - single[i][:, None] - single[i + 1][None, :]
        for i, values in enumerate(added[len(sizes) :])
    ]
    return Tables(first, single, pairs)


def _with(sizes: Sequence[int], chosen: Mapping[int, Codes]) -> Codes:
    """Returns codes (n, genes) with n values for some genes, and the first choice of all others."""
    codes = np.zeros((len(next(iter(chosen.values()))), len(sizes)), dtype=np.intp)
    for gene, values in chosen.items():
        codes[:, gene] = values
    return codes
