# mypy: allow-subclassing-any
"""SuperShaper's whole net, as it is trained and with neighbouring bottlenecks composed for deployment (section 3)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import nn

from hwcost.workloads.modules import Embeddings, Encoder, Layer


class SuperShaperModel(Encoder):
    """Embeddings, layers of their own widths, and a head.

    Args:
        widths: Width of every layer.
        backbone_width: Width D around the layers.
        heads: Attention heads of a layer.
        feed_forward: Inner width of a layer's feed-forward.
        vocabulary: Word pieces.
        positions: Longest sequence.
        token_types: Segments.
        merged: Whether transitions ``h_i -> h_{i+1}`` replace the bottlenecks.
        head: Last part of the net, one of the heads that :class:`~hwcost.workloads.modules.Encoder` lists.
    """

    def __init__(
        self,
        widths: Sequence[int],
        backbone_width: int,
        heads: int,
        feed_forward: int,
        vocabulary: int,
        positions: int,
        token_types: int,
        merged: bool = False,
        head: str = "mlm",
    ) -> None:
        super().__init__(Embeddings(vocabulary, positions, token_types, backbone_width), backbone_width, head)
        outer = None if merged else backbone_width
        self.layers = nn.ModuleList(Layer(width, heads, feed_forward, outer) for width in widths)
        path = [backbone_width, *widths, backbone_width]
        joins = itertools.pairwise(path) if merged else ()
        self.transitions = nn.ModuleList(nn.Linear(inputs, outputs) for inputs, outputs in joins)

    def body(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """See the base class."""
        if not len(self.transitions):
            for layer in self.layers:
                hidden = layer(hidden, mask)
            return hidden
        for transition, layer in zip(self.transitions, self.layers, strict=False):
            hidden = layer(transition(hidden), mask)
        return self.transitions[-1](hidden)


def merge(model: SuperShaperModel, merged: SuperShaperModel) -> SuperShaperModel:
    """Composes neighbouring bottlenecks.

    ``W = W_enter(i+1) W_leave(i)`` and ``b = W_enter(i+1) b_leave(i) + b_enter(i+1)``. The outputs stay equal up to
    rounding, because nothing else stands between two layers: neither a residual nor a norm at width D.

    Args:
        model: An unmerged net; it keeps its weights.
        merged: The merged net of the same widths, for example on the ``meta`` device; it is filled.

    Returns:
        The merged net with tensors of its own, of the same dtype.
    """
    leaving = [None, *(layer.leave for layer in model.layers)]
    entering = [*(layer.enter for layer in model.layers), None]
    state = {
        name: value.detach().clone()
        for name, value in model.state_dict().items()
        if ".enter." not in name and ".leave." not in name
    }
    for index, (leave, enter) in enumerate(zip(leaving, entering, strict=True)):
        weight, bias = _compose(leave, enter)
        state |= {f"transitions.{index}.weight": weight, f"transitions.{index}.bias": bias}
    merged.load_state_dict(state, assign=True)
    return merged


def _compose(first: nn.Linear | None, second: nn.Linear | None) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns weight and bias of ``second`` after ``first``; one of them may be missing at an end of the net."""
    with torch.no_grad():
        if first is not None and second is not None:
            return second.weight @ first.weight, second.weight @ first.bias + second.bias
        only = first if first is not None else second
        assert only is not None
        return only.weight.clone(), only.bias.clone()
