"""Every system passes the suite, and so does one that trains nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hwcost.testing.plugins import registered
from hwcost.testing.systems import SystemSuite
from tests.systems.conftest import task_of


class TestCounting(SystemSuite):
    name = "counting"
    preset = "small"

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _registered(cls) -> Iterator[None]:
        with registered("hwcost.systems", {"counting": "tests.systems.test_base:Counting"}):
            yield


class OwnSystem(SystemSuite):
    """A system of hwcost's at its smallest, on a small text."""

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _text(cls, text, one_thread) -> None:
        cls.corpus, cls.task = str(text), task_of(text)

    @classmethod
    def settings(cls, **changes):
        return super().settings(corpus=cls.corpus, tasks=(cls.task,), **changes)


@pytest.mark.torch
class TestComponents(OwnSystem):
    name = "components"


@pytest.mark.torch
@pytest.mark.slow
class TestSuperShaper(OwnSystem):
    name = "supershaper"


@pytest.mark.torch
@pytest.mark.slow
class TestAutoDistil(OwnSystem):
    name = "autodistil"


@pytest.mark.torch
@pytest.mark.slow
class TestAutoDistill(OwnSystem):
    name = "autodistill"
