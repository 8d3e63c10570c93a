"""Tables over groups of genes that price components together: a block's heads and channels, or a net's depth and width.

``value = base + sum over groups of table[codes of the group]``. A table over single genes, or over neighbours, cannot say
this; where genes are drawn by themselves, groups are independent of each other, so that means are exact all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from hwcost._types import Codes, Floats
from hwcost.spaces.candidates import Candidates

if TYPE_CHECKING:
    from hwcost.cost_models.features.additive import Additive
    from hwcost.cost_models.features.extractor import Features

LARGEST = 2**17
"""Points of a group beyond which it is not tabulated."""
CHECKS = 24
"""Random architectures on which tabulated counts are compared with the space's own."""
TOGETHER = 4096
"""Points of a group that are counted at a time, so that few rows of all genes are held."""


@dataclass(frozen=True)
class Kind:
    """Groups of genes that count the same components in the same way.

    Attributes:
        groups: Numbers of the genes of each group.
        counts: Components that each point of a group brings beyond the first one, shape (points, components).
        codes: Canonical codes of each point, shape (points, genes of a group).
    """

    groups: tuple[tuple[int, ...], ...]
    counts: Floats
    codes: Codes


@dataclass(frozen=True)
class Joint:
    """Components of a space's architectures as a sum over groups of genes.

    Attributes:
        base: Components of the architecture whose genes all have their first choice, shape (components,).
        kinds: The groups.
    """

    base: Floats
    kinds: tuple[Kind, ...]

    def __call__(self, codes: Codes, sizes: Sequence[int]) -> Floats:
        """Counts the components of codes (n, genes); returns shape (n, components)."""
        total = np.repeat(self.base[None], len(codes), axis=0)
        for kind in self.kinds:
            for group in kind.groups:
                points = np.ravel_multi_index(tuple(codes[:, gene] for gene in group), [sizes[gene] for gene in group])
                total += kind.counts[points]
        return total


@dataclass(frozen=True)
class JointTables:
    """A sum over groups of genes.

    Attributes:
        base: Value that is common to all.
        groups: Numbers of the genes of each group.
        tables: Per group, what each point adds, with an axis for every gene.
    """

    base: float
    groups: tuple[tuple[int, ...], ...]
    tables: tuple[Floats, ...]

    def times(self, factor: float) -> JointTables:
        """Returns the sum times a number."""
        return JointTables(factor * self.base, self.groups, tuple(factor * table for table in self.tables))

    def __call__(self, codes: Codes) -> Floats:
        """Returns the sum for codes (n, genes), shape (n,)."""
        total = np.full(len(codes), self.base)
        for group, table in zip(self.groups, self.tables, strict=True):
            total += table[tuple(codes[:, gene] for gene in group)]
        return total

    def mean(self, probabilities: Sequence[Any]) -> Any:
        """Returns the mean of the sum when every gene is drawn by itself."""
        pairs = zip(self.groups, self.tables, strict=True)
        return self.base + sum(_mean(table, [probabilities[gene] for gene in group]) for group, table in pairs)

    def mean_product(self, probabilities: Sequence[Any]) -> Any:
        """Returns the mean of the exponential of the sum, likewise."""
        total: Any = float(np.exp(self.base))
        for group, table in zip(self.groups, self.tables, strict=True):
            total = total * _mean(np.exp(table), [probabilities[gene] for gene in group])
        return total


def joint_of(features: Features) -> Joint | None:
    """Finds the sum over groups that a space's components are; None where it is none, or a group has too many points."""
    space, sizes = features.space, features.sizes
    if not all(gene.choices for gene in space.genes):
        return None
    alike = space.independent_genes() if features.components else tuple(((gene,),) for gene in range(len(sizes)))
    if any(prod(sizes[gene] for gene in groups[0]) > LARGEST for groups in alike):
        return None
    base = _counts(features, _canonical(features, np.zeros((1, len(sizes)), dtype=np.intp)))[0]
    found = Joint(base, tuple(_kind(features, groups, base) for groups in alike))
    rng = np.random.default_rng(0)
    probes = np.stack([rng.integers(size, size=CHECKS) for size in sizes], axis=1)
    wanted = _counts(features, _canonical(features, probes))
    return found if np.array_equal(found(probes, sizes), wanted) else None


def priced(joint: Joint, additive: Additive, features: Features) -> JointTables:
    """Prices the groups of a space by an additive form; one of component prices alone has no terms of genes."""
    groups, tables = [], []
    for kind in joint.kinds:
        parts = kind.counts @ additive.components
        for group in kind.groups:
            values = [features.encoded_choices(gene)[kind.codes[:, place]] for place, gene in enumerate(group)]
            terms = [additive.genes[gene](column) for gene, column in zip(group, values, strict=True) if additive.genes]
            own = parts + sum(terms)
            groups.append(group)
            tables.append(own.reshape([features.sizes[gene] for gene in group]))
    return JointTables(additive.constant + float(joint.base @ additive.components), tuple(groups), tuple(tables))


def summed(joint: Joint, numbers: Floats, sizes: Sequence[int]) -> JointTables:
    """Sums a number of every component over the groups of a space.

    Args:
        joint: The components of the space.
        numbers: Number that one of each component adds, shape (components,).
        sizes: Number of choices of every gene.
    """
    pairs = [
        (group, (kind.counts @ numbers).reshape([sizes[gene] for gene in group]))
        for kind in joint.kinds for group in kind.groups
    ]  # fmt: skip
    return JointTables(float(joint.base @ numbers), tuple(group for group, _ in pairs), tuple(table for _, table in pairs))


def _kind(features: Features, groups: tuple[tuple[int, ...], ...], base: Floats) -> Kind:
    first = list(groups[0])
    shape = [features.sizes[gene] for gene in first]
    points = np.indices(shape).reshape(len(first), -1).T
    counts, codes = [], []
    for start in range(0, len(points), TOGETHER):
        alone = np.zeros((len(points[start : start + TOGETHER]), len(features.sizes)), dtype=np.intp)
        alone[:, first] = points[start : start + TOGETHER]
        rows = _canonical(features, alone)
        counts.append(_counts(features, rows) - base)
        codes.append(rows[:, first])
    return Kind(groups, np.concatenate(counts), np.concatenate(codes))


def _counts(features: Features, codes: Codes) -> Floats:
    """Counts the components of canonical codes (n, genes), shape (n, components)."""
    return features.counts(features.genes_of(codes)) if features.components else np.zeros((len(codes), 0))


def _canonical(features: Features, codes: Codes) -> Codes:
    """Returns the codes of the points that stand for the same nets."""
    return Candidates(features.space, codes).codes


def _mean(table: Floats, probabilities: list[Any]) -> Any:
    """Contracts a table with one vector of probabilities per axis, from the last axis on."""
    last = probabilities[-1]
    left: Any = last.new_tensor(table) if hasattr(last, "new_tensor") else table
    for one in reversed(probabilities):
        left = left @ one
    return left
