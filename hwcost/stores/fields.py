"""The types that record fields are made of, with their bounds, and the base of all groups of fields.

Records also come from files that other people wrote, so every length and number is bounded and nothing is coerced when
JSON is read. Numbers are finite; unknown is None.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo

from hwcost._cached import cached_property
from hwcost.facts.values import MAX_INTEGER, MAX_TEXT
from hwcost.stores.ids import utc

MAX_SAMPLES = 1_000_000
MAX_JSON = 4_000_000

Origin = Literal["measured", "imported"]
"""Whether something was measured, or came from another store or another tool."""


def canonical_json(value: Any) -> str:
    """Returns JSON with sorted keys, no spaces and ASCII only; equal values give equal text.

    Raises:
        ValueError: When the value is not finite plain data.
    """
    try:
        return json.dumps(
            value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True, default=_numpy
        )
    except (TypeError, RecursionError) as error:
        raise ValueError(f"expected plain JSON data, got {error}") from None


def reason(error: ValidationError) -> str:
    """Returns the first thing that is wrong, and where, in one line."""
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}" if place else first["msg"]


def _numpy(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"an object of type {type(value).__name__}")


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("text must not hold the character NUL")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("text must be valid Unicode, without lone surrogates") from None
    return text


def plain_json(value: Any) -> Any:
    """Returns a copy that holds plain JSON only; numpy scalars and tuples become numbers and lists.

    Raises:
        ValueError: When the value is not finite plain data, or too long.
    """
    text = canonical_json(value)
    if len(text) > MAX_JSON:
        raise ValueError(f"expected at most {MAX_JSON} characters of JSON, got {len(text)}")
    plain = json.loads(text)
    if "\\ud" in text:  # a surrogate: a lone one is a UnicodeEncodeError, which is a ValueError
        json.dumps(plain, ensure_ascii=False).encode()
    return plain


STORED = {"stored": True}
"""Context of validation of a document that was read from a store: its open maps hold plain JSON already."""


def _plain(value: Any, info: ValidationInfo) -> Any:
    return value if info.context is STORED else plain_json(value)


def cut(text: str) -> str:
    """Returns text of other programs as stores take it: without NUL and lone surrogates, and no longer than the bound."""
    clean = text.replace("\x00", "").encode(errors="replace").decode()
    return clean if len(clean) <= MAX_TEXT else clean[: MAX_TEXT - 1] + "…"


def _cut(text: Any) -> Any:
    return cut(text) if isinstance(text, str) else text


Text = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(_storable)]
"""A name or a sentence; too long is refused."""
Key = Annotated[str, Field(min_length=1, max_length=1_000), AfterValidator(_storable)]
"""A text that identifies something, never empty."""
CutText = Annotated[str, BeforeValidator(_cut), Field(max_length=MAX_TEXT)]
"""Text of other programs, such as an error: cut to the bound and cleaned."""
Instant = Annotated[str, Field(max_length=64), AfterValidator(utc)]
"""ISO 8601, kept in UTC with microseconds."""
Count = Annotated[int, Field(ge=0, le=MAX_INTEGER)]
Positive = Annotated[int, Field(ge=1, le=MAX_INTEGER)]
Number = float
"""A finite number of either sign."""
Seconds = Annotated[float, Field(ge=0, le=1e12)]
Quantity = Annotated[float, Field(ge=0)]
Samples = Annotated[tuple[Seconds, ...], Field(max_length=MAX_SAMPLES)]
JsonDict = Annotated[dict[str, Any], BeforeValidator(_plain)]
"""An open map of plain JSON, copied on the way in; numpy scalars and tuples become numbers and lists."""
JsonList = Annotated[list[Any], BeforeValidator(_plain)]


class Group(BaseModel):
    """A frozen group of fields. An unknown name is an error; what has no field yet goes into ``extra``.

    Attributes:
        extra: Further facts by name, as plain JSON.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, ignored_types=(cached_property,))

    extra: JsonDict = Field(default_factory=dict)
