"""Members of a family for the length of a test, without an installed distribution."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import EntryPoint

from hwcost import registry


@contextmanager
def registered(group: str, members: Mapping[str, str]) -> Iterator[None]:
    """Registers members of a family in this process, as if a distribution had installed them.

    ::

        with registered("hwcost.searchers", {"greedy": "my_tests.greedy:Greedy"}):
            hc.search(..., searcher="greedy")

    Processes that measure are new ones and do not see these members; a backend that is measured with must be installed.

    Args:
        group: Entry-point group, for example ``hwcost.searchers``.
        members: ``module:attribute`` by name.

    Raises:
        HwcostError: When a name is taken by another member, as soon as the family is asked.
    """
    entries = [EntryPoint(name, value, group) for name, value in members.items()]
    before = registry.added()
    registry.refresh(*before, *entries)
    try:
        yield
    finally:
        registry.refresh(*before)
