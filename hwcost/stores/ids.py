"""Identifiers and instants of records: UUID version 7 (sortable by time) and UTC in ISO 8601.

These read the calendar to say when a record was made; no duration is ever taken from them.
"""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime, timezone


def new_id() -> str:
    """Returns a fresh UUIDv7 as text; ids made later in one process or on one clock sort later.

    Source: RFC 9562 section 5.7, with the sub-millisecond fraction in ``rand_a`` (section 6.2, method 3).
    """
    now = datetime.now(timezone.utc)
    milliseconds = int(now.timestamp()) * 1000 + now.microsecond // 1000
    fraction = (now.microsecond % 1000) * 4096 // 1000
    number = milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=number))


def utc_now() -> str:
    """Returns the present instant in the form of :func:`utc`."""
    return datetime.now(timezone.utc).isoformat(timespec="microseconds")


def utc(text: str) -> str:
    """Brings an ISO 8601 instant to UTC with microseconds, so that text order is time order.

    Raises:
        ValueError: When it is not an ISO 8601 instant, or has no time zone.
    """
    zoned = f"{text[:-1]}+00:00" if text.endswith(("Z", "z")) else text
    try:
        instant = datetime.fromisoformat(zoned)
        if instant.tzinfo is None:
            raise ValueError("no time zone")
        return instant.astimezone(timezone.utc).isoformat(timespec="microseconds")
    except (ValueError, OverflowError) as error:
        expected = "an ISO 8601 instant with its time zone, such as 2025-01-31T12:00:00Z"
        raise ValueError(f"expected {expected}, got '{text[:60]}' ({error})") from None
