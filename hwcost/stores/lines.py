"""The lines of a JSON Lines store: one JSON object each, ASCII only, with one name that says what it holds.

The first line is ``{"hwcost": "store", "schema_version": 4}``. The others are ``{"campaign": ...}``, ``{"round": ...}``,
``{"status": ...}``, ``{"pass": ...}`` or ``{"record": ...}``; and of the history ``{"run": ...}``, ``{"run_end": ...}``,
``{"series": ...}``, ``{"estimates": [...]}``, ``{"acceptance": ...}``, ``{"confirmation": ...}``, ``{"model_check": ...}``
or ``{"campaign_audit": ...}``. What is unknown is left out, or null in estimates. Lines are only ever added at the end, so a
file that an older hwcost began stays as it is: its lines are migrated whenever they are read. Passes whose workloads all
have a record of that round are superseded by them, and so is an estimate by a later one of the same campaign.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hwcost.errors import DataError
from hwcost.stores.base import Store
from hwcost.stores.entries import Acceptance, CampaignAudit, Confirmation, Entry, ModelCheck, kind_name
from hwcost.stores.fields import Count, Group, Instant, Key, reason
from hwcost.stores.history import History, history
from hwcost.stores.journal import PassLine
from hwcost.stores.migrations import second_format
from hwcost.stores.runs import Run
from hwcost.stores.schema import SCHEMA_VERSION, Campaign, Record
from hwcost.stores.series import Estimate, Series

MAX_LINE_BYTES = 64 * 2**20
HEADER = json.dumps({"hwcost": "store", "schema_version": SCHEMA_VERSION}).encode() + b"\n"
OLDEST_VERSION = 1

MOST_ESTIMATES = 20_000
"""Estimates in one line."""


class RoundLine(Group):
    """The order of a round."""

    campaign_id: Key
    number: Count
    order: tuple[Key, ...]


class StatusLine(Group):
    """A campaign's new status."""

    campaign_id: Key
    status: Key


class RunEndLine(Group):
    """The end of a run."""

    run_id: Key
    status: Key
    ended_at: Instant


class Line(BaseModel):
    """One line after the first; exactly one of its fields is given."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)

    campaign: Campaign | None = None
    round: RoundLine | None = None
    status: StatusLine | None = None
    passed: Annotated[PassLine | None, Field(alias="pass")] = None
    record: Record | None = None
    run: Run | None = None
    run_end: RunEndLine | None = None
    series: Series | None = None
    estimates: tuple[Estimate, ...] | None = None
    acceptance: Acceptance | None = None
    confirmation: Confirmation | None = None
    model_check: ModelCheck | None = None
    campaign_audit: CampaignAudit | None = None

    @model_validator(mode="after")
    def _check_one(self) -> Line:
        if sum(part is not None for _, part in self) != 1:
            names = ", ".join(field.alias or name for name, field in type(self).model_fields.items())
            raise ValueError(f"expected exactly one of {names}")
        return self

    @property
    def entry(self) -> Entry | None:
        """What the line writes down about a history; None where it holds something else."""
        return self.acceptance or self.confirmation or self.model_check or self.campaign_audit

    def encode(self) -> bytes:
        """Returns the line with its end.

        Raises:
            DataError: When it is too long to be read again.
        """
        if self.estimates is not None:
            document: dict[str, Any] = {"estimates": [asdict(estimate) for estimate in self.estimates]}
        else:
            document = self.model_dump(mode="json", exclude_none=True, by_alias=True)
        line = json.dumps(document, separators=(",", ":"), allow_nan=False).encode() + b"\n"
        if len(line) > MAX_LINE_BYTES:
            raise DataError(f"a line of {len(line)} bytes is too long for a JSON Lines store; use an SQLite store")
        return line


def decode(line: bytes, number: int, path: str, version: int = SCHEMA_VERSION) -> Line:
    """Reads one line after the first.

    Args:
        line: The line, with or without its end.
        number: Its number in the file, from 1.
        path: The file.
        version: Schema version in the file's first line; lines of the first version are migrated.

    Raises:
        DataError: When it is none; names the file and the line.
    """
    if len(line) > MAX_LINE_BYTES:
        raise DataError(f"line {number} of '{path}' is longer than {MAX_LINE_BYTES} bytes; it is not a record of hwcost")
    try:
        migrated = line if version == SCHEMA_VERSION else _migrated(line)
        return Line.model_validate_json(migrated, strict=True)
    except (ValidationError, DataError) as error:
        what = reason(error) if isinstance(error, ValidationError) else error
        raise DataError(
            f"line {number} of '{path}' cannot be used: {what}. Export the store again, or remove the line."
        ) from None


def _migrated(line: bytes) -> bytes | str:
    """Returns a line of the first version in the present one; what is not such a line is left as it is."""
    try:
        found: Any = json.loads(line)
        part = found.get("record") or found.get("campaign") or {}
        if part.get("schema_version") != OLDEST_VERSION:
            return line
        if "campaign" in found:
            return json.dumps({"campaign": second_format.campaign(part)})
        return json.dumps({"record": second_format.record(part)})
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError):
        return line


def check_header(line: bytes, path: str) -> int:
    """Checks the first line and returns the schema version in it.

    Raises:
        DataError: When the file is empty, is not a store, or is of a newer format.
    """
    expected = f"the first line must be {HEADER.decode().strip()}"
    if not line:
        raise DataError(f"'{path}' is empty; expected a JSON Lines store of hwcost: {expected}")
    try:
        header = json.loads(line)
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict) or header.get("hwcost") != "store":
        raise DataError(
            f"'{path}' is not a JSON Lines store of hwcost: {expected}. A table of latencies is read as it is by "
            "hwcost audit, fit, evaluate and compare"
        )
    version = header.get("schema_version")
    if not isinstance(version, int) or isinstance(version, bool) or not OLDEST_VERSION <= version <= SCHEMA_VERSION:
        raise DataError(
            f"'{path}' has schema version {version}; this hwcost reads versions {OLDEST_VERSION} to {SCHEMA_VERSION}. "
            "Upgrade hwcost, or export the store again with this version."
        )
    return version


def estimate_lines(estimates: Iterable[Estimate]) -> Iterator[Line]:
    """Yields estimates as lines; those of a night are one line, so that they are added whole or not at all."""
    left = iter(estimates)
    while some := tuple(islice(left, MOST_ESTIMATES)):
        yield Line(estimates=some)


def entry_line(entry: Entry) -> Line:
    """Returns what is written down about a history as a line."""
    return Line.model_validate({kind_name(type(entry)): entry})


def store_lines(store: Store, campaign_id: str | None = None) -> Iterator[bytes]:
    """Yields a store, or one campaign of it, as the lines of a JSON Lines store."""
    yield HEADER
    yield from (line.encode() for line in _history_lines(history(store, campaign_id)))
    for campaign in store.campaigns() if campaign_id is None else [store.campaign(campaign_id)]:
        yield Line(campaign=campaign).encode()
        for number, order in store.rounds(campaign.campaign_id).items():
            row = RoundLine(campaign_id=campaign.campaign_id, number=number, order=tuple(order))
            yield Line(round=row).encode()
        for record in store.records(campaign.campaign_id):
            yield Line(record=record).encode()
        for number, events in store.passes(campaign.campaign_id).items():
            for event in events:
                passed = PassLine(campaign_id=campaign.campaign_id, round=number, event=event)
                yield Line(passed=passed).encode()


def _history_lines(found: History) -> Iterator[Line]:
    """Yields runs, series, estimates and entries."""
    yield from (Line(run=run) for run in found.runs)
    yield from (Line(series=series) for series in found.series.values())
    yield from estimate_lines(found.table.estimates())
    yield from map(entry_line, found.entries)
