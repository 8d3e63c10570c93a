"""The conformance suite of labelled tasks: what every registered task promises, as tests.

::

    class TestMyTask(TaskSuite):
        name = "my-task"
"""

from __future__ import annotations

from abc import ABC
from typing import ClassVar

import numpy as np
import pytest

from hwcost.tasks import TASKS, Examples, Task


class TaskSuite(ABC):
    """Subclass it as ``Test...`` and name the task.

    Attributes:
        name: Name of the task, as it is registered.
    """

    name: ClassVar[str]

    @pytest.fixture(scope="class")
    @classmethod
    def task(cls) -> Task:
        """The task."""
        made = TASKS.make(cls.name)
        assert isinstance(made, Task)
        return made

    def test_it_has_its_name_and_is_the_same_each_time(self, task: Task) -> None:
        """Reports name it, and a run that is resumed must find what it was begun on."""
        assert task.name == self.name
        assert task.source
        assert TASKS.make(self.name).digest == task.digest

    def test_texts_and_targets_belong_together(self, task: Task) -> None:
        """One target per example, or one per word where words have targets."""
        for examples in _splits(task):
            assert len(examples) > 0
            assert len(examples.texts) in (1, 2)
            assert {len(texts) for texts in examples.texts} == {len(examples.targets)}
            assert all(isinstance(text, str) for texts in examples.texts for text in texts)
            assert (examples.words is not None) == task.target.is_per_word
            assert (examples.answers is not None) == task.target.is_span
            assert examples.words is None or (examples.words.min() > 0 and examples.words.sum() == len(examples.targets))

    def test_targets_are_in_range(self, task: Task) -> None:
        """Classes are counted from 0, numbers are finite, and spans lie in the text that is asked about."""
        for examples in _splits(task):
            if task.target.is_span:
                spans = zip(examples.targets.tolist(), examples.texts[1], strict=True)
                assert all(0 <= first <= after <= len(text) for (first, after), text in spans)
            elif np.issubdtype(examples.targets.dtype, np.integer):
                assert examples.targets.min() >= 0
                assert task.train.targets.max() < task.target.outputs
            else:
                assert np.isfinite(examples.targets).all()

    def test_every_split_is_another_one(self, task: Task) -> None:
        """No split to judge by is the training split over again."""
        for examples in task.validation.values():
            assert examples.texts != task.train.texts

    def test_perfect_predictions_have_the_best_score(self, task: Task) -> None:
        """Every metric is 1 for the targets themselves, and less where they are mixed."""
        assert set(task.metrics) <= set(task.target.metrics)
        examples = task.validation[task.split]
        mixed = np.random.default_rng(0).permutation(examples.targets)
        best, others = task.scores(examples, examples.targets), task.scores(examples, mixed)
        for name in task.metrics:
            assert best[name] == pytest.approx(1), name
            assert others[name] < 1, name


def _splits(task: Task) -> tuple[Examples, ...]:
    return (task.train, *task.validation.values())
