"""The events that a results file may hold, with the bounds of every field: it comes from another machine."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from hwcost.errors import DataError
from hwcost.stores.fields import Count, CutText, JsonDict, Key, Positive, Quantity, Seconds, Text, reason
from hwcost.stores.visits import StoredVisit

Some = Annotated[float, Field(gt=0, le=1e12)]
"""Seconds that something took which took any time at all."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Job(_Strict):
    """First line: the campaign as a store keeps it."""

    event: Literal["job"]
    campaign: JsonDict


class Round(_Strict):
    """A round begins, with its order."""

    event: Literal["round"]
    number: Count
    order: list[Key]


class Environment(_Strict):
    """A process begins, with what it found about machine and software."""

    event: Literal["environment"]
    round: Count
    round_s: Seconds | None = None
    elapsed_s: Seconds
    device: JsonDict
    host: JsonDict
    software: JsonDict
    settings: JsonDict


class Checks(_Strict):
    """Findings about a workload before its passes."""

    bound_s: Seconds | None
    repeat_ratio: Quantity | None
    compiled: Count
    hot_cache: JsonDict | None = None


class Prepared(_Strict):
    """A workload is ready to run."""

    event: Literal["prepared"]
    workload_key: Key
    name: Text
    round: Count
    group: Count
    position: Count
    prepare_s: Seconds
    first_run_s: Seconds
    loop_s: Some
    calls: Positive
    facts: JsonDict
    checks: Checks
    elapsed_s: Seconds


class Block(_Strict):
    """A block of one workload in one pass."""

    workload_key: Key
    number: Count = Field(alias="pass")
    role: Literal["warm-up", "timed"]
    warmup_calls: Count
    seconds: Some
    calls: Positive
    started_s: Seconds
    cpu_s: Seconds | None = None
    clock_hz: Quantity | None = None
    idle_s: Seconds | None = None
    wait_s: Seconds | None = None
    device_s: Some | None = None
    enqueue_s: Seconds | None = None
    quick_s: Some | None = None
    quickest_s: Some | None = None
    first_s: Seconds | None = None


class Pass(_Strict):
    """One or several passes."""

    event: Literal["pass"]
    group: Count
    number: Count = Field(alias="pass")
    size: Positive
    begun_s: Seconds
    seconds: Some
    blocks: Annotated[list[Block], Field(min_length=1)]
    conditions: JsonDict
    elapsed_s: Seconds


def _failed(visit: Any) -> Any:
    if not isinstance(visit, dict) or visit.get("status") != "failed" or visit.get("samples_s"):
        raise ValueError("expected a visit that failed, without samples")
    return visit


class Failed(_Strict):
    """A workload failed."""

    event: Literal["visit"]
    visit: Annotated[JsonDict, BeforeValidator(_failed)]
    elapsed_s: Seconds | None = None


class Deferred(_Strict):
    """A workload is left to the next group, since memory ran out beside others."""

    event: Literal["deferred"]
    group: Count
    workload_key: Key
    elapsed_s: Seconds


class Closed(_Strict):
    """A group has all its passes."""

    event: Literal["closed"]
    group: Count
    elapsed_s: Seconds


class Died(_Strict):
    """A process died on the workload at a position."""

    event: Literal["died"]
    round: Count
    position: Count
    text: CutText


class Done(_Strict):
    """A process has measured all that it was to measure."""

    event: Literal["done"]
    round: Count


_EVENT: TypeAdapter[Any] = TypeAdapter(
    Annotated[
        Job | Round | Environment | Prepared | Pass | Failed | Deferred | Closed | Died | Done, Field(discriminator="event")
    ]
)
_VISIT: TypeAdapter[Any] = TypeAdapter(StoredVisit)


def checked(event: Any, place: str) -> Any:
    """Returns an event as an object of its class.

    Args:
        event: Plain JSON.
        place: Place of the event in messages.

    Raises:
        DataError: When it is not such an event; names the field.
    """
    try:
        found = _EVENT.validate_python(event)
        if isinstance(found, Failed):
            _VISIT.validate_python(found.visit)
        return found
    except ValidationError as error:
        raise DataError(f"{place} is not an event of a job's runner: {reason(error)}. Copy the file again") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise DataError(f"{place} is not an event of a job's runner: {error}. Copy the file again") from None
