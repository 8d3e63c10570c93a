"""Runs a function in several processes that torch connects, as ``torchrun`` would start them."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from torch import distributed

from hwcost.supernets.process_group import connected
from tests.conftest import PATIENCE_S


def together(count: int, folder: Path, work: Callable[[], Any], ends: Sequence[int] | None = None) -> None:
    """Runs a function in ``count`` processes, and waits for them; each must end well.

    Args:
        count: Number of processes.
        folder: Folder for the file by which they find each other.
        work: Function that every one of them runs; what it returns is lost.
        ends: Exit code of each, negative where a signal ends it; None for 0.
    """
    meeting = folder / "meeting"
    meeting.unlink(missing_ok=True)

    def one(rank: int) -> None:
        with connected(distributed.FileStore(str(meeting), count), rank, count):
            work()

    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=one, args=(rank,)) for rank in range(count)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(PATIENCE_S)
        if process.is_alive():
            process.kill()
            process.join()
    assert [process.exitcode for process in processes] == list(ends or [0] * count)
