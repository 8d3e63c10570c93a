"""Text to train on: documents in order, each a run of sentences."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from hwcost._cached import cached_property
from hwcost.errors import DataError, UsageError

AT_ONCE = 4096
"""Sentences, at most, that :meth:`Corpus.runs` yields at a time."""


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
        self._documents: Sequence[Document] = (
            documents if isinstance(documents, LazyDocuments) else tuple(one for one in documents if one.sentences)
        )
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
        return tuple(self._documents[index]) if isinstance(index, slice) else self._documents[index]

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
        for _ in self.runs(content):
            pass
        return content.hexdigest()

    def sentences(self) -> Iterator[str]:
        """Yields all sentences in order, and holds no document as a whole where it need not be."""
        for sentences, _ in self.runs():
            yield from sentences

    def runs(self, content: Any = None) -> Iterator[tuple[list[str], list[int]]]:
        """Yields sentences in order, some thousand at a time, and the places among them at which a document ends.

        Args:
            content: Hash that the documents are added to, as :attr:`digest` adds them; None for none.
        """
        block: list[str] = []
        ends: list[int] = []
        for name, sentences in self._streams():
            if content is not None:
                content.update(f"[{json.dumps(name)}".encode())
            for sentence in sentences:
                block.append(sentence)
                if content is not None:
                    content.update(f", {json.dumps(sentence)}".encode())
                if len(block) >= AT_ONCE:
                    yield block, ends
                    block, ends = [], []
            if content is not None:
                content.update(b"]")
            ends.append(len(block))
        if ends:
            yield block, ends

    def _streams(self) -> Iterator[tuple[str, Iterable[str]]]:
        """Yields the name of every document, and its sentences."""
        if isinstance(self._documents, LazyDocuments):
            for number in range(len(self)):
                yield self._documents.name(number), self._documents.sentences(number)
        else:
            yield from ((document.name, document.sentences) for document in self._documents)

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
        is_kept = np.array([_fraction(name) >= held_out for name in _names(self._documents)])
        kept, judged = (Chosen(self._documents, np.flatnonzero(side)) for side in (is_kept, ~is_kept))
        if not len(kept) or not len(judged):
            empty = "to train on" if not len(kept) else "held out"
            raise DataError(
                f"{self.source}: no document would be {empty} of {len(self)} with a share of {held_out:g} held out. "
                "Give text in more documents, or another share."
            )
        return Corpus(kept, f"{self.source}, to train on"), Corpus(judged, f"{self.source}, held out")


class LazyDocuments(Sequence[Document], ABC):
    """Documents that are read when they are asked for, none of them without sentences."""

    @abstractmethod
    def name(self, index: int) -> str:
        """Returns the name of a document without reading it."""

    @abstractmethod
    def read(self, index: int) -> Document:
        """Reads a document, of a number from 0 on."""

    def sentences(self, index: int) -> Iterable[str]:
        """Returns the sentences of a document, of one that is large without holding it."""
        return self.read(index).sentences

    @overload
    def __getitem__(self, index: int) -> Document: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Document, ...]: ...
    def __getitem__(self, index: int | slice) -> Document | tuple[Document, ...]:
        numbers = range(len(self))[index]
        return tuple(map(self.read, numbers)) if isinstance(numbers, range) else self.read(numbers)


class Chosen(LazyDocuments):
    """Some documents of others.

    Args:
        documents: The others.
        numbers: Numbers of the documents that are chosen, (n,).
    """

    def __init__(self, documents: Sequence[Document], numbers: NDArray[np.intp]) -> None:
        self._documents, self._numbers = documents, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def name(self, index: int) -> str:
        """See the base class."""
        number = int(self._numbers[index])
        return self._documents.name(number) if isinstance(self._documents, LazyDocuments) else self._documents[number].name

    def read(self, index: int) -> Document:
        """See the base class."""
        return self._documents[int(self._numbers[index])]

    def sentences(self, index: int) -> Iterable[str]:
        """See the base class."""
        number = int(self._numbers[index])
        if isinstance(self._documents, LazyDocuments):
            return self._documents.sentences(number)
        return self._documents[number].sentences


def _names(documents: Sequence[Document]) -> Iterator[str]:
    if isinstance(documents, LazyDocuments):
        yield from map(documents.name, range(len(documents)))
    else:
        yield from (document.name for document in documents)


def _fraction(name: str) -> float:
    """Maps a name to a number from 0 to below 1."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big") / 2**48
