"""Registries: from a name to a member of a family, loaded when it is used.

Each family of interchangeable things (``hwcost.backends``, ``hwcost.spaces``, ...) is an entry-point group of that name.
The name of an entry point is what the user types; its value is ``module:attribute``. hwcost's own members are declared in
the same form in the source, so that they are found in a checkout that was never installed.

The installed distributions are looked through once a process, for all groups together. A distribution that is installed
while the process runs (in a notebook, in a test) is found after :func:`refresh`.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from hwcost._distributions import entry_points
from hwcost._imports import own_place
from hwcost.errors import ContractError, HwcostError, UnknownNameError, UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = [
    "Registry", "added", "has_members_of_others", "imported", "is_own", "joined_options", "made", "named", "parse_options",
    "refresh",
]  # fmt: skip

PREFIX = "hwcost."
"""First part of the name of every group that is looked at."""

_added: list[EntryPoint] = []
"""Entry points that count as installed in this process; see :func:`refresh`."""


def refresh(*added: EntryPoint) -> None:
    """Forgets the installed entry points; the next use of any registry scans them again.

    Args:
        *added: Entry points that count as installed in this process until the next call, for tests; see
            :func:`hwcost.testing.plugins.registered`.
    """
    _added[:] = added
    _installed.cache_clear()
    _entries.cache_clear()


def added() -> tuple[EntryPoint, ...]:
    """Returns the entry points that the last :func:`refresh` was given."""
    return tuple(_added)


def has_members_of_others() -> bool:
    """Returns whether any other distribution adds members to any family."""
    return bool(_installed())


def is_own(kind: type[Any]) -> bool:
    """Says whether a class is one of hwcost's, whose answers need no check."""
    return kind.__module__.partition(".")[0] == "hwcost"


@contextmanager
def named(who: str, method: str, *passed: type[Exception]) -> Iterator[None]:
    """Names a member of another distribution and its method in an error that is not hwcost's own.

    Args:
        who: Kind and name of the member, such as ``the backend 'x'``.
        method: Name of the method that is called within.
        *passed: Errors that the contract allows beside hwcost's own.

    Raises:
        ContractError: When any other error is raised within.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, (HwcostError, *passed)):
            raise
        raise ContractError(f"{who} failed in {method}: {type(error).__name__}: {error}{own_place(error)}") from error


def imported(value: str) -> Any:
    """Imports and returns what a text names.

    Args:
        value: ``module:attribute``.
    """
    module, _, attribute = value.partition(":")
    return attrgetter(attribute)(import_module(module))


@cache
def _installed() -> dict[str, list[EntryPoint]]:
    """Returns the entry points of all distributions by group; looked for once a process."""
    groups = entry_points(PREFIX)
    for entry in _added:
        groups.setdefault(entry.group, []).append(entry)
    return groups


@cache
def _entries(registry: Registry) -> dict[str, EntryPoint | None]:
    """Returns the entry points of a registry's members by name; None for hwcost's own members.

    Raises:
        HwcostError: When two distributions claim one name.
    """
    entries: dict[str, EntryPoint | None] = dict.fromkeys(registry.builtins)
    values = dict(registry.builtins)
    for entry in _installed().get(registry.group, []):
        known = values.setdefault(entry.name, entry.value)
        if known != entry.value:
            raise HwcostError(
                f"two {registry.kind}s are called '{entry.name}': {known} and {entry.value} "
                f"(from {_distribution(entry)}). Uninstall one of them."
            )
        if entry.name not in registry.builtins:
            entries[entry.name] = entry
    return entries


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else "an unnamed distribution"


class Registry:
    """The members of one family by name.

    Args:
        group: Entry-point group, for example ``hwcost.backends``.
        kind: Noun for messages, for example ``backend``.
        builtins: Members that hwcost itself ships, ``module:attribute`` by name.
    """

    def __init__(self, group: str, kind: str, builtins: Mapping[str, str]) -> None:
        self.group = group
        self.kind = kind
        self.builtins = dict(builtins)

    def names(self) -> list[str]:
        """Returns all registered names, sorted; loads nothing."""
        return sorted(_entries(self))

    def __contains__(self, name: object) -> bool:
        return name in _entries(self)

    def load(self, name: str) -> Any:
        """Imports and returns what is registered under a name.

        Raises:
            UnknownNameError: When nothing is registered under the name; lists the known names.
            HwcostError: When the member of another distribution cannot be imported; names the distribution.
        """
        entries = _entries(self)
        if name not in entries:
            raise UnknownNameError(self.kind, name, entries)
        entry = entries[name]
        if entry is None:
            return imported(self.builtins[name])
        try:
            return entry.load()
        except HwcostError:
            raise
        except Exception as error:  # whatever a plug-in does when it is imported
            raise HwcostError(
                f"{self.kind} '{name}' ({entry.value}) of {_distribution(entry)} cannot be imported: "
                f"{type(error).__name__}: {error}. Mend or uninstall that distribution."
            ) from error

    def members(self, *without: str) -> dict[str, Any]:
        """Imports all members and returns them by name, for choices among all of them.

        A member of another distribution that cannot be imported is left out, with a warning in the log.

        Args:
            *without: Names of members that are none of the choices, and need not be imported.
        """
        from hwcost._left_out import left_out

        found = {}
        for name in sorted({*_entries(self)} - {*without}):
            try:
                found[name] = self.load(name)
            except HwcostError as error:
                left_out(__name__, str(error))
        return found

    def origin(self, name: str) -> str:
        """Returns the distribution that a member comes from, ``hwcost`` for its own; for listings.

        Raises:
            UnknownNameError: When nothing is registered under the name; lists the known names.
        """
        entries = _entries(self)
        if name not in entries:
            raise UnknownNameError(self.kind, name, entries)
        entry = entries[name]
        return "hwcost" if entry is None else _distribution(entry)

    def make(self, name: str, /, *arguments: Any, **options: Any) -> Any:
        """Loads what is registered under a name and calls it.

        Args:
            name: A registered name.
            *arguments: Arguments that every member of the family takes, in order.
            **options: Further arguments of this member.

        Raises:
            UnknownNameError: When nothing is registered under the name; lists the known names.
            UsageError: When an option is unknown, missing, or of a type that it cannot have; lists the known options.
        """
        return made(f"{self.kind} '{name}'", self.load(name), *arguments, **options)


def made(what: str, factory: Callable[..., Any], /, *arguments: Any, **options: Any) -> Any:
    """Calls a factory with a user's options, so that a wrong one is named together with those that it takes.

    Args:
        what: Name of the object that is made, for the error, such as ``space 'table'``.
        factory: A class or a function.
        *arguments: Arguments beside the options.
        **options: Options that the user gave.

    Raises:
        UsageError: When an option is unknown, missing, or of a type that it cannot have, or when the factory does not take
            the arguments or is a class that lacks methods.
    """
    lacking = sorted(getattr(factory, "__abstractmethods__", ()))
    if lacking:
        raise UsageError(f"{what} cannot be made: its class {factory.__name__} lacks the methods {', '.join(lacking)}")
    known, is_open = _options_of(factory, len(arguments))
    unknown = [] if is_open else [name for name in options if name not in known]
    missing = [name for name, one in known.items() if one.default is one.empty and name not in options]
    if unknown or missing:
        raise UsageError(f"{what} does not take these options: {_wrong(unknown, missing, known)}. {_listed(known)}")
    for name, value in options.items():
        if isinstance(value, str) and name in known and isinstance(known[name].default, bool):
            raise UsageError(f"{what}: '{name}' is true or false, got {value!r}. {_listed(known)}")
    try:
        return factory(*arguments, **options)
    except TypeError as error:
        if not options:
            raise UsageError(f"{what} cannot be made: {error}") from error
        given = ", ".join(f"{name}={value!r:.60}" for name, value in options.items()) or "none"
        raise UsageError(
            f"{what} does not take these options: one has a wrong type ({error}). Given: {given}. {_listed(known)}"
        ) from None


def _options_of(factory: Callable[..., Any], taken: int) -> tuple[dict[str, inspect.Parameter], bool]:
    """Returns the arguments behind the first ones, and whether there may be more than are known.

    A class that passes ``**options`` on takes those of the classes that it derives from.
    """
    is_class = inspect.isclass(factory)
    classes = inspect.getmro(factory)[:-1] if inspect.isclass(factory) else ()  # all but object
    makers = [vars(one)["__init__"] for one in classes if "__init__" in vars(one)] if is_class else [factory]
    known: dict[str, inspect.Parameter] = {}
    for maker in makers:
        try:
            parameters = list(inspect.signature(maker).parameters.values())
        except (TypeError, ValueError):  # written in C, without a signature
            return known, True
        own = [one for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
        for one in own[taken + is_class :]:
            known.setdefault(one.name, one)
        if not any(one.kind is one.VAR_KEYWORD for one in parameters):
            return known, False
    return known, bool(makers)


def _wrong(unknown: list[str], missing: list[str], known: Mapping[str, inspect.Parameter]) -> str:
    parts = []
    for name in unknown:
        close = difflib.get_close_matches(name, known, n=1)
        parts.append(f"'{name}' is unknown" + (f" (did you mean '{close[0]}'?)" if close else ""))
    return ", ".join([*parts, *(f"'{name}' is needed" for name in missing)])


def _listed(known: Mapping[str, inspect.Parameter]) -> str:
    shown = (name if one.default is one.empty else f"{name}={one.default!r:.40}" for name, one in known.items())
    return f"Known: {', '.join(shown) or 'none'}."


def parse_options(pairs: Iterable[str], form: str) -> dict[str, Any]:
    """Reads the options of a member of a family as a user types them; values are JSON where they can be, else text.

    Args:
        pairs: Texts ``NAME=VALUE``.
        form: Full form in which a user writes them, for the error.

    Raises:
        UsageError: When a text is not a pair, or an option is given twice with different values.
    """
    import json

    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"'{pair}' is not an option; write {form}")
        try:
            read = json.loads(value)
        except ValueError:
            read = value
        found = joined_options(found, {name: read}, form)
    return found


def joined_options(given: Mapping[str, Any], others: Mapping[str, Any], form: str) -> dict[str, Any]:
    """Joins options that a user gave in two places.

    Args:
        given: Options by name.
        others: Further ones.
        form: Form in which they are written, for the error.

    Raises:
        UsageError: When both hold an option with different values.
    """
    for name in given:
        if name in others and given[name] != others[name]:
            both = f"as {given[name]!r} and as {others[name]!r}"
            raise UsageError(f"{form}: option '{name}' is given twice, {both}. Give it once")
    return {**given, **others}
