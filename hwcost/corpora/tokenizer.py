"""BERT's tokenizer and SentencePiece's unigram one, trained on a corpus or read from disk.

Source: Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding", section 3.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost._io import write_text
from hwcost.corpora.corpus import Corpus
from hwcost.corpora.sentencepiece_file import read_sentencepiece
from hwcost.corpora.unigram import train_unigram
from hwcost.corpora.wordpiece import SEPARATOR, SPECIALS, START, UNKNOWN, library, train_wordpiece
from hwcost.errors import DataError, MissingExtraError, UsageError

FILE = "tokenizer.json"
DECISIVE = ("added_tokens", "normalizer", "pre_tokenizer", "model")
"""Parts of that file by which text becomes numbers."""


KINDS = ("wordpiece", "unigram")
"""Kinds of tokenizers that can be trained."""
SPACE = "\u2581"
"""Character that stands for the white space before a word in SentencePiece's pieces."""


class Tokenizer:
    """Turns text into numbers. Made by :meth:`train`, :meth:`train_unigram`, :meth:`load` and the methods that read files.

    Attributes:
        pad: Id of ``[PAD]``.
        unknown: Id of ``[UNK]``.
        start: Id of ``[CLS]``.
        separator: Id of ``[SEP]``.
        mask: Id of ``[MASK]``.
    """

    def __init__(self, inner: Any, source: str = "the tokenizer given") -> None:
        missing = [token for token in SPECIALS if inner.token_to_id(token) is None]
        if missing:
            raise DataError(f"{source}: the vocabulary lacks {', '.join(missing)}. Expected BERT's {', '.join(SPECIALS)}.")
        inner.no_padding()
        inner.no_truncation()
        inner.encode_special_tokens = True  # "[MASK]" in a text is text
        self._inner = inner
        self.pad, self.unknown, self.start, self.separator, self.mask = self.specials

    @classmethod
    def train(cls, corpus: Corpus, vocabulary: int, lowercase: bool = True) -> Tokenizer:
        """Trains WordPiece; equal corpora give equal tokenizers. The special tokens have the numbers 0 to 4.

        Args:
            corpus: The text.
            vocabulary: Number of tokens, specials included; a small corpus may give fewer.
            lowercase: Whether case is folded and accents are dropped, as by the uncased BERT.

        Raises:
            MissingExtraError: When ``tokenizers`` is not installed.
            UsageError: When the vocabulary is too small.
        """
        return _make(train_wordpiece(corpus, vocabulary, lowercase), lowercase, "the trained tokenizer")

    @classmethod
    def train_unigram(cls, corpus: Corpus, vocabulary: int) -> Tokenizer:
        """Trains SentencePiece's unigram model, for text in any languages; case and accents stay.

        The library adds numbers in an order that changes, so that scores of pieces differ in their last digits between two
        trainings, and with them the numbers of pieces: save what was trained, and load it where the same one is needed.

        Args:
            corpus: The text.
            vocabulary: Number of pieces, specials included; a small corpus may give fewer.

        Raises:
            MissingExtraError: When ``tokenizers`` is not installed.
            UsageError: When the vocabulary is too small.
        """
        return _framed(train_unigram(corpus, vocabulary), "the trained tokenizer")

    @classmethod
    def from_sentencepiece(cls, path: str | Path) -> Tokenizer:
        """Reads a unigram model file of SentencePiece, with BERT's special tokens in the place of its own.

        Text gives the pieces that SentencePiece gives, those of bytes among them where the model falls back on bytes.

        Args:
            path: The file, ``.model``.

        Raises:
            DataError: When it is missing, damaged, or holds a model of another kind.
            MissingExtraError: When ``sentencepiece`` is not installed.
        """
        return _framed(read_sentencepiece(Path(path)), str(path))

    @classmethod
    def of(cls, kind: str, corpus: Corpus, vocabulary: int) -> Tokenizer:
        """Trains a tokenizer of a kind, or reads the one that a path names.

        Args:
            kind: ``wordpiece`` or ``unigram``; or a model file of SentencePiece, or a folder with a ``tokenizer.json``.
            corpus: The text to train on.
            vocabulary: Number of pieces of one that is trained.

        Raises:
            UsageError: When it is neither.
            DataError: When the file cannot be read.
        """
        cls.check_kind(kind)
        if kind in KINDS:
            return cls.train(corpus, vocabulary) if kind == "wordpiece" else cls.train_unigram(corpus, vocabulary)
        return cls.from_sentencepiece(kind) if Path(kind).is_file() else cls.load(kind)

    @staticmethod
    def check_kind(kind: str) -> None:
        """Refuses what :meth:`of` cannot make.

        Raises:
            UsageError: When it is neither a kind of tokenizer nor a file or folder that is there.
        """
        if kind not in KINDS and not Path(kind).exists():
            known = " or ".join(KINDS)
            raise UsageError(
                f"a tokenizer is {known}, a model file of SentencePiece, or a folder with a {FILE}; got '{kind}'"
            )

    @classmethod
    def from_vocabulary(cls, path: str | Path, lowercase: bool) -> Tokenizer:
        """Reads a ``vocab.txt`` of BERT: one token a line, its number the line's, from 0.

        Args:
            path: The file.
            lowercase: Whether the vocabulary is an uncased one.

        Raises:
            MissingExtraError: When ``tokenizers`` is not installed.
            DataError: When the file is missing, not UTF-8, holds a token twice or lacks a special token.
        """
        tokens = [line.removesuffix("\r") for line in _read(Path(path)).removesuffix("\n").split("\n")]
        token, times = Counter(tokens).most_common(1)[0]
        if times > 1:
            raise DataError(f"{path}: token '{token}' stands on {times} lines. Expected a vocab.txt with a token a line.")
        return _make({token: number for number, token in enumerate(tokens)}, lowercase, str(path))

    @classmethod
    def load(cls, folder: str | Path) -> Tokenizer:
        """Reads what :meth:`save` wrote, or the ``tokenizer.json`` of any BERT.

        Raises:
            MissingExtraError: When ``tokenizers`` is not installed.
            DataError: When the file is missing, cut short or not a tokenizer, or lacks a special token.
        """
        path = Path(folder) / FILE
        text = _read(path)
        try:
            inner = library().Tokenizer.from_str(text)
        except MissingExtraError:
            raise
        except Exception as error:  # the library raises nothing narrower
            raise DataError(f"{path}: this is not a tokenizer, or it is cut short: {error}. Save it again.") from None
        return cls(inner, str(path))

    def save(self, folder: str | Path) -> None:
        """Writes ``tokenizer.json`` into a folder, which is made where it is missing; transformers can read it too.

        Raises:
            OSError: When it cannot be written.
        """
        Path(folder).mkdir(parents=True, exist_ok=True)
        write_text(Path(folder) / FILE, self._inner.to_str(pretty=True))

    @property
    def digest(self) -> str:
        """SHA-256 of what decides about the numbers of tokens, in hexadecimal."""
        own = {name: part for name, part in json.loads(self._inner.to_str()).items() if name in DECISIVE}
        return hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()

    @property
    def size(self) -> int:
        """Number of tokens, specials included."""
        return int(self._inner.get_vocab_size())

    @property
    def specials(self) -> tuple[int, ...]:
        """Numbers of ``[PAD]``, ``[UNK]``, ``[CLS]``, ``[SEP]`` and ``[MASK]``."""
        return tuple(int(self._inner.token_to_id(token)) for token in SPECIALS)

    def word_starts(self) -> NDArray[np.bool_]:
        """Says of each token whether it is the first one of a word, shape (size,).

        Punctuation is a word by itself where the tokenizer parts it from what is before it, as WordPiece does; a unigram
        model joins it to that word. ``[UNK]`` stands for a word, the other special tokens for none.

        Raises:
            UsageError: When the pieces do not tell: those of WordPiece and of SentencePiece's unigram model do.
        """
        model = json.loads(self._inner.to_str())["model"]
        tokens = [str(self._inner.id_to_token(number)) for number in range(self.size)]
        if model["type"] == "WordPiece":
            found = np.array([not token.startswith(model["continuing_subword_prefix"]) for token in tokens])
        elif model["type"] == "Unigram":
            found = np.array([token.startswith(SPACE) for token in tokens])
        else:
            raise UsageError(
                f"the pieces of this tokenizer ({model['type']}) do not say where words begin: those of WordPiece and of "
                "SentencePiece's unigram model do"
            )
        found[list(self.specials)] = False
        found[self.unknown] = True
        return found

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Returns the token numbers of each text, without special tokens around them."""
        encodings = self._inner.encode_batch_fast(list(texts), add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    def encode_with_offsets(self, texts: Sequence[str]) -> list[tuple[list[int], list[tuple[int, int]]]]:
        """Returns the token numbers of each text and, for each token, its first character and the one after its last."""
        encodings = self._inner.encode_batch(list(texts), add_special_tokens=False)
        return [(encoding.ids, encoding.offsets) for encoding in encodings]


def _make(vocabulary: dict[str, int], lowercase: bool, source: str) -> Tokenizer:
    inner = library().Tokenizer(library().models.WordPiece(vocabulary, unk_token=UNKNOWN))
    inner.normalizer = library().normalizers.BertNormalizer(lowercase=lowercase)
    inner.pre_tokenizer = library().pre_tokenizers.BertPreTokenizer()
    inner.decoder = library().decoders.WordPiece()
    made = Tokenizer(inner, source)
    inner.add_special_tokens(list(SPECIALS))
    inner.post_processor = library().processors.BertProcessing((SEPARATOR, made.separator), (START, made.start))
    return made


def _framed(inner: Any, source: str) -> Tokenizer:
    """Makes a tokenizer of pieces that hold the special tokens, and puts these around texts as BERT does."""
    inner.add_special_tokens(list(SPECIALS))
    made = Tokenizer(inner, source)
    inner.post_processor = library().processors.BertProcessing((SEPARATOR, made.separator), (START, made.start))
    return made


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}. Expected a tokenizer's file; train one with Tokenizer.train.") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start} is not UTF-8 text. Expected a tokenizer's file.") from None
