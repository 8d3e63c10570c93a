"""Tables of a TOML file, checked by pydantic: an unknown key is an error that names those that are near."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from hwcost.errors import DataError, UnknownNameError, UsageError
from hwcost.units import parse_duration

Count = Annotated[int, Field(ge=1)]
"""A whole number from 1."""
Seed = Annotated[int, Field(ge=0)]
"""A seed of random numbers."""

Model = TypeVar("Model", bound="Table")


class Table(BaseModel):
    """A table whose keys are known."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _known(cls, data: Any) -> Any:
        if isinstance(data, dict):
            for name in data:
                if name not in cls.model_fields:
                    raise ValueError(str(UnknownNameError("key", str(name), cls.model_fields)))
        return data


def _duration(text: str) -> str:
    try:
        parse_duration(text)
    except UsageError as error:
        raise ValueError(str(error)) from None
    return text


Duration = Annotated[str, AfterValidator(_duration)]
"""A time with its unit, for example ``8m``."""


def checked(model: type[Model], values: Any, source: str) -> Model:
    """Checks the values of a table.

    Args:
        model: Model of the table.
        values: Values as they were read.
        source: Name of the file and the table, for errors.

    Raises:
        DataError: When a key is unknown or a value cannot be used; names the place and all such errors, one a line.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        lines = [f"{source}: {_where(one['loc'])}{_said(one)}" for one in error.errors()]
        raise DataError("\n".join(dict.fromkeys(lines))) from None


def _where(location: tuple[int | str, ...]) -> str:
    """Returns the path of a key, such as ``workloads[2].space: ``; parts of pydantic's own are left out."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part + 1}]"
        elif not part.startswith(("function-", "constrained-", "literal[")) and "[" not in part:
            path += f".{part}" if path else part
    return f"{path}: " if path else ""


def _said(error: Any) -> str:
    if error["type"] == "missing":
        return f"is needed and missing in {error['input']!r:.60}"
    text = str(error["msg"]).removeprefix("Value error, ")
    is_own = error["type"] == "value_error"
    return text if is_own else f"{text}, got {error['input']!r:.60}"
