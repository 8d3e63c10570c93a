"""Campaigns and records as rows of an SQL store, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from pydantic import ValidationError

from hwcost.errors import DataError
from hwcost.stores.environment import Environment
from hwcost.stores.fields import STORED, Group, reason
from hwcost.stores.schema import Campaign, Record
from hwcost.stores.series import Series
from hwcost.stores.visits import known
from hwcost.timing.measurement import Visit

_Group = TypeVar("_Group", bound=Group)


def record_row(record: Record, environment_key: str) -> dict[str, Any]:
    """Returns a record's row of the table ``records``."""
    identity, workload, visit, device = record.identity, record.workload, record.visit, record.environment.device
    return {
        "record_id": identity.record_id,
        "campaign_id": identity.campaign_id,
        "round": visit.round,
        "position": visit.position,
        "idempotency_key": identity.idempotency_key,
        "workload_key": visit.workload_key,
        "workload_name": workload.name,
        "role": workload.role,
        "search_space": workload.search_space,
        "precision": workload.precision,
        "batch_size": workload.batch_size,
        "seq_len": workload.seq_len,
        "backend": workload.backend,
        "device_key": device.get("device_key"),
        "device_name": device.get("device_name"),
        "status": visit.status,
        "median_s": _median_s(visit),
        "started_s": visit.started_s,
        "started_at": visit.started_at or None,
        "environment_key": environment_key,
        "document": _document(record),
    }


def _document(record: Record) -> dict[str, Any]:
    """Returns a record as plain JSON, without its environment and samples, which have tables of their own."""
    visit = known(record.visit)
    for name in ("samples_s", "device_samples_s"):
        visit.pop(name, None)
    return {
        "schema_version": record.schema_version,
        "identity": record.identity.model_dump(),
        "workload": record.workload.document,
        "visit": visit,
        "origin": record.origin,
        "extra": record.extra,
    }


PRUNED = "samples_pruned_at"
"""Further fact of a record whose samples were deleted: the instant of that."""

_SERIES = ("block_starts_s", "passes", "warmup_s")
"""Parts of a visit that go with its samples."""


def pruned(document: dict[str, Any], at: str) -> dict[str, Any]:
    """Returns the document of a record without what belongs to its samples; facts, flags and status stay.

    Args:
        document: Document of the record's row.
        at: Instant at which the samples are deleted.
    """
    visit = {name: value for name, value in document["visit"].items() if name not in _SERIES}
    conditions = {name: value for name, value in visit.get("conditions", {}).items() if name != "left_out_s"}
    return {**document, "visit": {**visit, "conditions": conditions}, "extra": {**document["extra"], PRUNED: at}}


def samples_row(record: Record) -> dict[str, Any]:
    """Returns a record's row of the table ``samples``."""
    visit = record.visit
    device = None if visit.device_samples_s is None else _blob(visit.device_samples_s)
    return {"record_id": record.identity.record_id, "samples": _blob(visit.samples_s), "device_samples": device}


def _blob(samples: Sequence[float]) -> bytes:
    return np.asarray(samples, dtype="<f8").tobytes()


def series_row(series: Series) -> dict[str, Any]:
    """Returns the row of a series in the table ``series``."""
    return {
        "series_key": series.series_key,
        "workload_key": series.workload_key,
        "workload_name": series.name,
        "search_space": series.search_space,
        "component": series.component,
        "device_key": series.device_key,
        "device_name": series.device,
        "backend": series.backend,
        "precision": series.precision,
        "batch_size": series.batch_size,
        "seq_len": series.seq_len,
        "threads": series.threads,
        "quantity": series.quantity,
        "unit": series.unit,
        "origin": series.origin,
        "document": series.model_dump(mode="json"),
    }


def read_campaign(row: Any) -> Campaign:
    """Makes a campaign of its row.

    Raises:
        DataError: When the row is damaged.
    """
    return valid(Campaign, {**mapping(Campaign, row.document), "status": row.status})


def read_record(row: Any, environments: dict[str, Environment]) -> Record:
    """Makes a record of its row, joined with that of its samples.

    Args:
        row: Row of both tables.
        environments: Environments of the store by their keys.

    Raises:
        DataError: When the row is damaged.
    """
    if row.environment_key not in environments:
        raise DataError(f"the store holds a damaged Record: its environment {row.environment_key} is not there")
    document = {**mapping(Record, row.document), "environment": environments[row.environment_key]}
    visit = document.get("visit")
    if isinstance(visit, dict):
        device = {} if row.device_samples is None else {"device_samples_s": _numbers(row.device_samples)}
        document["visit"] = {**visit, "samples_s": _numbers(row.samples or b""), **device}
    record = valid(Record, document)
    if PRUNED not in record.extra and _median_s(record.visit) != row.median_s:
        detail = f"median_s must be the median of samples_s, which is {_median_s(record.visit)}, got {row.median_s}"
        raise DataError(f"the store holds a damaged Record: {detail}")
    return record


def _median_s(visit: Visit) -> float | None:
    return visit.latency_s if visit.samples_s else None


def _numbers(blob: bytes) -> list[float]:
    try:
        return list(map(float, np.frombuffer(blob, dtype="<f8").tolist()))
    except (TypeError, ValueError) as error:
        raise DataError(f"the store holds damaged samples: {error}") from None


def mapping(kind: type[Group], document: Any) -> dict[str, Any]:
    """Returns a document in the store that has to be a map.

    Raises:
        DataError: When it is something else.
    """
    if not isinstance(document, dict):
        raise DataError(f"the store holds a damaged {kind.__name__}: expected a map, got {document!r:.60}")
    return document


def valid(kind: type[_Group], document: dict[str, Any]) -> _Group:
    """Makes a group of fields of a document in the store.

    Raises:
        DataError: When the document is damaged; says what is wrong.
    """
    try:
        return kind.model_validate(document, context=STORED)
    except ValidationError as error:
        raise DataError(f"the store holds a damaged {kind.__name__}: {reason(error)}") from None
