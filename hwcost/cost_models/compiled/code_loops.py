"""Loops over the codes of batches, compiled by numba: sums over groups of genes, and the ranks that forests compare.

Codes are read for 64 architectures at a time, and checked. Numba compiles a function when it is first called; modules that
need no compiled code do not import this one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit, types

from hwcost._types import Codes, Floats
from hwcost.cost_models.compiled.forest import Bytes
from hwcost.cost_models.compiled.group_arrays import GroupArrays
from hwcost.cost_models.compiled.ranks import Ranks
from hwcost.cost_models.features.tabulate import check_codes

__all__ = ["ranks_by_loop", "sums_by_loop"]

ROWS = 64
"""Architectures whose codes are read at a time."""

LONGS, FLOATS = types.int64[::1], types.float64[::1]
GROUPS = (types.int64[:, ::1], types.int64[:, ::1], LONGS, FLOATS)
ROOMS = (types.uint32[:, ::1], types.uint32[::1], FLOATS)


def _rooms(genes: int) -> tuple[Any, ...]:
    """Returns room for codes gene by gene, for places in tables, and for sums; numba would compile long to make it.

    Zeros, since the last architectures of a batch may not fill it, and what is there is looked up.
    """
    return np.zeros((genes, ROWS), np.uint32), np.zeros(ROWS, np.uint32), np.zeros(ROWS)


@njit(inline="always")
def _read(codes: Any, start: int, count: int, sizes: Any, known: Any) -> Any:
    """Writes the codes of some architectures gene by gene, none larger than its gene has; returns whether all are right."""
    is_right: Any = True
    for row in range(np.uint64(count)):
        for gene in range(np.uint64(codes.shape[1])):
            given, largest = np.uint64(codes[np.uint64(start) + row, gene]), np.uint64(sizes[gene] - 1)
            is_right &= given <= largest
            known[gene, row] = min(given, largest)
    return is_right


@njit(inline="always")
def _add(known: Any, members: Any, factors: Any, starts: Any, numbers: Any, places: Any, totals: Any) -> None:
    """Writes the sums over groups of genes, see :class:`GroupArrays`."""
    for row in range(ROWS):
        totals[row] = numbers[0]
    for group in range(members.shape[0]):
        for row in range(ROWS):
            places[row] = starts[group]
        for member in range(members.shape[1]):
            gene, factor = members[group, member], np.uint32(factors[group, member])
            for row in range(ROWS):
                places[row] += factor * known[gene, row]
        for row in range(ROWS):
            totals[row] += numbers[places[row]]


@lru_cache(maxsize=1)
def _sums_function() -> Any:
    """Compiles sums over groups of genes, for codes that are bytes."""
    bytes_, ends = types.Array(types.uint8, 2, "C", readonly=True), (types.float64, types.float64)

    @njit(types.boolean(bytes_, LONGS, *GROUPS, *ROOMS, *ends, FLOATS), nogil=True)
    def fill(
        codes: Any, sizes: Any, members: Any, factors: Any, starts: Any, numbers: Any, known: Any, places: Any, totals: Any,
        scale: float, floor: float, found: Any,
    ) -> Any:  # fmt: skip
        """Writes ``max(sum * scale, floor)`` of codes (n, genes); False where one is not known."""
        is_right: Any = True
        for start in range(0, codes.shape[0], ROWS):
            count = min(ROWS, codes.shape[0] - start)
            is_right &= _read(codes, start, count, sizes, known)
            _add(known, members, factors, starts, numbers, places, totals)
            for row in range(count):
                value = totals[row] * scale
                found[start + row] = value if value > floor else floor
        return is_right

    return fill


@lru_cache(maxsize=2)
def _ranks_function(code: Any) -> Any:
    """Compiles the ranks of codes of one type."""

    @njit(
        types.boolean(
            types.Array(code, 2, "C", readonly=True), LONGS, LONGS, types.uint8[:, ::1], *GROUPS, FLOATS, *ROOMS,
            types.uint8[:, ::1],
        ),
        nogil=True,
    )  # fmt: skip
    def fill(
        codes: Any, sizes: Any, genes: Any, tables: Any, members: Any, factors: Any, starts: Any, numbers: Any, passed: Any,
        known: Any, places: Any, totals: Any, found: Any,
    ) -> Any:  # fmt: skip
        """Writes the ranks of codes (n, genes) into ``found`` (columns, n); False where one is not known."""
        steps = 0
        while passed.shape[0] >> steps > 0:
            steps += 1
        is_right: Any = True
        for start in range(0, codes.shape[0], ROWS):
            count = min(ROWS, codes.shape[0] - start)
            is_right &= _read(codes, start, count, sizes, known)
            for column in range(genes.shape[0]):
                gene = genes[column]
                for row in range(count):
                    found[column, start + row] = tables[column, known[gene, row]]
            if steps > 0:
                _add(known, members, factors, starts, numbers, places, totals)
                for row in range(ROWS):
                    places[row] = 0
                for step in range(steps):  # the largest rank whose threshold is passed, from its highest bit on
                    bit = np.uint32(steps - 1 - step)
                    before = (np.uint32(1) << bit) - np.uint32(1)
                    for row in range(ROWS):
                        places[row] |= np.uint32(passed[places[row] + before] <= totals[row]) << bit
                for row in range(count):
                    found[genes.shape[0], start + row] = places[row]
        return is_right

    return fill


def ranks_by_loop(ranks: Ranks, codes: Codes) -> Bytes:
    """Returns the ranks of codes (n, genes), shape (columns, n).

    Raises:
        ArchitectureError: When a code is not one of its gene's.
    """
    sizes = [len(values) for values in ranks.choices]
    if codes.ndim != 2 or codes.shape[1] != len(sizes) or codes.dtype.kind not in "iu":
        check_codes(codes, sizes)
    kind, code = (np.uint8, types.uint8) if codes.dtype == np.uint8 else (np.int64, types.int64)
    rows, found = np.ascontiguousarray(codes, kind), np.empty((len(ranks), len(codes)), dtype=np.uint8)
    laid = ranks.genes, ranks.tables, *ranks.param_groups, ranks.steps
    if not _ranks_function(code)(rows, np.array(sizes), *laid, *_rooms(len(sizes)), found):
        check_codes(codes, sizes)
    return found


def sums_by_loop(
    groups: GroupArrays, codes: Codes, sizes: list[int], scale: float, floor: float, found: Floats
) -> bool:
    """Writes ``max(sum * scale, floor)`` of sums over groups of genes, in their order.

    Args:
        groups: The groups.
        codes: Bytes, shape (n, genes), row after row.
        sizes: Number of choices of every gene.
        scale: Factor of sums.
        floor: Least answer.
        found: The answers, shape (n,).

    Returns:
        Whether all codes are right.
    """
    return bool(_sums_function()(codes, np.array(sizes), *groups, *_rooms(len(sizes)), scale, floor, found))
