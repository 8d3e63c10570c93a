"""A device's clock, locked for as long as a campaign runs, where the user asks for that.

The lock is held by a program of its own, which resets the clock as soon as this process closes its pipe to it: at the end of
the campaign, on an error, on Ctrl-C, and also when this process is killed.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hwcost._imports import interpreter, module_paths
from hwcost._log import logger
from hwcost.devices import device_kind
from hwcost.errors import DeviceError, UsageError

if TYPE_CHECKING:
    from hwcost.devices import DeviceHandle

_log = logger(__name__)

RESET_S = 10.0
"""Seconds that the program has to reset the clock."""


def check_lockable(handle: DeviceHandle) -> None:
    """Raises UsageError for a device whose clock hwcost cannot lock: a kind without locks, or a slice of a card."""
    if not device_kind(handle.kind).clock_lock:
        raise UsageError(f"hwcost locks no clock of a device of kind {handle.kind}; leave out --lock-clocks")
    if "partition" in dict(handle.profile.match.facts):
        raise UsageError(f"{handle} is a slice, and its clock is that of the whole card; leave out --lock-clocks")


@contextmanager
def locked(handle: DeviceHandle) -> Iterator[float]:
    """Locks the clock of a device, and resets it in any case.

    Yields:
        The clock in Hz.

    Raises:
        DeviceError: When the driver refuses, as it does without the right to.
    """
    check_lockable(handle)
    program = _started(device_kind(handle.kind).clock_lock, handle)
    try:
        yield _locked_hz(program, handle)
    finally:
        _end(program, handle)


def _started(module: str, handle: DeviceHandle) -> subprocess.Popen[str]:
    """Starts the program in a session of its own, so that Ctrl-C at a terminal does not reach it."""
    return subprocess.Popen(
        [*interpreter(), "-m", module, handle.uuid or "", str(handle.index)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(module_paths())},
    )


def _locked_hz(program: subprocess.Popen[str], handle: DeviceHandle) -> float:
    assert program.stdout is not None
    line = program.stdout.readline()
    answer = json.loads(line) if line else {"refused": "the program that locks it ended"}
    if "locked_hz" in answer:
        return float(answer["locked_hz"])
    raise DeviceError(
        f"the clock of {handle} cannot be locked: {answer['refused']}. Ask whoever runs the machine for the right to, or "
        "measure without --lock-clocks."
    )


def _end(program: subprocess.Popen[str], handle: DeviceHandle) -> None:
    """Lets the program reset the clock, and waits for it."""
    assert program.stdin is not None
    assert program.stdout is not None
    program.stdin.close()
    try:
        failed = program.wait(RESET_S) != 0
    except subprocess.TimeoutExpired:
        failed = True
    program.stdout.close()
    if failed:
        remedy = f"nvidia-smi -i {handle.index} --reset-gpu-clocks"
        _log.warning("the clock of %s may still be locked: reset it with %s", handle, remedy)
