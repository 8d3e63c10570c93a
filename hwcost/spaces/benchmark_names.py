"""Arguments within the names of benchmarks: ``BM_Gemm/m:64/n:128/real_time``, ``test_gemm[64-128]``, ``time_x(64, 8)``.

The names are those of google/benchmark, pytest-benchmark and asv.
"""

from __future__ import annotations

import re
from typing import Any

from hwcost._patterns import Pattern

FAMILY = "benchmark"
"""Name of the column of the names without their arguments."""

_GOOGLE = Pattern(
    r"(?P<family>[^\W\d][\w.]*(?:/[^\W\d][\w.]*)*?)(?:<(?P<template>[^<>]+)>)?"
    r"(?P<args>(?:/(?:[^\W\d]\w*:)?-?\d+(?:\.\d+)?|/(?:real|process|manual|cpu)_time)*)"
)
_NUMBER = Pattern(r"[+-]?\d{1,15}(?:\.\d+)?(?:[eE][+-]?\d{1,2})?")
_CALLED = Pattern(r"(?P<family>[^\W\d][\w.:/-]*)(?:\[(?P<ids>[^\[\]]+)\]|\((?P<args>[^()]+)\))")
_HOW_MEASURED = frozenset(("iterations", "repeats", "min_time", "min_warmup_time"))
"""Named arguments that say how google/benchmark measured."""

_MARKED = Pattern(r"(?:^|[./:])(?:BM|[Bb]ench|test|time|track|perf)(?:mark)?(?:_|[A-Z]|$)")
"""Beginnings by which the tools find benchmarks."""

_OF_FILES = Pattern(
    r"(?:^|[\W_])(?:runs?|exps?|experiments?|models?|checkpoints?|ckpts?|nets?|archs?|trials?|jobs?|samples?|data|results?|logs?)$",
    re.IGNORECASE,
)
"""Ends of names behind which numbers count runs or are parts of a path: ``models/3/64``."""

Parts = dict[str, Any]


def read_benchmark_name(text: str) -> Parts | None:
    """Reads the arguments of a benchmark from its name: named ones by name, others as lists ``args`` and ``template``.

    ``benchmark`` is the name without its arguments. None where a text is anything else.
    """
    return _google(text) or _called(text)


def _google(text: str) -> Parts | None:
    match = _GOOGLE.fullmatch(text)
    if match is None:
        return None
    pairs = [piece.rpartition(":")[::2] for piece in match["args"].split("/") if piece and not piece.endswith("_time")]
    named = {name: value for name, value in pairs if name and name not in _HOW_MEASURED}
    template = [] if match["template"] is None else [piece.strip() for piece in match["template"].split(",")]
    return _parts(match["family"], named, [value for name, value in pairs if not name], template)


def _called(text: str) -> Parts | None:
    match = _CALLED.fullmatch(text)
    if match is None or (match["ids"] is not None and not _MARKED.search(match["family"])):
        return None
    pieces = match["ids"].split("-") if match["args"] is None else match["args"].split(",")
    pairs = [piece.strip().strip("'\"").rpartition("=")[::2] for piece in pieces]
    named = {name: value for name, value in pairs if name}
    return _parts(match["family"], named, [value for name, value in pairs if not name], [])


def _parts(family: str, named: dict[str, str], args: list[str], template: list[str]) -> Parts | None:
    """Returns what a name holds; None where a single number behind it may belong to it, as in ``resnet/50``."""
    is_marked = _MARKED.search(family) is not None
    if not named and not template and (len(args) < 2 - is_marked or (not is_marked and _OF_FILES.search(family))):
        return None
    lists = {"template": template, "args": args}
    values = {name: [_value(value) for value in values] for name, values in lists.items() if values}
    return {FAMILY: family, **values, **{name: _value(value) for name, value in named.items()}}


def _value(text: str) -> int | float | str:
    if not _NUMBER.fullmatch(text):
        return text
    value = float(text)
    return int(value) if value.is_integer() else value
