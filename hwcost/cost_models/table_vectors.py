"""Lookup tables over codes in batches by vector instructions of x86 processors (AVX-512), eight architectures at a time.

The rows of four architectures, up to 16 bytes each, fill one register. A permutation gives every table four bytes, one for
each of its genes; two instructions that multiply and add neighbours make these its index. Gathers look eight architectures
up in one table after the other, so that each has its additions in the same order as :class:`Tables`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["Groups", "sum_eights"]

Groups = tuple[tuple[tuple[int, int], ...], ...]
"""Genes of each table, and the factor that each one's code has in the table's index."""

FEATURES = ("avx512f", "avx512bw")
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


def _laid_out(pairs: list[Pairs], genes: int) -> tuple[list[int], list[int], list[int]]:
    """Returns the byte of four rows that each lane takes, its factor, and the factors of the pairs of lanes."""
    lanes, factors, of_pairs = [], [], []
    for row in range(ROWS):
        for slot in range(SLOTS):
            for pair in pairs[slot] if slot < len(pairs) else ((), ()):
                of_pair = pair[-1][1] if pair else 0
                both = [(row * genes + gene, factor // of_pair) for gene, factor in pair] + [(0, 0)] * (2 - len(pair))
                lanes += [lane for lane, _ in both]
                factors += [factor for _, factor in both]
                of_pairs.append(of_pair)
    return lanes, factors, of_pairs


def _instruction(build: Any, name: str, result: Any, *operands: Any) -> Any:
    """Emits an instruction of the processor."""
    known = build.module.globals
    kind = ir.FunctionType(result, [one.type for one in operands])
    function = known[name] if name in known else ir.Function(build.module, kind, name)
    return build.call(function, operands)


def _spread(build: Any, number: Any) -> Any:
    """Puts one number into all lanes."""
    empty = ir.Constant(NUMBERS, ir.Undefined)
    first = build.insert_element(empty, number, ir.Constant(WORD, 0))
    return build.shuffle_vector(first, empty, ir.Constant(PLACES, [0] * 8))


def _larger(build: Any, one: Any, other: Any) -> Any:
    return build.select(build.icmp_unsigned(">", one, other), one, other)


def _smaller(build: Any, one: Any, other: Any) -> Any:
    return build.select(build.icmp_unsigned("<", one, other), one, other)


def _signed(byte: int) -> int:
    """Returns the signed number that has the bits of a byte."""
    return byte - 256 if byte > LARGEST else byte


@lru_cache(maxsize=16)
def sum_eights(groups: Groups, starts: tuple[int, ...], sizes: tuple[int, ...]) -> Any | None:
    """Compiles the sums of row-major codes; None for other processors, and tables of another layout.

    Args:
        groups: Genes of each table with their factors.
        starts: Place of the first number of each table.
        sizes: Number of choices of every gene.
    """
    genes, has = len(sizes), llvm.get_host_cpu_features()
    pairs = [found for found in map(_pairs, groups) if found is not None]
    fits = genes <= LANES // ROWS and len(pairs) == len(groups) <= SLOTS
    if not fits or not all(has.get(feature, False) for feature in FEATURES):
        return None
    lanes, factors, of_pairs = _laid_out(pairs, genes)
    last = ir.Constant(BYTES, [_signed(sizes[lane % genes] - 1) for lane in range(LANES)])

    def places(build: Any, codes: Any) -> Any:
        """Emits the places of four architectures in all tables."""
        chosen = build.shuffle_vector(codes, codes, ir.Constant(ir.VectorType(WORD, LANES), lanes))
        halves = _instruction(build, "llvm.x86.avx512.pmaddubs.w.512", SHORTS, chosen, ir.Constant(BYTES, factors))
        return _instruction(build, "llvm.x86.avx512.pmaddw.d.512", WORDS, halves, ir.Constant(SHORTS, of_pairs))

    @intrinsic
    def add_eights(
        typing: Any, codes: Any, steps: Any, table: Any, base: Any, scale: Any, floor: Any, found: Any, largest: Any
    ) -> Any:
        """Writes the answers of eight architectures a step, and the largest code that each lane had."""

        def emit(context: Any, build: Any, signature: Any, given: Any) -> Any:
            source, numbers, target, seen = (
                context.make_array(signature.args[at])(context, build, given[at]).data for at in (0, 2, 6, 7)
            )
            common, factor, least = (_spread(build, given[at]) for at in (3, 4, 5))
            most = cgutils.alloca_once_value(build, ir.Constant(BYTES, None))
            with cgutils.for_range(build, given[1]) as loop:
                both = []
                for half in range(2):
                    row = build.add(build.mul(loop.index, ir.Constant(LONG, 2 * ROWS)), ir.Constant(LONG, ROWS * half))
                    first = build.gep(source, [build.mul(row, ir.Constant(LONG, genes))])
                    read = build.load(build.bitcast(first, BYTES.as_pointer()), align=1)
                    build.store(_larger(build, read, build.load(most)), most)
                    both.append(places(build, _smaller(build, read, last)))
                total = common
                for slot, start in enumerate(starts):
                    where = [SLOTS * row + slot for row in range(2 * ROWS)]
                    chosen = build.shuffle_vector(*both, ir.Constant(PLACES, where))
                    column = build.bitcast(build.gep(numbers, [ir.Constant(LONG, start)]), BYTE.as_pointer())
                    every = ir.Constant(ir.VectorType(ir.IntType(1), 8), [1] * 8)
                    name, nothing = "llvm.x86.avx512.mask.gather.dpd.512", ir.Constant(NUMBERS, None)
                    got = _instruction(build, name, NUMBERS, nothing, column, chosen, every, ir.Constant(WORD, 8))
                    total = build.fadd(total, got)
                value = build.fmul(total, factor)
                answer = build.select(build.fcmp_ordered(">", value, least), value, least)
                there = build.gep(target, [build.mul(loop.index, ir.Constant(LONG, 2 * ROWS))])
                build.store(answer, build.bitcast(there, NUMBERS.as_pointer()), align=8)
            before = build.bitcast(seen, BYTES.as_pointer())
            build.store(_larger(build, build.load(most), build.load(before, align=1)), before, align=1)
            return context.get_dummy_value()

        return types.void(codes, types.int64, table, *[types.float64] * 3, found, largest), emit

    @njit(nogil=True)
    def sums(codes: Any, last: Any, table: Any, base: Any, scale: Any, floor: Any, found: Any) -> bool:
        flat, count, largest = codes.reshape(-1), codes.shape[0], np.zeros(LANES, np.uint8)
        reach = ROWS * genes + LANES  # bytes from the first one of eight architectures to the last that is loaded
        steps = (flat.shape[0] - reach) // (2 * ROWS * genes) + 1 if flat.shape[0] >= reach else 0
        add_eights(flat, steps, table, base, scale, floor, found, largest)
        done = 2 * ROWS * steps
        tail, answers = np.zeros((count - done) * genes + 2 * reach, np.uint8), np.empty(count - done + 2 * ROWS)
        tail[: (count - done) * genes] = flat[done * genes :]
        add_eights(tail, (count - done + 2 * ROWS - 1) // (2 * ROWS), table, base, scale, floor, answers, largest)
        found[done:] = answers[: count - done]
        is_right = True
        for lane in range(LANES):
            is_right &= largest[lane] <= last[lane % genes]
        return is_right

    return sums
