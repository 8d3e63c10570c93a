"""Architectures that are written as dictionaries and lists: read as plain data, and flattened to named values."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from hwcost._patterns import Pattern

_CLASS = Pattern(r"\w+ ?(?=\{)")
_NUMBER = r"-?\d+(?:\.\d+)?"
_KEY = Pattern(rf"{_NUMBER}(?P<sign>[_|; ])\s*{_NUMBER}(?:(?P=sign)\s*{_NUMBER})*")
_SIZES = Pattern(r"(?!0[xX])\d+(?P<sign>[-xX×:])\d+(?:(?P=sign)\d+)*")
_PRINTED = Pattern(r"\[[\s\d.+\-eE\[\]]+\]")
_SCALAR = Pattern(r"\bnp\.(?:float|u?int)\d*\(([^()]*)\)")
_CELL = Pattern(r"\|(?:[^|~+]+~\d+\|)+(?:\+\|(?:[^|~+]+~\d+\|)+)*")
_ASSIGNED = Pattern(r"\s*[^\W\d]\w*=[\w.+-]+(?:[,;]\s*[^\W\d]\w*=[\w.+-]+)+\s*")
_LABEL = Pattern(r"([^\W\d_]+)[:=-]?(\d+(?:\.\d+)?)")
_LABELS = Pattern(
    r"(?P<word>(?:[^\W\d_]+/[^\W\d_]+[_-])?(?:[^\W\d_]+[_-])*)(?P<labels>(?:[^\W\d_]+[:=-]?\d+(?:\.\d+)?[-_,;/ ]*){2,})"
)
_FILE = Pattern(
    r"(?:.*[\\/])?(?P<stem>[^\\/]+)\.(?:onnx|ort|pt|pth|tflite|engine|plan|xml|pb|mlmodel|safetensors)", re.IGNORECASE
)
_OF_RUNS = frozenset(
    ("run", "exp", "experiment", "trial", "net", "model", "arch", "config", "cfg", "id", "idx", "index", "seed", "sample",
     "job", "rep", "iter", "epoch", "step", "gpu", "cuda", "v", "ver", "version")
)  # fmt: skip
_DIGITS = Pattern(r"[0-9]+")
_OPERATION = Pattern(r"([^|~+]+)~\d+")

_HIGH_DIGITS = frozenset("89")
"""Digits that hardly any list of choices has, and that amounts and running numbers have."""

FEWEST_CODES, SHORTEST_CODE = 20, 4
"""Different texts, and digits of each, from which chance does not leave out 8 and 9."""

LONGEST = 100_000
"""Characters of a text that is read as a dictionary or list."""


def read_nested(text: str) -> Mapping[str, Any] | list[Any] | None:
    """Reads a dictionary, list or tuple that is written in JSON or as Python writes it; None where the text is neither.

    A class may be named before a dictionary, as printed configurations have it: ``BertConfig {...}``. Arrays may be printed
    without commas: ``[8 512]``, and numbers as NumPy shows them: ``[np.float64(0.5)]``. A cell of NAS-Bench-201,
    ``|none~0|+|skip_connect~0|none~1|``, is the list of its operations. Percent signs of addresses (``%7B``) and JSON in a
    text of JSON are decoded; ``layers=4;width=512`` is a dictionary. Nothing is executed: only literals are read.
    """
    if text[:1] in ("%", '"'):
        inner = _decoded(text) if text[0] == "%" else _text(text)
        return None if inner[:1] not in ("{", "[", "(") else read_nested(inner)
    if "=" in text and _ASSIGNED.fullmatch(text):
        pairs = (part.strip().split("=", 1) for part in re.split("[,;]", text))
        return {name: _value(value) for name, value in pairs}
    text = _CLASS.sub("", text, count=1) if text[:1].isalpha() and _CLASS.match(text) else text
    text = _SCALAR.sub(r"\1", text) if "np." in text else text
    if not text or text[0] not in "{[(|" or len(text) > LONGEST:
        return None
    if _CELL.fullmatch(text):
        return list(_OPERATION.findall(text))
    if _PRINTED.fullmatch(text):
        text = re.sub(r"(?<=[\d.\]])\s+(?=[-+\d.\[])", ", ", text)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return None
    if isinstance(value, tuple):
        return list(value)
    return value if isinstance(value, (dict, list)) else None


def _decoded(text: str) -> str:
    from urllib.parse import unquote  # which takes longer to import than all of this

    return unquote(text)


def _value(text: str) -> int | float | str:
    try:
        value = float(text)
    except ValueError:
        return text
    return int(value) if value.is_integer() else value


def _text(text: str) -> str:
    """Returns the text that a text of JSON holds; empty where it holds something else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    return value if isinstance(value, str) else ""


def read_key(text: str) -> list[str] | None:
    """Reads numbers with one sign between them, ``360_360_480`` or ``8-512-4``; None where a text is anything else."""
    for pattern in (_KEY, _SIZES):
        if match := pattern.fullmatch(text):
            return re.split(rf"{re.escape(match['sign'])}\s*", text)
    return None


def are_codes(texts: Collection[str]) -> bool:
    """Whether texts of digits are lists of choices, one digit each, as ``03124`` is: no amounts have only low digits.

    All have the same length, every place has several digits, and none is 8 or 9.
    """
    names = set(texts)
    if len(names) < FEWEST_CODES or len(set(map(len, names))) != 1 or not all(map(_DIGITS.fullmatch, names)):
        return False
    places = [set(place) for place in zip(*names, strict=True)]
    return len(places) >= SHORTEST_CODE and all(len(place) > 1 and place.isdisjoint(_HIGH_DIGITS) for place in places)


def read_labels(text: str) -> tuple[str, dict[str, Any]] | None:
    """Reads numbers behind their labels, ``L12_W768`` or ``bert-l12-w768``: the words before them, and values by label.

    A hyphen may part a label from its number: ``google/bert_uncased_L-12_H-768``. The folder and the ending of a model's
    file are left out: ``nets/bert_l12_w768.onnx``. The numbers of a label that occurs several times are a list:
    ``k3_k5_e6``. None where a text is anything else, or a label names a run rather than a size.
    """
    file = _FILE.fullmatch(text)
    match = _LABELS.fullmatch(text if file is None else file["stem"])
    if match is None:
        return None
    values: dict[str, Any] = {}
    for label, number in _LABEL.findall(match["labels"]):
        values.setdefault(label, []).append(_value(number))
    if len(values) < 2 or not _OF_RUNS.isdisjoint(map(str.lower, values)):
        return None
    return match["word"], {label: one[0] if len(one) == 1 else one for label, one in values.items()}


def flattened(value: Any, name: str = "") -> dict[str, Any]:
    """Returns the values within dictionaries and lists by their path: ``{"ks": [5, 7], "d": 9}`` as ks.0, ks.1 and d.

    Args:
        value: A dictionary, a list, or a single value.
        name: Name of the value itself; a prefix of all others.
    """
    return dict(_leaves(value, name))


def _leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{name}.{index}" if name else str(index))
    else:
        yield name, value
