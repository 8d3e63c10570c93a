"""Settings of a training: steps, batches, optimiser, rates; by name those of the papers and of their released code."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from hwcost.errors import UnknownNameError, UsageError

__all__ = ["RECIPES", "RELATION_EPSILON", "Recipe", "recipe"]

RELATION_EPSILON = 1e-10
"""Largest epsilon where relations behind a softmax are learnt by their mean squared error. As it is a mean over all pairs of
tokens, its gradients are some 1e-7 and less, and would drown in the usual 1e-6."""

KNOWN = {
    "optimizer": ("adamw", "lamb"),
    "dtype": ("float32", "bfloat16"),
    "sampling": ("sandwich", "uniform", "largest"),
    "relation": ("softmax-mse", "logits-mse", "softmax-kl"),
    "layers": ("alternate", "top", "alternate-top"),
}
"""Values of the settings that are names."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """The settings of one training.

    Attributes:
        steps: Steps of the optimiser.
        batch_size: Sequences of a step, all micro batches together.
        seq_len: Tokens of a sequence.
        learning_rate: Learning rate at its peak.
        warmup_steps: Steps in which the rate rises to the peak; it falls linearly to 0 afterwards.
        weight_decay: Decoupled weight decay; biases and norms do not decay.
        betas: Decay of the two moments.
        epsilon: Constant added to the root of the second moment.
        clip: Largest norm of the gradient; None for no limit.
        optimizer: ``adamw`` or ``lamb``.
        accumulate: Micro batches that a step is divided into, on all processes together; see :meth:`over`.
        dtype: ``float32``, or ``bfloat16`` for automatic mixed precision.
        sampling: The rule of sampling; see :mod:`hwcost.supernets.sampling`.
        random: Random architectures of a step.
        relation: The relation loss, where a teacher's relations are learnt; see :mod:`hwcost.supernets.relations`.
        relation_weights: Weights of the relations of queries, keys and values in that loss.
        relation_layer: Layer of the teacher whose relations the last layer of each net learns: 1 for the first, -1 for the
            last.
        layers: Rule by which a net of fewer layers than the supernet keeps some (AutoDistil, Table 8): ``alternate``;
            ``top``, which drops the top ones; or ``alternate-top``, which trains by the first and extracts by the second.
    """

    steps: int
    batch_size: int = 32
    seq_len: int = 128
    learning_rate: float = 1e-3
    warmup_steps: int = 0
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-6
    clip: float | None = None
    optimizer: str = "adamw"
    accumulate: int = 1
    dtype: str = "float32"
    sampling: str = "sandwich"
    random: int = 1
    relation: str = "softmax-mse"
    relation_weights: tuple[float, float, float] = (1.0, 1.0, 1.0)
    relation_layer: int = -1
    layers: str = "alternate"

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "seq_len", "accumulate", "learning_rate", "random", "clip", "epsilon"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise UsageError(f"a recipe's {name} is a positive number, got {value}")
        if not 0 <= self.warmup_steps <= self.steps or not self.weight_decay >= 0:
            raise UsageError(
                f"a recipe warms up for at most its {self.steps} steps and decays by no negative share, got "
                f"warmup_steps={self.warmup_steps} and weight_decay={self.weight_decay}"
            )
        if self.batch_size % self.accumulate:
            raise UsageError(f"{self.accumulate} micro batches do not divide a batch of {self.batch_size} sequences")
        weights = self.relation_weights
        if len(weights) != 3 or not all(0 <= one < float("inf") for one in weights) or not sum(weights):
            raise UsageError(
                f"relation_weights are three finite numbers from 0 up, for queries, keys and values, not all of them 0; got "
                f"{', '.join(map(str, weights))}"
            )
        if not self.relation_layer:
            raise UsageError("relation_layer counts from 1 for the first layer, or from -1 for the last; got 0")
        for name, known in KNOWN.items():
            if getattr(self, name) not in known:
                raise UsageError(f"unknown {name} '{getattr(self, name)}' of a recipe. Known: {', '.join(known)}")

    @property
    def relations(self) -> tuple[str, tuple[float, float, float], int]:
        """What a teacher's relations are learnt by: the loss, its weights, and the teacher's layer."""
        return self.relation, self.relation_weights, self.relation_layer

    @property
    def layer_rules(self) -> tuple[str, str]:
        """Rules of the kept layers while the supernet is trained, and when nets are extracted from it."""
        return ("alternate", "top") if self.layers == "alternate-top" else (self.layers, self.layers)

    @property
    def micro_batch(self) -> int:
        """Sequences of a micro batch."""
        return self.batch_size // self.accumulate

    def over(self, processes: int) -> Recipe:
        """Returns the recipe for several processes, each of which takes as many micro batches as one alone would.

        The batch stays what it is: ``accumulate x processes x sequences of a process = batch_size``. Where that does not
        divide the batch, it is parted into the next larger number of micro batches that does, and some processes take one
        more than others.

        Args:
            processes: Number of processes.

        Raises:
            UsageError: When the batch has fewer sequences than there are processes.
        """
        least = self.accumulate * processes
        parts = next((count for count in range(least, self.batch_size + 1) if self.batch_size % count == 0), None)
        if processes < 1 or (parts is None and self.batch_size < processes):
            raise UsageError(
                f"a batch of {self.batch_size} sequences cannot be divided among {processes} processes. Start as many as it "
                f"has sequences at the most"
            )
        return replace(self, accumulate=parts or self.batch_size)

    def rate(self, step: int) -> float:
        """Returns the learning rate of a step, counted from 0."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        return self.learning_rate * (self.steps - step) / max(1, self.steps - self.warmup_steps)

    def for_relations(self) -> Recipe:
        """Returns the recipe with an epsilon that the gradients of its relation loss do not drown in."""
        drowns = self.relation == "softmax-mse"
        return replace(self, epsilon=min(self.epsilon, RELATION_EPSILON)) if drowns else self

    def scaled(self, factor: float) -> Recipe:
        """Returns the recipe with its numbers of steps multiplied; at least one step is left.

        Raises:
            UsageError: When the factor is not a positive number, or is infinite.
        """
        if not 0 < factor < math.inf:
            raise UsageError(f"the factor on a recipe's steps is a positive number such as 0.01, got {factor:g}")
        steps = max(1, round(self.steps * factor))
        return replace(self, steps=steps, warmup_steps=min(steps - 1, round(self.warmup_steps * factor)))


_AUTODISTIL = Recipe(steps=994_600, batch_size=2048, learning_rate=4e-5, sampling="uniform", random=3)

RECIPES: dict[str, Recipe] = {
    "supershaper-paper": Recipe(steps=175_000, batch_size=2048, learning_rate=2e-5, warmup_steps=10_000),
    "supershaper-released": Recipe(steps=175_000, batch_size=2048, learning_rate=5e-5, weight_decay=0.0, accumulate=2),
    "autodistil-paper": _AUTODISTIL.for_relations(),
    "autodistil-released": replace(
        _AUTODISTIL, steps=1_491_900, clip=1.0, epsilon=1e-8, sampling="sandwich", random=2, relation="logits-mse"
    ),
    "components-paper": Recipe(
        steps=125_000, batch_size=4096, learning_rate=1.8e-3, warmup_steps=2500, optimizer="lamb", sampling="uniform"
    ),
    "minibert-paper": Recipe(
        steps=2_000_000, batch_size=768, learning_rate=5e-4, warmup_steps=10_000, weight_decay=0.0
    ),
    "autodistill-paper": Recipe(steps=37_000, batch_size=2048, learning_rate=1e-3, warmup_steps=500, optimizer="lamb"),
    "mini": Recipe(steps=2000, batch_size=64, seq_len=32, learning_rate=2e-3, warmup_steps=200, clip=1.0),
    "smoke": Recipe(steps=4, batch_size=4, seq_len=16, learning_rate=1e-3),
}
"""SuperShaper: section 4.1, and the command that its authors released. AutoDistil: section 4.1, 10 epochs in batches of 128
on each of 16 GPUs; an epoch is the 203.7 million sequences of the released configuration, where Table 9 counts 40 million.
How many random subnets a step has Algorithm 1 leaves open, three is a choice, and so is the epsilon. The released code
runs 15 epochs of sandwiches, clips, has an epsilon of its own, and leaves the softmax out. Finding Fast Transformers:
appendix A.3, with the 125,000 steps of Table 7's search (a base net has 250,000); ``minibert-paper`` is its distillation,
appendix A.4, with Adam. AutoDistill: section 4.1; the rate is a choice. ``mini`` trains a supernet of that scale on two
cores in minutes; ``smoke`` tells whether all runs."""


def recipe(name: str) -> Recipe:
    """Returns a recipe by name.

    Raises:
        UnknownNameError: When there is none; lists the known ones.
    """
    if name not in RECIPES:
        raise UnknownNameError("recipe", name, RECIPES)
    return RECIPES[name]
