"""What the report says of the selected net beside the nets of its class, and when the task-agnostic search has a limit."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from hwcost.supernets.relations import RelationDistillation
from hwcost.supernets.sampling import Sandwich
from hwcost.systems import Event, Settings, pipeline
from hwcost.systems.autodistil.claims import claims
from hwcost.systems.autodistil.relation_losses import PART, _parts, median_over
from hwcost.systems.autodistil.results import Results
from hwcost.systems.intervals import Interval
from hwcost.systems.task_scores import TaskUsed
from tests.supernets.nets import shaken
from tests.supernets.test_training import words

pytestmark = pytest.mark.torch


def net(seconds: float, half: float | None = None) -> SimpleNamespace:
    low, high = (None, None) if half is None else (seconds - half, seconds + half)
    return SimpleNamespace(
        measured_s=seconds, measured_low_s=low, measured_high_s=high, predicted_s=None, params=1000
    )


ALIKE = net(0.001)
ACCURACY = TaskUsed(
    task="docstring", kind="classification", metric="accuracy", split="validation", train_examples=9, examples=100, digest=""
)
BY_RANK = replace(ACCURACY, kind="regression", metric="spearman")


def results(
    losses: dict[str, float], scores: list[float], own: SimpleNamespace = ALIKE, teacher: SimpleNamespace = ALIKE,
    over: Interval | None = None, task: TaskUsed = BY_RANK,
) -> Results:  # fmt: skip
    return cast(
        Results,
        SimpleNamespace(
            agnostic=SimpleNamespace(
                chosen="own", size_class=list(losses), unseen_loss=list(losses.values()), median_over_own=over
            ),
            proxy=SimpleNamespace(task=task),
            winners=SimpleNamespace(
                nets={"teacher": teacher, "agnostic": own}, size_class=[SimpleNamespace(score=one) for one in scores]
            ),
        ),
    )


def test_a_net_alone_in_its_class_is_compared_with_nothing() -> None:
    """That it is as good as itself is no finding."""
    relations, score, _ = claims(results({"own": 2e-5}, [0.8]))
    assert relations.found == "loss 2.000e-05, no other net was evaluated within 10 % of its operations"
    assert score.found == "spearman on docstring (validation) 0.800, no other net of its class was fine-tuned"
    assert [relations.holds, score.holds] == [False, False]


@pytest.mark.parametrize(("low", "holds"), [(1.5, True), (0.99, False), (None, False)])
def test_relations_are_compared_with_the_median_of_its_class(low: float | None, holds: bool) -> None:
    losses = {"own": 2e-5, "other": 3e-5, "third": 5e-5}
    over = Interval(2.0, low, None if low is None else 2.5)
    relations, *_ = claims(results(losses, [0.8], over=over))
    within = "" if low is None else f" ({low:.3g} to 2.5)"
    assert relations.found == (
        f"loss 2.000e-05, median 4.000e-05 of 2 others within 10 % of its operations, 2{within} times its own"
    )
    assert relations.holds is holds


@pytest.mark.parametrize(
    ("task", "scores", "holds", "found"),
    [
        (BY_RANK, [0.8, 0.7, 0.75], True, "spearman on docstring (validation) 0.800, median 0.725"),
        (ACCURACY, [0.8, 0.7, 0.75], False,
         "accuracy on docstring (validation) 0.800 ± 0.078 of 100 examples, median 0.725"),
        (replace(ACCURACY, examples=400), [0.8, 0.7, 0.75], True,
         "accuracy on docstring (validation) 0.800 ± 0.039 of 400 examples, median 0.725"),
        (BY_RANK, [0.7, 0.7], False, "spearman on docstring (validation) 0.700, median 0.700"),
    ],
)  # fmt: skip
def test_a_score_is_compared_with_the_median_of_its_class(
    task: TaskUsed, scores: list[float], holds: bool, found: str
) -> None:
    """1.96 times the root of 0.8 x 0.2 over the number of examples."""
    _, score, _ = claims(results({"own": 2e-5}, scores, task=task))
    assert score.found == f"{found} of other nets of its class, {len(scores) - 1} of which were fine-tuned"
    assert score.holds is holds


def test_the_median_of_a_class_is_compared_part_by_part() -> None:
    own, others = [1.0, 2.0, 4.0], [[2.0, 4.0, 8.0], [3.0, 6.0, 12.0], [1.0, 2.0, 4.0]]
    found = median_over(own, others)
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((2.0, 2.0, 2.0))
    assert median_over(own, []) is None


def test_parts_of_a_batch_have_the_losses_of_their_sequences() -> None:
    """Whole sequences relate their own tokens alone, so that the mean over equal parts is the loss of the batch."""
    net, whole = (shaken("autodistil", subspace=name, scale="mini") for name in ("tiny", "reference"))
    teacher = whole.extract(whole.largest(), "none")
    objective = RelationDistillation(net, teacher, 12, words, Sandwich(net))
    batch = {name: np.concatenate([one, words(501)[name]]) for name, one in words(500).items()}
    (target,), arch = objective.targets([batch]), net.smallest()
    parts = list(_parts(*target))
    assert [len(part["input_ids"]) for part, _ in parts] == [PART] * (len(batch["input_ids"]) // PART)
    losses = objective.losses(arch, parts)
    assert len(set(losses)) == len(parts) > 1
    assert fmean(losses) == pytest.approx(objective.loss(arch, [target]), rel=1e-4)


def test_a_net_is_faster_where_the_intervals_say_so() -> None:
    losses = {"own": 2e-5}
    *_, sure = claims(results(losses, [0.8], net(0.009, 0.001), net(0.012, 0.001)))
    *_, vague = claims(results(losses, [0.8], net(0.009, 0.002), net(0.012, 0.002)))
    *_, bare = claims(results(losses, [0.8], net(0.009), net(0.012)))
    assert [sure.holds, vague.holds, bare.holds] == [True, False, False]
    assert bare.found.startswith("9.00 ms (without an interval) against 12.0 ms (without an interval), ")
    assert sure.found.startswith("9.00 ms (8.00 ms to 10.0 ms) against 12.0 ms (11.0 ms to 13.0 ms), ")


def test_no_remark_asks_for_the_unit_of_the_systems_own_limit(tmp_path) -> None:
    """Half of the teacher's operations exclude none of the smaller sub-spaces' nets, and some of the largest one's."""
    events: list[Event] = []
    asked: dict[str, Any] = {"candidates": 2}
    made: Any = pipeline("autodistil", tmp_path / "run", Settings("smoke", backend="null"), sizes=asked)
    made._progress, made.relation_loss = events.append, lambda net: 1.0
    found = {name: made.searches.candidates(name) for name in ("tiny", "base")}
    assert [event.remark for event in events if event.remark is not None] == []
    assert all(row.flops <= made.searches.max_flops for rows in found.values() for row in rows)
    assert '"constraints": []' in (tmp_path / "run" / "studies" / "agnostic-tiny.jsonl").read_text().splitlines()[0]
    assert '"constraints": []' not in (tmp_path / "run" / "studies" / "agnostic-base.jsonl").read_text().splitlines()[0]
