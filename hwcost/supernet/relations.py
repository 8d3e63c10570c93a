"""Self-attention relation distillation: a student's last layer relates its tokens as the teacher's does.

Source: Xu et al., "AutoDistil", section 3.2 (equations 1 to 3), after Wang et al., "MiniLMv2"; the released code leaves the
softmax out. Relations are between queries, between keys, and between values; no two nets need equal widths.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from hwcost.errors import UsageError
from hwcost.supernet.base import Supernet
from hwcost.supernet.masked_lm import Batches, inputs
from hwcost.supernet.sampling import Rule
from hwcost.supernet.training import Batch, moved

RELATIONS = ("softmax-mse", "logits-mse", "softmax-kl")
"""The paper's loss, the released code's, and MiniLMv2's."""

Projections = dict[str, torch.Tensor]
"""Queries, keys and values of a layer, each (B, S, channels)."""


def last_layer(net: nn.Module) -> nn.Module:
    """Returns a net's last attention.

    Raises:
        UsageError: When it has none.
    """
    found = [part for part in net.modules() if all(hasattr(part, name) for name in ("query", "key", "value"))]
    if not found:
        raise UsageError(f"a net of class {type(net).__name__} has no attention with queries, keys and values to relate")
    return found[-1]


class Watch:
    """Keeps what the linear maps of an attention give while a net runs.

    ::

        with Watch(attention) as seen:
            net(...)
        seen["query"]  # (B, S, channels)
    """

    def __init__(self, attention: nn.Module, names: tuple[str, ...] = ("query", "key", "value")) -> None:
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
    """Returns the scaled products of every two tokens, (B, heads, S, S); each net is scaled by its own channels."""
    split = resplit(projected, heads)
    return split @ split.transpose(-1, -2) / split.shape[-1] ** 0.5


def relation_loss(
    teacher: Projections, student: Projections, mask: torch.Tensor, heads: int, kind: str = "softmax-mse"
) -> torch.Tensor:
    """Returns the distance of a student's relations from the teacher's, summed over queries, keys and values.

    Args:
        teacher: Of its last layer.
        student: Of its last layer.
        mask: 1 for tokens, 0 for padding, (B, S); padding neither relates nor is related to.
        heads: Relation heads.
        kind: One of ``RELATIONS``.

    Raises:
        UsageError: When there is no such kind.
    """
    if kind not in RELATIONS:
        raise UsageError(f"unknown relation loss '{kind}'. Known: {', '.join(RELATIONS)}")
    keep = mask.bool()
    return sum(
        (_distance(scores(teacher[name].detach(), heads), scores(student[name], heads), keep, kind) for name in teacher),
        start=torch.zeros((), device=mask.device),
    )


def _distance(wanted: torch.Tensor, given: torch.Tensor, keep: torch.Tensor, kind: str) -> torch.Tensor:
    """Means over heads and over what is no padding: pairs of tokens, or tokens for a divergence of distributions."""
    heads, columns = wanted.shape[1], keep[:, None, None, :]
    rows = keep[:, None, :, None]
    wanted, given = wanted.float(), given.float()
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
        teacher: Whose relations are learnt; it is left as it is.
        heads: Relation heads: the teacher's heads.
        batches: Text; labels are not used.
        rule: Which subnets a step runs.
        kind: One of ``RELATIONS``.
        accumulate: Micro batches of a step, which run the same subnets.
    """

    def __init__(
        self,
        supernet: Supernet,
        teacher: nn.Module,
        heads: int,
        batches: Batches,
        rule: Rule,
        kind: str = "softmax-mse",
        accumulate: int = 1,
    ) -> None:
        self.supernet, self.teacher, self.heads, self.kind = supernet, teacher.eval(), heads, kind
        self.batches, self.rule, self.accumulate = batches, rule, accumulate

    def passes(self, step: int) -> Iterator[tuple[str, torch.Tensor]]:
        """See :class:`~hwcost.supernet.training.Objective`."""
        batch = moved(self.batches(step), next(self.supernet.parameters()).device)
        with torch.no_grad():
            wanted = projections(self.teacher, self.teacher, batch)
        for index, arch in enumerate(self.rule(step // self.accumulate)):
            net = self.supernet.set(arch, "none")
            given = projections(net, net.net, batch)
            yield f"subnet {index}", relation_loss(wanted, given, batch["attention_mask"], self.heads, self.kind)

    def targets(self, batches: list[dict[str, Any]]) -> list[tuple[Batch, Projections]]:
        """Runs the teacher over held-out batches, once for all subnets that are judged by them."""
        moved_ones = [moved(one, next(self.supernet.parameters()).device) for one in batches]
        with torch.no_grad():
            return [(batch, projections(self.teacher, self.teacher, batch)) for batch in moved_ones]

    def loss(self, targets: list[tuple[Batch, Projections]]) -> float:
        """Returns the mean loss of the chosen subnet against what :meth:`targets` returned."""
        total = 0.0
        with torch.no_grad():
            for batch, wanted in targets:
                given = projections(self.supernet, self.supernet.net, batch)
                total += float(relation_loss(wanted, given, batch["attention_mask"], self.heads, self.kind))
        return total / len(targets)


def projections(net: nn.Module, modules: nn.Module, batch: Batch) -> Projections:
    """Runs a net and returns what its last attention projects.

    Args:
        net: What is called.
        modules: Where its attention is found: the net itself, or the modules that a supernet runs.
        batch: The batch.
    """
    with Watch(last_layer(modules)) as seen:
        net(*inputs(batch))
    return seen
