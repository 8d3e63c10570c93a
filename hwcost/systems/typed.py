"""Plain JSON as dataclasses."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

Kind = TypeVar("Kind")


def typed(kind: type[Kind], plain: Any) -> Kind:
    """Returns plain JSON as a dataclass, with whatever dataclasses are inside.

    Raises:
        ValueError: When it does not have the dataclass's fields; names the first that is wrong.
    """
    try:
        return TypeAdapter(kind).validate_python(plain)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
