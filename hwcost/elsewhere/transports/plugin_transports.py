"""Transports of other distributions, whose every answer is checked: an error names the transport and its slip."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from hwcost.elsewhere.transports.base import Transport
from hwcost.errors import ContractError
from hwcost.registry import is_own, named


def checked(made: Any, name: str) -> Transport:
    """Returns a transport that says what is wrong with its answers.

    Args:
        made: Object that its class made.
        name: Scheme of its addresses.

    Raises:
        ContractError: When it is not a transport, or was not initialised.
    """
    if not isinstance(made, Transport):
        raise ContractError(f"'{name}' is registered as a transport, and not a subclass of Transport: {made!r:.60}")
    if is_own(type(made)):
        return made
    if not hasattr(made, "address"):
        raise ContractError(f"the class {type(made).__name__} of transport '{name}' does not call super().__init__(address)")
    for method, fits, expected in (
        ("send", lambda found: True, "nothing"),
        ("run", _is_ended, "the exit status of the job and what it said on stderr, such as (0, '')"),
        ("fetch", lambda found: isinstance(found, bool), "whether the file is there, True or False"),
    ):
        setattr(made, method, _checked(getattr(made, method), fits, f"the transport '{name}'", method, expected))
    return made


def _is_ended(found: Any) -> bool:
    return isinstance(found, tuple) and len(found) == 2 and isinstance(found[0], int) and isinstance(found[1], str)


def _checked(
    call: Callable[..., Any], fits: Callable[[Any], bool], who: str, method: str, expected: str
) -> Callable[..., Any]:
    @functools.wraps(call)
    def answer(*arguments: Any, **options: Any) -> Any:
        with named(who, method, OSError):
            found = call(*arguments, **options)
        if not fits(found):
            raise ContractError(f"{who} gave {found!r:.80} from {method}; expected {expected}")
        return found

    return answer
