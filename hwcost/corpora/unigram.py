"""SentencePiece's unigram model: trained on a corpus, or read from a model file of SentencePiece.

Source: Kudo and Richardson, "SentencePiece", section 3 (NMT's NFKC, white space as a piece); Kudo, "Subword Regularization",
section 3.2 (the unigram model). The work is done by the libraries ``tokenizers`` and ``sentencepiece``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from hwcost._extras import imported
from hwcost.corpora.corpus import Corpus
from hwcost.corpora.wordpiece import SMALLEST_VOCABULARY, SPECIALS, UNKNOWN, library
from hwcost.errors import DataError, UsageError

COVERAGE = 0.9995
"""Share of the text's characters that have pieces of their own; rarer ones become unknown (SentencePiece's default)."""

_SPECIAL = rf"\[(?=(?:{'|'.join(token.strip('[]') for token in SPECIALS)})\])"
"""Bracket before the name of a special token, which is parted from it: "[MASK]" in a text is text."""

CONTROL = 3
"""Type of pieces that stand for no text, in a model file."""


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
    inner.model = _model(sorted(pieces, key=lambda one: (-one[1], one[0])))
    return inner


def _model(pieces: Sequence[tuple[str, float]]) -> Any:
    """Makes the model of pieces and their scores, to a millionth, which a file holds exactly."""
    every = [*((token, 0.0) for token in SPECIALS), *((piece, round(score, 6)) for piece, score in pieces)]
    return library().models.Unigram(every, unk_id=SPECIALS.index(UNKNOWN))


def read_sentencepiece(path: Path) -> Any:
    """Reads a model file that SentencePiece trained, as a tokenizer of ``tokenizers``; BERT's specials come first.

    Args:
        path: The file; its own control pieces, such as ``<s>``, are left out.

    Raises:
        DataError: When it is missing, damaged, or its model is not a unigram one.
        MissingExtraError: When ``sentencepiece`` is not installed.
    """
    model = imported("sentencepiece.sentencepiece_model_pb2", "sentencepiece").ModelProto()
    try:
        model.ParseFromString(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}. Expected a model file of SentencePiece.") from None
    except Exception as error:  # the library's own error is not a subclass of anything narrower
        raise DataError(f"{path}: this is not a model file of SentencePiece, or it is cut short: {error}.") from None
    if model.trainer_spec.model_type != model.trainer_spec.UNIGRAM:
        raise DataError(f"{path}: its model is not a unigram one. Train it with --model_type=unigram.")
    own = [(one.piece, one.score) for one in model.pieces if one.type not in (2, CONTROL)]
    return _parting(library().Tokenizer(_model(own)), model.normalizer_spec.precompiled_charsmap)


def _parting(inner: Any, folding: bytes = b"") -> Any:
    """Gives a tokenizer SentencePiece's folding of characters, and white space as part of the pieces."""
    rules = library().normalizers
    fold = rules.Precompiled(folding) if folding else rules.Sequence([rules.Nmt(), rules.NFKC()])
    spaces = rules.Replace(library().Regex(" {2,}"), " ")
    inner.normalizer = rules.Sequence([fold, rules.Strip(), spaces])
    parts = library().pre_tokenizers
    inner.pre_tokenizer = parts.Sequence([parts.Metaspace(), parts.Split(library().Regex(_SPECIAL), "isolated")])
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
