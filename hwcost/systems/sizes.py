"""A preset with other sizes: fields by name, nested ones with dots, as ``recipe.steps``; values have their fields' types."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from hwcost.errors import UsageError

Owner = TypeVar("Owner")


def resized(preset: Owner, changes: Mapping[str, Any]) -> Owner:
    """Returns a preset with changed fields.

    Args:
        preset: The preset, a dataclass of numbers, texts, tuples, further dataclasses, and mappings of them by name.
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


def size(preset: Any, name: str) -> Any:
    """Returns the value of a preset's field by its name, as :func:`resized` takes it."""
    found = preset
    for part in name.split("."):
        found = found[part] if isinstance(found, Mapping) else getattr(found, part)
    return found


def _changed(owner: Owner, tree: Mapping[str, Any], where: str) -> Owner:
    own = {field.name: getattr(owner, field.name) for field in fields(owner)}  # type: ignore[arg-type]
    values = _values(own, get_type_hints(type(owner)), tree, where)
    return replace(owner, **values)  # type: ignore[type-var]


def _values(own: Mapping[str, Any], hints: Mapping[str, Any], tree: Mapping[str, Any], where: str) -> dict[str, Any]:
    for name in tree:
        if name not in hints:
            raise UsageError(
                f"there is no field '{where}{name}' of the preset. Known{' in ' + where.rstrip('.') if where else ''}: "
                f"{', '.join(own) or 'none'}"
            )
    return {name: _value(own.get(name), hints[name], value, f"{where}{name}") for name, value in tree.items()}


def _value(own: Any, hint: Any, value: Any, name: str) -> Any:
    if is_dataclass(own) and isinstance(value, Mapping):
        return _changed(own, value, f"{name}.")
    if is_dataclass(own):
        inner = ", ".join(f"{name}.{field.name}" for field in fields(own))
        raise UsageError(f"'{name}' has fields of its own; set one of {inner}")
    if isinstance(own, Mapping) and isinstance(value, Mapping) and value:
        inner = get_args(hint)[1]
        known = own if is_dataclass(inner) else {**own, **value}  # a dataclass is changed, and never made of its parts
        return {**own, **_values(own, dict.fromkeys(known, inner), value, f"{name}.")}
    return _read(hint, value, name, own)


def _read(hint: Any, value: Any, name: str, now: Any) -> Any:
    if isinstance(value, str) and "," in value:
        value = [_number(part) for part in value.split(",")]
    if _is_tuple(hint) and not (value is None or isinstance(value, (list, tuple))):
        value = [value]
    try:
        return TypeAdapter(hint).validate_json(json.dumps(value), strict=True)
    except (ValidationError, TypeError) as error:
        why = error.errors(include_url=False)[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise UsageError(f"'{name}' cannot be {value!r}: {why}. It is {now!r} in the preset") from None


def _is_tuple(hint: Any) -> bool:
    return any(get_origin(one) is tuple for one in (hint, *get_args(hint)))


def _number(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text.strip()
