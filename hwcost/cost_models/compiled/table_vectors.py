"""Lookup tables over codes in batches by vector instructions of x86 processors (AVX-512), eight architectures at a time.

The rows of four architectures of up to 16 bytes, of two of up to 32 or of one of up to 64, fill one register. A permutation
gives tables, 16 divided by the rows, four bytes each, one for each of their genes; two instructions that multiply and add
neighbours make these its index. Gathers look eight architectures up in one table after the other, so that each has its
additions in the same order as :class:`Tables`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial, reduce
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from hwcost._types import Floats
from hwcost.cost_models.compiled import avx512
from hwcost.cost_models.compiled.avx512 import instruction
from hwcost.cost_models.compiled.group_arrays import GroupArrays

__all__ = ["Eights"]

LANES, EIGHT, PLACED = 64, 8, 16
"""Bytes of a register, architectures of a step, and places in tables that a register holds."""

MOST_TABLES, MOST_CODES = 16, 256
"""Tables at the most, and choices of a gene, whose codes are bytes."""

LARGEST = 127
"""Largest factor of a byte in the multiplying instruction."""

BYTE, SHORT, WORD, LONG = (ir.IntType(bits) for bits in (8, 16, 32, 64))
BYTES, SHORTS, WORDS = ir.VectorType(BYTE, LANES), ir.VectorType(SHORT, 32), ir.VectorType(WORD, 16)
PLACES, NUMBERS = ir.VectorType(WORD, 8), ir.VectorType(ir.DoubleType(), 8)

Pairs = tuple[list[tuple[int, int]], list[tuple[int, int]]]
"""Genes of a table in two pairs, and the factor that each one's code has in the table's index."""


def _pairs(group: list[tuple[int, int]]) -> Pairs | None:
    """Divides the genes of a table into two pairs, of which either may have fewer; None where there is no way."""
    for cut in range(len(group) + 1):
        pairs = group[:cut], group[cut:]
        if all(len(pair) < 2 or (len(pair) == 2 and pair[0][1] // pair[1][1] <= LARGEST) for pair in pairs):
            return pairs
    return None


def _rows(genes: int) -> int:
    """Returns the number of architectures in a register."""
    return 4 if genes <= 16 else 2 if genes <= 32 else 1


def _layout(pairs: list[Pairs], sizes: Sequence[int]) -> NDArray[np.uint8]:
    """Returns registers of bytes, shape (1 + 3 for all tables whose places a register holds, 64).

    The largest code of the gene that stands at each byte of the rows; and for every so many tables the byte of the rows that
    each lane takes, its factor, and the factors of the pairs of lanes, 16 bits each.
    """
    genes = len(sizes)
    rows = _rows(genes)
    count = PLACED // rows
    found = [[sizes[lane % genes] - 1 for lane in range(LANES)]]
    for first in range(0, len(pairs), count):
        slots = [*pairs[first : first + count], *[([], [])] * count][:count]
        lanes, factors, of_pairs = list[int](), list[int](), list[int]()
        for row in range(rows):
            for pair in (pair for both in slots for pair in both):
                of_pairs.append(pair[-1][1] if pair else 0)
                filled = [(row * genes + gene, factor // of_pairs[-1]) for gene, factor in pair] + [(0, 0)] * (2 - len(pair))
                lanes += [lane for lane, _ in filled]
                factors += [factor for _, factor in filled]
        found += [lanes, factors, np.array(of_pairs, dtype=np.int16).view(np.uint8).tolist()]
    return np.array(found, dtype=np.uint8)


# -- pieces of intermediate code ------------------------------------------------------------------------------------------


def _spread(build: Any, number: Any) -> Any:
    """Puts one number into all lanes."""
    empty = ir.Constant(NUMBERS, ir.Undefined)
    first = build.insert_element(empty, number, ir.Constant(WORD, 0))
    return build.shuffle_vector(first, empty, ir.Constant(PLACES, [0] * 8))


def _at(build: Any, pointer: Any, offset: Any) -> Any:
    return build.gep(pointer, [offset])


def _load(build: Any, pointer: Any, vector: Any) -> Any:
    return build.load(build.bitcast(pointer, vector.as_pointer()), align=1)


def _larger(build: Any, one: Any, other: Any) -> Any:
    return build.select(build.icmp_unsigned(">", one, other), one, other)


def _smaller(build: Any, one: Any, other: Any) -> Any:
    return build.select(build.icmp_unsigned("<", one, other), one, other)


def _long(number: int) -> ir.Constant:
    return ir.Constant(LONG, number)


# -- the kernel -------------------------------------------------------------------------------------------------------------


def _places(build: Any, codes: Any, layout: Sequence[Any]) -> Any:
    """Emits the places of the architectures of a register in as many tables as fit."""
    lanes, factors, of_pairs = layout
    chosen = instruction(build, "llvm.x86.avx512.permvar.qi.512", BYTES, codes, lanes)
    halves = instruction(build, "llvm.x86.avx512.pmaddubs.w.512", SHORTS, chosen, factors)
    return instruction(build, "llvm.x86.avx512.pmaddw.d.512", WORDS, halves, of_pairs)


def _looked_up(build: Any, table: Any, places: Any) -> Any:
    """Emits the numbers of eight architectures in a table."""
    every, nothing = ir.Constant(ir.VectorType(ir.IntType(1), 8), [1] * 8), ir.Constant(NUMBERS, None)
    first, width = build.bitcast(table, BYTE.as_pointer()), ir.Constant(WORD, 8)
    return instruction(build, "llvm.x86.avx512.mask.gather.dpd.512", NUMBERS, nothing, first, places, every, width)


def _of_table(build: Any, places: list[Any], slot: int, rows: int) -> Any:
    """Emits the places of eight architectures in one table, of registers that hold some rows each."""
    lanes = ir.Constant(ir.VectorType(WORD, rows), [PLACED // rows * row + slot for row in range(rows)])
    parts = [build.shuffle_vector(one, one, lanes) for one in places]
    while len(parts) > 1:
        both = ir.Constant(ir.VectorType(WORD, 2 * parts[0].type.count), list(range(2 * parts[0].type.count)))
        parts = [build.shuffle_vector(low, high, both) for low, high in zip(parts[::2], parts[1::2], strict=True)]
    return parts[0]


@lru_cache(maxsize=MOST_TABLES)
def _sums_function(tables: int, rows: int) -> Any:
    """Compiles the sums of row-major codes over a number of tables, eight architectures a step and some in a register.

    Only the loop is compiled code: all that is done once for a batch takes numba longer to compile than NumPy to do.
    """
    slots = PLACED // rows

    @intrinsic
    def add_eights(
        typing: Any, codes: Any, steps: Any, genes: Any, layout: Any, starts: Any, table: Any, finish: Any, found: Any,
        largest: Any,
    ) -> Any:  # fmt: skip
        """Writes the answers of eight architectures a step, and the largest code that each lane had."""

        def emit(context: Any, build: Any, signature: Any, given: Any) -> Any:
            source, laid, first, numbers, last, target, seen = (
                context.make_array(signature.args[at])(context, build, given[at]).data for at in (0, 3, 4, 5, 6, 7, 8)
            )
            kinds = [BYTES, *[BYTES, BYTES, SHORTS] * -(-tables // slots)]
            largest, *held = [_load(build, _at(build, laid, _long(LANES * row)), kind) for row, kind in enumerate(kinds)]
            common, factor, least = (_spread(build, build.load(_at(build, last, _long(at)))) for at in range(3))
            columns = [_at(build, numbers, build.load(_at(build, first, _long(slot)))) for slot in range(tables)]
            most = cgutils.alloca_once_value(build, _load(build, seen, BYTES))
            with cgutils.for_range(build, given[1]) as loop:
                row = build.mul(loop.index, _long(EIGHT))
                firsts = [build.mul(build.add(row, _long(first)), given[2]) for first in range(0, EIGHT, rows)]
                loads = [_load(build, _at(build, source, first), BYTES) for first in firsts]
                build.store(reduce(partial(_larger, build), loads, build.load(most)), most)
                known, total, places = [_smaller(build, one, largest) for one in loads], common, []
                for table, column in enumerate(columns):
                    if table % slots == 0:
                        start = table // slots * 3
                        places = [_places(build, one, held[start : start + 3]) for one in known]
                    where = _of_table(build, places, table % slots, rows)
                    total = build.fadd(total, _looked_up(build, column, where))
                value = build.fmul(total, factor)
                answer = build.select(build.fcmp_ordered(">", value, least), value, least)
                build.store(answer, build.bitcast(_at(build, target, row), NUMBERS.as_pointer()), align=8)
            build.store(build.load(most), build.bitcast(seen, BYTES.as_pointer()), align=1)
            return context.get_dummy_value()

        counts, doubles = [types.int64] * 2, [types.float64[::1]] * 3
        return types.void(codes, *counts, types.uint8[::1], types.int64[::1], *doubles, types.uint8[::1]), emit

    @njit(
        types.void(
            types.Array(types.uint8, 1, "C", readonly=True), types.int64, types.int64, types.uint8[::1], types.int64[::1],
            types.float64[::1], types.float64[::1], types.float64[::1], types.uint8[::1],
        ),
        nogil=True,
    )  # fmt: skip
    def sums(
        codes: Any, steps: Any, genes: Any, layout: Any, starts: Any, table: Any, finish: Any, found: Any, largest: Any
    ) -> None:
        add_eights(codes, steps, genes, layout, starts, table, finish, found, largest)

    return sums


class Eights:
    """Sums of row-major codes; see :meth:`of`.

    Args:
        pairs: Genes of each table in two pairs, with their factors.
        groups: The tables.
        sizes: Number of choices of every gene.
    """

    def __init__(self, pairs: list[Pairs], groups: GroupArrays, sizes: Sequence[int]) -> None:
        layout = _layout(pairs, sizes)
        self._tables, self._last, self._genes, self._numbers = len(pairs), layout[0], len(sizes), groups.numbers
        self._laid = layout.ravel(), groups.starts

    @classmethod
    def of(cls, groups: GroupArrays, sizes: Sequence[int]) -> Eights | None:
        """Returns the loop over row-major codes; None for other processors, and for tables of another layout.

        Args:
            groups: The tables.
            sizes: Number of choices of every gene.
        """
        pairs: list[Pairs] = []
        for members in zip(groups.members.tolist(), groups.factors.tolist(), strict=True):
            found = _pairs([(gene, factor) for gene, factor in zip(*members, strict=True) if factor])
            pairs += [] if found is None else [found]
        fits = 0 < len(sizes) <= LANES and max(sizes) <= MOST_CODES
        fits = fits and len(pairs) == len(groups.starts) <= MOST_TABLES
        return cls(pairs, groups, sizes) if fits and avx512.has("avx512bw", "avx512vbmi") else None

    def __call__(self, codes: NDArray[np.uint8], scale: float, floor: float, found: Floats) -> bool:
        """Writes ``max((base + sum of numbers) * scale, floor)`` of every row; returns whether all codes are right.

        Args:
            codes: Codes, shape (n, genes), row after row.
            scale: Factor of sums.
            floor: Least answer.
            found: The answers, shape (n,).
        """
        step, flat, largest = EIGHT * self._genes, codes.reshape(-1), np.zeros(LANES, np.uint8)
        rows = _rows(self._genes)
        reach = (EIGHT - rows) * self._genes + LANES  # bytes from the first one of a step to the last that is loaded
        steps = max(0, (len(flat) - reach) // step + 1)
        done, left = EIGHT * steps, flat[steps * step :]
        more = -(-len(left) // step)
        tail, answers = np.zeros(more * step + LANES, np.uint8), np.empty(more * EIGHT)
        tail[: len(left)] = left
        add, finish = _sums_function(self._tables, rows), np.array([self._numbers[0], scale, floor])
        add(flat, steps, self._genes, *self._laid, self._numbers, finish, found, largest)
        add(tail, more, self._genes, *self._laid, self._numbers, finish, answers, largest)
        found[done:] = answers[: len(found) - done]
        return bool((largest <= self._last).all())
