# mypy: allow-subclassing-any
"""SuperShaper's whole net, as it is trained and with neighbouring bottlenecks composed for deployment (section 3)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import nn

from hwcost.spaces.supershaper import BACKBONE_WIDTH, FEED_FORWARD, HEADS, POSITIONS, TOKEN_TYPES, VOCABULARY
from hwcost.workloads.modules import Embeddings, Layer, MlmHead, additive_mask


class SuperShaperModel(nn.Module):
    """Embeddings, 12 layers of their own widths, masked-language-model head.

    Args:
        widths: Width of every layer.
        merged: Whether transitions ``h_i -> h_{i+1}`` replace the bottlenecks.
    """

    def __init__(self, widths: Sequence[int], merged: bool = False) -> None:
        super().__init__()
        self.embeddings = Embeddings(VOCABULARY, POSITIONS, TOKEN_TYPES, BACKBONE_WIDTH)
        outer = None if merged else BACKBONE_WIDTH
        self.layers = nn.ModuleList(Layer(width, HEADS, FEED_FORWARD, outer) for width in widths)
        path = [BACKBONE_WIDTH, *widths, BACKBONE_WIDTH]
        joins = itertools.pairwise(path) if merged else ()
        self.transitions = nn.ModuleList(nn.Linear(inputs, outputs) for inputs, outputs in joins)
        self.head = MlmHead(BACKBONE_WIDTH, VOCABULARY)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> torch.Tensor:
        """Three int64 tensors of shape (B, S) -> logits (B, S, V)."""
        hidden = self.embeddings(input_ids, token_type_ids)
        mask = additive_mask(attention_mask, hidden.dtype)
        if len(self.transitions):
            for transition, layer in zip(self.transitions, self.layers, strict=False):
                hidden = layer(transition(hidden), mask)
            hidden = self.transitions[-1](hidden)
        else:
            for layer in self.layers:
                hidden = layer(hidden, mask)
        return self.head(hidden, self.embeddings.word.weight)

    @property
    def widths(self) -> list[int]:
        """Width of every layer."""
        return [layer.attention.query.in_features for layer in self.layers]


def merge(model: SuperShaperModel) -> SuperShaperModel:
    """Composes neighbouring bottlenecks.

    ``W = W_enter(i+1) W_leave(i)`` and ``b = W_enter(i+1) b_leave(i) + b_enter(i+1)``. The outputs stay equal up to
    rounding, because nothing else stands between two layers: neither a residual nor a norm at width D.

    Args:
        model: An unmerged net; it keeps its weights.

    Returns:
        A merged net with tensors of its own, of the same dtype.
    """
    with torch.device("meta"):
        merged = SuperShaperModel(model.widths, merged=True)
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
    merged.eval().requires_grad_(False)
    return merged


def _compose(first: nn.Linear | None, second: nn.Linear | None) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns weight and bias of ``second`` after ``first``; one of them may be missing at an end of the net."""
    with torch.no_grad():
        if first is not None and second is not None:
            return second.weight @ first.weight, second.weight @ first.bias + second.bias
        only = first if first is not None else second
        assert only is not None
        return only.weight.clone(), only.bias.clone()
