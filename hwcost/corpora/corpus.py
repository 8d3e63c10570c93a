"""Text to train on: documents in order, each a run of sentences."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import overload

from hwcost._cached import cached_property
from hwcost.errors import DataError, UsageError


@dataclass(frozen=True)
class Document:
    """Consecutive sentences of one origin.

    Attributes:
        name: Dotted name, the largest part first, for example ``asyncio.tasks``.
        sentences: Sentences in reading order.
    """

    name: str
    sentences: tuple[str, ...]

    @property
    def part(self) -> str:
        """First part of the name: ``asyncio`` of ``asyncio.tasks``."""
        return self.name.partition(".")[0]

    @property
    def words(self) -> int:
        """Number of words, which are what white space separates."""
        return sum(len(sentence.split()) for sentence in self.sentences)


class Corpus(Sequence[Document]):
    """Documents in a fixed order; those without sentences are left out.

    Args:
        documents: Documents, at least one of them with text.
        source: Name of the place they were read from, for messages.

    Raises:
        DataError: When no document holds any text.
    """

    def __init__(self, documents: Iterable[Document], source: str = "the documents given") -> None:
        self._documents = tuple(document for document in documents if document.sentences)
        self.source = source
        if not self._documents:
            raise DataError(
                f"{source}: there is no text. Expected at least one document with a sentence; "
                "give a file or folder of .txt files, a data set on disk, or 'stdlib'."
            )

    @overload
    def __getitem__(self, index: int) -> Document: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Document, ...]: ...
    def __getitem__(self, index: int | slice) -> Document | tuple[Document, ...]:
        return self._documents[index]

    def __len__(self) -> int:
        return len(self._documents)

    @property
    def words(self) -> int:
        """Number of words of all documents."""
        return sum(document.words for document in self)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of names and sentences in order, in hexadecimal; equal for equal content."""
        content = hashlib.sha256()
        for document in self:
            content.update(json.dumps([document.name, *document.sentences]).encode())
        return content.hexdigest()

    def split(self, held_out: float = 0.1) -> tuple[Corpus, Corpus]:
        """Parts the documents into those to train on and those to judge by.

        The side of a document follows from a hash of its name alone, whatever the order and whatever else there is. The
        share of documents held out is therefore only near the one asked for.

        Args:
            held_out: Expected share of the second side, above 0 and below 1.

        Raises:
            UsageError: When the share lies outside that range.
            DataError: When a side would be empty.
        """
        if not 0 < held_out < 1:
            raise UsageError(f"the share held out must lie above 0 and below 1, got {held_out:g}")
        kept = [document for document in self if _fraction(document.name) >= held_out]
        judged = [document for document in self if _fraction(document.name) < held_out]
        if not kept or not judged:
            empty = "to train on" if not kept else "held out"
            raise DataError(
                f"{self.source}: no document would be {empty} of {len(self)} with a share of {held_out:g} held out. "
                "Give text in more documents, or another share."
            )
        return Corpus(kept, f"{self.source}, to train on"), Corpus(judged, f"{self.source}, held out")


def _fraction(name: str) -> float:
    """Maps a name to a number from 0 to below 1."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big") / 2**48
