"""Supernets of other distributions, looked at once a process before they are used: an error names the supernet and its slip.

A subnet has to run, to depend on its architecture, to reach the weights by gradients, and to answer as the net that is
extracted of it, which is what is measured. hwcost's own are not looked at.
"""

from __future__ import annotations

from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor

from hwcost.errors import ContractError, HwcostError
from hwcost.registry import is_own, named
from hwcost.spaces import Architecture, SearchSpace
from hwcost.supernets.base import Supernet
from hwcost.workloads import builder
from hwcost.workloads.builder import draw_inputs

BATCH, SEQ_LEN = 2, 12
"""Sequences, and tokens of each, that subnets are run with."""

TOLERANCE = 1e-3
"""Largest difference between outputs in the supernet and extracted, over the largest output."""

_seen: set[tuple[Any, str]] = set()


def made(kind: Any, space: SearchSpace, seed: int) -> Supernet:
    """Makes a supernet, and looks at it where it is of another distribution.

    Args:
        kind: Class of the supernet.
        space: The space.
        seed: Seed of the initial weights.

    Raises:
        ContractError: When it fails, or answers otherwise than the net that it extracts.
    """
    if isinstance(kind, type) and is_own(kind):
        own: Supernet = kind(space, seed)
        return own
    who, key = f"the supernet '{space.name}'", (kind, repr(space.options()))
    with named(who, "__init__"):
        net = kind(space, seed)
    if not isinstance(net, Supernet) or not hasattr(net, "arch"):
        is_one = isinstance(net, Supernet)
        what = "call super().__init__(space, seed) in its __init__" if is_one else "derive it from that class"
        raise ContractError(f"{who} is not a hwcost.supernets.base.Supernet that was initialised: {what}")
    has_numbers = not any(one.is_meta or isinstance(one, FakeTensor) for one in net.parameters())
    if has_numbers and key not in _seen:
        inputs = [torch.from_numpy(one) for one in draw_inputs(builder(space).model_inputs(BATCH, SEQ_LEN), 0).values()]
        for method in ("smallest", "largest"):
            _check(net, who, method, inputs)
        _seen.add(key)
    return net


def _check(net: Supernet, who: str, method: str, inputs: list[torch.Tensor]) -> None:
    """Looks at the smallest or the largest subnet."""
    chosen = net.arch, net.head
    with named(who, method):
        arch: Any = getattr(net, method)()
        is_point = isinstance(arch, Architecture) and _is_point(net.space, arch)
    if not is_point:
        raise ContractError(f"{who} gave {arch!r:.80} from {method}; expected an architecture of its space")
    shown = net.space.key(arch)
    with torch.enable_grad(), named(who, f"forward with the architecture {shown}"):
        inside: Any = net.set(arch)(*inputs)
    if not isinstance(inside, torch.Tensor):
        raise ContractError(f"{who} gave {type(inside).__name__} from forward; expected a tensor")
    if not inside.requires_grad:
        raise ContractError(
            f"{who} gave an output from forward that no gradient passes, so that nothing could be trained. Let part and "
            "tensors return views of the weights, without detach and clone().detach()"
        )
    with torch.no_grad(), named(who, f"extract with the architecture {shown}"):
        outside = net.extract(arch)(*inputs)
    net.set(*chosen)
    if not torch.isfinite(inside).all():
        raise ContractError(f"{who} gave numbers from forward that are not finite, with its initial weights and {shown}")
    if inside.shape != outside.shape:
        shapes = f"{tuple(inside.shape)} and {tuple(outside.shape)}"
        raise ContractError(f"{who} answers {shown} in another shape than the net that it extracts: {shapes}")
    apart, largest = float((inside.detach() - outside).abs().max()), float(outside.abs().max())
    if not apart <= TOLERANCE * largest:
        raise ContractError(
            f"{who} answers {shown} otherwise than the net that it extracts: outputs of up to {largest:.3g} differ by "
            f"{apart:.3g}, so that what is trained is not what is measured. Forward has to run the chosen architecture, and "
            "extract to take the same weights; hwcost.testing.supernets.SupernetSuite finds for which genes it does not"
        )


def _is_point(space: SearchSpace, arch: Architecture) -> bool:
    try:
        return space.architecture(arch.genes) == arch
    except HwcostError:
        return False
