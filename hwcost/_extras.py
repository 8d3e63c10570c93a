"""Libraries that come with an extra, imported when they are used."""

from __future__ import annotations

from importlib import import_module
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
