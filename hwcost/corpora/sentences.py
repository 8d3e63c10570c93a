"""Splits text into sentences with one small rule for everything that is read.

A sentence ends with a word that ends in a full stop, question or exclamation mark, closing quotes and brackets aside, before
a word that does not begin with a lower-case letter; not with an abbreviation or an initial. A blank line always ends it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest

ABBREVIATIONS = frozenset(
    (
        "al.", "approx.", "cf.", "ch.", "dr.", "e.g.", "ed.", "eq.", "etc.", "fig.", "i.e.", "inc.", "jr.", "mr.", "mrs.",
        "ms.", "no.", "pp.", "prof.", "resp.", "sec.", "sr.", "st.", "vol.", "vs.",
    )
)  # fmt: skip
"""Words whose full stop ends no sentence, in lower case."""

_BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*")
_OPENING = "\"'([{“‘«`*"
_CLOSING = "\"')]}”’»`*"


def sentences(text: str) -> list[str]:
    """Splits text into sentences, each on one line with single spaces.

    Args:
        text: Any text; a blank line ends a paragraph.
    """
    return [sentence for paragraph in _BLANK_LINES.split(text) for sentence in _split(paragraph.split())]


def _split(words: list[str]) -> Iterator[str]:
    begin = 0
    for end, (word, follower) in enumerate(zip_longest(words, words[1:], fillvalue=""), start=1):
        if not follower or _ends_sentence(word, follower):
            yield " ".join(words[begin:end])
            begin = end


def _ends_sentence(word: str, follower: str) -> bool:
    bare = word.strip(_OPENING + _CLOSING)
    if not bare.endswith((".", "!", "?")) or follower.lstrip(_OPENING)[:1].islower():
        return False
    initial = len(bare) == 2 and bare[0].isupper()
    return not initial and bare.lower() not in ABBREVIATIONS
