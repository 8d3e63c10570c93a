"""Code of the user's own, named by ``package.module:name``: imported without a trace on ``sys.path``."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

from hwcost.errors import UsageError

_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def import_callable(name: str, what: str = "function") -> Callable[..., Any]:
    """Imports what ``package.module:name`` names; modules in the current folder are found first.

    Args:
        name: The module, a colon, and the name in it.
        what: Kind of object that is expected, for messages.

    Raises:
        UsageError: When the text names nothing, the module cannot be imported, or holds no callable of that name.
    """
    module_name, colon, attribute = name.partition(":")
    if not (module_name and colon and attribute):
        raise UsageError(f"'{name}' names no {what}. Expected package.module:name")
    _check_module(name, module_name, attribute)
    try:
        with current_folder_importable():
            module = importlib.import_module(module_name)
    except ImportError as error:
        raise UsageError(f"'{name}' cannot be imported: {error}. Looked in {os.getcwd()} too.") from None
    except (Exception, SystemExit) as error:
        raise UsageError(f"'{name}' cannot be imported: {reason(error)}") from error
    found = getattr(module, attribute, None)
    if callable(found):
        return found  # type: ignore[no-any-return]
    known = [key for key, value in vars(module).items() if inspect.isroutine(value) and value.__module__ == module_name]
    listed = f". Functions there: {', '.join(known)}" if known else ""
    if hasattr(module, attribute):
        raise UsageError(f"'{name}' is not a {what}: it is {found!r:.60}{listed}")
    raise UsageError(f"module '{module_name}' has no {what} '{attribute}'{listed}")


def _check_module(name: str, module: str, attribute: str) -> None:
    """Raises UsageError when a file is given where the name of its module is expected."""
    if not (module.endswith(".py") or {"/", os.sep} & set(module)):
        return
    path = Path(module)
    folder = "" if path.parent == Path() else f" in the folder '{path.parent}', or with it in PYTHONPATH"
    if not path.exists():
        raise UsageError(f"'{name}' names the file '{module}', which is not there. Expected package.module:name")
    raise UsageError(f"'{name}' names a file. Give its module instead, as in '{path.stem}:{attribute}'{folder}")


def import_function(name: str, what: str = "function") -> Callable[..., Any]:
    """Imports a function as :func:`import_callable` does; what it imports when it is called is found in that folder too.

    Args:
        name: The module, a colon, and the name in it.
        what: Kind of object that is expected, for messages.

    Raises:
        UsageError: When the text names nothing, the module cannot be imported, or holds no callable of that name.
    """
    function, folder = import_callable(name, what), os.getcwd()

    @wraps(function)
    def called(*arguments: Any, **options: Any) -> Any:
        with importable(folder):
            return function(*arguments, **options)

    return called


def interpreter() -> list[str]:
    """Returns the command of a Python whose modules are those of :func:`module_paths`, in that order.

    By itself Python looks into the current folder first, where a file may have the name of a module of its own library;
    version 3.10 cannot do otherwise.
    """
    return [sys.executable, *(["-P"] if sys.version_info >= (3, 11) else [])]


def module_paths() -> list[str]:
    """Returns the folders in which this process looks for modules, and the current one behind them if it is not there."""
    current = os.getcwd()
    return list(dict.fromkeys([*(path or current for path in sys.path), current]))


@contextmanager
def importable(folder: str) -> Iterator[None]:
    """Puts a folder first on ``sys.path``, and takes it out again."""
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        if folder in sys.path:
            sys.path.remove(folder)


@contextmanager
def current_folder_importable() -> Iterator[None]:
    """Puts the current folder first on ``sys.path``, and takes it out again."""
    with importable(os.getcwd()):
        yield


def without_colours(text: str) -> str:
    """Returns a text without the codes that colour a terminal."""
    return _COLOURS.sub("", text)


def reason(error: BaseException) -> str:
    """Returns an error of the user's code and its place, for example ``ValueError: no such size (models.py, line 12)``."""
    lines = without_colours(str(error)).strip().splitlines() or ["no reason given"]
    frames = traceback.extract_tb(error.__traceback__)
    is_placed = isinstance(error, SyntaxError)  # whose text has its place
    return f"{type(error).__name__}: {lines[0]}{'' if is_placed else _place(_own(frames) or frames)}"


def own_place(error: BaseException) -> str:
    """Returns where in the files of the current folder an error was raised, for example `` (models.py, line 12)``.

    It is empty where none of them was at work.
    """
    return _place(_own(traceback.extract_tb(error.__traceback__)))


def _own(frames: Sequence[traceback.FrameSummary]) -> list[traceback.FrameSummary]:
    folder, installed = os.getcwd() + os.sep, os.sep + "site-packages" + os.sep  # a virtual environment may lie within it
    return [frame for frame in frames if frame.filename.startswith(folder) and installed not in frame.filename]


def _place(frames: Sequence[traceback.FrameSummary]) -> str:
    return f" ({os.path.basename(frames[-1].filename)}, line {frames[-1].lineno})" if frames else ""
