"""Questions as tokens: windows leave nothing out, labels point at the answer, and the best span is found in them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.errors import DataError, UsageError
from hwcost.tasks import Examples, Spans, Task, encode, task
from hwcost.tasks.best_spans import best_spans
from hwcost.tasks.questions import EncodedQuestions, window_starts
from tests.tasks.glue import write_json
from tests.tasks.squad import CONTEXT, QUESTIONS, asked, squad, write_squad


class Words:
    """A tokenizer of one token per word; words of digits are not known to it."""

    pad, unknown, start, separator, mask = 0, 1, 2, 3, 4

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        return [ids for ids, _ in self.encode_with_offsets(texts)]

    def encode_with_offsets(self, texts: Sequence[str]) -> list[tuple[list[int], list[tuple[int, int]]]]:
        found = []
        for text in texts:
            places, at = [], 0
            for word in text.split(" "):
                if word and not word.isdigit():
                    places.append((5 + sum(map(ord, word)) % 90, (at, at + len(word))))
                at += len(word) + 1
            found.append(([one for one, _ in places], [place for _, place in places]))
        return found


WORDS = Words()


def encoded(examples: Examples, target: Spans, seq_len: int) -> EncodedQuestions:
    made = Task("made", "here", target, examples, {"validation": examples}, target.metrics)
    found = encode(made, WORDS, seq_len).train  # type: ignore[arg-type]
    assert isinstance(found, EncodedQuestions)
    return found


def questions(words: Sequence[tuple[int, int, int, int]]) -> Examples:
    """Returns questions by their number of words, that of their text, and the first and the last word of the answer."""
    texts, spans, answers = [], [], []
    for _, count, first, last in words:
        own = [f"w{'x' * (number % 3)}{number}" for number in range(count)]
        texts.append(" ".join(own))
        begin = len(" ".join(own[:first])) + (first > 0)
        answers.append((" ".join(own[first : last + 1]),))
        spans.append((begin, begin + len(answers[-1][0])))
    asked_texts = tuple(" ".join(["why"] * count) for count, *_ in words)
    return Examples((asked_texts, tuple(texts)), np.array(spans), answers=tuple(answers))


ROWS = st.tuples(st.integers(0, 9), st.integers(1, 40), st.integers(0, 39), st.integers(0, 6)).map(
    lambda one: (one[0], one[1], min(one[2], one[1] - 1), min(one[1] - 1, min(one[2], one[1] - 1) + one[3]))
)


@settings(max_examples=60)
@given(st.lists(ROWS, min_size=1, max_size=5), st.integers(12, 30), st.one_of(st.none(), st.integers(1, 40)))
def test_windows_see_all_and_labels_are_answers(rows, seq_len: int, stride: int | None) -> None:
    examples = questions(rows)
    found = encoded(examples, Spans(stride=stride), seq_len)
    batch = found.batch(np.arange(len(found)))
    assert batch["labels"].shape == (len(found), 2)
    for number, text in enumerate(examples.texts[1]):
        expected = WORDS.encode([text])[0]
        seen: dict[int, int] = {}
        pointed = []
        for window in np.flatnonzero(found.owners == number):
            place, count = found.segments[1].starts[window], found.segments[1].lengths[window]
            at = batch["token_type_ids"][window].argmax()
            own = batch["input_ids"][window, at : at + count].tolist()
            first = int(place - found.segments[1].starts[found.owners == number][0])
            seen |= {first + offset: token for offset, token in enumerate(own)}
            assert own == expected[first : first + count]
            assert at == min(rows[number][0], max(1, seq_len // 6)) + 2
            begin, end = batch["labels"][window] - at + first
            holds = first <= rows[number][2] and rows[number][3] < first + count
            assert (batch["labels"][window] > 0).all() == holds
            pointed += [(begin, end)] if holds else []
        assert seen == dict(enumerate(expected))
        assert set(pointed) <= {(rows[number][2], rows[number][3])}


@given(st.integers(0, 300), st.integers(1, 50), st.integers(1, 80))
def test_windows_are_berts(count: int, room: int, stride: int) -> None:
    """The loop of BERT's released code; a text without tokens has one window here, so that no question is lost."""
    expected, start = [], 0
    while start < count:
        length = min(count - start, room)
        expected.append(start)
        if start + length == count:
            break
        start += min(length, stride)
    assert list(window_starts(count, room, stride)) == (expected or [0])


@settings(max_examples=60)
@given(st.integers(1, 4), st.integers(1, 9), st.integers(1, 10), st.integers(0, 2**32 - 1), st.booleans())
def test_the_best_span_is_the_best_of_all(count: int, size: int, longest: int, seed: int, has_ties: bool) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 2, (count, 2, size)).round(0 if has_ties else 9).astype(np.float32)
    can_start, can_end = rng.random((2, count, size)) < 0.7
    found = best_spans(scores, can_start, can_end, longest)
    for row in range(count):
        every = {
            (first, last): float(scores[row, 0, first]) + float(scores[row, 1, last])
            for first in range(size) for last in range(first, min(size, first + longest))
            if can_start[row, first] and can_end[row, last]
        }  # fmt: skip
        if not every:
            assert found.score[row] == -np.inf
        else:
            assert found.score[row] == max(every.values()) == every[int(found.first[row]), int(found.last[row])]


@settings(max_examples=30)
@given(st.lists(ROWS, min_size=1, max_size=4), st.integers(12, 24), st.integers(0, 2**32 - 1))
def test_predictions_are_the_best_spans_over_windows(rows, seq_len: int, seed: int) -> None:
    """By BERT's rules, token by token: a span begins where its first token has most context, and no answer is the least."""
    target, examples = Spans(may_lack=True, longest=4, stride=3), questions(rows)
    found = encoded(examples, target, seq_len)
    outputs = np.random.default_rng(seed).normal(0, 1, (len(found), 2, seq_len)).astype(np.float32)
    spans = found.predicted(outputs, target)
    assert len(spans) == len(examples)
    for number, text in enumerate(examples.texts[1]):
        offsets = WORDS.encode_with_offsets([text])[0][1]
        windows = np.flatnonzero(found.owners == number)
        firsts = found.segments[1].starts[windows] - found.segments[1].starts[windows[0]]
        counts = found.segments[1].lengths[windows]
        begins = found.segments[0].lengths[windows] + 2
        best = (-np.inf, 0, 0)
        for own, window in enumerate(windows):
            for first in range(firsts[own], firsts[own] + counts[own]):
                contexts = [
                    min(first - start, start + count - 1 - first) + 0.01 * count
                    if start <= first < start + count else -1
                    for start, count in zip(firsts, counts, strict=True)
                ]  # fmt: skip
                if int(np.argmax(contexts)) == own:
                    for last in range(first, min(first + 4, firsts[own] + counts[own])):
                        at = begins[own] - firsts[own]
                        score = float(outputs[window, 0, at + first]) + float(outputs[window, 1, at + last])
                        best = max(best, (score, first, last), key=lambda one: one[0])
        expected = (offsets[best[1]][0], offsets[best[2]][1])
        nothing = min(float(outputs[window, :, 0].astype(float).sum()) for window in windows)
        assert tuple(spans[number, :2]) == expected
        assert spans[number, 2] == pytest.approx(nothing - best[0], abs=1e-9)


def test_a_text_without_tokens_has_no_span() -> None:
    examples = Examples((("why", "why"), ("12 34", "a b")), np.array([(0, 2), (0, 1)]), answers=(("12",), ("a",)))
    found = encoded(examples, Spans(), 12)
    assert found.targets.tolist() == [[0, 0], [3, 3]]
    spans = found.predicted(np.zeros((2, 2, 12), dtype=np.float32), Spans())
    assert spans[0].tolist() == [0, 0, 1e9]
    assert spans[1, :2].tolist() == [0, 1]
    assert found.batch(np.array([0]))["input_ids"][0, :4].tolist() == [2, *WORDS.encode(["why"])[0], 3, 3]


def test_a_text_is_encoded_once() -> None:
    examples = Examples((("one", "two"), (CONTEXT, CONTEXT)), np.zeros((2, 2), dtype=int), answers=((), ()))
    found = encoded(examples, Spans(may_lack=True), 64)
    assert len(found.tokens) == 2 + len(WORDS.encode([CONTEXT])[0])


@pytest.mark.parametrize("version", ["1.1", "v2.0"])
def test_files_of_squad(tmp_path: Path, version: str) -> None:
    found = task(write_squad(tmp_path / "data", version))
    is_second = version == "v2.0"
    assert (found.name, found.target.kind, found.metric) == ("squad_v2" if is_second else "squad", "span", "answer_f1")
    assert isinstance(found.target, Spans)
    assert found.target.may_lack == is_second
    assert len(found.train) == 3 + is_second
    assert found.train.answers is not None
    for number, (question, answers) in enumerate(QUESTIONS):
        first, after = found.train.targets[number]
        assert (found.train.texts[0][number], CONTEXT[first:after]) == (question, answers[0])
        assert found.train.answers[number] == answers
    if is_second:
        assert found.train.answers[3] == ()
        assert found.train.targets[3].tolist() == [0, 0]
    perfect = found.scores(found.train, found.train.targets)
    assert {perfect[name] for name in found.metrics} == {1.0}
    assert set(found.metrics) <= set(perfect)


@pytest.mark.parametrize("may_lack", [False, True])
def test_data_sets_of_questions(tmp_path: Path, may_lack: bool) -> None:
    datasets = pytest.importorskip("datasets")
    rows = [asked(*one) for one in QUESTIONS] + ([{"question": "Why?", "answers": []}] if may_lack else [])
    texts = datasets.Sequence({"text": datasets.Value("string"), "answer_start": datasets.Value("int32")})
    columns = {
        "id": [str(number) for number in range(len(rows))], "title": ["Normans"] * len(rows),
        "context": [CONTEXT] * len(rows),
        "question": [row["question"] for row in rows],
        "answers": [{name: [one[name] for one in row["answers"]] for name in ("text", "answer_start")} for row in rows],
    }  # fmt: skip
    names = ("id", "title", "context", "question")
    features = datasets.Features({**dict.fromkeys(names, datasets.Value("string")), "answers": texts})
    made = datasets.Dataset.from_dict(columns, features=features)
    datasets.DatasetDict({"train": made, "validation": made}).save_to_disk(tmp_path / "data")
    found, other = task(tmp_path / "data"), task(write_squad(tmp_path / "json", "v2.0" if may_lack else "1.1"))
    assert found.name == other.name
    assert found.train.answers == other.train.answers
    assert found.train.targets.tolist() == other.train.targets.tolist()


def test_columns_and_options_that_the_user_names(tmp_path: Path) -> None:
    rows = [{"q": one[0], "doc": CONTEXT, "a": asked(*one)["answers"]} for one in QUESTIONS]
    folder = write_json(tmp_path / "own", rows)
    found = task(f"{folder}:text=q,text_pair=doc,label=a,kind=span,stride=7,longest=5,threshold=-0.5,metric=exact_match")
    assert found.target == Spans(stride=7, longest=5, threshold=-0.5)
    assert (found.name, found.metrics) == ("own", ("exact_match", "answer_f1"))
    with pytest.raises(UsageError, match="give text_pair, that of the texts asked about, too"):
        task(f"{folder}:text=q,label=a,kind=span")
    with pytest.raises(UsageError, match="stride=wide is not a whole number"):
        task(f"{folder}:text=q,text_pair=doc,label=a,kind=span,stride=wide")
    plain = write_json(tmp_path / "plain", [{"text": "a", "label": 1}, {"text": "b", "label": 0}] * 2)
    with pytest.raises(UsageError, match="threshold are options of answers that are spans, and this is classification"):
        task(f"{plain}:threshold=1")


BAD = {
    "beyond the text": ([{**asked(*QUESTIONS[1]), "answers": [{"text": "Rollo", "answer_start": 92}]}], "would end at 97"),
    "not at its place": (
        [{**asked(*QUESTIONS[1]), "answers": [{"text": "Rollo", "answer_start": 4}]}],
        "'Rollo' is not at 4, where the text has 'Norma'",
    ),
    "no answer": ([{"question": "Why?", "answers": []}], "'Why[?]' has no answer and is not marked as impossible"),
    "answers of an impossible one": (
        [{**asked(*QUESTIONS[1]), "is_impossible": True}], "'Who led them[?]' has answers and is marked as impossible"
    ),
    "no start": ([{"question": "Why?", "answers": [{"text": "Rollo"}]}], "each with its text and its answer_start"),
    "a start that is no number": (
        [{"question": "Why?", "answers": [{"text": "Rollo", "answer_start": "4"}]}], "a whole number for its answer_start"
    ),
    "an empty answer": ([{"question": "Why?", "answers": [{"text": "", "answer_start": 4}]}], "a text that is not empty"),
    "no question at all": ([], "there is no example in it"),
}  # fmt: skip


@pytest.mark.parametrize("fault", BAD)
def test_wrong_questions(tmp_path: Path, fault: str) -> None:
    rows, said = BAD[fault]
    with pytest.raises(DataError, match=said):
        task(write_squad(tmp_path / "data", dev=squad(questions=rows)))
    with pytest.raises(DataError, match=said):
        task(write_squad(tmp_path / "data", train=squad(questions=rows)))


def test_wrong_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'qas' is missing or not a list"):
        task(write_squad(tmp_path / "a", dev={"data": [{"paragraphs": [{"context": "x"}]}]}))
    folder = write_squad(tmp_path / "b")
    (folder / "dev-v1.1.json").write_text("{")
    with pytest.raises(DataError, match="this is not JSON"):
        task(folder)
    write_squad(tmp_path / "c")
    with pytest.raises(DataError, match=r"dev-v1.1.json and dev-v2.0.json are one split twice"):
        task(write_squad(tmp_path / "c", "v2.0"))
    lacking = squad("v2.0")
    impossible = lacking["data"][0]["paragraphs"][1]["qas"][-1:]
    with pytest.raises(DataError, match="no question has an answer"):
        task(write_squad(tmp_path / "d", train=squad(questions=impossible)))
    with pytest.raises(DataError, match="question 4: column 'answers' holds .*an answer, as all training questions"):
        task(write_squad(tmp_path / "e", dev=lacking))
    (write_squad(tmp_path / "f") / "notes.json").write_text(json.dumps({"by": "me"}))
    assert task(tmp_path / "f").name == "squad"
