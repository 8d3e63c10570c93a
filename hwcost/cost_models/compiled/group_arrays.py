"""Sums over groups of genes as arrays, for compiled loops."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats
from hwcost.cost_models.features.joint import JointTables
from hwcost.cost_models.features.tabulate import Tables

__all__ = ["GroupArrays", "joint_tables"]


def joint_tables(tables: Tables) -> JointTables:
    """Returns scalar tables as a sum over groups of genes, in the same order."""
    groups = tuple(tuple(range(first, first + table.ndim)) for first, table in tables.spans)
    return JointTables(float(tables.base), groups, tuple(table for _, table in tables.spans))


class GroupArrays(NamedTuple):
    """A sum over groups of genes as arrays.

    Attributes:
        members: Genes of each group, shape (groups, largest number of genes of a group).
        factors: Factor of each one's code in the group's index; 0 where a group has fewer genes.
        starts: Place of each group's first number, shape (groups,).
        numbers: Number that is common to all, then the numbers of every group in a row.
    """

    members: NDArray[np.int64]
    factors: NDArray[np.int64]
    starts: NDArray[np.int64]
    numbers: Floats

    @classmethod
    def of(cls, tables: JointTables | None) -> GroupArrays:
        """Lays a sum out; an empty one is zero."""
        given = JointTables(0.0, (), ()) if tables is None else tables
        members = np.zeros((len(given.groups), max(map(len, given.groups), default=0)), dtype=np.int64)
        factors = np.zeros_like(members)
        for row, (group, table) in enumerate(zip(given.groups, given.tables, strict=True)):
            members[row, : len(group)] = group
            factors[row, : len(group)] = [prod(table.shape[axis + 1 :]) for axis in range(len(group))]
        starts = np.cumsum([1, *(table.size for table in given.tables)])[:-1].astype(np.int64)
        numbers = np.concatenate([[given.base], *(table.ravel() for table in given.tables)]).astype(np.float64)
        return cls(members, factors, starts, numbers)
