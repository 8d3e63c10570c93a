"""Forests by plain loops, compiled by numba: for any processor, and for what the vector kernels do not cover.

Numba compiles a function when it is first called; modules that need no compiled code do not import this one.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numba import carray, cfunc, njit, types

from hwcost._types import Codes, Floats
from hwcost.cost_models.forest import Bytes, Forest
from hwcost.cost_models.joint import JointTables
from hwcost.cost_models.ranks import Ranks

__all__ = ["LoopEngine", "ranks_by_loop"]

ROWS = 64
"""Ranks are filled up to a multiple of so many architectures."""


@njit(nogil=True)
def _fill_ranks(
    codes: Any, genes: Any, tables: Any, base: float, members: Any, factors: Any, starts: Any, added: Any, passed: Any,
    found: Any,
) -> None:  # fmt: skip
    """Writes the ranks of codes (n, genes) into ``found`` (columns, n or more)."""
    last, top = genes.shape[0], 1
    while 2 * top <= passed.shape[0]:
        top *= 2
    for row in range(codes.shape[0]):
        for column in range(last):
            found[column, row] = tables[column, codes[row, genes[column]]]
        if passed.shape[0] > 0:
            total = base
            for group in range(members.shape[0]):
                place = starts[group]
                for member in range(members.shape[1]):
                    place += factors[group, member] * codes[row, members[group, member]]
                total += added[place]
            rank, step = 0, top
            while step > 0:  # the largest rank whose threshold is passed
                if rank + step <= passed.shape[0] and passed[rank + step - 1] <= total:
                    rank += step
                step >>= 1
            found[last, row] = rank


def ranks_by_loop(ranks: Ranks, codes: Codes) -> Bytes:
    """Returns the ranks of codes (n, genes), shape (columns, n filled up to whole registers)."""
    found = np.zeros((len(ranks), -(-len(codes) // ROWS) * ROWS), dtype=np.uint8)
    params = JointTables(0.0, (), ()) if ranks.params is None else ranks.params
    _fill_ranks(codes, ranks.genes, ranks.tables, params.base, *_flattened(params), ranks.passed, found)
    return found


def _flattened(params: JointTables) -> tuple[Any, Any, Any, Floats]:
    """Returns a sum over groups as arrays: genes and factors of each group's index, its start, and all tables in a row."""
    width = max(map(len, params.groups), default=0)
    members = np.zeros((len(params.groups), width), dtype=np.int64)
    factors = np.zeros_like(members)
    for row, (group, table) in enumerate(zip(params.groups, params.tables, strict=True)):
        members[row, : len(group)] = group
        factors[row, : len(group)] = [int(np.prod(table.shape[axis + 1 :])) for axis in range(len(group))]
    starts = np.cumsum([0, *(table.size for table in params.tables)])[:-1].astype(np.int64)
    return members, factors, starts, np.concatenate([np.empty(0), *(table.ravel() for table in params.tables)])


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


def _one_function(is_single: bool) -> Any:
    """Compiles the sum of one architecture's leaves."""
    number = types.float32 if is_single else types.float64
    pointer, zero = types.CPointer(types.uint8), np.float32(0) if is_single else np.float64(0)

    @cfunc(types.float64(pointer, pointer, pointer, types.CPointer(number), types.int64, types.int64))
    def one(ranks: Any, columns: Any, cuts: Any, leaves: Any, trees: Any, depth: Any) -> Any:
        nodes = (1 << depth) - 1
        asked, cut = carray(columns, (trees, nodes)), carray(cuts, (trees, nodes))
        leaf = carray(leaves, (trees, nodes + 1))
        total = zero
        for tree in range(trees):
            node = 0
            for _ in range(depth):
                node = 2 * node + 1 + (ranks[asked[tree, node]] >= cut[tree, node])
            total += leaf[tree, node - nodes]
        return total

    return one


_ONE: dict[bool, Any] = {}
"""Compiled sums of one architecture, by whether they are of 32 bits."""


class LoopEngine:
    """A forest by compiled loops.

    Args:
        forest: The forest.
    """

    name = "loops"

    def __init__(self, forest: Forest) -> None:
        self._forest = forest
        if forest.is_single not in _ONE:
            _ONE[forest.is_single] = _one_function(forest.is_single)
        prototype = ctypes.PYFUNCTYPE(ctypes.c_double, *[ctypes.c_void_p] * 4, *[ctypes.c_int64] * 2)
        self._call = prototype(_ONE[forest.is_single].address)
        arrays = (forest.columns, forest.cuts, forest.leaves)
        self._given = (*(array.ctypes.data for array in arrays), len(forest.leaves), forest.depth)

    def many(self, ranks: Bytes, count: int) -> Floats:
        """Returns the sums of the first ``count`` architectures by their ranks (columns, n), shape (count,)."""
        forest = self._forest
        sums = np.zeros(count, dtype=forest.leaves.dtype)
        _many(ranks, forest.columns, forest.cuts, forest.leaves, forest.depth, sums)
        return sums.astype(np.float64)

    def one(self, ranks: bytes) -> float:
        """Returns the sum of one architecture by its ranks."""
        return float(self._call(ranks, *self._given))
