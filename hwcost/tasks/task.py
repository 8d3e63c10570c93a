"""A labelled task: examples to train on and to judge by, and the metrics that judge."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost._cached import cached_property
from hwcost.errors import DataError, UnknownNameError
from hwcost.tasks.classification import Classes
from hwcost.tasks.examples import Examples
from hwcost.tasks.target import Target

__all__ = ["Task"]


@dataclass(frozen=True)
class Task:
    """A labelled task.

    Attributes:
        name: Name of the task, such as ``mnli``.
        source: Place that it was read from, for messages.
        target: Class, number or tags that are asked of an example.
        train: Examples to train on.
        validation: Examples to judge by, by the name of the split; nets and settings are selected by the first split.
        metrics: Names of the metrics; nets and settings are selected by the first one.

    Raises:
        DataError: When a split has no example.
        UnknownNameError: When there is no metric of that name for such targets.
    """

    name: str
    source: str
    target: Target
    train: Examples = field(repr=False)
    validation: Mapping[str, Examples] = field(repr=False)
    metrics: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in self.metrics:
            if name not in self.target.metrics:
                raise UnknownNameError(f"metric of {self.target.kind}", name, self.target.metrics)
        for split, examples in {"train": self.train, **self.validation}.items():
            if not len(examples):
                raise DataError(f"{self.source}: split '{split}' has no example. Expected at least one.")
            if isinstance(self.target, Classes) and not self.target.has(examples.targets):
                raise DataError(
                    f"{self.source}: split '{split}' has targets from {examples.targets.min()} to {examples.targets.max()}. "
                    f"Expected numbers of classes, from 0 to {self.target.outputs - 1}."
                )

    @property
    def metric(self) -> str:
        """Metric that nets and settings are selected by."""
        return self.metrics[0]

    @property
    def split(self) -> str:
        """Split that nets and settings are selected by."""
        return next(iter(self.validation))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of target, texts, labels and languages, in hexadecimal; equal for equal content."""
        content = hashlib.sha256(repr(self.target).encode())
        for examples in (self.train, *self.validation.values()):
            content.update(json.dumps(examples.texts).encode())
            content.update(examples.targets.tobytes())
            if examples.answers is not None or examples.languages is not None:
                content.update(json.dumps([examples.answers, examples.languages]).encode())
        return content.hexdigest()

    def scores(self, examples: Examples, predicted: NDArray[Any]) -> dict[str, float]:
        """Returns every metric of predictions; where examples have languages, the first one by language too.

        Args:
            examples: Examples of a split.
            predicted: Predictions, as many as the examples have targets.

        Returns:
            Values by name: ``accuracy``, and ``accuracy (de)`` of a language.
        """
        found = self.target.scores(examples, predicted, self.metrics)
        for language in sorted(set(examples.languages or ())):
            part, places = examples.part(np.array([one == language for one in examples.languages or ()]))
            own = self.target.scores(part, predicted[places], (self.metric,))
            found[f"{self.metric} ({language})"] = own[self.metric]
        return found
