# mypy: allow-subclassing-any
"""AutoDistill's flash and regular distillation: knowledge of each block in turn, then pre-training beside the teacher.

Source: Zhang et al., "AutoDistill", section 3.3 (equations 1 to 3), 4.1 (steps of flash distillation) and 4.2 (of
regular one). Both are the same phases with different numbers of steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from hwcost.errors import UnknownNameError, UsageError
from hwcost.supernets.masked_lm import Batches, asked, inputs
from hwcost.supernets.objective import Batch, Pass, Phase, device_of, moved
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.relations import Watch
from hwcost.workloads.modules import additive_mask

__all__ = ["SCHEDULES", "Distillation", "Schedule", "TeacherTraining", "schedule"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Lengths of the phases of a distillation.

    Attributes:
        block_steps: Steps of the transfer of every block.
        pretraining_steps: Steps of pre-training distillation.
        warmup_steps: Warm-up steps of pre-training distillation.
    """

    block_steps: int
    pretraining_steps: int
    warmup_steps: int

    def scaled(self, factor: float) -> Schedule:
        """Returns the schedule with all numbers multiplied; the shares of the phases stay."""
        return Schedule(
            max(1, round(self.block_steps * factor)),
            max(1, round(self.pretraining_steps * factor)),
            round(self.warmup_steps * factor),
        )


SCHEDULES = {"flash": Schedule(500, 25_000, 500), "regular": Schedule(10_000, 500_000, 10_000)}
"""24 blocks of 500 steps and 25,000 make 37,000 (section 4.1); 24 of 10,000 and 500,000 make 740,000 (section 4.2)."""


def schedule(name: str) -> Schedule:
    """Returns a schedule by name.

    Raises:
        UnknownNameError: When there is none; lists the known ones.
    """
    if name not in SCHEDULES:
        raise UnknownNameError("schedule of distillation", name, SCHEDULES)
    return SCHEDULES[name]


class Distillation(nn.Module):
    """A student beside its teacher, with what joins them where their sizes differ.

    Feature maps of unequal widths are compared behind a dense layer (section 3.3.2). Where numbers of heads differ, the
    teacher's attention logits are compared with learned mixtures of the student's, which the paper leaves open.

    Args:
        student: Net with a masked-language-model head; its embeddings start from the teacher's.
        teacher: Net of as many blocks with the same head. It is not trained and not kept in checkpoints, but moves along to
            another device.
        seed: Seed of the layers that join the two.

    Raises:
        UsageError: When the two have different numbers of blocks.
    """

    def __init__(self, student: nn.Module, teacher: nn.Module, seed: int = 0) -> None:
        super().__init__()
        if len(student.blocks) != len(teacher.blocks):
            raise UsageError(
                f"knowledge goes from block to block: the student has {len(student.blocks)} of them, the teacher "
                f"{len(teacher.blocks)}"
            )
        self.student = student
        self._teacher = [teacher.eval().requires_grad_(False)]  # in a list, so that it is not a part of the module
        wide, narrow = teacher.embeddings.position.weight.shape[1], student.embeddings.position.weight.shape[1]
        theirs, own = teacher.blocks[0].heads, student.blocks[0].heads
        count = len(student.blocks)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.widen = nn.ModuleList(nn.Linear(narrow, wide) if narrow != wide else nn.Identity() for _ in range(count))
            self.mix = nn.ModuleList(
                nn.Linear(own, theirs, bias=False) if own != theirs else nn.Identity() for _ in range(count)
            )
            self.next_sentence = nn.Linear(narrow, 2)
        copy_embeddings(teacher.embeddings, student.embeddings)

    @property
    def teacher(self) -> nn.Module:
        """The teacher."""
        return self._teacher[0]

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        """Moves the teacher along when the module is moved."""
        self.teacher._apply(fn, recurse)
        return super()._apply(fn, recurse)

    def block_losses(self, batch: Batch, block: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns the transfer losses of a block: of its attention maps, and of its feature map.

        Args:
            batch: The batch.
            block: Number of the block, from 0.
        """
        with torch.no_grad():
            wanted, their_scores = _run_to(self.teacher, batch, block)
        given, own_scores = _run_to(self.student, batch, block)
        mixed = self.mix[block](own_scores.movedim(1, -1)).movedim(-1, 1)
        keep = batch["attention_mask"].bool()
        return attention_transfer(their_scores, mixed, keep), feature_transfer(wanted, self.widen[block](given), keep)

    def pretraining_losses(self, batch: Batch) -> dict[str, torch.Tensor]:
        """Returns the losses of pre-training: of the text, of the teacher's logits, and of the next sentence."""
        with torch.no_grad():
            wanted = self.teacher(*inputs(batch), asked(batch)[0]).float().log_softmax(-1)
        losses, logits = text_losses(self.student, self.next_sentence, batch)
        apart = functional.kl_div(logits.log_softmax(-1), wanted, reduction="batchmean", log_target=True)
        return {**losses, "distilled mlm": apart}

    def phases(
        self, batches: Batches, schedule: Schedule, recipe: Recipe, alpha: float = 0.5
    ) -> list[Phase]:
        """Returns the phases: one for each block, with all before it frozen, then pre-training (section 3.3.3).

        The embeddings, which start from the teacher's, are trained with the first block, and again in pre-training.

        Args:
            batches: Text; with next sentences, their loss is added.
            schedule: Lengths of the phases.
            recipe: Settings of the training; its steps are replaced by the schedule's.
            alpha: Share of the text's loss in ``alpha L_M + (1 - alpha) L_MD + L_N``; the paper does not state it,
                MobileBERT takes 0.5.
        """
        blocks = [
            Phase(
                f"block {block + 1}",
                _BlockTransfer(self, batches, block),
                replace(recipe, steps=schedule.block_steps, warmup_steps=0),
                _part_of(*parts, *(["student.embeddings."] if block == 0 else [])),
            )
            for block, parts in enumerate(self._parts())
        ]
        whole = replace(recipe, steps=schedule.pretraining_steps, warmup_steps=schedule.warmup_steps)
        trained = _part_of("student.", "next_sentence.")
        return [*blocks, Phase("pre-training", _Pretraining(self, batches, alpha), whole, trained, {"alpha": alpha})]

    def _parts(self) -> list[tuple[str, ...]]:
        """Returns, for every block, the beginnings of the names of what its transfer trains."""
        count = len(self.student.blocks)
        return [(f"student.blocks.{block}.", f"widen.{block}.", f"mix.{block}.") for block in range(count)]


class _BlockTransfer:
    def __init__(self, pair: Distillation, batches: Batches, block: int) -> None:
        self.pair, self.batches, self.block = pair, batches, block

    def passes(self, step: int, number: int) -> Iterator[Pass]:
        batch = moved(self.batches(number), device_of(self.pair))
        yield Pass("transfer", sum(self.pair.block_losses(batch, self.block)), batch["input_ids"].numel())


class _Pretraining:
    def __init__(self, pair: Distillation, batches: Batches, alpha: float) -> None:
        self.pair, self.batches, self.alpha = pair, batches, alpha

    def passes(self, step: int, number: int) -> Iterator[Pass]:
        batch = moved(self.batches(number), device_of(self.pair))
        losses = self.pair.pretraining_losses(batch)
        weights = {"mlm": self.alpha, "distilled mlm": 1 - self.alpha, "next sentence": 1.0}
        total = sum(weights[name] * loss for name, loss in losses.items())
        yield Pass("pre-training", total, batch["input_ids"].numel())


class TeacherTraining(nn.Module):
    """A net with masked language modelling and next sentence prediction: how a teacher is made (Devlin et al., "BERT").

    Args:
        net: Net with a masked-language-model head.
        width: Width of its hidden states.
        batches: Text with next sentences.
    """

    def __init__(self, net: nn.Module, width: int, batches: Batches) -> None:
        super().__init__()
        self.net, self.batches = net, batches
        self.next_sentence = nn.Linear(width, 2)
        for parameter in self.next_sentence.parameters():
            nn.init.zeros_(parameter)

    def passes(self, step: int, number: int) -> Iterator[Pass]:
        """See :class:`~hwcost.supernets.objective.Objective`."""
        batch = moved(self.batches(number), device_of(self))
        losses, _ = text_losses(self.net, self.next_sentence, batch)
        yield Pass("pre-training", sum(losses.values()), batch["input_ids"].numel())


def text_losses(net: nn.Module, next_sentence: nn.Module, batch: Batch) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Returns the losses of masked words and, where the batch has it, of the next sentence; and the logits, (n, V)."""
    positions, labels = asked(batch)
    hidden = net.encode(*inputs(batch))
    logits = net.head(hidden.flatten(0, 1)[positions], net.embeddings.word.weight).float()
    losses = {"mlm": functional.cross_entropy(logits, labels)}
    if "is_next" in batch:
        losses["next sentence"] = functional.cross_entropy(next_sentence(hidden[:, 0]).float(), batch["is_next"])
    return losses, logits


def attention_transfer(wanted: torch.Tensor, given: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
    """Returns the mean divergence ``KL(teacher || student)`` of attention maps over heads and tokens (equation 1).

    Args:
        wanted: The teacher's scores before the mask, (B, heads, S, S).
        given: The student's, of as many heads.
        keep: Mask of the tokens that are not padding, (B, S); no token attends to padding.
    """
    given, wanted = (
        one.float().masked_fill(~keep[:, None, None, :], torch.finfo(torch.float32).min).log_softmax(-1)
        for one in (given, wanted)
    )
    apart = functional.kl_div(given, wanted, reduction="none", log_target=True).sum(-1)
    return apart.masked_fill(~keep[:, None, :], 0).sum() / (wanted.shape[1] * keep.sum())


def feature_transfer(wanted: torch.Tensor, given: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
    """Returns the mean squared difference of feature maps, (B, S, h) each (equation 2)."""
    apart = (wanted.float() - given.float()).square().mean(-1)
    return apart.masked_fill(~keep, 0).sum() / keep.sum()


def copy_embeddings(teacher: nn.Module, student: nn.Module) -> None:
    """Starts a student's embeddings from the teacher's; channels that do not match are resampled linearly (3.3.2)."""
    theirs = dict(teacher.named_parameters())
    with torch.no_grad():
        for name, parameter in student.named_parameters():
            if name in theirs:
                parameter.copy_(_resampled(theirs[name], parameter.shape))


def _resampled(tensor: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    for dimension, size in enumerate(shape):
        if tensor.shape[dimension] != size:
            moved_last = tensor.movedim(dimension, -1)
            flat = moved_last.reshape(1, -1, moved_last.shape[-1])
            resized = functional.interpolate(flat, size, mode="linear", align_corners=True)
            tensor = resized.reshape(*moved_last.shape[:-1], size).movedim(-1, dimension)
    return tensor


def _run_to(net: nn.Module, batch: Batch, block: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Runs a net as far as a block; returns the block's output, and its attention's scores before the mask, in float32."""
    ids, mask, types = inputs(batch)
    hidden = net.embeddings(ids, types)
    added = additive_mask(mask, hidden.dtype)
    for before in net.blocks[:block]:
        hidden = before(hidden, added)
    attention = net.blocks[block]
    with Watch(attention, ("query", "key")) as seen:
        output = attention(hidden, added)
    query, key = (seen[name].float().unflatten(-1, (attention.heads, -1)).transpose(1, 2) for name in ("query", "key"))
    with torch.autocast(ids.device.type, enabled=False):
        return output, query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5


def _part_of(*prefixes: str) -> Callable[[str], bool]:
    return lambda name: name.startswith(prefixes)

