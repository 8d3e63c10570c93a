"""The sums of many architectures' leaves as machine code, for any processor: the planes of bits of ``forest_planes``.

A plane holds one bit of 512 architectures in the words of a vector, which LLVM spreads over as many registers as the
processor needs. Only how values are looked up by the numbers of leaves depends on the processor: by permutations of
registers that hold the leaves of a tree where it has AVX-512, which makes batches ten times as fast, and else one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from hwcost._cached import cached_property
from hwcost._types import Floats
from hwcost.cost_models.compiled import avx512
from hwcost.cost_models.compiled.avx512 import instruction
from hwcost.cost_models.compiled.closing import Closing
from hwcost.cost_models.compiled.forest import Bytes, Forest
from hwcost.cost_models.compiled.forest_bits import NodeBits
from hwcost.cost_models.compiled.forest_planes import BITS, LOWER
from hwcost.cost_models.compiled.native import function
from hwcost.cost_models.compiled.ranks import Ranks

__all__ = ["KernelEngine"]

LANES, WORDS = 64, 8
"""Bytes of a plane, and words of 64 bits."""

ROWS = BITS * LANES
"""Architectures of a plane, 64 a row."""

GROUP = 16
"""Bytes of leaves' numbers that are found at a time for each architecture, so that they stay in the cache."""

BYTE, WORD, LONG = ir.IntType(8), ir.IntType(32), ir.IntType(64)
BYTES, PLANE = ir.VectorType(BYTE, LANES), ir.VectorType(LONG, WORDS)


# -- pieces of intermediate code ----------------------------------------------------------------------------------------


def _all(vector: ir.VectorType, value: int) -> ir.Constant:
    return ir.Constant(vector, [value] * vector.count)


def _long(number: int) -> ir.Constant:
    return ir.Constant(LONG, number)


def _load(build: Any, pointer: Any, vector: Any, align: int = LANES) -> Any:
    return build.load(build.bitcast(pointer, vector.as_pointer()), align=align)


def _store(build: Any, value: Any, pointer: Any, align: int = LANES) -> None:
    build.store(value, build.bitcast(pointer, value.type.as_pointer()), align=align)


def _bits(build: Any, depth: int, test: Callable[[int], Any], node: int = 0) -> list[Any]:
    """Selects the bits of the number of the leaf below a node, the highest first; each is a plane.

    Args:
        build: Builder of the code.
        depth: Levels of nodes from this one on.
        test: Function that emits which architectures go right at a node.
        node: Node that the network begins with.
    """
    here = test(node)
    if depth == 1:
        return [here]
    left, right = (_bits(build, depth - 1, test, 2 * node + side) for side in (1, 2))
    pairs = zip(right, left, strict=True)
    return [here, *(build.xor(low, build.and_(here, build.xor(low, high))) for high, low in pairs)]


def _exchange(build: Any, planes: list[Any]) -> None:
    """Exchanges planes and the bits of every byte: bit k of byte b in plane p becomes bit p of byte b in plane k."""
    for width, lower in LOWER.items():
        shift = _all(PLANE, width)
        for place in (place for place in range(BITS) if not place & width):
            low, high = planes[place], planes[place + width]
            moved = build.and_(build.xor(build.lshr(low, shift), high), _all(PLANE, lower))
            planes[place], planes[place + width] = build.xor(low, build.shl(moved, shift)), build.xor(high, moved)


class _Values:
    """Look-ups of leaves' values by permutations; the numbers are bytes of lanes that are as wide as a value.

    Each look-up reads the lowest byte of a lane, and as few of its bits as it needs.

    Args:
        is_single: Whether values have 32 bits and not 64.

    Attributes:
        lanes: Values in a register.
        turns: Numbers in a lane.
    """

    def __init__(self, is_single: bool) -> None:
        self.lanes = 16 if is_single else 8
        self.turns = LANES // self.lanes
        self.vector = ir.VectorType(ir.FloatType() if is_single else ir.DoubleType(), self.lanes)
        self.index = ir.VectorType(WORD if is_single else LONG, self.lanes)
        self._one = f"llvm.x86.avx512.permvar.{'sf' if is_single else 'df'}.512"
        self._two = f"llvm.x86.avx512.vpermi2var.{'ps' if is_single else 'pd'}.512"

    def __call__(self, build: Any, tables: list[Any], places: Any) -> Any:
        """Emits the values in the registers of a tree at the places of the lanes."""
        if len(tables) == 1:
            return instruction(build, self._one, self.vector, tables[0], places)
        if len(tables) == 2:
            return instruction(build, self._two, self.vector, tables[0], places, tables[1])
        half = len(tables) // 2
        low, high = self(build, tables[:half], places), self(build, tables[half:], places)
        bit = build.and_(places, _all(self.index, half * self.lanes))
        return build.select(build.icmp_unsigned("!=", bit, _all(self.index, 0)), high, low)


def _at(context: Any, build: Any, signature: Any, given: Any, array: int) -> Any:
    """Returns the address of an element, by an array and the argument behind it."""
    data = context.make_array(signature.args[array])(context, build, given[array]).data
    return build.gep(data, [given[array + 1]])


@intrinsic
def _answer(typing: Any, ranks: Any, rank: Any, cut: Any, answers: Any, place: Any) -> Any:
    """Answers whether 512 ranks have passed a cut: bit i of byte j is that of architecture 64 i + j."""

    def emit(context: Any, build: Any, signature: Any, given: Any) -> Any:
        known, found = (_at(context, build, signature, given, array) for array in (0, 3))
        empty, none = ir.Constant(BYTES, ir.Undefined), _all(BYTES, 0)
        first = build.insert_element(empty, given[2], ir.Constant(WORD, 0))
        cuts, bits = build.shuffle_vector(first, empty, _all(ir.VectorType(WORD, LANES), 0)), none
        for row in range(BITS):
            passed = build.icmp_unsigned(">=", _load(build, build.gep(known, [_long(LANES * row)]), BYTES, 1), cuts)
            bits = build.or_(bits, build.select(passed, _all(BYTES, 1 << row), none))
        _store(build, bits, found)
        return context.get_dummy_value()

    return types.void(ranks, types.int64, types.uint8, answers, types.int64), emit


@njit
def _lead(array: Any) -> Any:
    """Returns the bytes of an array before its first whole register."""
    return -array.ctypes.data % LANES


# -- kernels --------------------------------------------------------------------------------------------------------------


def _numbering(depth: int) -> Any:
    """Returns the function that finds a byte of leaves' numbers for each architecture of a plane."""
    together, nodes = BITS // depth, 2**depth - 1

    @intrinsic
    def number(typing: Any, answers: Any, start: Any, asked: Any, first: Any, numbers: Any, place: Any) -> Any:
        """Writes numbers, shape (8, 64): architecture 64 i + j stands in row i and column j."""

        def emit(context: Any, build: Any, signature: Any, given: Any) -> Any:
            known, questions, found = (_at(context, build, signature, given, array) for array in (0, 2, 4))

            def answer(root: int, node: int) -> Any:
                place = build.zext(build.load(build.gep(questions, [_long(root + node)])), LONG)
                return _load(build, build.gep(known, [place]), PLANE)

            planes: list[Any] = []
            for root in range(0, together * nodes, nodes):
                planes += reversed(_bits(build, depth, partial(answer, root)))
            planes += [_all(PLANE, 0)] * (BITS - len(planes))
            _exchange(build, planes)
            for row, plane in enumerate(planes):
                _store(build, plane, build.gep(found, [_long(LANES * row)]))
            return context.get_dummy_value()

        return types.void(answers, types.int64, asked, types.int64, numbers, types.int64), emit

    return number


def _permuting(depth: int, values: _Values) -> Any:
    """Returns the function that adds the values of a group of bytes for 64 architectures, by permutations."""
    together, width = BITS // depth, max(2**depth, values.lanes)

    @intrinsic
    def add(typing: Any, numbers: Any, row: Any, count: Any, table: Any, first: Any, sums: Any, place: Any) -> Any:
        """Adds to 64 sums, which stand turn by turn, see :class:`_Values`."""

        def emit(context: Any, build: Any, signature: Any, given: Any) -> Any:
            found, leaves, target = (_at(context, build, signature, given, array) for array in (0, 3, 5))
            places = [build.gep(target, [_long(turn * values.lanes)]) for turn in range(values.turns)]
            totals = [cgutils.alloca_once_value(build, _load(build, place, values.vector, 4)) for place in places]
            with cgutils.for_range(build, given[2]) as loop:
                lanes = _load(build, build.gep(found, [build.mul(loop.index, _long(ROWS))]), values.index)
                own = build.gep(leaves, [build.mul(loop.index, _long(together * width))])
                for tree in range(together):
                    starts = range(tree * width, (tree + 1) * width, values.lanes)
                    tables = [_load(build, build.gep(own, [_long(start)]), values.vector, 4) for start in starts]
                    for turn, total in enumerate(totals):
                        shifted = build.lshr(lanes, _all(values.index, BITS * turn + depth * tree))
                        build.store(build.fadd(build.load(total), values(build, tables, shifted)), total)
            for place, total in zip(places, totals, strict=True):
                _store(build, build.load(total), place, 4)
            return context.get_dummy_value()

        return types.void(numbers, types.int64, types.int64, table, types.int64, sums, types.int64), emit

    return add


def _looking_up(depth: int) -> Any:
    """Returns the function that adds the values of a group of bytes for 64 architectures, one by one."""
    together, width = BITS // depth, 2**depth

    @njit
    def add(numbers: Any, row: int, count: int, table: Any, first: int, sums: Any, place: int) -> None:
        for byte in range(count):
            for tree in range(together):
                leaves, shift = first + (byte * together + tree) * width, np.uint8(tree * depth)
                for lane in range(min(LANES, sums.shape[0] - place)):
                    sums[place + lane] += table[leaves + ((numbers[row + byte * ROWS + lane] >> shift) & (width - 1))]

    return add


@lru_cache(maxsize=16)
def _many_function(depth: int, is_single: bool, is_permuted: bool) -> Any:
    """Compiles the sums of architectures; where they are permuted, those of 64 stand turn by turn, see :class:`_Values`."""
    kind, values = types.float32 if is_single else types.float64, _Values(is_single)
    together, nodes, number = BITS // depth, 2**depth - 1, _numbering(depth)
    width = max(2**depth, values.lanes) if is_permuted else 2**depth
    permute, look_up = _permuting(depth, values), _looking_up(depth)

    @njit(
        types.void(
            types.uint8[:, ::1], types.int64[::1], types.uint8[::1], types.uint32[::1], kind[::1], kind[::1],
        ),
        nogil=True,
    )  # fmt: skip
    def many(ranks: Any, columns: Any, cuts: Any, asked: Any, table: Any, sums: Any) -> None:
        answers, numbers = np.empty((columns.shape[0] + 1) * LANES, np.uint8), np.empty(GROUP * ROWS + LANES, np.uint8)
        count, answer, byte = asked.shape[0] // (together * nodes), _lead(answers), _lead(numbers)
        for start in range(0, sums.shape[0], ROWS):
            rows = min((sums.shape[0] - start + LANES - 1) // LANES, BITS)
            for question in range(columns.shape[0]):
                rank = columns[question] * ranks.shape[1] + start
                _answer(ranks, rank, cuts[question], answers, answer + question * LANES)
            for first in range(0, count, GROUP):
                some = min(GROUP, count - first)
                for turn in range(some):
                    number(answers, answer, asked, (first + turn) * together * nodes, numbers, byte + turn * ROWS)
                for row in range(rows):
                    place, leaves = start + row * LANES, first * together * width
                    if is_permuted:
                        permute(numbers, byte + row * LANES, some, table, leaves, sums, place)
                    else:
                        look_up(numbers, byte + row * LANES, some, table, leaves, sums, place)

    return many


def _by_bytes(forest: Forest) -> tuple[NDArray[np.intp], NDArray[Any]]:
    """Divides trees among the bytes that hold the numbers of their leaves, the first tree in the lowest bits.

    Returns:
        Question of each node, shape (bytes, trees of a byte, nodes), and values of the leaves, shape (bytes, trees of a
        byte, leaves). Trees that fill the last byte up add nothing: minus zero.
    """
    asked, together = forest.questions[2], BITS // forest.depth
    missing = -len(asked) % together
    nodes = np.pad(asked, ((0, missing), (0, 0)))
    leaves = np.pad(forest.leaves, ((0, missing), (0, 0)), constant_values=-0.0)
    return nodes.reshape(-1, together, nodes.shape[1]), leaves.reshape(-1, together, leaves.shape[1])


# -- the engine -----------------------------------------------------------------------------------------------------------


class KernelEngine:
    """A forest as machine code.

    Args:
        forest: The forest.
        is_permuted: Whether values are looked up by permutations of registers; None where the processor has them.
    """

    name = "kernels"

    def __init__(self, forest: Forest, is_permuted: bool | None = None) -> None:
        self._forest = forest
        self._is_permuted = avx512.has("avx512f") if is_permuted is None else is_permuted
        values, (nodes, leaves) = _Values(forest.is_single), _by_bytes(forest)
        self._turns, self._lanes = (values.turns, values.lanes) if self._is_permuted else (1, 1)
        self._columns, self._cuts, _ = forest.questions
        self._asked = (LANES * nodes).astype(np.uint32).ravel()
        whole = np.tile(leaves, (1, 1, max(1, values.lanes // leaves.shape[2]))) if self._is_permuted else leaves
        self._table = np.ascontiguousarray(whole).ravel()  # leaves of small trees repeated, so that they fill a register

    def many(self, ranks: Bytes, count: int) -> Floats:
        """Returns the sums of the first ``count`` architectures by their ranks (columns, n), shape (count,)."""
        filled = ranks
        if ranks.shape[1] % ROWS:
            filled = np.zeros((len(ranks), -(-ranks.shape[1] // ROWS) * ROWS), dtype=np.uint8)
            filled[:, : ranks.shape[1]] = ranks
        missing = -count % LANES if self._is_permuted else 0
        sums = np.zeros(count + missing, dtype=self._table.dtype)
        add = _many_function(self._forest.depth, self._forest.is_single, self._is_permuted)
        add(filled, self._columns, self._cuts, self._asked, self._table, sums)
        by_turns = sums.reshape(-1, self._turns, self._lanes)
        return by_turns.swapaxes(1, 2).astype(np.float64, order="C").reshape(-1)[:count]

    def question(self, ranks: Ranks, closing: Closing | None = None) -> Callable[[tuple[Any, ...]], Any] | None:
        """Returns the function of one architecture's values; see :func:`hwcost.cost_models.compiled.native.function`."""
        return function(ranks, self._bits, closing)

    @cached_property
    def _bits(self) -> NodeBits:
        return NodeBits(self._forest)
