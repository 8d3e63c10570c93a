"""A unigram model read from a model file of SentencePiece, as a tokenizer of the library ``tokenizers``.

Source: ``sentencepiece_model.proto`` of SentencePiece for the file; its ``normalizer.cc`` and ``unigram_model.cc`` for how
text is folded and parted, and what becomes of characters without a piece.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hwcost._extras import imported
from hwcost.corpora.unigram import PARTED, SPECIAL, unigram_model
from hwcost.corpora.wordpiece import SPECIALS, library
from hwcost.errors import DataError

UNIGRAM = 1
"""Type of a unigram model."""

UNKNOWN, CONTROL, UNUSED = 2, 3, 5
"""Types of pieces that no text becomes: the unknown one, those that stand for no text, and those that were taken out."""

SPACE = "\u2581"
"""Character that stands for white space in pieces."""

_BYTE = r"<(?=0x[0-9A-F]{2}>)"
"""Sign before the name of a byte, which is parted from it: "<0x41>" in a text is text."""


def read_sentencepiece(path: Path) -> Any:
    """Reads a model file that SentencePiece trained, as a tokenizer of ``tokenizers``; BERT's specials come first.

    Args:
        path: The file; its own control pieces, such as ``<s>``, are left out.

    Raises:
        DataError: When it is missing, damaged, or its model is of another kind.
        MissingExtraError: When ``sentencepiece`` is not installed.
    """
    model = imported("sentencepiece.sentencepiece_model_pb2", "sentencepiece").ModelProto()
    try:
        model.ParseFromString(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}. Expected a model file of SentencePiece.") from None
    except Exception as error:  # the library's own error is not a subclass of anything narrower
        raise DataError(f"{path}: this is not a model file of SentencePiece, or it is cut short: {error}.") from None
    trained = model.trainer_spec
    if trained.model_type != UNIGRAM:
        raise DataError(f"{path}: its model is not a unigram one. Train it with --model_type=unigram.")
    if trained.treat_whitespace_as_suffix:
        raise DataError(f"{path}: white space ends its pieces. Train it without --treat_whitespace_as_suffix.")
    pieces = [
        (one.piece, one.score)
        for one in model.pieces
        if one.type not in (UNKNOWN, CONTROL, UNUSED) and one.piece not in SPECIALS
    ]
    inner = library().Tokenizer(unigram_model(pieces, trained.byte_fallback))
    inner.normalizer = _normalizer(model.normalizer_spec)
    inner.pre_tokenizer = _parts(is_within=any(SPACE in piece[1:] for piece, _ in pieces), has_bytes=trained.byte_fallback)
    inner.decoder = _decoder(model.normalizer_spec.add_dummy_prefix)
    return inner


def _normalizer(spec: Any) -> Any:
    """Folds characters as the file says, which may be not at all, and white space as its options say."""
    rules, regex = library().normalizers, library().Regex
    steps = [rules.Precompiled(spec.precompiled_charsmap)] if spec.precompiled_charsmap else []
    if spec.remove_extra_whitespaces:
        steps += [rules.Replace(regex(r"\A +| +\z"), ""), rules.Replace(regex(" {2,}"), " ")]
    if spec.add_dummy_prefix:
        steps.append(rules.Prepend(" "))
    return rules.Sequence(steps)


def _parts(is_within: bool, has_bytes: bool) -> Any:
    """Parts text before white space, unless it is within pieces, and names of tokens that are text from what is before."""
    parts = library().pre_tokenizers
    names = f"{SPECIAL}|{_BYTE}" if has_bytes else SPECIAL
    spaces = parts.Metaspace(prepend_scheme="never", split=not is_within)
    return parts.Sequence([spaces, parts.Split(library().Regex(names), PARTED)])


def _decoder(has_prefix: bool) -> Any:
    """Joins pieces to text: bytes to characters, and without the white space that was put before the text."""
    decoders = library().decoders
    steps = [decoders.ByteFallback(), decoders.Fuse(), decoders.Replace(SPACE, " ")]
    return decoders.Sequence([*steps, decoders.Strip(" ", 1, 0)] if has_prefix else steps)
