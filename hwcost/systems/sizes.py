"""A preset with other sizes: fields by name, nested ones with dots, as ``recipe.steps``; values have their fields' types."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, get_type_hints

from pydantic import TypeAdapter, ValidationError

from hwcost.errors import UsageError

Owner = TypeVar("Owner")


def resized(preset: Owner, changes: Mapping[str, Any]) -> Owner:
    """Returns a preset with changed fields.

    Args:
        preset: The preset, a dataclass of numbers, texts and further dataclasses.
        changes: New values by the names of fields.

    Raises:
        UsageError: When a field is unknown, which lists the known ones, or a value does not have its type.
    """
    tree: dict[str, Any] = {}
    for name, value in changes.items():
        *outer, last = name.split(".")
        branch = tree
        for part in outer:
            branch = branch.setdefault(part, {})
            if not isinstance(branch, dict):
                raise UsageError(f"'{name}' is set, and so is a field that it lies in: set one of them")
        branch[last] = value if not isinstance(value, Mapping) else dict(value)
    return _changed(preset, tree, "")


def _changed(owner: Owner, tree: Mapping[str, Any], where: str) -> Owner:
    known = [field.name for field in fields(owner)]  # type: ignore[arg-type]
    hints = get_type_hints(type(owner))
    values = {}
    for name, value in tree.items():
        if name not in known:
            raise UsageError(
                f"there is no field '{where}{name}' of the preset. Known{' in ' + where.rstrip('.') if where else ''}: "
                f"{', '.join(known)}"
            )
        own = getattr(owner, name)
        if is_dataclass(own) and isinstance(value, Mapping):
            values[name] = _changed(own, value, f"{where}{name}.")
        elif is_dataclass(own):
            inner = ", ".join(f"{where}{name}.{field.name}" for field in fields(own))
            raise UsageError(f"'{where}{name}' has fields of its own; set one of {inner}")
        else:
            values[name] = _read(hints[name], value, f"{where}{name}", own)
    return replace(owner, **values)  # type: ignore[type-var]


def _read(hint: Any, value: Any, name: str, now: Any) -> Any:
    if isinstance(value, str) and "," in value:
        value = [_number(part) for part in value.split(",")]
    try:
        return TypeAdapter(hint).validate_json(json.dumps(value), strict=True)
    except (ValidationError, TypeError) as error:
        why = error.errors(include_url=False)[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise UsageError(f"'{name}' cannot be {value!r}: {why}. It is {now!r} in the preset") from None


def _number(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text.strip()
