"""Backends of other distributions, checked before they are used: an error names the backend and its slip.

hwcost's own are not checked. What their runners return is checked in :mod:`hwcost.timing.execution.plugin_runners`.
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any

from hwcost.backends.base import Backend
from hwcost.errors import ContractError
from hwcost.registry import is_own, named


def checked_class(found: Any, name: str) -> type[Backend]:
    """Returns the class that is registered as a backend.

    Raises:
        ContractError: When it is not a class of backends, or one that cannot be made or asked.
    """
    if not isinstance(found, type) or not issubclass(found, Backend):
        raise ContractError(f"'{name}' is registered as a backend, and is not a subclass of hwcost.backends.Backend")
    if is_own(found):
        return found
    lacking = sorted(getattr(found, "__abstractmethods__", ()))
    if lacking:
        raise ContractError(f"the class {found.__name__} of backend '{name}' lacks the methods {', '.join(lacking)}")
    for attribute in ("kinds", "option_names"):
        if isinstance(getattr(found, attribute), str):
            raise ContractError(
                f"the class {found.__name__} of backend '{name}' has a text as {attribute}; expected a tuple of texts, "
                f"such as ({getattr(found, attribute)!r},)"
            )
    return found


def availability(kind: type[Backend], name: str) -> tuple[bool, str]:
    """Returns whether a backend's runtime is installed, and if not why.

    Raises:
        ContractError: When the backend cannot tell.
    """
    if is_own(kind):
        return kind.availability()
    with named(f"the backend '{name}'", "availability"):
        found: Any = kind.availability()
    if not isinstance(found, tuple) or len(found) != 2 or not isinstance(found[0], bool) or not isinstance(found[1], str):
        raise ContractError(
            f"the backend '{name}' gave {found!r:.80} from availability; expected (True, '') where its runtime is "
            f"installed, and (False, a reason) where not"
        )
    return found


def created(kind: type[Backend], name: str, threads: int, options: dict[str, Any] | None) -> Backend:
    """Makes a backend.

    Raises:
        ContractError: When its class does not take threads and options, or does not hand them on.
    """
    if is_own(kind):
        return kind(threads, options)
    with named(f"the backend '{name}'", "__init__"):
        found = kind(threads, options)
    if not hasattr(found, "threads") or not hasattr(found, "options"):
        raise ContractError(
            f"the class {kind.__name__} of backend '{name}' does not call super().__init__(threads, options) in its __init__"
        )
    return found


def versions(backend: Backend, name: str) -> dict[str, str]:
    """Returns the versions on which a backend's results depend, by package.

    Raises:
        ContractError: When the backend gives anything else.
    """
    if is_own(type(backend)):
        return backend.version()
    with named(f"the backend '{name}'", "version"):
        found: Any = backend.version()
    texts = [part for pair in found.items() for part in pair] if isinstance(found, Mapping) else [None]
    if not all(isinstance(text, str) for text in texts):
        raise ContractError(
            f"the backend '{name}' gave {found!r:.80} from version; expected a text for each package, such as "
            f"{{'numpy': '2.0'}}"
        )
    return dict(found)


def free_bytes(backend: Backend) -> int | None:
    """Returns the free bytes of a backend's device; None where it has no memory of its own.

    Raises:
        ContractError: When the backend fails, or gives anything else.
    """
    if is_own(type(backend)):
        return backend.free_bytes()
    with named(f"the backend '{backend.name}'", "free_bytes"):
        found: Any = backend.free_bytes()
    if found is not None and (isinstance(found, bool) or not isinstance(found, Integral)):
        raise ContractError(
            f"the backend '{backend.name}' gave {found!r:.80} from free_bytes; expected a whole number of bytes, or None"
        )
    return None if found is None else int(found)
