"""SentencePiece's unigram model, trained on a corpus.

Source: Kudo and Richardson, "SentencePiece", section 3 (NMT's NFKC, white space as a piece); Kudo, "Subword Regularization",
section 3.2 (the unigram model). The work is done by the library ``tokenizers``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from hwcost.corpora.corpus import Corpus
from hwcost.corpora.wordpiece import SMALLEST_VOCABULARY, SPECIALS, UNKNOWN, library
from hwcost.errors import UsageError

COVERAGE = 0.9995
"""Share of the text's characters that have pieces of their own; rarer ones become unknown (SentencePiece's default)."""

SPECIAL = rf"\[(?=(?:{'|'.join(token.strip('[]') for token in SPECIALS)})\])"
"""Bracket before the name of a special token, which is parted from it: "[MASK]" in a text is text."""

PARTED = "merged_with_previous"
"""Way in which ``tokenizers`` parts it: the bracket stays with what is before it."""


def train_unigram(corpus: Corpus, vocabulary: int) -> Any:
    """Trains a unigram tokenizer of the library ``tokenizers``; the special tokens come first.

    Args:
        corpus: The text, in any languages.
        vocabulary: Number of pieces, specials included; a small corpus may give fewer.

    Raises:
        MissingExtraError: When ``tokenizers`` is not installed.
        UsageError: When the vocabulary is too small.
    """
    if vocabulary < SMALLEST_VOCABULARY:
        raise UsageError(f"a vocabulary must have at least {SMALLEST_VOCABULARY} tokens, got {vocabulary}")
    inner = _parting(library().Tokenizer(library().models.Unigram()))
    texts = [text for document in corpus for text in document.sentences]
    trainer = library().trainers.UnigramTrainer(
        vocab_size=vocabulary, special_tokens=list(SPECIALS), unk_token=UNKNOWN, show_progress=False,
        initial_alphabet=_alphabet(map(inner.normalizer.normalize_str, texts)),
    )  # fmt: skip
    inner.train_from_iterator(texts, trainer)
    pieces = [(piece, score) for piece, score in json.loads(inner.to_str())["model"]["vocab"] if piece not in SPECIALS]
    inner.model = unigram_model(sorted(pieces, key=lambda one: (-one[1], one[0])))
    return inner


def unigram_model(pieces: Sequence[tuple[str, float]], byte_fallback: bool = False) -> Any:
    """Makes a unigram model of ``tokenizers``; BERT's special tokens come first.

    Args:
        pieces: Pieces with their scores, which count to a millionth: a file holds that exactly.
        byte_fallback: Whether characters without a piece become the pieces of their UTF-8 bytes, ``<0x00>`` to ``<0xFF>``,
            and not ``[UNK]``.
    """
    every = [*((token, 0.0) for token in SPECIALS), *((piece, round(score, 6)) for piece, score in pieces)]
    return library().models.Unigram(every, unk_id=SPECIALS.index(UNKNOWN), byte_fallback=byte_fallback)


def _parting(inner: Any) -> Any:
    """Gives a tokenizer SentencePiece's folding of characters, and white space as part of the pieces."""
    rules, parts = library().normalizers, library().pre_tokenizers
    spaces = rules.Replace(library().Regex(" {2,}"), " ")
    inner.normalizer = rules.Sequence([rules.Nmt(), rules.NFKC(), rules.Strip(), spaces])
    inner.pre_tokenizer = parts.Sequence([parts.Metaspace(), parts.Split(library().Regex(SPECIAL), PARTED)])
    inner.decoder = library().decoders.Metaspace()
    return inner


def _alphabet(texts: Iterable[str]) -> list[str]:
    """Returns the most frequent characters that cover the text as far as ``COVERAGE`` asks, one of each kind."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text.replace(" ", ""))
    wanted, covered, found = COVERAGE * sum(counts.values()), 0, list[str]()
    for character in sorted(counts, key=lambda one: (-counts[one], one)):
        if covered >= wanted:
            break
        found.append(character)
        covered += counts[character]
    return sorted(found)
