"""What nets inherit from the supernet, against the same nets trained from random weights (section 4.2, Figure 5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hwcost.systems.intervals import Interval, correlation
from hwcost.systems.learnt import WordsLearnt
from hwcost.systems.supershaper.trajectory import Trajectory


@dataclass(frozen=True, kw_only=True)
class Inheritance:
    """A net with the weights that it inherits, and from random ones.

    Attributes:
        arch: Key of the architecture.
        params: Number of parameters, as the paper counts them.
        is_banded: Whether it is one of those of about one size.
        inherited: Perplexity with the weights that it inherits.
        partial: Perplexity when these were trained further.
        scratch: Perplexity after as many steps from random weights.
        reached: Steps after which further training was as good as training from random weights in the end; None if never.
        saved: Share of the steps that inheriting saves for the same perplexity; 0 where it was not reached.
        better: Relative decrease of perplexity by inheriting, after equally many steps.
    """

    arch: str
    params: int
    is_banded: bool
    inherited: float
    partial: float
    scratch: float
    reached: int | None
    saved: float
    better: float

    @classmethod
    def compare(cls, arch: str, params: int, is_banded: bool, partial: Trajectory, scratch: Trajectory) -> Inheritance:
        """Compares the two trainings of a net."""
        wanted, course = scratch.last("net"), partial.perplexity["net"]
        reached = next((step for step, one in zip(partial.steps, course, strict=True) if one <= wanted), None)
        saved = 0.0 if reached is None else 1 - reached / scratch.steps[-1]
        return cls(
            arch=arch, params=params, is_banded=is_banded, inherited=course[0], partial=course[-1], scratch=wanted,
            reached=reached, saved=saved, better=1 - course[-1] / wanted,
        )  # fmt: skip


@dataclass(frozen=True)
class Inherited:
    """Nets compared so (Figure 5).

    Attributes:
        steps: Number of steps of each training.
        nets: The nets; empty where none was compared.
        spearman: Rank correlation of perplexity inherited and from random weights (Figure 5a); None for too few nets.
        spearman_one_size: The same of the nets of about one size alone.
        spearman_by_size: Rank correlation of that perplexity with the negative number of parameters, to compare with.
        learnt: Loss of masked words of the best net from random weights, beside that by their frequencies; None where none
            was compared.
    """

    steps: int
    nets: list[Inheritance]
    spearman: Interval | None
    spearman_one_size: Interval | None
    spearman_by_size: Interval | None
    learnt: WordsLearnt | None = None

    @classmethod
    def of(cls, steps: int, nets: Sequence[Inheritance], learnt: WordsLearnt | None = None) -> Inherited:
        """Takes the nets, and finds their correlations."""
        banded = [one for one in nets if one.is_banded]
        return cls(
            steps, list(nets), correlation([one.inherited for one in nets], [one.scratch for one in nets]),
            correlation([one.inherited for one in banded], [one.scratch for one in banded]),
            correlation([-one.params for one in nets], [one.scratch for one in nets]), learnt,
        )  # fmt: skip
