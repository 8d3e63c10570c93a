"""Labelled tasks that nets are fine-tuned on: examples, what is asked of them, and the metrics that judge.

Everything here is numpy and the standard library; nothing needs torch.
"""

from __future__ import annotations

from hwcost.tasks.classification import Classes
from hwcost.tasks.encoded import EncodedExamples, EncodedTask, encode
from hwcost.tasks.entities import Entities
from hwcost.tasks.examples import Examples
from hwcost.tasks.folder import labelled_folder
from hwcost.tasks.metrics import METRICS
from hwcost.tasks.registry import TASKS, task
from hwcost.tasks.regression import Number
from hwcost.tasks.spans import Spans
from hwcost.tasks.tagging import Tags
from hwcost.tasks.target import Target
from hwcost.tasks.task import Task

__all__ = [
    "METRICS", "TASKS", "Classes", "EncodedExamples", "EncodedTask", "Entities", "Examples", "Number", "Spans", "Tags",
    "Target", "Task", "encode", "labelled_folder", "task",
]  # fmt: skip
