"""Backends of other distributions: a slip in a class is named before anything is measured."""

from __future__ import annotations

from typing import Any

import pytest

from hwcost.backends import Backend, backend, plugin_backends, usable
from hwcost.errors import ContractError
from hwcost.testing.plugins import registered


class Right(Backend):
    name = "mine"

    @classmethod
    def availability(cls) -> tuple[bool, str]:
        return True, ""

    def version(self) -> dict[str, str]:
        return {"mine": "1"}

    def prepare(self, workload: Any, handle: Any) -> Any:
        raise NotImplementedError


class SaysYes(Right):
    @classmethod
    def availability(cls) -> Any:
        return True


class Fails(Right):
    @classmethod
    def availability(cls) -> Any:
        raise KeyError("home")


class TextOfKinds(Right):
    kinds: Any = "cpu"


class TextOfOptions(Right):
    option_names: Any = "board"


class NoVersion(Backend):
    name = "mine"

    @classmethod
    def availability(cls) -> tuple[bool, str]:
        return True, ""

    def prepare(self, workload: Any, handle: Any) -> Any:
        raise NotImplementedError


class OtherArguments(Right):
    def __init__(self) -> None:
        super().__init__()


class WithoutSuper(Right):
    def __init__(self, threads: int = 1, options: Any = None) -> None:
        self.made = True


class TextOfVersion(Right):
    def version(self) -> Any:
        return "1.0"


class NoBackend:
    name = "mine"


def function(threads: int, options: Any) -> Any:
    return Right(threads, options)


@pytest.mark.parametrize(
    ("member", "said"),
    [
        ("SaysYes", r"the backend 'mine' gave True from availability; expected \(True, ''\)"),
        ("Fails", r"the backend 'mine' failed in availability: KeyError: 'home'"),
        ("TextOfKinds", r"TextOfKinds of backend 'mine' has a text as kinds; expected a tuple of texts, such as \('cpu',\)"),
        ("TextOfOptions", r"has a text as option_names"),
        ("NoVersion", r"the class NoVersion of backend 'mine' lacks the methods version"),
        ("NoBackend", r"'mine' is registered as a backend, and is not a subclass of hwcost.backends.Backend"),
        ("function", r"'mine' is registered as a backend, and is not a subclass of hwcost.backends.Backend"),
    ],
)
def test_a_slip_in_a_class_is_told_before_it_is_made(member: str, said: str) -> None:
    with registered("hwcost.backends", {"mine": f"{__name__}:{member}"}), pytest.raises(ContractError, match=said) as told:
        usable("mine", "cpu", {})
    assert told.value.exit_code == 2


@pytest.mark.parametrize(
    ("member", "said"),
    [
        ("OtherArguments", r"the backend 'mine' failed in __init__: TypeError: .*takes 1 positional argument but 3"),
        ("WithoutSuper", r"WithoutSuper of backend 'mine' does not call super\(\).__init__\(threads, options\)"),
    ],
)
def test_a_slip_in_making_it_is_told(member: str, said: str) -> None:
    with registered("hwcost.backends", {"mine": f"{__name__}:{member}"}), pytest.raises(ContractError, match=said):
        backend("mine")


def test_versions_are_texts_by_package() -> None:
    assert plugin_backends.versions(Right(), "mine") == {"mine": "1"}
    with pytest.raises(ContractError, match=r"gave '1.0' from version; expected a text for each package"):
        plugin_backends.versions(TextOfVersion(), "mine")


@pytest.mark.parametrize(
    ("found", "said"),
    [("lots", "gave 'lots' from free_bytes; expected a whole number of bytes"), (True, "gave True"), (1.5, "gave 1.5")],
)
def test_free_bytes_are_a_whole_number(monkeypatch: pytest.MonkeyPatch, found: Any, said: str) -> None:
    monkeypatch.setattr(Right, "free_bytes", lambda one: found, raising=False)
    with pytest.raises(ContractError, match=said):
        plugin_backends.free_bytes(Right())
    monkeypatch.setattr(Right, "free_bytes", lambda one: 3)
    assert plugin_backends.free_bytes(Right()) == 3


def test_free_bytes_that_fail_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Right, "free_bytes", lambda one: {}["card"])
    with pytest.raises(ContractError, match="the backend 'mine' failed in free_bytes: KeyError: 'card'"):
        plugin_backends.free_bytes(Right())
