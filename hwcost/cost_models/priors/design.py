"""Which architectures tell most about a new device, given what models of other devices taught, before any is measured.

In every view of the device (an expert with the sizes of its deviations, see :mod:`hwcost.cost_models.priors.experts`) the
relative values are Gaussian, so that what rows leave unknown does not depend on what will be measured. Architectures are
chosen one after another, each the one that lowers the variance of predictions most: their mean over the space (Cohn 1996,
Neural network exploration using optimal experiment design, Neural Networks 9(6), equation 11; the criterion of I-optimal
designs), and over views the mean of its logarithm, so that views which leave much unknown do not decide alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hwcost._types import Floats, Indices
from hwcost.cost_models.priors.experts import NOISES
from hwcost.cost_models.priors.model import Learnt, PriorModel
from hwcost.cost_models.priors.noise import NORMAL
from hwcost.cost_models.priors.sources import read_prior, suited
from hwcost.errors import DataError, UsageError
from hwcost.quantities import LATENCY
from hwcost.spaces.base import Architecture, SearchSpace

SPREAD, UNIFORM = 60, 340
"""Architectures that are drawn of a space to choose among: spread over sizes, the outermost among them, and uniformly."""

VIEWS = 150
"""Views of the device that decide, the most probable ones."""


@dataclass(frozen=True, eq=False)
class Few:
    """Architectures of one space that tell most, in the order of their choice.

    Attributes:
        space: Their space.
        architectures: The architectures.
        half_widths: Expected half-width of the 90 % interval of a prediction once that architecture and all before it are
            measured, relative, shape (n,).
    """

    space: SearchSpace
    architectures: tuple[Architecture, ...]
    half_widths: Floats

    def to_list(self) -> list[dict[str, Any]]:
        """Returns plain JSON."""
        return [
            {"architecture": self.space.key(arch), "expected_half_width": float(width)}
            for arch, width in zip(self.architectures, self.half_widths, strict=True)
        ]


def choose_few(
    space: SearchSpace, prior: Any, n: int, archs: Iterable[Architecture] | None = None, *, seed: int = 0, **shape: int
) -> Few:
    """Chooses the architectures that tell most about a new device.

    Args:
        space: The space.
        prior: Models of other devices, as :func:`hwcost.fit` takes them.
        n: Number of architectures, from 3.
        archs: Architectures to choose among; None for a sample of the space, spread over sizes.
        seed: Seed of that sample.
        **shape: ``batch_size`` and ``seq_len`` at which they will be measured.

    Raises:
        DataError: When a source of the prior is of another space, or there are too few different architectures.
        UsageError: When ``n`` is below 3, the prior is something else, or none ships with the space.
    """
    fewest = PriorModel.fewest_architectures
    if n < fewest:
        raise UsageError(f"{n} architectures were asked for, and a model of a new device needs {fewest} at the least")
    sources = suited(read_prior(prior, space), space, LATENCY, shape)
    drawn = _candidates(space, seed) if archs is None else archs
    different = list({space.canonical(arch.genes): arch for arch in drawn}.values())
    if len(different) < n:
        what = f"{len(different)} different architecture{'s' if len(different) > 1 else ''}"
        raise DataError(f"{what} to choose among, and {n} are to be measured. Give more of them, or ask for fewer")
    model = PriorModel(space, sources=sources, **shape)
    chosen, half_widths = most_telling(model, model.features.encode(different), n)
    return Few(space, tuple(different[i] for i in chosen), half_widths)


def _candidates(space: SearchSpace, seed: int) -> list[Architecture]:
    """Draws architectures to choose among; all of a small space."""
    if space.size <= SPREAD + UNIFORM:
        return space.sample(space.size, seed=seed)
    return [*space.sample(SPREAD, seed=seed, design="spread"), *space.sample(UNIFORM, seed=seed)]


def most_telling(model: PriorModel, genes: Floats, n: int) -> tuple[Indices, Floats]:
    """Chooses among encoded architectures.

    Args:
        model: Cost model with its sources; it need not be fitted.
        genes: Encoded architectures to choose among, shape (candidates, genes).
        n: Number of choices.

    Returns:
        Numbers of the chosen ones in the order of their choice, shape (n,), and the expected half-width after each.
    """
    views = _Views.of(model.learnt(), model.learnt().basis(genes))
    chosen: list[int] = []
    widths = []
    for _ in range(n):
        spreads = views.spreads()
        spreads[chosen] = np.inf
        chosen.append(int(np.argmin(spreads)))
        widths.append(NORMAL * float(np.exp(spreads[chosen[-1]])))
        views.observe(chosen[-1])
    return np.array(chosen, dtype=np.intp), np.array(widths)


class _Views:
    """What is known of a device in each of v views, by the d directions in which it may deviate.

    Args:
        shares: Probability of each view, shape (v,).
        candidates: Relative directions of the candidates, in units of their size, shape (v, candidates, d).
        space: Mean products of the directions over the space, shape (v, d, d).
        noise: Relative noise of a row.
    """

    def __init__(self, shares: Floats, candidates: Floats, space: Floats, noise: float) -> None:
        self._shares, self._candidates, self._space, self._noise = shares, candidates, space, noise
        self._unknown = np.repeat(np.eye(candidates.shape[2])[None], len(shares), axis=0)

    @classmethod
    def of(cls, learnt: Learnt, columns: Floats) -> _Views:
        """Takes the most probable views of what sources teach, for the columns of candidates (n, columns)."""
        best = np.sort(np.argsort(-learnt.views, axis=None, kind="stable")[:VIEWS])
        members, settings = np.unravel_index(best, learnt.views.shape)
        width = max(len(member.groups) for member in learnt.members)
        of_candidates, of_space = [], []
        for number, member in enumerate(learnt.members):
            own = settings[members == number]
            sizes = np.zeros((len(own), width))
            sizes[:, : len(member.groups)] = member.sizes()[own]
            known, anchors = (_relative(rows, member.base, member.turns, width) for rows in (columns, learnt.columns))
            of_candidates.append(sizes[:, None, :] * known)
            of_space.append(sizes[:, :, None] * (anchors.T @ anchors / len(anchors)) * sizes[:, None, :])
        shares = np.exp(learnt.views[members, settings])
        noise = float(np.exp(np.exp(learnt.noises) @ np.log(NOISES)))
        return cls(shares / shares.sum(), np.concatenate(of_candidates), np.concatenate(of_space), noise)

    def spreads(self) -> Floats:
        """Returns the log standard deviation of a new row after each candidate would be known; shape (candidates,)."""
        seen = self._candidates @ self._unknown
        variance = (seen * self._candidates).sum(axis=2) + self._noise**2
        gain = ((seen @ self._space) * seen).sum(axis=2) / variance
        now = np.einsum("vij,vij->v", self._unknown, self._space)
        return np.asarray(0.5 * self._shares @ np.log(np.maximum(now[:, None] - gain, 0.0) + self._noise**2))

    def observe(self, candidate: int) -> None:
        """Takes one candidate as known, but for its noise."""
        row = self._candidates[:, candidate]
        seen = np.einsum("vij,vj->vi", self._unknown, row)
        variance = (seen * row).sum(axis=1) + self._noise**2
        self._unknown -= seen[:, :, None] * seen[:, None, :] / variance[:, None, None]


def _relative(columns: Floats, base: Floats, turns: Floats, width: int) -> Floats:
    """Returns the directions of rows relative to what a device is like, padded to a width; shape (n, width)."""
    found = (columns @ turns) / np.maximum(columns @ base, 1e-12)[:, None]
    return np.pad(found, ((0, 0), (0, width - found.shape[1])))
