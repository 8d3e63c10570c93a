"""Forests by plain loops, compiled by numba: for any processor, and for what the vector kernels do not cover.

Numba compiles a function when it is first called; modules that need no compiled code do not import this one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit, types

from hwcost._types import Codes, Floats
from hwcost.cost_models.compiled.forest import Bytes, Forest
from hwcost.cost_models.compiled.native import TREES, bytes_at, function, numbers_at
from hwcost.cost_models.compiled.ranks import Ranks
from hwcost.cost_models.features.joint import JointTables
from hwcost.cost_models.features.tabulate import check_codes

__all__ = ["LoopEngine", "ranks_by_loop"]

ROWS = 64
"""Ranks are found for so many architectures at a time, and filled up to a multiple of them."""


@lru_cache(maxsize=2)
def _ranks_function(code: Any) -> Any:
    """Compiles the ranks of codes of one type."""
    numbers, places = types.int64[:, ::1], types.int64[::1]

    @njit(
        types.boolean(
            types.Array(code, 2, "C", readonly=True), places, places, types.uint8[:, ::1], numbers, numbers, places,
            types.float64[::1], types.float64[::1], types.uint8[:, ::1],
        ),
        nogil=True,
    )  # fmt: skip
    def fill(
        codes: Any, sizes: Any, genes: Any, tables: Any, members: Any, factors: Any, starts: Any, numbers: Any, passed: Any,
        found: Any,
    ) -> Any:  # fmt: skip
        """Writes the ranks of codes (n, genes) into ``found`` (columns, n or more); False where one is not known."""
        known, places = np.zeros((codes.shape[1], ROWS), np.uint32), np.zeros(ROWS, np.uint32)
        totals, reached = np.zeros(ROWS), np.zeros(ROWS, np.uint32)
        is_right: Any = True
        for start in range(0, codes.shape[0], ROWS):
            count = min(ROWS, codes.shape[0] - start)
            for gene in range(codes.shape[1]):
                largest = np.uint64(sizes[gene] - 1)
                for row in range(count):
                    given = np.uint64(codes[start + row, gene])
                    is_right &= given <= largest
                    known[gene, row] = min(given, largest)
            for column in range(genes.shape[0]):
                gene = genes[column]
                for row in range(count):
                    found[column, start + row] = tables[column, known[gene, row]]
            if passed.shape[0] > 0:
                totals[:] = numbers[0]
                reached[:] = 0
                for group in range(members.shape[0]):
                    places[:] = starts[group]
                    for member in range(members.shape[1]):
                        gene, factor = members[group, member], np.uint32(factors[group, member])
                        for row in range(count):
                            places[row] += factor * known[gene, row]
                    for row in range(count):
                        totals[row] += numbers[places[row]]
                step = (passed.shape[0] + 1) // 2
                while step > 0:  # the largest rank whose threshold is passed
                    before = np.uint64(step - 1)
                    for row in range(count):
                        reached[row] += step * (passed[reached[row] + before] <= totals[row])
                    step >>= 1
                for row in range(count):
                    found[genes.shape[0], start + row] = reached[row]
        return is_right

    return fill


def ranks_by_loop(ranks: Ranks, codes: Codes) -> Bytes:
    """Returns the ranks of codes (n, genes), shape (columns, n filled up to whole registers).

    Raises:
        ArchitectureError: When a code is not one of its gene's.
    """
    sizes = [len(values) for values in ranks.choices]
    if codes.ndim != 2 or codes.shape[1] != len(sizes) or codes.dtype.kind not in "iu":
        check_codes(codes, sizes)
    is_narrow = codes.dtype == np.uint8
    rows = np.ascontiguousarray(codes, dtype=np.uint8 if is_narrow else np.int64)
    found = np.zeros((len(ranks), -(-len(codes) // ROWS) * ROWS), dtype=np.uint8)
    fill = _ranks_function(types.uint8 if is_narrow else types.int64)
    if not fill(rows, np.array(sizes), ranks.genes, ranks.tables, *ranks.param_groups, ranks.steps, found):
        check_codes(codes, sizes)
    return found


@njit(nogil=True)
def _many(ranks: Any, columns: Any, cuts: Any, leaves: Any, depth: int, sums: Any) -> None:
    nodes, block = columns.shape[1], 256
    for start in range(0, sums.shape[0], block):
        end = min(start + block, sums.shape[0])
        for tree in range(columns.shape[0]):
            for row in range(start, end):
                node = 0
                for _ in range(depth):
                    node = 2 * node + 1 + (ranks[columns[tree, node], row] >= cuts[tree, node])
                sums[row] += leaves[tree, node - nodes]


@lru_cache(maxsize=2)
def _one_function(is_single: bool) -> Any:
    """Makes the sum of one architecture's leaves, for :func:`hwcost.cost_models.compiled.native.function`."""
    zero, values_at = np.float32(0) if is_single else np.float64(0), numbers_at(is_single)

    @njit
    def sum_leaves(ranks: Any, plan: Any) -> Any:
        columns, cuts, leaves = bytes_at(plan[TREES]), bytes_at(plan[TREES + 1]), values_at(plan[TREES + 2])
        trees, depth, total = plan[TREES + 3], plan[TREES + 4], zero
        nodes = (1 << depth) - 1
        for tree in range(trees):
            first, node = tree * nodes, 0
            for _ in range(depth):
                node = 2 * node + 1 + (ranks[columns[first + node]] >= cuts[first + node])
            total += leaves[first + tree + node - nodes]
        return total

    return sum_leaves


class LoopEngine:
    """A forest by compiled loops.

    Args:
        forest: The forest.
    """

    name = "loops"

    def __init__(self, forest: Forest) -> None:
        self._forest = forest

    def many(self, ranks: Bytes, count: int) -> Floats:
        """Returns the sums of the first ``count`` architectures by their ranks (columns, n), shape (count,)."""
        forest = self._forest
        sums = np.zeros(count, dtype=forest.leaves.dtype)
        _many(ranks, forest.columns, forest.cuts, forest.leaves, forest.depth, sums)
        return sums.astype(np.float64)

    def question(self, ranks: Ranks, table: JointTables | None = None) -> Callable[[tuple[Any, ...]], Any] | None:
        """Returns the function of one architecture's values; see :func:`hwcost.cost_models.compiled.native.function`."""
        forest = self._forest
        trees = (forest.columns, forest.cuts, forest.leaves, len(forest.leaves), forest.depth)
        return function(ranks, _one_function(forest.is_single), trees, table)
