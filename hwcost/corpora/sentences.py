"""Splits text into sentences with one small rule for everything that is read.

A sentence ends with a word that ends in a full stop, question or exclamation mark, closing quotes and brackets aside, before
a word that does not begin with a lower-case letter; not with an abbreviation or an initial. A blank line always ends it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

ABBREVIATIONS = frozenset(
    (
        "al.", "approx.", "cf.", "ch.", "dr.", "e.g.", "ed.", "eq.", "etc.", "fig.", "i.e.", "inc.", "jr.", "mr.", "mrs.",
        "ms.", "no.", "pp.", "prof.", "resp.", "sec.", "sr.", "st.", "vol.", "vs.",
    )
)  # fmt: skip
"""Words whose full stop ends no sentence, in lower case."""

_OPENING = "\"'([{“‘«`*"
_CLOSING = "\"')]}”’»`*"


def sentences(text: str) -> list[str]:
    """Splits text into sentences, each on one line with single spaces.

    Args:
        text: The text; a blank line ends a paragraph.
    """
    return list(streamed([text]))


def streamed(pieces: Iterable[str]) -> Iterator[str]:
    """Yields the sentences of a text one by one, and holds no more of it than a piece and a sentence.

    Args:
        pieces: The text in order, cut anywhere.
    """
    held: list[str] = []
    for word in _words(pieces):
        if held and (not word or _ends_sentence(held[-1], word)):
            yield " ".join(held)
            held = []
        if word:
            held.append(word)
    if held:
        yield " ".join(held)


def _words(pieces: Iterable[str]) -> Iterator[str]:
    """Yields the words of a text, and an empty one for a blank line."""
    cut, is_blank = "", True
    for piece in pieces:
        *lines, rest = (cut + piece).split("\n")
        for line in lines:
            found = line.split()
            yield from found
            if is_blank and not found:
                yield ""
            is_blank = True
        found = rest.split()
        cut = found.pop() if rest and not rest[-1].isspace() else ""
        yield from found
        is_blank = is_blank and not found
    if cut:
        yield cut


def _ends_sentence(word: str, follower: str) -> bool:
    bare = word.strip(_OPENING + _CLOSING)
    if not bare.endswith((".", "!", "?")) or follower.lstrip(_OPENING)[:1].islower():
        return False
    initial = len(bare) == 2 and bare[0].isupper()
    return not initial and bare.lower() not in ABBREVIATIONS
