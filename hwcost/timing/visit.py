"""One visit: prepare a workload, let it settle, time it until it is precise enough, and say what to doubt."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hwcost.errors import DeviceError, HwcostError, MeasurementError, UsageError
from hwcost.timing import cache, guards, steady, timer, work
from hwcost.timing.blocks import AcceptedBlocks, Blocks
from hwcost.timing.measurement import Flag, Status, Visit
from hwcost.timing.protocol import Protocol
from hwcost.timing.telemetry import Telemetry, telemetry_of

if TYPE_CHECKING:
    from hwcost.backends.base import Backend, Runner
    from hwcost.devices import DeviceHandle
    from hwcost.workloads.base import Workload

CHEAP = 0.17
"""Share of a visit's time that a further check may take in every round: a sixth, as of a quick workload's twelve blocks."""


QUEUED = 0.01
"""A call whose pause is below this share of its own time arrived while the one before it ran."""


@dataclass(frozen=True, slots=True)
class VisitIndex:
    """The place of a visit in its campaign.

    Attributes:
        round: Number of the round, from 0.
        position: Number in the round's order, from 0.
    """

    round: int
    position: int


@dataclass(frozen=True, slots=True)
class _Task:
    """A workload with the device, the protocol and the counters that it is measured with."""

    workload: Workload
    handle: DeviceHandle
    threads: int
    protocol: Protocol
    index: VisitIndex
    telemetry: Telemetry


def visit(
    backend: Backend,
    workload: Workload,
    handle: DeviceHandle,
    protocol: Protocol,
    index: VisitIndex,
    telemetry: Telemetry | None = None,
) -> Visit:
    """Measures one workload once.

    A workload that raises, or runs out of memory, gives a visit with status ``failed`` and the reason.

    Args:
        backend: Runtime that executes.
        workload: Workload that is measured.
        handle: Device that it is measured on.
        protocol: Limits and criteria of the visit.
        index: Place of the visit in its campaign.
        telemetry: Provider of counters; None for the one of the device's kind.

    Raises:
        UsageError: When the backend cannot run this workload at all.
        DeviceError: When the device was lost.
    """
    task = _Task(workload, handle, backend.threads, protocol, index, telemetry or telemetry_of(backend, handle))
    preparing = timer.stopwatch()
    try:
        runner = backend.prepare(workload, handle)
    except (UsageError, DeviceError):
        raise
    except Exception as error:
        return _failed(task, error)
    prepare_s = preparing()
    try:
        return _timed_visit(runner, task, prepare_s)
    except (UsageError, DeviceError):
        raise
    except Exception as error:
        return _failed(task, error)
    finally:
        runner.close()


def _failed(task: _Task, error: Exception) -> Visit:
    """Makes the visit of a workload that raised, unless the device itself is gone: then that is raised."""
    task.telemetry.check()
    key, flags = task.workload.key, (_reason(task.workload, error),)
    now = timer.utc_now()
    return Visit(key, task.index.round, task.index.position, started_at=now, status="failed", flags=flags)


def _reason(workload: Workload, error: Exception) -> Flag:
    from hwcost.backends.causes import plain_cause
    from hwcost.backends.memory import is_out_of_memory, out_of_memory

    raised = error.__cause__ if isinstance(error, MeasurementError) and error.__cause__ else error  # by a user's factory
    if is_out_of_memory(raised) and not isinstance(raised, HwcostError):
        error = out_of_memory(workload, raised)
    text = str(error) if isinstance(error, HwcostError) else f"{type(error).__name__}: {plain_cause(error)}"
    if isinstance(error, MeasurementError) and text.startswith("E_"):
        code, _, text = text.partition(": ")
        return Flag(code, text)
    return Flag("E_FAILED", f"'{workload.name}' failed: {text[:2000]}")


def _timed_visit(runner: Runner, task: _Task, prepare_s: float) -> Visit:
    clock = timer.clock_of(runner)
    first_run_s = timer.time_block(runner.time_block, 1).seconds
    cache_bytes = cache.last_cache_bytes(task.handle.profile)
    seed = f"{task.workload.key}/{task.index.round}"
    blocks = Blocks(runner, clock, task.protocol, task.telemetry, seed, cache_bytes)
    task.telemetry.begin()
    compiled = runner.compile_events()
    started_at, started_s = timer.utc_now(), clock.now_s()
    blocks.time()
    ended_s = clock.now_s()
    compiled = runner.compile_events() - compiled
    seen = task.telemetry.end()
    accepted = blocks.accepted()
    seen |= _block_conditions(blocks, accepted) | _arrival(blocks) | _cache(runner, task)
    flags = _doubts(blocks, task, accepted, seen, compiled, ended_s - started_s)
    warmup = blocks.per_call_s[: blocks.steady_from]
    cpu_s = [block.cpu_s for block in blocks.timed if block.cpu_s is not None]
    return Visit(
        workload_key=task.workload.key,
        round=task.index.round,
        position=task.index.position,
        samples_s=tuple(accepted.samples),
        device_samples_s=None if accepted.device_samples is None else tuple(accepted.device_samples),
        calls_per_block=blocks.calls,
        warmup_s=tuple(warmup),
        steady=steady.classify(warmup, accepted.samples, task.protocol.steady_tolerance),
        started_at=started_at,
        started_s=started_s,
        ended_s=ended_s,
        prepare_s=prepare_s,
        first_run_s=first_run_s,
        cpu_s=sum(cpu_s) if cpu_s else None,
        conditions=seen,
        facts=runner.facts,
        flags=tuple(flags),
        status=_status(flags),
    )


def _block_conditions(blocks: Blocks, accepted: AcceptedBlocks) -> dict[str, Any]:
    """Returns what the counters of the blocks say of the visit."""
    return {
        "clock_ratio": guards.clock_ratio(blocks.timed),
        "left_out_s": accepted.left_out,
        "cpu_wait_fraction": accepted.wait_fraction,
        "cpu_fraction": accepted.cpu_fraction,
        "disturbed_blocks": accepted.disturbed,
    }


def _arrival(blocks: Blocks) -> dict[str, Any]:
    """Returns how calls arrived, where they came with pauses: the median pause, and the share of calls that had to queue."""
    if not blocks.arrival.has_pauses:
        return {}
    pauses = [(block.idle_s or 0.0, block.seconds) for block in blocks.timed]
    queued = sum(idle_s < QUEUED * seconds for idle_s, seconds in pauses) / len(pauses)
    idle_s = statistics.median(idle_s for idle_s, _ in pauses)
    return {"arrival": {"calls": str(blocks.arrival), "idle_s": idle_s, "queued": queued}}


def _cache(runner: Runner, task: _Task) -> dict[str, Any]:
    """Returns whether a component ran from the cache alone; the cold calls beside it are timed in the first round only."""
    found = {} if task.protocol.cache == "cold" else cache.fits_cache(task.workload, task.handle.profile)
    if found and not task.index.round:
        found["cold_s"] = cache.cold_call_s(runner, found["cache_bytes"])
    return {"hot_cache": found} if found else {}


def _doubts(
    blocks: Blocks, task: _Task, accepted: AcceptedBlocks, seen: dict[str, Any], compiled: int, span_s: float
) -> list[Flag]:
    if blocks.steady_from is None:
        return [_never_steady(blocks)]
    flags = guards.of_visit(
        accepted.samples, seen, name=task.workload.name, left_out=accepted.left_out, compiled=compiled, span_s=span_s
    )
    not_executed = _check_async(blocks, task)
    return [*flags, not_executed] if not_executed else flags


def _never_steady(blocks: Blocks) -> Flag:
    what, per_block = steady.why_not(blocks.per_call_s, blocks.protocol.steady_tolerance, blocks.protocol.window)
    per_second = per_block * len(blocks.timed) / blocks.spent_s
    text = f"{len(blocks.timed)} blocks in {blocks.spent_s:.1f} s (cap {blocks.cap_s:.3g} s) never became steady: "
    text += f"{what}, by {100 * per_second:+.2g} % per second."
    return Flag("E_NO_STEADY", text, "Let the machine cool or rest, and see the samples.")


def _check_async(blocks: Blocks, task: _Task) -> Flag | None:
    """Checks that the work is really done; twice the calls are timed in the first round, or where that is cheap.

    Where every call is timed by itself, that is checked on calls back to back: two of them may cost less than one that comes
    after a pause, or finds the caches empty.
    """
    calls, seconds = blocks.calls, [block.seconds for block in blocks.steady]
    latency_s = min(seconds) / calls
    is_wanted = not task.index.round or 2 * min(seconds) <= CHEAP * blocks.spent_s
    if is_wanted and task.protocol.times_single_calls:
        block = timer.first_block(blocks.runner.time_block, task.protocol.min_block_s, blocks.clock)
        calls, seconds = block.calls, [block.seconds]
    ratio = work.repeat_ratio(blocks.runner.time_block, calls, seconds) if is_wanted else None
    return work.check_async(latency_s, work.bound_s(task.workload, task.handle.profile, task.threads), ratio)


def _status(flags: list[Flag]) -> Status:
    if any(flag.code.startswith("E_") for flag in flags):
        return "void"
    return "warn" if any(flag.code.startswith("W_") for flag in flags) else "ok"
