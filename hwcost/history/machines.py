"""The machines that share a suite and a store: which runs are each one's, and when one has stopped measuring.

A run does not say where it was made, but its estimates do: devices that were ever measured in one run are of one machine,
and a machine's runs are those that measured any device of it. A machine is judged by its own runs only, whatever the others
have measured meanwhile.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwcost.history.nights import Nights

__all__ = ["absence", "runs_of_machines"]

Flags = NDArray[np.bool_]

USUAL = 2
"""A machine without a run is missed after so many times as many runs of others as ever before between two of its own."""


def runs_of_machines(nights: Nights) -> list[Flags]:
    """Returns which runs are of each series' machine, shape (n_runs,); the same array for all series of a machine.

    In a history of one machine all runs are its own, also those that measured nothing.
    """
    devices = [one.device_key or one.device for one in nights.series]
    machines: list[tuple[set[str], Flags]] = []
    for device in dict.fromkeys(devices):
        rows = [row for row, name in enumerate(devices) if name == device]
        names, runs = {device}, np.asarray((nights.row[rows] >= 0).any(axis=0))
        for other in [one for one in machines if (one[1] & runs).any()]:
            machines.remove(other)
            names, runs = names | other[0], runs | other[1]
        machines.append((names, runs))
    if sum(runs.any() for _, runs in machines) < 2:
        return [np.ones(len(nights.runs), dtype=np.bool_)] * len(devices)
    of = {name: runs for names, runs in machines for name in names}
    return [of[device] for device in devices]


def absence(own: Flags, others: Flags) -> int:
    """Returns how many runs of others a machine let pass since its latest run; 0 where that is not unusual.

    Args:
        own: Whether each run is of the machine, shape (n_runs,), for one at least.
        others: Whether each run is one of others that has ended, same shape.
    """
    passed = others.cumsum()[np.flatnonzero(own)]
    usual = int(np.diff(passed).max(initial=1))
    since = int(others.sum() - passed[-1])
    return since if since > USUAL * usual else 0
