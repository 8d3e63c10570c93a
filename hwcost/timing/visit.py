"""One visit: prepare a workload, let it settle, time it until it is precise enough, and say what to doubt."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hwcost.errors import HwcostError, MeasurementError, UsageError
from hwcost.timing import cache, conditions, guards, steady, timer, work
from hwcost.timing.arrival import Arrival
from hwcost.timing.blocks import AcceptedBlocks, Blocks
from hwcost.timing.measurement import Flag, Status, Visit
from hwcost.timing.protocol import Protocol

if TYPE_CHECKING:
    from hwcost.backends.base import Backend, Runner
    from hwcost.devices.profile import DeviceProfile
    from hwcost.workloads.base import Workload

CHEAP = 0.17
"""Share of a visit's time that a further check may take in every round: a sixth, as of a quick workload's twelve blocks."""


QUEUED = 0.01
"""A call whose pause is below this share of its own time arrived while the one before it ran."""


@dataclass(frozen=True, slots=True)
class VisitIndex:
    """Where a visit stands in its campaign: round and position, both from 0."""

    round: int
    position: int


@dataclass(frozen=True, slots=True)
class _Task:
    """What is visited, where and how."""

    workload: Workload
    device: DeviceProfile
    threads: int
    protocol: Protocol
    place: VisitIndex


def visit(backend: Backend, workload: Workload, device: DeviceProfile, protocol: Protocol, place: VisitIndex) -> Visit:
    """Measures one workload once.

    A workload that raises, or runs out of memory, gives a visit with status ``failed`` and the reason.

    Raises:
        UsageError: When the backend cannot run this workload at all.
    """
    started_at = timer.utc_now()
    preparing = timer.stopwatch()
    try:
        runner = backend.prepare(workload, device)
    except UsageError:
        raise
    except Exception as error:
        return failed(workload, place, started_at, error)
    prepare_s = preparing()
    try:
        task = _Task(workload, device, backend.threads, protocol, place)
        return _timed_visit(runner, task, started_at, prepare_s)
    except Exception as error:
        return failed(workload, place, started_at, error)
    finally:
        runner.close()


def failed(workload: Workload, place: VisitIndex, started_at: str, error: Exception) -> Visit:
    """Makes the visit of a workload that raised."""
    return Visit(
        workload.key, place.round, place.position, started_at=started_at, status="failed", flags=(_reason(workload, error),)
    )


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


def _timed_visit(runner: Runner, task: _Task, started_at: str, prepare_s: float) -> Visit:
    clock = timer.Clock(runner.clock, runner.clock_step_s)
    first_run_s = timer.time_block(runner.run, 1, clock).seconds
    before = _counters(runner, clock)
    compiled = runner.compile_events()
    started_s = clock.now_s()
    blocks = Blocks(runner, clock, task.protocol, seed=f"{task.workload.key}/{task.place.round}")
    blocks.time()
    ended_s = clock.now_s()
    compiled = runner.compile_events() - compiled
    seen = conditions.between(before, _counters(runner, clock)) if before else {}
    seen |= ({} if clock.is_virtual else conditions.state()) | runner.state()
    counted = blocks.accepted()
    seen |= {"clock_ratio": guards.clock_ratio(blocks.timed), "left_out_s": counted.left_out}
    seen |= {"cpu_wait_fraction": counted.wait_fraction, "cpu_fraction": counted.cpu_fraction}
    seen |= {"disturbed_blocks": counted.disturbed}
    seen |= _arrival(blocks) | _cache(runner, clock, task)
    flags = _doubts(blocks, task, counted, seen, compiled, ended_s - started_s)
    warmup = blocks.per_call_s[: blocks.settled]
    return Visit(
        workload_key=task.workload.key,
        round=task.place.round,
        position=task.place.position,
        samples_s=tuple(counted.samples),
        calls_per_block=blocks.calls,
        warmup_s=tuple(warmup),
        steady=steady.classify(warmup, counted.samples, task.protocol.steady_tolerance),
        started_at=started_at,
        started_s=started_s,
        ended_s=ended_s,
        prepare_s=prepare_s,
        first_run_s=first_run_s,
        cpu_s=None if clock.is_virtual else sum(block.cpu_s or 0.0 for block in blocks.timed),
        conditions=seen,
        facts=runner.facts,
        flags=tuple(flags),
        status=_status(flags),
    )


def _counters(runner: Runner, clock: timer.Clock) -> conditions.Reading:
    """Reads the machine's counters; those that the backend tells take their place, and a virtual clock has no others."""
    own = {name: value for name, value in runner.state().items() if name in conditions.COUNTERS}
    return own if clock.is_virtual else conditions.read() | own


def _arrival(blocks: Blocks) -> dict[str, Any]:
    """Returns how calls arrived, where they came with pauses: the median pause, and the share of calls that had to queue."""
    arrival = Arrival.parse(blocks.protocol.arrival)
    if not arrival.has_pauses:
        return {}
    pauses = [(block.idle_s or 0.0, block.seconds) for block in blocks.timed]
    queued = sum(idle_s < QUEUED * seconds for idle_s, seconds in pauses) / len(pauses)
    idle_s = statistics.median(idle_s for idle_s, _ in pauses)
    return {"arrival": {"calls": str(arrival), "idle_s": idle_s, "queued": queued}}


def _cache(runner: Runner, clock: timer.Clock, task: _Task) -> dict[str, Any]:
    """Returns what tells whether a component ran from the cache alone; the cold calls are timed in the first round only."""
    found = cache.fits_cache(task.workload, task.device)
    if not found or task.device.kind != "cpu" or task.place.round:
        return {"hot_cache": found} if found else {}
    return {"hot_cache": found | {"cold_s": cache.cold_call_s(runner, clock, found["cache_bytes"])}}


def _doubts(
    blocks: Blocks, task: _Task, counted: AcceptedBlocks, seen: dict[str, Any], compiled: int, span_s: float
) -> list[Flag]:
    if blocks.settled is None:
        return [_unsettled(blocks)]
    flags = guards.of_visit(
        counted.samples, seen, name=task.workload.name, left_out=counted.left_out, compiled=compiled, span_s=span_s
    )
    not_executed = _check_async(blocks, task)
    return [*flags, not_executed] if not_executed else flags


def _unsettled(blocks: Blocks) -> Flag:
    what, per_block = steady.unsettled(blocks.per_call_s, blocks.protocol.steady_tolerance, blocks.protocol.window)
    per_second = per_block * len(blocks.timed) / blocks.spent_s
    text = f"{len(blocks.timed)} blocks in {blocks.spent_s:.1f} s (cap {blocks.cap_s:.3g} s) never settled: "
    text += f"{what}, by {100 * per_second:+.2g} % per second."
    return Flag("E_NO_STEADY", text, "Let the machine cool or rest, and see the samples.")


def _check_async(blocks: Blocks, task: _Task) -> Flag | None:
    """Checks that the work is really done; twice the calls are timed in the first round, or where that is cheap.

    Where calls come with pauses, that is checked on calls back to back: two of them may cost less than one after a pause.
    """
    calls, seconds = blocks.calls, [block.seconds for block in blocks.steady]
    latency_s = min(seconds) / calls
    is_wanted = not task.place.round or 2 * min(seconds) <= CHEAP * blocks.spent_s
    if is_wanted and Arrival.parse(task.protocol.arrival).has_pauses:
        block = timer.first_block(blocks.runner.run, task.protocol.min_block_s, blocks.clock)
        calls, seconds = block.calls, [block.seconds]
    ratio = work.repeat_ratio(blocks.runner, blocks.clock, calls, seconds) if is_wanted else None
    return work.check_async(latency_s, work.bound_s(task.workload, task.device, task.threads), ratio)


def _status(flags: list[Flag]) -> Status:
    if any(flag.code.startswith("E_") for flag in flags):
        return "void"
    return "warn" if any(flag.code.startswith("W_") for flag in flags) else "ok"
