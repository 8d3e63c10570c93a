"""The columns in which a new device's cost is written: sources, an overhead, and deviations that the space allows.

``latency = sum over sources of share * f_source + overhead + deviations``, where ``f_source`` is what the cost model of
another device says, in units of its own geometric mean. Deviations are prices of components, or of choices, of the new
device alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hwcost._types import Codes, Floats
from hwcost.cost_models import rowwise
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.families.lut import LookupTable
from hwcost.cost_models.features.extractor import Features
from hwcost.cost_models.features.tabulate import Tables, tabulate
from hwcost.errors import UsageError
from hwcost.spaces.base import SearchSpace

N_ANCHORS = 200
"""Architectures on which sources are compared with each other."""

REACH = 0.5
"""Correlation length of the deviations of components of one kind, in standard deviations of their log work."""

OWN = 0.2
"""Share of a component's deviation that its neighbours in size do not share (variance)."""

SOURCE, OVERHEAD, WORK, OWN_PRICE, PLACE = range(5)
"""Kinds of columns: a source, the constant, work, a deviation of a price, and what a gene's place adds to that."""


def anchors(space: SearchSpace, sources: Sequence[CostModel], features: Features) -> Floats:
    """Returns encoded architectures that stand for the space: a sample, or those that sources measured; shape (n, genes).

    Raises:
        UsageError: When the space cannot be sampled and no source has measured architectures.
    """
    try:
        return features.encode(space.sample(N_ANCHORS, seed=0))
    except UsageError:
        known = sorted({genes for source in sources for genes in source.measured_}, key=repr)
    if len(known) < 2:
        raise UsageError(
            f"space '{space.name}' cannot be sampled, and the given prior holds no measured architectures to compare "
            "sources on. Give models that were fitted on tables, not on arrays of genes."
        )
    rng = np.random.default_rng(0)
    chosen = rng.permutation(len(known))[:N_ANCHORS]
    return features.encode([space.made(known[i]) for i in chosen])


class Basis:
    """The columns.

    Args:
        features: The feature extractor of the new device's model.
        sources: Fitted models of other devices.
        norms: Geometric mean of each source, and of each kind of work, over the anchors, shape (sources + works,).
        mix: Matrix from raw deviation columns to ones of about unit size, shape (raw, deviations).
        mean: Their means over the anchors, shape (deviations,).
        kinds: Kind of every column, shape (columns,).
    """

    def __init__(
        self, features: Features, sources: Sequence[CostModel], norms: Floats, mix: Floats, mean: Floats, kinds: Codes
    ) -> None:
        self.features = features
        self.sources = tuple(sources)
        self.norms = norms
        self.mix = mix
        self.mean = mean
        self.kinds = kinds

    @classmethod
    def of(cls, features: Features, sources: Sequence[CostModel], genes: Floats) -> Basis:
        """Takes norms and means from encoded anchors (n, genes)."""
        known = [source.predict_encoded(genes) for source in sources]
        works = _works(features, genes)
        norms = np.array([np.exp(np.log(column).mean()) for column in (*known, *works)])
        raw, blocks = _raw(features, genes), _blocks(features)
        mix = np.column_stack([_unit(raw, *block) for block in blocks])
        widths = [mixing.shape[1] if mixing is not None else stop - start for start, stop, mixing, _ in blocks]
        kinds = np.repeat(
            [SOURCE, OVERHEAD, WORK, *(kind for *_, kind in blocks)], [len(sources), 1, len(works), *widths]
        )
        return cls(features, sources, norms, mix, (raw @ mix).mean(axis=0), kinds)

    def __call__(self, genes: Floats) -> Floats:
        """Returns the columns of encoded architectures (n, genes); shape (n, columns)."""
        of_sources, of_works = np.split(self.norms, [len(self.sources)])
        known = [source.predict_encoded(genes) / norm for source, norm in zip(self.sources, of_sources, strict=True)]
        works = [work / norm for work, norm in zip(_works(self.features, genes), of_works, strict=True)]
        raw = _raw(self.features, genes)
        own = [rowwise.dot(raw, column) - mean for column, mean in zip(self.mix.T, self.mean, strict=True)]
        return np.stack([*known, np.ones(len(genes)), *works, *own], axis=1)

    def tables(self, coefficients: Floats) -> Tables | None:
        """Returns the sum of the columns, times coefficients (columns,), as a sum over genes and pairs of neighbours.

        None where it is another function: where components are not such sums, a source is not a table that adds prices, or
        one has a floor that some architecture would reach.
        """
        features, counts = self.features, self.features.tables
        if counts is None or not all(work.least() >= 1.0 for work in features.work_tables or ()):
            return None
        if not all(map(_is_sum, self.sources)):
            return None

        def total(codes: Codes) -> Floats:
            return rowwise.dot(self(features.genes_of(codes)), coefficients)

        return tabulate(total, features.sizes, with_pairs=bool(counts.pairs))

    def as_dict(self) -> dict[str, Any]:
        """Returns plain JSON, without the sources."""
        arrays = {"norms": self.norms.tolist(), "mix": self.mix.tolist(), "mean": self.mean.tolist()}
        return {**arrays, "kinds": self.kinds.tolist()}

    @classmethod
    def from_dict(cls, features: Features, sources: Sequence[CostModel], state: dict[str, Any]) -> Basis:
        """Reads what :meth:`as_dict` returned."""
        norms, mix, mean = (np.array(state[name], dtype=np.float64) for name in ("norms", "mix", "mean"))
        kinds = np.array(state["kinds"], dtype=np.intp)
        if mix.ndim != 2 or mean.shape != (mix.shape[1],) or len(kinds) != len(norms) + 1 + len(mean):
            raise ValueError("the columns of a prior do not fit each other")
        return cls(features, sources, norms, mix, mean, kinds)


def _is_sum(source: CostModel) -> bool:
    """Whether a source adds prices from a table, and no architecture falls to the floor under its predictions."""
    table = source.plain
    if not isinstance(table, LookupTable) or table.form_ != "linear" or table.tables_ is None:
        return False
    return table.tables_.least() * table.scale_ >= table.floor_


def _works(features: Features, genes: Floats) -> list[Floats]:
    """Parameters, FLOPs and elements moved, where components count them."""
    return [np.maximum(column, 1.0) for column in features.work(genes).T] if features.is_buildable else []


def _raw(features: Features, genes: Floats) -> Floats:
    """Columns of which deviations are made: counts of components and genes, or genes, their logarithms and choices."""
    one_hot = features.one_hot(genes)
    if features.is_buildable:
        return np.column_stack([features.counts(genes), one_hot])
    blocks = [one_hot, *_logs(features, genes)]
    if _is_alike(features):
        blocks.append((genes[:, :, None] == np.arange(features.sizes[0])).sum(axis=1).astype(np.float64))
    return np.column_stack(blocks)


def _logs(features: Features, genes: Floats) -> list[Floats]:
    numeric = [i for i, gene in enumerate(features.space.genes) if not gene.categorical]
    return [rowwise.log(np.maximum(np.abs(genes[:, numeric]), 1.0))] if numeric else []


def _is_alike(features: Features) -> bool:
    """Whether all genes choose among the same categories, so that a choice has a price wherever it stands."""
    kinds = {gene.choices for gene in features.space.genes if gene.categorical}
    return len(kinds) == 1 and len(features.space.genes) > 1 and all(gene.categorical for gene in features.space.genes)


def _blocks(features: Features) -> list[tuple[int, int, Floats | None, int]]:
    """Blocks of raw columns: where they begin and end, what mixes them (None: each by its own size), and their kind."""
    width = len(features.one_hot_names)
    if features.is_buildable:
        count = len(features.components)
        mixing = np.asarray(np.linalg.cholesky(_kinship(features)), dtype=np.float64)
        return [(0, count, mixing, OWN_PRICE), (count, count + width, None, PLACE)]
    if _is_alike(features):
        return [(width, width + features.sizes[0], None, OWN_PRICE), (0, width, None, PLACE)]
    numeric = sum(not gene.categorical for gene in features.space.genes)
    return [(0, width + numeric, None, OWN_PRICE)]


def _kinship(features: Features) -> Floats:
    """Covariance of the deviations of components: those of one kind and about equal work deviate alike."""
    work = np.log1p(features.component_work[:, 1])
    kinds = np.array([part.kind for part in features.components])
    same = kinds[:, None] == kinds
    spread = np.array([max(float(work[kinds == kind].std()), 1e-9) for kind in kinds])
    near = np.exp(-0.5 * ((work[:, None] - work) / (REACH * spread)) ** 2)
    return np.asarray((1.0 - OWN) * same * near + (OWN + 1e-9) * np.eye(len(work)))


def _unit(raw: Floats, start: int, stop: int, mixing: Floats | None, kind: int) -> Floats:
    """Makes a block one of deviations whose mean square over the anchors is 1."""
    part = raw[:, start:stop]
    inner = np.diag(1.0 / _spread(part)) if mixing is None else mixing
    outer = np.zeros((raw.shape[1], inner.shape[1]))
    outer[start:stop] = inner / (float(np.sqrt((part @ inner).var(axis=0).sum())) or 1.0)
    return outer


def _spread(part: Floats) -> Floats:
    spread = part.std(axis=0)
    return np.where(spread > 1e-12 * np.maximum(np.abs(part).max(axis=0), 1.0), spread, np.inf)
