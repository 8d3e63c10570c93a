"""The rule that splits text into sentences."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.corpora.sentences import _ends_sentence, sentences, streamed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One here. Two here! Three?", ["One here.", "Two here!", "Three?"]),
        ("It wraps\n  over lines. Next.", ["It wraps over lines.", "Next."]),
        ("A heading\n\nA text\n \nA last", ["A heading", "A text", "A last"]),
        ('He said "Yes." (She too.) Then 3 left.', ['He said "Yes."', "(She too.)", "Then 3 left."]),
        ("Use e.g. Python, i.e. this, cf. Smith et al. Then go.", ["Use e.g. Python, i.e. this, cf. Smith et al. Then go."]),
        ("J. R. Smith wrote it (see Fig. 3). Yes.", ["J. R. Smith wrote it (see Fig. 3).", "Yes."]),
        ("Read file.txt and v1.2. it goes on.", ["Read file.txt and v1.2. it goes on."]),
        ("Écoute. Être là... Ça va.", ["Écoute.", "Être là...", "Ça va."]),
        ("Windows\r\nlines.\r\n\r\nEnd", ["Windows lines.", "End"]),
        ("", []),
        (" \n\n \t", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@given(st.text(alphabet="ab AB.!?\n\"'()", max_size=80))
def test_no_word_is_lost_or_moved(text: str) -> None:
    assert " ".join(sentences(text)).split() == text.split()
    assert all(sentence == " ".join(sentence.split()) != "" for sentence in sentences(text))


def test_long_texts_take_no_longer_by_the_word() -> None:
    assert len(sentences("no. end " * 100_000)) == 1
    assert len(sentences("An end. " * 100_000)) == 100_000


def by_paragraphs(text: str) -> list[str]:
    """The rule in another way: paragraphs by a pattern, and sentences within each by pairs of words."""
    found = []
    for paragraph in re.split(r"\n[^\S\n]*\n\s*", text):
        words, begin = paragraph.split(), 0
        for end, (word, follower) in enumerate(itertools.zip_longest(words, words[1:], fillvalue=""), start=1):
            if not follower or _ends_sentence(word, follower):
                found.append(" ".join(words[begin:end]))
                begin = end
    return found


@given(st.text(st.sampled_from("aB. \n\r\t\x0b\u2028!'")), st.lists(st.integers(0, 40), max_size=6))
def test_text_cut_anywhere_gives_the_same_sentences(text: str, cuts: list[int]) -> None:
    places = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    pieces = [text[begin:end] for begin, end in itertools.pairwise(places)]
    assert list(streamed(pieces)) == sentences(text) == by_paragraphs(text)
