"""A tiny text in many scripts, made of the character names that every Python carries."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import numpy as np

from hwcost.corpora import Corpus, Document

SCRIPTS = ("LATIN", "GREEK", "CYRILLIC", "HEBREW", "ARABIC", "DEVANAGARI", "THAI", "HIRAGANA")
WORDS, SENTENCES = 40, 30


def letters(script: str) -> list[str]:
    """The first letters of a script, by the names of characters."""
    named = (chr(code) for code in range(0x250, 0x3100)) if script != "LATIN" else map(chr, range(0x61, 0x180))
    own = (one for one in named if unicodedata.name(one, "").startswith(f"{script} "))
    return [one for one in own if one.isalpha() and one == unicodedata.normalize("NFKC", one.lower())][:24]


def sentences(script: str) -> Iterator[str]:
    """Sentences of words that are drawn as words are: few of them often."""
    rng, own = np.random.default_rng(SCRIPTS.index(script)), letters(script)
    words = ["".join(rng.choice(own, rng.integers(2, 6))) for _ in range(WORDS)]
    shares = 1 / np.arange(1, WORDS + 1)
    for _ in range(SENTENCES):
        yield " ".join(rng.choice(words, rng.integers(4, 9), p=shares / shares.sum())) + "."


def multilingual() -> Corpus:
    """A document per script."""
    return Corpus([Document(script.lower(), tuple(sentences(script))) for script in SCRIPTS], "scripts")
