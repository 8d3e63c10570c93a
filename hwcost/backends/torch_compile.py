"""PyTorch through torch.compile (inductor)."""

from __future__ import annotations

import itertools
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, ClassVar

from hwcost.backends import options as read
from hwcost.backends.base import Runner
from hwcost.backends.causes import plain_cause
from hwcost.backends.torch_eager import TorchEager, build_on_device
from hwcost.backends.torch_runner import TorchRunner, torch_facts
from hwcost.errors import MeasurementError
from hwcost.workloads.base import Workload

if TYPE_CHECKING:
    import torch

    from hwcost.devices.handle import DeviceHandle

_NUMBERS = itertools.count()

MODES = ("default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs")

GRAPHS = ("reduce-overhead", "max-autotune")
"""Modes that launch a module as CUDA graphs on a GPU."""

WARM_CALLS = 3
"""Calls with which a module is prepared in them: the first one compiles, the second one captures, the third one replays."""


class TorchCompile(TorchEager):
    """Compiles a module for its exact shapes while it is prepared.

    Options:
        mode: One of torch.compile's modes (``default``).
    """

    name = "torch-compile"
    fork_imports = ("torch",)
    option_names = ("mode",)

    def __init__(self, threads: int = 1, options: dict[str, Any] | None = None) -> None:
        super().__init__(threads, options)
        self.mode = read.choice(self.options, "mode", "default", MODES)

    def prepare(self, workload: Workload, handle: DeviceHandle) -> Runner:
        """See the base class; compiles, so that the first timed call does not.

        Raises:
            MeasurementError: When inductor fails, for example because there is no C++ compiler, or the GPU is too old.
        """
        import torch
        from torch._dynamo.utils import counters

        if not CompiledRunner.alive:
            torch._dynamo.reset()
        built = build_on_device(self, workload, handle)
        separate(built.module)
        facts = torch_facts(built, workload.dtype) | {"mode": self.mode}
        call = torch.compile(built.module, mode=self.mode, dynamic=False)
        runner = CompiledRunner(built, facts, self.stream(handle), workload.dtype, call)
        has_graphs = handle.kind == "cuda" and self.mode in GRAPHS
        before, skipped = runner.compile_events(), counters["inductor"]["cudagraph_skips"]
        try:
            runner.run(WARM_CALLS if has_graphs else 1)
        except torch._dynamo.exc.TorchDynamoException as error:
            runner.close()
            raise MeasurementError(
                f"torch.compile cannot compile '{workload.name}': {plain_cause(error)}. Try --backend torch."
            ) from None
        except BaseException:
            runner.close()
            raise
        runner.facts["compilations"] = runner.compile_events() - before
        if has_graphs:
            runner.facts["graphs_left_out"] = counters["inductor"]["cudagraph_skips"] - skipped
        return runner


class CompiledRunner(TorchRunner):
    """Also counts compilations.

    Attributes:
        alive: Number of runners of this process that are not closed.
    """

    alive: ClassVar[int] = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        CompiledRunner.alive += 1
        self._is_alive = True

    def compile_events(self) -> int:
        """Counts the frames that dynamo translated in this process; a recompilation is one more."""
        from torch._dynamo.utils import counters

        return int(counters["frames"]["total"])

    def close(self) -> None:
        """Drops the compiled code too, which else stays alive with the weights, once no runner needs it any more."""
        import torch

        super().close()
        CompiledRunner.alive -= self._is_alive
        self._is_alive = False
        if not CompiledRunner.alive:
            torch._dynamo.reset()


def separate(module: torch.nn.Module) -> None:
    """Gives a module a ``forward`` of its own, with the same code.

    Dynamo keeps what it compiled by the code that it came from, and looks through all of it at each call: without this, nets
    of one class would slow each other down, and from the ninth on they would not be compiled at all.
    """
    forward = type(module).forward
    if not isinstance(forward, FunctionType):
        return
    code = forward.__code__.replace(co_name=f"{forward.__code__.co_name}_{next(_NUMBERS)}")
    own = FunctionType(code, forward.__globals__, forward.__name__, forward.__defaults__, forward.__closure__)
    own.__kwdefaults__ = forward.__kwdefaults__
    module.forward = MethodType(own, module)
