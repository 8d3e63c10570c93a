"""Where a change began, when nights resemble their neighbours: by the likelihood of values whose noise carries over.

Slow nights come in runs: what made one of them slow is there in the next one too, in part. A run of such nights before a
change looks as if it had begun earlier, and four nights after it tell less than four independent ones. The likelihood of a
step in autoregressive noise knows that: it weighs a jump from one night to the next higher than a slow rise.

The noise is that of a first-order autoregression, as far as the scatter about the means shows one at all; what makes vague
values vague is independent from night to night.

Sources: D. Siegmund, Confidence sets in change-point problems, International Statistical Review 1988 (the range in which a
change began); A. C. Aitken, On least squares and linear combination of observations, Proceedings of the Royal Society of
Edinburgh 55, 1936 (generalised least squares); F. H. C. Marriott and J. A. Pope, Bias in the estimation of autocorrelations,
Biometrika 41, 1954 (what is lost by estimated means).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats
from hwcost.history.stretch import Stretch

__all__ = ["NEAR", "Steps", "correlation_of", "steps_of"]

REGION = 10.6
"""Fall of twice the log likelihood at the edge of a 99 % region of a change's place: the root of
``(1 - exp(-x / 2))**2 = 0.99``, as a place has likelihoods on both sides to lose against. A region that leaves the
change out would have two equal codes measured again, and a change of the code refuted."""

SIGNIFICANT = 2.0
"""Standard errors that a correlation of neighbouring nights must have to count: a chance one in 44."""

NEAR = 4
"""Nights by which a place may be off and the change be known for the same: it moves as further nights are known."""

TIE = 0.01
"""Share of the likelihood by which places are equally good."""

MOST = 0.9
"""Largest correlation that is believed: more cannot be distinguished from a level that wanders."""


class Steps(NamedTuple):
    """What a stretch says of a step at every place, beside a level that is not known.

    Attributes:
        pull: Score of a step of each place, from index 1 on, shape (n - 1,): its estimate is ``pull / information``.
        information: Information about it, in units of one over the variance of a full value, same shape.
        rest: Weighted sum of squares about the level without a step.
    """

    pull: Floats
    information: Floats
    rest: float

    @property
    def gain(self) -> Floats:
        """Fall of the weighted sum of squares by a step at each place, shape (n - 1,)."""
        return np.asarray(self.pull**2 / self.information)

    def place(self, amount: float, allowed: NDArray[np.bool_]) -> int:
        """Returns the place about which the change most probably lies, within a few nights; the likeliest of equal ones.

        The likeliest place alone is a poor guess in noise that carries over, where single jumps look like the change.

        Args:
            amount: Number of equal values that the stretch counts as.
            allowed: Whether each place may be taken, from index 1 on, shape (n - 1,); one of them at least.
        """
        rest = np.maximum(self.rest - self.gain, 1e-300)
        likelihood = np.where(allowed, (rest.min() / rest) ** (amount / 2.0), 0.0)
        around = np.convolve(likelihood, np.ones(2 * NEAR + 1))[NEAR : NEAR + len(likelihood)]
        is_best = allowed & (around >= around[allowed].max() - TIE * likelihood.sum())
        return 1 + int(np.argmax(np.where(is_best, likelihood, -1.0)))

    def region(self, cut: int, amount: float) -> tuple[int, int]:
        """Returns the least and largest index of the cuts whose likelihood is within a 99 % region, and the cut.

        Args:
            cut: Index of the first value after the change.
            amount: Number of equal values that the stretch counts as.
        """
        best = float(self.gain.max())
        rest = max(self.rest - best, 1e-300)
        near = 1 + np.flatnonzero(self.gain >= best - rest * math.expm1(REGION / amount))
        return min(int(near[0]), cut), max(int(near[-1]), cut)


def steps_of(stretch: Stretch, correlation: float) -> Steps:
    """Weighs a step at every place by generalised least squares.

    Args:
        stretch: The values, two or more.
        correlation: Correlation of the noise of neighbouring full values.
    """
    y, weight = stretch
    nights = np.arange(len(y))
    covariance = correlation ** np.abs(nights[:, None] - nights) + np.diag(1.0 / weight - 1.0)
    precision = np.linalg.inv(covariance) if correlation else np.diag(weight)
    sums = precision[::-1, ::-1].cumsum(0).cumsum(1)[::-1, ::-1]  # from two indices on
    deviation = y - float((precision @ y).sum()) / sums[0, 0]
    pull = (precision @ deviation)[::-1].cumsum()[::-1]
    information = np.diag(sums)[1:] - sums[0, 1:] ** 2 / sums[0, 0]
    return Steps(pull[1:], information, float(deviation @ precision @ deviation))


def correlation_of(parts: Sequence[Stretch]) -> float:
    """Returns the correlation of the noise of neighbouring nights; 0 where the values show none beyond chance.

    Args:
        parts: Parts of a history between its changes, none of them empty.
    """
    rests = [np.sqrt(part.weight) * (part.y - part.mean) for part in parts]
    n, squares = sum(map(len, rests)), sum(float(rest @ rest) for rest in rests)
    pairs = sum(float(np.sqrt(part.weight[1:] * part.weight[:-1]).sum()) for part in parts)
    if squares <= 0.0 or pairs <= 0.0 or n <= 4 * len(parts):
        return 0.0
    apparent = sum(float(rest[1:] @ rest[:-1]) for rest in rests) / pairs / (squares / n)
    lost = len(parts) / n
    correlation = min((apparent + lost) / (1.0 - 3.0 * lost), MOST)
    return correlation if correlation > SIGNIFICANT / math.sqrt(pairs) else 0.0
