"""Kernels in Triton as variants of components: their prices beside those of the same work in the backend's own operators."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hwcost.campaign.components.slopes import Fit
from hwcost.campaign.options import MeasureOptions
from hwcost.campaign.plans.plan import Item, items
from hwcost.errors import UsageError
from hwcost.spaces import Component
from hwcost.spaces.components import Components
from hwcost.systems.components.kinds import norm
from hwcost.workloads import component_stacks

BACKENDS = ("torch", "torch-compile")
"""Backends that run kernels in Triton; others take exported graphs, which hold none."""

REPLACED = {
    "norm_kernel": (norm(0).name,),
    "dense_norm_kernel": (Component("dense").name, norm(1).name),
}
"""The components whose work each kernel does, by its name."""


@dataclass(frozen=True, slots=True)
class KernelPrice:
    """A kernel against the backend's own operators, both by the slope over depth.

    Attributes:
        name: Name of the kernel's component.
        plain_s: Seconds of the operators.
        kernel_s: Seconds of the kernel.
        half_width: Half-width of the 95 % interval of :attr:`ratio`; None when it is unknown.
    """

    name: str
    plain_s: float
    kernel_s: float
    half_width: float | None

    @property
    def ratio(self) -> float:
        """Time of the kernel over that of the operators; below 1 the kernel is faster."""
        return self.kernel_s / self.plain_s

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON."""
        return {**asdict(self), "ratio": self.ratio}


def refuse_elsewhere(options: MeasureOptions) -> None:
    """Raises UsageError where kernels in Triton cannot run: on other devices than GPUs, and on backends that export."""
    if options.backend not in BACKENDS:
        raise UsageError(f"kernels in Triton run with {' and '.join(BACKENDS)}, not with backend '{options.backend}'")
    if options.handle.kind != "cuda":
        raise UsageError(
            f"kernels in Triton are priced on a CUDA device, and '{options.handle.name}' is of kind {options.handle.kind}. "
            "Give --device NAME of a GPU that is here; hwcost devices detect lists them"
        )


def kernel_items(space: Components, depths: Sequence[int], shape: Mapping[str, Any]) -> list[Item]:
    """Returns stacks of every kernel, to be measured beside the components whose work it does.

    Args:
        space: The space.
        depths: Copies in a stack.
        shape: Batch size, sequence length and dtype.
    """
    return items(component_stacks(space, depths=depths, components=space.kernels(), **shape), "component")


def kernel_prices(prices: Mapping[tuple[str, ...], Fit]) -> list[KernelPrice]:
    """Compares the kernels that were measured with the operators that they replace.

    Args:
        prices: Prices as :func:`hwcost.campaign.components.fusions.prices` returns them.
    """
    measured = {name: (prices.get((name,)), prices.get(plain)) for name, plain in REPLACED.items()}
    return [
        KernelPrice(name, plain.cost_s, kernel.cost_s, _half_width(kernel, plain))
        for name, (kernel, plain) in measured.items()
        if kernel is not None and plain is not None and plain.cost_s > 0
    ]


def _half_width(kernel: Fit, plain: Fit) -> float | None:
    if kernel.half_width_s is None or plain.half_width_s is None:
        return None
    return math.hypot(kernel.half_width_s, kernel.cost_s / plain.cost_s * plain.half_width_s) / plain.cost_s
