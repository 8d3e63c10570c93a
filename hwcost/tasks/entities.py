"""Named entities: tags that say where an entity begins (``B-PER``), goes on (``I-PER``), or that there is none (``O``).

An entity is found where its first word, its last and its kind are. Source of the rules: Tjong Kim Sang and De Meulder,
"Introduction to the CoNLL-2003 Shared Task", section 2.3, and the scorer of CoNLL-2000, which the library seqeval follows:
an entity begins at ``B``, at ``I`` behind ``O``, at ``I`` of another kind, and with a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hwcost.tasks.metrics import METRICS
from hwcost.tasks.tagging import Tags

if TYPE_CHECKING:
    from hwcost.tasks.examples import Examples

__all__ = ["WIKIANN", "Entities", "entities_of", "is_iob"]

WIKIANN = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")
"""WikiAnn's tags, in the order of their numbers."""

_TAG = re.compile(r"([BI])-(.+)")


@dataclass(frozen=True)
class Entities(Tags):
    """A tag for every word, of which entities are made; see :class:`~hwcost.tasks.tagging.Tags`."""

    @classmethod
    def completed(cls, tags: Tags) -> Entities:
        """Returns the target of such tags: those that a file names, or all of the kinds of entities that training has."""
        if tags.is_closed:
            return cls(tags.names, is_closed=True, is_numbered=tags.is_numbered)
        kinds = sorted({match[2] for name in tags.names if (match := _TAG.fullmatch(name))})
        return cls(("O", *(f"{place}-{kind}" for kind in kinds for place in "BI")), is_closed=True)

    @property
    def metrics(self) -> tuple[str, ...]:
        """See the base class."""
        return ("entity_f1", "accuracy", "entity_precision", "entity_recall", "macro_f1")

    def scores(self, examples: Examples, predicted: NDArray[Any], names: Sequence[str]) -> dict[str, float]:
        """See the base class; what is not defined, such as the precision of no entity, is 0."""
        assert examples.words is not None
        true, found = (entities_of(tags, examples.words, self.names) for tags in (examples.targets, predicted))
        both = len(true & found)
        own = {
            "entity_f1": 2 * both / (len(true) + len(found)) if both else 0.0,
            "entity_precision": both / len(found) if both else 0.0, "entity_recall": both / len(true) if both else 0.0,
        }  # fmt: skip
        return {name: own[name] if name in own else METRICS[name](examples.targets, predicted) for name in names}


def is_iob(names: Sequence[str]) -> bool:
    """Tells whether tags are those of entities: ``O``, ``B-`` and ``I-`` with a kind, at least one ``B-``."""
    return all(name == "O" or _TAG.fullmatch(name) for name in names) and any(name.startswith("B-") for name in names)


def entities_of(
    tags: NDArray[np.int64], words: NDArray[np.int64], names: Sequence[str]
) -> set[tuple[int, int, str]]:
    """Returns the entities of sentences: place of the first word among all words, that of the last, and the kind.

    Args:
        tags: Numbers of the tags of all words, (words,).
        words: Number of words of every sentence.
        names: Names of the tags.
    """
    matches = [_TAG.fullmatch(name) for name in names]
    kinds = ["", *dict.fromkeys(match[2] for match in matches if match)]
    kind = np.array([kinds.index(match[2]) if match else 0 for match in matches])[tags]
    begins = np.array([match is not None and match[1] == "B" for match in matches])[tags]
    firsts = np.zeros(len(tags) + 1, dtype=bool)
    firsts[np.cumsum(words) - words] = firsts[-1] = True
    before = np.concatenate([[0], kind[:-1]])
    is_first = (kind > 0) & (begins | (kind != before) | firsts[:-1])
    after = np.concatenate([is_first[1:] | (kind[1:] == 0), [True]]) | firsts[1:]
    places = zip(np.flatnonzero(is_first).tolist(), np.flatnonzero((kind > 0) & after).tolist(), strict=True)
    return {(first, last, kinds[kind[first]]) for first, last in places}
