"""Engines that run the functions of a study on other machines, as executors of ``concurrent.futures``.

Those that are such executors already, as Dask's ``client.get_executor()`` is, need nothing from here.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from hwcost._extras import imported
from hwcost.errors import UsageError

P = ParamSpec("P")
T = TypeVar("T")

WAITERS = 256
"""Jobs whose ends are waited for at once; further ones are queued all the same."""


class SubmititExecutor(Executor):
    """Runs functions as jobs of submitit, on Slurm or on this machine.

    submitit keeps functions and results as pickles in its folder: whoever may write there may run code as you.

    Args:
        executor: Executor of submitit, such as ``submitit.AutoExecutor("jobs")``, with its parameters set.

    Raises:
        UsageError: When it is not one.
    """

    def __init__(self, executor: Any) -> None:
        if not (hasattr(executor, "submit") and hasattr(executor, "update_parameters")):
            text = f"expected an executor of submitit, such as submitit.AutoExecutor('jobs'), got {executor!r:.60}"
            raise UsageError(text)
        self._executor = executor
        self._waiters = ThreadPoolExecutor(WAITERS, "hwcost-submitit")

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Queues a call."""
        return self._waiters.submit(self._executor.submit(fn, *args, **kwargs).result)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Ends the executor; jobs that are queued go on."""
        self._waiters.shutdown(wait, cancel_futures=cancel_futures)


class RayExecutor(Executor):
    """Runs functions as tasks of the Ray cluster that this process is connected to by ``ray.init``.

    Args:
        **options: Options of Ray's tasks, such as ``num_cpus=1`` or ``resources={"k80": 1}``.

    Raises:
        MissingExtraError: When Ray is not installed.
    """

    def __init__(self, **options: Any) -> None:
        self._ray = imported("ray", "ray")
        self._options = options

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Queues a call."""
        task = self._ray.remote(**self._options)(fn) if self._options else self._ray.remote(fn)
        future: Future[T] = task.remote(*args, **kwargs).future()
        return future
