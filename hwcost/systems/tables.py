"""The tables of a stage's result, and what the docstrings of its rows say of the columns."""

from __future__ import annotations

import re
from dataclasses import is_dataclass
from inspect import cleandoc
from typing import Any, get_args, get_origin, get_type_hints

__all__ = ["tables_of"]

_ATTRIBUTE = re.compile(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)
_MARKUP = re.compile(r":\w+:`~?[!.]?|`")


def tables_of(kind: type) -> dict[str, dict[str, Any]]:
    """Returns what is said of each table of a result, by the name of its field: ``about``, and ``columns`` by name.

    Args:
        kind: Dataclass of a stage's result. Its tables are lists and dictionaries of further dataclasses.
    """
    about, found = _attributes(kind), {}
    for field, hint in get_type_hints(kind).items():
        row = _row(hint) if get_origin(hint) in (list, dict) else None
        if row is not None:
            found[field] = {"about": about.get(field, ""), "columns": _attributes(row)}
    return found


def _row(hint: Any) -> type | None:
    """Returns the dataclass within a type of lists and dictionaries; None where there is none."""
    if is_dataclass(hint) and isinstance(hint, type):
        return hint
    return next((row for one in get_args(hint) if (row := _row(one)) is not None), None)


def _attributes(kind: type) -> dict[str, str]:
    """Returns the attributes that docstrings of a class and its bases describe, in plain words."""
    found: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        _, _, section = cleandoc(vars(one).get("__doc__") or "").partition("\nAttributes:\n")
        entries = _ATTRIBUTE.findall(section.split("\n\n")[0])
        found |= {name: " ".join(_MARKUP.sub("", text).split()) for name, text in entries}
    return found
