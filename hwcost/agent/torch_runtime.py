"""PyTorch, operator by operator, on any release from 1.4 on; modules are built from descriptions."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import Any

from .blocks import BlockTiming
from .errors import ContextLostError, DeviceError, UsageError, first_line
from .sweep import SWEEP, empty_host_caches
from .timer import device_timing, sliced_timing

OLDEST = (1, 4)
REDUCED = "tfloat32"
"""Number format of float32 whose products a GPU may round to the 10 bits of TF32."""
TF32_OVERRIDE = "NVIDIA_TF32_OVERRIDE"
"""Environment variable that keeps NVIDIA's libraries from rounding float32 to tfloat32, when it is ``0``."""
OF_GPUS = ("float16", REDUCED)
"""Number formats that only GPUs compute in."""
FIRST = {REDUCED: (8, 0), "bfloat16": (5, 3)}
"""Compute capability of the first cards that multiply in a format. Source: NVIDIA A100 whitepaper; torch's own tests."""


class TorchRuntime:
    """Runs modules as they are, without gradients.

    Args:
        job: The job.
        folder: Folder of the job.
        device: Device that is measured on.
    """

    uses_processor = True

    def __init__(self, job: dict[str, Any], folder: str, device: Any) -> None:
        import torch

        if tuple(int(part) for part in torch.__version__.split(".")[:2]) < OLDEST:
            raise UsageError("this is torch %s; the runner takes 1.4 and later" % torch.__version__)
        self._torch, self._folder, self._kind, self._threads = torch, folder, device.kind, job["threads"]
        self._pool_numbers, self._buffer = job["pool_numbers"], job["buffer_numbers"]
        torch.set_num_threads(job["threads"])
        if hasattr(torch, "set_num_interop_threads") and torch.get_num_interop_threads() != 1:
            torch.set_num_interop_threads(1)
        if self._kind == "cuda":
            check_card(torch)
        self._pools: dict[str, Any] = {}

    def versions(self) -> dict[str, str]:
        """Versions of torch and of what it was built with."""
        torch = self._torch
        found = {"torch": torch.__version__, "cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}
        return {name: str(version) for name, version in found.items() if version is not None}

    def prepare(self, workload: dict[str, Any]) -> TorchRunner:
        """Builds a module, fills it by the rule that hwcost shares, and moves it to the device with its inputs."""
        if workload["net"] is None:
            raise UsageError("'%s' has no description; plan it for the runtime onnxruntime" % workload["name"])
        from .nets import build

        torch, dtype = self._torch, workload["dtype"]
        if self._kind == "cpu" and dtype in OF_GPUS:
            raise UsageError("%s is for GPUs; on a CPU take float32 or bfloat16" % dtype)
        if dtype == REDUCED and os.environ.get(TF32_OVERRIDE) == "0":
            raise UsageError("tfloat32 was asked for, and %s=0 turns it into float32; unset it" % TF32_OVERRIDE)
        if self._kind == "cuda":
            check_format(torch, dtype)
        stored = "float32" if dtype == REDUCED else dtype
        module = build(workload["net"]).to(getattr(torch, stored)).eval()
        self._fill(module, workload["places"], stored)
        inputs = [self._input(one, stored) for one in workload["inputs"]]
        place = torch.device("cuda", 0) if self._kind == "cuda" else torch.device("cpu")
        set_precision(torch, dtype)
        facts = self._facts(module, dtype, place)
        return TorchRunner(torch, module.to(place), [one.to(place) for one in inputs], facts)

    def kept_bytes(self) -> int:
        """Returns the bytes of the card that torch has reserved and does not use."""
        cuda = self._torch.cuda
        return int(cuda.memory_reserved() - cuda.memory_allocated()) if self._kind == "cuda" else 0

    def check_alive(self) -> None:
        """Raises ContextLostError when every further call of CUDA fails here, as after some errors of a kernel."""
        if self._kind != "cuda":
            return
        try:
            self._torch.cuda.synchronize()
        except RuntimeError as error:
            raise ContextLostError("the process has lost its card: %s" % first_line(error)) from None

    def _fill(self, module: Any, places: list[list[Any]], dtype: str) -> None:
        """Fills parameters and buffers, in their order: matrices are views of one pool, others have numbers of their own."""
        tensors = [*module.parameters(), *module.buffers()]
        if len(tensors) != len(places):
            raise UsageError("the job describes %d tensors, and the net has %d" % (len(places), len(tensors)))
        pool = self._pool(dtype)
        for tensor, (role, place) in zip(tensors, places):
            count = tensor.numel()
            if role == "matrix":
                tensor.data = pool[place : place + count].view(tensor.shape)
                continue
            flat, offset = tensor.data.view(-1), place % self._buffer
            filled = 0
            while filled < count:
                part = pool[offset : min(offset + count - filled, self._buffer)]
                flat[filled : filled + len(part)] = part
                filled, offset = filled + len(part), 0
            if role == "scale":
                flat.copy_(flat.float() + 1)  # torch 1.4 adds no numbers of float16 on a CPU

    def _pool(self, dtype: str) -> Any:
        """Returns the numbers of the weights: the buffer of the job, again and again."""
        if dtype not in self._pools:
            torch = self._torch
            path = os.path.join(self._folder, "weights.f32")
            numbers = torch.from_file(path, shared=False, size=self._buffer).to(getattr(torch, dtype))
            pool = torch.empty(max(self._pool_numbers, self._buffer), dtype=numbers.dtype)
            for start in range(0, len(pool), self._buffer):
                stop = min(start + self._buffer, len(pool))
                pool[start:stop] = numbers[: stop - start]
            self._pools[dtype] = pool
        return self._pools[dtype]

    def _input(self, described: dict[str, Any], dtype: str) -> Any:
        torch, count = self._torch, 1
        for size in described["shape"]:
            count *= size
        path = os.path.join(self._folder, described["file"])
        tensor = torch.from_file(path, shared=False, size=count, dtype=getattr(torch, described["dtype"]))
        tensor = tensor.clone().view(described["shape"])
        return tensor.to(getattr(torch, dtype)) if tensor.is_floating_point() else tensor

    def _facts(self, module: Any, dtype: str, place: Any) -> dict[str, Any]:
        from .nets import ATTENTION

        torch = self._torch
        facts = {
            "torch": torch.__version__, "runner": "agent", "dtype": dtype, "threads": torch.get_num_threads(),
            "attention": "explicit" if ATTENTION is None else "scaled_dot_product_attention",
            "parameters": sum(one.numel() for one in module.parameters()), "device": place.type,
        }  # fmt: skip
        if place.type == "cuda":
            facts["device"] = torch.cuda.get_device_name(0)
            matmul = getattr(getattr(torch.backends.cuda, "matmul", None), "allow_tf32", None)
            facts["allow_tf32"] = {"matmul": matmul, "cudnn": getattr(torch.backends.cudnn, "allow_tf32", None)}
        return facts


def check_card(torch: Any) -> None:
    """Refuses a torch that cannot use the card, before anything is measured.

    Args:
        torch: The module.

    Raises:
        DeviceError: When it sees no card, or has no kernels for the one that it sees.
    """
    if not torch.cuda.is_available():
        try:
            torch.cuda.init()
            why = "nvidia-smi may tell why"
        except (RuntimeError, AssertionError) as error:  # no driver, or one that is too old; a build without CUDA
            why = first_line(error)
        raise DeviceError("this torch (%s) sees no CUDA device: %s" % (torch.__version__, why))
    if hasattr(torch.cuda, "get_arch_list"):
        check_kernels(torch.cuda.get_arch_list(), torch.cuda.get_device_capability(0))


def check_format(torch: Any, dtype: str) -> None:
    """Refuses a number format that the card does not multiply in: tfloat32 would be float32 under another name.

    Args:
        torch: The module.
        dtype: Number format of a workload.

    Raises:
        UsageError: When the card, or this release of torch, does not have it.
    """
    capability = tuple(torch.cuda.get_device_capability(0))
    if capability < FIRST.get(dtype, (0, 0)):
        text = "%s was asked for, and comes with compute capability %d.%d: this card has %d.%d; take float32"
        raise UsageError(text % ((dtype, *FIRST[dtype], *capability)))
    if dtype == REDUCED and not hasattr(getattr(torch.backends.cuda, "matmul", None), "allow_tf32"):
        raise UsageError("tfloat32 was asked for, and torch %s does not have it; take float32" % torch.__version__)


def check_kernels(built: list[str], capability: tuple[int, int]) -> None:
    """Refuses a card that torch has no kernels for, since every workload would fail in its first one.

    Args:
        built: Architectures that the kernels were compiled for: ``sm_37`` is code of a card, and ``compute_37`` code that
            the driver translates for later ones.
        capability: Compute capability of the card.

    Raises:
        DeviceError: When they run on other cards only.
    """
    known = [found for found in (re.match(r"(sm|compute)_(\d+)(\d)[a-z]?$", name) for name in built) if found]
    for found in known:
        compiled = int(found.group(2)), int(found.group(3))
        if compiled <= tuple(capability) and (found.group(1) == "compute" or compiled[0] == capability[0]):
            return
    if known:
        text = "this torch has kernels for %s, and none for a card of compute capability %d.%d; install one that has"
        raise DeviceError(text % (", ".join(built), capability[0], capability[1]))


def set_precision(torch: Any, dtype: str) -> None:
    """Lets a GPU round products of float32 for ``tfloat32`` alone; releases before 1.7 know no such flags, and never do.

    Args:
        torch: The module.
        dtype: Number format of the workload that runs next.
    """
    for owner in (getattr(torch.backends.cuda, "matmul", None), torch.backends.cudnn):
        if hasattr(owner, "allow_tf32") and owner.allow_tf32 != (dtype == REDUCED):
            owner.allow_tf32 = dtype == REDUCED


class TorchRunner:
    """Calls a module; on a GPU it waits for the device after the last call, and takes the device's own seconds too."""

    read_ns = None

    def __init__(self, torch: Any, module: Any, inputs: list[Any], facts: dict[str, Any]) -> None:
        self._torch, self._module, self._inputs, self.facts = torch, module, inputs, facts
        self._mode = getattr(torch, "inference_mode", torch.no_grad)
        self._cuda = torch.cuda if facts["device"] != "cpu" else None
        self._sweep: Any = None

    def run(self, calls: int) -> None:
        """Executes a number of calls and returns when the device is done."""
        self._prepare()
        self._issue(calls)
        if self._cuda is not None:
            self._cuda.synchronize()

    def time_block(self, calls: int) -> BlockTiming:
        """Executes a number of calls and returns their times; on a GPU also the device's and that of a launch."""
        if self._cuda is None:
            with self._mode():
                return sliced_timing(self._call, calls)
        self._prepare()
        first, last = self._cuda.Event(enable_timing=True), self._cuda.Event(enable_timing=True)
        return device_timing(self._issue, calls, first, last)

    def outputs(self) -> list[Any]:
        """Executes once and returns the output as nested lists, for tests."""
        with self._mode():
            return [self._module(*self._inputs).float().cpu().tolist()]

    def empty_caches(self, cache_bytes: int) -> bool:
        """Lets the next call find nothing of its own in the device's caches."""
        if self._cuda is None:
            return empty_host_caches(cache_bytes)
        if self._sweep is None:
            self._sweep = self._torch.empty(SWEEP * cache_bytes, dtype=self._torch.uint8, device="cuda")
        self._sweep.zero_()
        self._cuda.synchronize()
        return True

    def close(self) -> None:
        """Frees what the runner holds."""
        self._module, self._inputs, self._sweep = None, [], None
        if self._cuda is not None:
            with suppress(RuntimeError):  # on a card that is lost
                self._cuda.empty_cache()

    def _prepare(self) -> None:
        """Sets the precision of this workload's products, where another one in turn may have another."""
        if self._cuda is not None:
            set_precision(self._torch, self.facts["dtype"])

    def _issue(self, calls: int) -> None:
        with self._mode():
            self._call(calls)

    def _call(self, calls: int) -> None:
        module, inputs = self._module, self._inputs
        for _ in range(calls):
            module(*inputs)

