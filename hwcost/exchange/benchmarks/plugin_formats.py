"""Formats of other distributions, checked where they are asked: an error names the format and its slip.

One that fails to say whether a file is its own is left out, so that the files of all other tools are still recognised.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from hwcost._left_out import left_out
from hwcost.errors import ContractError, HwcostError
from hwcost.exchange.benchmarks import FORMATS
from hwcost.exchange.benchmarks.base import Exported, Imported
from hwcost.registry import is_own, named

if TYPE_CHECKING:
    from hwcost.exchange.benchmarks.base import Format, Given, History, Reader, Writer
    from hwcost.exchange.benchmarks.document import Document


def usable() -> list[Format]:
    """Makes all formats; one of another distribution that cannot be made is left out, with a warning."""
    found = []
    for name in FORMATS.names():
        try:
            found.append(FORMATS.make(name))
        except HwcostError as error:
            left_out(__name__, str(error))
    return found


def recognises(one: Format, document: Document) -> bool:
    """Says whether a file is of a format; one that fails to tell is left out, with a warning."""
    if is_own(type(one)):
        return one.recognises(document)
    try:
        return bool(one.recognises(document))
    except Exception as error:  # whatever a plug-in does
        left_out(__name__, f"the format '{one.name}' failed in recognises: {type(error).__name__}: {error}")
        return False


def read(reader: Reader, document: Document, given: Given) -> list[Imported]:
    """Reads a file whole.

    Raises:
        ContractError: When a format of another distribution fails, or gives anything but runs.
    """
    if is_own(type(reader)):
        return reader.read(document, given)
    with named(f"the format '{reader.name}'", "read"):
        answer: Any = reader.read(document, given)
        found = answer if answer is None or isinstance(answer, Imported) else list(answer)
    if not isinstance(found, list) or not all(isinstance(one, Imported) for one in found):
        raise ContractError(
            f"the format '{reader.name}' gave {found!r:.80} from read; expected a list of "
            f"hwcost.exchange.benchmarks.base.Imported, as hwcost.exchange.benchmarks.rows.imported(...) makes them"
        )
    return found


def write(writer: Writer, history: History) -> Exported:
    """Writes measurements as texts.

    Raises:
        ContractError: When a format of another distribution fails, or gives anything but texts.
    """
    if is_own(type(writer)):
        return writer.write(history)
    with named(f"the format '{writer.name}'", "write"):
        found: Any = writer.write(history)
    if not isinstance(found, Exported):
        raise ContractError(f"the format '{writer.name}' gave {found!r:.80} from write; expected an Exported(files)")
    slip = _slip(found)
    if slip is not None:
        raise ContractError(f"the format '{writer.name}' gave from write {slip}. Nothing was written")
    return found


def _slip(exported: Any) -> str | None:
    """Returns in words what cannot be written of files that a format gave; None where everything can."""
    files = exported.files
    if not isinstance(files, dict) or not files:
        return f"the files {files!r:.80}; expected a dict of texts by path, with one at least"
    if isinstance(exported.remarks, str) or not all(isinstance(one, str) for one in exported.remarks):
        return f"the remarks {exported.remarks!r:.80}; expected a tuple of sentences"
    for name, text in files.items():
        path = PurePath(name) if isinstance(name, str) else None
        if path is None or path.is_absolute() or ".." in path.parts or (not path.parts and len(files) > 1):
            return f"a file with the path {name!r:.80}; expected one below the folder, or '' where there is a single file"
        if not isinstance(text, str):
            return f"{type(text).__name__} for the file {name!r:.80}; expected its text"
    return None
