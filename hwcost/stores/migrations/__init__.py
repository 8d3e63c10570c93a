"""Revisions of an SQL store's tables, the only thing that creates or changes them.

Each file in ``versions`` is one revision and is never changed once released. A new one is added to :data:`REVISIONS`.
"""

from __future__ import annotations

VERSION_TABLE = "hwcost_revision"
"""Holds the store's revision; hwcost's own name, since a database may hold other tools' tables."""

REVISIONS = ("0001", "0002", "0003", "0004", "0005")
"""Every revision, the oldest first. Kept here so that opening a store that is up to date need not load Alembic."""

HEAD = REVISIONS[-1]
