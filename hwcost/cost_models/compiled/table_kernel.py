"""Lookup tables over codes in batches, compiled by numba: the same additions in the same order as :class:`Tables`.

Codes are bytes. They go to vector instructions where the processor has AVX-512, see
:mod:`hwcost.cost_models.compiled.table_vectors`, and else to a loop for any processor.
"""

from __future__ import annotations

import numpy as np

from hwcost._types import Codes, Floats
from hwcost.cost_models.compiled.code_loops import sums_by_loop
from hwcost.cost_models.compiled.group_arrays import GroupArrays, joint_tables
from hwcost.cost_models.compiled.table_vectors import Eights
from hwcost.cost_models.features.tabulate import Tables, check_codes, in_ranges

__all__ = ["TableKernel"]

NARROWED = 16_384
"""Rows of wider whole numbers that become bytes at a time."""


class TableKernel:
    """Scalar tables for batches of codes: ``max(tables(codes) * scale, floor)``, to the last bit.

    Args:
        tables: The tables.
        scale: Factor of the sums.
        floor: Least value of any answer.
    """

    @staticmethod
    def covers(tables: Tables) -> bool:
        """Whether codes fit into bytes."""
        return max(map(len, tables.single), default=0) <= 256

    def __init__(self, tables: Tables, scale: float, floor: float) -> None:
        self._sizes = [len(own) for own in tables.single]
        self._groups, self._scale, self._floor = GroupArrays.of(joint_tables(tables)), float(scale), float(floor)
        self._eights = Eights.of(self._groups, self._sizes)

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
        if codes.dtype != np.uint8:
            return all(
                self._narrowed(codes[start : start + NARROWED], found[start : start + NARROWED])
                for start in range(0, len(codes), NARROWED)
            )
        rows = np.ascontiguousarray(codes, np.uint8)
        if self._eights is not None:
            return self._eights(rows, self._scale, self._floor, found)
        return sums_by_loop(self._groups, rows, self._sizes, self._scale, self._floor, found)

    def _narrowed(self, codes: Codes, found: Floats) -> bool:
        """Writes the answers of rows of wider whole numbers."""
        narrow = codes.astype(np.uint8)
        return bool((narrow == codes).all()) and self._part(narrow, found)
