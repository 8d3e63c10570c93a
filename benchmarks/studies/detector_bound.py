"""What the best possible detector finds: one that knows the noise, its correlation and the size of the change beforehand.

It knows neither the level of a history nor the place of the change. By the lemma of Neyman and Pearson, nothing finds more
changes at as many false alarms than the likelihood ratio of a change anywhere over none; and nothing places more of them
within so many nights than the place around which the likelihoods of so many nights are largest in sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hwcost._types import Floats
from hwcost.history.place import steps_of
from hwcost.history.stretch import Stretch

__all__ = ["Bound"]


@dataclass(frozen=True)
class Bound:
    """The best possible detector of changes of one size.

    Attributes:
        noise: Standard deviation of a night.
        correlation: Correlation of neighbouring nights.
        size: Log ratio of a change, upwards or downwards.
        near: Nights by which a place may be off.
    """

    noise: float
    correlation: float
    size: float
    near: int

    def ratios(self, y: Floats) -> tuple[Floats, Floats]:
        """Returns the log likelihood ratios of a change upwards, and downwards, at each index from 1 on over none."""
        step = self.size / self.noise
        steps = steps_of(Stretch(y / self.noise, np.ones(len(y))), self.correlation)
        cost = step**2 * steps.information / 2
        return step * steps.pull - cost, -step * steps.pull - cost

    def score(self, y: Floats) -> float:
        """Returns the log likelihood ratio of a change anywhere, either way, over none."""
        return float(np.logaddexp.reduce(np.concatenate(self.ratios(y))))

    def place(self, y: Floats) -> int:
        """Returns the place within whose reach a change upwards most probably lies."""
        upwards, _ = self.ratios(y)
        likelihood = np.exp(upwards - upwards.max())
        return 1 + int(np.argmax(np.convolve(likelihood, np.ones(2 * self.near + 1), mode="same")))

    def found(self, quiet: Sequence[Floats], changed: Sequence[Floats], at: int, false: float) -> float:
        """Returns the share of changes that are found, and placed near, at a share of false alarms.

        Args:
            quiet: Histories without a change.
            changed: Histories with a change upwards.
            at: Its index.
            false: Share of the quiet histories that may have an alarm.
        """
        line = float(np.quantile([self.score(y) for y in quiet], 1.0 - false))
        return float(np.mean([self.score(y) > line and abs(self.place(y) - at) <= self.near for y in changed]))

    def in_time(self, nights: int, at: int, false: float) -> float:
        """Returns the share of changes that can be distinguished from none, all nights from the change on being known.

        The best possible detector knows the place here too, and its false alarms are those at this place alone.

        Args:
            nights: Number of nights.
            at: Index of the first one after the change.
            false: Share of quiet histories with an alarm upwards at this place.
        """
        from scipy import special

        information = steps_of(Stretch(np.zeros(nights), np.ones(nights)), self.correlation).information[at - 1]
        distance = self.size / self.noise * float(np.sqrt(information))
        return float(special.ndtr(distance + special.ndtri(false)))
