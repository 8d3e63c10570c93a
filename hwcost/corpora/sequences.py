"""The sequences that a corpus gives: a stream cut into equal lengths, or pairs of segments that may follow each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwcost.corpora.encoded import Encoded
from hwcost.corpora.inputs import Segments
from hwcost.errors import DataError


class Stream:
    """All tokens one after the other, across the ends of documents, cut where a sequence is full.

    Only the last sequence may be shorter. Liu et al., "RoBERTa", section 4.2, call their like of it full sentences.

    Args:
        encoded: The corpus.
        room: Tokens of text a sequence holds.
    """

    def __init__(self, encoded: Encoded, room: int) -> None:
        self._tokens, self._room = len(encoded.tokens), room

    def __len__(self) -> int:
        return -(-self._tokens // self._room)

    def draw(self, rows: NDArray[np.int64], rng: np.random.Generator) -> tuple[tuple[Segments, ...], None]:
        """Returns the sequences of these numbers; nothing of them is left to chance."""
        starts = rows * self._room
        return (Segments(starts, np.minimum(self._room, self._tokens - starts)),), None


class Pairs:
    """Runs of sentences of one document, each parted near its middle; half the time the second part is another one.

    The other one begins at any sentence of any other document. Either second segment runs on in its document until it ends
    or the room is full, so that its length says next to nothing of its origin. A first segment that is too long loses its
    beginning. Source: Devlin et al., "BERT", section 3.1, "Next Sentence Prediction".

    Args:
        encoded: The corpus.
        room: Tokens of text a pair holds.

    Raises:
        DataError: When fewer than two documents hold text.
    """

    def __init__(self, encoded: Encoded, room: int) -> None:
        if np.count_nonzero(np.diff(encoded.documents)) < 2:
            raise DataError("next-sentence prediction needs at least two documents with text. Give more, or do without it.")
        self._encoded = encoded
        self._room = room
        self._runs = encoded.passages(room, least=2)
        self._seams = self._middles()

    def __len__(self) -> int:
        return len(self._runs)

    def draw(
        self, rows: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[tuple[Segments, ...], NDArray[np.int64]]:
        """Returns first and second segments, and whether the second follows the first: 1 or 0, shape (rows,).

        Args:
            rows: Numbers of the pairs.
            rng: Source of chance, for which second segments are other ones, and where these begin.
        """
        first, seams = self._runs[rows, 0], self._seams[rows]
        follows = rng.integers(2, size=len(rows))
        second = np.where(follows, seams, self._elsewhere(first, rng))
        return self._fitted(first, seams, second), follows

    def _middles(self) -> NDArray[np.int64]:
        """The sentence of each run that begins nearest to its middle, never the first one."""
        places, (first, end) = self._encoded.sentences, self._runs.T
        middle = (places[first] + places[end]) / 2
        after = np.searchsorted(places, middle)
        nearest = np.where(places[after] - middle <= middle - places[after - 1], after, after - 1)
        return np.asarray(np.clip(nearest, first + 1, end - 1), dtype=np.int64)

    def _elsewhere(self, sentences: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """Draws a sentence outside of the document of each one given."""
        documents = self._encoded.documents
        after = np.searchsorted(documents, sentences, side="right")
        begin, held = documents[after - 1], documents[after] - documents[after - 1]
        drawn: NDArray[np.int64] = rng.integers(documents[-1] - held)
        return np.where(drawn < begin, drawn, drawn + held)

    def _fitted(
        self, first: NDArray[np.int64], seams: NDArray[np.int64], second: NDArray[np.int64]
    ) -> tuple[Segments, Segments]:
        places, documents = self._encoded.sentences, self._encoded.documents
        ends = documents[np.searchsorted(documents, second, side="right")]
        before, after = places[seams] - places[first], places[ends] - places[second]
        kept = np.minimum(before, np.maximum(self._room // 2, self._room - after))
        return Segments(places[seams] - kept, kept), Segments(places[second], np.minimum(after, self._room - kept))
