"""The one XLA client of this process: the device that it computes on, and what torch_xla's counters tell about it."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hwcost.agent import processors
from hwcost.backends.libtpu import check_answers
from hwcost.errors import MeasurementError

if TYPE_CHECKING:
    import torch

PJRT = {"cpu": "CPU", "tpu": "TPU"}
"""Name that XLA's runtime gives each kind of device."""

PRECISION = "highest"
"""Precision of products of float32 matrices: left alone, a TPU rounds their numbers to bfloat16."""

ATEN = "aten::"
"""Beginning of the names of the counters of operators that torch computed on the host."""

_client: XlaClient | None = None


@dataclass(frozen=True, slots=True)
class XlaClient:
    """A started client; a process has one, for one kind of device and one number of threads.

    Attributes:
        kind: Name of the kind of device.
        threads: CPUs that XLA's own threads may use on a CPU.
        device: First device of the client, as torch names it.
    """

    kind: str
    threads: int
    device: torch.device

    def wait(self) -> None:
        """Returns when the device is done with all that it was given; ``torch_xla.sync(wait=True)`` returns before."""
        from torch_xla.core import xla_model

        xla_model.wait_device_ops()

    def compilations(self) -> int:
        """Counts the computations that were compiled since the client was started."""
        from torch_xla.debug import metrics

        compiled = metrics.metric_data("CompileTime")
        return max(metrics.counter_value("UncachedCompile") or 0, compiled[0] if compiled else 0)

    def compile_s(self) -> float:
        """Returns the seconds that XLA has compiled for since the client was started."""
        from torch_xla.debug import metrics

        compiled = metrics.metric_data("CompileTime")
        return float(compiled[1]) * 1e-9 if compiled else 0.0

    def on_host(self) -> Counter[str]:
        """Counts the operators that XLA does not have, and that torch therefore computed on the host, by name."""
        from torch_xla.debug import metrics

        counted = {name: metrics.counter_value(name) for name in metrics.counter_names() if name.startswith(ATEN)}
        return Counter({name.removeprefix(ATEN): count or 0 for name, count in counted.items()})

    def free_bytes(self) -> int | None:
        """Returns the free bytes of the chip's memory.

        Returns:
            None on a CPU, which has no memory of its own, and whose plug-in has no such count; and where the runtime does
            not tell: torch_xla 2.0 to 2.3 have none on a TPU either and raise, and older ones count in other units.
        """
        if self.kind == "cpu":
            return None
        from torch_xla.core import xla_model

        try:
            reported = xla_model.get_memory_info(self.device)
            limit, used = int(reported["bytes_limit"]), int(reported["bytes_used"])
        except (RuntimeError, AttributeError, KeyError, TypeError, ValueError):
            return None
        return limit - used if 0 <= used <= limit and limit else None


def started() -> XlaClient | None:
    """Returns the client of this process; None before it is started."""
    return _client


def client(kind: str, threads: int, probe_s: float) -> XlaClient:
    """Returns the client of this process, and starts it when it is first asked for.

    Args:
        kind: Name of the kind of device, ``cpu`` or ``tpu``.
        threads: Number of CPUs for XLA's threads, on a CPU.
        probe_s: Seconds within which a TPU has to answer.

    Raises:
        DeviceError: When a TPU does not answer.
        MeasurementError: When the process has begun to compute on another device, or with other threads.
    """
    global _client
    if _client is None:
        _client = _started(kind, threads, probe_s)
    if (_client.kind, _client.threads) != (kind, threads):
        raise MeasurementError(
            f"XLA computes on {_client.kind} with {_client.threads} thread(s) in this process, and {kind} with {threads} "
            "was asked for; XLA fixes that when it starts. Measure in another process, as a campaign does."
        )
    return _client


def _started(kind: str, threads: int, probe_s: float) -> XlaClient:
    os.environ["PJRT_DEVICE"] = PJRT[kind]
    if kind == "tpu":
        check_answers(probe_s)
    import torch_xla
    from torch_xla import backends, runtime

    with _restricted(threads if kind == "cpu" else None):
        made = XlaClient(kind, threads, torch_xla.device())
        _first_use(made)
    if runtime.device_type() != PJRT[kind]:
        raise MeasurementError(
            f"XLA computes on {runtime.device_type()}, and {PJRT[kind]} was asked for. Unset PJRT_DEVICE."
        )
    logging.getLogger(backends.__name__).setLevel(logging.ERROR)  # it warns whenever the precision is set
    backends.set_mat_mul_precision(PRECISION)
    return made


def _first_use(made: XlaClient) -> None:
    """Computes something, so that XLA starts its threads."""
    import torch
    import torch_xla

    kept = torch.ones(2, device=made.device) + 1
    torch_xla.sync()
    made.wait()
    del kept


@contextmanager
def _restricted(cpus: int | None) -> Iterator[None]:
    """Restricts this process to so many of its CPUs meanwhile; threads that are started then stay there for good.

    Args:
        cpus: Number of CPUs; None for all.
    """
    before = processors.allowed()
    if cpus is not None and cpus < len(before):
        processors.bind(before[-cpus:])
    try:
        yield
    finally:
        processors.bind(before)
