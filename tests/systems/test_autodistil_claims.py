"""What the report says of the selected net beside the nets of its class, and when the task-agnostic search has a limit."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from hwcost.systems import Event, Settings, pipeline
from hwcost.systems.autodistil.claims import claims
from hwcost.systems.autodistil.results import Results

pytestmark = pytest.mark.torch


def net(seconds: float, half: float | None = None) -> SimpleNamespace:
    low, high = (None, None) if half is None else (seconds - half, seconds + half)
    return SimpleNamespace(
        measured_s=seconds, measured_low_s=low, measured_high_s=high, predicted_s=None, params=1000
    )


ALIKE = net(0.001)


def results(
    losses: dict[str, float], scores: list[float], own: SimpleNamespace = ALIKE, teacher: SimpleNamespace = ALIKE
) -> Results:
    return cast(
        Results,
        SimpleNamespace(
            agnostic=SimpleNamespace(chosen="own", size_class=list(losses), unseen_loss=list(losses.values())),
            proxy=SimpleNamespace(task=SimpleNamespace(text="accuracy")),
            winners=SimpleNamespace(
                nets={"teacher": teacher, "agnostic": own}, size_class=[SimpleNamespace(score=one) for one in scores]
            ),
        ),
    )


def test_a_net_alone_in_its_class_is_compared_with_nothing() -> None:
    """That it is as good as itself is no finding."""
    relations, score, _ = claims(results({"own": 2e-5}, [0.8]))
    assert relations.found == "loss 2.000e-05, no other net was evaluated within 10 % of its operations"
    assert score.found == "accuracy 0.800, no other net of its class was fine-tuned"
    assert [relations.holds, score.holds] == [False, False]


def test_a_net_is_compared_with_the_median_of_its_class() -> None:
    relations, score, _ = claims(results({"own": 2e-5, "other": 3e-5, "third": 5e-5}, [0.8, 0.7, 0.75]))
    assert relations.found == "loss 2.000e-05, median 3.000e-05 of the 3 nets within 10 % of its operations"
    assert score.found == "accuracy 0.800, median 0.725 of other nets of its class, 2 of which were fine-tuned"
    assert [relations.holds, score.holds] == [True, True]


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
