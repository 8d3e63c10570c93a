"""Forests by vector instructions of x86 processors (AVX-512): LLVM's intermediate code, compiled by numba.

Many architectures: 64 of them are the lanes of a register. A forest asks the same few hundred questions, "has this
column passed this rank?", again and again, so that each is answered once for all 64, as 64 bytes of zeros or ones. A tree is
then a network of selections by such answers, one for each bit of the number of the leaf that a lane ends in; permutations
look the values of the leaves up, and they are added in the order of the trees.

One architecture: 64 trees are the lanes. A permutation of the architecture's ranks by the columns that the trees ask at
a node gives all lanes their operands, and the same network gives 64 leaves at a time; their values are added one after
the other, for the sum to be the library's to the last bit. That chain of additions is most of what is left of the time.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
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
from hwcost.cost_models.compiled.forest import Bytes, Forest
from hwcost.cost_models.compiled.native import TREES, bytes_at, function, numbers_at, room
from hwcost.cost_models.compiled.ranks import Ranks
from hwcost.cost_models.features.joint import JointTables

__all__ = ["VectorEngine", "is_supported"]

LANES = 64
"""Bytes of a register."""

MOST_LEAVES = 32
"""Leaves of a tree whose values two to four registers hold."""

MOST_QUESTIONS = 2**13
"""Different questions of a forest whose places, in words of 64 bits, are numbers of 16 bits."""

BYTE, WORD, LONG = ir.IntType(8), ir.IntType(32), ir.IntType(64)
BYTES, WORDS = ir.VectorType(BYTE, LANES), ir.VectorType(WORD, 16)

SELECTION = 0xCA
"""The table of the ternary instruction that takes the bits of the second operand where those of the first are set."""


def is_supported(forest: Forest) -> bool:
    """Whether this processor has the instructions, and registers hold the trees' leaves and an architecture's ranks."""
    fits = 4 <= forest.leaves.shape[1] <= MOST_LEAVES and len(forest.used) <= LANES
    return fits and len(forest.questions[0]) <= MOST_QUESTIONS and avx512.is_here()


# -- pieces of intermediate code ----------------------------------------------------------------------------------------


def _all(vector: ir.VectorType, value: int) -> ir.Constant:
    return ir.Constant(vector, [value] * vector.count)


def _at(build: Any, pointer: Any, offset: int | Any) -> Any:
    return build.gep(pointer, [ir.Constant(LONG, offset) if isinstance(offset, int) else offset])


def _load(build: Any, pointer: Any, vector: Any, align: int = 1) -> Any:
    return build.load(build.bitcast(pointer, vector.as_pointer()), align=align)


def _spread(build: Any, value: Any) -> Any:
    """Puts one byte into all lanes."""
    empty = ir.Constant(BYTES, ir.Undefined)
    first = build.insert_element(empty, value, ir.Constant(WORD, 0))
    return build.shuffle_vector(first, empty, _all(ir.VectorType(WORD, LANES), 0))


def _selected(build: Any, test: Any, right: Any, left: Any) -> Any:
    """Takes the bits of ``right`` where those of ``test`` are set, and of ``left`` where they are not."""
    words = [build.bitcast(one, WORDS) for one in (test, right, left)]
    name = "llvm.x86.avx512.pternlog.d.512"
    return build.bitcast(instruction(build, name, WORDS, *words, ir.Constant(WORD, SELECTION)), BYTES)


def _bits(build: Any, depth: int, test: Any, node: int = 0) -> list[Any]:
    """Selects the bits of the number of the leaf in each lane, the highest first, each as bytes of zeros or ones.

    Args:
        build: Builder of the code.
        depth: Levels of nodes from this one on.
        test: Function that emits the lanes that go right at a node.
        node: Node that the network begins with.
    """
    here = test(node)
    if depth == 1:
        return [here]
    left, right = (_bits(build, depth - 1, test, 2 * node + side) for side in (1, 2))
    return [here, *(_selected(build, here, *both) for both in zip(right, left, strict=True))]


def _numbers(build: Any, depth: int, test: Any) -> Any:
    """Emits the number of the leaf in each lane; bits above those of a leaf are without meaning."""
    found, *others = reversed(_bits(build, depth, test))
    for place, bits in enumerate(others, 1):
        found = _selected(build, _all(BYTES, 1 << place), bits, found)
    return found


def _network(build: Any, depth: int, test: Any, node: int = 0, level: int = 0) -> Any:
    """Selects the number of the leaf in each lane; ``test(node)`` emits the lanes that go right at a node, as bits."""
    if level == depth - 1:
        leaf = 2 * (node - (2**level - 1))
        return build.select(test(node), _all(BYTES, leaf + 1), _all(BYTES, leaf))
    left = _network(build, depth, test, 2 * node + 1, level + 1)
    right = _network(build, depth, test, 2 * node + 2, level + 1)
    return build.select(test(node), right, left)


class _Values:
    """Look-ups of leaves' values by the numbers of leaves in the lanes of a register.

    A lane is as wide as a value and holds the numbers of several architectures, each of them a byte: the look-up reads the
    lowest one, and as few of its bits as it needs, so that a shift leads to the next architecture.

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

    def tables(self, build: Any, leaves: Any, count: int) -> list[Any]:
        """Loads the values of a tree; those of small trees are repeated, see :func:`_tabled`."""
        starts = range(0, max(count, self.lanes), self.lanes)
        return [_load(build, _at(build, leaves, start), self.vector, LANES) for start in starts]

    def turned(self, build: Any, numbers: Any, turn: int) -> Any:
        """Returns lanes whose lowest byte is the number of that turn."""
        lanes = build.bitcast(numbers, self.index)
        return build.lshr(lanes, _all(self.index, 8 * turn)) if turn else lanes

    def __call__(self, build: Any, tables: list[Any], places: Any) -> Any:
        if len(tables) == 1:
            return instruction(build, self._one, self.vector, tables[0], places)
        if len(tables) == 2:
            return instruction(build, self._two, self.vector, tables[0], places, tables[1])
        half = len(tables) // 2
        low, high = self(build, tables[:half], places), self(build, tables[half:], places)
        bit = build.and_(places, _all(self.index, half * self.lanes))
        return build.select(build.icmp_signed("!=", bit, _all(self.index, 0)), high, low)


def _tabled(leaves: NDArray[Any], lanes: int) -> NDArray[Any]:
    """Repeats the values of small trees until they fill a register, from the beginning of one on."""
    whole = np.tile(leaves, (1, max(1, lanes // leaves.shape[1])))
    held = np.empty(whole.nbytes + LANES, dtype=np.uint8)
    start = -held.ctypes.data % LANES
    found: NDArray[Any] = held[start : start + whole.nbytes].view(whole.dtype).reshape(whole.shape)
    found[:] = whole
    return found


@intrinsic
def _address(typing: Any, array: Any, offset: Any) -> Any:
    """Returns the address of an element of a contiguous array."""

    def emit(context: Any, build: Any, signature: Any, given: Any) -> Any:
        return _at(build, context.make_array(signature.args[0])(context, build, given[0]).data, given[1])

    return types.CPointer(array.dtype)(array, types.int64), emit


@intrinsic
def _aligned(typing: Any, array: Any, offset: Any) -> Any:
    """Returns the address of an element of a contiguous array, counted from the first whole register."""

    def emit(context: Any, build: Any, signature: Any, given: Any) -> Any:
        data = context.make_array(signature.args[0])(context, build, given[0]).data
        first = build.add(build.ptrtoint(data, LONG), ir.Constant(LONG, LANES - 1))
        return _at(build, build.inttoptr(build.and_(first, ir.Constant(LONG, -LANES)), data.type), given[1])

    return types.CPointer(array.dtype)(array, types.int64), emit


@intrinsic
def _answer(typing: Any, ranks: Any, cut: Any, answers: Any) -> Any:
    """Answers whether 64 ranks have passed a cut, as 64 bytes of zeros or ones."""

    def emit(context: Any, build: Any, signature: Any, given: Any) -> Any:
        passed = build.icmp_unsigned(">=", _load(build, given[0], BYTES), _spread(build, given[1]))
        build.store(build.sext(passed, BYTES), build.bitcast(given[2], BYTES.as_pointer()), align=LANES)
        return context.get_dummy_value()

    return types.void(types.CPointer(types.uint8), types.uint8, types.CPointer(types.uint64)), emit


# -- kernels --------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=16)
def _many_function(depth: int, is_single: bool) -> Any:
    """Compiles the sums of many architectures; those of 64 stand turn by turn, see :class:`_Values`."""
    number, values = types.float32 if is_single else types.float64, _Values(is_single)
    nodes, leaves = 2**depth - 1, 2**depth
    width, zero = max(leaves, values.lanes), ir.Constant(values.vector, None)

    @intrinsic
    def add_trees(typing: Any, answers: Any, questions: Any, table: Any, trees: Any, sums: Any) -> Any:
        """Sums the values of all trees for 64 architectures."""

        def emit(context: Any, build: Any, signature: Any, given: Any) -> Any:
            answered, asked, leaf, count, found = given
            totals = [cgutils.alloca_once_value(build, zero) for _ in range(values.turns)]
            with cgutils.for_range(build, count) as loop:
                first = _at(build, asked, build.mul(loop.index, ir.Constant(LONG, nodes)))

                def test(node: int) -> Any:
                    place = build.zext(build.load(_at(build, first, node)), LONG)
                    return _load(build, _at(build, answered, place), BYTES, LANES)

                numbers = _numbers(build, depth, test)
                own = _at(build, leaf, build.mul(loop.index, ir.Constant(LONG, width)))
                tables = values.tables(build, own, leaves)
                for turn, total in enumerate(totals):
                    value = values(build, tables, values.turned(build, numbers, turn))
                    build.store(build.fadd(build.load(total), value), total)
            for turn, total in enumerate(totals):
                place = build.bitcast(_at(build, found, turn * values.lanes), values.vector.as_pointer())
                build.store(build.load(total), place, align=4)
            return context.get_dummy_value()

        pointers = (types.CPointer(types.uint64), types.CPointer(types.uint16), types.CPointer(number))
        return types.void(*pointers, types.int64, types.CPointer(number)), emit

    @njit(
        types.void(
            types.uint8[:, ::1], types.int64[::1], types.uint8[::1], types.uint16[:, ::1], number[:, ::1], number[::1]
        ),
        nogil=True,
    )
    def many(ranks: Any, columns: Any, cuts: Any, questions: Any, table: Any, sums: Any) -> None:
        answers = np.empty(8 * (columns.shape[0] + 1), np.uint64)
        for start in range(0, sums.shape[0], LANES):
            for question in range(columns.shape[0]):
                place = _address(ranks, columns[question] * ranks.shape[1] + start)
                _answer(place, cuts[question], _aligned(answers, 8 * question))
            asked, leaf = _address(questions, 0), _address(table, 0)
            add_trees(_aligned(answers, 0), asked, leaf, questions.shape[0], _address(sums, start))

    return many


@lru_cache(maxsize=16)
def _one_function(depth: int, is_single: bool) -> Any:
    """Makes the sum of one architecture's leaves, for :func:`hwcost.cost_models.compiled.native.function`."""
    zero = np.float32(0) if is_single else np.float64(0)
    nodes, leaves = 2**depth - 1, 2**depth
    pointer = types.CPointer(types.uint8)
    values_at = numbers_at(is_single)

    @intrinsic
    def find_leaves(typing: Any, ranks: Any, columns: Any, cuts: Any, numbers: Any) -> Any:
        """Writes the numbers of the leaves of 64 trees."""

        def emit(context: Any, build: Any, signature: Any, given: Any) -> Any:
            known = _load(build, given[0], BYTES)

            def test(node: int) -> Any:
                columns, cuts = (_load(build, _at(build, one, LANES * node), BYTES) for one in given[1:3])
                permuted = instruction(build, "llvm.x86.avx512.permvar.qi.512", BYTES, known, columns)
                return build.icmp_unsigned(">=", permuted, cuts)

            found = _network(build, depth, test)
            build.store(found, build.bitcast(given[3], BYTES.as_pointer()), align=1)
            return context.get_dummy_value()

        return types.void(pointer, pointer, pointer, pointer), emit

    @njit
    def sum_leaves(ranks: Any, plan: Any) -> Any:
        columns, cuts, table, groups = plan[TREES], plan[TREES + 1], values_at(plan[TREES + 2]), plan[TREES + 3]
        numbers, total = room(), zero
        for group in range(groups):
            place = group * nodes * LANES
            find_leaves(ranks, bytes_at(columns + place), bytes_at(cuts + place), numbers)
            for tree in range(LANES):
                total += table[(group * LANES + tree) * leaves + numbers[tree]]
        return total

    return sum_leaves


# -- the engine -----------------------------------------------------------------------------------------------------------


class VectorEngine:
    """A forest by vector instructions; see :func:`is_supported`.

    Args:
        forest: The forest.
    """

    name = "vectors"

    def __init__(self, forest: Forest) -> None:
        self._forest, self._values = forest, _Values(forest.is_single)
        self._columns, self._cuts, asked = forest.questions
        self._questions = (8 * asked).astype(np.uint16)
        self._table = _tabled(forest.leaves, self._values.lanes)

    def many(self, ranks: Bytes, count: int) -> Floats:
        """Returns the sums of the first ``count`` architectures by their ranks (columns, n), n a multiple of 64."""
        sums = np.empty(ranks.shape[1], dtype=self._table.dtype)
        function = _many_function(self._forest.depth, self._forest.is_single)
        function(ranks, self._columns, self._cuts, self._questions, self._table, sums)
        by_turns = sums.reshape(-1, self._values.turns, self._values.lanes)
        return by_turns.swapaxes(1, 2).astype(np.float64, order="C").reshape(-1)[:count]

    def question(self, ranks: Ranks, table: JointTables | None = None) -> Callable[[tuple[Any, ...]], Any] | None:
        """Returns the function of one architecture's values; see :func:`hwcost.cost_models.compiled.native.function`.

        Nodes are laid out by groups of 64 trees; trees that fill the last group up add nothing: minus zero.
        """
        forest = self._forest
        missing = -len(forest.leaves) % LANES
        columns, cuts = (np.pad(one, ((0, missing), (0, 0))) for one in (forest.columns, forest.cuts))
        by_node = [
            np.ascontiguousarray(one.reshape(-1, LANES, one.shape[1]).transpose(0, 2, 1)) for one in (columns, cuts)
        ]
        leaves = np.pad(forest.leaves, ((0, missing), (0, 0)), constant_values=-0.0)
        trees = (*by_node, leaves, len(by_node[0]))
        return function(ranks, _one_function(forest.depth, forest.is_single), trees, table)
