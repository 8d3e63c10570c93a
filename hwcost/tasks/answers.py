"""How an answer in words is judged beside those that people gave: exact match and F1 of its words.

Source: the published rules of SQuAD's evaluation, versions 1.1 and 2.0 (Rajpurkar et al., "SQuAD", section 6.1, and "Know
What You Don't Know", section 3). Where a question may lack an answer, the empty text is the right one for those that do, and
given answers of which nothing is left by :func:`normalised` do not count.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["accepted", "answer_f1", "best_threshold", "exact_match", "normalised"]

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalised(text: str) -> str:
    """Returns a text in small letters, without punctuation of ASCII and English articles, a blank between two words."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split())


def accepted(answers: Sequence[str], may_lack: bool) -> Sequence[str]:
    """Returns the texts that are right, of those that were given for a question.

    Args:
        answers: Texts that were given; none where the question has no answer.
        may_lack: Whether questions may lack an answer.
    """
    return ([text for text in answers if normalised(text)] or [""]) if may_lack else answers


def exact_match(answers: Sequence[str], found: str, may_lack: bool = False) -> float:
    """Returns 1 where a text is one of the answers but for what :func:`normalised` leaves out, else 0."""
    return float(normalised(found) in map(normalised, accepted(answers, may_lack)))


def answer_f1(answers: Sequence[str], found: str, may_lack: bool = False) -> float:
    """Returns the harmonic mean of precision and recall of a text's words, beside the answer that it is nearest to."""
    return max((_f1_of(text, found, may_lack) for text in accepted(answers, may_lack)), default=0.0)


def _f1_of(answer: str, found: str, may_lack: bool) -> float:
    of_answer, own = (Counter(normalised(text).split()) for text in (answer, found))
    if not of_answer or not own:
        return float(may_lack and of_answer == own)
    both = (of_answer & own).total()
    return 2 * both / (of_answer.total() + own.total())


def best_threshold(
    margins: NDArray[np.float64], gains: NDArray[np.float64], lacks: NDArray[np.bool_]
) -> tuple[float, float]:
    """Finds the threshold of a margin up to which giving the answer found, and above it none, scores best.

    Args:
        margins: Score of no answer less that of the answer found, by question, (n,).
        gains: Score of each question where the answer found is given, (n,).
        lacks: Whether each question lacks an answer, (n,); no answer scores 1 there, and 0 elsewhere.

    Returns:
        The best mean score, and its threshold.
    """
    order = np.argsort(margins, kind="stable")
    margins, change = margins[order], (gains - lacks)[order]
    totals = np.concatenate([[0.0], np.cumsum(change)]) + lacks.sum()
    is_reached = np.concatenate([[True], margins[1:] != margins[:-1], [True]])  # equal margins are on one side
    best = int(np.where(is_reached, totals, -np.inf).argmax())
    return float(totals[best] / len(margins)), float(margins[best - 1] if best else margins[0] - 1)
