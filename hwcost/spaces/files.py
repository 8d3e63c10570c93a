"""Declarations of spaces in TOML: the name of a space, by default ``custom``, and its options."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from hwcost.errors import DataError
from hwcost.spaces.base import SearchSpace

SUFFIX = ".toml"


def is_file(name: str) -> bool:
    """Whether the name of a space is the path of a declaration."""
    return name.endswith(SUFFIX)


def read(path: str | Path) -> tuple[str, dict[str, Any]]:
    """Reads a declaration.

    Returns:
        Name of the space and its options.

    Raises:
        DataError: When the file cannot be read or is not TOML.
    """
    if sys.version_info >= (3, 11):  # when there is a declaration: few commands read one
        import tomllib
    else:
        import tomli as tomllib
    try:
        document = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"cannot read the space '{path}': {error.strerror}. Give the path of its .toml file") from None
    except ValueError as error:  # not UTF-8, or not TOML
        raise DataError(f"the space '{path}' is not valid TOML: {error}") from None
    name = document.pop("space", "custom")
    if not isinstance(name, str) or is_file(name):
        raise DataError(f"{path}: 'space' is the name of a space, got {name!r}")
    return name, document


def written(space: SearchSpace) -> str:
    """Returns a declared space as TOML that :func:`read` reads back."""
    options = space.options()
    genes = "\n".join(f"{_quoted(name)} = {json.dumps(choices, ensure_ascii=False)}" for name, choices in options["genes"])
    lists = [
        f"{name} = {json.dumps(options[name], ensure_ascii=False)}"
        for name in ("categorical", "increasing", "operators") if options[name]
    ]  # fmt: skip
    return "\n".join([f'space = "{space.name}"', *lists, "", "[genes]", genes]) + "\n"


def _quoted(name: str) -> str:
    is_bare = name.isascii() and name.replace("_", "a").replace("-", "a").isalnum()
    return name if is_bare else json.dumps(name, ensure_ascii=False)
