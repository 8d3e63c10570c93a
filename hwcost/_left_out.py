"""Members of other distributions that fail and are left out: logged, and given to whoever listens."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["LISTENERS", "left_out"]

LISTENERS: list[Callable[[str], None]] = []
"""Functions that take the text of each warning."""


def left_out(module: str, text: str) -> None:
    """Warns that something is left out.

    Args:
        module: Name of the module that leaves it out, whose logger takes the warning.
        text: Text that says what failed, and why.
    """
    from hwcost._log import logger

    logger(module).warning("left out: %s", text)
    for listener in LISTENERS:
        listener(text)
