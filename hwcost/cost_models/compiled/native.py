"""Functions of one architecture's values that are machine code: Python calls them as it calls its own functions.

Numba compiles a loop that takes Python's objects as their addresses and reads the values of genes by Python's C interface,
as a function of a C extension would. What a call costs beside the loop is then the look-up of each value.

A plan is what such a function reads: whole numbers, most of which are the addresses of arrays. It is reached through the
first member of a tuple that the function holds, and the other members keep everything alive that is pointed at.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import cfunc, njit, types
from numba.extending import intrinsic
from numba.np.numpy_support import from_dtype
from numpy.typing import NDArray

from hwcost.cost_models.compiled.closing import Closing
from hwcost.cost_models.compiled.forest_bits import TABLED, TOGETHER, NodeBits
from hwcost.cost_models.compiled.group_arrays import GroupArrays
from hwcost.cost_models.compiled.ranks import Ranks
from hwcost.cost_models.rowwise import LANES

__all__ = ["MOST_GENES", "function"]

MOST_GENES = 256
"""Genes that such a function takes at the most, and columns that a forest may ask."""

ROOM = 256
"""Bytes of scratch space, more than a forest has columns."""

NONE, GENES, VALUES = 0, 1, 2
"""Places in a plan: of the object None, the number of genes, and the dictionaries from their values to codes."""

COLUMNS, WIDTH, ASKED, TABLES = 3, 4, 5, 6
"""Places of the number of columns of genes, their tables of ranks, the width of these, and the gene of each column."""

PASSED, TOP = 7, 8
"""Places of the thresholds of the number of parameters, and the first step of the search among them; 0 without any."""

PARAMS, PRICE, TREES = 9, 15, 21
"""Places of the sum that is the number of parameters, the sum that is a price, and the trees' bits."""

EXP, EXP_DATA, ENDS = 27, 28, 29
"""Places of NumPy's loop over exponentials, what belongs to it, and the numbers of a :class:`Closing`."""

INT, WHOLE, WHOLE_CODES = 30, 31, 32
"""Places of the type of whole numbers, and of what :func:`_whole_genes` returns."""

LENGTH = WHOLE_CODES + 1
"""Whole numbers of a plan."""

OBJECT = types.intp
"""A Python object, as its address."""

TYPE_AT = object.__basicsize__ - ctypes.sizeof(ctypes.c_void_p)
"""Place of an object's type, the last part of its head."""

SPREAD = 4096
"""Whole numbers from the least choice of a gene to the largest, at the most, for codes to be found by the number."""

UNKNOWN = 255
"""Code of a whole number that is not one of the choices, or that has to be looked up."""


def _interface(name: str, result: Any, *arguments: Any) -> Any:
    """Returns a function of Python's C interface for compiled code."""
    llvm.add_symbol(name, ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value)
    return types.ExternalFunction(name, result(*arguments))


_forget_error = _interface("PyErr_Clear", types.void)
_hold = _interface("Py_IncRef", types.void, OBJECT)
_length = _interface("PyTuple_Size", types.intp, OBJECT)
_member = _interface("PyTuple_GetItem", OBJECT, OBJECT, types.intp)
_looked_up = _interface("PyDict_GetItemWithError", OBJECT, OBJECT, OBJECT)
_whole = _interface("PyLong_AsSsize_t", types.intp, OBJECT)
_number = _interface("PyFloat_FromDouble", OBJECT, types.float64)


# -- memory ---------------------------------------------------------------------------------------------------------------


def _reader(kind: Any) -> Any:
    """Returns a function that makes an address a pointer to numbers of a kind."""

    @intrinsic
    def pointer(typing: Any, address: Any) -> Any:
        """Returns the pointer of an address."""

        def emit(context: Any, build: Any, signature: Any, given: Any) -> Any:
            return build.inttoptr(given[0], context.get_value_type(types.CPointer(kind)))

        return types.CPointer(kind)(types.int64), emit

    return pointer


def _scratch(kind: Any, count: int) -> Any:
    """Returns a function that gives room for numbers of a kind on the stack."""

    @intrinsic
    def space(typing: Any) -> Any:
        """Returns the pointer of the room."""

        def emit(context: Any, build: Any, signature: Any, given: Any) -> Any:
            element = context.get_value_type(kind)
            with build.goto_entry_block():
                found = build.alloca(ir.ArrayType(element, count))
            return build.bitcast(found, element.as_pointer())

        return types.CPointer(kind)(), emit

    return space


_bytes_at, _longs_at = _reader(types.uint8), _reader(types.int64)
_singles_at, _doubles_at = _reader(types.float32), _reader(types.float64)
_ranks_room, _codes_room = _scratch(types.uint8, ROOM), _scratch(types.int64, MOST_GENES)


# -- NumPy's exponential --------------------------------------------------------------------------------------------------


class _Ufunc(ctypes.Structure):
    """What NumPy's C interface says of a ufunc, behind the head of every object (``PyUFuncObject``)."""

    _fields_ = (
        ("inputs", ctypes.c_int), ("outputs", ctypes.c_int), ("arguments", ctypes.c_int), ("identity", ctypes.c_int),
        ("loops", ctypes.POINTER(ctypes.c_void_p)), ("data", ctypes.POINTER(ctypes.c_void_p)), ("kinds", ctypes.c_int),
        ("reserved", ctypes.c_int), ("name", ctypes.c_char_p), ("types", ctypes.POINTER(ctypes.c_char)),
    )  # fmt: skip


def _loop_of_exp() -> tuple[int, int] | None:
    """Returns the addresses of NumPy's loop over exponentials of 64 bits, which has its bits, and of what belongs to it.

    None where NumPy, or Python, lays its objects out in another way.
    """
    found, wanted = _Ufunc.from_address(id(np.exp) + object.__basicsize__), 2 * bytes([np.dtype(np.float64).num])
    if (found.inputs, found.outputs, found.arguments, found.kinds) != (1, 1, 2, len(np.exp.types)) or found.name != b"exp":
        return None
    kind = next((kind for kind in range(found.kinds) if found.types[2 * kind : 2 * kind + 2] == wanted), None)
    return None if kind is None or not found.loops[kind] else (found.loops[kind], found.data[kind] or 0)


@intrinsic
def _exponentials(typing: Any, loop: Any, data: Any, one: Any, other: Any) -> Any:
    """Returns the exponentials of two numbers, among so many others that they fill whole registers."""
    double, long = ir.DoubleType(), ir.IntType(64)
    byte = ir.IntType(8).as_pointer()

    def emit(context: Any, build: Any, signature: Any, given: Any) -> Any:
        with build.goto_entry_block():
            numbers, ends = build.alloca(double, 2 * LANES), build.alloca(byte, 2)
            counts = build.alloca(long, 3)
        for lane in range(LANES):
            build.store(given[2 + lane] if lane < 2 else double(1.0), build.gep(numbers, [long(lane)]))
        for place, first in enumerate((0, LANES)):
            start = build.gep(numbers, [long(first)])
            build.store(build.bitcast(start, byte), build.gep(ends, [long(place)]))
        for place, count in enumerate((LANES, 8, 8)):  # numbers, and bytes from one to the next before and after
            build.store(long(count), build.gep(counts, [long(place)]))
        kind = ir.FunctionType(ir.VoidType(), [ends.type, counts.type, counts.type, byte])
        function, extra = build.inttoptr(given[0], kind.as_pointer()), build.inttoptr(given[1], byte)
        build.call(function, [ends, counts, build.gep(counts, [long(1)]), extra])
        found = [build.load(build.gep(numbers, [long(LANES + place)])) for place in (0, 1)]
        return context.make_tuple(build, signature.return_type, found)

    return types.UniTuple(types.float64, 2)(types.int64, types.int64, types.float64, types.float64), emit


# -- one architecture -----------------------------------------------------------------------------------------------------


@njit
def _summed(codes: Any, plan: Any, first: int) -> Any:
    """Adds up the numbers of the groups whose arrays a plan has from a place on."""
    count, width = plan[first], plan[first + 1]
    members, factors = _longs_at(plan[first + 2]), _longs_at(plan[first + 3])
    starts, numbers = _longs_at(plan[first + 4]), _doubles_at(plan[first + 5])
    total = numbers[0]
    for group in range(count):
        place = starts[group]
        for member in range(group * width, (group + 1) * width):
            place += factors[member] * codes[members[member]]
        total += numbers[place]
    return total


@njit
def _code_of_whole(value: Any, gene: int, plan: Any) -> Any:
    """Returns the code of a gene's value by its number, which is quicker than to look it up; or ``UNKNOWN``."""
    least, width, start = 3 * gene, 3 * gene + 1, 3 * gene + 2
    whole, codes = _longs_at(plan[WHOLE]), _bytes_at(plan[WHOLE_CODES])
    if whole[width] == 0 or _longs_at(value + TYPE_AT)[0] != plan[INT]:
        return np.int64(UNKNOWN)
    number = _whole(value)
    if number < 0:
        _forget_error()  # of a number that is too large
    place = number - whole[least]
    return np.int64(codes[whole[start] + place]) if 0 <= place < whole[width] else np.int64(UNKNOWN)


@njit
def _read(genes: Any, plan: Any, codes: Any) -> Any:
    """Writes the codes of an architecture's values; False where one is not a value of its gene."""
    known = _longs_at(plan[VALUES])
    is_right = _length(genes) == plan[GENES]
    if is_right:
        for gene in range(plan[GENES]):
            value = _member(genes, gene)
            code = _code_of_whole(value, gene, plan)
            if code == UNKNOWN:
                found = _looked_up(known[gene], value)
                if found == 0:
                    is_right = False
                    break
                code = _whole(found)
            codes[gene] = code
    if not is_right:
        _forget_error()
    return is_right


@njit
def _rank(codes: Any, plan: Any, ranks: Any) -> None:
    """Writes the ranks of codes."""
    columns, width = plan[COLUMNS], plan[WIDTH]
    asked, tables = _longs_at(plan[ASKED]), _bytes_at(plan[TABLES])
    for column in range(columns):
        ranks[column] = tables[column * width + codes[asked[column]]]
    step = plan[TOP]
    if step > 0:
        passed, total, rank = _doubles_at(plan[PASSED]), _summed(codes, plan, PARAMS), 0
        while step > 0:  # the largest rank whose threshold is passed
            rank += step * (passed[rank + step - 1] <= total)
            step >>= 1
        ranks[columns] = rank


def _sum_function(depth: int, is_single: bool) -> Any:
    """Makes the sum of one architecture's leaves by the bits of its nodes, see :class:`NodeBits`."""
    kind, zero = np.uint16 if depth <= 4 else np.uint32 if depth == 5 else np.uint64, np.float32(0) if is_single else 0.0
    bits_at, bits_room = _reader(from_dtype(np.dtype(kind))), _scratch(from_dtype(np.dtype(kind)), TOGETHER)
    values_at, tabled, leaves = _singles_at if is_single else _doubles_at, min(depth, TABLED), 2**depth
    above = kind(2 ** (2**tabled - 1) - 1)

    @njit
    def sum_leaves(ranks: Any, plan: Any) -> Any:
        rows, starts, paths = bits_at(plan[TREES]), _longs_at(plan[TREES + 1]), _bytes_at(plan[TREES + 2])
        values, trees, columns = values_at(plan[TREES + 3]), plan[TREES + 4], plan[TREES + 5]
        bits, total = bits_room(), zero
        for first in range(0, trees, TOGETHER):
            for tree in range(TOGETHER):
                bits[tree] = kind(0)
            for column in range(columns):
                row = (starts[column] + ranks[column]) * trees + first
                for tree in range(TOGETHER):
                    bits[tree] |= rows[row + tree]
            for tree in range(TOGETHER):
                leaf = np.int64(paths[bits[tree] & above])
                for level in range(tabled, depth):
                    leaf = 2 * leaf + np.int64((bits[tree] >> kind((1 << level) - 1 + leaf)) & kind(1))
                total += values[(first + tree) * leaves + leaf]
        return total

    return sum_leaves


def _closing_function(has_closing: bool, has_table: bool, is_log: bool) -> Any:
    """Makes the function that makes an answer of the sum of the leaves, see :class:`Closing`."""

    @njit
    def answer(total: Any, codes: Any, plan: Any) -> Any:
        if not has_closing:
            return total
        ends, price = _doubles_at(plan[ENDS]), _summed(codes, plan, PRICE) if has_table else 0.0
        factor, power = _exponentials(plan[EXP], plan[EXP_DATA], total + ends[0], price if is_log else 0.0)
        if has_table:
            price = (power if is_log else price) * ends[1]
            factor *= ends[2] if price < ends[2] else price
        return factor

    return answer


@lru_cache(maxsize=32)
def _compiled(depth: int, is_single: bool, has_closing: bool, has_table: bool, is_log: bool) -> Any:
    """Compiles the function of one architecture."""
    sum_leaves = _sum_function(depth, is_single)
    close = _closing_function(has_closing, has_table, is_log)

    @cfunc(OBJECT(OBJECT, OBJECT))
    def one(held: Any, genes: Any) -> Any:
        plan = _longs_at(_whole(_member(held, 0)))
        codes, ranks = _codes_room(), _ranks_room()
        if not _read(genes, plan, codes):
            _hold(plan[NONE])
            return plan[NONE]
        _rank(codes, plan, ranks)
        return _number(close(float(sum_leaves(ranks, plan)), codes, plan))

    return one


class _Definition(ctypes.Structure):
    """What Python knows about a built-in function, as its C interface defines it (``PyMethodDef``)."""

    _fields_ = (
        ("name", ctypes.c_char_p), ("function", ctypes.c_void_p), ("flags", ctypes.c_int), ("doc", ctypes.c_char_p),
    )  # fmt: skip


_OF_ONE_OBJECT = 0x0008
"""Flag of functions that take one object (``METH_O``)."""

_new_function = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.POINTER(_Definition), ctypes.py_object, ctypes.c_void_p)(
    ("PyCFunction_NewEx", ctypes.pythonapi)
)


def _whole_genes(choices: list[tuple[Any, ...]]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Lays out the codes of genes whose choices are whole numbers from 0 on, not far from each other.

    Returns:
        The least choice of each gene, the number of numbers from it on (0 for other genes), and the place of their first
        code, shape (genes, 3); and the codes of these numbers, gene by gene.
    """
    has_types = ctypes.c_void_p.from_address(id(0) + TYPE_AT).value == id(int)
    ends, codes = np.zeros((len(choices), 3), dtype=np.int64), [np.empty(0, np.uint8)]
    for gene, values in enumerate(choices):
        if not has_types or len(values) > UNKNOWN or not all(type(one) is int and one >= 0 for one in values):
            continue
        width = max(values) - min(values) + 1
        if width <= SPREAD:
            ends[gene] = min(values), width, sum(map(len, codes))
            codes.append(np.full(width, UNKNOWN, np.uint8))
            codes[-1][np.array(values) - min(values)] = np.arange(len(values))
    return ends, np.concatenate(codes)


def function(
    ranks: Ranks, trees: NodeBits, closing: Closing | None = None
) -> Callable[[tuple[Any, ...]], Any] | None:
    """Makes the function of an architecture's values that sums the leaves of a forest, and makes an answer of the sum.

    Args:
        ranks: Columns of the forest.
        trees: The forest.
        closing: Function from the sum of the leaves to the answer; None for the sum itself.

    Returns:
        The function; None where there are too many genes or columns for it, or NumPy's exponential is not found. It returns
        None where a gene has another value.
    """
    exponential = None if closing is None else _loop_of_exp()
    if len(ranks.choices) > MOST_GENES or len(ranks) > ROOM or (exponential is None) != (closing is None):
        return None
    made = Closing() if closing is None else closing
    known = [{value: code for code, value in enumerate(values)} for values in ranks.choices]
    passed, stacked = ranks.steps, ranks.tables
    arrays: list[Any] = [np.array([id(one) for one in known], dtype=np.int64), stacked, passed, ranks.genes]
    plan = np.zeros(LENGTH, dtype=np.int64)
    plan[[NONE, GENES, VALUES]] = id(None), len(known), arrays[0].ctypes.data
    plan[[COLUMNS, WIDTH, ASKED, TABLES]] = len(ranks.genes), stacked.shape[1], ranks.genes.ctypes.data, stacked.ctypes.data
    plan[[PASSED, TOP]] = passed.ctypes.data, (len(passed) + 1) // 2
    for place, groups in ((PARAMS, ranks.param_groups), (PRICE, GroupArrays.of(made.table))):
        plan[place : place + 6] = [*groups.members.shape, *(one.ctypes.data for one in groups)]
        arrays += groups
    laid = trees.rows, trees.starts, trees.paths, trees.leaves
    plan[TREES:EXP] = [*(one.ctypes.data for one in laid), len(trees.leaves), len(trees.starts)]
    ends = np.array([made.offset, made.scale, made.floor])
    plan[EXP : INT + 1] = [*(exponential or (0, 0)), ends.ctypes.data, id(int)]
    whole = _whole_genes(ranks.choices)
    plan[WHOLE:] = [one.ctypes.data for one in whole]
    kinds = closing is not None, made.table is not None, made.is_log
    compiled = _compiled(trees.depth, trees.leaves.dtype == np.float32, *kinds)
    definition = _Definition(b"one", compiled.address, _OF_ONE_OBJECT, None)
    held = (plan.ctypes.data, plan, known, arrays, laid, ends, whole, compiled, definition)
    found: Callable[[tuple[Any, ...]], Any] = _new_function(ctypes.pointer(definition), held, None)
    return found
