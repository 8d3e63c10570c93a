"""Where a fitted cost model may be trusted: near what it was fitted on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost._cached import cached_property
from hwcost._types import Floats
from hwcost.cost_models import rowwise
from hwcost.cost_models.features.categories import Categories
from hwcost.cost_models.features.ends import LEAST_ROWS, Ends
from hwcost.cost_models.features.extractor import Features, shared_features
from hwcost.cost_models.features.groups import Groups
from hwcost.cost_models.features.relations import Relations, relations
from hwcost.cost_models.features.repeats import merged
from hwcost.cost_models.features.tabulate import Tables
from hwcost.cost_models.features.trend import Trend
from hwcost.spaces.base import Component
from hwcost.spaces.shaped import SHAPE_GENES, Shape, Shaped, split

FADE = 10.0
"""A correction fades by a factor e for each tenth of a gene's range that a point lies outside."""

WIDER = 2.0
"""Half-widths that an interval grows by for each octave beyond the shapes of the fit."""

STEEPER = 2.0
"""Multiple of the way beyond all rows, along their trend, by which the interval of a model that stays behind grows:
trees are off at the last rows already."""

PARTED = 2.3
"""Half-width of the logarithm, a factor of 10, where genes part that change only together in all rows."""


@dataclass(frozen=True)
class Domain:
    """The training rows' reach.

    Spaces with components: every component kind must have been seen, with each dimension inside the range seen. Spaces
    without: every number inside the range of its column, every category one that was seen. Where shapes differ, batch size
    and sequence length must lie inside their ranges too. Of a model that does not extrapolate, the trend of the rows counts
    as well. Of one that does, it only says where the errors are larger.

    Attributes:
        low: Smallest value per encoded gene, shape (genes,).
        high: Largest value per encoded gene, shape (genes,).
        seen: Categories seen per gene; None for numeric genes.
        known: Per component of the space, whether it lies inside; empty where there are none.
        trend: Trend of the rows; None for a model that follows it beyond them with errors that are no larger at its ends.
        ends: Errors at the ends of the trend, relative to those among its rows; None where they are not known.
        follows: Whether the model follows the trend beyond its rows, so that the domain does not end there.
        shapes: Shapes that were measured, shape (k, 2); empty where errors are no larger at others within their reach.
        between: Errors at shapes within the reach that were not measured, over those at measured ones, at least 1.
        relations: Relations between genes that all rows obey; an architecture that leaves one lies outside.
    """

    low: Floats
    high: Floats
    seen: tuple[tuple[int, ...] | None, ...]
    known: NDArray[np.bool_]
    trend: Trend | None = None
    ends: Ends | None = None
    follows: bool = False
    shapes: Floats = field(default_factory=lambda: np.empty((0, len(SHAPE_GENES))))
    between: float = 1.0
    relations: tuple[Relations, ...] = ()

    @classmethod
    def of(cls, features: Features, genes: Floats, trend: Trend | None = None) -> Domain:
        """Takes the reach of encoded training architectures, shape (n, genes)."""
        seen = tuple(
            tuple(np.unique(genes[:, i]).astype(int).tolist()) if gene.categorical else None
            for i, gene in enumerate(features.space.genes)
        )
        priced, own = _priced(features, genes)
        known = np.zeros(len(priced.components), dtype=bool)
        if priced.is_buildable:
            present = priced.counts(own).sum(axis=0) > 0
            known = _inside(priced.components, present)
        return cls(genes.min(axis=0), genes.max(axis=0), seen, known, trend)

    @classmethod
    def whole(cls, features: Features) -> Domain:
        """Returns the domain that holds every architecture of a space, all of whose components are known."""
        known = np.ones(len(features.components), dtype=bool)
        if features.is_buildable:
            return cls(np.empty(0), np.empty(0), (), known)
        last = np.array([len(gene.choices) - 1 for gene in features.space.genes])
        ends = features.genes_of(np.stack([np.zeros_like(last), last]))
        seen = tuple(tuple(range(len(g.choices))) if g.categorical else None for g in features.space.genes)
        return cls(ends.min(axis=0), ends.max(axis=0), seen, known)

    @cached_property
    def is_whole(self) -> bool:
        """Whether every architecture of a space with components lies inside."""
        return len(self.known) > 0 and bool(self.known.all())

    def contains(self, features: Features, genes: Floats, half_width: float | None = None) -> NDArray[np.bool_]:
        """Says for each encoded architecture whether it lies inside; shape (n,).

        Args:
            features: Extractor of the space.
            genes: Encoded architectures, shape (n, genes).
            half_width: Half-width of the interval of the logarithm, by which an architecture may lie beyond the rows along
                their trend; None for not at all.
        """
        priced, own = _priced(features, genes)
        if not priced.is_buildable:
            inside = self._is_within(genes)
            for relation in self.relations:
                inside &= relation.hold(genes)
        else:
            inside = self._octaves(features, genes) == 0 if _is_shaped(features) else np.ones(len(genes), dtype=bool)
            if not self.is_whole:
                inside &= self._unknown(priced, own) == 0
        if self.edge is not None:
            rows, far = self.edge.rows_beyond(features, genes)
            if len(rows):
                inside[rows[far > (half_width or 0.0)]] = False
        return np.asarray(inside)

    def related(self, features: Features, genes: Floats) -> Domain:
        """Returns the domain with the relations that all encoded rows, each once, obey; none where components are known."""
        if _priced(features, genes)[0].is_buildable:
            return self
        return replace(self, relations=relations(features, genes))

    def nearest(self, genes: Floats) -> Floats:
        """Returns encoded genes (n, genes) with numbers moved, where rows leave a relation, to the nearest that obey it."""
        for relation in self.relations:
            genes = relation.nearest(genes)
        return genes

    def trust(self, features: Features, genes: Floats) -> Floats:
        """Returns 1 inside and a weight that falls to 0 outside; shape (n,)."""
        if _priced(features, genes)[0].is_buildable:
            return self.contains(features, genes).astype(np.float64)
        return rowwise.exp(-FADE * self._outside(genes))

    @property
    def edge(self) -> Trend | None:
        """Trend of the rows of a model that does not follow it beyond them; None for any other model."""
        return None if self.follows else self.trend

    def learned(
        self, features: Features, genes: Floats, values: Floats, weights: Floats, errors: Floats
    ) -> Domain:
        """Returns the domain with what errors on rows left out say of the ends of the trend; every architecture counts once.

        Args:
            features: Extractor of the space.
            genes: Encoded rows, shape (n, genes).
            values: Measured values, shape (n,).
            weights: Weights of the rows, shape (n,).
            errors: Errors of the logarithm, shape (n,).
        """
        groups = Groups.of_architectures(features, genes)
        firsts, sizes = genes[groups.first], np.bincount(groups.numbers, np.abs(errors)) / groups.sizes
        if self.edge is not None:
            return replace(self, ends=Ends.of(self.edge.heights(features, firsts), sizes))
        bare = replace(self, trend=None, ends=None, follows=False)
        if len(groups) < LEAST_ROWS:
            return bare
        trend = Trend.of(features, *merged(Groups.of(features, genes), genes, values, weights))
        ends = Ends.of(trend.heights(features, firsts), sizes, grows=True)
        return bare if ends is None or ends.is_even else replace(self, trend=trend, ends=ends, follows=True)

    def at_ends(self, features: Features, genes: Floats) -> Floats:
        """Returns how many times larger than typical errors are at each row, as far as it lies near an end, shape (n,)."""
        if self.trend is None or self.ends is None:
            return np.ones(len(genes))
        return self.ends(self.trend.heights(features, genes))

    def widening(self, features: Features, genes: Floats, half_width: float | None = None) -> Floats:
        """Returns how many times wider than inside an interval is at each row, shape (n,).

        It is wider for shapes that were not measured, towards the ends of the trend of the rows, and beyond them, and wide
        where genes part that change only together in all rows.

        Args:
            features: Extractor of the space.
            genes: Encoded architectures, shape (n, genes).
            half_width: Half-width of the interval of the logarithm inside; None without one.
        """
        wider = self.at_ends(features, genes)
        if _is_shaped(features):
            wider = wider * self._at_shapes(genes[:, -len(SHAPE_GENES) :])
        if self.edge is not None and half_width:
            rows, far = self.edge.rows_beyond(features, genes)
            if len(rows):
                wider[rows] += STEEPER * far / half_width
        if half_width:
            for relation in self.relations:
                wider = np.where(relation.hold(genes), wider, np.maximum(wider, PARTED / half_width))
        return wider

    # -- shapes --------------------------------------------------------------------------------------------------------

    @property
    def shape_reach(self) -> dict[str, tuple[float, float]]:
        """Smallest and largest batch size and sequence length, of rows whose shapes differ."""
        ends = zip(self.low[-len(SHAPE_GENES) :], self.high[-len(SHAPE_GENES) :], strict=True)
        return {name: (float(low), float(high)) for name, (low, high) in zip(SHAPE_GENES, ends, strict=True)}

    def widening_at(self, shape: Shape) -> float:
        """Returns how many times wider than at measured shapes an interval is at a shape."""
        return float(self._at_shapes(np.array([shape], dtype=np.float64))[0])

    def _at_shapes(self, sizes: Floats) -> Floats:
        """Returns how many times wider than at measured shapes an interval is at shapes (n, 2), shape (n,)."""
        wider = 1.0 + WIDER * self._beyond(sizes)
        if not len(self.shapes):
            return wider
        is_measured = (sizes[:, None, :] == self.shapes).all(axis=2).any(axis=1)
        return np.where(is_measured, wider, np.maximum(wider, self.between))

    def at(self, places: Mapping[str, int], sizes: Mapping[str, float]) -> Domain:
        """Returns the reach over architectures alone, at one shape, without a trend; empty where the shape lies outside.

        Args:
            places: Number of the gene of each size, by its name.
            sizes: The sizes of the shape.
        """
        others = [i for i in range(len(self.low)) if i not in places.values()]
        is_inside = all(self.low[place] <= sizes[name] <= self.high[place] for name, place in places.items())
        nowhere = np.full(len(others), np.finfo(np.float64).max)  # finite, so that the model can be saved
        low, high = (self.low[others], self.high[others]) if is_inside else (nowhere, -nowhere)
        found = tuple(one.at(places, sizes, len(self.low)) for one in self.relations)
        return Domain(low, high, tuple(self.seen[i] for i in others), self.known & is_inside, relations=found)

    def _octaves(self, features: Features, genes: Floats) -> Floats:
        """Octaves by which the shapes of rows lie outside; 0 where shapes do not differ, shape (n,)."""
        return self._beyond(genes[:, -len(SHAPE_GENES) :])

    def _beyond(self, sizes: Floats) -> Floats:
        low, high = self.low[-len(SHAPE_GENES) :], self.high[-len(SHAPE_GENES) :]
        ratio = np.maximum(np.maximum(low / sizes, sizes / high), 1.0)
        return np.asarray((rowwise.log(ratio) / np.log(2.0)).max(axis=1))

    def _outside(self, genes: Floats) -> Floats:
        """How far beyond the range, in units of it, on the worst gene; infinite for an unseen category."""
        width = np.where(self.high > self.low, self.high - self.low, np.maximum(np.abs(self.high), 1.0))
        beyond = np.maximum(np.maximum(self.low - genes, genes - self.high), 0.0) / width
        categories = self._categories
        beyond[:, categories.places] = np.where(categories.are_seen(genes), 0.0, np.inf)
        return np.asarray(beyond.max(axis=1))

    def _is_within(self, genes: Floats) -> NDArray[np.bool_]:
        """Whether every number lies in the range of its gene and every category was seen, shape (n,)."""
        categories = self._categories
        inside = np.ones(len(genes), dtype=bool)
        if len(categories.places):
            inside &= categories.are_seen(genes).all(axis=1)
        if len(categories.others):
            numbers = genes[:, categories.others]
            inside &= ((numbers >= self.low[categories.others]) & (numbers <= self.high[categories.others])).all(axis=1)
        return inside

    @cached_property
    def _categories(self) -> Categories:
        return Categories.of(self.seen)

    def _unknown(self, features: Features, genes: Floats) -> Floats:
        """Counts the components of encoded architectures (n, genes) that are not known, shape (n,)."""
        counts = features.tables
        if counts is None:
            return np.asarray(features.counts(genes)[:, ~self.known].sum(axis=1))
        kept: tuple[Features, Tables] | None = self.__dict__.get("_kept")
        if kept is None or kept[0] is not features:
            own = [*counts.single, *counts.pairs]
            tables = [table[..., ~self.known].sum(axis=-1) for table in own]
            single, pairs = tables[: len(counts.single)], tables[len(counts.single) :]
            kept = features, Tables(np.asarray(counts.base[~self.known].sum()), single, pairs)
            self.__dict__["_kept"] = kept
        return kept[1](features.codes(genes))

    def as_dict(self) -> dict[str, Any]:
        """Returns plain JSON."""
        return {
            "low": self.low.tolist(),
            "high": self.high.tolist(),
            "seen": [None if seen is None else list(seen) for seen in self.seen],
            "known": self.known.tolist(),
            **({} if self.trend is None else {"trend": self.trend.as_dict()}),
            **({} if self.ends is None else {"ends": self.ends.as_dict()}),
            **({"follows": True} if self.follows else {}),
            **({"shapes": self.shapes.tolist(), "between": self.between} if len(self.shapes) else {}),
            **({"relations": [one.as_dict() for one in self.relations]} if self.relations else {}),
        }

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Domain:
        """Reads what :meth:`as_dict` returned."""
        seen = tuple(None if codes is None else tuple(int(code) for code in codes) for codes in state["seen"])
        known = np.array(state["known"], dtype=bool)
        trend = Trend.from_dict(state["trend"]) if "trend" in state else None
        ends = Ends.from_dict(state["ends"]) if "ends" in state else None
        follows = bool(state.get("follows", False))
        low, high = (np.array(state[end], dtype=float) for end in ("low", "high"))
        shapes = np.array(state.get("shapes", []), dtype=np.float64).reshape(-1, len(SHAPE_GENES))
        found = tuple(Relations.from_dict(one) for one in state.get("relations", ()))
        return cls(low, high, seen, known, trend, ends, follows, shapes, float(state.get("between", 1.0)), found)


def _is_shaped(features: Features) -> bool:
    return isinstance(features.space, Shaped)


def _priced(features: Features, genes: Floats) -> tuple[Features, Floats]:
    """Returns the extractor and the encoded genes of the architectures, without their shapes."""
    if not isinstance(features.space, Shaped):
        return features, genes
    return shared_features(features.space.base), split(genes)[0]


def _inside(components: Iterable[Component], present: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Components whose kind was present, with every dimension within the range that was present."""
    reach: dict[tuple[str, str], list[int]] = {}
    kinds = set()
    parts = list(components)
    for part, is_present in zip(parts, present, strict=True):
        if is_present:
            kinds.add(part.kind)
            for name, size in part.dims:
                reach.setdefault((part.kind, name), []).append(size)
    return np.array([
        part.kind in kinds
        and all(
            min(reach.get((part.kind, name), [size + 1])) <= size <= max(reach.get((part.kind, name), [size - 1]))
            for name, size in part.dims
        )
        for part in parts
    ])
