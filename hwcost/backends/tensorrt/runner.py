"""Runs an engine again and again, as one CUDA graph a call where asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hwcost.backends.base import BlockTiming, Runner
from hwcost.backends.causes import plain_cause
from hwcost.errors import MeasurementError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hwcost.backends.tensorrt.engine import Engine
    from hwcost.backends.tensorrt.gpu import Gpu


class TensorRTRunner(Runner):
    """A loaded engine that is ready to run.

    Args:
        engine: The engine.
        gpu: GPU that it runs on.
        uses_graph: Whether a call is recorded once as a CUDA graph and launched as a whole.
        facts: Facts about what really runs.

    Raises:
        MeasurementError: When the call cannot be recorded.
    """

    def __init__(self, engine: Engine, gpu: Gpu, uses_graph: bool, facts: dict[str, Any]) -> None:
        super().__init__()
        self._engine: Engine | None = engine
        self._gpu, self.facts = gpu, facts
        engine.enqueue()  # TensorRT allocates during the first call, which cannot be recorded
        gpu.synchronize()
        self._call: Callable[[], None] = _recorded(engine, gpu) if uses_graph else engine.enqueue

    def run(self, n: int) -> None:
        """See the base class."""
        self._issue(n)
        self._gpu.synchronize()

    def time_block(self, n: int) -> BlockTiming:
        """See the base class; the GPU's seconds are those between two events on the stream."""
        clock = self.clock
        assert clock is not None
        start = clock()
        returned: list[int] = []

        def issue() -> None:
            self._issue(1)
            returned.append(clock())
            self._issue(n - 1)

        device_s = self._gpu.timed(issue)
        return BlockTiming((clock() - start) * 1e-9, device_s, (returned[0] - start) * 1e-9)

    def outputs(self) -> list[NDArray[Any]]:
        """See the base class."""
        self.run(1)
        assert self._engine is not None
        return self._engine.outputs()

    def empty_caches(self, cache_bytes: int) -> bool:
        """See the base class; those of the GPU are overwritten by itself."""
        self._gpu.sweep(cache_bytes)
        return True

    def close(self) -> None:
        """See the base class."""
        self._engine, self._call = None, _closed
        self._gpu.release()

    def _issue(self, n: int) -> None:
        call = self._call
        for _ in range(n):
            call()


def _recorded(engine: Engine, gpu: Gpu) -> Callable[[], None]:
    try:
        return gpu.captured(engine.enqueue)
    except (MeasurementError, RuntimeError) as error:
        raise MeasurementError(
            f"the engine cannot be recorded as a CUDA graph: {plain_cause(error)}. Take --backend-option cuda_graph=false."
        ) from error


def _closed() -> None:
    raise RuntimeError("the runner is closed")
