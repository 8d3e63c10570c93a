"""The lines of a JSON Lines store: one JSON object each, ASCII only, with one name that says what it holds.

The first line is ``{"hwcost": "store", "schema_version": 1}``. The others are ``{"campaign": ...}``, ``{"round": ...}``,
``{"status": ...}`` or ``{"record": ...}``. What is unknown is left out. Lines are only ever added at the end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hwcost.errors import DataError
from hwcost.stores.base import Store
from hwcost.stores.fields import MAX_INTEGER, Group, Key, reason
from hwcost.stores.schema import SCHEMA_VERSION, Campaign, Record

MAX_LINE_BYTES = 64 * 2**20
HEADER = json.dumps({"hwcost": "store", "schema_version": SCHEMA_VERSION}).encode() + b"\n"


class RoundLine(Group):
    """The order of a round."""

    campaign_id: Key
    number: int = Field(ge=0, le=MAX_INTEGER)
    order: tuple[Key, ...]


class StatusLine(Group):
    """A campaign's new status."""

    campaign_id: Key
    status: Key


class Line(BaseModel):
    """One line after the first; exactly one of its fields is given."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    campaign: Campaign | None = None
    round: RoundLine | None = None
    status: StatusLine | None = None
    record: Record | None = None

    @model_validator(mode="after")
    def _check_one(self) -> Line:
        if sum(part is not None for part in (self.campaign, self.round, self.status, self.record)) != 1:
            raise ValueError("expected exactly one of campaign, round, status and record")
        return self

    def encode(self) -> bytes:
        """Returns the line with its end.

        Raises:
            DataError: When it is too long to be read again.
        """
        document = self.model_dump(mode="json", exclude_none=True)
        line = json.dumps(document, separators=(",", ":"), allow_nan=False).encode() + b"\n"
        if len(line) > MAX_LINE_BYTES:
            raise DataError(f"a line of {len(line)} bytes is too long for a JSON Lines store; use an SQLite store")
        return line


def decode(line: bytes, number: int, path: str) -> Line:
    """Reads one line after the first.

    Raises:
        DataError: When it is none; names the file and the line.
    """
    if len(line) > MAX_LINE_BYTES:
        raise DataError(f"line {number} of '{path}' is longer than {MAX_LINE_BYTES} bytes; it is no record of hwcost")
    try:
        return Line.model_validate_json(line, strict=True)
    except ValidationError as error:
        raise DataError(
            f"line {number} of '{path}' cannot be used: {reason(error)}. Export the store again, or remove the line."
        ) from None


def check_header(line: bytes, path: str) -> None:
    """Checks the first line.

    Raises:
        DataError: When the file is empty, is no store, or is of a newer format.
    """
    expected = f"the first line must be {HEADER.decode().strip()}"
    if not line:
        raise DataError(f"'{path}' is empty; expected a JSON Lines store of hwcost: {expected}")
    try:
        header = json.loads(line)
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict) or header.get("hwcost") != "store":
        raise DataError(f"'{path}' is no JSON Lines store of hwcost: {expected}")
    version = header.get("schema_version")
    if version != SCHEMA_VERSION or isinstance(version, bool):
        raise DataError(
            f"'{path}' has schema version {version}; this hwcost reads version {SCHEMA_VERSION}. "
            "Upgrade hwcost, or export the store again with this version."
        )


def store_lines(store: Store, campaign_id: str | None = None) -> Iterator[bytes]:
    """Yields a store, or one campaign of it, as the lines of a JSON Lines store."""
    yield HEADER
    for campaign in store.campaigns() if campaign_id is None else [store.campaign(campaign_id)]:
        yield Line(campaign=campaign).encode()
        for number, order in store.rounds(campaign.campaign_id).items():
            row = RoundLine(campaign_id=campaign.campaign_id, number=number, order=tuple(order))
            yield Line(round=row).encode()
        for record in store.records(campaign.campaign_id):
            yield Line(record=record).encode()
