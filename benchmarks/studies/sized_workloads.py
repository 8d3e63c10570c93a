"""Workloads from some 20 us to 2 s a call, prepared as a campaign's worker prepares them."""

from __future__ import annotations

from hwcost.backends import usable
from hwcost.campaign.processes.exports import export
from hwcost.devices import require
from hwcost.spaces import space
from hwcost.timing.execution.groups import Process
from hwcost.timing.execution.member import Member
from hwcost.timing.processes.exporter import ExportJob
from hwcost.timing.protocol import protocol
from hwcost.timing.setting import Limits, Setting
from hwcost.timing.telemetry import telemetry_of
from hwcost.workloads import component_stacks, models
from hwcost.workloads.base import Workload


def workloads(longest: int) -> list[Workload]:
    """Makes workloads of all sizes.

    Args:
        longest: Number of kinds of nets of full size, from 0 to 3; calls of the third take about 2 s.
    """
    mini, full = space("supershaper", scale="mini"), space("supershaper")
    small, large = mini.sample(2, seed=0, design="spread"), full.sample(3, seed=0, design="spread")[1:2]
    shape = {"batch_size": 1, "dtype": "float32"}
    parts = {one.name.split("[")[0]: one for one in component_stacks(mini, components=mini.parts(), seq_len=64, **shape)}
    found = [one for name, one in parts.items() if " x " not in name]
    found += [*models(mini, small, seq_len=64, **shape), *models(mini, small, seq_len=128, **shape | {"batch_size": 8})]
    for batch, seq in [(1, 16), (1, 128), (8, 128)][:longest]:
        found += models(full, large, seq_len=seq, **shape | {"batch_size": batch})
    return found


def prepared(name: str, made: list[Workload]) -> list[Member]:
    """Prepares workloads as a worker does, once what has to be exported is, and makes their pilot blocks.

    Args:
        name: Name of the backend.
        made: The workloads.
    """
    handle = require("cpu")
    backend = usable(name, handle.kind)(1, {})
    if missing := [one for one in made if backend.needs_export(one)]:
        export(ExportJob(name, {}, 1, backend.shares_weights), missing)
    setting = Setting(backend, handle, protocol("standard"), telemetry_of(backend, handle))
    process = Process(setting, Limits())
    members = [process.prepare(one, position) for position, one in enumerate(made)]
    for member in members:
        member.pilot()
    return members
