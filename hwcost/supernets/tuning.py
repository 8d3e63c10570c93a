"""Grids of settings for fine-tuning, among them those of the papers: the best on validation data is taken.

Sources: SuperShaper, Table 2; AutoDistil, Table 10; Finding Fast Transformers, appendix D.1 and Table 9.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from hwcost.errors import UnknownNameError, UsageError
from hwcost.supernets.recipe import Recipe

__all__ = ["TUNINGS", "Grid", "Tuning", "tuning"]


@dataclass(frozen=True)
class Grid:
    """Settings of fine-tuning to try, in all combinations.

    Attributes:
        base: Recipe that all settings share; what a tuple below is empty for is taken from it.
        epochs: Numbers of epochs.
        learning_rates: Learning rates.
        batch_sizes: Numbers of examples in a step.
        weight_decays: Shares by which weights decay.
        warmups: Numbers of steps in which the rate rises; fewer where a training is shorter.

    Raises:
        UsageError: When a setting is out of range, as a recipe's may be.
    """

    base: Recipe
    epochs: tuple[int, ...] = ()
    learning_rates: tuple[float, ...] = ()
    batch_sizes: tuple[int, ...] = ()
    weight_decays: tuple[float, ...] = ()
    warmups: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_sizes"):
            if min(getattr(self, name), default=1) < 1:
                raise UsageError(f"{name} of a grid are 1 at least, got {getattr(self, name)}")
        self.recipes(examples=1)

    def recipes(self, examples: int) -> list[Recipe]:
        """Returns the settings for a number of training examples.

        Raises:
            UsageError: When there is no example.
        """
        if examples < 1:
            raise UsageError(f"fine-tuning needs an example at least, got {examples}")
        base = self.base
        every = itertools.product(
            self.epochs or (None,), self.learning_rates or (base.learning_rate,), self.batch_sizes or (base.batch_size,),
            self.weight_decays or (base.weight_decay,), self.warmups or (base.warmup_steps,),
        )  # fmt: skip
        found = []
        for epochs, rate, batch_size, decay, warmup in every:
            steps = base.steps if epochs is None else math.ceil(epochs * examples / batch_size)
            found.append(
                replace(
                    base, steps=steps, learning_rate=rate, batch_size=batch_size, weight_decay=decay,
                    warmup_steps=min(warmup, steps),
                )
            )  # fmt: skip
        return found


@dataclass(frozen=True)
class Tuning:
    """Settings of fine-tuning for every task.

    Attributes:
        other: Grid of the tasks that have none of their own.
        tasks: Grids by the name of the task.
        starts: Task whose fine-tuned net a task starts from, by the name of the task, where both are given.
    """

    other: Grid
    tasks: Mapping[str, Grid] = field(default_factory=dict)
    starts: Mapping[str, str] = field(default_factory=dict)

    @property
    def seq_len(self) -> int:
        """Tokens of a sequence, special ones included, of tasks without a grid of their own."""
        return self.other.base.seq_len

    def grid(self, task: str) -> Grid:
        """Returns a task's grid."""
        return self.tasks.get(task, self.other)

    def of(self, tasks: Iterable[str]) -> Tuning:
        """Returns the settings without the grids of other tasks.

        Args:
            tasks: Names of tasks.
        """
        names = set(tasks)
        return replace(self, tasks={name: grid for name, grid in self.tasks.items() if name in names})


_BASE = Recipe(steps=1, batch_size=32, seq_len=128, learning_rate=2e-5, weight_decay=0.0)
_TABLE_2 = Grid(_BASE, epochs=(10,), learning_rates=(5e-5,))
_TABLE_10 = {
    name: Grid(replace(_BASE, weight_decay=0.01), epochs=(epochs,), learning_rates=(rate,))
    for name, rate, epochs in (
        ("mnli", 2e-5, 5), ("qnli", 2e-5, 5), ("qqp", 2e-5, 5), ("sst2", 2e-5, 10), ("cola", 1e-5, 20), ("mrpc", 2e-5, 10),
        ("rte", 2e-5, 10),
    )
}  # fmt: skip
_OWN = Grid(replace(_BASE, weight_decay=0.01), epochs=(3, 5), learning_rates=(2e-5, 5e-5))
_XNLI = replace(_OWN, epochs=(3,), learning_rates=(2e-5, 3e-5, 5e-5))
_TABLE_9 = {"xnli": _XNLI, "wikiann": replace(_OWN, epochs=(10,), learning_rates=(3e-5,))}

TUNINGS: dict[str, Tuning] = {
    "supershaper-paper": Tuning(
        _TABLE_2,
        {"cola": replace(_TABLE_2, batch_sizes=(16, 32), weight_decays=(0.0, 0.1), warmups=(0, 400))},
        {"rte": "mnli", "mrpc": "mnli", "stsb": "mnli"},
    ),
    "autodistil-paper": Tuning(_TABLE_10["rte"], _TABLE_10),
    "autodistill": Tuning(_OWN, dict.fromkeys(("squad", "squad_v2"), replace(_OWN, base=replace(_OWN.base, seq_len=384)))),
    "components-paper": Tuning(replace(_OWN, epochs=(6, 7), learning_rates=(2e-5, 3e-5, 4e-5)), _TABLE_9),
    "components-multilingual": Tuning(_XNLI, _TABLE_9),
}
"""SuperShaper: Table 2, and section 4.1 for the start from MNLI. AutoDistil: Table 10; tasks that it lacks have its settings
of small tasks, and the decay is that of BERT. Finding Fast Transformers: appendix D.1, and Table 9 for XNLI and WikiAnn; the
batch of 32 and the decay are choices. ``autodistill`` is a choice, as that paper prints no settings; SQuAD has the length of
BERT's released code."""


def tuning(name: str) -> Tuning:
    """Returns the settings of fine-tuning by name.

    Raises:
        UnknownNameError: When there are none; lists the known names.
    """
    if name not in TUNINGS:
        raise UnknownNameError("settings of fine-tuning", name, TUNINGS)
    return TUNINGS[name]
