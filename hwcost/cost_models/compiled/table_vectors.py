"""Lookup tables over codes in batches by vector instructions of x86 processors (AVX-512), eight architectures at a time.

The rows of four architectures, up to 16 bytes each, fill one register. A permutation gives every table four bytes, one for
each of its genes; two instructions that multiply and add neighbours make these its index. Gathers look eight architectures
up in one table after the other, so that each has its additions in the same order as :class:`Tables`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from hwcost.cost_models.compiled import avx512
from hwcost.cost_models.compiled.avx512 import instruction

__all__ = ["Eights", "Groups", "sum_eights"]

Groups = tuple[tuple[tuple[int, int], ...], ...]
"""Genes of each table, and the factor that each one's code has in the table's index."""

LANES, ROWS, SLOTS = 64, 4, 4
"""Bytes of a register, the architectures that it holds, and the tables of each of them."""

LARGEST = 127
"""Largest factor of a byte in the multiplying instruction."""

BYTE, SHORT, WORD, LONG = (ir.IntType(bits) for bits in (8, 16, 32, 64))
BYTES, SHORTS, WORDS = ir.VectorType(BYTE, LANES), ir.VectorType(SHORT, 32), ir.VectorType(WORD, 16)
PLACES, NUMBERS = ir.VectorType(WORD, 8), ir.VectorType(ir.DoubleType(), 8)

Pairs = tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]


def _pairs(group: tuple[tuple[int, int], ...]) -> Pairs | None:
    """Divides the genes of a table into two pairs, of which either may have fewer; None where there is no way."""
    for cut in range(len(group) + 1):
        pairs = group[:cut], group[cut:]
        if all(len(pair) < 2 or (len(pair) == 2 and pair[0][1] // pair[1][1] <= LARGEST) for pair in pairs):
            return pairs
    return None


def _layout(pairs: list[Pairs], sizes: Sequence[int]) -> NDArray[np.uint8]:
    """Returns four registers of bytes, shape (4, 64).

    The byte of four rows that each lane takes; its factor; the factors of the pairs of lanes, 16 bits each; and the largest
    code of the gene that stands at each byte of a register.
    """
    genes, lanes, factors, of_pairs = len(sizes), list[int](), list[int](), list[int]()
    for row in range(ROWS):
        for pair in (pair for slot in range(SLOTS) for pair in (pairs[slot] if slot < len(pairs) else ((), ()))):
            of_pair = pair[-1][1] if pair else 0
            both = [(row * genes + gene, factor // of_pair) for gene, factor in pair] + [(0, 0)] * (2 - len(pair))
            lanes += [lane for lane, _ in both]
            factors += [factor for _, factor in both]
            of_pairs.append(of_pair)
    last = [sizes[lane % genes] - 1 for lane in range(LANES)]
    as_bytes = np.array(of_pairs, dtype=np.int16).view(np.uint8)
    return np.stack([np.array(one, dtype=np.uint8) for one in (lanes, factors, as_bytes, last)])


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


def _places(build: Any, codes: Any, layout: tuple[Any, ...], most: Any) -> Any:
    """Emits the places of four architectures in all tables, and keeps the largest code of each lane in ``most``."""
    lanes, factors, of_pairs, last = layout
    build.store(_larger(build, codes, build.load(most)), most)
    name = "llvm.x86.avx512.permvar.qi.512"
    chosen = instruction(build, name, BYTES, _smaller(build, codes, last), lanes)
    halves = instruction(build, "llvm.x86.avx512.pmaddubs.w.512", SHORTS, chosen, factors)
    return instruction(build, "llvm.x86.avx512.pmaddw.d.512", WORDS, halves, of_pairs)


def _looked_up(build: Any, table: Any, places: Any) -> Any:
    """Emits the numbers of eight architectures in a table."""
    every, nothing = ir.Constant(ir.VectorType(ir.IntType(1), 8), [1] * 8), ir.Constant(NUMBERS, None)
    first, width = build.bitcast(table, BYTE.as_pointer()), ir.Constant(WORD, 8)
    return instruction(build, "llvm.x86.avx512.mask.gather.dpd.512", NUMBERS, nothing, first, places, every, width)


@lru_cache(maxsize=SLOTS)
def _sums_function(tables: int) -> Any:
    """Compiles the sums of row-major codes over a number of tables, eight architectures a step.

    Only the loop is compiled code: all that is done once for a batch takes numba longer to compile than NumPy to do.
    """

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
            kinds = (BYTES, BYTES, SHORTS, BYTES)
            held = tuple(_load(build, _at(build, laid, _long(LANES * row)), kind) for row, kind in enumerate(kinds))
            common, factor, least = (_spread(build, build.load(_at(build, last, _long(at)))) for at in range(3))
            columns = [_at(build, numbers, build.load(_at(build, first, _long(slot)))) for slot in range(tables)]
            most = cgutils.alloca_once_value(build, _load(build, seen, BYTES))
            with cgutils.for_range(build, given[1]) as loop:
                row = build.mul(loop.index, _long(2 * ROWS))
                pair = [build.mul(one, given[2]) for one in (row, build.add(row, _long(ROWS)))]
                both = [_places(build, _load(build, _at(build, source, one), BYTES), held, most) for one in pair]
                total = common
                for slot, column in enumerate(columns):
                    where = ir.Constant(PLACES, [SLOTS * row + slot for row in range(2 * ROWS)])
                    total = build.fadd(total, _looked_up(build, column, build.shuffle_vector(*both, where)))
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
    """Sums of row-major codes; see :func:`sum_eights`.

    Args:
        pairs: Genes of each table in two pairs, with their factors.
        starts: Place of the first number of each table.
        sizes: Number of choices of every gene.
    """

    def __init__(self, pairs: list[Pairs], starts: Sequence[int], sizes: Sequence[int]) -> None:
        layout = _layout(pairs, sizes)
        self._tables, self._last, self._genes = len(pairs), layout[-1], len(sizes)
        self._laid = layout.ravel(), np.array(starts, dtype=np.int64)

    def __call__(self, codes: NDArray[np.uint8], table: Any, base: float, scale: float, floor: float, found: Any) -> bool:
        """Writes ``max((base + sum of numbers) * scale, floor)`` of every row; returns whether all codes are right.

        Args:
            codes: Codes, shape (n, genes), row after row.
            table: Numbers of all tables.
            base: Number that is common to all sums.
            scale: Factor of sums.
            floor: Least answer.
            found: The answers, shape (n,).
        """
        step, flat, largest = 2 * ROWS * self._genes, codes.reshape(-1), np.zeros(LANES, np.uint8)
        reach = ROWS * self._genes + LANES  # bytes from the first one of eight architectures to the last that is loaded
        steps = max(0, (len(flat) - reach) // step + 1)
        done, left = 2 * ROWS * steps, flat[steps * step :]
        more = -(-len(left) // step)
        tail, answers = np.zeros(more * step + LANES, np.uint8), np.empty(more * 2 * ROWS)
        tail[: len(left)] = left
        add, finish = _sums_function(self._tables), np.array([base, scale, floor], dtype=np.float64)
        add(flat, steps, self._genes, *self._laid, table, finish, found, largest)
        add(tail, more, self._genes, *self._laid, table, finish, answers, largest)
        found[done:] = answers[: len(found) - done]
        return bool((largest <= self._last).all())


def sum_eights(groups: Groups, starts: tuple[int, ...], sizes: tuple[int, ...]) -> Eights | None:
    """Returns the loop over row-major codes; None for other processors, and for tables of another layout.

    Args:
        groups: Genes of each table with their factors.
        starts: Place of the first number of each table.
        sizes: Number of choices of every gene.
    """
    pairs = [found for found in map(_pairs, groups) if found is not None]
    fits = len(sizes) <= LANES // ROWS and len(pairs) == len(groups) <= SLOTS
    return Eights(pairs, starts, sizes) if fits and avx512.has("avx512bw", "avx512vbmi") else None
