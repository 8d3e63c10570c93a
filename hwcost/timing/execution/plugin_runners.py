"""Runners of other people's backends, whose every answer is checked: a slip ends a campaign before a wrong time is stored.

hwcost's own are not checked. A time on the machine's clock can be no longer than hwcost itself waited for it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from numbers import Real
from typing import TYPE_CHECKING, Any

from hwcost.backends.base import BlockTiming, Runner
from hwcost.errors import ContractError
from hwcost.registry import is_own
from hwcost.timing import timer

if TYPE_CHECKING:
    from hwcost.backends.base import Backend

SLACK_S = 1e-4
"""Seconds by which a time may exceed what hwcost waited, for clocks of devices."""

SLACK = 1.02
"""Factor of the same."""

LEAST_S = 0.02
"""Seconds from which a run of calls tells whether its time is that of one call."""

LEAST_CALLS = 10
"""Calls from which it does."""


def prepared(backend: Backend, made: Any) -> Runner:
    """Returns what a backend prepared.

    Args:
        backend: The backend.
        made: Object that its ``prepare`` returned.

    Raises:
        ContractError: When it is not a runner, or one that was not initialised.
    """
    name = getattr(backend, "name", type(backend).__name__)
    if not isinstance(made, Runner):
        raise ContractError(f"the backend '{name}' gave {made!r:.80} from prepare; expected a hwcost.backends.Runner")
    if is_own(type(made)):
        return made
    if not isinstance(getattr(made, "facts", None), dict):
        raise ContractError(f"the runner of backend '{name}' lacks its facts: call super().__init__() in its __init__")
    events: Any = made.compile_events()
    if not isinstance(events, int):
        raise ContractError(f"the runner of backend '{name}' gave {events!r:.60} from compile_events; expected a number")
    if type(made).time_block is not Runner.time_block:
        setattr(made, "time_block", _checked(made, name))  # noqa: B010 - a method of this object alone
    return made


def _checked(runner: Runner, name: str) -> Callable[[int], BlockTiming]:
    method, suspicions = runner.time_block, 0
    clock = timer.Clock() if runner.clock is None else None  # a virtual clock has no bound

    @functools.wraps(method)
    def time_block(n: int) -> BlockTiming:
        nonlocal suspicions
        begun_s = 0.0 if clock is None else clock.now_s()
        found = method(n)
        waited_s = 0.0 if clock is None else clock.now_s() - begun_s
        slip = _slip(found)
        if slip is None and clock is not None:
            slip = _too_long(found, n, waited_s)
            suspicions += _is_of_one_call(found, n, waited_s)
            if suspicions > 1:  # one may be a coincidence, such as a compilation for this number of calls
                slip = f"host_s = {found.host_s:.3g} for {n} calls that took {waited_s:.3g} s; expected that of all calls"
        if slip is not None:
            raise ContractError(f"the runner of backend '{name}' gave a wrong time from time_block: {slip}")
        return found

    return time_block


def _slip(found: Any) -> str | None:
    """Returns in words why an answer is not a time; None where it is one."""
    if not isinstance(found, BlockTiming):
        return f"{found!r:.80}; expected a hwcost.backends.BlockTiming(host_s)"
    for attribute in ("host_s", "device_s", "enqueue_s", "quick_s", "quickest_s"):
        value: Any = getattr(found, attribute)
        if value is None and attribute != "host_s":
            continue
        if not isinstance(value, Real) or not math.isfinite(value) or value < 0:
            return f"{attribute} = {value!r:.80}; expected seconds"
    return None


def _too_long(found: BlockTiming, n: int, waited_s: float) -> str | None:
    """Returns in words which time is longer than hwcost waited; None where none is."""
    for attribute in ("host_s", "device_s", "enqueue_s"):
        value = getattr(found, attribute)
        if value is not None and value > SLACK * waited_s + SLACK_S:
            return f"{attribute} = {value:.3g} for {n} calls that took {waited_s:.3g} s; expected seconds"
    return None


def _is_of_one_call(found: BlockTiming, n: int, waited_s: float) -> bool:
    """Says whether a time looks like that of one call out of many."""
    return n >= LEAST_CALLS and waited_s >= LEAST_S and 0.7 * waited_s < found.host_s * n <= SLACK * waited_s
