"""Small folders of questions in the forms of SQuAD, and the published rules of its evaluation, written down once more."""

from __future__ import annotations

import json
import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

CONTEXT = "The Normans came from Denmark, Iceland and Norway. They were led by Rollo in the 10th century."
QUESTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Where did the Normans come from?", ("Denmark, Iceland and Norway", "Denmark")), ("Who led them?", ("Rollo",)),
    ("When?", ("in the 10th century", "10th century", "the 10th")),
)  # fmt: skip
IMPOSSIBLE = "What is the capital of France?"


def asked(question: str, answers: Sequence[str], context: str = CONTEXT) -> dict[str, Any]:
    """Returns a question as SQuAD's files have it."""
    return {
        "id": question[:9], "question": question,
        "answers": [{"text": text, "answer_start": context.index(text)} for text in answers],
    }  # fmt: skip


def squad(version: str = "1.1", questions: Sequence[Mapping[str, Any]] | None = None) -> dict[str, Any]:
    """Returns the content of a file."""
    own = [asked(*one) for one in QUESTIONS] if questions is None else list(questions)
    if version == "v2.0" and questions is None:
        own = [{**one, "is_impossible": False} for one in own]
        own.append({"question": IMPOSSIBLE, "id": "x", "answers": [], "is_impossible": True, "plausible_answers": []})
    paragraphs = [{"context": CONTEXT, "qas": own[:2]}, {"context": CONTEXT, "qas": own[2:]}]
    return {"version": version, "data": [{"title": "Normans", "paragraphs": paragraphs}]}


def write_squad(folder: Path, version: str = "1.1", **changed: Any) -> Path:
    """Writes a folder; ``train=`` and ``dev=`` are other contents of a file."""
    folder.mkdir(parents=True, exist_ok=True)
    for split in ("train", "dev"):
        content = changed.get(split, squad(version))
        (folder / f"{split}-v{version.removeprefix('v')}.json").write_text(json.dumps(content))
    return folder


def plain(text: str) -> str:
    """Normalises an answer as both evaluation scripts do: lower case, no punctuation, no articles, single blanks."""
    without = "".join(letter for letter in text.lower() if letter not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", without).split())


def judged_1(answers: Sequence[str], found: str) -> tuple[float, float]:
    """Exact match and F1 of version 1.1."""

    def f1(answer: str) -> float:
        own, true = plain(found).split(), plain(answer).split()
        same = sum((Counter(own) & Counter(true)).values())
        if same == 0:
            return 0
        precision, recall = same / len(own), same / len(true)
        return 2 * precision * recall / (precision + recall)

    return max(float(plain(found) == plain(one)) for one in answers), max(f1(one) for one in answers)


def judged_2(answers: Sequence[str], found: str) -> tuple[float, float]:
    """Exact match and F1 of version 2.0."""
    gold = [one for one in answers if plain(one)] or [""]

    def f1(answer: str) -> float:
        true, own = plain(answer).split(), plain(found).split()
        common = Counter(true) & Counter(own)
        if len(true) == 0 or len(own) == 0:
            return int(true == own)
        if sum(common.values()) == 0:
            return 0
        precision, recall = sum(common.values()) / len(own), sum(common.values()) / len(true)
        return 2 * precision * recall / (precision + recall)

    return max(float(plain(one) == plain(found)) for one in gold), max(f1(one) for one in gold)


def best_of(found: Sequence[str], scores: Sequence[float], margins: Sequence[float], has: Sequence[bool]) -> float:
    """The best score over all thresholds, by the script of version 2.0: mean over questions."""
    current = best = float(sum(not one for one in has))
    for place in sorted(range(len(margins)), key=lambda one: margins[one]):
        current += scores[place] if has[place] else (-1 if found[place] else 0)
        best = max(best, current)
    return best / len(scores)
