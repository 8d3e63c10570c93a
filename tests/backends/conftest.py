"""One cache of exported models for all tests of this folder, because an export takes seconds."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def _shared_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HWCOST_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield
