"""A plain smooth law of log latency, fitted with as much freedom as the rows carry.

It serves the checks that come before any cost model: fast, linear in its columns, and with left-out errors in closed form,
``e_i = r_i / (1 - h_i)`` with the leverages h.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator

import numpy as np

from hwcost._types import Floats, Indices
from hwcost.cost_models.features.additive import FEW
from hwcost.cost_models.features.extractor import Features

FREEDOMS = (0.05, 0.1, 0.2, 0.35)
"""Effective degrees of freedom that are tried, as shares of the number of rows; left-out errors choose."""

MOST_PAIRED = 8
"""Most numeric columns whose products are still columns of the law."""

MOST_NAMES = 60
"""Categories with a column of their own, and products of category and number; rarer ones share the intercept."""

PENALTIES = 10.0 ** np.arange(-6.0, 7.0, 0.25)
"""Ridge penalties per row, for columns of unit size."""

HIGHEST_LEVERAGE = 0.95


class Smoother:
    """Ridge regression on fixed columns, for any number of targets.

    Args:
        columns: Shape (n, k).
        fitted: Positions of the rows to fit on, shape (m,).
    """

    def __init__(self, columns: Floats, fitted: Indices) -> None:
        chosen = columns[fitted]
        self._mean, sd = chosen.mean(axis=0), chosen.std(axis=0)
        self._scale = np.where(sd > 1e-9 * (1.0 + np.abs(self._mean)), sd, np.inf) * np.sqrt(len(chosen))
        u, d, vt = np.linalg.svd((chosen - self._mean) / self._scale, full_matrices=False)
        kept = d > 1e-7 * d.max(initial=1e-300)
        self._u, self._d, self._vt, self._columns = u[:, kept], d[kept], vt[kept], columns
        self._shares = self._affordable(len(chosen))
        self._free = 1.0 - np.minimum(self._shares @ (self._u**2).T + 1.0 / len(chosen), HIGHEST_LEVERAGE)

    def _affordable(self, rows: int) -> Floats:
        """Returns, per freedom that is tried, the share that the penalty leaves of every direction; shape (freedoms, k)."""
        shares = [self._d**2 / (self._d**2 + penalty) for penalty in PENALTIES]
        places = [next((i for i, one in enumerate(shares) if one.sum() <= freedom * rows), -1) for freedom in FREEDOMS]
        return np.stack([shares[i] for i in dict.fromkeys(places)])

    def left_out(self, target: Floats) -> Floats:
        """Returns the prediction for each fitted row (m,) from the others, by the penalty that predicts best."""
        return target - self.left_out_errors(target)

    def left_out_errors(self, target: Floats) -> Floats:
        """Returns what each fitted row (m,) has above its prediction from the others, by the penalty that predicts best."""
        errors, best = self._tried(target)
        return np.asarray(errors[best])

    def _tried(self, target: Floats) -> tuple[Floats, int]:
        """Returns the errors by every penalty, shape (freedoms, m), and the number of the penalty with the least ones."""
        centred = target - target.mean()
        errors = (centred - (self._shares * (centred @ self._u)) @ self._u.T) / self._free
        return errors, int(np.argmin(np.einsum("ij,ij->i", errors, errors)))

    def everywhere(self, target: Floats) -> Floats:
        """Returns predictions for all rows (n,) by a fit on the target of the fitted rows (m,)."""
        share = self._shares[self._tried(target)[1]]
        slopes = self._vt.T @ (share / self._d * (self._u.T @ (target - target.mean())))
        return np.asarray((self._columns - self._mean) / self._scale @ slopes + target.mean())


def smoothers(features: Features, genes: Floats, fitted: Indices, used: Collection[int] | None = None) -> list[Smoother]:
    """Returns laws from plain to general: sizes where they are known, single columns, products of columns.

    Args:
        features: The feature extractor.
        genes: Encoded architectures, shape (n, genes).
        fitted: Positions of the rows to fit on, shape (m,).
        used: Indices of the genes that the laws may use; None for all.

    Returns:
        One law or more; a constant where no column varies.
    """
    blocks = list(_blocks(features, genes, range(genes.shape[1]) if used is None else used))
    blocks = blocks or [np.zeros((len(genes), 1))]
    stages = [np.column_stack(blocks[:end]) for end in range(1, len(blocks) + 1)]
    return [Smoother(stage, fitted) for stage in stages]


def _blocks(features: Features, genes: Floats, used: Collection[int]) -> Iterator[Floats]:
    if features.is_buildable:
        work = features.work(genes)
        yield np.log(np.maximum(work, 1.0))
    plain, logs, names = [], [], []
    for i in used:
        gene, values = features.space.genes[i], genes[:, i]
        different, counts = np.unique(values, return_counts=True)
        if len(different) < 2:
            continue
        is_few = len(different) <= FEW and bool(np.all(different == np.round(different)))
        if gene.categorical or (is_few and not features.is_buildable):
            common = different[np.argsort(-counts, kind="stable")][:MOST_NAMES]
            plain += [(values == one).astype(np.float64) for one in common]
        if gene.categorical:
            names += plain[-len(common) :]
            continue
        log = np.log(values) if values.min() > 0 else np.log1p(values) if values.min() >= 0 else values
        plain += [values, log]
        if (sd := float(log.std())) > 1e-9 * (1.0 + abs(float(log.mean()))):  # else rounding is all that varies
            logs.append((log - log.mean()) / sd)
    if plain:
        yield np.column_stack(plain)
    if 0 < len(logs) <= MOST_PAIRED:
        yield np.column_stack([a * b for a, b in itertools.combinations_with_replacement(logs, 2)])
    if names and logs and len(names) * len(logs) <= MOST_NAMES:
        yield np.column_stack([name * log for name in names for log in logs])
