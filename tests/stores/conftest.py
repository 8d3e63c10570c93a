"""The tests of stores make each of theirs as users do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from hwcost.stores.database import Database


@pytest.fixture(scope="module", autouse=True)
def _by_migrations(made_by_migrations: Callable[[Database, bool], None]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "_bring_up_to_date", made_by_migrations)
        yield
