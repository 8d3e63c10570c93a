"""Arguments within the names of benchmarks: ``BM_Gemm/m:64/n:128/real_time``, ``test_gemm[64-128]``, ``time_x(64, 8)``.

The names are those of google/benchmark, pytest-benchmark and asv.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from hwcost.exchange.numerals import number

FEWEST_NAMES = 3
"""Different names below which numbers in them may belong to the name."""

FAMILY = "benchmark"
"""Name of the column of the names without their arguments."""

_GOOGLE = re.compile(
    r"(?P<family>[^\W\d][\w.]*(?:/[^\W\d][\w.]*)*?)(?:<(?P<template>[^<>]+)>)?"
    r"(?P<args>(?:/(?:[^\W\d]\w*:)?-?\d+(?:\.\d+)?|/(?:real|process|manual|cpu)_time)*)"
)
_CALLED = re.compile(r"(?P<family>[^\W\d][\w.:/-]*)(?:\[(?P<ids>[^\[\]]+)\]|\((?P<args>[^()]+)\))")
_HOW_MEASURED = frozenset(("iterations", "repeats", "min_time", "min_warmup_time"))
"""Named arguments that say how google/benchmark measured."""

_MARKED = re.compile(r"(?:^|[./:])(?:BM|[Bb]ench|test|time|track|perf)(?:mark)?(?:_|[A-Z]|$)")
"""Beginnings by which the tools find benchmarks."""

Parts = dict[str, Any]


def read_benchmark_names(texts: Sequence[str]) -> list[Parts] | None:
    """Reads the arguments of benchmarks from their names: named ones by name, others as lists ``args`` and ``template``.

    Names without their arguments are ``benchmark`` where they differ. None unless all names have the same arguments, of
    which numbers vary.

    Args:
        texts: Texts of a column.
    """
    if len(set(texts)) < FEWEST_NAMES:
        return None
    cells: list[Parts] = []
    for text in texts:
        parts = _google(text) or _called(text)
        if parts is None or (cells and _shape(parts) != _shape(cells[0])):
            return None
        cells.append(parts)
    if len({cell[FAMILY] for cell in cells}) == 1:
        cells = [{name: value for name, value in cell.items() if name != FAMILY} for cell in cells]
    return cells if any(_is_varied(column) for column in zip(*map(values_of, cells), strict=True)) else None


def values_of(parts: Parts) -> list[str]:
    """Returns all values in order, those of lists one by one."""
    return [value for one in parts.values() for value in (one if isinstance(one, list) else [one])]


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
    if not named and not template and len(args) < 2 - bool(_MARKED.search(family)):
        return None
    lists = {"template": template, "args": args}
    return {FAMILY: family, **named, **{name: values for name, values in lists.items() if values}}


def _shape(parts: Parts) -> list[tuple[str, int]]:
    return [(name, len(value) if isinstance(value, list) else 0) for name, value in parts.items()]


def _is_varied(column: Sequence[str]) -> bool:
    return len(set(column)) > 1 and all(number(text) is not None for text in column)
