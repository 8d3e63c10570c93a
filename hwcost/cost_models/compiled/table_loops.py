"""Lookup tables over codes in batches: loops compiled by numba, the same additions in the same order as :class:`Tables`.

Codes are bytes. Rows are loaded whole into the parts of a vector register; shuffles bring the genes of every table
together, and small multiplications make them its index, for all tables of several architectures at once. What is left are
as many look-ups and additions as there are tables. Processors with AVX-512 also look up and add for eight architectures at
once, where no table has more than four genes; see :mod:`hwcost.cost_models.compiled.table_vectors`.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from hwcost._types import Codes, Floats
from hwcost.cost_models.compiled.table_vectors import Groups, sum_eights
from hwcost.cost_models.features.tabulate import Tables, check_codes, in_ranges

__all__ = ["TableKernel"]

LANES = 64
"""Bytes of a vector register."""
BLOCK = 1024
"""Architectures whose places in the tables are found at a time, so that they stay in the cache; a multiple of 64."""
NARROWED = 16_384
"""Rows of wider whole numbers that become bytes at a time."""

BYTE, SHORT, WORD, LONG = (ir.IntType(bits) for bits in (8, 16, 32, 64))


def _width(genes: int) -> int:
    """Bytes that the codes of one architecture take in a register."""
    return 16 if genes <= 16 else 32 if genes <= 32 else LANES


def _slots(groups: Groups) -> int:
    """Places of one architecture, filled up to a power of two."""
    return 1 << (len(groups) - 1).bit_length()


def _shuffled(build: Any, vector: Any, other: Any, places: list[int]) -> Any:
    return build.shuffle_vector(vector, other, ir.Constant(ir.VectorType(WORD, len(places)), places))


def _joined(build: Any, parts: list[Any]) -> Any:
    """Puts equally long vectors, a power of two of them, behind each other."""
    while len(parts) > 1:
        both = list(range(2 * parts[0].type.count))
        parts = [_shuffled(build, low, high, both) for low, high in zip(parts[::2], parts[1::2], strict=True)]
    return parts[0]


def _indices(build: Any, codes: Any, groups: Groups, width: int) -> Any:
    """Emits the places in all tables of the architectures of a register."""
    rows, slots = LANES // width, _slots(groups)
    kind, total = ir.VectorType(SHORT, rows * slots), None
    for turn in range(max(map(len, groups))):
        chosen = [group[turn] if turn < len(group) else (0, 0) for group in groups] + [(0, 0)] * (slots - len(groups))
        lanes = [row * width + gene for row in range(rows) for gene, _ in chosen]
        some = build.zext(_shuffled(build, codes, ir.Constant(codes.type, ir.Undefined), lanes), kind)
        adds = build.mul(some, ir.Constant(kind, [factor for _ in range(rows) for _, factor in chosen]))
        total = adds if total is None else build.add(total, adds)
    return total


@lru_cache(maxsize=16)
def _place_rows(groups: Groups, genes: int) -> Any:
    """Returns the function that places registers of row-major codes, and keeps the largest byte of each lane."""
    width, slots = _width(genes), _slots(groups)
    rows, one = LANES // width, ir.VectorType(BYTE, width)

    @intrinsic
    def place(typing: Any, codes: Any, start: Any, steps: Any, places: Any, largest: Any) -> Any:
        """Places ``steps`` registers of codes from a byte on."""

        def emit(context: Any, build: Any, signature: Any, given: Any) -> Any:
            source, target, seen = (
                context.make_array(signature.args[at])(context, build, given[at]).data for at in (0, 3, 4)
            )
            source = build.gep(source, [given[1]])
            most = cgutils.alloca_once_value(build, ir.Constant(ir.VectorType(BYTE, LANES), [0] * LANES))
            with cgutils.for_range(build, given[2]) as loop:
                first = build.gep(source, [build.mul(loop.index, ir.Constant(LONG, rows * genes))])
                loads = [
                    build.load(build.bitcast(build.gep(first, [ir.Constant(LONG, row * genes)]), one.as_pointer()), align=1)
                    for row in range(rows)
                ]
                codes = _joined(build, loads)
                before = build.load(most)
                build.store(build.select(build.icmp_unsigned(">", codes, before), codes, before), most)
                found = _indices(build, codes, groups, width)
                there = build.gep(target, [build.mul(loop.index, ir.Constant(LONG, rows * slots))])
                build.store(found, build.bitcast(there, found.type.as_pointer()), align=2)
            build.store(build.load(most), build.bitcast(seen, ir.VectorType(BYTE, LANES).as_pointer()), align=1)
            return context.get_dummy_value()

        return types.void(codes, types.int64, types.int64, places, largest), emit

    return place


@lru_cache(maxsize=16)
def _sum_rows(groups: Groups, starts: tuple[int, ...], genes: int) -> Any:
    """Compiles the sums of row-major codes."""
    place, width, slots, count = _place_rows(groups, genes), _width(genes), _slots(groups), len(groups)
    rows = LANES // width

    @njit(nogil=True)
    def sums(codes: Any, last: Any, table: Any, base: Any, scale: Any, floor: Any, found: Any) -> bool:
        places, largest = np.empty(BLOCK * slots, np.uint16), np.zeros(LANES, np.uint8)
        flat, total_rows = codes.reshape(-1), codes.shape[0]
        whole = max(0, (flat.shape[0] - width) // genes + 1) // rows * rows  # rows whose loads end within the array
        if flat.shape[0] < width:
            whole = 0
        tail = np.zeros((total_rows - whole + rows) * genes + width, np.uint8)
        tail[: flat.shape[0] - whole * genes] = flat[whole * genes :]
        start = 0
        while start < total_rows:
            end = min(start + BLOCK, whole) if start < whole else min(start + BLOCK, total_rows)
            steps = (end - start + rows - 1) // rows
            if start < whole:
                place(flat, start * genes, steps, places, largest)
            else:
                place(tail, (start - whole) * genes, steps, places, largest)
            for lane in range(LANES):
                if lane % width < genes and largest[lane] > last[lane % width]:
                    return False
            for row in range(end - start):
                total = base
                for group in range(count):
                    total += table[starts[group] + places[row * slots + group]]
                value = total * scale
                found[start + row] = value if value > floor else floor
            start = end
        return True

    return sums


class TableKernel:
    """Scalar tables for batches of codes: ``max(tables(codes) * scale, floor)``, to the last bit.

    Args:
        tables: The tables.
        scale: Factor of the sums.
        floor: Least value of any answer.
    """

    def __init__(self, tables: Tables, scale: float, floor: float) -> None:
        self._sizes = [len(own) for own in tables.single]
        spans = tables.spans
        shapes = [(first, table.shape) for first, table in spans]
        self._groups: Groups = tuple(
            tuple((first + axis, prod(shape[axis + 1 :])) for axis in range(len(shape))) for first, shape in shapes
        )
        self._starts = tuple(np.cumsum([0, *(table.size for _, table in spans)])[:-1].tolist())
        self._table = np.concatenate([table.ravel() for _, table in spans]).astype(np.float64)
        self._last = np.array(self._sizes, dtype=np.int64) - 1
        self._numbers = (self._table, float(tables.base), float(scale), float(floor))
        self._eights = sum_eights(self._groups, self._starts, tuple(self._sizes))

    @staticmethod
    def covers(tables: Tables) -> bool:
        """Whether tables are scalar, codes fit into bytes, and an architecture into a register."""
        sizes = [len(own) for own in tables.single]
        return np.ndim(tables.base) == 0 and 0 < len(sizes) <= LANES and max(sizes) <= 256

    def __call__(self, codes: Codes) -> Floats:
        """Returns the answers for codes (n, genes), shape (n,); bytes row after row are read as they stand.

        Raises:
            ArchitectureError: When a code is not one of its gene's.
        """
        found = np.empty(len(codes))
        is_wrong = codes.ndim != 2 or codes.shape[1] != len(self._sizes) or codes.dtype.kind not in "iu"
        if is_wrong or not all(in_ranges(lambda start, end: self._part(codes[start:end], found[start:end]), len(codes))):
            check_codes(codes, self._sizes)
        return found

    def _part(self, codes: Codes, found: Floats) -> bool:
        """Writes the answers of some rows; False where a code is wrong."""
        if not len(codes):
            return True
        if codes.dtype != np.uint8:
            return all(
                self._narrowed(codes[start : start + NARROWED], found[start : start + NARROWED])
                for start in range(0, len(codes), NARROWED)
            )
        return self._rows(np.ascontiguousarray(codes), found)

    def _narrowed(self, codes: Codes, found: Floats) -> bool:
        """Writes the answers of rows of wider whole numbers."""
        narrow = codes.astype(np.uint8)
        return bool((narrow == codes).all()) and self._part(narrow, found)

    def _rows(self, codes: NDArray[np.uint8], found: Floats) -> bool:
        if self._eights is not None:
            return self._eights(codes, *self._numbers, found)
        sums = _sum_rows(self._groups, self._starts, len(self._sizes))
        return bool(sums(codes, self._last, *self._numbers, found))
