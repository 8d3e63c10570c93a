"""Facts that quantities are worked out from, found once a round when a workload is ready to run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hwcost.timing.peaks import peaks

if TYPE_CHECKING:
    from hwcost.timing.execution.member import Member
    from hwcost.timing.execution.watched_memory import WatchedMemory
    from hwcost.timing.setting import Setting


def of_quantities(member: Member, setting: Setting, memory: WatchedMemory | None) -> dict[str, Any]:
    """Returns the device's peaks, and memory and calls without a pause where a quantity that is asked for needs them.

    Args:
        member: The prepared workload.
        setting: Device, runtime and protocol of the process.
        memory: Memory that was watched since before it was prepared; None where nobody asks for it.
    """
    parts = [peaks(setting, member.workload.dtype)]
    if memory is not None:
        parts.append(memory.facts())
    lacking = setting.telemetry.unavailable()
    asked = [one for one in setting.protocol.asked if one.uninterrupted_s]
    readable = [one for one in asked if not set(one.reads) & set(lacking)]
    if readable:
        parts.append({"uninterrupted": member.uninterrupted(max(one.uninterrupted_s for one in readable))})
        lacking = setting.telemetry.unavailable()
    if asked:
        parts.append({"unavailable": lacking})
    reasons = {name: why for part in parts for name, why in part.get("unavailable", {}).items()}
    found = {name: value for part in parts for name, value in part.items() if name != "unavailable"}
    return found | ({"unavailable": reasons} if reasons else {})
