"""Lookup tables over codes in batches by vector instructions of x86 processors (AVX-512), eight architectures at a time.

The rows of four architectures, up to 16 bytes each, fill one register. A permutation gives every table four bytes, one for
each of its genes; two instructions that multiply and add neighbours make these its index. Gathers look eight architectures
up in one table after the other, so that each has its additions in the same order as :class:`Tables`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

__all__ = ["Groups", "sum_eights"]

Groups = tuple[tuple[tuple[int, int], ...], ...]
"""Genes of each table, and the factor that each one's code has in the table's index."""

FEATURES = ("avx512f", "avx512bw", "avx512vbmi")
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


@lru_cache(maxsize=SLOTS)
def _sums_function(tables: int) -> Any:
    """Compiles the sums of row-major codes over a number of tables."""

    @intrinsic
    def add_eights(
        typing: Any, codes: Any, steps: Any, genes: Any, layout: Any, starts: Any, table: Any, base: Any, scale: Any,
        floor: Any, found: Any, largest: Any,
    ) -> Any:  # fmt: skip
        """Writes the answers of eight architectures a step, and the largest code that each lane had."""

        def emit(context: Any, build: Any, signature: Any, given: Any) -> Any:
            source, laid, first, numbers, target, seen = (
                context.make_array(signature.args[at])(context, build, given[at]).data for at in (0, 3, 4, 5, 9, 10)
            )
            lanes, factors, of_pairs, last = (
                _load(build, _at(build, laid, _long(LANES * row)), kind)
                for row, kind in enumerate((BYTES, BYTES, SHORTS, BYTES))
            )
            common, factor, least = (_spread(build, given[at]) for at in (6, 7, 8))
            columns = [_at(build, numbers, build.load(_at(build, first, _long(slot)))) for slot in range(tables)]
            every, nothing = ir.Constant(ir.VectorType(ir.IntType(1), 8), [1] * 8), ir.Constant(NUMBERS, None)
            most = cgutils.alloca_once_value(build, _load(build, seen, BYTES))

            def places(row: Any) -> Any:
                """Emits the places of four architectures in all tables."""
                read = _load(build, _at(build, source, build.mul(row, given[2])), BYTES)
                build.store(_larger(build, read, build.load(most)), most)
                name = "llvm.x86.avx512.permvar.qi.512"
                chosen = _instruction(build, name, BYTES, _smaller(build, read, last), lanes)
                halves = _instruction(build, "llvm.x86.avx512.pmaddubs.w.512", SHORTS, chosen, factors)
                return _instruction(build, "llvm.x86.avx512.pmaddw.d.512", WORDS, halves, of_pairs)

            with cgutils.for_range(build, given[1]) as loop:
                row = build.mul(loop.index, _long(2 * ROWS))
                both, total = [places(row), places(build.add(row, _long(ROWS)))], common
                for slot, column in enumerate(columns):
                    where = ir.Constant(PLACES, [SLOTS * row + slot for row in range(2 * ROWS)])
                    chosen = build.shuffle_vector(*both, where)
                    base_of = build.bitcast(column, BYTE.as_pointer())
                    name = "llvm.x86.avx512.mask.gather.dpd.512"
                    got = _instruction(build, name, NUMBERS, nothing, base_of, chosen, every, ir.Constant(WORD, 8))
                    total = build.fadd(total, got)
                value = build.fmul(total, factor)
                answer = build.select(build.fcmp_ordered(">", value, least), value, least)
                build.store(answer, build.bitcast(_at(build, target, row), NUMBERS.as_pointer()), align=8)
            build.store(build.load(most), build.bitcast(seen, BYTES.as_pointer()), align=1)
            return context.get_dummy_value()

        counts, doubles = [types.int64] * 2, [types.float64] * 3
        return types.void(codes, *counts, layout, starts, table, *doubles, found, largest), emit

    @njit(
        types.boolean(
            types.Array(types.uint8, 2, "C", readonly=True), types.uint8[:, ::1], types.int64[::1], types.float64[::1],
            types.float64, types.float64, types.float64, types.float64[::1],
        ),
        nogil=True,
    )  # fmt: skip
    def sums(
        codes: Any, layout: Any, starts: Any, table: Any, base: Any, scale: Any, floor: Any, found: Any
    ) -> bool:  # fmt: skip
        count, genes, largest = codes.shape[0], codes.shape[1], np.zeros(LANES, np.uint8)
        flat, laid = codes.reshape(-1), layout.reshape(-1)
        reach = ROWS * genes + LANES  # bytes from the first one of eight architectures to the last that is loaded
        steps = (flat.shape[0] - reach) // (2 * ROWS * genes) + 1 if flat.shape[0] >= reach else 0
        add_eights(flat, steps, genes, laid, starts, table, base, scale, floor, found, largest)
        done = 2 * ROWS * steps
        left = count - done
        tail, answers = np.zeros(left * genes + 2 * reach, np.uint8), np.empty(left + 2 * ROWS)
        tail[: left * genes] = flat[done * genes :]
        add_eights(
            tail, (left + 2 * ROWS - 1) // (2 * ROWS), genes, laid, starts, table, base, scale, floor, answers, largest
        )  # fmt: skip
        found[done:] = answers[:left]
        is_right = True
        for lane in range(LANES):
            is_right &= largest[lane] <= laid[3 * LANES + lane]
        return is_right

    return sums


def sum_eights(groups: Groups, starts: tuple[int, ...], sizes: tuple[int, ...]) -> Callable[..., bool] | None:
    """Returns the loop over row-major codes; None for other processors, and for tables of another layout.

    Args:
        groups: Genes of each table with their factors.
        starts: Place of the first number of each table.
        sizes: Number of choices of every gene.

    Returns:
        A function of codes (n, genes), the numbers of all tables, what is common to all, the factor of sums, the least
        answer, and the answers (n,), which it writes; False where a code is wrong.
    """
    has = llvm.get_host_cpu_features()
    pairs = [found for found in map(_pairs, groups) if found is not None]
    fits = len(sizes) <= LANES // ROWS and len(pairs) == len(groups) <= SLOTS
    if not fits or not all(has.get(feature, False) for feature in FEATURES):
        return None
    layout, places = _layout(pairs, sizes), np.array(starts, dtype=np.int64)

    def sums(codes: Any, table: Any, base: float, scale: float, floor: float, found: Any) -> bool:
        return bool(_sums_function(len(groups))(codes, layout, places, table, base, scale, floor, found))

    return sums
