"""What a device really reaches: measured peak rate, copy bandwidth and dispatch overhead, kept by device key.

The kernels are in ``hwcost.kernels``; here they are timed in plain blocks. The figures stand beside the datasheet's, they
never replace them.
"""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from hwcost._extras import imported
from hwcost._io import write_text
from hwcost.agent.errors import first_line
from hwcost.devices.detected import DetectedDevice
from hwcost.errors import DataError, MeasurementError, StoreError, UsageError
from hwcost.timing.guards.cache import UNKNOWN_CACHE_BYTES
from hwcost.timing.timer import time_blocks, utc_now

SCHEMA_VERSION = 1
"""Version of the file that keeps the results.

1: device_key, product, results.
"""

_MIN_BLOCK_S, _MIN_TOTAL_S, _MIN_BLOCKS = 0.02, 0.25, 10


@dataclass(frozen=True)
class ProbeResult:
    """One measured figure.

    Attributes:
        name: ``matmul``, ``copy`` or ``dispatch``, and of a GPU ``launch``, ``flush`` or ``gate`` too.
        dtype: Number format.
        threads: Threads that it used; None where the library decides by itself.
        engine: The library that executed.
        unit: ``FLOP/s``, ``B/s`` or ``s``.
        value: Median over the blocks.
        q1: First quartile.
        q3: Third quartile.
        blocks: Timed blocks.
        measured_at: UTC, ISO 8601.
    """

    name: str
    dtype: str
    threads: int | None
    engine: str
    unit: str
    value: float
    q1: float
    q3: float
    blocks: int
    measured_at: str


@dataclass(frozen=True)
class ProbeReport:
    """The figures of one device.

    Attributes:
        device_key: Key of the device.
        product: Its name.
        results: Figures, at most one per name, dtype, threads and engine.
    """

    device_key: str
    product: str
    results: tuple[ProbeResult, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON."""
        return {"device_key": self.device_key, "product": self.product, "results": [asdict(r) for r in self.results]}


def run_probes(
    device: DetectedDevice,
    *,
    dtypes: Sequence[str] = ("float32",),
    threads: int = 1,
    clock: Callable[[], int] | None = None,
    progress: Callable[[str], None] | None = None,
) -> ProbeReport:
    """Measures matrix products of each dtype, a copy, and the dispatch of a tiny operation.

    Of a GPU also the launch of a kernel from a graph, the overwriting of its last cache, and the gate of the kernel that
    holds its stream back. What cannot be probed there is reported with the reason, and left out.

    Args:
        device: A device that is here, a CPU or a GPU.
        dtypes: Number formats of the matrix products.
        threads: Threads, on a CPU.
        clock: Returns nanoseconds; None is real time.
        progress: Function that gets the name of each probe before it runs, and the reason of one that cannot.

    Raises:
        UsageError: When the device's kind or a dtype cannot be probed.
        DeviceError: When this torch sees no GPU.
        MeasurementError: When torch sees other GPUs only, or nothing can be probed.
        MissingExtraError: When a GPU is asked for and torch is not installed.
    """
    place = _place(device, threads)
    results, say, why = [], progress or (lambda what: None), ""
    with _torch_threads(threads), _present(place):
        for name, prepare in _probes(device, dtypes, threads, place):
            say(name)
            try:
                probe = prepare()
                with _precision(probe.dtype, place):
                    results.append(_measured(probe, threads, clock))
            except (MeasurementError, RuntimeError) as error:  # the second of torch: no memory, or no such product
                why = first_line(error)
                say(f"{name} is left out: {why}")
    if not results:
        raise MeasurementError(f"nothing of '{device.product}' can be probed: {why}")
    return ProbeReport(device.key, device.product, tuple(results))


def save_probe(report: ProbeReport) -> Path:
    """Keeps a report beside what is already known of its device; newer figures replace older ones of the same kind.

    Returns:
        The file.

    Raises:
        StoreError: When the file cannot be written.
    """
    older = load_probe(report.device_key)
    merged = {_kind(result): result for result in (*(older.results if older else ()), *report.results)}
    document = {"schema_version": SCHEMA_VERSION, **replace(report, results=tuple(merged.values())).to_dict()}
    path = probe_path(report.device_key)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(document, indent=2) + "\n")
    except OSError as error:
        raise StoreError(f"cannot write '{path}': {error.strerror}. Set HWCOST_HOME to a folder you may write.") from None
    return path


def load_probe(device_key: str) -> ProbeReport | None:
    """Returns what was measured of a device, or None when nothing was.

    Raises:
        DataError: When the file is damaged or of another version.
    """
    path = probe_path(device_key)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read the probe results '{path}': {error}. Remove the file and probe again.") from None
    try:
        if document["schema_version"] != SCHEMA_VERSION:
            raise DataError(f"'{path}' has version {document['schema_version']}, expected {SCHEMA_VERSION}. Probe again.")
        names = [field.name for field in fields(ProbeResult)]
        results = tuple(ProbeResult(**{name: result[name] for name in names}) for result in document["results"])
        return ProbeReport(document["device_key"], document["product"], results)
    except (KeyError, TypeError):
        raise DataError(f"'{path}' holds no probe results. Remove the file and probe again.") from None


def probe_path(device_key: str) -> Path:
    """Returns the file of a device: in ``HWCOST_HOME``, or in the user's data folder."""
    home = os.environ.get("HWCOST_HOME")
    if home:
        return Path(home) / "probes" / f"{device_key}.json"
    from platformdirs import user_data_path

    return Path(user_data_path("hwcost", appauthor=False)) / "probes" / f"{device_key}.json"


def _probes(
    device: DetectedDevice, dtypes: Sequence[str], threads: int, place: str
) -> Iterator[tuple[str, Callable[[], Any]]]:
    from hwcost.kernels import copy_probe, dispatch_probe, matmul_probe  # type: ignore[attr-defined]

    for dtype in dtypes:
        _check_dtype(device, dtype, place)
        yield f"matmul {dtype}", partial(matmul_probe.prepare, dtype, device=place)
    size = copy_probe.buffer_bytes(device.l3_bytes or device.l2_bytes, device.memory_bytes, threads)
    nbytes = size if place == "cpu" else copy_probe.MAX_BYTES
    yield "copy", partial(copy_probe.prepare, nbytes, threads, place)
    yield "dispatch", partial(dispatch_probe.prepare, place)
    if place != "cpu":
        from hwcost.kernels import flush_probe, gate_probe, launch_probe  # type: ignore[attr-defined]

        yield "launch", partial(launch_probe.prepare, place)
        yield "flush", partial(flush_probe.prepare, _l2_bytes(device, place), place)
        yield "gate", partial(gate_probe.prepare, place)


def _measured(probe: Any, threads: int, clock: Callable[[], int] | None) -> ProbeResult:
    probe.run(1)
    times = time_blocks(
        probe.run, min_block_s=_MIN_BLOCK_S, min_total_s=_MIN_TOTAL_S, min_blocks=_MIN_BLOCKS, clock=clock
    ).seconds_per_call
    is_rate = probe.unit != "call"
    figures = [probe.work / seconds if is_rate else seconds / probe.work for seconds in times]
    q1, median, q3 = statistics.quantiles(figures, n=4, method="inclusive")
    decides_itself = probe.engine == "numpy" and probe.name == "matmul"  # its BLAS read the environment when it was loaded
    return ProbeResult(
        name=probe.name,
        dtype=probe.dtype,
        threads=None if decides_itself else threads,
        engine=probe.engine,
        unit=f"{probe.unit}/s" if is_rate else "s",
        value=median,
        q1=q1,
        q3=q3,
        blocks=len(figures),
        measured_at=utc_now(),
    )


def _place(device: DetectedDevice, threads: int) -> str:
    if threads < 1:
        raise UsageError(f"threads must be at least 1, got {threads}.")
    if device.kind == "tpu":
        raise UsageError("a TPU cannot be probed. Known: cpu, cuda.")
    if device.kind == "cpu":
        return "cpu"
    imported("torch", "gpu")
    from hwcost.backends.torch_place import torch_device

    return str(torch_device(device))


def _check_dtype(device: DetectedDevice, dtype: str, place: str) -> None:
    """Raises UsageError for tfloat32 on a GPU that would compute in float32 instead."""
    from hwcost.backends import precision, tf32

    if place != "cpu" and dtype == precision.REDUCED:
        tf32.check(device)


def _l2_bytes(device: DetectedDevice, place: str) -> int:
    """Returns the size of a GPU's last cache, as CUDA reports it, or else as it was detected."""
    import torch

    found = getattr(torch.cuda.get_device_properties(place), "L2_cache_size", 0) or device.l2_bytes
    return int(found or UNKNOWN_CACHE_BYTES)


@contextmanager
def _present(place: str) -> Iterator[None]:
    """Makes a GPU the present one meanwhile, on which kernels of CUDA source are compiled and launched."""
    if place == "cpu":
        yield
        return
    import torch

    with torch.cuda.device(place):
        yield


@contextmanager
def _precision(dtype: str, place: str) -> Iterator[None]:
    """Sets the flags of a GPU's matrix products meanwhile."""
    if place == "cpu":
        yield
        return
    from hwcost.backends.precision import precision

    with precision(dtype):
        yield


@contextmanager
def _torch_threads(threads: int) -> Iterator[None]:
    """Lets torch use that many threads meanwhile; does nothing where it is not installed."""
    try:
        import torch
    except ImportError:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _kind(result: ProbeResult) -> tuple[Any, ...]:
    return (result.name, result.dtype, result.threads, result.engine)
