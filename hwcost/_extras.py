"""Libraries that come with an extra, imported when they are used, and what others of them import without need."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from hwcost.errors import MissingExtraError


def imported(module: str, extra: str) -> Any:
    """Imports a module of an optional library.

    Args:
        module: Its full name.
        extra: The extra that installs the library.

    Raises:
        MissingExtraError: When it is not installed; names the extra.
    """
    try:
        return import_module(module)
    except ImportError:
        raise MissingExtraError(module.partition(".")[0], extra) from None


def check_installed(module: str, extra: str) -> None:
    """Refuses work that would need a module in the end; imports nothing.

    Args:
        module: Its full name.
        extra: The extra that installs the library.

    Raises:
        MissingExtraError: When it is not installed; names the extra.
    """
    if find_spec(module) is None:
        raise MissingExtraError(module, extra)


_spared: set[str] = set()
"""Modules that this process has no use for."""


def spare(*modules: str) -> None:
    """Says that this process has no use for some modules, which libraries import wherever they are installed.

    Only for a process that runs nothing but hwcost: whoever else uses such a library in it finds it as it is where the
    modules are not installed.
    """
    _spared.update(modules)


@contextmanager
def sparing() -> Iterator[None]:
    """Lets imports of modules that :func:`spare` named fail, as where they are not installed; those loaded before stay."""
    hidden = [name for name in _spared if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # which stands for a module that cannot be imported
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)
