"""The code of cost functions of the user's: a log of scores is not resumed with other code than that which gave them."""

from __future__ import annotations

import hashlib
import inspect
from functools import partial
from typing import Any

from hwcost.registry import is_own
from hwcost.workloads.factory_model import source_of

__all__ = ["code_digest"]


def code_digest(function: Any) -> str | None:
    """Returns the SHA-256 of the file that holds the code of a cost function, any change of which counts.

    Of a function or class that a script or notebook defines it is that of its own lines: the rest of a script is the search.
    It is None where there is no such text, as of a lambda of a script, and for hwcost's own cost functions.
    """
    while isinstance(function, partial):
        function = function.func
    function = inspect.unwrap(function)
    of = function if inspect.isroutine(function) or inspect.isclass(function) else type(function)
    module = getattr(of, "__module__", None)
    if not isinstance(module, str) or (inspect.isclass(of) and is_own(of)):
        return None
    return _of_lines(of) if module == "__main__" else source_of(module) or None


def _of_lines(of: Any) -> str | None:
    """Returns the SHA-256 of the lines that define a function or class; None where they cannot be found."""
    if getattr(of, "__name__", "") == "<lambda>":  # its lines hold what is beside it too
        return None
    try:
        return hashlib.sha256(inspect.getsource(of).encode("utf-8")).hexdigest()
    except (OSError, TypeError):  # typed into an interpreter
        return None
