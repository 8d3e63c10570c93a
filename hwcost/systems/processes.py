"""The processes of a run: some work all of them do together, and the first one does everything else, as if it were alone.

``torchrun`` starts the processes. The first runs the stages one after the other; the others sleep until it comes to work
that is declared by :func:`together`, such as a training, and do that work with it: the same function with the same
arguments, on the results of finished stages as they lie in the run's folder. What such work returns counts in the first
process alone, and there alone it writes files.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from hwcost.errors import HwcostError, InterruptedRunError, MeasurementError
from hwcost.supernets.board import Board, Failure, GoneError, board

if TYPE_CHECKING:
    from hwcost.systems.base import Pipeline

Given = ParamSpec("Given")
Owner = TypeVar("Owner")
Found = TypeVar("Found")

_WORK: dict[str, Callable[..., Any]] = {}
DONE = "done"


class EndedError(HwcostError):
    """Another process of the run ended by an error, and so does this one.

    Args:
        failure: The other process's error.
        count: Number of processes.
    """

    def __init__(self, failure: Failure, count: int) -> None:
        super().__init__(f"process {failure.rank + 1} of {count} ended: {failure.text}")
        self.exit_code = failure.exit_code  # type: ignore[misc]


def together(work: Callable[Concatenate[Owner, Given], Found]) -> Callable[Concatenate[Owner, Given], Found]:
    """Declares a function as work that all processes of a run do together.

    Its first argument is the pipeline, and all others are plain JSON. Whatever it does that needs all processes, which is
    to train, to fine-tune, or to compute a perplexity, it does on all of them alike: it decides by its arguments, by results
    of finished stages, and by the preset. Files are written where :attr:`Processes.is_first`.
    """
    name = f"{work.__module__}.{work.__qualname__}"
    _WORK[name] = work

    @functools.wraps(work)
    def run(pipeline: Owner, /, *args: Given.args, **kwargs: Given.kwargs) -> Found:
        found: Found = pipeline.processes.work(pipeline, name, args, kwargs)  # type: ignore[attr-defined]
        return found

    return run


class Processes:
    """The processes of a run: those that ``torchrun`` connected, or this one by itself.

    Attributes:
        count: Number of processes.
        is_first: Whether this is the one that runs the stages.
    """

    def __init__(self) -> None:
        found = board()
        self._board: Board | None = found if found is not None and found.count > 1 else None
        self.count = 1 if self._board is None else self._board.count
        self.is_first = self._board is None or not self._board.rank
        self._is_within = False

    def work(self, pipeline: Any, name: str, args: Sequence[Any], options: Mapping[str, Any]) -> Any:
        """Does work in all processes, called by the first; or a part of such work, called by each.

        Raises:
            EndedError: When another process ended.
            InterruptedRunError: When another process was interrupted, or killed.
        """
        if self._board is not None and not self._is_within:
            self._check()
            self._board.post([name, list(args), dict(options)])
        return self._within(pipeline, name, args, options)

    @contextmanager
    def leading(self) -> Iterator[None]:
        """Makes the first process one by itself, and tells the others when the block ends, and how."""
        if self._board is None:
            yield
            return
        from hwcost.supernets.process_group import apart

        with apart(), self._failing(self._board):
            yield
            self._board.post([DONE])
            self._meet()

    def follow(self, pipeline: Pipeline[Any]) -> None:
        """Does what the first process asks for, until it is done.

        Raises:
            EndedError: When the first process ended by an error.
        """
        from hwcost.supernets.process_group import apart

        assert self._board is not None
        with apart(), self._failing(self._board):
            while (note := self._board.read()) is not None and note[0] != DONE:
                pipeline.read_finished()
                try:
                    self._within(pipeline, *note)
                except MeasurementError:  # all processes see the same losses: the first decides what comes of it
                    continue
            self._check()
            self._meet()

    @contextmanager
    def _failing(self, board: Board) -> Iterator[None]:
        """Tells the other processes of the error that ends this one."""
        try:
            yield
        except BaseException as error:
            board.fail(error)
            raise

    def _within(self, pipeline: Any, name: str, args: Sequence[Any], options: Mapping[str, Any]) -> Any:
        if self._board is None or self._is_within:
            return _WORK[name](pipeline, *args, **options)
        from hwcost.supernets.process_group import joined

        self._is_within = True
        try:
            with joined():
                return _WORK[name](pipeline, *args, **options)
        except (GoneError, RuntimeError):  # another process has gone, and may have said why
            self._check()
            raise
        finally:
            self._is_within = False

    def _meet(self) -> None:
        """Waits until every process is here, so that none goes while another one still reads what it holds."""
        from hwcost.supernets.process_group import here, joined

        with joined(), suppress(GoneError):  # all is done by now
            here().wait()

    def _check(self) -> None:
        failure = None if self._board is None else self._board.failure()
        if failure is not None and failure.exit_code == InterruptedRunError.exit_code and self.is_first:
            raise InterruptedRunError(str(EndedError(failure, self.count)))
        if failure is not None:
            raise EndedError(failure, self.count)
