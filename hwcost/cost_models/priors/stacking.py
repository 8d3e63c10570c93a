"""How far views in which a device deviates are to be trusted with few rows, learnt from sources that are left out.

From three rows a deviation and a noisy row look alike, and the evidence of either mostly repeats what was supposed before.
So three families of views answer apart: the sources but for a scale, what lies among the sources, and all views. They are
averaged by stacking (Wolpert 1992, Stacked generalization, Neural Networks 5(2), section 2; Yao et al. 2018, Using stacking
to average Bayesian predictive distributions, Bayesian Analysis 13(3), section 3.1): each source in turn is taken for the new
device, and as many rows of it are drawn, with noise of every width and several shapes. Shares of the families count by how
well the others then predict the source itself, without noise, where its rows scatter about them as the new device's rows do
about the sources. Few sources tell shares roughly, so all shares are averaged, each by its probability (Yao et al. 2022,
Bayesian hierarchical stacking, Bayesian Analysis 17(4), section 2): they are even where nothing speaks for one family.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import stdtrit

from hwcost._types import Codes, Floats, Indices
from hwcost.cost_models.priors.basis import SOURCE
from hwcost.cost_models.priors.experts import NOISES, SETTINGS, Expert, experts
from hwcost.cost_models.priors.noise import NORMAL
from hwcost.cost_models.training.conformal import LEVEL

SIZES, ENOUGH = (3, 5), 10
"""Numbers of rows that are drawn of a source, and number from which on the evidence of rows decides alone."""

DRAWS, REPEATS = 9, 2
"""Draws of rows of each source, and draws of noise of each width for each of them."""

TESTED = 24
"""Anchors that are predicted from a draw."""

SHAPES = (np.inf, 4.0, 2.0)
"""Degrees of freedom of the noise, in turn; its 90 % interval is as wide as normal noise's."""

NEAR = 0.4
"""Standard deviation of the kernel that picks draws whose rows scatter alike, of the logarithm."""

LEAST_SCATTER, LEAST_ERROR = 1e-6, 1e-4
"""Relative scatter and error below which draws count as the same."""

FAMILIES = 3
_SHARES = np.array([steps for steps in itertools.product(range(11), repeat=FAMILIES) if sum(steps) == 10]) / 10.0


def families(views: Floats) -> Floats:
    """Returns the log probability of experts and settings in each family, shape (families, experts, settings).

    Args:
        views: The same of all views, shape (experts, settings); the last expert is like no source.
    """
    among = np.where((SETTINGS[:, 1:] == 0.0).all(axis=1), views, -np.inf)
    rigid = np.where((SETTINGS == 0.0).all(axis=1), 0.0, np.full_like(views, -np.inf))
    among[-1] = rigid[-1] = -np.inf
    made = np.stack([rigid, among, views])
    return np.asarray(made - np.logaddexp.reduce(made, axis=(1, 2))[:, None, None])


@dataclass(frozen=True, eq=False)
class Lesson:
    """What draws of left-out sources teach for one number of rows, of t draws.

    Attributes:
        scatters: Scatter of the rows of each draw about the sources, shape (t,).
        weights: Log probability of the noise that was added to them, shape (t,).
        products: Mean products of the families' relative errors, shape (t, families, families).
        votes: Number of rows for which the draws of all sources count together.
    """

    scatters: Floats
    weights: Floats
    products: Floats
    votes: int

    def shares(self, scatter: float) -> Floats:
        """Returns the mean shares of the families, shape (families,).

        Every source counts for as many rows as are known of the new device: the probability of shares is that of normal
        errors of unknown size, at even odds before.
        """
        near = self.weights - 0.5 * (np.log(self.scatters / max(scatter, LEAST_SCATTER)) / NEAR) ** 2
        near = np.exp(near - near.max())
        squares = np.einsum("wf,tfg,wg->tw", _SHARES, self.products, _SHARES) + LEAST_ERROR**2
        logs = -0.5 * self.votes * (near @ np.log(squares)) / near.sum()
        odds = np.exp(logs - logs.max())
        return np.asarray(odds @ _SHARES / odds.sum())


@dataclass(frozen=True, eq=False)
class Stacking:
    """Shares of the families of views, learnt once for each of ``SIZES``.

    Attributes:
        columns: Columns of the anchors, shape (n, columns).
        kinds: Kind of every column, shape (columns,).
        members: The experts.
        views: Log probability of every expert and setting, shape (experts, settings).
        noises: Log probability of every noise, shape (noises,).
    """

    columns: Floats
    kinds: Codes
    members: list[Expert]
    views: Floats
    noises: Floats
    _lessons: dict[int, Lesson] = field(default_factory=dict)

    def __call__(self, rows: Floats, values: Floats) -> list[tuple[Floats, float]]:
        """Returns views with the share of their answer for columns of rows (n, columns) and their values (n,).

        All views stand alone where there is but one source, or rows are enough.
        """
        sources = int((self.kinds == SOURCE).sum())
        if sources < 2 or not SIZES[0] <= len(values) < ENOUGH:
            return [(self.views, 1.0)]
        size = max(size for size in SIZES if size <= len(values))
        if size not in self._lessons:
            self._lessons[size] = self._learn(size)
        shares = self._lessons[size].shares(float(_scatters(self.members[:sources], rows, values[None])[0]))
        return [(views, float(share)) for views, share in zip(families(self.views), shares, strict=True)]

    def _learn(self, size: int) -> Lesson:
        sources = int((self.kinds == SOURCE).sum())
        found = [_draw(self, left, size, draw) for left in range(sources) for draw in range(DRAWS)]
        scatters, products = (np.concatenate(parts) for parts in zip(*found, strict=True))
        weights = np.tile(np.repeat(self.noises, REPEATS), len(found))
        return Lesson(np.maximum(scatters, LEAST_SCATTER), weights, products, sources * size)


def _draw(known: Stacking, left: int, size: int, draw: int) -> tuple[Floats, Floats]:
    """Returns scatters and products of the errors of one draw of rows of a source, for every noise, ``REPEATS`` times."""
    rng = np.random.default_rng([left, size, draw])
    kept = np.delete(np.arange(known.columns.shape[1]), left)
    columns, truth = known.columns[:, kept], known.columns[:, left]
    sources = int((known.kinds[kept] == SOURCE).sum())
    members = experts(columns, known.kinds[kept], [str(i) for i in range(sources)])
    order = rng.permutation(len(columns))
    rows, tested = order[:size], order[size : size + TESTED]
    noise = np.repeat(NOISES, REPEATS)[:, None] * _noise(rng, SHAPES[draw % len(SHAPES)], (len(NOISES) * REPEATS, size))
    values = truth[rows] * np.exp(noise)
    views = families(_of_fewer(known.views, len(members)))
    errors = _predicted(members, views, known.noises, columns[rows], values, columns[tested]) / truth[tested] - 1.0
    return _scatters(members[:sources], columns[rows], values), errors @ errors.transpose(0, 2, 1) / len(tested)


def _noise(rng: np.random.Generator, freedom: float, shape: tuple[int, int]) -> Floats:
    if np.isinf(freedom):
        return rng.standard_normal(shape)
    return np.asarray(NORMAL / stdtrit(freedom, 0.5 + LEVEL / 2.0) * rng.standard_t(freedom, shape))


def _of_fewer(views: Floats, count: int) -> Floats:
    """Returns the views of so many experts, a source being left out; a source that stays alone has no mean of several."""
    return views[[0, -1] if count == 2 else np.r_[0 : count - 2, -2:0]]


def _scatters(sources: Sequence[Expert], columns: Floats, values: Floats) -> Floats:
    """Returns how far rows (n, columns) with values (draws, n) scatter about the source that is nearest, shape (draws,)."""
    ratios = [np.log(values / np.maximum(columns @ one.base, 1e-12)) for one in sources]
    return np.asarray(np.min([one.std(axis=1, ddof=1) for one in ratios], axis=0))


def _predicted(
    members: Sequence[Expert], views: Floats, noises: Floats, columns: Floats, values: Floats, tested: Floats
) -> Floats:
    """Returns what each family predicts from rows (n, columns) with values (draws, n), shape (draws, families, tested)."""
    seen = [_Seen.of(member, columns, values) for member in members]
    return np.stack([_mean(members, seen, family, noises, tested) for family in views], axis=1)


def _mean(members: Sequence[Expert], seen: Sequence[_Seen], family: Floats, noises: Floats, tested: Floats) -> Floats:
    """Returns what a family with views (experts, settings) predicts, shape (draws, tested)."""
    parts = []
    for member, one, own in zip(members, seen, family, strict=True):
        settings = np.flatnonzero(np.isfinite(own))
        if len(settings):
            parts.append((member, one, settings, one.evidence[:, settings] + own[settings, None] + noises))
    most = np.max([logs.max(axis=(1, 2)) for *_, logs in parts], axis=0)[:, None, None]
    found = [one.mean(member, settings, np.exp(logs - most), tested) for member, one, settings, logs in parts]
    weights, means = (np.sum(both, axis=0) for both in zip(*found, strict=True))
    return np.asarray(means / weights[:, None])


@dataclass(frozen=True, eq=False)
class _Seen:
    """Rows in the view of an expert, for several draws of their values, in settings s and noises k.

    Attributes:
        scale: Value that the expert's 1 stands for, shape (draws,).
        directions: Relative directions of the rows, shape (n, directions).
        squares: Squared size of every direction, shape (s, directions).
        vectors: Eigenvectors of the covariance of the rows, shape (s, n, n).
        along: Deviations of the rows along them, shape (draws, s, n).
        variances: Variances along them, shape (s, n, k).
        evidence: Log evidence, shape (draws, s, k).
    """

    scale: Floats
    directions: Floats
    squares: Floats
    vectors: Floats
    along: Floats
    variances: Floats
    evidence: Floats

    @classmethod
    def of(cls, expert: Expert, columns: Floats, values: Floats) -> _Seen:
        """Looks at rows (n, columns) with values (draws, n)."""
        own, n = np.maximum(columns @ expert.base, 1e-12), len(columns)
        ratios = values / own
        scale = np.exp(np.median(np.log(ratios), axis=1))
        directions, squares = (columns @ expert.turns) / own[:, None], expert.sizes() ** 2
        products = (directions[:, None, :] * directions).reshape(n * n, -1)
        eigenvalues, vectors = np.linalg.eigh((squares @ products.T).reshape(-1, n, n))
        variances = np.maximum(eigenvalues, 0.0)[:, :, None] + NOISES**2
        along = np.einsum("sij,mi->msj", vectors, ratios / scale[:, None] - 1.0)
        fit = np.einsum("msj,sjk->msk", along**2, 1.0 / variances) + np.log(variances).sum(axis=1)
        unit = n * np.log(scale) + np.log(own).sum()
        return cls(scale, directions, squares, vectors, along, variances, -0.5 * fit - unit[:, None, None])

    def mean(self, expert: Expert, settings: Indices, shares: Floats, tested: Floats) -> tuple[Floats, Floats]:
        """Returns the sum of shares (draws, s, k) of some settings, and with it their mean prediction of tested rows."""
        steps = np.einsum("msk,sjk->msj", shares, 1.0 / self.variances[settings]) * self.along[:, settings]
        turned = np.einsum("sij,msj->mis", self.vectors[settings], steps)
        coefficients = ((turned @ self.squares[settings]) * self.directions).sum(axis=1)
        weight = shares.sum(axis=(1, 2))
        relative = weight[:, None] * (tested @ expert.base) + coefficients @ (tested @ expert.turns).T
        return weight, self.scale[:, None] * relative
