"""PyTorch through torch.compile (inductor)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hwcost.backends import options as read
from hwcost.backends.base import Runner
from hwcost.backends.causes import plain_cause
from hwcost.backends.torch_eager import TorchEager, TorchRunner, build_on_device, torch_facts
from hwcost.errors import MeasurementError
from hwcost.workloads.base import Workload

if TYPE_CHECKING:
    from hwcost.devices.handle import DeviceHandle

MODES = ("default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs")


class TorchCompile(TorchEager):
    """Compiles a module for its exact shapes while it is prepared.

    Options:
        mode: One of torch.compile's modes (``default``).
    """

    name = "torch-compile"
    option_names = ("mode",)

    def __init__(self, threads: int = 1, options: dict[str, Any] | None = None) -> None:
        super().__init__(threads, options)
        self.mode = read.choice(self.options, "mode", "default", MODES)

    def prepare(self, workload: Workload, handle: DeviceHandle) -> Runner:
        """See the base class; compiles, so that the first timed call does not.

        Raises:
            MeasurementError: When inductor fails, for example because there is no C++ compiler.
        """
        import torch

        torch._dynamo.reset()
        built = build_on_device(self, workload, handle)
        facts = torch_facts(built) | {"mode": self.mode}
        runner = CompiledRunner(built, facts, torch.compile(built.module, mode=self.mode, dynamic=False))
        try:
            runner.run(1)
        except torch._dynamo.exc.BackendCompilerFailed as error:
            raise MeasurementError(
                f"torch.compile cannot compile '{workload.name}': {plain_cause(error)}. Try --backend torch."
            ) from None
        runner.facts["compilations"] = runner.compile_events()
        return runner


class CompiledRunner(TorchRunner):
    """Also counts compilations."""

    def compile_events(self) -> int:
        """Counts the frames that dynamo translated in this process; a recompilation is one more."""
        from torch._dynamo.utils import counters

        return int(counters["frames"]["total"])

    def close(self) -> None:
        """Drops the compiled code too, which else stays alive with the weights."""
        import torch

        super().close()
        torch._dynamo.reset()
