"""Sandwich against uniform sampling (section 4.2, Figure 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hwcost.systems.intervals import Interval, ratio
from hwcost.systems.learnt import WordsLearnt
from hwcost.systems.supershaper.trajectory import Trajectory

COMPARED = ("sandwich", "uniform")


@dataclass(frozen=True)
class Rules:
    """Supernets trained by either rule from the same weights, with as many passes a step.

    Attributes:
        archs: Keys of the nets that are followed, by name: ``smallest``, ``random 1``, ``random 2`` and ``largest``.
        courses: Perplexity of these nets in the course of the trainings, one per seed, by rule.
        ratios: Perplexity after uniform sampling over that after sandwiches, by net: above 1 where sandwiches are better.
            The intervals are over seeds.
        learnt: Loss of masked words of the largest net after sandwiches, with the first seed, beside that by their
            frequencies; None where no rules were compared.
    """

    archs: dict[str, str]
    courses: dict[str, list[Trajectory]]
    ratios: dict[str, Interval]
    learnt: WordsLearnt | None = None

    @classmethod
    def of(
        cls, archs: Mapping[str, str], courses: Mapping[str, Sequence[Trajectory]], learnt: WordsLearnt | None = None
    ) -> Rules:  # fmt: skip
        """Takes the trainings of either rule, seed by seed, and compares their ends."""
        seeds = all(courses.values())
        ends = {name: [[one.last(net) for one in courses[name]] for net in archs] for name in COMPARED} if seeds else {}
        ratios = {
            net: ratio(ends["uniform"][index], ends["sandwich"][index]) for index, net in enumerate(archs if seeds else ())
        }
        return cls(dict(archs), {name: list(runs) for name, runs in courses.items()}, ratios, learnt)
