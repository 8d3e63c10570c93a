"""Run by Alembic: upgrades the store on the connection, and inside the transaction, that the caller has begun."""

from __future__ import annotations

from alembic import context

from hwcost.stores.migrations import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
context.run_migrations()
