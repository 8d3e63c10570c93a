"""What a few rows of a new device say about it, given what other devices taught: a mixture of Gaussian experts.

Each expert takes the new device to be like one source, like the mean of all, or like none. It explains relative values
``u = latency / (scale * expert)`` as ``1 + deviation + noise``, where the deviation lies towards the other sources, towards
a constant overhead, and in prices of the device's own, with a size of each. Sizes and noise are not known: all settings
of a grid are weighed by their evidence (Rasmussen and Williams 2006, Gaussian Processes for Machine Learning, equation
5.8), times how often devices that were left out among the sources asked for a setting (empirical Bayes). A source that does
not resemble the device explains its rows badly, and loses its weight.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Codes, Floats, Indices
from hwcost.cost_models.priors.basis import OVERHEAD, OWN_PRICE, PLACE, SOURCE, WORK

MEAN, NONE = "mean", "none"
"""Names of the experts that take the device to be like all sources, or like none."""

TOWARDS = (0.0, 0.3, 1.0)
"""Sizes of the deviation towards other sources, in their own distances."""

OVERHEADS = (0.0, 0.1, 0.5)
"""Sizes of an overhead, against the geometric mean latency."""

DEVIATIONS = (0.0, 0.01, 0.04, 0.16)
"""Sizes of the deviation of the device's own prices, against the same."""

PLACES = (0.0, 0.01, 0.1)
"""Sizes of what the places of genes add to that, against the same."""

NOISES = np.geomspace(3e-4, 0.3, 16)
"""Relative noise of a row of mean weight."""

SETTINGS = np.array(list(itertools.product(TOWARDS, OVERHEADS, DEVIATIONS, PLACES)))
"""Every setting of the sizes, shape (settings, 4)."""

SCALE = 0
"""Group of the direction of a change of scale; the others are columns of ``SETTINGS``, counted from 1."""

GROUPS = {SOURCE: 1, OVERHEAD: 2, WORK: 1, OWN_PRICE: 3, PLACE: 4}
"""Number of the size of a direction towards a column, by the kind of the column."""

PICKED = 200
"""Gaussians by which a mixture of thousands is represented."""


@dataclass(frozen=True)
class Expert:
    """One view of the new device.

    Attributes:
        name: Name of the source that the device is like; ``mean`` or ``none``.
        base: Coefficients of what it is like, shape (columns,).
        turns: Coefficients of each direction in which it may deviate, shape (columns, directions); the first is its scale.
        groups: Number of the size of each direction, see ``GROUPS``; shape (directions,).
    """

    name: str
    base: Floats
    turns: Floats
    groups: Codes

    def sizes(self) -> Floats:
        """Returns the standard deviation of every direction in every setting, shape (settings, directions)."""
        return np.column_stack([np.ones(len(SETTINGS)), SETTINGS])[:, self.groups]


@dataclass(frozen=True)
class Posterior:
    """One weighted Gaussian over the coefficients of the columns.

    Attributes:
        expert: Number of the expert.
        weight: Its probability.
        mean: Coefficients, shape (columns,), in the unit of the values.
        covariance: Their covariance, shape (columns, columns).
        noise: Relative noise of a row of mean weight; the scale of noise with heavy tails.
        freedom: Degrees of freedom of noise with heavy tails; 0 for normal noise.
    """

    expert: int
    weight: float
    mean: Floats
    covariance: Floats
    noise: float
    freedom: float = 0.0


def experts(columns: Floats, kinds: Codes, names: Sequence[str]) -> list[Expert]:
    """Makes the experts: each source, the mean of several, and none of them but work.

    Args:
        columns: Columns of the anchors, as :class:`hwcost.cost_models.priors.basis.Basis` gives them, shape (n, columns).
        kinds: Kind of every column, shape (columns,).
        names: Names of the sources.
    """
    unit = np.eye(len(kinds))
    sources = np.flatnonzero(kinds == SOURCE)
    known = [(name, unit[i], kinds != WORK) for name, i in zip(names, sources, strict=True)]
    mean = [(MEAN, unit[sources].mean(axis=0), kinds != WORK)] if len(sources) > 1 else []
    none = (NONE, unit[kinds == OVERHEAD][0], (kinds != SOURCE) & (kinds != OVERHEAD))
    return [_expert(columns, kinds, *one) for one in (*known, *mean, none)]


def _expert(columns: Floats, kinds: Codes, name: str, base: Floats, allowed: NDArray[np.bool_]) -> Expert:
    """Directions have mean zero over the anchors relative to the base, which keeps them apart from its scale."""
    base = base / np.exp(np.log(columns @ base).mean())
    relative = columns / (columns @ base)[:, None]
    towards = [i for i in np.flatnonzero(allowed) if base[i] == 0 or name == MEAN]
    alike = max(sum(GROUPS[int(kinds[i])] == GROUPS[SOURCE] for i in towards), 1)
    turns, groups = [base], [SCALE]
    for i in towards:
        size = {SOURCE: 1.0 / np.sqrt(alike), WORK: 1.0 / np.sqrt(alike)}.get(int(kinds[i]), 1.0)
        norm = float(relative[:, i].mean()) if kinds[i] in (SOURCE, OVERHEAD, WORK) else 1.0
        turns.append(size / norm * (np.eye(len(base))[i] - relative[:, i].mean() * base))
        groups.append(GROUPS[int(kinds[i])])
    return Expert(name, base, np.stack(turns, axis=1), np.array(groups))


@dataclass(frozen=True)
class Explained:
    """Rows in the view of an expert.

    Attributes:
        scale: Value that the expert's 1 stands for.
        directions: Relative directions of the rows, each row times the root of its weight, shape (n, directions).
        target: Relative deviation of the rows likewise, shape (n,).
        evidence: Log evidence of every setting and noise, shape (settings, noises).
    """

    scale: float
    directions: Floats
    target: Floats
    evidence: Floats


def explain(
    expert: Expert, columns: Floats, values: Floats, weights: Floats, allowed: NDArray[np.bool_] | None = None
) -> Explained:
    """Weighs settings of an expert on some rows.

    Args:
        expert: The expert.
        columns: Columns of the rows, shape (n, columns).
        values: Measured values, shape (n,).
        weights: Weights of the rows, mean about 1, shape (n,).
        allowed: Mask of the possible settings, shape (settings,); None for all. The others' evidence is minus infinity.
    """
    own = np.maximum(columns @ expert.base, 1e-12)
    scale = float(np.exp(np.median(np.log(values / own))))
    root = np.sqrt(weights)
    target = root * (values / (scale * own) - 1.0)
    directions = root[:, None] * ((columns @ expert.turns) / own[:, None])
    unit = float(np.log(root).sum() - np.log(scale * own).sum())  # the evidence is one of values, not of ratios
    evidence = np.full((len(SETTINGS), len(NOISES)), -np.inf)
    settings = np.arange(len(SETTINGS)) if allowed is None else np.flatnonzero(allowed)
    if len(settings):
        evidence[settings] = _evidence(directions, target, expert.sizes()[settings]) + unit
    return Explained(scale, directions, target, evidence)


def _evidence(directions: Floats, target: Floats, sizes: Floats) -> Floats:
    """Log evidence of every setting and noise, by the eigenvalues of the smaller Gram matrix; see the module."""
    n = len(target)
    if n <= directions.shape[1]:
        products = (directions[:, None, :] * directions).reshape(n * n, -1)
        eigenvalues, vectors = np.linalg.eigh((sizes**2 @ products.T).reshape(-1, n, n))
        squares = np.einsum("gij,i->gj", vectors, target) ** 2
        rest = np.zeros(len(sizes))
    else:
        gram, moment = directions.T @ directions, directions.T @ target
        eigenvalues, vectors = np.linalg.eigh(sizes[:, :, None] * gram * sizes[:, None, :])
        squares = np.einsum("gij,gi->gj", vectors, sizes * moment) ** 2 / np.maximum(eigenvalues, 1e-300)
        squares = np.where(eigenvalues > 1e-12 * max(float(gram.trace()), 1e-300), squares, 0.0)
        rest = np.maximum(target @ target - squares.sum(axis=1), 0.0)
    variances = np.maximum(eigenvalues, 0.0)[:, :, None] + NOISES**2
    fit = (squares[:, :, None] / variances).sum(axis=1) + rest[:, None] / NOISES**2
    freedom = np.log(variances).sum(axis=1) + (n - eigenvalues.shape[1]) * 2.0 * np.log(NOISES)
    return np.asarray(-0.5 * (fit + freedom + n * np.log(2.0 * np.pi)))


def weigh(
    members: Sequence[Expert],
    views: Floats,
    noises: Floats,
    columns: Floats,
    values: Floats,
    weights: Floats,
    picked: int = PICKED,
) -> tuple[list[Posterior], float]:
    """Returns what rows say about the coefficients, a mixture whose weights sum to 1, and the log evidence of all of it.

    Args:
        members: The experts.
        views: Log probability of every expert and setting before any row is known, shape (experts, settings).
        noises: The same of the noise, shape (noises,).
        columns: Columns of the rows, shape (n, columns).
        values: Measured values, shape (n,).
        weights: Weights of the rows, shape (n,).
        picked: Number of Gaussians that stand for the mixture: those at evenly spaced places of its summed probability.
    """
    explained = [explain(one, columns, values, weights, np.isfinite(own)) for one, own in zip(members, views, strict=True)]
    logs = np.stack([one.evidence for one in explained]) + views[:, :, None] + noises
    shares = np.exp(logs - logs.max())
    total = float(shares.sum())
    places = total * (np.arange(picked) + 0.5) / picked
    drawn, counts = np.unique(np.searchsorted(np.cumsum(shares), places), return_counts=True)
    kept = np.stack([*np.unravel_index(drawn, shares.shape), counts])
    found = []
    for e, (member, rows) in enumerate(zip(members, explained, strict=True)):
        _, own, noise, count = kept[:, kept[0] == e]
        found += _posteriors(e, member, rows, own, NOISES[noise], count / picked)
    return found, float(logs.max() + np.log(total))


def _posteriors(
    number: int, expert: Expert, rows: Explained, settings: Indices, noises: Floats, weights: Floats
) -> list[Posterior]:
    """Conditions an expert on its rows, once for each of k settings (k,) with its noise (k,) and weight (k,)."""
    sizes = expert.sizes()[settings]
    gram, moment = rows.directions.T @ rows.directions, rows.directions.T @ rows.target
    inner = expert.turns * sizes[:, None, :]
    inverse = np.linalg.inv(sizes[:, :, None] * gram * sizes[:, None, :] + (noises**2)[:, None, None] * np.eye(len(gram)))
    means = expert.base + (inner @ (inverse @ (sizes * moment)[:, :, None]))[:, :, 0]
    spreads = (noises**2)[:, None, None] * (inner @ inverse @ inner.transpose(0, 2, 1))
    return [
        Posterior(number, float(weight), rows.scale * mean, rows.scale**2 * spread, float(noise))
        for weight, mean, spread, noise in zip(weights, means, spreads, noises, strict=True)
    ]
