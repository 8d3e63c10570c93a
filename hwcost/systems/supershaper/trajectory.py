"""The course of a training: perplexity of nets against steps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Trajectory:
    """Perplexity of nets in the course of a training.

    Attributes:
        steps: Number of finished steps at each point; the first is 0, the last all of them.
        perplexity: Perplexity at each point by the name of the net.
    """

    steps: list[int]
    perplexity: dict[str, list[float]]

    def last(self, name: str) -> float:
        """Returns the perplexity of a net at the end."""
        return self.perplexity[name][-1]
