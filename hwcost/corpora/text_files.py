"""A corpus from the user's own text: a file, or a folder of ``.txt`` files.

A file is a document; a blank line ends a paragraph, and with it a sentence.
"""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Iterator, Sequence
from pathlib import Path

from hwcost.corpora.corpus import Corpus, Document, LazyDocuments
from hwcost.corpora.sentences import streamed
from hwcost.errors import DataError

ADVICE = "Give a text file, a folder of .txt files, a data set on disk, or 'stdlib'."
AT_ONCE_BYTES = 2**20
"""Bytes of a file that are read at a time."""
HELD_BYTES = 64 * 2**20
"""Bytes of text up to which sentences are held in memory; more text is read again whenever it is asked for."""


def text_files(path: str | Path) -> Corpus:
    """Reads text files in UTF-8. Where they are large, they are read again whenever text of them is asked for.

    Args:
        path: A file, or a folder whose ``.txt`` files are read at any depth in the order of their names. A document is
            named after its path in the folder, with dots between the parts: ``poems/spring.txt`` is ``poems.spring``.

    Raises:
        DataError: When the path is missing, the folder holds no ``.txt`` file, a file is not UTF-8, or none holds any text.
    """
    path = Path(path)
    if path.is_dir():
        files = sorted(file for file in path.rglob("*.txt") if file.is_file())
        names = [".".join(file.relative_to(path).with_suffix("").parts) for file in files]
    else:
        files, names = [path], [path.stem]
    if not files:
        raise DataError(f"{path}: the folder holds no .txt file. {ADVICE}")
    found = TextDocuments(files, names)
    return Corpus(found if found.size > HELD_BYTES else list(found), str(path))


class TextDocuments(LazyDocuments):
    """Text files that hold text; each is read once here, and again whenever it is asked for.

    Args:
        files: The files.
        names: Names of the documents.

    Raises:
        DataError: When a file cannot be read, or is not UTF-8.
    """

    def __init__(self, files: Sequence[Path], names: Sequence[str]) -> None:
        kept = [(file, name) for file, name in zip(files, names, strict=True) if _holds_text(file)]
        self._files, self._names = [file for file, _ in kept], [name for _, name in kept]

    @property
    def size(self) -> int:
        """Bytes of all of them."""
        return sum(file.stat().st_size for file in self._files)

    def __len__(self) -> int:
        return len(self._files)

    def name(self, index: int) -> str:
        """See the base class."""
        return self._names[index]

    def read(self, index: int) -> Document:
        """See the base class."""
        return Document(self._names[index], tuple(self.sentences(index)))

    def sentences(self, index: int) -> Iterator[str]:
        """See the base class."""
        return streamed(_pieces(self._files[index]))


def _holds_text(path: Path) -> bool:
    """Reads a file to its end, and says whether there is anything but white space in it."""
    found = [bool(piece.strip()) for piece in _pieces(path)]
    return any(found)


def _pieces(path: Path) -> Iterator[str]:
    """Yields the text of a file, some of it at a time."""
    decoder, read = getincrementaldecoder("utf-8")(), 0
    try:
        with path.open("rb") as file:
            while True:
                data, waiting = file.read(AT_ONCE_BYTES), len(decoder.getstate()[0])
                piece = decoder.decode(data, final=not data)
                yield piece if read else piece.removeprefix("\ufeff")
                if not data:
                    return
                read += len(data)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}. {ADVICE}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {read - waiting + error.start} is not UTF-8 text. Save the file as UTF-8.") from None
