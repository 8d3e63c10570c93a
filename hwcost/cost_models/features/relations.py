"""Genes that change only together in the rows of a fit, so that nothing tells their effects apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats
from hwcost.cost_models import rowwise
from hwcost.cost_models.features.extractor import Features
from hwcost.spaces.candidates import Candidates

MOVED = 5
"""Different architectures, on either side, in which a column must differ from its usual value to count."""

SPARE = 8
"""Different architectures beyond the number of columns that are needed, since fewer rows lie on a plane by chance."""

MOST = 300
"""Columns up to which relations are looked for."""

EXACT = 1e-13
"""Variance along a direction, in shares of that of one column, below which rows do not leave a plane but by rounding."""

OFF = 1e-6
"""Distance from the plane, in standard deviations of a column, from which an architecture lies off it."""

DRAWN = 256
"""Architectures of a space that are drawn to find what all of them obey."""

NAMED_FROM = 1e-3
"""Least weight of a column, over the largest, that is named."""


@dataclass(frozen=True)
class Relations:
    """Linear relations that all rows obey, between numbers, or their logarithms, and whether categories are there.

    Attributes:
        places: Number of the gene of each column, shape (c,).
        codes: Category of which each column says whether it is there, shape (c,); -1 for the number itself.
        vectors: Weights of the columns in each relation, shape (c, k).
        constants: Sum of each relation at rows that obey it, shape (k,).
        scales: Standard deviation of each column among the rows, shape (c,).
        is_log: Whether numbers are taken by their logarithms.
    """

    places: NDArray[np.intp]
    codes: NDArray[np.intp]
    vectors: Floats
    constants: Floats
    scales: Floats
    is_log: bool

    @classmethod
    def of(cls, rows: Floats, own: Floats, categorical: Sequence[bool], is_log: bool = False) -> Relations | None:
        """Finds the relations of encoded architectures; None where there are none.

        Args:
            rows: Encoded architectures, each once, shape (n, genes).
            own: Encoded architectures of the space, drawn at random, shape (m, genes): what all of them obey does not count.
                Empty where the space allows any numbers.
            categorical: Whether each gene is a category.
            is_log: Whether numbers are taken by their logarithms, and categories left out.
        """
        columns = _columns(rows, categorical, is_log)
        if not 2 <= len(columns) <= min(MOST, len(rows) - SPARE):
            return None
        places, codes = np.array(columns, dtype=np.intp).T
        if is_log and len(own) and own[:, places].min() <= 0:
            return None
        x = _values(rows, places, codes, is_log)
        mean, sd = x.mean(axis=0), x.std(axis=0)
        z = (x - mean) / sd
        found = _vanishing(z)
        if found.shape[1] and len(own):
            off = ((_values(own, places, codes, is_log) - mean) / sd) @ found
            found = found @ _moved(off)
        if not found.shape[1] or np.abs(z @ found).max() > OFF:
            return None
        taking = np.linalg.norm(found, axis=1) > OFF  # the others have no part in any relation
        vectors = found[taking] / sd[taking, None]
        return cls(places[taking], codes[taking], vectors, mean[taking] @ vectors, sd[taking], is_log)

    def hold(self, genes: Floats) -> NDArray[np.bool_]:
        """Says for each encoded architecture, shape (n, genes), whether it obeys all relations, shape (n,)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            off = np.abs(_values(genes, self.places, self.codes, self.is_log) @ self.vectors - self.constants)
        return np.asarray((off <= OFF).all(axis=1))

    def at(self, places: Mapping[str, int], sizes: Mapping[str, float], genes: int) -> Relations:
        """Returns the relations between the other genes where some have fixed sizes.

        Args:
            places: Number of the gene of each size, by its name.
            sizes: The sizes.
            genes: Number of all genes.
        """
        fixed = np.zeros((1, genes))
        for name, place in places.items():
            fixed[0, place] = sizes[name]
        is_fixed = np.isin(self.places, list(places.values()))
        part = _values(fixed, self.places[is_fixed], self.codes[is_fixed], self.is_log)[0] @ self.vectors[is_fixed]
        number = np.cumsum([place not in places.values() for place in range(genes)]) - 1
        return replace(
            self, places=number[self.places[~is_fixed]], codes=self.codes[~is_fixed], vectors=self.vectors[~is_fixed],
            constants=self.constants - part, scales=self.scales[~is_fixed],
        )  # fmt: skip

    def nearest(self, genes: Floats) -> Floats:
        """Returns encoded genes (n, genes) with numbers moved to the nearest that obey all relations; obeying rows as given.

        Nearest in standard deviations of the numbers; categories stay, so that a relation of categories alone stays broken.
        """
        off = np.flatnonzero(~self.hold(genes))
        if self.is_log:
            off = off[(genes[np.ix_(off, self.places)] > 0).all(axis=1)]  # the others have no logarithm
        numbers = np.flatnonzero(self.codes < 0)
        if not len(off) or not len(numbers):
            return genes
        values = _values(genes[off], self.places, self.codes, self.is_log)
        left = np.stack([rowwise.dot(values, one) for one in self.vectors.T], axis=1) - self.constants
        sizes = self.scales[numbers]
        back = np.linalg.pinv(self.vectors[numbers].T * sizes, rcond=OFF) * sizes[:, None]
        steps = np.stack([rowwise.dot(left, one) for one in back], axis=1)
        moved = genes.astype(np.float64)
        found = values[:, numbers] - steps
        moved[np.ix_(off, self.places[numbers])] = rowwise.exp(found) if self.is_log else found
        return moved

    @property
    def together(self) -> list[tuple[int, ...]]:
        """Numbers of the genes that hang together by each relation, of as few genes as that may be."""
        scaled = _echelon((self.vectors * self.scales[:, None]).T)
        involved = [np.unique(self.places[np.abs(row) > NAMED_FROM * np.abs(row).max()]) for row in scaled]
        return [tuple(one.tolist()) for one in involved if len(one) > 1]

    def as_dict(self) -> dict[str, Any]:
        """Returns plain JSON."""
        return {
            "places": self.places.tolist(), "codes": self.codes.tolist(), "vectors": self.vectors.tolist(),
            "constants": self.constants.tolist(), "scales": self.scales.tolist(), "is_log": self.is_log,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Relations:
        """Reads what :meth:`as_dict` returned."""
        places, codes = (np.array(state[name], dtype=np.intp) for name in ("places", "codes"))
        vectors = np.array(state["vectors"], dtype=np.float64).reshape(len(places), -1)
        constants, scales = (np.array(state[name], dtype=np.float64) for name in ("constants", "scales"))
        return cls(places, codes, vectors, constants, scales, bool(state["is_log"]))


def relations(features: Features, genes: Floats) -> tuple[Relations, ...]:
    """Returns the relations that all encoded architectures obey, of the numbers themselves and of their logarithms.

    What every architecture of the space obeys is none of them.

    Args:
        features: Extractor of the space.
        genes: Encoded architectures, each once, shape (n, genes).
    """
    own, categorical = np.empty((0, genes.shape[1])), [gene.categorical for gene in features.space.genes]
    if all(gene.choices for gene in features.space.genes):
        rng = np.random.default_rng(0)
        codes = np.stack([rng.integers(size, size=DRAWN) for size in features.sizes], axis=1)
        own = features.genes_of(Candidates(features.space, codes).codes)
    found = (Relations.of(genes, own, categorical, is_log) for is_log in (False, True))
    return tuple(one for one in found if one is not None)


def _vanishing(z: Floats) -> Floats:
    """Returns the directions, shape (c, k), along which standardised rows (n, c) do not vary."""
    variance, directions = np.linalg.eigh(z.T @ z / len(z))
    return np.asarray(directions[:, variance < EXACT * z.shape[1]])


def _moved(off: Floats) -> Floats:
    """Returns the directions, shape (k, j), in which distances (m, k) of a space's own architectures differ from zero."""
    _, sizes, directions = np.linalg.svd(off, full_matrices=False)
    return np.asarray(directions[sizes > OFF * np.sqrt(len(off))].T)


def _columns(rows: Floats, categorical: Sequence[bool], is_log: bool) -> list[tuple[int, int]]:
    """Lists gene and category of the columns that move in enough rows; of each category but the most frequent one."""
    found: list[tuple[int, int]] = []
    for place, is_category in enumerate(categorical):
        values, counts = np.unique(rows[:, place], return_counts=True)
        if is_category:
            others = np.delete(np.arange(len(values)), counts.argmax())
            is_moved = (counts >= MOVED) & (counts <= len(rows) - MOVED)
            found += [] if is_log else [(place, int(values[k])) for k in others if is_moved[k]]
        elif len(rows) - counts.max() >= MOVED and (values[0] > 0 or not is_log):
            found.append((place, -1))
    return found


def _values(genes: Floats, places: NDArray[np.intp], codes: NDArray[np.intp], is_log: bool) -> Floats:
    """Returns the columns of encoded architectures, shape (n, c)."""
    taken = genes[:, places].astype(np.float64)
    numbers = rowwise.log(taken) if is_log else taken
    return np.where(codes < 0, numbers, taken == codes)


def _echelon(rows: Floats) -> Floats:
    """Returns the reduced rows of a matrix, each of which has few entries where the space that they span allows it."""
    found, at = rows.astype(np.float64).copy(), 0
    for column in np.argsort(-np.abs(rows).max(axis=0)):
        if at == len(found):
            break
        best = at + int(np.abs(found[at:, column]).argmax())
        if abs(found[best, column]) < OFF * np.abs(rows).max():
            continue
        found[[at, best]] = found[[best, at]]
        found[at] /= found[at, column]
        others = np.arange(len(found)) != at
        found[others] -= found[others, column][:, None] * found[at]
        at += 1
    return found
