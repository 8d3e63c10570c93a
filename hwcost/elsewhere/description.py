"""Nets as plain data: the class of every module, its numbers, the shapes of its tensors, and its parts in their order.

The runner of a job folder builds the same net from it (``hwcost.agent.nets``), on releases of torch that hwcost itself does
not run on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hwcost.errors import UsageError

if TYPE_CHECKING:
    import torch

NUMBERS = ("heads", "scale", "share")
"""Attributes of modules that a forward pass depends on, beside tensors and parts."""
LISTS = ("attention_carries", "feed_forward_carries")
"""Those that are lists of numbers."""


def described(module: torch.nn.Module) -> dict[str, Any]:
    """Describes a module; its tensors may lie on ``meta``.

    Raises:
        UsageError: When the runner has no module of that class.
    """
    from hwcost.agent.nets import KINDS

    kind = type(module).__name__
    home = type(module).__module__
    if kind not in KINDS or not home.startswith(("hwcost.workloads.", "torch.nn.")):
        raise UsageError(f"a net with a {home}.{kind} cannot be described. Plan it for the backend 'onnxruntime'")
    numbers: dict[str, Any] = {
        name: value for name in NUMBERS if isinstance(value := getattr(module, name, None), int | float)
    }
    numbers |= {name: list(value) for name in LISTS if (value := getattr(module, name, None)) is not None}
    if hasattr(module, "activation"):
        numbers["activation"] = module.activation.__name__
    found = {
        "numbers": numbers,
        "parameters": {name: list(one.shape) for name, one in module.named_parameters(recurse=False)},
        "buffers": {name: list(one.shape) for name, one in module.named_buffers(recurse=False)},
        "parts": {name: described(part) for name, part in module.named_children()},
    }
    return {"kind": kind, **{name: value for name, value in found.items() if value}}
