"""One visit: prepare a workload, let it settle, time it until it is precise enough, and say what to doubt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hwcost.errors import HwcostError, MeasurementError, UsageError
from hwcost.measure import conditions, guards, steady, stopping, timer
from hwcost.measure.measurement import Flag, Status, Visit
from hwcost.measure.protocol import Protocol

if TYPE_CHECKING:
    from hwcost.backends.base import Backend, Runner
    from hwcost.devices.profile import DeviceProfile
    from hwcost.workloads.base import Workload


@dataclass(frozen=True, slots=True)
class Place:
    """Where a visit stands in its campaign: round and position, both from 0."""

    round: int
    position: int


@dataclass(slots=True)
class _Timed:
    """The blocks of a visit as they come."""

    first: timer.Block
    first_run_s: float
    blocks: list[timer.Block] = field(init=False)
    settled: int | None = None

    def __post_init__(self) -> None:
        self.blocks = [self.first]

    @property
    def per_call_s(self) -> list[float]:
        return [block.per_call_s for block in self.blocks]

    @property
    def spent_s(self) -> float:
        return sum(block.seconds for block in self.blocks)

    def steady_blocks(self) -> list[timer.Block]:
        return [] if self.settled is None else self.blocks[self.settled :]


def visit(backend: Backend, workload: Workload, device: DeviceProfile, protocol: Protocol, place: Place) -> Visit:
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
        return _timed_visit(runner, workload, protocol, place, started_at, prepare_s)
    except Exception as error:
        return failed(workload, place, started_at, error)
    finally:
        runner.close()


def failed(workload: Workload, place: Place, started_at: str, error: Exception) -> Visit:
    """Makes the visit of a workload that raised."""
    return Visit(
        workload.key, place.round, place.position, started_at=started_at, status="failed", flags=(_reason(workload, error),)
    )


def _reason(workload: Workload, error: Exception) -> Flag:
    from hwcost.backends.memory import is_out_of_memory, out_of_memory

    if is_out_of_memory(error) and not isinstance(error, HwcostError):
        error = out_of_memory(workload, error)
    text = str(error) if isinstance(error, HwcostError) else f"{type(error).__name__}: {error}"
    if isinstance(error, MeasurementError) and text.startswith("E_"):
        code, _, text = text.partition(": ")
        return Flag(code, text)
    return Flag("E_FAILED", f"'{workload.name}' failed: {text[:2000]}")


def _timed_visit(
    runner: Runner, workload: Workload, protocol: Protocol, place: Place, started_at: str, prepare_s: float
) -> Visit:
    clock = timer.Clock(runner.clock)
    first_run_s = timer.time_block(runner.run, 1, clock).seconds
    before = conditions.read()
    compiled = runner.compile_events()
    started_s = clock.now_s()
    timed = _Timed(timer.first_block(runner.run, protocol.min_block_s, clock), first_run_s)
    _time_until_done(runner, timed, protocol, clock)
    ended_s = clock.now_s()
    compiled = runner.compile_events() - compiled
    during: dict[str, Any] = {} if clock.is_virtual else conditions.between(before, conditions.read())
    samples, left_out = _counted(timed, protocol)
    flags = _doubts(timed, samples, left_out, during, compiled)
    during |= {} if clock.is_virtual else conditions.state()
    warmup = timed.per_call_s[: timed.settled]
    return Visit(
        workload_key=workload.key,
        round=place.round,
        position=place.position,
        samples_s=tuple(samples),
        calls_per_block=timed.first.calls,
        warmup_s=tuple(warmup),
        steady=steady.classify(warmup, samples, protocol.steady_tolerance),
        started_at=started_at,
        started_s=started_s,
        ended_s=ended_s,
        prepare_s=prepare_s,
        first_run_s=timed.first_run_s,
        cpu_s=None if clock.is_virtual else sum(block.cpu_s or 0.0 for block in timed.blocks),
        conditions=during | {"blocks_left_out": left_out},
        facts=runner.facts,
        flags=tuple(flags),
        status=_status(flags),
    )


def _time_until_done(runner: Runner, timed: _Timed, protocol: Protocol, clock: timer.Clock) -> None:
    """Times blocks until the visit is steady and precise, and has enough blocks in which it kept the processor."""
    while True:
        timed.blocks.append(timer.time_block(runner.run, timed.first.calls, clock))
        verdict = stopping.judge(timed.per_call_s, timed.spent_s, protocol, timed.settled)
        if timed.settled is None and verdict.warmup < len(timed.blocks):
            timed.settled = verdict.warmup
        if verdict.finished and (_enough(timed, protocol) or timed.spent_s >= protocol.steady_cap_s):
            return


def _enough(timed: _Timed, protocol: Protocol) -> bool:
    blocks = timed.steady_blocks()
    clean = len(blocks) - sum(guards.disturbed(blocks))
    return not blocks or clean >= protocol.min_blocks or len(blocks) >= protocol.max_blocks


def _counted(timed: _Timed, protocol: Protocol) -> tuple[list[float], int]:
    """Returns the seconds per call of the blocks that count, and how many were left out.

    Disturbed blocks are left out where enough others remain; never so many that fewer than half a visit is left.
    """
    blocks = timed.steady_blocks()
    marks = guards.disturbed(blocks)
    clean = [block.per_call_s for block, mark in zip(blocks, marks, strict=True) if not mark]
    if len(clean) < protocol.min_blocks / 2:
        return [block.per_call_s for block in blocks], 0
    return clean, sum(marks)


def _doubts(
    timed: _Timed, samples: list[float], left_out: int, during: dict[str, Any], compiled: int
) -> list[Flag]:
    if timed.settled is None:
        return [Flag("E_NO_STEADY", f"{len(timed.blocks)} blocks in {timed.spent_s:.1f} s never settled.",
                     "Let the machine cool or rest; see the samples.")]
    return guards.of_visit(samples, left_out, during, compiled)


def _status(flags: list[Flag]) -> Status:
    if any(flag.code.startswith("E_") for flag in flags):
        return "void"
    return "warn" if any(flag.code.startswith("W_") for flag in flags) else "ok"
