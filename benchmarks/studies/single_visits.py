"""Workloads that are timed in turn, beside long visits of one workload, in a process of its own or in the same one."""

from __future__ import annotations

import multiprocessing
import random
import statistics
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from types import TracebackType

from studies.sized_workloads import prepared, workloads

from hwcost.timing.execution.member import Member

SETTLING = 0.25
"""Share of a visit's blocks that are left out at its beginning."""

LEAST_BLOCKS = 4
"""Blocks of a visit at the least, however long a call takes."""

QUICK_S = 0.1
"""Workloads whose blocks are quicker than that take part in every pass, the others in the first."""

PASSES = 5
"""Passes between two visits."""

_processes = multiprocessing.get_context("spawn")


class Passes:
    """A process that has prepared all workloads, and makes passes over them on demand.

    Args:
        backend: Name of the backend.
        longest: Number of kinds of nets of full size, see :func:`workloads`.
    """

    def __init__(self, backend: str, longest: int) -> None:
        self._pipe, theirs = _processes.Pipe()
        self._process = _processes.Process(target=_make_passes, args=(backend, longest, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def make(self) -> list[float]:
        """Makes passes in random order and returns the median seconds per call of each workload's blocks."""
        self._pipe.send(None)
        found: list[float] = self._pipe.recv()
        return found

    def visit(self, index: int, seconds: float) -> float:
        """Measures one workload for so many seconds, and returns the median seconds per call of its blocks."""
        self._pipe.send((index, seconds))
        found: float = self._pipe.recv()
        return found

    def __enter__(self) -> Passes:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pipe.close()
        self._process.join()


def rounds(
    backend: str, longest: int, number: int, visit_s: float, is_same_process: bool = False
) -> Iterator[list[tuple[float, float]]]:
    """Yields rounds; in each, a process makes passes over all workloads between the visits of one after another.

    Args:
        backend: Name of the backend.
        longest: Number of kinds of nets of full size.
        number: Number of rounds.
        visit_s: Seconds of a visit.
        is_same_process: Whether visits are made in the process of the passes, and not in one of their own.

    Yields:
        Seconds per call of each workload: the mean of the passes before and after its visit, and the median of the visit.
    """
    count, rng = len(workloads(longest)), random.Random(0)
    for _ in range(number):
        found: dict[int, tuple[float, float]] = {}
        with Passes(backend, longest) as passes:
            before = passes.make()
            for index in rng.sample(range(count), count):
                alone_s = passes.visit(index, visit_s) if is_same_process else visit(backend, longest, index, visit_s)
                after = passes.make()
                found[index] = (before[index] + after[index]) / 2, alone_s
                before = after
        yield [found[index] for index in range(count)]


def visit(backend: str, longest: int, index: int, seconds: float) -> float:
    """Measures one workload alone in a process of its own and returns the median seconds per call of its blocks.

    Raises:
        EOFError: When that process ended before, having said why.
    """
    ours, theirs = _processes.Pipe(duplex=False)
    process = _processes.Process(target=_measure_alone, args=(backend, longest, index, seconds, theirs), daemon=True)
    process.start()
    theirs.close()
    found: float = ours.recv()
    process.join()
    return found


def _make_passes(backend: str, longest: int, pipe: Connection) -> None:
    """Makes passes and long visits for the other end of a pipe until it is closed."""
    members, rng = prepared(backend, workloads(longest)), random.Random(0)
    quick = [index for index, member in enumerate(members) if member.loop.seconds < QUICK_S]
    while True:
        try:
            asked = pipe.recv()
        except EOFError:
            return
        if asked is not None:
            pipe.send(_long_visit(members[asked[0]], asked[1]))
            continue
        found: list[list[float]] = [[] for _ in members]
        for number in range(PASSES):
            order = quick if number else list(range(len(members)))
            for index in rng.sample(order, len(order)):
                found[index].append(members[index].block(number).block.per_call_s)
        pipe.send([statistics.median(one) for one in found])


def _measure_alone(backend: str, longest: int, index: int, seconds: float, pipe: Connection) -> None:
    """Times blocks of one workload for so many seconds and sends their median."""
    pipe.send(_long_visit(prepared(backend, workloads(longest)[index : index + 1])[0], seconds))


def _long_visit(member: Member, seconds: float) -> float:
    """Times blocks of a workload, one after another, and returns the median seconds per call of those that are steady."""
    found, end = [], time.monotonic() + seconds
    while len(found) < LEAST_BLOCKS or time.monotonic() < end:
        found.append(member.block(len(found)).block.per_call_s)
    return statistics.median(found[int(SETTLING * len(found)) :])
