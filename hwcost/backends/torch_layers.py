"""When the layers of a torch module end within a call, which tells what slowed a part of it.

The layers' own ``forward`` is wrapped: a hook would make some of torch's layers leave their fast path.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from hwcost.backends.base import BlockTiming

if TYPE_CHECKING:
    from torch import nn

__all__ = ["LayerTimes"]

MOST = 48
"""Parts of a call at most; of more layers, neighbouring ones are timed together."""


class LayerTimes:
    """The layers of a module, each of which notes when it has ended.

    Args:
        layers: Layers, two or more.
    """

    def __init__(self, layers: list[nn.Module]) -> None:
        self._layers, self._ends_ns = layers, list[int]()
        self._clock: Callable[[], int] = int
        for layer in layers:
            self._wrap(layer)

    @classmethod
    def of(cls, module: nn.Module) -> LayerTimes | None:
        """Finds the layers of a module: what stands in its outermost lists of modules; None where these are fewer than two.

        Modules that are compiled in part are left as they are, since what they run would be compiled again.
        """
        layers = [] if any(map(_is_compiled, module.modules())) else list(dict.fromkeys(_listed(module)))
        return cls(layers) if len(layers) > 1 else None

    def time(self, run: Callable[[int], None], clock: Callable[[], int] | None) -> BlockTiming:
        """Makes one call, and returns its seconds with those of its layers; what follows the last one is another one.

        Args:
            run: Function that makes a number of calls.
            clock: Function that returns nanoseconds.
        """
        assert clock is not None, "hwcost.timing.timer.clock_of(runner) hands a runner its clock"
        self._clock = clock
        self._ends_ns.clear()
        start = clock()
        run(1)
        end = clock()
        ends = self._ends_ns[:: math.ceil((len(self._ends_ns) + 1) / MOST)]
        layers_s = [(after - before) * 1e-9 for before, after in zip([start, *ends], [*ends, end], strict=True)]
        return BlockTiming((end - start) * 1e-9, layers_s=tuple(layers_s))

    def remove(self) -> None:
        """Leaves the module as it was."""
        for layer in self._layers:
            del layer.forward
        self._layers = []

    def _wrap(self, layer: nn.Module) -> None:
        forward = layer.forward

        @wraps(forward)
        def noted(*args: Any, **kwargs: Any) -> Any:
            found = forward(*args, **kwargs)
            self._ends_ns.append(self._clock())
            return found

        layer.forward = noted


def _listed(module: nn.Module) -> list[nn.Module]:
    """Returns the members of the outermost lists of modules in a module, which lie in the order they were added."""
    from torch import nn

    if isinstance(module, (nn.ModuleList, nn.Sequential)):
        return list(module)
    return [layer for child in module.children() for layer in _listed(child)]


def _is_compiled(module: nn.Module) -> bool:
    import torch

    if isinstance(module, torch.jit.ScriptModule) or "forward" in vars(module) or hasattr(module, "_orig_mod"):
        return True
    return getattr(module, "_compiled_call_impl", None) is not None
