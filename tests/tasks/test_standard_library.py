"""The tasks that every Python carries: real text, labels that are facts, and no text on both sides."""

from __future__ import annotations

import asyncio
import inspect

import numpy as np
import pytest

from hwcost.tasks import TASKS, Task, task
from hwcost.tasks.python_functions import modules
from hwcost.tasks.standard_library import CASES, case_of, words_of
from hwcost.testing.tasks import TaskSuite

KINDS = {
    "docstring": ("classification", 1), "own-docstring": ("classification", 2), "function-length": ("regression", 1),
    "missing-word": ("span", 2), "truecasing": ("tagging", 1),
}  # fmt: skip


for one in KINDS:
    globals()[f"Test{one.title().replace('-', '')}"] = type("Test", (TaskSuite,), {"name": one})


def sentences(found: Task, split: str) -> list[str]:
    examples = found.train if split == "train" else found.validation["validation"]
    if examples.words is None:
        return [" ".join(texts) for texts in zip(*examples.texts, strict=True)]
    ends = np.cumsum(examples.words)
    return [" ".join(examples.texts[0][end - count : end]) for end, count in zip(ends, examples.words, strict=True)]


@pytest.mark.parametrize("name", KINDS)
def test_a_task_of_each_kind(name: str) -> None:
    found = task(name)
    assert (found.name, found.target.kind, len(found.train.texts)) == (name, *KINDS[name])
    assert len(found.train) > len(found.validation["validation"]) > 200
    train, validation = (sentences(found, split) for split in ("train", "validation"))
    if name != "truecasing":
        assert len(set(train)) == len(train)
        assert not set(train) & set(validation)


def test_these_are_all() -> None:
    assert set(TASKS.names()) == set(KINDS)


@pytest.mark.parametrize("name", ["docstring", "own-docstring"])
def test_classes_are_balanced(name: str) -> None:
    for examples in (task(name).train, *task(name).validation.values()):
        assert np.mean(examples.targets) == 0.5


def test_labels_are_facts() -> None:
    comments, docstrings = (
        {text for one in modules() for text in getattr(one, kind)} for kind in ("comments", "docstrings")
    )
    for examples in (task("docstring").train, *task("docstring").validation.values()):
        for text, label in zip(examples.texts[0], examples.targets, strict=True):
            assert text in (docstrings if label else comments)
    queues = next(one for one in modules() if one.name == "asyncio.queues")
    spoken = {one.name: one for one in queues.functions}["put_nowait"]
    assert spoken.summary == (inspect.getdoc(asyncio.Queue.put_nowait) or "").split("\n")[0]
    assert words_of(spoken) == "put nowait"
    pairs = {summary: words_of(one) for module in modules() for one in module.functions for summary in [one.summary]}
    examples = task("own-docstring").train
    own = [pairs[text] == name for name, text, label in zip(*examples.texts, examples.targets, strict=True) if label]
    assert np.mean(own) > 0.9  # some summaries stand below several functions


def test_how_words_are_written() -> None:
    words = ("word", "Word", "WORD", "wOrd", "A", "3", ".", "IPv6", "utf8")
    assert [case_of(word) for word in words] == [
        "lower", "title", "upper", "mixed", "title", "none", "none", "mixed", "lower",
    ]  # fmt: skip
    assert set(CASES) == {"lower", "title", "upper", "mixed", "none"}
    assert all(word == word.lower() for word in task("truecasing").train.texts[0])


def test_the_missing_word_stands_once_in_its_text() -> None:
    examples = task("missing-word").validation["validation"]
    assert examples.answers is not None
    for question, text, (answer,), (first, after) in zip(*examples.texts, examples.answers, examples.targets, strict=True):
        assert text[first:after] == answer
        assert text.count(answer) == 1
        assert "what" in question
        assert question.replace("what", answer, 1) in text or question.count("what") > 1


def test_some_questions_lack_their_word() -> None:
    found = task("missing-word:unanswerable=true")
    assert found.metric == "answer_f1"
    for examples in (found.train, *found.validation.values()):
        lacks = np.array([not one for one in examples.answers or ()])
        assert 0.15 < lacks.mean() < 0.45
        assert not examples.targets[lacks].any()
