"""The front of two sums over genes: exactly, by dynamic programming.

A lookup table's latency is a sum over genes, or over genes and pairs of neighbours; so are parameters and FLOPs. Going gene
by gene, a partial choice that another one dominates, with the same last gene where neighbours interact, can never become
part of the front. What is left after the last gene is the front of all architectures, billions or not, and it is proved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from hwcost._types import Codes, Floats
from hwcost.cost_models.features.tabulate import Tables, tabulate
from hwcost.errors import UsageError
from hwcost.objectives.cost_function import is_vectorised, name_of

PROBES = 256
"""Random architectures on which tables are compared with the function that they stand for."""
AGREEMENT = 1e-9
"""Largest relative difference there."""


class Front(NamedTuple):
    """Choices that no other one dominates, by the first sum.

    Attributes:
        codes: Shape (n, genes).
        values: Both sums, shape (n, 2).
    """

    codes: Codes
    values: Floats


def front(first: Tables, second: Tables) -> Front:
    """Finds the front of two sums over the same genes; both are minimised.

    Args:
        first: Tables of the first sum, for example latency.
        second: Tables of the second sum, for example perplexity.

    Raises:
        UsageError: When the tables are of other genes.
    """
    sizes = [len(table) for table in first.single]
    if sizes != [len(table) for table in second.single]:
        raise UsageError("both tables must be of the same genes")
    both = [np.stack([a, b], axis=-1) for a, b in zip(first.single, second.single, strict=True)]
    pairs = _pairs(first, second, sizes)
    start = np.array([float(first.base), float(second.base)])
    states = [_State(start + both[0][code], np.full((1, 1), code)) for code in range(sizes[0])]
    for gene in range(1, len(sizes)):
        merged = None if pairs[gene - 1] is not None else [_merged(states)]
        states = [
            _merged([
                state.extended(both[gene][code] + (0.0 if merged else pairs[gene - 1][last, code]), code)  # type: ignore[index]
                for last, state in enumerate(merged or states)
            ])
            for code in range(sizes[gene])
        ]  # fmt: skip
    last = _merged(states)
    return Front(last.codes, last.values)


@dataclass(frozen=True)
class _State:
    """Partial choices that may still become part of the front, by the first sum."""

    values: Floats
    codes: Codes

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", self.values.reshape(-1, 2))

    def extended(self, added: Floats, code: int) -> _State:
        """Returns the state with one gene more."""
        column = np.full((len(self.codes), 1), code)
        return _State(self.values + added, np.concatenate([self.codes, column], axis=1))


def _merged(states: Sequence[_State]) -> _State:
    """Joins states and drops what is dominated, and all but one of what is equal."""
    values = np.concatenate([state.values for state in states])
    codes = np.concatenate([state.codes for state in states])
    order = np.lexsort((values[:, 1], values[:, 0]))
    best = np.minimum.accumulate(values[order, 1])
    kept = order[np.concatenate([[True], best[1:] < best[:-1]])]
    return _State(values[kept], codes[kept])


def _pairs(first: Tables, second: Tables, sizes: list[int]) -> list[Floats | None]:
    """Returns what every pair of neighbours adds to both sums; None where neighbours do not interact."""
    found: list[Floats | None] = []
    for gene in range(len(sizes) - 1):
        empty = np.zeros((sizes[gene], sizes[gene + 1]))
        pair = np.stack([one.pairs[gene] if one.pairs else empty for one in (first, second)], axis=-1)
        found.append(pair if pair.any() else None)
    return found


def tables_of(function: Any, sizes: Sequence[int] | Codes) -> Tables:
    """Returns a cost function as a sum over genes, and pairs of neighbours, in an order-preserving scale.

    A cost function that has ``tables()`` says so itself. Any other vectorised one is tabulated, plainly or by its
    logarithm, and compared with itself on random architectures.

    Raises:
        UsageError: When it is not such a sum, or values architectures one by one only.
    """
    if hasattr(function, "tables"):
        own = function.tables()
        if own is not None:
            return own  # type: ignore[no-any-return]
    if not is_vectorised(function):
        raise UsageError(
            f"{name_of(function)} is valued one architecture at a time; exact search needs sums over genes, such as a "
            f"lookup table or a size"
        )
    sizes = [int(size) for size in sizes]
    rng = np.random.default_rng(0)
    probes = np.stack([rng.integers(size, size=PROBES) for size in sizes], axis=1)
    wanted = np.asarray(function.predict_codes(probes))
    for is_log in (False, True) if (wanted > 0).all() else (False,):

        def scaled(codes: Any, is_log: bool = is_log) -> Floats:
            values = np.asarray(function.predict_codes(np.asarray(codes)), dtype=np.float64)
            return np.log(values) if is_log else values

        for with_pairs in (False, True):
            tables = tabulate(scaled, sizes, with_pairs)
            expected = scaled(probes)
            if np.allclose(tables(probes), expected, rtol=AGREEMENT, atol=AGREEMENT * float(np.abs(expected).max())):
                return tables
    raise UsageError(
        f"{name_of(function)} is not a sum over genes or neighbouring genes; fit a lookup table (model='lut') for exact "
        f"search, or take another searcher"
    )
