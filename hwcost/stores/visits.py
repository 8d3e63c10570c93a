"""How a record embeds a visit: every field of :class:`~hwcost.timing.measurement.Visit`, with the bounds of its type."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, create_model, field_validator
from pydantic_core import CoreSchema, core_schema

from hwcost.facts import checked
from hwcost.stores.fields import MAX_SAMPLES, Count, CutText, JsonDict, Key, Number, Positive, Samples, Seconds, Text
from hwcost.stores.ids import utc
from hwcost.timing.measurement import Flag, Status, Visit

MAX_FLAGS = 1_000


class _Flag(BaseModel):
    model_config = ConfigDict(extra="forbid")

    code: Key
    text: CutText = ""
    remedy: CutText = ""


BOUNDED: dict[str, Any] = {
    "str": Text,
    "int": Count,
    "float": Number,
    "float | None": Annotated[Seconds | None, Field()],
    "tuple[float, ...]": Samples,
    "tuple[int, ...]": Annotated[tuple[Count, ...], Field(max_length=MAX_SAMPLES)],
    "tuple[float, ...] | None": Annotated[Samples | None, Field()],
    "dict[str, Any]": JsonDict,
    "tuple[Flag, ...]": Annotated[tuple[_Flag, ...], Field(max_length=MAX_FLAGS)],
    "Status": Status,
}
"""Type of a visit's field to the same type with its bounds."""

NARROWER: dict[str, Any] = {
    "workload_key": Key,
    "calls_per_block": Positive,
    "started_at": Annotated[Text, AfterValidator(lambda text: utc(text) if text else "")],
}
"""Fields whose bounds are narrower than those of their type."""


class _Checked(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    @field_validator("conditions", check_fields=False)
    @classmethod
    def _check_conditions(cls, value: dict[str, Any]) -> dict[str, Any]:
        checked("conditions", value)
        return value


_DEFAULTS = Visit("", 0, 0)
_FIELDS: dict[str, Any] = {
    field.name: (
        NARROWER.get(field.name, BOUNDED[str(field.type)]),
        ... if field.name in ("workload_key", "round", "position") else getattr(_DEFAULTS, field.name),
    )
    for field in fields(Visit)
}
_Model: type[BaseModel] = create_model("Visit", __base__=_Checked, **_FIELDS)


class Embedded:
    """Marks a field that holds a visit: it is checked once, when a record is made or read, and written as plain JSON."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Checks the fields of a visit, or of its JSON, and makes a visit of them."""
        found = core_schema.no_info_after_validator_function(_visit, handler.generate_schema(_Model))
        return core_schema.json_or_python_schema(
            json_schema=found,
            python_schema=core_schema.no_info_before_validator_function(_plain, found),
            serialization=core_schema.plain_serializer_function_ser_schema(known),
        )


StoredVisit = Annotated[Visit, Embedded]


def known(visit: Visit) -> dict[str, Any]:
    """Returns a visit as plain JSON, without what is unknown."""
    return {name: value for name, value in visit.to_dict().items() if value is not None}


def _plain(value: Any) -> Any:
    return value.to_dict() if isinstance(value, Visit) else value


def _visit(model: BaseModel) -> Visit:
    values = dict(model)
    return Visit(**{**values, "flags": tuple(Flag(one.code, one.text, one.remedy) for one in values["flags"])})
