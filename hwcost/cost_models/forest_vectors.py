"""Forests by vector instructions of x86 processors (AVX-512): LLVM's intermediate code, compiled by numba.

Many architectures: 64 of them are the lanes of a register. A forest asks the same few hundred questions, "has this
column passed this rank?", again and again, so that each is answered once for all 64, as one word of 64 bits. A tree is
then a network of selections by such words, from its leaves' numbers up to its root, which ends in the number of the
leaf of each lane; a permutation looks the 64 values up, and they are added in the order of the trees.

One architecture: 64 trees are the lanes. A permutation of the architecture's ranks by the columns that the trees ask at
a node gives all lanes their operands, and the same network gives 64 leaves at a time; their values are added one after
the other, for the sum to be the library's to the last bit. That chain of additions is most of what is left of the time.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import cfunc, njit, types
from numba.extending import intrinsic

from hwcost._types import Floats
from hwcost.cost_models.forest import Bytes, Forest
from hwcost.cost_models.ranks import WIDTH

__all__ = ["VectorEngine", "is_supported"]

LANES = 64
FEATURES = ("avx512f", "avx512bw", "avx512vbmi")
"""Instructions of the processor that the kernels use."""

MOST_LEAVES = 32
"""Leaves of a tree whose values two to four registers hold."""

BYTE, BIT, WORD, LONG = ir.IntType(8), ir.IntType(1), ir.IntType(32), ir.IntType(64)
BYTES = ir.VectorType(BYTE, LANES)


def is_supported(forest: Forest) -> bool:
    """Whether this processor has the instructions, and registers hold the trees' leaves and an architecture's ranks."""
    has = llvm.get_host_cpu_features()
    fits = 4 <= forest.leaves.shape[1] <= MOST_LEAVES and len(forest.used) <= WIDTH
    return fits and all(has.get(feature, False) for feature in FEATURES)


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


def _instruction(build: Any, name: str, result: Any, *operands: Any) -> Any:
    """Emits an instruction of the processor."""
    known = build.module.globals
    kind = ir.FunctionType(result, [one.type for one in operands])
    function = known[name] if name in known else ir.Function(build.module, kind, name)
    return build.call(function, operands)


def _network(build: Any, depth: int, test: Any, node: int = 0, level: int = 0) -> Any:
    """Selects the number of the leaf in each lane; ``test(node)`` emits the lanes that go right at a node."""
    if level == depth - 1:
        leaf = 2 * (node - (2**level - 1))
        return build.select(test(node), _all(BYTES, leaf + 1), _all(BYTES, leaf))
    left = _network(build, depth, test, 2 * node + 1, level + 1)
    right = _network(build, depth, test, 2 * node + 2, level + 1)
    return build.select(test(node), right, left)


class _Values:
    """Look-ups of leaves' values by the numbers of leaves in the lanes of a register.

    Args:
        is_single: Whether values have 32 bits and not 64.
    """

    def __init__(self, is_single: bool) -> None:
        self.lanes = 16 if is_single else 8
        self.vector = ir.VectorType(ir.FloatType() if is_single else ir.DoubleType(), self.lanes)
        self.index = ir.VectorType(WORD if is_single else LONG, self.lanes)
        self._one = f"llvm.x86.avx512.permvar.{'sf' if is_single else 'df'}.512"
        self._two = f"llvm.x86.avx512.vpermi2var.{'ps' if is_single else 'pd'}.512"

    def tables(self, build: Any, leaves: Any, count: int) -> list[Any]:
        """Loads the values of a tree; those of small trees are filled up."""
        starts = range(0, max(count, self.lanes), self.lanes)
        return [_load(build, _at(build, leaves, start), self.vector, 4) for start in starts]

    def __call__(self, build: Any, tables: list[Any], places: Any) -> Any:
        if len(tables) == 1:
            return _instruction(build, self._one, self.vector, tables[0], places)
        if len(tables) == 2:
            return _instruction(build, self._two, self.vector, tables[0], places, tables[1])
        half = len(tables) // 2
        low, high = self(build, tables[:half], places), self(build, tables[half:], places)
        bit = build.and_(places, _all(self.index, half * self.lanes))
        return build.select(build.icmp_signed("!=", bit, _all(self.index, 0)), high, low)


@intrinsic
def _address(typing: Any, array: Any, offset: Any) -> Any:
    """Returns the address of an element of a contiguous array."""

    def emit(context: Any, build: Any, signature: Any, given: Any) -> Any:
        return _at(build, context.make_array(signature.args[0])(context, build, given[0]).data, given[1])

    return types.CPointer(array.dtype)(array, types.int64), emit


@intrinsic
def _answer(typing: Any, ranks: Any, cut: Any, answers: Any) -> Any:
    """Answers whether 64 ranks have passed a cut, as one word of 64 bits."""

    def emit(context: Any, build: Any, signature: Any, given: Any) -> Any:
        passed = build.icmp_unsigned(">=", _load(build, given[0], BYTES), _spread(build, given[1]))
        build.store(build.bitcast(passed, LONG), given[2])
        return context.get_dummy_value()

    return types.void(types.CPointer(types.uint8), types.uint8, types.CPointer(types.uint64)), emit


# -- kernels --------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=16)
def _many_function(depth: int, is_single: bool) -> Any:
    """Compiles the sums of many architectures."""
    number, values = types.float32 if is_single else types.float64, _Values(is_single)
    nodes, leaves = 2**depth - 1, 2**depth

    @intrinsic
    def add_tree(typing: Any, answers: Any, questions: Any, table: Any, sums: Any) -> Any:
        """Adds the value of one tree to the sums of 64 architectures."""

        def emit(context: Any, build: Any, signature: Any, given: Any) -> Any:
            answered, asked, leaf, total = given

            def test(node: int) -> Any:
                question = build.zext(build.load(_at(build, asked, node)), LONG)
                return build.bitcast(build.load(_at(build, answered, question)), ir.VectorType(BIT, LANES))

            numbers, tables = _network(build, depth, test), values.tables(build, leaf, leaves)
            for start in range(0, LANES, values.lanes):
                places = ir.Constant(ir.VectorType(WORD, values.lanes), list(range(start, start + values.lanes)))
                some = build.shuffle_vector(numbers, ir.Constant(BYTES, ir.Undefined), places)
                found = values(build, tables, build.zext(some, values.index))
                place = _at(build, total, start)
                added = build.fadd(_load(build, place, values.vector, 4), found)
                build.store(added, build.bitcast(place, values.vector.as_pointer()), align=4)
            return context.get_dummy_value()

        pointers = (types.CPointer(types.uint64), types.CPointer(types.uint16), types.CPointer(number))
        return types.void(*pointers, types.CPointer(number)), emit

    @njit(
        types.void(
            types.uint8[:, ::1], types.int64[::1], types.uint8[::1], types.uint16[:, ::1], number[:, ::1], number[::1]
        ),
        nogil=True,
    )
    def many(ranks: Any, columns: Any, cuts: Any, questions: Any, table: Any, sums: Any) -> None:
        answers = np.zeros(columns.shape[0], np.uint64)
        for start in range(0, sums.shape[0], LANES):
            for question in range(columns.shape[0]):
                place = _address(ranks, columns[question] * ranks.shape[1] + start)
                _answer(place, cuts[question], _address(answers, question))
            for tree in range(questions.shape[0]):
                asked, leaf = _address(questions, tree * nodes), _address(table, tree * table.shape[1])
                add_tree(_address(answers, 0), asked, leaf, _address(sums, start))

    return many


@lru_cache(maxsize=16)
def _one_function(depth: int, is_single: bool) -> Any:
    """Compiles the sum of one architecture."""
    number, zero = types.float32 if is_single else types.float64, np.float32(0) if is_single else np.float64(0)
    nodes, leaves = 2**depth - 1, 2**depth
    pointer = types.CPointer(types.uint8)

    @intrinsic
    def find_leaves(typing: Any, ranks: Any, columns: Any, cuts: Any, numbers: Any) -> Any:
        """Writes the numbers of the leaves of 64 trees."""

        def emit(context: Any, build: Any, signature: Any, given: Any) -> Any:
            known = _load(build, given[0], BYTES)

            def test(node: int) -> Any:
                columns, cuts = (_load(build, _at(build, one, LANES * node), BYTES) for one in given[1:3])
                permuted = _instruction(build, "llvm.x86.avx512.permvar.qi.512", BYTES, known, columns)
                return build.icmp_unsigned(">=", permuted, cuts)

            found = _network(build, depth, test)
            build.store(found, build.bitcast(given[3], BYTES.as_pointer()), align=1)
            return context.get_dummy_value()

        return types.void(pointer, pointer, pointer, pointer), emit

    @intrinsic
    def room(typing: Any) -> Any:
        """Returns 64 bytes of the stack."""

        def emit(context: Any, build: Any, signature: Any, given: Any) -> Any:
            return build.bitcast(build.alloca(ir.ArrayType(BYTE, LANES)), BYTE.as_pointer())

        return pointer(), emit

    @intrinsic
    def moved(typing: Any, start: Any, offset: Any) -> Any:
        """Returns an address some elements further."""

        def emit(context: Any, build: Any, signature: Any, given: Any) -> Any:
            return _at(build, given[0], given[1])

        return start(start, types.int64), emit

    @cfunc(types.float64(pointer, pointer, pointer, types.CPointer(number), types.int64))
    def one(ranks: Any, columns: Any, cuts: Any, table: Any, groups: Any) -> Any:
        numbers, total = room(), zero
        for group in range(groups):
            place = group * nodes * LANES
            find_leaves(ranks, moved(columns, place), moved(cuts, place), numbers)
            for tree in range(LANES):
                total += table[(group * LANES + tree) * leaves + numbers[tree]]
        return total

    return one


# -- the engine -----------------------------------------------------------------------------------------------------------


class VectorEngine:
    """A forest by vector instructions; see :func:`is_supported`.

    Args:
        forest: The forest.
    """

    name = "vectors"

    def __init__(self, forest: Forest) -> None:
        self._depth, self._is_single = forest.depth, forest.is_single
        known: dict[tuple[int, int], int] = {}
        flat = zip(forest.columns.ravel().tolist(), forest.cuts.ravel().tolist(), strict=True)
        questions = [known.setdefault(pair, len(known)) for pair in flat]
        self._questions = np.array(questions, dtype=np.uint16).reshape(forest.columns.shape)
        self._columns = np.array([column for column, _ in known], dtype=np.int64)
        self._cuts = np.array([cut for _, cut in known], dtype=np.uint8)
        least = _Values(forest.is_single).lanes
        self._table = np.pad(forest.leaves, ((0, 0), (0, max(0, least - forest.leaves.shape[1]))))
        self._groups = self._grouped(forest)
        self._function = ctypes.PYFUNCTYPE(ctypes.c_double, *[ctypes.c_void_p] * 4, ctypes.c_int64)
        self._call: Any = None

    @staticmethod
    def _grouped(forest: Forest) -> tuple[Any, ...]:
        """Lays nodes out by groups of 64 trees; trees that fill the last group up add nothing: minus zero."""
        missing = -len(forest.leaves) % LANES
        columns, cuts = (np.pad(one, ((0, missing), (0, 0))) for one in (forest.columns, forest.cuts))
        by_node = [
            np.ascontiguousarray(one.reshape(-1, LANES, one.shape[1]).transpose(0, 2, 1)) for one in (columns, cuts)
        ]
        leaves = np.pad(forest.leaves, ((0, missing), (0, 0)), constant_values=-0.0)
        return *by_node, leaves

    def many(self, ranks: Bytes, count: int) -> Floats:
        """Returns the sums of the first ``count`` architectures by their ranks (columns, n), n a multiple of 64."""
        sums = np.zeros(ranks.shape[1], dtype=self._table.dtype)
        function = _many_function(self._depth, self._is_single)
        function(ranks, self._columns, self._cuts, self._questions, self._table, sums)
        return sums[:count].astype(np.float64)

    def one(self, ranks: bytes) -> float:
        """Returns the sum of one architecture by its ranks."""
        if self._call is None:
            arrays = self._groups
            self._given = (*(array.ctypes.data for array in arrays), len(arrays[0]))
            self._call = self._function(_one_function(self._depth, self._is_single).address)
        return float(self._call(ranks, *self._given))
