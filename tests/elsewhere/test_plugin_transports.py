"""Transports of other distributions: an error names the transport, the method and its slip."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hwcost.elsewhere.transports import Transport, transport
from hwcost.errors import ContractError, UsageError
from hwcost.testing.plugins import registered


class Mine(Transport):
    name = "mine"
    option_names = ()
    ended: Any = (0, "")
    found: Any = True

    def send(self, parts: Any, job: str) -> None:
        if not parts:
            raise KeyError(job)

    def run(self, job: str, arguments: Any, heard: Any) -> Any:
        return self.ended

    def fetch(self, job: str, name: str, target: Path) -> Any:
        return self.found


class NoFetch(Transport):
    name = "mine"
    option_names = ()

    def send(self, parts: Any, job: str) -> None:
        """Sends nothing."""

    def run(self, job: str, arguments: Any, heard: Any) -> tuple[int, str]:
        return 0, ""


class WithoutSuper(Mine):
    def __init__(self, address: Any) -> None:
        self.made = True


def made(member: str = "Mine") -> Transport:
    with registered("hwcost.transports", {"mine": f"{__name__}:{member}"}):
        return transport("mine:///folder")


def test_what_keeps_the_contract_is_handed_on(tmp_path: Path) -> None:
    found = made()
    assert found.run("job", [], print) == (0, "")
    assert found.fetch("job", "results.jsonl", tmp_path / "results.jsonl")


@pytest.mark.parametrize("ended", [None, 0, (None, ""), (0, None)])
def test_an_end_that_is_not_one_is_told(ended: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mine, "ended", ended)
    with pytest.raises(ContractError, match="the transport 'mine' gave .* from run; expected the exit status of the job"):
        made().run("job", [], print)


def test_a_file_is_there_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mine, "found", None)
    with pytest.raises(ContractError, match="the transport 'mine' gave None from fetch; expected whether the file is there"):
        made().fetch("job", "results.jsonl", tmp_path / "results.jsonl")


def test_slips_in_the_class_are_told() -> None:
    with pytest.raises(ContractError, match="the transport 'mine' failed in send: KeyError: 'job'"):
        made().send([], "job")
    with pytest.raises(UsageError, match="its class NoFetch lacks the methods fetch"):
        made("NoFetch")
    with pytest.raises(ContractError, match=r"WithoutSuper of transport 'mine' does not call super\(\).__init__\(address\)"):
        made("WithoutSuper")
