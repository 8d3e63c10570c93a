"""Answers are judged by SQuAD's published rules, beside a second implementation of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.errors import UsageError
from hwcost.tasks import Examples, Spans, Task
from hwcost.tasks.answers import answer_f1, exact_match, normalised
from tests.tasks.squad import best_of, judged_1, judged_2, plain

WORDS = st.sampled_from(
    ["a", "The", "an", "Normans", "normans!", "10th", "century", "-", "U.S.", "theatre", "\u00fcber", "\t", "the,"]
)
TEXTS = st.lists(WORDS, max_size=5).map(" ".join)
GIVEN = TEXTS.filter(bool)
SAYING = TEXTS.filter(plain)
"""Texts of which something is left: the script counts others as texts in one place, and as none in another."""
ROWS = st.tuples(st.lists(SAYING, max_size=2), st.one_of(st.just(""), SAYING))


@given(st.lists(GIVEN, min_size=1, max_size=3), TEXTS)
def test_answers_are_judged_as_published(answers: list[str], found: str) -> None:
    assert normalised(found) == plain(found)
    assert (exact_match(answers, found), answer_f1(answers, found)) == pytest.approx(judged_1(answers, found), abs=1e-12)
    for own in (answers, []):
        both = exact_match(own, found, may_lack=True), answer_f1(own, found, may_lack=True)
        assert both == pytest.approx(judged_2(own, found), abs=1e-12)


def test_examples_of_the_rules() -> None:
    assert normalised("  The U.S. Army's  an-swer ") == "us armys answer"
    assert exact_match(["the Normans"], "Normans.") == 1
    assert answer_f1(["Denmark, Iceland and Norway", "Denmark"], "in Denmark") == pytest.approx(2 / 3)
    assert (exact_match(["the"], ""), answer_f1(["the"], "")) == (1, 0)
    assert (exact_match([], "", may_lack=True), answer_f1([], "Rollo", may_lack=True)) == (1, 0)


def judged(target: Spans, answers: list[list[str]], found: list[str], margins: list[float]) -> dict[str, float]:
    """Returns the scores of texts that are spans of texts made of themselves."""
    texts = tuple(f"x {text} y" for text in found)
    spans = np.array([(2, 2 + len(text), margin) for text, margin in zip(found, margins, strict=True)], dtype=float)
    examples = Examples((tuple("q" * len(found)), texts), np.zeros((len(found), 2)), answers=tuple(map(tuple, answers)))
    return Task("made", "here", target, examples, {"validation": examples}, target.metrics).scores(examples, spans)


@settings(max_examples=40)
@given(st.lists(ROWS, min_size=1, max_size=8), st.randoms(), st.floats(-2, 2))
def test_scores_of_version_2_are_the_scripts(rows: list[tuple[list[str], str]], random, threshold: float) -> None:
    margins = [float(place) for place in random.sample(range(-9, 9), len(rows))]
    answers, found = [list(one) for one in zip(*rows, strict=True)]
    scores = judged(Spans(may_lack=True, threshold=threshold), answers, found, margins)
    given_texts = ["" if margin > threshold else text for text, margin in zip(found, margins, strict=True)]
    own = np.array([judged_2(*one) for one in zip(answers, given_texts, strict=True)])
    has = np.array([bool(one) for one in answers])
    raw = np.array([judged_2(*one) for one in zip(answers, found, strict=True)])
    for column, (name, short) in enumerate((("exact_match", "exact_match"), ("answer_f1", "f1"))):
        assert scores[name] == pytest.approx(own[:, column].mean())
        assert scores[f"has_answer_{short}"] == pytest.approx(own[has, column].mean() if has.any() else 0)
        assert scores[f"best_{name}"] == pytest.approx(best_of(found, raw[:, column].tolist(), margins, has.tolist()))
        at_best = judged(Spans(may_lack=True, threshold=scores[f"best_{name}_threshold"]), answers, found, margins)
        assert at_best[name] == pytest.approx(scores[f"best_{name}"])
    assert scores["no_answer_exact_match"] == pytest.approx(own[~has, 0].mean() if not has.all() else 0)


def test_equal_margins_are_on_one_side_of_a_threshold() -> None:
    """Giving one of two answers of equal margin would score 1; no threshold does."""
    scores = judged(Spans(may_lack=True), [["Rollo"], []], ["Rollo", "Rollo"], [3.0, 3.0])
    assert scores["best_answer_f1"] == 0.5
    assert scores["answer_f1"] == 0.5


def test_without_questions_that_lack_an_answer_a_margin_does_not_count() -> None:
    assert judged(Spans(threshold=-5), [["Rollo"]], ["Rollo"], [7.0]) == {"answer_f1": 1, "exact_match": 1}


def test_windows_must_move() -> None:
    with pytest.raises(UsageError, match="windows move by a token at least, and answers have one; got stride=0"):
        Spans(stride=0)
    with pytest.raises(UsageError, match="longest=0"):
        Spans(longest=0)
