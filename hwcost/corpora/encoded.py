"""A corpus as numbers: all its tokens in one flat array, with the places where sentences and documents begin."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from hwcost.corpora.corpus import Corpus
from hwcost.corpora.encoding import DTYPES, write
from hwcost.corpora.tokenizer import Tokenizer
from hwcost.errors import UsageError


@dataclass(frozen=True)
class Encoded:
    """Tokens of a corpus; sentences without any token are left out.

    Attributes:
        tokens: Shape (tokens,).
        sentences: Shape (sentences + 1,): sentence i is ``tokens[sentences[i]:sentences[i + 1]]``.
        documents: Shape (documents + 1,): document i holds the sentences from ``documents[i]`` to before
            ``documents[i + 1]``.
    """

    tokens: NDArray[np.int32]
    sentences: NDArray[np.int64]
    documents: NDArray[np.int64]

    def passages(self, room: int, least: int = 1) -> NDArray[np.int64]:
        """Parts every document into runs of whole sentences that fill the room as far as they go.

        A run of ``least`` sentences may be larger than the room. Where fewer are left over at the end of a document, the
        run takes in sentences of the one before it; a document with fewer gives none.

        Args:
            room: Tokens a run may hold.
            least: Sentences a run must hold.

        Returns:
            Shape (runs, 2): the first sentence of each, and the one after its last.
        """
        runs = [run for first, end in itertools.pairwise(self.documents.tolist())
                for run in self._runs(first, end, room, least)]
        return np.array(runs, dtype=np.int64).reshape(-1, 2)

    def _runs(self, first: int, end: int, room: int, least: int) -> Iterator[tuple[int, int]]:
        if end - first < least:
            return
        while first < end:
            first = min(first, end - least)
            filled = int(np.searchsorted(self.sentences, self.sentences[first] + room, side="right")) - 1
            after = min(max(filled, first + least), end)
            yield first, after
            first = after


def encode(corpus: Corpus, tokenizer: Tokenizer) -> Encoded:
    """Encodes every sentence of a corpus, once, into files without a name, which are mapped and go with the process.

    Args:
        corpus: The text.
        tokenizer: Tokenizer of the text.

    Raises:
        UsageError: When there is no room for them.
    """
    try:
        with ExitStack() as opened:
            files = {name: opened.enter_context(TemporaryFile()) for name in DTYPES}
            counts = write(corpus, tokenizer, files)
            return Encoded(**{name: mapped(file, name, counts[name]) for name, file in files.items()})
    except OSError as error:
        raise UsageError(
            f"cannot write the tokens of {corpus.source} to '{gettempdir()}': {error.strerror}. Make room, name another "
            "folder in TMPDIR, or prepare the corpus once with hwcost supernet tokens"
        ) from None


def mapped(file: IO[bytes] | Path, name: str, count: int) -> NDArray[Any]:
    """Maps a file of numbers into memory, to be read.

    Args:
        file: The file.
        name: Name of its numbers, of those of :data:`~hwcost.corpora.encoding.DTYPES`.
        count: Number of numbers in the file.
    """
    if not count:
        return np.zeros(0, dtype=DTYPES[name])
    if not isinstance(file, Path):
        file.flush()
    return np.memmap(file, dtype=DTYPES[name], mode="r", shape=(count,))
