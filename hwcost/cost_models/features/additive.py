"""The additive form that a lookup table is fitted in: a constant, a price per component, a function per gene.

The columns come in blocks, from general to particular, and each block is shrunk by itself: prices that follow from the
work done (``work``) first, then each component's own deviation from that (``components``), then what a gene's place adds
(``slopes``, ``logs``, ``levels``). With few rows the later blocks shrink away, and what remains is physics.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hwcost._types import Floats
from hwcost.cost_models import rowwise
from hwcost.cost_models.features.extractor import Features

FEW = 12
"""A numeric column with at most so many different values, all whole, also has one free effect per value."""


@dataclass(frozen=True)
class GeneTerm:
    """What one gene adds: ``slope * x + log_slope * log(max(x, floor)) + levels[x]``; an unknown level adds nothing.

    Above ``bend``, ``slope * x`` goes on as a line in the logarithm of x, along its tangent. Where terms are logarithms of
    factors, that is a power of x, and an exponential of x without it, which soon has no number.
    """

    slope: float
    log_slope: float
    floor: float
    levels: dict[float, float]
    bend: float = np.inf

    def __call__(self, values: Floats) -> Floats:
        """Evaluates encoded values (n,)."""
        total = self.slope * values
        if self.bend < np.inf:
            beyond = np.maximum(values, self.bend) / self.bend
            total = np.where(values > self.bend, self.slope * self.bend * (1.0 + rowwise.log(beyond)), total)
        if self.log_slope:
            total = total + self.log_slope * rowwise.log(np.maximum(values, self.floor))
        for level, effect in self.levels.items():
            total = total + effect * (values == level)
        return np.asarray(total)

    def as_list(self) -> list[Any]:
        """Returns plain JSON."""
        levels = [[level, effect] for level, effect in self.levels.items()]
        return [self.slope, self.log_slope, self.floor, levels, *([self.bend] if self.bend < np.inf else [])]

    @classmethod
    def from_list(cls, state: list[Any]) -> GeneTerm:
        """Reads what :meth:`as_list` returned."""
        slope, log_slope, floor, levels, *bend = state  # the first folders have no bend
        effects = {float(level): float(effect) for level, effect in levels}
        return cls(float(slope), float(log_slope), float(floor), effects, *map(float, bend))


@dataclass(frozen=True)
class Additive:
    """A fitted additive form.

    Attributes:
        constant: Value that every architecture has in common.
        components: Price per component of the space, shape (components,); components that all rows hold equally often
            are part of the constant and have price 0 here.
        genes: Terms of the genes, beside their components.
    """

    constant: float
    components: Floats
    genes: tuple[GeneTerm, ...]

    def __call__(self, features: Features, genes: Floats) -> Floats:
        """Evaluates encoded genes (n, genes)."""
        total = np.full(len(genes), self.constant)
        if self.components.any():
            total += rowwise.dot(features.counts(genes), self.components)
        for i, term in enumerate(self.genes):
            total += term(genes[:, i])
        return total


class Design:
    """The columns for one set of training rows, and the way back from coefficients to an additive form.

    Args:
        features: The feature extractor.
        genes: Encoded training architectures (n, genes).
    """

    def __init__(self, features: Features, genes: Floats) -> None:
        self.features = features
        self.n_components = len(features.components)
        self._maps: dict[str, Floats] = {}
        self._terms: dict[str, list[tuple[int, float, float]]] = {}
        self.blocks: dict[str, Floats] = {}
        if features.is_buildable:
            self._add_components(features.counts(genes))
        self._add_genes(genes)

    def _add_components(self, counts: Floats) -> None:
        """Adds the columns that price components: ``counts @ map`` each; an unseen component is priced by its work."""
        varying = np.ptp(counts, axis=0) > 0
        priced = varying | (counts[0] == 0)
        kinds = sorted({part.kind for part in self.features.components})
        kind_of = np.array([[part.kind == kind for kind in kinds] for part in self.features.components], dtype=float)
        self._price("work", counts, np.column_stack([kind_of, self.features.component_work]) * priced[:, None])
        self._price("components", counts, np.eye(self.n_components)[:, varying])

    def _price(self, name: str, counts: Floats, mapping: Floats) -> None:
        columns = mapping.T @ counts.T  # one a row, along which they are read
        highest = np.abs(columns).max(axis=1, initial=0.0)
        useful = np.ptp(columns, axis=1) > 1e-12 * highest
        if useful.any():
            size = highest[useful] if name == "work" else np.full(useful.sum(), counts.sum(1).max())
            self._maps[name] = mapping[:, useful] / size
            self.blocks[name] = columns[useful].T / size

    def _add_genes(self, genes: Floats) -> None:
        slopes: list[tuple[int, float, float]] = []
        logs: list[tuple[int, float, float]] = []
        levels: list[tuple[int, float, float]] = []
        by_gene = np.ascontiguousarray(genes.T)
        lowest, highest = by_gene.min(axis=1), by_gene.max(axis=1)
        means, deviations = by_gene.mean(axis=1).tolist(), by_gene.std(axis=1).tolist()
        for i, gene in enumerate(self.features.space.genes):
            values = by_gene[i]
            if lowest[i] == highest[i]:
                continue
            if not gene.categorical:
                slopes.append((i, means[i], deviations[i]))
            if not gene.categorical and not self.features.is_buildable and lowest[i] > 0:
                logs.append((i, float(np.log(values).mean()), float(np.log(values).std())))
            if self.features.is_buildable and not gene.categorical:
                continue
            different = np.unique(values)
            few = len(different) <= FEW and bool(np.all(different == np.round(different)))
            if gene.categorical or (few and len(different) > 2):
                levels += [(i, float(level), 1.0) for level in different]
        self._floors, self._highest = lowest, highest
        self._put("slopes", slopes, [(by_gene[i] - mean) / sd for i, mean, sd in slopes])
        self._put("logs", logs, [(np.log(by_gene[i]) - mean) / sd for i, mean, sd in logs])
        self._put("levels", levels, [(by_gene[i] == level).astype(float) for i, level, _ in levels])

    def _put(self, name: str, terms: list[tuple[int, float, float]], columns: list[Floats]) -> None:
        if terms:
            self._terms[name] = terms
            self.blocks[name] = np.array(columns).T

    def additive(self, intercept: float, coefficients: Floats, is_log: bool = False) -> Additive:
        """Turns the coefficients of all columns, in the order of the blocks, into prices and gene terms.

        Args:
            intercept: The constant beside the columns.
            coefficients: One number per column.
            is_log: Whether the sum is the logarithm of a value.
        """
        ends = np.cumsum([block.shape[1] for block in self.blocks.values()])
        parts = dict(zip(self.blocks, np.split(coefficients, ends[:-1]), strict=True)) if len(ends) else {}
        prices = np.zeros(self.n_components)
        for name, mapping in self._maps.items():
            prices += mapping @ parts[name]
        slope, log_slope = np.zeros(len(self._floors)), np.zeros(len(self._floors))
        constant = intercept
        for name, target in (("slopes", slope), ("logs", log_slope)):
            for (i, mean, sd), value in zip(self._terms.get(name, []), parts.get(name, ()), strict=True):
                target[i] = value / sd
                constant -= value * mean / sd
        levels: list[dict[float, float]] = [{} for _ in self._floors]
        for (i, level, _), value in zip(self._terms.get("levels", []), parts.get("levels", ()), strict=True):
            levels[i][level] = float(value)
        bends = np.where((slope > 0) & (self._highest > 0), self._highest, np.inf) if is_log else np.full(len(slope), np.inf)
        numbers = np.column_stack([slope, log_slope, self._floors, bends]).tolist()
        terms = (GeneTerm(s, g, f, own, bend) for (s, g, f, bend), own in zip(numbers, levels, strict=True))
        return Additive(float(constant), prices, tuple(terms))
