"""Every error that hwcost raises on purpose, each with the exit code of the command line.

::

    HwcostError                   5  internal
    ├── UsageError                2  an argument, a file or a name is wrong
    │   ├── ContractError         2  a member of another distribution gives what its contract excludes
    │   ├── UnknownNameError      2  a name that no registry holds; lists the known names
    │   ├── ArchitectureError     2  an architecture outside its space
    │   ├── DataError             2  a table or record that cannot be used
    │   │   └── OtherSettingsError  2  work that other settings began than those given to resume it
    │   ├── UnsuitedError         2  a workload of a kind that a backend, or a machine elsewhere, does not run
    │   ├── NotFittedError        2  a cost model that was asked before it was fitted
    │   ├── InfeasibleError       2  constraints that no architecture was found to satisfy
    │   ├── NotEnoughMemoryError  2  a training takes more memory than is free
    │   ├── SpaceExhausted        2  a searcher has nothing left to propose
    │   └── MissingExtraError     2  an optional dependency is not installed; names the extra
    │       └── MissingBackendError  3  a runtime that is to execute something is not installed, or cannot run here
    ├── DeviceError               3  absent, busy or unreachable
    │   ├── BusyError             3  in use by another process; names it
    │   └── DeviceLostError       3  gone in the middle of a measurement; a fresh process may find it again
    ├── MeasurementError          4  measured, but invalid
    ├── StoreError                5  a store cannot be opened, read or written
    └── InterruptedRunError     130  stopped by the user; resumable

A message says what was given, what was expected, what is known, and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar

__all__ = [
    "ArchitectureError", "BusyError", "ContractError", "DataError", "DeviceError", "DeviceLostError", "HwcostError",
    "InfeasibleError", "InterruptedRunError", "MeasurementError", "MissingBackendError", "MissingExtraError",
    "NotEnoughMemoryError", "NotFittedError", "OtherSettingsError", "SpaceExhausted", "StoreError", "UnknownNameError",
    "UnsuitedError", "UsageError",
]  # fmt: skip


class HwcostError(Exception):
    """Base of all errors of this library."""

    exit_code: ClassVar[int] = 5


class UsageError(HwcostError):
    """An argument, a file or a name is wrong; nothing was measured or written."""

    exit_code = 2


class UnknownNameError(UsageError):
    """A name that nothing is registered under."""

    def __init__(self, kind: str, name: str, known: Iterable[str], advice: str = "") -> None:
        names = sorted(known)
        close = difflib.get_close_matches(name, names, n=1)
        hint = f" Did you mean '{close[0]}'?" if close else ""
        tail = f" {advice}" if advice else ""
        super().__init__(f"unknown {kind} '{name}'.{hint} Known: {', '.join(names) or 'none'}.{tail}")


class ContractError(UsageError):
    """A member of another distribution failed, or gave what its contract excludes; names the member."""


class ArchitectureError(UsageError):
    """An architecture that is not a point of its search space."""


class DataError(UsageError):
    """A table, file or record whose content cannot be used."""


class OtherSettingsError(DataError):
    """A file or folder holds work that was begun with other settings than those given to resume it."""

    def __init__(self, what: str, name: str, kept: object, given: object, advice: str) -> None:
        super().__init__(f"{what}: it has {name}={kept!r}, and {name}={given!r} was given. {advice}")


class UnsuitedError(UsageError):
    """A backend, or a machine elsewhere, does not run workloads of this kind at all; another one may."""


class NotFittedError(UsageError, AttributeError):
    """A cost model was asked, or something that it learns, before it was fitted; an AttributeError for ``hasattr``."""


class InfeasibleError(UsageError):
    """No architecture was found that satisfies the constraints of a search."""


class NotEnoughMemoryError(UsageError):
    """A training was planned to take more memory than is free where it would run; it was not begun."""


class SpaceExhausted(UsageError):  # noqa: N818 - a signal that ends a search, not a mistake
    """A searcher has nothing left to propose: every feasible architecture that it can reach was proposed already."""


class MissingExtraError(UsageError):
    """An optional dependency is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} is not installed. {_remedy(extra)}")


class MissingBackendError(MissingExtraError):
    """A backend's runtime is not installed, or cannot run here; another machine or environment may have it."""

    exit_code = 3

    def __init__(self, name: str, reason: str, extra: str) -> None:
        UsageError.__init__(self, f"backend '{name}' cannot run: {reason}. {_remedy(extra)}")


def _remedy(extra: str) -> str:
    return f"Install it with: pip install 'hwcost[{extra}]'"


class DeviceError(HwcostError):
    """A device is absent, busy or unreachable."""

    exit_code = 3


class BusyError(DeviceError):
    """Processors or a campaign are in use by another process; the same command may run later."""


class DeviceLostError(DeviceError):
    """A device, or a process's hold on it, was lost in the middle of a measurement (code E_DEVICE_LOST)."""


class MeasurementError(HwcostError):
    """Something was measured, but the numbers are not valid."""

    exit_code = 4


class StoreError(HwcostError):
    """A store cannot be opened, read or written."""

    exit_code = 5


class InterruptedRunError(HwcostError):
    """The user stopped the run; what was measured is kept and the run can be resumed."""

    exit_code = 130
