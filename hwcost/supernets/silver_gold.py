"""Distillation of a tagger by labels: a teacher's own (silver) on much text, and given ones (gold) whose weight rises late.

Source: Tsai et al., "Finding Fast Transformers", appendix A.4: no logits, 704 silver and 64 gold sequences a step, and a
weight of the labelled data that rises linearly from zero once the training has progressed 80 %, until only labelled data
count at 100 %. The recipe is ``minibert-paper``.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from hwcost.errors import UsageError
from hwcost.supernets.finetuning import task_loss
from hwcost.supernets.heads import TaskNet
from hwcost.supernets.masked_lm import Batches, inputs
from hwcost.supernets.objective import Batch, Pass, device_of, moved
from hwcost.supernets.recipe import Recipe
from hwcost.tasks.encoded import SKIPPED

__all__ = ["GOLD", "RAMP", "SILVER", "SilverGold", "gold_weight", "silver_labels"]

SILVER, GOLD = 704, 64
"""Sequences of a step that the teacher labels, and that are labelled."""
RAMP = (0.8, 1.0)
"""Progress of the training at which the weight of labelled data begins to rise, and at which it is 1 (p and q)."""


def gold_weight(done: int, steps: int, ramp: tuple[float, float] = RAMP) -> float:
    """Returns the weight of labelled data; that of the teacher's labels is what is left to 1.

    Args:
        done: Number of the step, counted from 1.
        steps: Number of all steps.
        ramp: Progress at which the weight begins to rise from 0, and at which it has reached 1.
    """
    first, last = ramp
    return min(1.0, max(0.0, (done / steps - first) / (last - first)))


def silver_labels(teacher: TaskNet, batch: Batch) -> torch.Tensor:
    """Returns the teacher's labels, (B, S), where the batch has places for labels; elsewhere what the batch has.

    Args:
        teacher: The teacher, which labels every word.
        batch: Batch whose ``labels`` are negative except at the first piece of each word; their values are not used.
    """
    with torch.no_grad():
        found = teacher(*inputs(batch)).argmax(-1)
    return torch.where(batch["labels"] == SKIPPED, batch["labels"], found)


class SilverGold:
    """The objective of a tagger that learns from a teacher's labels, and in the end from given ones.

    Args:
        model: The student, with a head that labels words.
        teacher: The teacher, of the same labels; it is not trained.
        silver: Function that returns the numpy batch of a micro batch of text that the teacher labels.
        gold: Function that returns the numpy batch of a micro batch of labelled text.
        recipe: Recipe of the training, whose steps the ramp is a share of.
        ramp: Progress at which the weight of labelled data begins to rise from 0, and at which it has reached 1.

    Raises:
        UsageError: When student and teacher have other labels, or label whole sequences, or the ramp does not rise.
    """

    def __init__(
        self, model: TaskNet, teacher: TaskNet, silver: Batches, gold: Batches, recipe: Recipe,
        ramp: tuple[float, float] = RAMP,
    ) -> None:  # fmt: skip
        if model.target != teacher.target:
            raise UsageError(f"a teacher's labels are its student's, got {teacher.target} and {model.target}")
        if not model.target.is_per_word:
            raise UsageError(f"silver and gold labels are those of words, as in tagging; these are of {model.target.kind}")
        if not 0 <= ramp[0] < ramp[1] <= 1:
            raise UsageError(f"a ramp rises between two shares of the steps, such as {RAMP}; got {ramp}")
        self.model, self.teacher, self.silver, self.gold = model, teacher.eval(), silver, gold
        self.recipe, self.ramp = recipe, ramp

    def passes(self, step: int, number: int) -> Iterator[Pass]:
        """See :class:`~hwcost.supernets.objective.Objective`; losses have their weights of the step in them."""
        yield from self.passes_on(self.labelled(number), step)

    def labelled(self, number: int) -> dict[str, Batch]:
        """Returns the micro batches ``silver``, with the teacher's labels, and ``gold``.

        Args:
            number: The micro batch, counted from 0.
        """
        device = device_of(self.model)
        silver, gold = moved(self.silver(number), device), moved(self.gold(number), device)
        return {"silver": {**silver, "labels": silver_labels(self.teacher, silver)}, "gold": gold}

    def passes_on(self, labelled: dict[str, Batch], step: int, prefix: str = "") -> Iterator[Pass]:
        """Yields the passes of the student as it is on labelled micro batches.

        Args:
            labelled: Micro batches by name, as :meth:`labelled` returns them.
            step: The step, counted from 0.
            prefix: Text before the names of the passes.
        """
        gold = gold_weight(step + 1, self.recipe.steps, self.ramp)
        for (name, batch), weight in zip(labelled.items(), (1 - gold, gold), strict=True):
            loss = task_loss(self.model(*inputs(batch)), batch["labels"])
            yield Pass(prefix + name, weight * loss, batch["input_ids"].numel())

