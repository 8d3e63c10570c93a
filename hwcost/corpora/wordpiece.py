"""The vocabulary of WordPiece, trained on a corpus: the same one each time.

Source: Wu et al., "Google's Neural Machine Translation System", section 4.1, with the folding and parting of words of Devlin
et al., "BERT". The work is done by the library ``tokenizers``.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from hwcost._extras import imported
from hwcost.corpora.corpus import Corpus
from hwcost.errors import UsageError

PAD, UNKNOWN, START, SEPARATOR, MASK = SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
"""Tokens that stand for no text; a vocabulary trained here begins with them."""

CONTINUED = "##"
"""Prefix of a piece that continues a word."""

LARGEST_ALPHABET = 1000
"""Characters kept at most, as in BERT; rarer ones become unknown. Small vocabularies keep a quarter of their size."""

SMALLEST_VOCABULARY = 32


def library() -> Any:
    """Returns the library ``tokenizers``.

    Raises:
        MissingExtraError: When it is not installed.
    """
    return imported("tokenizers", "supernet")


def train_wordpiece(corpus: Corpus, vocabulary: int, lowercase: bool) -> dict[str, int]:
    """Trains a vocabulary; token to number, the special ones first.

    The library's trainer numbers the characters that go on within words in the order of a randomised hash table, and breaks
    ties between merges by these numbers. Listed here among the special tokens, they have the same numbers each time.

    Args:
        corpus: The text.
        vocabulary: Number of tokens; a small corpus may give fewer.
        lowercase: Whether case is folded and accents are dropped.

    Raises:
        MissingExtraError: When ``tokenizers`` is not installed.
        UsageError: When the vocabulary is too small.
    """
    if vocabulary < SMALLEST_VOCABULARY:
        raise UsageError(f"a vocabulary must have at least {SMALLEST_VOCABULARY} tokens, got {vocabulary}")
    inner = library().Tokenizer(library().models.WordPiece(unk_token=UNKNOWN))
    inner.normalizer = library().normalizers.BertNormalizer(lowercase=lowercase)
    inner.pre_tokenizer = library().pre_tokenizers.BertPreTokenizer()
    words = _words(corpus, inner)
    alphabet = _alphabet(words, min(LARGEST_ALPHABET, vocabulary // 4))
    trainer = library().trainers.WordPieceTrainer(
        vocab_size=vocabulary, min_frequency=2, show_progress=False, limit_alphabet=len(alphabet),
        initial_alphabet=alphabet, special_tokens=[*SPECIALS, *alphabet, *_continuations(words, alphabet)],
    )  # fmt: skip
    inner.train_from_iterator(corpus.sentences(), trainer)
    trained: dict[str, int] = inner.get_vocab()
    return trained


def _words(corpus: Corpus, inner: Any) -> Counter[str]:
    """Counts words as BERT sees them: folded, and parted at white space and punctuation."""
    fold, parted = inner.normalizer.normalize_str, inner.pre_tokenizer.pre_tokenize_str
    return Counter(word for text in corpus.sentences() for word, _ in parted(fold(text)))


def _alphabet(words: Counter[str], size: int) -> list[str]:
    """The most frequent characters, in the order of their code points."""
    counts: Counter[str] = Counter()
    for word, count in words.items():
        for character in word:
            counts[character] += count
    return sorted(sorted(counts, key=lambda character: (-counts[character], character))[:size])


def _continuations(words: Counter[str], alphabet: list[str]) -> list[str]:
    later = {character for word in words for character in word[1:]}
    return [CONTINUED + character for character in alphabet if character in later]
