"""What a trained net has learnt, beside what takes no learning, so that a report can say where it rests on nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

__all__ = ["Learnt", "RelationsLearnt", "WordsLearnt"]

LEAST_SHARE = 0.2
"""Smallest share by which relation distillation is to lower the loss of nets that were not distilled."""


@dataclass(frozen=True)
class Learnt:
    """A trained net that others are taught by, inherit from, or are compared with.

    Attributes:
        net: Name of the net, in words.
        loss: Loss of the net on held-out text.
        consequence: Consequence for the report where it has learnt nothing, in words.
        remedy: Advice to whoever finds that.
    """

    consequence: ClassVar[str]
    remedy: ClassVar[str]
    net: str
    loss: float

    @property
    def has_learnt(self) -> bool:
        """Whether the net is clearly better than one that has learnt nothing."""
        raise NotImplementedError

    @property
    def beside(self) -> str:
        """The loss beside that of a net that has learnt nothing, in words."""
        raise NotImplementedError


@dataclass(frozen=True)
class WordsLearnt(Learnt):
    """A language model, beside guessing words by their frequencies: the loss of words behind ``[MASK]``, in nats.

    Attributes:
        unigram: Loss of guessing by frequencies.
        gain_low: Lower end of the 95 % interval of the difference.
    """

    consequence = "what is taught, inherited or selected by it is in doubt"
    remedy = "Train it for more steps, at a lower rate, or on more text."
    unigram: float
    gain_low: float

    @property
    def has_learnt(self) -> bool:
        """Whether words are predicted from their neighbours: whether the whole interval of the difference is above 0."""
        return self.gain_low > 0

    @property
    def beside(self) -> str:
        """See the base class."""
        return f"masked words have a loss of {self.loss:.2f} nats, and {self.unigram:.2f} by the frequencies of words alone"


@dataclass(frozen=True)
class RelationsLearnt(Learnt):
    """The largest net of a SuperLM, beside nets that were not distilled: relation losses.

    Attributes:
        alike: Loss of a net that relates all words alike.
        untrained: Loss of the net before it was distilled.
    """

    consequence = "what is selected by relation losses is in doubt"
    remedy = "Train the teacher for more steps or at a lower rate (teacher), or the SuperLMs for more (relations.steps)."
    alike: float
    untrained: float

    @property
    def has_learnt(self) -> bool:
        """Whether distillation lowered the loss by a fifth or more."""
        return self.loss < (1 - LEAST_SHARE) * min(self.alike, self.untrained)

    @property
    def beside(self) -> str:
        """See the base class."""
        return (
            f"its relation loss is {self.loss:.2e}, and was {self.untrained:.2e} before it was distilled; a net that "
            f"relates all words alike has {self.alike:.2e}"
        )
