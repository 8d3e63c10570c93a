"""The text of a file, and its lines."""

from __future__ import annotations

from pathlib import Path

from hwcost.errors import DataError


def text_of(path: Path) -> str:
    """Returns the text of a file in UTF-8; a byte order mark is left out.

    Raises:
        DataError: When the file cannot be read, or is not UTF-8.
    """
    try:
        return path.read_bytes().decode().removeprefix("\ufeff")
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}. Expected a file of a labelled task.") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start} is not UTF-8 text. Save the file as UTF-8.") from None


def text_lines(path: Path) -> list[str]:
    """Returns the lines of a file in UTF-8, without their ends; a byte order mark is left out.

    Raises:
        DataError: When the file cannot be read, or is not UTF-8.
    """
    text = text_of(path)
    return text.replace("\r\n", "\n").removesuffix("\n").split("\n") if text else []
