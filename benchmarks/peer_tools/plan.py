"""What is run, in which order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from peer_tools.setting import SCALE, SEQ_LEN
from peer_tools.tools import MODELLED, REFERENCE

LETTERS = ("A", "B")
"""Runs of a pair."""

SAME_LAW = (
    "Runs A and B of a pair meet the same law of bursts (0.5 to 3 s of computing, pauses of 0.5 to 4 s) with different "
    "seeds; the seeds are the same for all tools."
)
"""Sentence on what the neighbours of runs have in common."""

LADDER_S = (30.0, 60.0, 120.0, 240.0)
"""Seconds after which a model is judged."""

REFERENCE_S = 300.0
FITTED, TESTED = 40, 12
"""Nets that a model is fitted on, and others that it is tested on."""


@dataclass(frozen=True)
class Piece:
    """One run of a tool.

    Attributes:
        tool: Name of the tool.
        has_bursts: Whether the neighbour computes meanwhile.
        pair: Number of the pair of runs.
        letter: ``A`` or ``B``, the run of the pair.
        seconds: Seconds of the run.
        nets: Nets to measure.
        tested: Nets that a model of these predicts; 0 for a run of a pair.
        scale: Scale of the search space.
        seq_len: Tokens of an input.
    """

    tool: str
    has_bursts: bool
    pair: int
    letter: str
    seconds: float
    nets: int
    tested: int = 0
    scale: str = SCALE
    seq_len: int = SEQ_LEN

    @property
    def burst_seed(self) -> int | None:
        """Seed of the neighbour: equal for all tools and other in every run of theirs; None without a neighbour."""
        return 2 * self.pair + LETTERS.index(self.letter) if self.has_bursts else None

    @property
    def stem(self) -> str:
        """Name of the run's files, without their ends."""
        kind = f"pair{self.pair}{self.letter}" if not self.tested else "model"
        what = f"{self.scale}-{self.seq_len}-{self.nets}nets-{self.seconds:g}s"
        return f"{self.tool}-{'bursts' if self.has_bursts else 'alone'}-{kind}-{what}"

    def __str__(self) -> str:
        kind = f"pair {self.pair} {self.letter}" if not self.tested else f"model of {self.nets} nets"
        where = f"{'bursts' if self.has_bursts else 'no bursts'}, scale {self.scale}, {self.seq_len} tokens"
        return f"{self.tool}, {where}, {kind}, {self.seconds:g} s"


def pairs(
    tools: Sequence[str],
    bursts: Sequence[bool],
    number: int,
    seconds: float,
    nets: int,
    scale: str = SCALE,
    seq_len: int = SEQ_LEN,
) -> Iterator[Piece]:
    """Yields pairs of runs: in each, all tools once in random order, then all once more, so that all meet the same drift."""
    for pair in range(number):
        for has_bursts in bursts:
            rng = np.random.default_rng([pair, has_bursts])
            for letter in LETTERS:
                for i in rng.permutation(len(tools)).tolist():
                    yield Piece(tools[i], has_bursts, pair, letter, seconds, nets, 0, scale, seq_len)


def ladder(
    tools: Sequence[str], bursts: Sequence[bool], scale: str = SCALE, seq_len: int = SEQ_LEN
) -> Iterator[Piece]:
    """Yields the long campaign of the tested nets without a neighbour, then runs of growing length for models."""
    yield Piece(REFERENCE, False, 0, "A", REFERENCE_S, FITTED, TESTED, scale, seq_len)
    for has_bursts in bursts:
        for seconds in LADDER_S:
            for tool in (name for name in MODELLED if name in tools):
                yield Piece(tool, has_bursts, 0, "A", seconds, FITTED, TESTED, scale, seq_len)
