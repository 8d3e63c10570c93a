"""What processes that train together tell each other beside their trainings; needs no torch by itself.

They write to the store by which torch connects them. A process that waits there sleeps, and looks twice a second, however
long another one measures or searches; and an error of one reaches all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from time import sleep
from typing import Any, NamedTuple

from hwcost.errors import HwcostError, InterruptedRunError

__all__ = ["Board", "Failure", "GoneError", "board", "hung"]

NOTE, FAILURE = "hwcost note", "hwcost failure"
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.001, 0.5
"""Seconds between two looks for a note: at first, and after long waiting."""
INTERRUPTED = InterruptedRunError.exit_code


class GoneError(InterruptedRunError):
    """A process that this one works with is gone without a word, or cannot be reached any more.

    Args:
        reason: Words of whatever noticed it.

    Attributes:
        what: The message without advice.
    """

    def __init__(self, reason: str) -> None:
        self.what = f"another process is gone without a word ({reason}): it was killed, out of memory, or cut off"
        super().__init__(f"{self.what}. The same command resumes from what was kept")


class Failure(NamedTuple):
    """The error that ended a process.

    Attributes:
        rank: Number of the process.
        exit_code: Its exit code.
        text: Message of its error.
    """

    rank: int
    exit_code: int
    text: str


class Board:
    """Notes of the first process, which the others read one after the other, and the error that ends one of them.

    Args:
        store: A store of torch, which all processes reach.
        rank: Number of this process, from 0.
        count: Number of processes.
    """

    def __init__(self, store: Any, rank: int, count: int) -> None:
        self.rank, self.count = rank, count
        self._store, self._number = store, 0

    def post(self, note: Any) -> None:
        """Posts a note, plain JSON, for every other process."""
        self._store.set(f"{NOTE} {self._number}", json.dumps(note))
        self._number += 1

    def read(self) -> Any:
        """Returns the next note; sleeps until it is posted, or until a process has failed: None then."""
        name, pause_s = f"{NOTE} {self._number}", FIRST_PAUSE_S
        while self.failure() is None and not self._store.check([name]):
            sleep(pause_s)
            pause_s = min(LONGEST_PAUSE_S, 2 * pause_s)
        if self.failure() is not None:
            return None
        self._number += 1
        return json.loads(self._store.get(name))

    def fail(self, error: BaseException) -> None:
        """Posts the error that ends this process, unless one was posted before."""
        if self.failure() is not None:
            return
        code = INTERRUPTED if isinstance(error, KeyboardInterrupt) else getattr(error, "exit_code", HwcostError.exit_code)
        failure = Failure(self.rank, int(code), str(error) or type(error).__name__)
        self._store.set(FAILURE, json.dumps(failure))

    def failure(self) -> Failure | None:
        """Returns the error that was posted; None where there is none."""
        try:
            return Failure(*json.loads(self._store.get(FAILURE))) if self._store.check([FAILURE]) else None
        except RuntimeError:  # the store is gone, and with it the process that held it
            return Failure(0, INTERRUPTED, "it is gone without a word. Was it killed, or out of memory?")


_board: Board | None = None


def board() -> Board | None:
    """Returns the board of the processes that train together; None for a process by itself."""
    return _board


@contextmanager
def hung(made: Board) -> Iterator[None]:
    """Makes a board that of this process, for as long as the block runs."""
    global _board
    _board = made
    try:
        yield
    finally:
        _board = None
