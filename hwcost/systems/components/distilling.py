"""Sizes of the searches within the distillation of taggers, and what does not fit together in them.

Source: Tsai et al., "Finding Fast Transformers", section 5.4 and appendix A.4.
"""

from __future__ import annotations

from dataclasses import dataclass

from hwcost.errors import UsageError
from hwcost.supernets.recipe import RECIPES, Recipe


@dataclass(frozen=True, kw_only=True)
class Distilling:
    """The distillation of a student by the base net, fine-tuned, on every tagging task of a run.

    The defaults are the paper's: MiniBERT, 704 sequences that the teacher labels and 64 labelled ones a step.

    Attributes:
        is_on: Whether students are distilled and searched.
        grid: Name of the grid of components that the student is divided into; None for that of the base net.
        recipe: Recipe of every distillation; its batch holds sequences of both kinds.
        gold: Number of sequences of a step that are labelled; the teacher labels the others.
        ramp: Progress at which the weight of labelled sequences begins to rise from 0, and at which it has reached 1.
        direct_penalty: Weight of the cost in DO; None for the preset's.
        sampled_penalty: Weight of the cost in SDO; None for the preset's.
    """

    is_on: bool = False
    grid: str | None = "minibert"
    recipe: Recipe = RECIPES["minibert-paper"]
    gold: int = 64
    ramp: tuple[float, float] = (0.8, 1.0)
    direct_penalty: float | None = None
    sampled_penalty: float | None = None

    @property
    def shares(self) -> tuple[int, int]:
        """Numbers of sequences of a micro batch that the teacher labels, and that are labelled; at least one of each."""
        gold = max(1, round(self.gold * self.recipe.micro_batch / self.recipe.batch_size))
        return self.recipe.micro_batch - gold, gold

    @property
    def fewest(self) -> int:
        """Least number of sequences in a micro batch that has some of both kinds."""
        whole = self.recipe.batch_size
        return next((size for size in range(2, whole) if round(self.gold * size / whole) < size), whole)

    def check(self) -> None:
        """Refuses sizes that do not fit together.

        Raises:
            UsageError: When a micro batch has no room for sequences of both kinds, or the ramp does not rise.
        """
        recipe = self.recipe
        if not 0 < self.gold < recipe.batch_size or min(self.shares) < 1:
            raise UsageError(
                "a micro batch of a distillation has a labelled sequence and one that the teacher labels; those of "
                f"distillation.recipe have {recipe.micro_batch}, and distillation.gold={self.gold} of the "
                f"{recipe.batch_size} of a step are labelled. Give larger micro batches, or a gold from 1 to "
                f"{recipe.batch_size - 1}"
            )
        if not 0 <= self.ramp[0] < self.ramp[1] <= 1:
            raise UsageError(f"distillation.ramp rises between two shares of the steps, such as 0.8,1.0; got {self.ramp}")
