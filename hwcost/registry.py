"""Name to lazy factory: built-ins and entry points of other distributions, loaded on use.

Each family of interchangeable things (``hwcost.backends``, ``hwcost.spaces``, ...) is an entry-point group of that name.
An entry's name is what the user types, its value is ``module:attribute``. Built-ins use the same path, so that they work
in a checkout that was never installed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from hwcost.errors import HwcostError, UnknownNameError, UsageError


class Registry:
    """The entries of one group.

    Args:
        group: Entry-point group, for example ``hwcost.backends``.
        kind: The noun for messages, for example ``backend``.
        builtins: Name to ``module:attribute`` of what hwcost itself ships.
    """

    def __init__(self, group: str, kind: str, builtins: dict[str, str]) -> None:
        self.group = group
        self.kind = kind
        self._builtins = builtins

    def _entries(self) -> dict[str, EntryPoint]:
        entries = {name: EntryPoint(name, value, self.group) for name, value in self._builtins.items()}
        for entry in entry_points(group=self.group):
            known = entries.get(entry.name)
            if known is not None and known.value != entry.value:
                raise HwcostError(
                    f"two {self.kind}s are called '{entry.name}': {known.value} and {entry.value} "
                    f"(from {entry.dist.name if entry.dist else 'an unnamed distribution'}). Uninstall one of them."
                )
            entries[entry.name] = entry
        return entries

    def names(self) -> list[str]:
        """Returns all registered names, sorted; loads nothing."""
        return sorted(self._entries())

    def load(self, name: str) -> Any:
        """Imports and returns what is registered under a name.

        Raises:
            UnknownNameError: When nothing is; lists the known names.
        """
        if name in self._builtins and not entry_points(group=self.group):
            return EntryPoint(name, self._builtins[name], self.group).load()
        entries = self._entries()
        if name not in entries:
            raise UnknownNameError(self.kind, name, entries)
        return entries[name].load()


def parse_options(pairs: Iterable[str], form: str) -> dict[str, Any]:
    """Reads the options of a member of a family as a user types them; values are JSON where they can be, else text.

    Args:
        pairs: Texts ``NAME=VALUE``.
        form: How they are written in full, for the error.

    Raises:
        UsageError: When a text is no pair.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"'{pair}' is no option; write {form}")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found
