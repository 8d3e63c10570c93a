"""A stand-in for torch_xla on the CPU, whose faults the variable FAKE_XLA names, separated by commas.

``hang``: libtpu never answers. ``broken``: it raises. ``recompile``: every third execution compiles again. ``fallback``: an
operator runs on the host. ``wrong``: outputs are a little off. ``dead``: counts what is alive when the device is waited for.
``old``: the release has no count of a TPU's memory. ``untold``: libtpu does not tell how much memory there is.
"""

from __future__ import annotations

import os
import time
import weakref
from collections import Counter

import torch

COUNTERS: Counter[str] = Counter()
GRAPHS: dict[bytes, list[torch.Tensor]] = {}
ALIVE_AT_WAIT: list[int] = []
HBM_BYTES = 16 * 2**30
_outputs: list[weakref.ref[torch.Tensor]] = []


def _has(fault: str) -> bool:
    return fault in os.environ.get("FAKE_XLA", "").split(",")


def device() -> torch.device:
    if os.environ["PJRT_DEVICE"] == "TPU":
        if _has("hang"):
            time.sleep(3600)
        if _has("broken"):
            raise RuntimeError("INTERNAL: the chip is held by process 4242")
    return torch.device("cpu")


def memory() -> dict[str, int]:
    """Counts what compiled computations hold: their outputs."""
    if _has("old"):
        raise RuntimeError("./torch_xla/csrc/runtime/pjrt_computation_client.h:137 : GetMemoryInfo not implemented")
    if os.environ["PJRT_DEVICE"] == "CPU":
        raise RuntimeError("Bad StatusOr access: UNIMPLEMENTED: GetAllocatorStats is not supported")
    used = sum(one.nbytes for graph in GRAPHS.values() for one in graph)
    return {"bytes_used": used, "bytes_limit": 0 if _has("untold") else HBM_BYTES, "peak_bytes_used": used}


def sync() -> None:
    _execute()


def _compile() -> None:
    COUNTERS["UncachedCompile"] += 1


def _execute() -> None:
    COUNTERS["ExecuteComputation"] += 1
    if _has("recompile") and COUNTERS["ExecuteComputation"] % 3 == 0:
        _compile()


class _XLAC:
    """What torch_xla keeps in its compiled module."""

    @staticmethod
    def _check_tensor_need_materialization(tensors):
        return [one.grad_fn is None and not isinstance(one, torch.nn.Parameter) for one in tensors]

    @staticmethod
    def _unique_id_for_ir_and_data(tensor):
        return id(tensor)

    @staticmethod
    def _get_graph_hash(tensors):
        key = str(len(GRAPHS)).encode()
        GRAPHS[key] = [one.clone() for one in tensors]
        if _has("fallback"):
            COUNTERS["aten::nonzero"] += 1
        return key

    @staticmethod
    def _get_tensors_xla_device_data_node(tensors):
        return [], []

    @staticmethod
    def _xla_warm_up_cache(tensors, devices):
        _compile()

    @staticmethod
    def _run_cached_graph(key, reads):
        _execute()
        made = [one * 1.01 if _has("wrong") else one.clone() for one in GRAPHS[key]]
        _outputs[:] = [weakref.ref(one) for one in made]
        return made


def wait() -> None:
    ALIVE_AT_WAIT.append(sum(one() is not None for one in _outputs))
