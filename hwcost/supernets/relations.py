"""Self-attention relation distillation: a student's last layer relates its tokens as one of the teacher's layers does.

Source: Xu et al., "AutoDistil", section 3.2 (equations 6 to 8), after Wang et al., "MiniLMv2"; the released code leaves the
softmax out. Relations are between queries, between keys, and between values; no two nets need equal widths.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from hwcost.errors import UsageError
from hwcost.spaces.base import Architecture
from hwcost.supernets.base import Supernet
from hwcost.supernets.masked_lm import Batches, inputs
from hwcost.supernets.objective import Batch, Pass, device_of, moved
from hwcost.supernets.process_group import here
from hwcost.supernets.recipe import KNOWN
from hwcost.supernets.sampling import Rule

__all__ = ["RELATIONS", "RelationDistillation", "Watch", "attention", "relation_loss"]

RELATIONS = KNOWN["relation"]
"""The paper's loss, the released code's, and MiniLMv2's."""

NAMES = ("query", "key", "value")
"""The linear maps whose outputs relate, in the order of their weights."""

Projections = dict[str, torch.Tensor]
"""Queries, keys and values of a layer, each (B, S, channels)."""


Weights = tuple[float, float, float]
"""Weights of the relations of queries, keys and values."""

EQUAL: Weights = (1.0, 1.0, 1.0)
"""The weights of section 4.1."""


def attention(net: nn.Module, layer: int = -1) -> nn.Module:
    """Returns the attention of one of a net's layers.

    Args:
        net: The net.
        layer: Number of the layer: 1 for the first, -1 for the last.

    Raises:
        UsageError: When the net has no such layer.
    """
    found = [part for part in net.modules() if all(hasattr(part, name) for name in NAMES)]
    if not found:
        raise UsageError(f"a net of class {type(net).__name__} has no attention with queries, keys and values to relate")
    if not 1 <= abs(layer) <= len(found):
        raise UsageError(f"a net of {len(found)} layers with attention has no layer {layer} whose relations are learnt")
    return found[layer - (layer > 0)]


class Watch:
    """Keeps what the linear maps of an attention give while a net runs.

    ::

        with Watch(attention) as seen:
            net(...)
        seen["query"]  # (B, S, channels)
    """

    def __init__(self, attention: nn.Module, names: tuple[str, ...] = NAMES) -> None:
        self.attention, self.names = attention, names
        self.seen: Projections = {}

    def __enter__(self) -> Projections:
        self.hooks = [getattr(self.attention, name).register_forward_hook(self._keep(name)) for name in self.names]
        return self.seen

    def __exit__(self, *_: object) -> None:
        for hook in self.hooks:
            hook.remove()

    def _keep(self, name: str) -> Any:
        def keep(module: nn.Module, given: Any, output: torch.Tensor) -> None:
            self.seen[name] = output

        return keep


def resplit(projected: torch.Tensor, heads: int) -> torch.Tensor:
    """Divides the channels of all heads anew, among as many relation heads as the teacher has.

    Args:
        projected: (B, S, channels); channels beyond a multiple of the heads are left out, as in the released code.
        heads: Relation heads.

    Returns:
        (B, heads, S, channels of a relation head).

    Raises:
        UsageError: When there are fewer channels than heads.
    """
    channels = projected.shape[-1] // heads
    if not channels:
        raise UsageError(f"{projected.shape[-1]} channels cannot be divided among {heads} relation heads")
    return projected[..., : heads * channels].unflatten(-1, (heads, channels)).transpose(1, 2)


def scores(projected: torch.Tensor, heads: int) -> torch.Tensor:
    """Returns the scaled products of every two tokens, (B, heads, S, S), in float32; each net by its own channels."""
    split = resplit(projected.float(), heads)
    return split @ split.transpose(-1, -2) / split.shape[-1] ** 0.5


def relation_loss(
    teacher: Projections,
    student: Projections,
    mask: torch.Tensor,
    heads: int,
    kind: str = "softmax-mse",
    weights: Weights = EQUAL,
) -> torch.Tensor:
    """Returns the distance of a student's relations from the teacher's, summed over queries, keys and values (equation 6).

    Args:
        teacher: Projections of a layer of the teacher.
        student: Projections of the student's last layer.
        mask: 1 for tokens, 0 for padding, (B, S); padding neither relates nor is related to.
        heads: Relation heads.
        kind: One of ``RELATIONS``.
        weights: Weights of the three relations, in the equation ``beta``.

    Raises:
        UsageError: When there is no such kind.
    """
    if kind not in RELATIONS:
        raise UsageError(f"unknown relation loss '{kind}'. Known: {', '.join(RELATIONS)}")
    total = torch.zeros((), device=mask.device)
    with torch.autocast(mask.device.type, enabled=False):
        for name, weight in zip(NAMES, weights, strict=True):
            if weight:
                wanted, given = scores(teacher[name].detach(), heads), scores(student[name], heads)
                total = total + weight * _distance(wanted, given, mask.bool(), kind)
    return total


def _distance(wanted: torch.Tensor, given: torch.Tensor, keep: torch.Tensor, kind: str) -> torch.Tensor:
    """Means over heads and over what is not padding: pairs of tokens, or tokens for a divergence of distributions."""
    heads, columns = wanted.shape[1], keep[:, None, None, :]
    rows = keep[:, None, :, None]
    pairs = heads * (rows & columns).sum()
    if kind == "logits-mse":
        return (wanted - given).square().masked_fill(~(rows & columns), 0).sum() / pairs
    wanted, given = (one.masked_fill(~columns, torch.finfo(one.dtype).min) for one in (wanted, given))
    if kind == "softmax-mse":
        apart = (wanted.softmax(-1) - given.softmax(-1)).square()
        return apart.masked_fill(~(rows & columns), 0).sum() / pairs
    apart = functional.kl_div(given.log_softmax(-1), wanted.log_softmax(-1), reduction="none", log_target=True)
    return apart.masked_fill(~(rows & columns), 0).sum() / (heads * keep.sum())


class RelationDistillation:
    """Relation distillation of the subnets that a rule draws, from one teacher.

    Args:
        supernet: The supernet.
        teacher: Net whose relations are learnt; it is not trained.
        heads: Relation heads: the teacher's heads.
        batches: Batches of text; labels are not used.
        rule: Rule that chooses the subnets of a step.
        kind: One of ``RELATIONS``.
        weights: Weights of the relations of queries, keys and values.
        layer: Layer of the teacher that is learnt from: 1 for the first, -1 for the last.

    Raises:
        UsageError: When the supernet's nets may end in a block without queries, or there is no such kind or layer.
    """

    def __init__(
        self,
        supernet: Supernet,
        teacher: nn.Module,
        heads: int,
        batches: Batches,
        rule: Rule,
        kind: str = "softmax-mse",
        weights: Weights = EQUAL,
        layer: int = -1,
    ) -> None:
        if supernet.space.name == "components":
            raise UsageError("nets of space 'components' may end in a block without queries and keys: nothing relates there")
        if kind not in RELATIONS:
            raise UsageError(f"unknown relation loss '{kind}'. Known: {', '.join(RELATIONS)}")
        self.supernet, self.teacher, self.heads, self.kind = supernet, teacher.eval(), heads, kind
        self.batches, self.rule, self.weights = batches, rule, weights
        self.taught_by = attention(teacher, layer)

    def passes(self, step: int, number: int) -> Iterator[Pass]:
        """See :class:`~hwcost.supernets.objective.Objective`."""
        batch = moved(self.batches(number), device_of(self.supernet))
        wanted = self._wanted(batch)
        for name, arch in self.rule(step).items():
            given = self._given(arch, batch)
            yield Pass(name, self._loss(wanted, given, batch), batch["input_ids"].numel())

    def targets(self, batches: list[dict[str, Any]]) -> list[tuple[Batch, Projections]]:
        """Runs the teacher over held-out batches, once for all subnets that are judged by them."""
        device = device_of(self.supernet)
        return [(batch, self._wanted(batch)) for batch in (moved(one, device) for one in batches)]

    def loss(self, arch: Architecture, targets: list[tuple[Batch, Projections]]) -> float:
        """Returns the mean loss of a subnet against what :meth:`targets` returned."""
        return sum(self.losses(arch, targets)) / len(targets)

    def losses(self, arch: Architecture, targets: list[tuple[Batch, Projections]]) -> list[float]:
        """Returns the loss of a subnet against each of the targets.

        Called by every process of torch's default process group, with the same targets, it divides them among the processes.
        """
        found, group = [0.0] * len(targets), here()
        with torch.no_grad():
            for number in group.share(len(targets)):
                batch, wanted = targets[number]
                found[number] = float(self._loss(wanted, self._given(arch, batch), batch))
        return group.added(found, device_of(self.supernet))

    def alike(self, targets: list[tuple[Batch, Projections]]) -> float:
        """Returns the mean loss of a net that relates all tokens alike, against what :meth:`targets` returned."""
        nothing = [{name: torch.zeros_like(one) for name, one in wanted.items()} for _, wanted in targets]
        losses = [self._loss(wanted, none, batch) for (batch, wanted), none in zip(targets, nothing, strict=True)]
        return sum(map(float, losses)) / len(targets)

    def _loss(self, wanted: Projections, given: Projections, batch: Batch) -> torch.Tensor:
        return relation_loss(wanted, given, batch["attention_mask"], self.heads, self.kind, self.weights)

    def _wanted(self, batch: Batch) -> Projections:
        with torch.no_grad(), Watch(self.taught_by) as seen:
            self.teacher.encode(*inputs(batch))
        return seen

    def _given(self, arch: Architecture, batch: Batch) -> Projections:
        net = self.supernet.set(arch, "none")
        with Watch(attention(net.net)) as seen:
            net(*inputs(batch))
        return seen
