"""Ranks: an architecture as the small whole numbers that a forest compares, straight from its codes or its values.

Columns of genes are tabulated by code. The number of parameters is a sum over groups of genes of whole numbers, which
is exact in any order.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost._cached import cached_property
from hwcost._types import Codes, Floats
from hwcost.cost_models.compiled.forest import Bytes, Forest
from hwcost.cost_models.compiled.group_arrays import GroupArrays
from hwcost.cost_models.features.extractor import WORK, Features
from hwcost.cost_models.features.fixed_shape import FixedShape
from hwcost.cost_models.features.joint import JointTables
from hwcost.cost_models.features.tabulate import JOINED

__all__ = ["OneByOne", "Ranks"]


@dataclass(frozen=True, eq=False)
class Ranks:
    """The ranks of the columns of a forest.

    Attributes:
        genes: Gene of each column but the number of parameters, shape (columns,), ascending.
        tables: Rank by the code of the gene, shape (columns, largest number of choices).
        params: Number of parameters; None where the forest does not ask for it.
        passed: Least number of parameters that passes each threshold, ascending, shape (thresholds,).
        choices: Values of each gene in the order of its codes.
    """

    genes: NDArray[np.int64]
    tables: Bytes
    params: JointTables | None
    passed: Floats
    choices: list[tuple[Any, ...]]

    @classmethod
    def of(cls, forest: Forest, features: Features, shape: FixedShape | None = None) -> Ranks | None:
        """Tabulates the columns of a forest; None where genes may hold any number, or parameters are not such a sum.

        Args:
            forest: The forest.
            features: Extractor of the architectures.
            shape: The shape of all of them, for a forest over shapes.
        """
        if not all(gene.choices for gene in features.space.genes):
            return None
        columns = _columns(features, {} if shape is None else shape.by_place)
        genes, tables, params, passed = [], [], None, np.empty(0)
        for place, column in enumerate(forest.used):
            if column == len(columns):
                params, passed = summed_params(features), forest.least_whole(place)
                if params is None:
                    return None
                continue
            gene, values = columns[column]
            genes.append(gene)
            tables.append(np.pad(forest.ranks(place, values), (0, max(features.sizes) - len(values))))
        stacked = np.array(tables, dtype=np.uint8).reshape(len(tables), max(features.sizes))
        return cls(np.array(genes, dtype=np.int64), stacked, params, passed, list(features.ordered_choices))

    def __len__(self) -> int:
        """Number of columns."""
        return len(self.genes) + (self.params is not None)

    @cached_property
    def param_groups(self) -> GroupArrays:
        """The number of parameters as arrays."""
        return GroupArrays.of(self.params)

    @cached_property
    def steps(self) -> Floats:
        """The thresholds of the number of parameters, filled up with infinity to 2 ** n - 1, for a search in n steps."""
        missing = 2 ** len(self.passed).bit_length() - 1 - len(self.passed)
        return np.pad(self.passed, (0, missing), constant_values=np.inf)

    def __call__(self, codes: Codes) -> Bytes:
        """Returns the ranks of codes (n, genes), shape (columns, n)."""
        found = np.empty((len(self), len(codes)), dtype=np.uint8)
        for column, (gene, table) in enumerate(zip(self.genes.tolist(), self.tables, strict=True)):
            found[column] = table[codes[:, gene]]
        if self.params is not None:
            found[-1] = np.searchsorted(self.passed, self.params(codes), side="right")
        return found


def _columns(features: Features, fixed: Mapping[int, float]) -> list[tuple[int, Floats]]:
    """Returns the columns that trees see of genes, in order: the number of the gene, and the column by its codes.

    Args:
        features: Extractor of the architectures.
        fixed: Sizes that the trees see among the genes, by their places. Such a column is a constant of the gene before it,
            or of the first one, so that the numbers of genes still ascend.
    """
    found: list[tuple[int, Floats]] = []
    others = iter(enumerate(features.space.genes))
    last = 0
    for place in range(len(features.space.genes) + len(fixed)):
        if place in fixed:
            found.append((last, np.full(features.sizes[last], float(fixed[place]))))
            continue
        last, gene = next(others)
        values = np.eye(len(gene.choices)) if gene.categorical else features.encoded_choices(last)[None]
        found += [(last, column) for column in values]
    return found


def summed_params(features: Features) -> JointTables | None:
    """Returns the number of parameters of architectures; None where it is not such a sum, or groups are large."""
    work = features.component_work[:, WORK.index("params")]
    counts, joint = features.tables, None if features.tables is not None else features.joint
    if counts is not None:
        pairs = [(tuple(range(first, first + table.ndim - 1)), table @ work) for first, table in counts.spans]
        return JointTables(float(counts.base @ work), tuple(group for group, _ in pairs), tuple(table for _, table in pairs))
    if joint is None or any(len(kind.counts) > JOINED for kind in joint.kinds):
        return None
    pairs = [
        (group, (kind.counts @ work).reshape([features.sizes[gene] for gene in group]))
        for kind in joint.kinds for group in kind.groups
    ]  # fmt: skip
    return JointTables(float(joint.base @ work), tuple(group for group, _ in pairs), tuple(table for _, table in pairs))


class OneByOne:
    """The ranks of single architectures, as bytes: a few look-ups of several genes each.

    Args:
        ranks: The columns.
    """

    def __init__(self, ranks: Ranks) -> None:
        spans = _spans(list(map(len, ranks.choices)))
        self._passed = ranks.passed.tolist()
        self._tail = [bytes([rank]) for rank in range(len(self._passed) + 1)]
        base = 0.0 if ranks.params is None else ranks.params.base
        self._span, *others = spans
        self._first = {key: (some, base + params) for key, (some, params) in _known(ranks, self._span).items()}
        self._parts = [(span, _known(ranks, span)) for span in others]
        self._others = _others(ranks, spans)

    def __call__(self, genes: tuple[Any, ...]) -> bytes:
        """Returns the ranks of an architecture's values, and a zero after them where the number of parameters is not asked.

        Raises:
            KeyError: When a gene has another value.
        """
        joined, total = self._first[genes[self._span]]
        for span, known in self._parts:
            some, params = known[genes[span]]
            joined += some
            total += params
        for key, added in self._others:
            total += added[key(genes)]
        return joined + self._tail[bisect_right(self._passed, total)]


def _spans(sizes: list[int]) -> list[slice]:
    """Divides genes into neighbours of which one look-up answers all."""
    found, first = [], 0
    while first < len(sizes):
        last = first + 1
        while last < len(sizes) and prod(sizes[first : last + 1]) <= JOINED:
            last += 1
        found.append(slice(first, last))
        first = last
    return found


def _is_within(group: tuple[int, ...], span: slice) -> bool:
    return bool(span.start <= min(group) and max(group) < span.stop)


def _known(ranks: Ranks, span: slice) -> dict[tuple[Any, ...], tuple[bytes, float]]:
    """Returns, by the values of the genes of a span, the bytes of their columns and what they add to the parameters."""
    choices = ranks.choices[span]
    columns = [(gene - span.start, table) for gene, table in zip(ranks.genes, ranks.tables, strict=True)
               if span.start <= gene < span.stop]  # fmt: skip
    codes = np.indices([len(values) for values in choices]).reshape(len(choices), -1)
    rows = np.array([table[codes[place]] for place, table in columns], dtype=np.uint8).reshape(-1, codes.shape[1])
    added = np.zeros(codes.shape[1])
    for group, table in _terms(ranks):
        if _is_within(group, span):
            added += table[tuple(codes[gene - span.start] for gene in group)]
    values = itertools.product(*choices)
    return dict(zip(values, zip((row.tobytes() for row in rows.T), added.tolist(), strict=True), strict=True))


def _others(ranks: Ranks, spans: list[slice]) -> list[tuple[Callable[[tuple[Any, ...]], Any], dict[Any, float]]]:
    """Returns what groups add that lie in no span: how their key is made, and a number by that key."""
    found: list[tuple[Callable[[tuple[Any, ...]], Any], dict[Any, float]]] = []
    for group, table in _terms(ranks):
        if not any(_is_within(group, span) for span in spans):
            values = [ranks.choices[gene] for gene in group]
            keys = itertools.product(*values) if len(group) > 1 else iter(values[0])
            found.append((itemgetter(*group), dict(zip(keys, table.ravel().tolist(), strict=True))))
    return found


def _terms(ranks: Ranks) -> list[tuple[tuple[int, ...], Floats]]:
    return [] if ranks.params is None else list(zip(ranks.params.groups, ranks.params.tables, strict=True))
