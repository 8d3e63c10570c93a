"""A corpus from the user's own text: a file, or a folder of ``.txt`` files.

A file is a document; a blank line ends a paragraph, and with it a sentence.
"""

from __future__ import annotations

from pathlib import Path

from hwcost.corpora.corpus import Corpus, Document
from hwcost.corpora.sentences import sentences
from hwcost.errors import DataError

ADVICE = "Give a text file, a folder of .txt files, a data set on disk, or 'stdlib'."


def text_files(path: str | Path) -> Corpus:
    """Reads text files in UTF-8.

    Args:
        path: A file, or a folder whose ``.txt`` files are read at any depth in the order of their names. A document is
            named after its path in the folder, with dots between the parts: ``poems/spring.txt`` is ``poems.spring``.

    Raises:
        DataError: When the path is missing, the folder holds no ``.txt`` file, a file is not UTF-8, or none holds any text.
    """
    path = Path(path)
    if not path.is_dir():
        return Corpus([Document(path.stem, tuple(sentences(_read(path))))], str(path))
    files = sorted(file for file in path.rglob("*.txt") if file.is_file())
    if not files:
        raise DataError(f"{path}: the folder holds no .txt file. {ADVICE}")
    return Corpus((Document(_name(file.relative_to(path)), tuple(sentences(_read(file)))) for file in files), str(path))


def _name(path: Path) -> str:
    return ".".join(path.with_suffix("").parts)


def _read(path: Path) -> str:
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}. {ADVICE}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start} is not UTF-8 text. Save the file as UTF-8.") from None
    return text.removeprefix("\ufeff").replace("\r\n", "\n")
