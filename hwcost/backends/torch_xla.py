"""torch_xla on a TPU; on a CPU the same code with XLA's compiler for CPUs."""

from __future__ import annotations

from collections import Counter
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from hwcost.backends import options as read
from hwcost.backends.base import Backend, Runner
from hwcost.backends.buckets import NONE, Buckets
from hwcost.backends.reference import thin, verify
from hwcost.backends.xla_client import PJRT, PRECISION, XlaClient, client, started
from hwcost.backends.xla_runner import XlaRunner, arrays, moved, traced, traced_and_started
from hwcost.errors import MeasurementError, UsageError
from hwcost.workloads.factory import OWN

if TYPE_CHECKING:
    import torch

    from hwcost.devices.handle import DeviceHandle
    from hwcost.workloads.base import Workload
    from hwcost.workloads.built import Built

DTYPES = ("float32", "bfloat16")

TRACINGS = ("once", "each-call")

PROBE_S = 60.0
"""Seconds within which a TPU has to answer."""


class TorchXla(Backend):
    """Compiles a workload with XLA for its exact shape.

    Every call is an execution of its own whose outputs are kept until the device is done, so that the compiler can neither
    leave out work whose result nobody reads, nor do the work of two calls once.

    Options:
        tracing: ``once`` executes the compiled computation, as ``torch.compile(backend="openxla")`` does; with
            ``each-call`` Python traces every call anew, as plain torch_xla does (``once``).
        bucket: Rounding of shapes: ``none``, ``powers`` of two, or the number of tokens of whose multiples sequences are
            (``none``).
        probe_s: Seconds within which a TPU has to answer (60).
    """

    name = "torch-xla"
    kinds = ("tpu", "cpu")
    extra = "tpu"
    runs_modules_only = True
    option_names = ("tracing", "bucket", "probe_s")

    def __init__(self, threads: int = 1, options: dict[str, Any] | None = None) -> None:
        super().__init__(threads, options)
        self.tracing = read.choice(self.options, "tracing", "once", TRACINGS)
        self.buckets = Buckets.parse(self.options.get("bucket", NONE))
        self.probe_s = read.number(self.options, "probe_s", PROBE_S, least=0.1)

    @classmethod
    def availability(cls) -> tuple[bool, str]:
        """See the base class; torch_xla crashes with any release of torch but its own."""
        missing = [name for name in ("torch", "torch_xla") if find_spec(name) is None]
        if missing:
            return False, f"{' and '.join(missing)} is missing, and needs an environment of its own"
        try:
            releases = {name: _release(version(name)) for name in ("torch", "torch_xla")}
        except PackageNotFoundError as error:
            return False, f"the version of {error.name} is unknown"
        if releases["torch"] != releases["torch_xla"]:
            return False, "torch_xla {torch_xla} runs with that release of torch alone, and torch {torch} is here".format(
                **releases
            )
        return True, ""

    def version(self) -> dict[str, str]:
        """Versions of torch, torch_xla and, where it is installed, libtpu."""
        names = [name for name in ("torch", "torch_xla", "libtpu") if find_spec(name)]
        return {name: version(name) for name in names}

    def free_bytes(self) -> int | None:
        """See the base class; nothing is started to find out."""
        xla = started()
        return None if xla is None else xla.free_bytes()

    def prepare(self, workload: Workload, handle: DeviceHandle) -> Runner:
        """See the base class; compiles, and compares the first outputs with eager torch's.

        Raises:
            UsageError: When the device is of another kind, or XLA does not have the dtype.
            DeviceError: When a TPU does not answer.
            MeasurementError: When an operator would run on the host, or the outputs differ from eager torch's.
        """
        self.check_kind(handle.kind)
        executed = self.buckets.of(workload)
        self._check_dtype(workload.dtype)
        built = executed.built()
        dtype = built.dtype() if workload.dtype == OWN else workload.dtype
        self._check_dtype(dtype)
        reference = thin(arrays(traced(built)))
        xla = client(handle.kind, self.threads, self.probe_s)
        compiled, compile_s, on_host = xla.compilations(), xla.compile_s(), xla.on_host()
        built = moved(built, xla)
        call = _CapturedGraph(traced(built)) if self.tracing == "once" else partial(traced_and_started, built)
        runner = XlaRunner(xla, call, partial(traced, built))
        runner.facts = self._facts(xla, built) | _shape(workload, executed)
        runner.facts["difference"] = verify(f"XLA on '{workload.name}'", runner.outputs(), reference, dtype)
        _check_on_device(xla.on_host() - on_host, workload)
        runner.facts["compilations"] = xla.compilations() - compiled
        runner.facts["compile_s"] = xla.compile_s() - compile_s
        return runner

    def _check_dtype(self, dtype: str) -> None:
        """Raises UsageError for a number format that XLA does not compute in; a factory's own is known once it is built."""
        if dtype not in (*DTYPES, OWN):
            raise UsageError(f"backend '{self.name}' runs {' and '.join(DTYPES)}, not {dtype}. Take float32.")

    def _facts(self, xla: XlaClient, built: Built) -> dict[str, Any]:
        """Returns the facts about what really runs; the seconds of tracing join them with the first block."""
        from hwcost.workloads.built import described, dtype_name

        return {
            **self.version(),
            "device": PJRT[xla.kind],
            "dtype": built.dtype(),
            "inputs": [described(name, tuple(one.shape), dtype_name(one)) for name, one in built.flat().items()],
            "threads": xla.threads,
            "matmul_precision": PRECISION,
            "tracing": self.tracing,
            "parameters": sum(parameter.numel() for parameter in built.module.parameters()),
        }


def _shape(workload: Workload, executed: Workload) -> dict[str, Any]:
    """Returns the fact about the shape that is executed in place of the one that was asked for."""
    if executed is workload:
        return {}
    return {"bucket": {"batch_size": executed.batch_size, "seq_len": executed.seq_len}}


def _check_on_device(on_host: Counter[str], workload: Workload) -> None:
    """Raises MeasurementError when operators of a workload ran on the host."""
    if on_host:
        raise MeasurementError(
            f"XLA lacks {', '.join(sorted(on_host))}, so that torch computes part of '{workload.name}' on the host, and "
            "copies tensors there and back. Replace these operators, or take another backend."
        )


def _release(text: str) -> str:
    """Returns the first two numbers of a version."""
    return ".".join(text.split("+")[0].split(".")[:2])


class _CapturedGraph:
    """A computation that was traced and compiled once, and is executed without being traced again.

    It is what ``torch.compile(backend="openxla")`` keeps of a traced function: the compiled computation and what it reads.

    Args:
        outputs: Tensors that are traced and not yet computed.

    Raises:
        MeasurementError: When there is nothing to compute.
    """

    def __init__(self, outputs: list[torch.Tensor]) -> None:
        import torch_xla

        self._core = torch_xla._XLAC
        pending = self._core._check_tensor_need_materialization(outputs)
        self._ready = [None if waits else one for one, waits in zip(outputs, pending, strict=True)]
        computed: dict[int, torch.Tensor] = {}
        names = [self._core._unique_id_for_ir_and_data(one) for one in outputs]
        for name, one, waits in zip(names, outputs, pending, strict=True):
            if waits:
                computed.setdefault(name, one)
        if not computed:
            raise MeasurementError("nothing is computed: every output is an input or a weight")
        self._places = [list(computed).index(name) if waits else -1 for name, waits in zip(names, pending, strict=True)]
        graph = list(computed.values())
        self._key = self._core._get_graph_hash(graph)
        _, self._reads = self._core._get_tensors_xla_device_data_node(graph)
        self._core._xla_warm_up_cache(graph, [])

    def __call__(self) -> list[torch.Tensor]:
        """Starts the computation and returns its outputs, which may not be computed yet."""
        computed = self._core._run_cached_graph(self._key, self._reads)
        return [computed[place] if one is None else one for place, one in zip(self._places, self._ready, strict=True)]
