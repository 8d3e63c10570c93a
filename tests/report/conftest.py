"""What the tests of the dashboard in a browser share: the browser, and the site of simulated nights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from hwcost.report.dashboard import Built, build_site
from hwcost.report.dashboard.commands import arch_key
from hwcost.stores import open_store
from tests.report.browser import WIDE, Reader, base_of, chromium
from tests.report.dashboard_data import NIGHTS, write_nights, write_study

STUDIED = "supershaper"
"""Space of the study."""

Opened = Callable[..., AbstractContextManager[Reader]]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with chromium() as one:
        yield one


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the store ``nights.db``, of the log ``study.jsonl``, and of the site of both."""
    return tmp_path_factory.mktemp("dashboard")


@pytest.fixture(scope="session")
def built(folder: Path) -> Built:
    """The site of simulated nights, with audits, a cost model, and a study of which two architectures were measured."""
    of_space = next(one for one in NIGHTS.series if one.search_space == STUDIED and one.arch is not None)
    with open_store(folder / "nights.db") as store:
        write_nights(store)
        study = write_study(folder / "study.jsonl", STUDIED, best=arch_key(of_space.arch or ()))
        return build_site(store, folder / "site", studies=[study])


@pytest.fixture
def opened(browser: Any) -> Opened:
    """Opens a page on a site, given its address and how it is read; nothing may go wrong on it."""

    @contextmanager
    def open_site(base: str, **given: Any) -> Iterator[Reader]:
        context = browser.new_context(**{"viewport": WIDE, **given})
        try:
            one = Reader(context.new_page(), base)
            yield one
        finally:
            context.close()
        one.assert_clean()

    return open_site


@pytest.fixture
def reader(opened: Opened, built: Built) -> Iterator[Reader]:
    """A wide page on the site of simulated nights, from the disk."""
    with opened(base_of(built.page.parent)) as one:
        yield one
