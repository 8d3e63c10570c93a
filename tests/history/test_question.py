"""An alarm is answered by what its rounds say, and by what they cannot show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from hwcost.history.alarm import Alarm
from hwcost.history.changes import Change
from hwcost.history.evidence import Seen, differences
from hwcost.history.judgement import RunRange
from hwcost.history.question import WORKTREE, Question, findings
from hwcost.timing.measurement import Visit

ARMS = (("after", ("before",)),)
NETS = ("a", "b", "c")
CODES = ("before", "after")
PASSES = 10


@pytest.mark.parametrize("sign", [-1, 1])
def test_an_alarm_is_confirmed_by_a_difference_of_its_sign(sign: int) -> None:
    change = Change(at=10, earliest=10, latest=10, log_ratio=sign * 0.05, p=1e-4)
    question = Question(Alarm("net", (), RunRange("run09", "run10", "a", "b"), change), ARMS, WORKTREE)
    answers = {}
    for measured in (0.025, 0.0001, -0.025):
        found: Seen = {("before", number): (0.0, 1.0) for number in range(12)}
        found = {**found, **{("after", number): (sign * measured + 0.004 * (-1) ** number, 1.0) for number in range(12)}}
        answers[measured] = question.answer(found).outcome
    assert answers == {0.025: "confirmed", 0.0001: "refuted", -0.025: "refuted"}


def campaign(rng: np.random.Generator, slower: float, *, only: str = "abc", in_turn: bool = False) -> list[Visit]:
    """Measures three nets in twelve rounds, each code in a process of its own, on a machine that moves by 8 % meanwhile."""
    made, now_s = [], 0.0
    for number in range(12):
        found: dict[tuple[str, str], list[tuple[float, float]]] = {}
        levels = rng.normal(0.0, 0.08, PASSES if in_turn else 2)
        turns = [(one, code) for one in range(PASSES) for code in rng.permutation(CODES)]
        for one, code in turns if in_turn else sorted(turns, key=lambda turn: turn[1]):
            level = levels[one if in_turn else CODES.index(code)]
            for name in rng.permutation(NETS):
                size = slower if code == "after" and name in only else 0.0
                y = 0.2 * NETS.index(name) + level + size + rng.normal(0.0, 0.01)
                found.setdefault((name, code), []).append((now_s, float(np.exp(y)) / 1e3))
                now_s += 0.05
        for (name, code), blocks in found.items():
            starts_s, samples_s = map(np.array, zip(*blocks, strict=True))
            made.append(
                Visit(
                    f"{name} {code}", number, NETS.index(name), tuple(samples_s), started_s=starts_s[0],
                    ended_s=starts_s[-1] + 0.05, block_starts_s=tuple(starts_s - starts_s[0]),
                    passes=tuple(range(1, PASSES + 1)),
                )
            )  # fmt: skip
        now_s += 3.0
    return made


def asked(name: str, steady: Sequence[str] = ()) -> Question:
    """Asks whether a net is slower than before."""
    change = Change(at=10, earliest=10, latest=10, log_ratio=0.05, p=1e-4)
    alarm = Alarm(name, (), RunRange("run09", "run10", "a", "b"), change)
    arms = {one: (f"{one} after", (f"{one} before",)) for one in NETS}
    return Question(alarm, (arms[name],), WORKTREE, steady=tuple(arms[one] for one in steady))


@pytest.mark.parametrize("slower", [0.0, 0.06])
def test_processes_that_differ_as_a_whole_are_seen_in_the_interval(slower: float) -> None:
    visits = campaign(np.random.default_rng(5), slower)
    of = {(one.workload_key, one.round): np.log(one.latency_s) for one in visits}
    questions = [asked(name) for name in NETS]
    found = findings(questions, visits)
    for name, question in zip(NETS, questions, strict=True):
        plain = [of[f"{name} after", number] - of[f"{name} before", number] for number in range(12)]
        evidence = differences(found, question.arms)
        assert evidence.differences == pytest.approx(plain, abs=0.03)
        mean, half = evidence.interval()
        assert abs(mean - slower) < half
        assert half > 0.03
        assert question.answer(found).outcome == "ambiguous"


def test_workloads_without_an_alarm_tell_how_far_processes_differ_as_a_whole() -> None:
    visits = campaign(np.random.default_rng(6), 0.06, only="a")
    question = asked("a", steady=("b", "c"))
    answer = question.answer(findings([question], visits))
    assert answer.outcome == "confirmed"
    assert answer.difference.log_ratio == pytest.approx(0.06, abs=0.015)
    left = [one for one in visits if one.workload_key[0] == "a"]  # the others could not be measured
    assert question.answer(findings([question], left)).outcome == "ambiguous"


@pytest.mark.parametrize("slower", [0.0, 0.06])
def test_processes_that_measure_in_turn_see_the_same_machine(slower: float) -> None:
    visits = campaign(np.random.default_rng(7), slower, in_turn=True)
    for question in map(asked, NETS):
        answer = question.answer(findings([question], visits))
        assert answer.outcome == ("confirmed" if slower else "refuted")
        assert answer.difference.log_ratio == pytest.approx(slower, abs=0.015)
