"""Patterns that are compiled when they are first asked answer as those of ``re``."""

from __future__ import annotations

import re
from unittest import mock

import pytest

from hwcost._patterns import Pattern

TEXTS = ("", "a1b22", "22", "A1", "no digits")


@pytest.mark.parametrize(("text", "flags"), [(r"\d+", 0), (r"(?P<letter>[a-z])\d", re.IGNORECASE), (r"^a|2$", 0)])
def test_every_method_answers_as_that_of_re(text: str, flags: int) -> None:
    lazy, compiled = Pattern(text, flags), re.compile(text, flags)
    for one in TEXTS:
        for name in ("fullmatch", "match", "search"):
            mine, theirs = getattr(lazy, name)(one), getattr(compiled, name)(one)
            assert (mine and (mine.span(), mine.groupdict())) == (theirs and (theirs.span(), theirs.groupdict()))
        assert [found.span() for found in lazy.finditer(one)] == [found.span() for found in compiled.finditer(one)]
        assert (lazy.findall(one), lazy.split(one)) == (compiled.findall(one), compiled.split(one))
        assert lazy.sub("-", one) == compiled.sub("-", one)


def test_it_is_compiled_once_and_only_when_it_is_asked() -> None:
    with mock.patch("re.compile", wraps=re.compile) as compile_:
        lazy = Pattern("x+")
        assert not compile_.called
        assert lazy.fullmatch("xx")
        assert not lazy.search("y")
        assert compile_.call_count == 1
