"""Rows of the papers' tables of tasks: their averages follow from their own columns."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from hwcost.spaces.autodistil import paper_macs, paper_params
from hwcost.systems.autodistil.tuned import FineTunedNets
from hwcost.systems.autodistill.results import Student
from hwcost.systems.autodistill.tuned import FineTuned
from hwcost.systems.supershaper.tuned import FineTuned as Shaped
from hwcost.systems.task_scores import TaskScore, TaskScores


def rows(net: str, scores: dict[str, float], mismatched: float | None = None) -> list[TaskScore]:
    """Scores of a net in percent, and of MNLI's second split where it is given, with another metric beside each."""
    others: dict[str, float] = {"validation f1": 1.0, "validation accuracy (de)": 2.0}
    return [
        TaskScore(
            net=net, task=task, metric="accuracy", split="validation", score=score, start=None, learning_rate=2e-5,
            batch_size=32, steps=10, weight_decay=0.0, warmup_steps=0, tried=1,
            others=others | ({"mismatched accuracy": mismatched} if mismatched is not None and task == "mnli" else {}),
        )
        for task, score in scores.items()
    ]  # fmt: skip


def test_autodistills_average_counts_both_splits_of_mnli() -> None:
    """AutoDistill, Table 3: 81.69 is the mean of nine columns, of which two are MNLI's; over tasks it would be 81.55."""
    key, scores = "512_128_1_640_4", {
        "cola": 55.9, "mnli": 82.7, "mrpc": 87.5, "qnli": 90.4, "qqp": 90.2, "rte": 66.1, "sst2": 90.8, "stsb": 88.8,
    }  # fmt: skip
    student: Any = SimpleNamespace(
        params=28_517_120, measured_s=0.58e-3, measured_low_s=0.57e-3, measured_high_s=0.59e-3
    )
    (found,) = FineTuned.of(TaskScores([], rows(key, scores, 82.8)), {key: cast(Student, student)}).by_net
    assert found.scores == {**scores, "mnli (mismatched)": 82.8}
    assert found.average == pytest.approx(81.69, abs=0.005)
    assert (found.net, found.params, found.measured_s) == (key, 28_517_120, 0.58e-3)
    assert (found.measured_low_s, found.measured_high_s) == (0.57e-3, 0.59e-3)
    assert FineTuned.of(TaskScores([], []), {}).by_net == []


def test_autodistils_averages_and_what_students_do_without() -> None:
    """AutoDistil, Tables 3 and 4: an average of 79.6, 2.6 below the teacher; 81.1 % fewer FLOPs, 75.5 % fewer parameters."""
    tasks = ("mnli", "qnli", "qqp", "sst2", "cola", "mrpc", "rte")
    of_teacher, of_student = (
        dict(zip(tasks, scores, strict=True))
        for scores in ((84.5, 91.7, 91.3, 93.2, 58.9, 87.3, 68.6), (82.8, 89.9, 90.8, 90.6, 47.1, 87.3, 69.0))
    )
    genes: dict[str, tuple[int, int, float, int]] = {"bert": (12, 768, 4, 12), "small 11_352_4_10": (11, 352, 4, 10)}
    teacher, student = FineTunedNets.of(
        TaskScores([], [*rows("teacher", of_teacher, 84.0), *rows("agnostic", of_student)]),
        {"teacher": "bert", "agnostic": "small 11_352_4_10"},
        lambda arch: (paper_macs(*genes[arch]), paper_params(*genes[arch])),
    ).by_net
    assert (teacher.net, teacher.gain, teacher.fewer_macs, teacher.scores) == ("teacher", 0.0, 0.0, of_teacher)
    assert (teacher.average, student.average) == (pytest.approx(82.2, abs=0.05), pytest.approx(79.6, abs=0.05))
    assert student.gain == pytest.approx(-2.6, abs=0.05)
    assert (student.arch, student.scores) == ("small 11_352_4_10", of_student)
    assert (student.macs / 1e9, student.params / 1e6) == (pytest.approx(2.13, abs=0.005), pytest.approx(26.8, abs=0.05))
    assert (100 * student.fewer_macs, 100 * student.fewer_params) == pytest.approx((81.1, 75.5), abs=0.05)


def test_supershapers_average_counts_mnlis_matched_split_alone() -> None:
    """SuperShaper, Table 4: the evolved net of 63 M has 82.7, the mean of eight tasks."""
    scores = dict(zip(
        ("mnli", "qqp", "qnli", "cola", "sst2", "stsb", "rte", "mrpc"), (82.2, 90.2, 88.1, 53.0, 91.9, 87.6, 79.1, 89.5),
        strict=True,
    ))  # fmt: skip
    (found,) = Shaped.of(TaskScores([], rows("params 66M", scores, 10.0)), {"params 66M": 63_413_280}, {}).by_net
    assert (found.scores, found.average) == (scores, pytest.approx(82.7, abs=0.05))
